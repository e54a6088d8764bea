"""Addresses that keys and tokens may be sent to."""

import ipaddress
from urllib.parse import urlsplit


def safe_url(value: str) -> str:
    """An http(s) address without credentials; plain http only where it stays on this machine or network.

    Raises:
        ValueError: it is anything else.

    """
    parts = urlsplit(value)
    _ = parts.port  # raises where it is no port
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
    if (
        host == "localhost"
        or host.endswith(".localhost")
        or ("." not in host.strip("[]") and ":" not in host)
    ):
        # A name without a dot is one of a container network.
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_private
    except ValueError:
        return False
