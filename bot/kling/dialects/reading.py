"""How answers are read, whatever the dialect: JSON, status words, and business codes to outcomes.

Facts: Kling's documents for codes and statuses; the words of gateways from their sources. The business
code decides, not the HTTP status: of Kling's 429s some pass and some are permanent.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.domain.task import FailureKind
from bot.domain.units import Millis
from bot.kling import outcomes
from bot.kling.wire import HttpResponse, RemoteState

Json = dict[str, Any]

_WORDS: Mapping[RemoteState, frozenset[str]] = {
    RemoteState.SUCCEEDED: frozenset({"succeed", "succeeded", "success", "completed"}),
    RemoteState.FAILED: frozenset({"failed", "failure", "error", "cancelled", "canceled"}),
    RemoteState.QUEUED: frozenset({"submitted", "queued", "pending", "not_start", "queuing"}),
    RemoteState.RUNNING: frozenset({"processing", "in_progress", "running"}),
}


def remote_state(word: str) -> RemoteState:
    """What a status word means, in any case; an undocumented one is UNKNOWN."""
    lowered = word.strip().casefold()
    return next((state for state, words in _WORDS.items() if lowered in words), RemoteState.UNKNOWN)


def json_of(response: HttpResponse) -> Json | None:
    """The JSON object in an answer, or None where there is none."""
    try:
        document = json.loads(response.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def text_of(document: Mapping[str, Any] | None, *names: str) -> str | None:
    """The first of these fields that holds a text or a number, as text."""
    for name in names:
        value = (document or {}).get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
    return None


def object_of(document: Mapping[str, Any] | None, name: str) -> Json:
    """A field that holds an object, or an empty one."""
    value = (document or {}).get(name)
    return value if isinstance(value, dict) else {}


def objects_of(document: Mapping[str, Any] | None, name: str) -> list[Json]:
    """A field that holds a list of objects; anything else in it is passed over."""
    value = (document or {}).get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def progress_of(value: object) -> int | None:
    """A progress of `42`, `"42"` or `"42%"` in percent."""
    text = str(value).strip().removesuffix("%") if isinstance(value, (str, int, float)) else ""
    try:
        return min(100, max(0, int(float(text))))
    except ValueError:
        return None


def milliseconds_of(seconds: object) -> int | None:
    """A duration of `5`, `5.1` or `"5.1"` seconds in milliseconds."""
    try:
        return round(float(str(seconds)) * 1000) if isinstance(seconds, (str, int, float)) else None
    except ValueError:
        return None


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> Millis | None:
    """The server's `Retry-After`, in seconds or as a date, in milliseconds; at most an hour is believed."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return Millis(int(min(max(seconds, 0), 3600) * 1000))


def kling_error(
    code: int, message: str, headers: Mapping[str, str], *, submitting: bool
) -> outcomes.ProviderError:
    """What one of Kling's business codes means (the documented table, complete).

    A submission that ended in 5000 or 5002, or whose id exists already, may have created the task.
    """
    text = str(code)
    lowered = message.casefold()
    if code in {1000, 1001, 1002, 1003, 1004, 1100, 1103, 1304}:
        return outcomes.Unauthorized(message, code=text)
    if code in {1101, 1102}:
        return outcomes.OutOfBalance(message, code=text)
    if code in {1302, 1303}:
        return outcomes.Throttled(message, code=text, retry_after=retry_after(headers))
    if code == 1201 and "not found" in lowered:
        return outcomes.NotFound(message, code=text)
    if code == 1201 and "already exist" in lowered:
        return outcomes.Ambiguous(message, code=text)
    if code in {1300, 1301}:
        return outcomes.Rejected(message, code=text, kind=FailureKind.CONTENT)
    if code == 5001:
        return outcomes.Unavailable(message, code=text, retry_after=retry_after(headers))
    if 5000 <= code < 6000:
        if submitting:
            return outcomes.Ambiguous(message, code=text)
        return outcomes.Unavailable(message, code=text, retry_after=retry_after(headers))
    return outcomes.Rejected(message, code=text)


def http_error(response: HttpResponse, message: str, *, submitting: bool) -> outcomes.ProviderError:
    """What an HTTP status means where no business code says more."""
    status, text = response.status, str(response.status)
    lowered = message.casefold()
    if status == 402 or any(words in lowered for words in _NO_BALANCE):
        return outcomes.OutOfBalance(message, code=text)
    if status in {401, 403}:
        return outcomes.Unauthorized(message, code=text)
    if status == 429:
        return outcomes.Throttled(message, code=text, retry_after=retry_after(response.headers))
    if status == 404:
        return (
            outcomes.Unauthorized(message, code=text) if submitting else outcomes.NotFound(message, code=text)
        )
    if status in {408, 425} or status >= 500 or status < 400:
        # Without a business code nobody knows how far a submission got before the server broke.
        if submitting:
            return outcomes.Ambiguous(message, code=text)
        return outcomes.Unavailable(message, code=text, retry_after=retry_after(response.headers))
    kind = FailureKind.CONTENT if any(words in lowered for words in _CONTENT) else FailureKind.PARAMETERS
    return outcomes.Rejected(message, code=text, kind=kind)


_NO_BALANCE = (
    "insufficient balance",
    "balance not enough",
    "insufficient quota",
    "insufficient_user_quota",
    "余额不足",
    "额度不足",
)
_CONTENT = ("sensitive", "risk control", "content policy", "moderation", "违规", "敏感")

UNREADABLE = "the answer cannot be read"


def unreadable(response: HttpResponse, *, submitting: bool) -> outcomes.ProviderError:
    """An answer that is not what the dialect says: after a submission, the task may exist."""
    if response.status >= 400:
        return http_error(response, f"HTTP {response.status}", submitting=submitting)
    if submitting:
        return outcomes.Ambiguous(UNREADABLE, code=str(response.status))
    return outcomes.Unavailable(UNREADABLE, code=str(response.status))
