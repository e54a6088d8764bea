"""A proxy before a stand-in where requests go wrong, below what HTTP libraries can be made to do.

    async with faulty(world.telegram_url) as proxy:
        planned = proxy.plan(FAULTS["reset before"], lambda request: request.path.endswith("/sendMessage"))

Everything else is passed on, each request over a connection of its own, but for those that `keeps` names.
"""

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from ssl import SSLContext
from urllib.parse import urlsplit

MOST_BYTES = 256 * 1_000_000
"""So much is sent of a body that does not end."""

BLOCK = b"x" * 65_536
HOLD_SECONDS = 8.0
"""How long what does not answer keeps the connection open, unless the client gives up before."""

LATE_SECONDS = 1.2
PAUSE = 2
"""Seconds that a 429 asks for."""


@dataclass(frozen=True)
class Request:
    """A request as it came. `head` ends with the empty line."""

    method: str
    target: str
    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def holds(self, words: str) -> bool:
        """Whether its address or its body holds these words."""
        return words in self.target or words.encode() in self.body


@dataclass
class Exchange:
    """A request that is to go wrong, and both ways that it may go."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upstream: tuple[str, int]

    async def ask(self) -> tuple[list[bytes], bytes]:
        """Hand the request to the server; the lines of its answer's head, and the body."""
        reader, writer = await asyncio.open_connection(*self.upstream)
        try:
            writer.write(_for_one_answer(self.request))
            answer = await reader.read()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        if any(line.lower().startswith(b"transfer-encoding") for line in lines):
            body = _joined(body)
            lines = [line for line in lines if not line.lower().startswith(b"transfer-encoding")]
        kept = [line for line in lines if not line.lower().startswith((b"content-length", b"connection"))]
        return kept, body

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def say(self, status: str, body: bytes, *lines: str, kind: str = "text/html") -> None:
        """Answer in the place of the server."""
        head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *lines]
        await self.send("\r\n".join([*head, "Connection: close", "", ""]).encode(), body)

    async def pass_on(self, lines: list[bytes], body: bytes, length: int | None) -> None:
        """Give the client an answer, whatever its length is said to be; None: nothing is said of it."""
        said = [] if length is None else [b"Content-Length: %d" % length]
        await self.send(b"\r\n".join([*lines, *said, b"Connection: close", b"", b""]), body)

    def reset(self) -> None:
        """Break the connection off as a crash does."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def left(self) -> None:
        """Wait until the client is gone."""
        while await self.reader.read(1024):
            continue


Fault = Callable[[Exchange], Awaitable[None]]
Matches = Callable[[Request], bool]


@dataclass
class Planned:
    """A fault that waits for requests; `met` counts those that met it."""

    fault: Fault
    matches: Matches
    times: int
    met: int = 0


@dataclass
class Faulty:
    """The proxy. `passed` are all requests that came, by method and path.

    `secure`: it is spoken to by TLS, which the server behind it is told. After a request that `keeps` names the
    connection stays open for more of them.
    """

    upstream: tuple[str, int]
    address: str = ""
    secure: bool = False
    keeps: Matches = lambda _: False
    passed: list[tuple[str, str]] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    _open: set["asyncio.Task[None]"] = field(default_factory=set)

    def plan(self, fault: Fault, matches: Matches, times: int = 1) -> Planned:
        """Let the next requests that match go wrong."""
        self.planned.append(Planned(fault, matches, times))
        return self.planned[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, which carries one request, or several that it is kept for."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
                while await self._serve_one(reader, writer):
                    continue
        except asyncio.CancelledError:
            pass
        finally:
            self._open.discard(task)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether there may be another."""
        request = await _read(reader)
        self.passed.append((request.method, request.path))
        if self.secure:
            request = replace(
                request, head=request.head.replace(b"\r\n", b"\r\nX-Forwarded-Proto: https\r\n", 1)
            )
        exchange = Exchange(request, reader, writer, self.upstream)
        planned = next((each for each in self.planned if each.matches(request)), None)
        if planned is not None:
            planned.met += 1
            if planned.met == planned.times:
                self.planned.remove(planned)
            await planned.fault(exchange)
            return False
        if not self.keeps(request):
            await self._relay(exchange)
            return False
        lines, body = await exchange.ask()
        await exchange.send(b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", b""]), body)
        return True

    async def close(self) -> None:
        """Break off what is still open."""
        # A connection that was just accepted is served from the next round of the loop on, and closed by that alone.
        await asyncio.sleep(0)
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _relay(self, exchange: Exchange) -> None:
        reader, writer = await asyncio.open_connection(*self.upstream)
        left = asyncio.create_task(exchange.left())
        try:
            writer.write(_for_one_answer(exchange.request))
            while True:
                reading = asyncio.create_task(reader.read(len(BLOCK)))
                await asyncio.wait({reading, left}, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    reading.cancel()
                    return
                if not (block := reading.result()):
                    return
                await exchange.send(block)
        finally:
            writer.close()
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)


@asynccontextmanager
async def faulty(
    upstream: str, tls: SSLContext | None = None, keeps: Matches = lambda _: False
) -> AsyncIterator[Faulty]:
    """Serve a proxy before the server at an address; its own address has no slash at the end."""
    parts = urlsplit(upstream)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = Faulty((parts.hostname, parts.port), secure=tls is not None, keeps=keeps)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=tls, limit=2**20)
    proxy.address = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "chunked" in headers.get("transfer-encoding", ""):
        parts = []
        while (size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)) > 0:
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        body = b"".join(parts)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, target, _ = first.split(" ")
    return Request(method, target, head, body)


def _for_one_answer(request: Request) -> bytes:
    """The request as the server gets it: whole, and the end of the connection is the end of the answer."""
    lines = request.head.rstrip(b"\r\n").split(b"\r\n")
    names = (b"connection:", b"transfer-encoding:", b"content-length:", b"accept-encoding:", b"expect:")
    kept = [line for line in lines if not line.lower().startswith(names)]
    kept += [b"Content-Length: %d" % len(request.body), b"Connection: close"]
    return b"\r\n".join([*kept, b"", request.body])


def _joined(chunks: bytes) -> bytes:
    body = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            break
        body, chunks = body + rest[:length], rest[length + 2 :]
    return body


# -- what may go wrong -------------------------------------------------------------------------------------

HTML = b"<html><body><h1>Something is wrong here</h1></body></html>"


def status(
    line: str, *headers: str, body: bytes = HTML, kind: str = "text/html", reaches: bool = False
) -> Fault:
    """Answer with a status of somebody on the way; `reaches`: the server did what it was asked first."""

    async def act(exchange: Exchange) -> None:
        if reaches:
            await exchange.ask()
        await exchange.say(line, body, *headers, kind=kind)

    return act


def redirect(location: str) -> Fault:
    """Send the client elsewhere; `{self}` stands for where it is."""

    async def act(exchange: Exchange) -> None:
        await exchange.say(
            "302 Found", b"", f"Location: {location.replace('{self}', exchange.request.target)}"
        )

    return act


async def late(exchange: Exchange) -> None:
    lines, body = await exchange.ask()
    await asyncio.sleep(LATE_SECONDS)
    await exchange.pass_on(lines, body, len(body))


async def silent_before(exchange: Exchange) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(exchange.left(), HOLD_SECONDS)


async def silent_after(exchange: Exchange) -> None:
    await exchange.ask()
    await silent_before(exchange)


async def reset_before(exchange: Exchange) -> None:
    exchange.reset()


async def reset_after(exchange: Exchange) -> None:
    await exchange.ask()
    exchange.reset()


async def broken_off(exchange: Exchange) -> None:
    lines, body = await exchange.ask()
    await exchange.pass_on(lines, body[: len(body) // 2], len(body))


async def broken_head(exchange: Exchange) -> None:
    await exchange.ask()
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Ty")


async def other_type(exchange: Exchange) -> None:
    lines, body = await exchange.ask()
    kept = [line for line in lines if not line.lower().startswith(b"content-type")]
    await exchange.pass_on([*kept, b"Content-Type: text/html"], body, len(body))


async def too_long(exchange: Exchange) -> None:
    lines, body = await exchange.ask()
    await exchange.pass_on(lines, body, len(body) + 1000)


async def too_short(exchange: Exchange) -> None:
    lines, body = await exchange.ask()
    await exchange.pass_on(lines, body, max(0, len(body) - 10))


async def no_length(exchange: Exchange) -> None:
    lines, body = await exchange.ask()
    await exchange.pass_on(lines, body, None)


async def not_a_length(exchange: Exchange) -> None:
    lines, body = await exchange.ask()
    await exchange.pass_on([*lines, b"Content-Length: many"], body, None)


async def endless(exchange: Exchange) -> None:
    await exchange.ask()
    await exchange.pass_on([b"HTTP/1.1 200 OK", b"Content-Type: application/json"], b"", None)
    for _ in range(MOST_BYTES // len(BLOCK)):
        await exchange.send(BLOCK)


async def by_the_byte(exchange: Exchange) -> None:
    lines, body = await exchange.ask()
    await exchange.pass_on(lines, b"", len(body))
    # The end of a long body comes at once: what is slow is shown by its beginning.
    for number in range(min(400, len(body))):
        await exchange.send(body[number : number + 1])
        await asyncio.sleep(0.002)
    await exchange.send(body[400:])


async def never_done(exchange: Exchange) -> None:
    """A byte now and then, so that no wait for the next one is ever too long."""
    lines, body = await exchange.ask()
    await exchange.pass_on(lines, b"", len(body) + 10_000)
    for _ in range(round(HOLD_SECONDS / 0.5)):
        await exchange.send(b" ")
        await asyncio.sleep(0.5)


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(200 * 1_000_000), 1)


async def bomb(exchange: Exchange) -> None:
    await exchange.ask()
    await exchange.say("200 OK", _bomb(), "Content-Encoding: gzip", kind="application/json")


def _busy(seconds: int | None) -> bytes:
    """What the Bot API says, which Kling's side does not read."""
    body = {"ok": False, "error_code": 429, "description": "Too Many Requests"}
    if seconds is not None:
        body |= {
            "description": f"Too Many Requests: retry after {seconds}",
            "parameters": {"retry_after": seconds},
        }
    return json.dumps(body).encode()


JSON = "application/json"
FAULTS: dict[str, Fault] = {
    "the answer comes late": late,
    "the answer comes a byte at a time": by_the_byte,
    "no answer, and the server never got it": silent_before,
    "no answer, though the server has done it": silent_after,
    "an answer that never ends, a byte now and then": never_done,
    "reset before the server got it": reset_before,
    "reset after the server has done it": reset_after,
    "the answer breaks off": broken_off,
    "the head of the answer breaks off": broken_head,
    "429 without Retry-After": status("429 Too Many Requests", body=_busy(None), kind=JSON),
    "429 with Retry-After": status(
        "429 Too Many Requests", f"Retry-After: {PAUSE}", body=_busy(PAUSE), kind=JSON
    ),
    "500 of somebody on the way": status("500 Internal Server Error"),
    "502 of somebody on the way": status("502 Bad Gateway"),
    "503 of somebody on the way": status("503 Service Unavailable", "Retry-After: 1"),
    "504 of somebody on the way": status("504 Gateway Timeout"),
    "502 after the server has done it": status("502 Bad Gateway", reaches=True),
    "504 after the server has done it": status("504 Gateway Timeout", reaches=True),
    "another content type": other_type,
    "Content-Length too large": too_long,
    "Content-Length too small": too_short,
    "Content-Length is not a number": not_a_length,
    "no Content-Length": no_length,
    "a body without an end": endless,
    "a page of HTML with status 200": status("200 OK", reaches=True),
    "JSON that breaks off": status("200 OK", body=b'{"ok": true, "res', kind=JSON, reaches=True),
    "JSON of another shape": status("200 OK", body=b"[1, 2]", kind=JSON, reaches=True),
    "an empty answer": status("200 OK", body=b"", kind=JSON, reaches=True),
    "a small body that unpacks to 200 MB": bomb,
    "redirect to another host": redirect("http://127.0.0.1:9/elsewhere"),
    "redirect to itself": redirect("{self}"),
    "redirect to a file": redirect("file:///etc/passwd"),
    "redirect into the network": redirect("http://169.254.169.254/latest/meta-data"),
}
