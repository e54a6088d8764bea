"""Serves an ASGI app inside this process, and stops at once when that is over.

uvicorn looks ten times a second whether it should stop, and sleeps before it closes connections; this server
waits for an event instead.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

_DATE_SECONDS = 1.0
"""How often the `Date` header is renewed."""

_CLOSING_SECONDS = 0.01

HEAD_SECONDS = 10.0
"""How long a client may take for the head of a request; uvicorn would wait for ever."""


class _Server(uvicorn.Server):
    """Leaves the signal handlers alone: the program that embeds it has its own."""

    def __init__(self, config: uvicorn.Config, grace_seconds: float) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.stopping = asyncio.Event()
        self._grace_seconds = grace_seconds
        self._unasked: dict[Any, tuple[object, float]] = {}

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        while not self.stopping.is_set():
            await self.on_tick(0)
            self._drop_slow(asyncio.get_running_loop().time())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DATE_SECONDS):
                    await self.stopping.wait()

    def _drop_slow(self, now: float) -> None:
        """Close the connections on which nothing has been asked for too long."""
        before, self._unasked = self._unasked, {}
        for connection in self.server_state.connections:
            last = getattr(connection, "cycle", None)
            if last is not None and not last.response_complete:
                continue
            known, since = before.get(connection, (last, now))
            since = since if known is last else now
            self._unasked[connection] = (last, since)
            if now - since > HEAD_SECONDS:
                connection.transport.close()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self._grace_seconds):
                await self._requests_answered()
        except TimeoutError:
            for task in list(self.server_state.tasks):
                task.cancel()
        await self.lifespan.shutdown()

    async def _requests_answered(self) -> None:
        while self.server_state.tasks:
            await asyncio.wait(list(self.server_state.tasks))
        # A closed connection is gone after a turn of the loop, or when the last bytes of its answer are sent.
        await asyncio.sleep(0)
        while self.server_state.connections:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(_CLOSING_SECONDS)


@asynccontextmanager
async def serve(
    app: ASGIApp, listener: socket.socket, *, grace_seconds: float, lifespan: bool = False
) -> AsyncIterator[int]:
    """Serve `app` on a bound socket, which is closed at the end, and yield its port.

    Requests that are being answered at the end have `grace_seconds`.
    """
    config = uvicorn.Config(
        app,
        lifespan="auto" if lifespan else "off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=5,
    )
    server = _Server(config, grace_seconds)
    # A socket that knows its protocol: asyncio turns off Nagle's algorithm for those only, and answers of
    # more than one packet would wait 40 ms for an acknowledgement.
    listener = socket.socket(fileno=listener.detach())
    port: int = listener.getsockname()[1]
    running = asyncio.create_task(server.serve(sockets=[listener]))
    listening = asyncio.create_task(server.listening.wait())
    try:
        await asyncio.wait({running, listening}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
            raise RuntimeError("the server ended before it listened")
        yield port
    finally:
        listening.cancel()
        server.stopping.set()
        await running
        listener.close()
