"""Which addresses a result can be fetched from, and which of them are the provider's own.

A gateway may name an address that only its key opens, or one that only it can reach itself (`localhost`, where its public
address was never set). The settings name the provider's host: what they allow of it is allowed for its results as well.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import httpx

MOST_ADDRESSES = 8
"""So many addresses of one result are tried."""

_PORTS = {"http": 80, "https": 443}
_LOCAL_ENDS = (".localhost", ".local", ".internal", ".lan")


@dataclass(frozen=True, slots=True)
class Home:
    """A provider's own address as the settings have it, and what opens it: the value of `Authorization`."""

    base_url: str
    authorization: str = field(repr=False)

    def is_host_of(self, url: httpx.URL) -> bool:
        """Whether an address is on the host of the settings, and as safe as theirs: by https, or where they have http."""
        own = httpx.URL(self.base_url)
        return url.host == own.host and url.scheme in {own.scheme, "https"}

    def is_origin_of(self, url: httpx.URL) -> bool:
        """Whether scheme, host and port are those of the settings: only there the key may be sent."""
        return _origin(url) == _origin(httpx.URL(self.base_url))


def candidates(addresses: Iterable[str], home: Home | None) -> tuple[str, ...]:
    """What to try for a result, in order, each once: its addresses, and what each probably means.

    An address that only its writer can reach means the same path at the provider's own address; one by http may be
    served by https, too.
    """
    found = dict.fromkeys(each for address in addresses for each in _meanings(address, home))
    return tuple(found)[:MOST_ADDRESSES]


def is_local(host: str) -> bool:
    """Whether a host is known by its name alone to be none of the internet: a name without a dot, or a private address."""
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        name = host.rstrip(".").casefold()
        return "." not in name or name.endswith(_LOCAL_ENDS)


def joined(base_url: str, path: str) -> str:
    """Append a path to a base URL that may hold a path of its own.

    What the end of the one and the beginning of the other have in common stands there once, so that
    ``https://gateway.example/kling`` and ``https://gateway.example`` both lead to ``/kling/v1/…``.
    """
    parts = urlsplit(base_url)
    own = [segment for segment in parts.path.split("/") if segment]
    more = path.removeprefix("/").split("/")
    common = next(
        (length for length in range(min(len(own), len(more)), 0, -1) if own[-length:] == more[:length]), 0
    )
    return urlunsplit((parts.scheme, parts.netloc, "/" + "/".join(own + more[common:]), "", ""))


def _meanings(address: str, home: Home | None) -> Iterator[str]:
    yield address
    try:
        url, parts = httpx.URL(address), urlsplit(address)
        own = home is not None and home.is_origin_of(url)
    except (httpx.InvalidURL, ValueError):
        return
    if own or url.userinfo or url.scheme not in _PORTS:
        return
    if is_local(url.host):
        if home is None:
            return
        yield joined(home.base_url, parts.path) + (f"?{parts.query}" if parts.query else "")
        base = urlsplit(home.base_url)
        yield urlunsplit((base.scheme, base.netloc, parts.path or "/", parts.query, ""))
    elif url.scheme == "http" and url.port is None:
        yield str(url.copy_with(scheme="https"))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)
