"""One module per wire format, pure functions; and which one a provider speaks, by name, address or key."""

import re
from urllib.parse import urlsplit

from bot.kling.dialects.generic import GENERIC, OMNIMAAS
from bot.kling.dialects.native import FLAT, OFFICIAL, PREFIXED
from bot.kling.dialects.unified import KEYED, UNIFIED
from bot.kling.wire import Dialect

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (OFFICIAL, UNIFIED, GENERIC, PREFIXED, OMNIMAAS, FLAT)
}

KLING_DOMAINS = ("klingai.com", "kling.ai", "kling.kuaishou.com")
"""Kling's own: a host that is one of these or ends in `.` and one of these."""


def get(name: str, key: str = "") -> Dialect:
    """Find a dialect by its name; the official one speaks both standards with a key in one piece.

    Raises:
        KeyError: this version does not speak it.

    """
    return KEYED if name == KEYED.name and key and not is_key_pair(key) else DIALECTS[name]


def is_kling_host(base_url: str) -> bool:
    """Whether an address is the vendor's own."""
    return _is_under(base_url, *KLING_DOMAINS)


def is_key_pair(key: str) -> bool:
    """Tell ``access_key|secret_key`` from a key in one piece."""
    parts = key.split("|")
    return len(parts) == 2 and all(part.strip() for part in parts)


def detect(base_url: str, key: str) -> str:
    """Name the dialect of a provider: by host, then by path, then by the shape of its key."""
    if is_kling_host(base_url):
        return "official"
    if _is_under(base_url, "omnimaas.com"):
        return "omnimaas"
    if re.search(r"/kling(?:/v1)?/*$", urlsplit(base_url).path, re.IGNORECASE):
        return "prefixed"
    return "official" if is_key_pair(key) else "generic"


def _is_under(base_url: str, *domains: str) -> bool:
    host = (urlsplit(base_url).hostname or "").rstrip(".").lower()
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
