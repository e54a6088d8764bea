"""An independent server of results: it answers byte for byte by path, when it is let, and remembers who asked with what."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.world.sockets import tcp_server

HOST = "127.0.0.1"
PIECE = 8_192


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; names of headers are in lower case."""

    path: str
    headers: dict[str, str]


Answer = bytes | Callable[[Asked], bytes]
"""The whole answer as it goes over the wire; empty bytes break the connection off."""


@dataclass
class ResultServer:
    """`answers` by path; what stands under no path is 404. `before` is waited for before each answer."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    before: Callable[[], Awaitable[object]] | None = None

    @property
    def keys(self) -> list[str | None]:
        """The `Authorization` of each request."""
        return [each.headers.get("authorization") for each in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request in pieces, and close."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(_header(line) for line in head[1:] if line)
            asked = Asked(head[0].split(" ")[1], headers)
            self.asked.append(asked)
            if self.before is not None:
                await self.before()
            found = self.answers.get(asked.path, answer(b"", "404 Not Found"))
            whole = found if isinstance(found, bytes) else found(asked)
            if not whole:
                _reset(writer)
                return
            for start in range(0, len(whole), PIECE):
                writer.write(whole[start : start + PIECE])
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def result_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[ResultServer]:
    """Serve on loopback."""
    made = ResultServer()
    async with tcp_server(made.serve, tls) as address:
        made.url = f"http{'' if tls is None else 's'}://{address}"
        yield made


def answer(body: bytes, status: str = "200 OK", length: int | None = None, **headers: str) -> bytes:
    """A whole answer; `length` is what it says of its length, None: the truth."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection off as a crash does."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
