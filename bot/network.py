"""The way to the network: HTTP clients that share their TLS contexts, and the addresses that keys may be sent to."""

import errno
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import SplitResult, urlsplit

import httpx
from pydantic import SecretStr

from bot.proxies import Proxies, Proxy


class Network:
    """Opens HTTP clients. `proxies` is what they go through where they name nothing else.

    `transport`, where it is given, answers every request in place of the network.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport | None = None, proxies: Proxies | None = None
    ) -> None:
        self.transport = None if transport is None else _Borrowed(transport)
        self.proxies = proxies or Proxies()

    def proxies_for(self, own: SecretStr) -> Proxies:
        """What a client goes through whose settings say `own`: a proxy, `direct`, or nothing for the usual."""
        return Proxies.of(own.get_secret_value(), self.proxies)

    def client(
        self, *, timeout: float | None = None, http2: bool = False, proxies: Proxies | None = None
    ) -> httpx.AsyncClient:
        """Open a client for requests of `timeout` seconds (None: httpx's default), to be closed by the caller.

        It goes through `proxies` (None: the usual ones), and asks the environment for nothing: what that says is read
        with the settings.
        """
        return httpx.AsyncClient(
            transport=self.transport or self.through(proxies, http2=http2),
            timeout=httpx.Timeout(5.0 if timeout is None else timeout),
            follow_redirects=False,
            trust_env=False,
        )

    def through(
        self,
        proxies: Proxies | None = None,
        *,
        http2: bool = False,
        connections: int = 100,
    ) -> httpx.AsyncBaseTransport:
        """A transport to the network through `proxies` (None: the usual ones), to be closed by the caller.

        It holds at most `connections` by each proxy, and without one.
        """
        return _OnDemand(self, self.proxies if proxies is None else proxies, connections, http2=http2)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """The context of every HTTP/1.1 client; reading the certificates takes some 20 ms."""
        return httpx.create_ssl_context()

    @cached_property
    def tls_http2(self) -> ssl.SSLContext:
        """The context of every HTTP/2 client: httpcore writes the protocols that it offers into it."""
        return httpx.create_ssl_context()


class _Borrowed(httpx.AsyncBaseTransport):
    """A transport that stays open when a client that uses it is closed."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)


class _OnDemand(httpx.AsyncBaseTransport):
    """Makes a transport with the first request that needs it: for plain http or https, by this proxy or that or none."""

    def __init__(self, network: Network, proxies: Proxies, connections: int, *, http2: bool) -> None:
        self._network = network
        self._proxies = proxies
        self._connections = connections
        self._http2 = http2
        self._made: dict[tuple[bool, Proxy | None], httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        secure = request.url.scheme == "https"
        way = (secure, self._proxies.find(request.url.scheme, request.url.host, request.url.port))
        if way not in self._made:
            self._made[way] = self._make(*way)
        return await self._made[way].handle_async_request(request)

    def _make(self, secure: bool, proxy: Proxy | None) -> httpx.AsyncHTTPTransport:
        context = None
        if secure:
            context = self._network.tls_http2 if self._http2 else self._network.tls
        if proxy is not None:
            from bot.tunnels import ProxyTransport  # it loads HTTP/2, which most bots need later or never

            return ProxyTransport(
                proxy,
                context=context,
                proxy_context=lambda: self._network.tls,
                http2=self._http2 and secure,
                connections=self._connections,
                why=why_unreachable,
            )
        return httpx.AsyncHTTPTransport(
            # The context for plain http is never used, and trusts nobody.
            verify=context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            http2=self._http2 and secure,
            limits=httpx.Limits(max_connections=self._connections, max_keepalive_connections=20),
        )

    async def aclose(self) -> None:
        for transport in self._made.values():
            await transport.aclose()


_UNREACHABLE = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "the connection was cut",
    errno.EHOSTUNREACH: "no route to it",
    errno.ENETUNREACH: "no network",
    errno.EACCES: "the system forbids the connection",
    errno.EPERM: "the system forbids the connection",
}


@dataclass(frozen=True, slots=True)
class Insecure:
    """Why no secure connection was made: nothing was sent. `reason` is in OpenSSL's words, and holds no address.

    `is_certificate`: the server shows a certificate that is not good for it, or that nobody vouches for.
    """

    is_certificate: bool
    reason: str

    def __str__(self) -> str:
        subject = "its certificate is refused" if self.is_certificate else "no secure connection"
        return f"{subject}: {self.reason}"


def why_insecure(error: BaseException) -> Insecure | None:
    """What of TLS is behind an error of an HTTP client; None: something else is."""
    found: ssl.SSLError | None = None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, httpx.ProxyError):
            return None
        # aiohttp's own errors are of these classes too, and tell nothing: the innermost is OpenSSL's.
        found = cause if isinstance(cause, ssl.SSLError) else found
        # httpcore keeps what was behind an error as its context only.
        cause = cause.__cause__ or cause.__context__
    if found is None:
        return None
    if isinstance(found, ssl.SSLCertVerificationError):
        # What follows the comma names the host.
        return Insecure(True, found.verify_message.partition(",")[0].rstrip("."))
    return Insecure(False, (found.reason or "handshake failed").replace("_", " ").lower())


def why_unreachable(error: BaseException) -> str:
    """Why a server was not reached, in a few words without an address; empty where the error does not say."""
    if (insecure := why_insecure(error)) is not None:
        return str(insecure)
    words = ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, httpx.ProxyError):
            # It says all that is known, see `bot.tunnels`.
            return str(cause)
        if isinstance(cause, socket.gaierror):
            return "its name is not known to the DNS"
        if isinstance(cause, TimeoutError):
            words = "no answer in time"
        elif isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
            # The innermost knows best, and libraries take a refused connection for one that was too slow.
            words = _UNREACHABLE[cause.errno]
        cause = cause.__cause__ or cause.__context__
    return words


def split(value: str) -> SplitResult | None:
    """The parts of an address; None where it, or its port, cannot be read. Python's own error would quote it."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return parts


def safe_url(value: str) -> str:
    """An http(s) address without credentials; plain http only where it stays on this machine or network.

    Raises:
        ValueError: it is anything else.

    """
    parts = split(value)
    if parts is None:
        raise ValueError("must be an http or https address, its port a number up to 65535")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https address")
    if parts.username or parts.password:
        raise ValueError("must not hold a user name or password")
    if parts.scheme == "http" and not _is_private(parts.hostname):
        raise ValueError("must begin with https:// (plain http is for this machine and private networks)")
    return value


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_private(host: str) -> bool:
    if is_loopback(host) or ("." not in host.strip("[]") and ":" not in host):
        # A name without a dot is one of a container network.
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_private
    except ValueError:
        return False
