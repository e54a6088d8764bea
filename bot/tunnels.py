"""Connections through proxies, for httpx: by HTTP's CONNECT or by SOCKS5, and plain http as HTTP proxies take it.

Until a tunnel stands nothing of a request has left: whatever goes wrong before is an `httpx.ProxyError`, whose text
says what in a few words without an address. What breaks later is an error like any other.
"""

import asyncio
import ipaddress
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any

import h11
import httpcore
import httpx

from bot.proxies import Proxy

LONGEST_ANSWER = 65_536
"""Bytes of a proxy's answer to CONNECT that are read."""

CONNECT_SECONDS = 30.0
"""For a tunnel where a request says no other time."""

KEPT_SECONDS = 5.0
"""How long a connection is kept that nothing is asked by: proxies close them sooner than servers do."""

REFUSED = "the proxy refuses the user name or password"
NEEDED = "the proxy asks for a user name and a password"
HUNG_UP = "the proxy hangs up"

_WORDS = {
    403: "the proxy does not allow this address",
    407: REFUSED,
    502: "the proxy cannot reach the server",
    503: "the proxy is not available",
    504: "the server does not answer the proxy",
}
_SOCKS_WORDS = {
    2: "the proxy does not allow this address",
    3: "the proxy has no network there",
    4: "the proxy cannot reach the server",
    5: "the server refuses the connection of the proxy",
    6: "the server does not answer the proxy",
}
_VERSION, _NO_LOGIN, _LOGIN = 5, 0, 2
_IPV4, _NAME, _IPV6 = 1, 3, 4
_LENGTHS = {_IPV4: 4, _IPV6: 16}

Why = Callable[[BaseException], str]
"""Why a server was not reached, in a few words; see `bot.network.why_unreachable`."""


class ProxyTransport(httpx.AsyncHTTPTransport):
    """Sends requests through one proxy. httpx names the errors, so its own transport is what this is based on.

    `context` is that of https; without it, requests are plain http. `proxy_context` is for a proxy that is spoken to by https.
    """

    def __init__(
        self,
        proxy: Proxy,
        *,
        context: ssl.SSLContext | None,
        proxy_context: Callable[[], ssl.SSLContext],
        http2: bool,
        connections: int,
        why: Why,
    ) -> None:
        self._proxy = proxy
        self._pool: httpcore.AsyncConnectionPool
        if context is not None or proxy.is_socks:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=context,
                http2=http2,
                network_backend=Tunnels(proxy, proxy_context, why),
                max_connections=connections,
                keepalive_expiry=KEPT_SECONDS,
            )
        else:
            host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
            self._pool = httpcore.AsyncHTTPProxy(
                f"{proxy.scheme}://{host}:{proxy.port}",
                proxy_auth=(proxy.user.encode(), proxy.password.encode()) if proxy.has_login else None,
                proxy_ssl_context=proxy_context() if proxy.scheme == "https" else None,
                network_backend=_ToProxy(why),
                max_connections=connections,
                keepalive_expiry=KEPT_SECONDS,
            )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one; an answer that can only be the proxy's own is an error like one of its tunnels."""
        response = await super().handle_async_request(request)
        if response.status_code == 407:
            await response.aclose()
            raise httpx.ProxyError(REFUSED if self._proxy.has_login else NEEDED, request=request)
        return response


class _ToProxy(httpcore.AsyncNetworkBackend):
    """Connects to a proxy; says that it is the proxy where that fails."""

    def __init__(self, why: Why) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._why = why

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the name is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            words = f"the proxy cannot be reached: {self._why(error) or 'no connection'}"
            raise httpcore.ProxyError(words) from None

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Tunnels(httpcore.AsyncNetworkBackend):
    """Connects to servers through a proxy; the proxy looks up their names."""

    def __init__(self, proxy: Proxy, proxy_context: Callable[[], ssl.SSLContext], why: Why) -> None:
        self._proxy = proxy
        self._context = proxy_context
        self._why = why
        self._to_proxy = _ToProxy(why)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the name is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Open a tunnel.

        Raises:
            httpcore.ProxyError: there is none; nothing was sent to the server.

        """
        stream: httpcore.AsyncNetworkStream | None = None
        try:
            async with asyncio.timeout(timeout or CONNECT_SECONDS):
                stream = await self._to_proxy.connect_tcp(
                    self._proxy.host, self._proxy.port, None, local_address, socket_options
                )
                if self._proxy.scheme == "https":
                    stream = await stream.start_tls(self._context(), self._proxy.host)
                shake_hands = _socks5 if self._proxy.is_socks else _connect
                await shake_hands(stream, self._proxy, host.strip("[]"), port)
            tunnel, stream = stream, None
            return tunnel
        except TimeoutError:
            raise httpcore.ProxyError("the proxy does not answer in time") from None
        except httpcore.ProxyError:
            raise
        except (httpcore.NetworkError, httpcore.TimeoutException) as error:
            raise httpcore.ProxyError(f"the proxy: {self._why(error) or 'the connection broke'}") from None
        except (h11.RemoteProtocolError, ValueError):
            raise httpcore.ProxyError("what answers is no such proxy") from None
        finally:
            if stream is not None:
                await stream.aclose()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def _connect(stream: httpcore.AsyncNetworkStream, proxy: Proxy, host: str, port: int) -> None:
    """Ask an HTTP proxy for a tunnel (RFC 9110, 9.3.6)."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    headers = [("Host", target)]
    if proxy.has_login:
        login = b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        headers.append(("Proxy-Authorization", f"Basic {login}"))
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_ANSWER)
    request = h11.Request(method="CONNECT", target=target, headers=headers)
    await stream.write(connection.send(request) or b"")
    connection.send(h11.EndOfMessage())
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Response):
            break
        if event is h11.NEED_DATA:
            data = await stream.read(4096)
            if not data:
                raise httpcore.ProxyError(HUNG_UP)
            connection.receive_data(data)
    status = event.status_code
    if status == 407 and len(headers) == 1:
        raise httpcore.ProxyError(NEEDED)
    if not 200 <= status < 300:
        raise httpcore.ProxyError(f"{_WORDS.get(status, 'the proxy does not connect')} ({status})")


async def _socks5(stream: httpcore.AsyncNetworkStream, proxy: Proxy, host: str, port: int) -> None:
    """Ask a SOCKS5 proxy for a tunnel (RFC 1928; user name and password: RFC 1929)."""
    login = (proxy.user.encode(), proxy.password.encode())
    methods = bytes([_NO_LOGIN, _LOGIN] if any(login) else [_NO_LOGIN])
    await stream.write(bytes([_VERSION, len(methods)]) + methods)
    version, method = await _read(stream, 2)
    if version != _VERSION:
        raise ValueError("another version")
    if method == _LOGIN:
        await stream.write(b"\x01" + b"".join(bytes([len(part)]) + part for part in login))
        if (await _read(stream, 2))[1] != 0:
            raise httpcore.ProxyError(REFUSED)
    elif method != _NO_LOGIN:
        raise httpcore.ProxyError(REFUSED if any(login) else NEEDED)
    await stream.write(bytes([_VERSION, 1, 0]) + _socks_address(host) + port.to_bytes(2, "big"))
    version, code, _, kind = await _read(stream, 4)
    if version != _VERSION:
        raise ValueError("another version")
    if code != 0:
        raise httpcore.ProxyError(_SOCKS_WORDS.get(code, "the proxy does not connect"))
    # Where the proxy connects from, which nobody needs.
    length = _LENGTHS[kind] if kind in _LENGTHS else (await _read(stream, 1))[0]
    await _read(stream, length + 2)


def _socks_address(host: str) -> bytes:
    """A host as SOCKS5 writes it: its kind, then the address or the name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna") if not host.isascii() else host.encode()
        return bytes([_NAME, len(name)]) + name
    return bytes([_IPV4 if address.version == 4 else _IPV6]) + address.packed


async def _read(stream: httpcore.AsyncNetworkStream, size: int) -> bytes:
    """So many bytes: an answer may come in pieces."""
    read = b""
    while len(read) < size:
        data = await stream.read(size - len(read))
        if not data:
            raise httpcore.ProxyError(HUNG_UP)
        read += data
    return read
