"""Proxies on loopback: an HTTP proxy (CONNECT, and plain http with whole addresses) and a SOCKS5 server.

    async with open_proxy("socks5", login=("ada", "s3cret-words")) as proxy:
        settings["network"] = {"proxy": proxy.url}

They share no code with the client: both are written from RFC 9112, RFC 9110, RFC 1928 and RFC 1929.
"""

import asyncio
import ipaddress
import socket
import struct
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit

from tests.world.sockets import tcp_server

Kind = Literal["http", "socks5", "socks5h"]
BLOCK = 65_536


@dataclass
class ProxyServer:
    """One proxy. `targets` are where it was asked to connect, `refused` counts wrong logins, `ports` are its own.

    `status` is answered to whoever asks for a connection: an HTTP status, or a code of SOCKS5 (0: none). `hangs_up`
    ends each connection before it is answered; `breaks_after` bytes of a client's, tunnels break.
    """

    kind: Kind
    login: tuple[str, str] | None = None
    hosts: dict[str, str] = field(default_factory=dict)
    address: str = ""
    targets: list[str] = field(default_factory=list)
    connections: int = 0
    refused: int = 0
    status: int = 0
    hangs_up: bool = False
    breaks_after: int | None = None
    ports: set[int] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The proxy as settings name it."""
        return self.url_for(self.login)

    def url_for(self, login: tuple[str, str] | None) -> str:
        """The proxy as settings name it that have this login."""
        who = "" if login is None else ":".join(quote(part, safe="") for part in login) + "@"
        return f"{self.kind}://{who}{self.address}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            if self.hangs_up:
                await reader.read(1)
            elif self.kind == "http":
                await self._serve_http(reader, writer)
            else:
                await self._serve_socks(reader, writer)

    # -- HTTP ----------------------------------------------------------------------------------------

    async def _serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, version = first.split(" ")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        given = next((value for name, value in headers if name.lower() == "proxy-authorization"), "")
        if not self._lets_in(given):
            self.refused += 1
            writer.write(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
                b"Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
            await writer.drain()
            return
        if self.status:
            writer.write(
                f"HTTP/1.1 {self.status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()
            return
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            upstream = await self._dial(host.strip("[]"), int(port))
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await self._splice((reader, writer), upstream)
            return
        parts = urlsplit(target)
        theirs, to_them = await self._dial(parts.hostname or "", parts.port or 80)
        path = target.split(parts.netloc, 1)[1] or "/"
        kept = [
            f"{name}: {value}"
            for name, value in headers
            if name.lower() not in {"proxy-authorization", "connection"}
        ]
        to_them.write(
            "\r\n".join([f"{method} {path} {version}", *kept, "Connection: close", "", ""]).encode()
        )
        await self._splice((reader, writer), (theirs, to_them))

    def _lets_in(self, given: str) -> bool:
        if self.login is None:
            return True
        scheme, _, coded = given.partition(" ")
        return scheme == "Basic" and b64decode(coded).decode() == ":".join(self.login)

    # -- SOCKS5 --------------------------------------------------------------------------------------

    async def _serve_socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        wanted = 0 if self.login is None else 2
        if wanted not in offered:
            self.refused += 1
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, wanted]))
        if self.login is not None and not await self._socks_login(reader, writer):
            return
        _, command, _, kind = await reader.readexactly(4)
        assert command == 1
        if kind == 3:
            (length,) = await reader.readexactly(1)
            host = (await reader.readexactly(length)).decode()
        else:
            host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        if self.status:
            writer.write(bytes([5, self.status, 0, 1]) + bytes(6))
            return
        upstream = await self._dial(host, port)
        # In pieces, and with a name where the proxy connects from: both are allowed.
        for piece in (b"\x05\x00", b"\x00\x03\x05pr", b"oxy\x00\x50"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        await self._splice((reader, writer), upstream)

    async def _socks_login(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        _, length = await reader.readexactly(2)
        user = (await reader.readexactly(length)).decode()
        (length,) = await reader.readexactly(1)
        password = (await reader.readexactly(length)).decode()
        known = (user, password) == self.login
        self.refused += not known
        writer.write(bytes([1, 0 if known else 1]))
        return known

    # -- in common -----------------------------------------------------------------------------------

    async def _dial(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.targets.append(f"{host}:{port}")
        where = urlsplit(f"//{self.hosts.get(f'{host}:{port}', f'{host}:{port}')}")
        upstream = await asyncio.open_connection(where.hostname, where.port)
        self.ports.add(upstream[1].get_extra_info("sockname")[1])
        return upstream

    async def _splice(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Pass on everything in both directions until one of them has ended."""
        ways = (
            asyncio.ensure_future(self._pass_on(client[0], server[1], self.breaks_after)),
            asyncio.ensure_future(self._pass_on(server[0], client[1], None)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            if self.breaks_after is not None:
                raw = client[1].get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client[1].transport.abort()
            server[1].close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None
    ) -> None:
        passed = 0
        while data := await reader.read(BLOCK):
            writer.write(data)
            await writer.drain()
            passed += len(data)
            if most is not None and passed >= most:
                return


@asynccontextmanager
async def open_proxy(kind: Kind, login: tuple[str, str] | None = None) -> AsyncIterator[ProxyServer]:
    """Serve a proxy on loopback."""
    proxy = ProxyServer(kind, login)
    async with tcp_server(proxy.serve) as proxy.address:
        yield proxy
