"""Servers of raw bytes on loopback, which end their connections before they are gone."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

HOST = "127.0.0.1"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def tcp_server(handle: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve every connection with `handle`, as `host:port`.

    What is still open at the end is cut off and waited for: `asyncio.Server` leaves it to the end of the loop, where
    it is found unclosed, in another test.
    """
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await handle(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            running.discard(task)

    server = await asyncio.start_server(serve, HOST, 0, ssl=tls)
    try:
        yield f"{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
