"""Which dialect a provider speaks: by its name, or found out from its address and the shape of its key."""

from urllib.parse import urlsplit

from bot.kling.dialects.generic import Generic
from bot.kling.dialects.official import Official
from bot.kling.wire import Dialect

DIALECTS: dict[str, Dialect] = {"official": Official(), "generic": Generic()}

KLING_HOSTS = ("klingai.com", "kling.ai", "kling.kuaishou.com")
"""Kling's own: a host that is one of these or ends in `.` and one of these."""


def is_kling_host(base_url: str) -> bool:
    """Whether an address is the vendor's own."""
    host = (urlsplit(base_url).hostname or "").lower()
    return any(host == own or host.endswith("." + own) for own in KLING_HOSTS)


def detect(base_url: str, key: str) -> str:
    """The dialect of an address: Kling's own hosts and keys of two halves speak `official`, the rest `generic`."""
    if is_kling_host(base_url) or key.count("|") == 1:
        return "official"
    return "generic"


def get(name: str) -> Dialect:
    """A dialect by its name.

    Raises:
        KeyError: this version does not speak it.

    """
    return DIALECTS[name]
