"""`klingbot health`: one question to the running bot, for whoever starts it again when it hangs."""

import json
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

TIMEOUT_SECONDS = 5.0
NO_PORT = "monitoring.listen has port 0, so that nobody knows where to ask: name a port"
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  nothing listens here
"""Who listens at every address of a machine is asked at its own."""


def document(listen: str, name: str) -> tuple[dict[str, Any] | None, str]:
    """What the bot that listens at `host:port` tells at a path, as JSON; else None, and why not."""
    address = _address(listen, name)
    if address is None:
        return None, NO_PORT
    try:
        with _open(address) as answer:
            told = json.loads(answer.read())
    except (OSError, HTTPException) as error:
        return None, _silent(address, error)
    except ValueError:
        told = None
    return (told, "") if isinstance(told, dict) else (None, f"another server answers at {address}")


def ask(listen: str, *, ready: bool = False) -> tuple[bool, str]:
    """Whether the bot that listens at `host:port` says that it is alive, or `ready`; and a line that tells it."""
    address = _address(listen, "readyz" if ready else "healthz")
    if address is None:
        return False, NO_PORT
    try:
        with _open(address):
            return True, f"ok: {address} answers"
    except HTTPError as error:
        with error:
            return False, f"not ready: {_late(error.read())}" if ready else f"{address} answers {error.code}"
    except (OSError, HTTPException) as error:
        return False, _silent(address, error)


def _address(listen: str, name: str) -> str | None:
    """Where a path of the bot is asked for; None where it chose its port itself."""
    host, _, port = listen.rpartition(":")
    return None if port == "0" else f"http://{_ANYWHERE.get(host, host)}:{port}/{name}"


def _open(address: str) -> HTTPResponse:
    # A proxy of the environment leads to another machine.
    answer: HTTPResponse = build_opener(ProxyHandler({})).open(address, timeout=TIMEOUT_SECONDS)
    return answer


def _silent(address: str, error: Exception) -> str:
    return f"{address} does not answer: {error.reason if isinstance(error, URLError) else error}"


def _late(body: bytes) -> str:
    """Which parts are late, as /readyz tells it."""
    try:
        parts = dict(json.loads(body)["parts"])
    except (ValueError, KeyError, TypeError):
        return "it is still starting"
    late = [
        f"{name} ({part.get('trouble') or _ago(part.get('age_seconds'))})"
        for name, part in parts.items()
        if not part.get("ok")
    ]
    return ", ".join(late) or "it is still starting"


def _ago(seconds: float | None) -> str:
    return "not yet" if seconds is None else f"last {seconds:g} s ago"
