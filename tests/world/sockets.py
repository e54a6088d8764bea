"""Servers of raw bytes on loopback, which end their connections before they are gone."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

HOST = "127.0.0.1"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def tcp_server(handle: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve every connection with `handle`, as `host:port`.

    What is still open at the end is cut off and waited for: `asyncio.Server` leaves it to the end of the loop, where
    it is found unclosed, in another test.
    """
    handling: set[asyncio.Future[None]] = set()
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        # A handler of its own can be cut off; this task must end by itself, as `asyncio` logs it where it is cut off.
        handler = asyncio.ensure_future(handle(reader, writer))
        serving.add(task)
        handling.add(handler)
        try:
            await asyncio.wait({handler})
            if not handler.cancelled():
                handler.result()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            handling.discard(handler)
            serving.discard(task)

    server = await asyncio.start_server(serve, HOST, 0, ssl=tls)
    try:
        yield f"{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
        for handler in tuple(handling):
            handler.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
