"""Stream a result to disk: never whole in memory, never from a place that a result cannot come from.

Each host is resolved and checked before it is asked, and the address that was really connected to is
checked again, so that a name which changes between the two (DNS rebinding) gains nothing. Redirects
are followed by hand, each checked anew. Addresses may be signed: messages name the host only.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.domain.requests.request import Product

MAX_DOWNLOAD = 2_000_000_000
"""Bytes: what a local Bot API server takes at most."""

MAX_REDIRECTS = 5
_HEAD = 12
_BEGINNINGS: Mapping[Product, re.Pattern[bytes]] = {
    Product.VIDEO: re.compile(rb"....ftyp", re.DOTALL),
    Product.IMAGE: re.compile(
        rb"\x89PNG|\xff\xd8\xff|RIFF....WEBP|GIF8[79]a|....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL
    ),
    Product.AUDIO: re.compile(rb"ID3|\xff[\xe0-\xff]|RIFF....WAVE|....ftyp|OggS|fLaC", re.DOTALL),
}
"""How a file begins that is what it is said to be."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({403, 404, 410})

Resolve = Callable[[str], Awaitable[list[str]]]


class DownloadRefused(Exception):
    """It must not or cannot be fetched, now or later: unsafe address, too large, not what it should be."""


class DownloadGone(Exception):
    """The link has expired or the file is deleted; a fresh look at the task may bring a new link."""


class DownloadFailed(Exception):
    """Not this time: the network or the server had a bad moment; try again later."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file on disk. `size` in bytes."""

    path: Path
    size: int


async def resolve_host(host: str) -> list[str]:
    """The addresses of a host name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def download(
    client: httpx.AsyncClient,
    url: str,
    target: Path,
    *,
    max_bytes: int,
    allow_loopback: bool,
    kind: Product = Product.VIDEO,
    resolve: Resolve = resolve_host,
) -> Downloaded:
    """Fetch what must be of a kind into `target`, by way of a `.part` file beside it.

    Raises:
        DownloadRefused: for good.
        DownloadGone: the server no longer has it.
        DownloadFailed: for now.

    """
    part = target.with_name(target.name + ".part")
    try:
        current = httpx.URL(url)
    except httpx.InvalidURL:
        raise DownloadRefused("the address cannot be read") from None
    try:
        for _ in range(MAX_REDIRECTS + 1):
            await _check_url(current, resolve, allow_loopback=allow_loopback)
            async with client.stream("GET", current, follow_redirects=False) as response:
                _check_peer(response, allow_loopback=allow_loopback)
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    current = current.join(response.headers["location"])
                    continue
                size = await _save(response, part, max_bytes, kind)
            part.replace(target)
            return Downloaded(target, size)
        raise DownloadRefused(f"{current.host} redirects too often")
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        raise DownloadFailed(f"{current.host}: {type(error).__name__}") from None
    except OSError as error:
        raise DownloadFailed(f"the file cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


async def _save(response: httpx.Response, part: Path, max_bytes: int, kind: Product) -> int:
    host, status = response.url.host, response.status_code
    if status in _GONE:
        raise DownloadGone(f"{host} answers {status}")
    if status != 200:
        raise DownloadFailed(f"{host} answers {status}")
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise DownloadRefused(f"{host} offers {announced} bytes, more than {max_bytes}")
    size, head = 0, b""
    with part.open("wb") as file:
        async for chunk in response.aiter_bytes(1 << 18):
            if len(head) < _HEAD:
                head += chunk[: _HEAD - len(head)]
                if len(head) == _HEAD and not _BEGINNINGS[kind].match(head):
                    raise DownloadRefused(f"{host} sends something else than {kind}")
            size += len(chunk)
            if size > max_bytes:
                raise DownloadRefused(f"{host} sends more than {max_bytes} bytes")
            file.write(chunk)
    if len(head) < _HEAD:
        raise DownloadRefused(f"{host} sends something else than {kind}")
    if announced.isdigit() and "content-encoding" not in response.headers and size < int(announced):
        raise DownloadFailed(f"{host} broke off")
    return size


async def _check_url(url: httpx.URL, resolve: Resolve, *, allow_loopback: bool) -> None:
    if url.userinfo or not url.host:
        raise DownloadRefused("the address cannot be used")
    try:
        addresses = await resolve(url.host)
    except (OSError, UnicodeError):
        raise DownloadFailed(f"{url.host} cannot be found") from None
    loopback = bool(addresses) and all(_is_loopback(address) for address in addresses)
    if allow_loopback and loopback and url.scheme in {"http", "https"}:
        return
    if url.scheme != "https":
        raise DownloadRefused(f"{url.host} is not offered by https")
    if not addresses or not all(_is_public(address) for address in addresses):
        raise DownloadRefused(f"{url.host} is not a public address")


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
    return address.is_global and not address.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_TUNNELS = tuple(
    ipaddress.IPv6Network(each) for each in ("::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
_ISATAP = {0x00005EFE, 0x02005EFE}


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to by a translator or a tunnel (RFC 6052, 3056, 4380, 5214)."""
    number = int(address)
    if (
        address in _NAT64
        or any(address in tunnel for tunnel in _TUNNELS)
        or number >> 32 & 0xFFFFFFFF in _ISATAP
    ):
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return None
