"""What a provider's callback says and whether it is signed: a hint to look now, never the truth. Pure.

https://kling.ai/document-api describes the bodies (a flat one of the first standard, another one of the
newer), https://www.standardwebhooks.com the signature.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.outside import decoded, identity
from bot.domain.types import MINUTE, SECOND, Millis

TOLERANCE = Millis(5 * MINUTE)
"""How far the clock of whoever signed may be from ours, both ways."""

SECRET_PREFIX = "whsec_"  # noqa: S105  what every secret begins with
LONGEST_TIMESTAMP = 12


class Malformed(Exception):
    """The body is no callback of Kling's."""


@dataclass(frozen=True, slots=True)
class CallbackEvent:
    """Which task a callback tells of. Behind a gateway the provider's id may be one that we never saw."""

    external_task_id: str | None
    provider_task_id: str | None


def parse(body: bytes) -> CallbackEvent:
    """Read the ids out of a body of either standard.

    Raises:
        Malformed: there are none.

    """
    document = decoded(body)
    if not isinstance(document, dict):
        raise Malformed("the body is no object of JSON")
    if "task_id" in document:
        info = document.get("task_info")
        external = info.get("external_task_id") if isinstance(info, dict) else None
        hint = CallbackEvent(_own(external), identity(document["task_id"]) or None)
    else:
        hint = CallbackEvent(_own(document.get("external_id")), identity(document.get("id")) or None)
    if hint == CallbackEvent(None, None):
        raise Malformed("the body names no task")
    return hint


def _own(value: object) -> str | None:
    # Ours are texts; a number is somebody else's.
    return (identity(value) or None) if isinstance(value, str) else None


def signing_key(secret: str) -> bytes:
    """The key inside a webhook secret.

    Raises:
        ValueError: this is no webhook secret.

    """
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a webhook secret begins with {SECRET_PREFIX}")
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if not key:
        raise ValueError("a webhook secret holds a key")
    return key


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: Millis) -> bool:
    """Whether one of the signatures in the headers was made with `secret`, of this body and just now.

    Header names are lower case. While a secret is being replaced there are two signatures.
    """
    identifier = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not identifier or not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if len(timestamp) > LONGEST_TIMESTAMP or abs(now - int(timestamp) * SECOND) > TOLERANCE:
        return False
    signed = f"{identifier}.{timestamp}.".encode() + body
    digest = hmac.digest(signing_key(secret), signed, hashlib.sha256)
    expected = b"v1," + base64.b64encode(digest)
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected, signature.encode()) for signature in given)


def path_secret(bot_token: str, provider: str) -> str:
    """The part of a provider's callback address that nobody can guess: the same after every restart."""
    return hmac.new(bot_token.encode(), f"callback:{provider}".encode(), hashlib.sha256).hexdigest()


def address(public_url: str, bot_token: str, provider: str) -> str:
    """Where a provider sends its callbacks. `public_url` has no slash at its end."""
    return f"{public_url}/callback/{provider}/{path_secret(bot_token, provider)}"
