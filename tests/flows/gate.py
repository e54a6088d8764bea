"""Somebody on the way to a stand-in who lets one request wait for ever: the moment to pull the plug."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Gate:
    """Holds the first request that `matches` until its sender is gone; everything else passes.

    With `inside` the request reaches the stand-in first, and only the answer is held back.
    """

    def __init__(self, inner: ASGIApp, matches: Callable[[Scope], bool], *, inside: bool) -> None:
        self.reached = asyncio.Event()
        self._inner = inner
        self._matches = matches
        self._inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.reached.is_set() or not self._matches(scope):
            await self._inner(scope, receive, send)
            return
        if self._inside:
            await self._inner(scope, receive, _swallow)
        self.reached.set()
        while (await receive())["type"] != "http.disconnect":
            continue


async def _swallow(message: Message) -> None:
    """An answer that nobody hears."""
