"""What may go wrong before there is a request: a gate before a proxy, where connections meet servers that lie.

    authority = Authority()
    async with faulty(upstream, tls=authority.context("127.0.0.1")) as proxy, gate(proxy, authority) as opened:
        planned = opened.plan(TLS_FAULTS["a certificate that has expired"], times=2)

The gate passes bytes on and reads none of them: what is asked for is known only behind it.
"""

import asyncio
import socket
import ssl
import struct
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import trustme

from tests.world.faulty import Faulty

HOST = "127.0.0.1"
BLOCK = 65_536
HANDSHAKE = 0x16
"""The first byte of a connection that begins with a handshake."""


class Authority:
    """Who vouches for the servers of a test, and for nobody else."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def save(self, path: Path) -> None:
        """Write the certificate that clients are to trust."""
        self._ca.cert_pem.write_to_path(str(path))

    def context(self, name: str = HOST, ends: timedelta = timedelta(days=1)) -> ssl.SSLContext:
        """What a server needs that shows a certificate of a name, which is good until so long from now."""
        now = datetime.now(UTC)
        certificate = self._ca.issue_cert(name, not_before=now - timedelta(days=30), not_after=now + ends)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context


def _old(authority: Authority) -> ssl.SSLContext:
    """A server that nobody has looked after for many years."""
    context = authority.context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@dataclass
class Connection:
    """One that is to go wrong."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gate: "Gate"

    async def hear(self) -> bytes:
        """What the client says next; nothing where it is gone."""
        said = await self.reader.read(BLOCK)
        self.gate.heard += said
        return said

    def reset(self) -> None:
        """Break the connection off as a crash does."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def lead_to(self, context: ssl.SSLContext) -> None:
        """Let a server with this context have it, which keeps what it is told."""
        async with self.gate.liar(context) as port:
            await self.gate.lead(self.reader, self.writer, port, self.gate.heard)


Meet = Callable[[Connection], Awaitable[None]]


@dataclass(frozen=True)
class TlsFault:
    """What a connection meets, and what the log says of it."""

    meet: Meet
    said: str
    is_certificate: bool = False


@dataclass
class Planned:
    """A fault that waits for connections; `met` counts those that met it. `when`: whether the next one is to."""

    fault: TlsFault
    times: int
    when: Callable[[], bool]
    met: int = 0


@dataclass
class Gate:
    """`heard` is what was said on connections that met a fault, `read` what their servers could decrypt of it."""

    inside: int
    authority: Authority
    address: str = ""
    heard: bytearray = field(default_factory=bytearray)
    read: bytearray = field(default_factory=bytearray)
    planned: list[Planned] = field(default_factory=list)
    _open: dict["asyncio.Task[None]", asyncio.StreamWriter] = field(default_factory=dict)

    def plan(self, fault: TlsFault, times: int = 1, when: Callable[[], bool] = lambda: True) -> Planned:
        """Let the next connections go wrong."""
        self.planned.append(Planned(fault, times, when))
        return self.planned[-1]

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def drop(self) -> None:
        """Break off all connections that are open."""
        for writer in self._open.values():
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                planned = next((each for each in self.planned if each.when()), None)
                if planned is None:
                    await self.lead(reader, writer, self.inside, bytearray())
                    return
                planned.met += 1
                if planned.met == planned.times:
                    self.planned.remove(planned)
                await planned.fault.meet(Connection(reader, writer, self))
        finally:
            del self._open[task]
            await _end(writer)

    async def close(self) -> None:
        """Break off what is open, and wait for its end."""
        self.drop()
        await asyncio.gather(*self._open)

    async def lead(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, heard: bytearray
    ) -> None:
        """Pass everything on between a client and the server at a port, until one of them has gone."""
        theirs, to_them = await asyncio.open_connection(HOST, port)
        ways = (
            asyncio.create_task(_pass_on(reader, to_them, heard)),
            asyncio.create_task(_pass_on(theirs, writer, bytearray())),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await _end(to_them)

    @asynccontextmanager
    async def liar(self, context: ssl.SSLContext) -> AsyncIterator[int]:
        """Serve as somebody who keeps what is said, and answers nothing; the port."""

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while said := await reader.read(BLOCK):
                self.read.extend(said)
            await _end(writer)

        server = await asyncio.start_server(listen, HOST, 0, ssl=context)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: bytearray) -> None:
    with suppress(ConnectionError):
        while said := await reader.read(BLOCK):
            heard += said
            writer.write(said)
            await writer.drain()


@asynccontextmanager
async def gate(proxy: Faulty, authority: Authority) -> AsyncIterator[Gate]:
    """Serve a gate before a proxy that speaks TLS."""
    async with AsyncExitStack() as stack:
        port = urlsplit(proxy.address).port
        assert port is not None
        opened = Gate(port, authority)
        server = await asyncio.start_server(opened.serve, HOST, 0)
        stack.push_async_callback(opened.close)
        stack.callback(server.close)
        opened.address = f"https://{HOST}:{server.sockets[0].getsockname()[1]}"
        yield opened


# -- what may go wrong -------------------------------------------------------------------------------------


async def _by_nobody(connection: Connection) -> None:
    await connection.lead_to(Authority().context())


async def _of_another(connection: Connection) -> None:
    await connection.lead_to(connection.gate.authority.context("elsewhere.example"))


async def _expired(connection: Connection) -> None:
    await connection.lead_to(connection.gate.authority.context(ends=timedelta(days=-1)))


async def _only_old(connection: Connection) -> None:
    """What such a server says to the beginning of a handshake is all that it says."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(await connection.hear())
    with suppress(ssl.SSLError):
        _old(connection.gate.authority).wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    connection.writer.write(outgoing.read())
    await connection.writer.drain()


async def _no_tls(connection: Connection) -> None:
    """As a server of plain HTTP; its answer is one that somebody might believe."""
    await connection.hear()
    body = b'{"ok": true, "code": 0, "result": [], "data": []}'
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.writer.write(head.encode() + body)
    await connection.writer.drain()
    while await connection.hear():
        continue


async def _breaks_off(connection: Connection) -> None:
    """In the middle of what the server says first."""
    theirs, to_them = await asyncio.open_connection(HOST, connection.gate.inside)
    to_them.write(await connection.hear())
    connection.writer.write(await theirs.readexactly(100))
    await connection.writer.drain()
    await _end(to_them)


async def _reset(connection: Connection) -> None:
    await connection.hear()
    connection.reset()


async def _silent(connection: Connection) -> None:
    while await connection.hear():
        continue


TLS_FAULTS: dict[str, TlsFault] = {
    "a certificate that nobody vouches for": TlsFault(
        _by_nobody, "unable to get local issuer certificate", True
    ),
    "a certificate of another name": TlsFault(_of_another, "IP address mismatch", True),
    "a certificate that has expired": TlsFault(_expired, "certificate has expired", True),
    "plain HTTP in the place of TLS": TlsFault(_no_tls, "no secure connection"),
    "only TLS 1.1 is offered": TlsFault(_only_old, "no secure connection"),
    "the handshake breaks off": TlsFault(_breaks_off, ""),
    "the handshake is reset": TlsFault(_reset, ""),
    "the handshake never ends": TlsFault(_silent, ""),
}
