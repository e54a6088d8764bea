"""Proxies as settings and the environment name them: which one a request goes through, and which hosts need none.

User names and passwords are in no text and no repr of these.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, SecretStr

SCHEMES = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
"""How a proxy can be spoken to, and its usual port."""

DIRECT = "direct"
"""What settings say instead of a proxy where none is to be used."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy. `user` and `password` are empty where it asks for neither."""

    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> "Proxy":
        """Read `scheme://user:password@host:port`; what is special in user name and password is percent-encoded.

        Raises:
            ValueError: it is no such address, or longer than SOCKS5 takes. The message quotes nothing of it.

        """
        try:
            parts = urlsplit(text.strip())
            host, port = parts.hostname, parts.port
            user, password = unquote(parts.username or ""), unquote(parts.password or "")
        except ValueError:
            raise ValueError("must be the address of a proxy, its port a number up to 65535") from None
        if parts.scheme.lower() not in SCHEMES:
            raise ValueError("must begin with http://, https://, socks5:// or socks5h://, or be direct")
        if not host or parts.path.strip("/") or parts.query or parts.fragment or not host.isascii():
            raise ValueError("must be scheme://host:port, or scheme://user:password@host:port")
        if any(character.isspace() or not character.isprintable() for character in host + user + password):
            raise ValueError("must hold no spaces and no line breaks")
        if any(len(part.encode()) > 255 for part in (host, user, password)):
            raise ValueError("must have a user name and a password of at most 255 bytes each")
        scheme = parts.scheme.lower()
        return cls(scheme, host, port or SCHEMES[scheme], user, password)

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS5; otherwise HTTP."""
        return self.scheme.startswith("socks")

    @property
    def has_login(self) -> bool:
        """Whether it is told a user name and a password."""
        return bool(self.user or self.password)

    @property
    def for_all(self) -> "Proxies":
        """This one for every address."""
        return Proxies(self, self)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{'***@' if self.has_login else ''}{host}:{self.port}"


def _checked(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if text and text != DIRECT:
        Proxy.parse(text)
    return SecretStr(text)


ProxySetting = Annotated[SecretStr, AfterValidator(_checked)]
"""The address of a proxy, `direct` for none, or nothing: then what holds for everything."""


def login_secrets(setting: SecretStr) -> set[str]:
    """What of a `ProxySetting` must never be written anywhere."""
    text = setting.get_secret_value()
    if not text or text == DIRECT:
        return set()
    proxy = Proxy.parse(text)
    return {proxy.password, f"{proxy.user}:{proxy.password}"} if proxy.password else {proxy.user}


@dataclass(frozen=True, slots=True)
class Proxies:
    """Which proxy requests go through, by the scheme of their address; none to the hosts of `bypass`."""

    https: Proxy | None = None
    http: Proxy | None = None
    bypass: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, otherwise: "Proxies | None" = None) -> "Proxies":
        """What one setting says: an address, `direct`, or nothing, for which `otherwise` holds.

        Raises:
            ValueError: see `Proxy.parse`.

        """
        if not text.strip():
            return otherwise or cls()
        proxy = None if text.strip() == DIRECT else Proxy.parse(text)
        return cls(proxy, proxy)

    def find(self, scheme: str, host: str, port: int | None = None) -> Proxy | None:
        """The proxy for an address; None: it is asked directly."""
        proxy = self.https if scheme == "https" else self.http
        if proxy is None or is_bypassed(self.bypass, host, port or (443 if scheme == "https" else 80)):
            return None
        return proxy

    def __str__(self) -> str:
        if self.https == self.http:
            return str(self.https or DIRECT)
        return f"{self.https or DIRECT} (http: {self.http or DIRECT})"


def is_bypassed(entries: Iterable[str], host: str, port: int) -> bool:
    """Whether a host needs no proxy: by its name, that of a domain above it, its address or network, or `*`."""
    name = host.strip("[]").rstrip(".").casefold()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        address = None
    for entry in entries:
        wanted, wanted_port = _split(entry.strip().casefold())
        if wanted_port not in {"", str(port)}:
            continue
        if wanted == "*" or (wanted and wanted == name):
            return True
        if address is not None and _holds(wanted, address):
            return True
        domain = wanted.removeprefix("*").strip(".")
        if address is None and domain and (name == domain or name.endswith(f".{domain}")):
            return True
    return False


def _split(entry: str) -> tuple[str, str]:
    """An entry without its port, and the port."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    if entry.count(":") == 1:
        host, _, port = entry.partition(":")
        return host, port
    return entry, ""


def _holds(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def of_environment(environ: Mapping[str, str]) -> Mapping[str, tuple[str, str]]:
    """What the usual variables say, as the keys of `[network]`: key → (value, name of the variable).

    ALL_PROXY stands in for HTTPS_PROXY and HTTP_PROXY where one is missing; small letters come first, as with curl.
    An address without a scheme is one of an HTTP proxy. NO_PROXY says nothing where there is no proxy.
    """
    found: dict[str, tuple[str, str]] = {}
    for key, names in (("proxy", ("HTTPS_PROXY", "ALL_PROXY")), ("http_proxy", ("HTTP_PROXY", "ALL_PROXY"))):
        variable = next(
            (each for name in names for each in (name.lower(), name) if environ.get(each, "").strip()), None
        )
        if variable is not None:
            value = environ[variable].strip()
            found[key] = (value if "://" in value else f"http://{value}", variable)
    if not found:
        return {}
    for key in ("proxy", "http_proxy"):
        found.setdefault(key, (DIRECT, next(iter(found.values()))[1]))
    variable = next((each for each in ("no_proxy", "NO_PROXY") if environ.get(each, "").strip()), None)
    if variable is not None:
        found["no_proxy"] = (environ[variable], variable)
    return found
