"""Somebody before a stand-in: notes every request, answers in its place what a test says, or holds one for ever."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Matches = Callable[[Scope], bool]
Answer = Response | Callable[[Request], Awaitable[Response]]


class Front:
    """`calls` are what was asked, by name, with its parameters, and `paths` where; files are shown by their size.

    Of accounts the bot asks by the clock, beside everything else: their paths are left out.

    `name_of` names a request; what it has no name for passes unnoticed.
    """

    def __init__(self, inner: ASGIApp, name_of: Callable[[Scope], str | None]) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.paths: list[str] = []
        self._inner = inner
        self._name_of = name_of
        self._answers: list[tuple[str, Answer]] = []
        self._always: dict[str, Answer] = {}
        self._gate: tuple[Matches, bool, asyncio.Event] | None = None

    def answer(self, name: str, *answers: Answer) -> None:
        """Answer the next requests of that name in the place of the stand-in."""
        self._answers += [(name, answer) for answer in answers]

    def always(self, name: str, answer: Answer) -> None:
        """Answer every request of that name for which no other answer is planned."""
        self._always[name] = answer

    def forget(self, name: str) -> None:
        """Let the stand-in answer requests of that name again."""
        self._always.pop(name, None)

    def of(self, name: str) -> list[dict[str, Any]]:
        """The requests of one name."""
        return [params for called, params in self.calls if called == name]

    def hold(self, matches: Matches, *, inside: bool) -> asyncio.Event:
        """Hold the next request that matches until its sender is gone; the event says that it is here.

        With `inside` the request reaches the stand-in first, and only the answer is held back.
        """
        reached = asyncio.Event()
        self._gate = (matches, inside, reached)
        return reached

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = self._name_of(scope) if scope["type"] == "http" else None
        if name is None:
            await self._inner(scope, receive, send)
            return
        if self._gate is not None and self._gate[0](scope):
            await self._held(scope, receive)
            return
        body = await Request(scope, receive).body()
        self.calls.append((name, await _read(scope, body)))
        if not scope["path"].startswith("/account/"):
            self.paths.append(scope["path"])
        answer = self._planned(name)
        if answer is None:
            await self._inner(scope, _again(body, receive), send)
            return
        request = Request(scope, _again(body, receive))
        response = answer if isinstance(answer, Response) else await answer(request)
        await response(scope, receive, send)

    def _planned(self, name: str) -> Answer | None:
        for number, (expected, answer) in enumerate(self._answers):
            if expected == name:
                del self._answers[number]
                return answer
        return self._always.get(name)

    async def _held(self, scope: Scope, receive: Receive) -> None:
        assert self._gate is not None
        _, inside, reached = self._gate
        self._gate = None
        if inside:
            await self._inner(scope, receive, _swallow)
        reached.set()
        while (await receive())["type"] != "http.disconnect":
            continue


async def _swallow(message: Message) -> None:
    """An answer that nobody hears."""


def _again(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


async def _read(scope: Scope, body: bytes) -> dict[str, Any]:
    request = Request(scope, _again(body, _nothing_more))
    if "json" in request.headers.get("content-type", ""):
        return dict(json.loads(body))
    params: dict[str, Any] = dict(request.query_params)
    async with request.form() as form:
        for name, value in form.multi_items():
            if not isinstance(value, str):
                params[name] = {"size": value.size, "name": value.filename}
                continue
            try:
                params[name] = json.loads(value)
            except ValueError:
                params[name] = value
    return params


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}
