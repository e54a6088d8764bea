"""Stream a result to disk: never whole in memory, never from a place that a result cannot come from.

Each host is resolved and checked before it is asked, and the address that was really connected to is
checked again, so that a name which changes between the two (DNS rebinding) gains nothing. Redirects
are followed by hand, each checked anew. Addresses may be signed: messages name the host only.

Through a proxy the same is checked here. For an address that nobody vouches for, the proxy is told the address that was
checked, and not the name; where a provider names it, the proxy may look the name up, also one that only it knows: the
certificate then says who answers.

The provider's own host is as good as the settings that name it. Its key is sent to the very origin of the settings,
and to nobody any more once a redirect has led elsewhere.
"""

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.domain.requests.operations import Product
from bot.kling.addresses import Home, is_local
from bot.network import why_insecure
from bot.proxies import Proxies

SPEED_WINDOW = 10.0
"""Seconds over which the speed of a download is measured: a short stall is not slowness."""

MAX_REDIRECTS = 5
_HEAD = 12
_LENGTH = re.compile(r"[0-9]{1,15}")
_RANGE = re.compile(r"bytes 0-([0-9]{1,15})/([0-9]{1,15})")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 425, 429})
"""What of the 4xx is about the moment, and not about what was asked for."""

Resolve = Callable[[str], Awaitable[list[str]]]


class DownloadRefused(Exception):
    """It must not or cannot be fetched, now or later: unsafe address, too large, not what it should be."""


class DownloadTooLarge(DownloadRefused):
    """It is what it should be, but larger than was asked for. `size` in bytes, where the server tells it."""

    def __init__(self, host: str, size: int | None, max_bytes: int) -> None:
        super().__init__(f"{host} sends {'more' if size is None else f'{size} bytes, more'} than {max_bytes}")
        self.size = size


class DownloadGone(Exception):
    """It is not there, or not for us: not yet, or no longer; a fresh look at the task may bring a new link."""


class DownloadFailed(Exception):
    """Not this time: the network or the server had a bad moment; try again later."""


class DownloadUntrusted(DownloadFailed):
    """The certificate of `host` is refused, and nothing was sent there; `reason` in OpenSSL's words."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host}: its certificate is refused: {reason}")
        self.host = host
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file on disk. `size` in bytes."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Egress:
    """A client, and the proxies that it goes through."""

    http: httpx.AsyncClient
    proxies: Proxies = Proxies()


@dataclass(frozen=True, slots=True)
class Tempo:
    """How fast a download has to be: bytes a second over each `SPEED_WINDOW`, and seconds for all of it."""

    min_speed: int = 0
    total_seconds: float | None = None


async def resolve_host(host: str) -> list[str]:
    """The addresses of a host name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def download(
    egress: Egress,
    url: str,
    target: Path,
    *,
    max_bytes: int,
    allow_loopback: bool,
    kind: Product = Product.VIDEO,
    resolve: Resolve = resolve_host,
    tempo: Tempo = Tempo(),
    seconds: Callable[[], float] = time.monotonic,
    home: Home | None = None,
) -> Downloaded:
    """Fetch what must be of a kind into `target`, by way of a `.part` file beside it. `seconds` tells the time.

    `home` is the provider whose result it is; None: it is nobody's, and no key goes anywhere.

    Raises:
        DownloadTooLarge: it is larger than `max_bytes`; nothing of it is kept.
        DownloadRefused: for good.
        DownloadGone: the server does not have it, or not for us.
        DownloadUntrusted: for now, but hardly for long without somebody who sees to it.
        DownloadFailed: for now, also where it is too slow.

    """
    try:
        async with asyncio.timeout(tempo.total_seconds):
            return await _download(
                egress,
                url,
                target,
                max_bytes,
                kind,
                resolve,
                _Speed(tempo, seconds),
                home,
                allow_loopback=allow_loopback,
            )
    except TimeoutError:
        raise DownloadFailed(f"not done after {tempo.total_seconds} s") from None


class _Speed:
    """Measures a download, window after window."""

    def __init__(self, tempo: Tempo, seconds: Callable[[], float]) -> None:
        self._least = tempo.min_speed * SPEED_WINDOW
        self._seconds = seconds
        self._began = seconds()
        self._size = 0

    def add(self, size: int, host: str) -> None:
        """So many bytes have come; raises `DownloadFailed` where they are too few for their time."""
        self._size += size
        now = self._seconds()
        if now - self._began < SPEED_WINDOW:
            return
        if self._size < self._least * (now - self._began) / SPEED_WINDOW:
            raise DownloadFailed(f"{host} is too slow")
        self._began, self._size = now, 0


async def _download(
    egress: Egress,
    url: str,
    target: Path,
    max_bytes: int,
    kind: Product,
    resolve: Resolve,
    speed: _Speed,
    home: Home | None,
    *,
    allow_loopback: bool,
) -> Downloaded:
    part = target.with_name(target.name + ".part")
    current, way = _read_url(url), _Way(home)
    try:
        for _ in range(MAX_REDIRECTS + 1):
            headers = way.step(current)
            by_proxy = egress.proxies.find(current.scheme, current.host, current.port) is not None
            asked, extensions = current, {}
            if not way.at_home:
                known_there = by_proxy and home is not None
                addresses = await _check_url(
                    current, resolve, allow_loopback=allow_loopback, known_there=known_there
                )
                if by_proxy and home is None:
                    asked, extensions = current.copy_with(host=addresses[0]), {"sni_hostname": current.host}
                    headers = {**headers, "Host": current.netloc.decode("ascii")}
            async with egress.http.stream(
                "GET", asked, headers=headers, follow_redirects=False, extensions=extensions
            ) as response:
                if not way.at_home and not by_proxy:
                    _check_peer(response, allow_loopback=allow_loopback)
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    current = _read_url(response.headers["location"], current)
                    continue
                size = await _save(response, part, max_bytes, kind, speed)
            part.replace(target)
            return Downloaded(target, size)
        raise DownloadRefused(f"{current.host} redirects too often")
    except (httpx.HTTPError, httpx.StreamError, UnicodeError) as error:
        # httpx reads where a redirect leads, also where it is not to follow it.
        insecure = why_insecure(error)
        if insecure is not None and insecure.is_certificate:
            raise DownloadUntrusted(current.host, insecure.reason) from None
        raise DownloadFailed(f"{current.host}: {insecure or type(error).__name__}") from None
    except OSError as error:
        raise DownloadFailed(f"the file cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


class _Way:
    """The way of redirects from one address: what of the provider's own is lost for good once it has been left."""

    def __init__(self, home: Home | None) -> None:
        self._home = home
        self.at_home = home is not None
        self._keyed = home is not None

    def step(self, url: httpx.URL) -> dict[str, str]:
        """Go to an address; the headers for it."""
        if url.userinfo:
            raise DownloadRefused("the address cannot be used")
        self.at_home = self.at_home and self._home is not None and self._home.is_host_of(url)
        self._keyed = self._keyed and self._home is not None and self._home.is_origin_of(url)
        return {"Authorization": self._home.authorization} if self._keyed and self._home is not None else {}


def _read_url(text: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        url = httpx.URL(text) if base is None else base.join(text)
        # Only now the name of the host is decoded.
        known = bool(url.host)
    except (httpx.InvalidURL, ValueError):
        known = False
    if not known:
        raise DownloadRefused("the address cannot be read")
    return url


def _is_the_whole(response: httpx.Response) -> bool:
    """Whether an answer calls the whole file a part of it, which nobody asked for."""
    part = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
    return response.status_code == 206 and part is not None and int(part[1]) + 1 == int(part[2])


async def _save(response: httpx.Response, part: Path, max_bytes: int, kind: Product, speed: _Speed) -> int:
    host, status = response.url.host, response.status_code
    if status // 100 == 4 and status not in _BUSY:
        raise DownloadGone(f"{host} answers {status}")
    if status != 200 and not _is_the_whole(response):
        raise DownloadFailed(f"{host} answers {status}")
    header = response.headers.get("content-length", "")
    announced = (
        int(header) if _LENGTH.fullmatch(header) and "content-encoding" not in response.headers else None
    )
    size, head = 0, b""
    with part.open("wb") as file:
        async for chunk in response.aiter_bytes():
            speed.add(len(chunk), host)
            if len(head) < _HEAD:
                head += chunk[: _HEAD - len(head)]
                if len(head) == _HEAD and not kind.row.beginning.match(head):
                    raise DownloadRefused(f"{host} sends something else than {kind}")
            size += len(chunk)
            if size > max_bytes or (len(head) == _HEAD and (announced or 0) > max_bytes):
                raise DownloadTooLarge(host, announced, max_bytes)
            file.write(chunk)
    if len(head) < _HEAD:
        raise DownloadRefused(f"{host} sends something else than {kind}")
    if announced is not None and size < announced:
        raise DownloadFailed(f"{host} broke off")
    return size


async def _check_url(
    url: httpx.URL, resolve: Resolve, *, allow_loopback: bool, known_there: bool
) -> list[str]:
    """The addresses of a host, all of which may be asked. `known_there`: a name that nobody knows here may be asked for."""
    if url.scheme != "https" and not (allow_loopback and url.scheme == "http"):
        raise DownloadRefused(f"{url.host} is not offered by https")
    try:
        addresses = await resolve(url.host)
    except (OSError, UnicodeError):
        if known_there and url.scheme == "https" and not is_local(url.host):
            return []
        raise DownloadFailed(f"{url.host} cannot be found") from None
    loopback = bool(addresses) and all(_is_loopback(address) for address in addresses)
    if allow_loopback and loopback:
        return addresses
    if url.scheme != "https":
        raise DownloadRefused(f"{url.host} is not offered by https")
    if not addresses or not all(_is_public(address) for address in addresses):
        raise DownloadRefused(f"{url.host} is not a public address")
    return addresses


def _check_peer(response: httpx.Response, *, allow_loopback: bool) -> None:
    stream = response.extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream is not None else None
    if not peer:
        return
    address = str(peer[0])
    if not (_is_public(address) or (allow_loopback and _is_loopback(address))):
        raise DownloadRefused(f"{response.url.host} is not a public address")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def _is_loopback(text: str) -> bool:
    return _address(text).is_loopback


def _is_public(text: str) -> bool:
    address = _address(text)
    inner = _embedded(address) if isinstance(address, ipaddress.IPv6Address) else None
    if inner is not None and address in _NAT64:
        # How a machine that speaks IPv6 only reaches the rest of the internet.
        address = inner
    elif inner is not None:
        return False
    if any(address in each for each in _SPECIAL):
        return False
    if address.version == 6 and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast


_SPECIAL = tuple(
    ipaddress.ip_network(each)
    for each in (
        # Protocol assignments, all of them.
        "192.0.0.0/24",
        # AS112 and AMT: anycast, so that a machine of the own network may be what answers.
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.175.48.0/24",
        "2620:4f:8000::/48",
        # The relays of 6to4, given up by RFC 7526.
        "192.88.99.0/24",
        # Documentation (RFC 9637).
        "3fff::/20",
    )
)
"""What the special-purpose registries of IANA list and Python 3.11 takes for global."""

_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that IANA assigns to hosts of the internet (RFC 4291); `is_global` knows only what was reserved in its time."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_TUNNELS = tuple(
    ipaddress.IPv6Network(each)
    for each in ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
_ISATAP = {0x00005EFE, 0x02005EFE}


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to by a translator or a tunnel (RFC 6052, 2765, 3056, 4380, 5214)."""
    number = int(address)
    if (
        address in _NAT64
        or any(address in tunnel for tunnel in _TUNNELS)
        or number >> 32 & 0xFFFFFFFF in _ISATAP
    ):
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return None
