"""A proxy before a stand-in that lets no large body through, in the manner of nginx, which shares no code with the bot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.world.sockets import tcp_server

PAGE = b"<html><head><title>413 Request Entity Too Large</title></head><body>nginx</body></html>"
REFUSAL = (
    b"HTTP/1.1 413 Request Entity Too Large\r\nServer: nginx\r\nContent-Type: text/html\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(PAGE), PAGE)
)


class LimitedProxy:
    """Passes requests on whose body has at most `limit` bytes; `bodies` are the sizes of all that came with one.

    Like nginx it answers by the announced length, before the body is there, and then reads what still comes.
    """

    def __init__(self, target: str, limit: int) -> None:
        self.limit = limit
        self.bodies: list[int] = []
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = [line for line in head.split(b"\r\n") if line]
            fields = dict(line.lower().split(b": ", 1) for line in lines[1:])
            length = int(fields.get(b"content-length", b"0"))
            if length:
                self.bodies.append(length)
            if length > self.limit:
                writer.write(REFUSAL)
                await writer.drain()
                await reader.readexactly(length)
            else:
                kept = [line for line in lines if not line.lower().startswith(b"connection:")]
                await self._pass_on(
                    b"\r\n".join([*kept, b"Connection: close", b"", b""]) + await reader.readexactly(length),
                    writer,
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _pass_on(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        answer, onward = await asyncio.open_connection(*self._target)
        try:
            onward.write(request)
            while part := await answer.read(65_536):
                writer.write(part)
            await writer.drain()
        finally:
            onward.close()


@asynccontextmanager
async def limited(target: str, limit: int) -> AsyncIterator[tuple[LimitedProxy, str]]:
    """Serve such a proxy on loopback; it and its address."""
    proxy = LimitedProxy(target, limit)
    async with tcp_server(proxy.serve_one) as address:
        yield proxy, f"http://{address}"
