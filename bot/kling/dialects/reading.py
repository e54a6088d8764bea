"""What words, numbers and codes in an answer mean, the same for every dialect. Pure.

The business code decides, not the HTTP status: of Kling's 429s only 1302 and 1303 pass.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

from bot.domain.tasks.task import FailureKind
from bot.domain.units import HOUR, Millis
from bot.kling.outcomes import (
    AddressRefused,
    Ambiguous,
    NoChannel,
    NoSuchModel,
    NotEnabled,
    NotFound,
    OutOfBalance,
    PackEmpty,
    ProviderError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from bot.kling.wire import HttpResponse, RemoteState

RETRY_AFTER_CAP = HOUR
"""No server may ask for a longer pause than this (milliseconds)."""

MESSAGE_LIMIT = 300
"""Characters of a provider's message that are kept."""

MOST_DIGITS = 30
"""Before and behind the point of a number; no real one has so many, and arithmetic with more takes long or fails."""

_STATES = {
    **dict.fromkeys(("succeed", "succeeded", "success", "completed"), RemoteState.SUCCEEDED),
    **dict.fromkeys(("failed", "failure", "error", "cancelled"), RemoteState.FAILED),
    **dict.fromkeys(("submitted", "queued", "queuing", "pending", "not_start"), RemoteState.QUEUED),
    **dict.fromkeys(("processing", "in_progress", "running"), RemoteState.RUNNING),
}

_WHOLE = re.compile(r"-?[0-9]{1,15}")

_SECRETS = (
    (re.compile(r"https?://\S+"), "(address)"),
    (re.compile(r"\beyJ[\w-]+(?:\.[\w-]+)*"), "***"),
    (re.compile(r"\bsk-[\w*.-]+"), "***"),
    (re.compile(r"(?i)\bbearer\s+\S+"), "Bearer ***"),
)

_CONTENT_WORDS = (
    "risk control",
    "content security",
    "content safety",
    "content policy",
    "usage policy",
    "policy violation",
    "violates our policy",
    "violates policy",
    "sensitive",
    "moderation",
    "nsfw",
    "inappropriate",
    "prohibited",
    "违规",
    "敏感",
    "不当",
    "审核",
    "风控",
)
_ABSENT_WORDS = ("not found", "not exist", "not_exist", "not_found", "不存在", "未找到")
_DUPLICATE_WORDS = ("already exist", "duplicate", "已存在", "重复")
_MODEL_WORDS = ("model", "模型")
_RESOURCE_WORDS = ("video", "image", "audio", "voice", "element", "session", "face", "effect", "task")
_PARALLEL_WORDS = ("parallel task", "resource pack limit", "concurrency limit", "并发")
_MONEY_WORDS = ("quota", "balance", "insufficient", "arrear", "额度", "余额", "欠费")


def decoded(body: bytes | str) -> Any:
    """Decode JSON; None for anything that is none (`null` included: no answer is just that)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def text_of(value: object) -> str:
    """Take a string or an integer as text, stripped; anything else is the empty string.

    Half surrogate pairs and NULs, which JSON may hold and neither a store nor an address can, become "?".
    """
    if isinstance(value, str):
        return value.strip().encode(errors="replace").decode().replace("\0", "?")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""


def whole(text: str) -> int | None:
    """Read a whole number of a few digits; None for any other text."""
    return int(text) if _WHOLE.fullmatch(text) else None


def state_of(word: str) -> RemoteState:
    """Map a status word of any dialect (case does not matter); an undocumented one is UNKNOWN."""
    return _STATES.get(word.strip().casefold(), RemoteState.UNKNOWN)


def address(value: object) -> str | None:
    """Take an http(s) address. Old gateways echo an error's text where a URL is expected."""
    text = text_of(value)
    return text if re.match(r"https?://[^\s/]", text) else None


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS else None


def milliseconds(seconds: object) -> int | None:
    """Read the length of a video in seconds, given as ``"5.1"``, 5 or 5.0; at most a day."""
    number = _number(seconds)
    return int(number * 1000) if number is not None and 0 < number <= 86_400 else None


def percent(value: object) -> int | None:
    """Read a progress, given as 40, 40.0 or ``"40%"``; None where there is none."""
    number = _number(value.rstrip(" %") if isinstance(value, str) else value)
    return max(0, min(int(number), 100)) if number is not None else None


def clean(message: object) -> str:
    """Make a provider's message fit to be shown: one line, short, without addresses and keys."""
    text = " ".join(text_of(message).split())
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1] + "…"


def retry_after(headers: Mapping[str, str]) -> Millis | None:
    """Read Retry-After, in seconds or as an HTTP date; a date is measured against the answer's own Date."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    seconds = _number(value)
    if seconds is not None:
        return Millis(max(0, min(int(seconds * 1000), RETRY_AFTER_CAP)))
    then, now = http_date(value), http_date(headers.get("date", ""))
    if then is None or now is None:
        return None
    return Millis(max(0, min(then - now, RETRY_AFTER_CAP)))


def http_date(value: str) -> Millis | None:
    """Read an HTTP date as UTC milliseconds, or None."""
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return Millis(int(moment.timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def says_absent(message: str) -> bool:
    """Whether a message says that there is no such thing."""
    return _has(message, _ABSENT_WORDS)


def says_content(message: str) -> bool:
    """Whether a message speaks of the content of a prompt or picture."""
    return _has(message, _CONTENT_WORDS)


def failure_kind(reason: str | None) -> FailureKind:
    """Tell a refusal of content from another failure of a task that ran: it carries only free text (WIRE 2.6)."""
    return FailureKind.CONTENT if says_content(reason or "") else FailureKind.PROVIDER


def _is_about_the_model(message: str) -> bool:
    """Whether what does not exist is the model, and not something else that a request named."""
    return _has(message, _MODEL_WORDS) or not _has(message, _RESOURCE_WORDS)


def _has(message: str, words: tuple[str, ...]) -> bool:
    folded = message.casefold()
    return any(word in folded for word in words)


def by_kling_code(code: int, message: str, response: HttpResponse, *, submitting: bool) -> ProviderError:
    """Classify a business code of Kling (1000 to 5999), documented or not.

    kling.ai/document-api, "Error codes"; that 1201 also stands for a duplicate `external_task_id` and
    for an unknown task was seen live.
    """
    shown = str(code)
    text = clean(message) or "no reason given"
    match code:
        case 1101:
            return OutOfBalance(text, code=shown)
        case 1102:
            return PackEmpty(text, code=shown)
        case 1103:
            return NotEnabled(text, code=shown)
        case 1201 | 1203 if not submitting and says_absent(message):
            return NotFound(text, code=shown)
        case 1201 if submitting and _has(message, _DUPLICATE_WORDS):
            return Ambiguous(text, code=shown)
        case 1203 if submitting and _is_about_the_model(message):
            return NoSuchModel(text, code=shown)
        case 1300 | 1301:
            return Rejected(text, code=shown, kind=FailureKind.CONTENT)
        case 1302 | 1303:
            return Throttled(text, code=shown, retry_after=retry_after(response.headers))
        case 1304:
            return AddressRefused(text, code=shown)
        case 5001:
            return Unavailable(text, code=shown, retry_after=retry_after(response.headers))
        case _ if 1000 <= code < 1200:
            return Unauthorized(text, code=shown)
        case _ if 1200 <= code < 1300:
            return Rejected(text, code=shown)
        case _ if response.status == 503:
            return Unavailable(text, code=shown, retry_after=retry_after(response.headers))
        case _ if code < 5000 and 400 <= response.status < 500:
            return by_status(response.status, message, response, submitting=submitting, code=shown)
        case _:
            # 5000, 5002 and whatever is new: the task may have been made.
            return _unclear(text, shown, response, submitting=submitting)


def by_word(code: str, message: str, response: HttpResponse, *, submitting: bool) -> ProviderError:
    """Classify a gateway's error: a code that is a word, and a message."""
    text = clean(message) or clean(code) or "no reason given"
    shown = clean(code)[:60] or str(response.status)
    folded = code.casefold()
    if folded in _MONEY_CODES or (response.status in {402, 403} and _has(message, _MONEY_WORDS)):
        return OutOfBalance(text, code=shown)
    if folded in _KEY_CODES:
        return Unauthorized(text, code=shown)
    if folded in _RATE_CODES:
        return Throttled(text, code=shown, retry_after=retry_after(response.headers))
    if folded in _CHANNEL_CODES:
        return NoChannel(text, code=shown, retry_after=retry_after(response.headers))
    if response.status == 503:
        return Unavailable(text, code=shown, retry_after=retry_after(response.headers))
    if folded in _ABSENT_CODES and not submitting:
        return NotFound(text, code=shown)
    if folded in _CONTENT_CODES:
        return Rejected(text, code=shown, kind=FailureKind.CONTENT)
    return by_status(response.status, message, response, submitting=submitting, code=shown)


_MONEY_CODES = frozenset(
    {
        "insufficient_user_quota",
        "insufficient_quota",
        "quota_not_enough",
        "pre_consume_token_quota_failed",
        "token_quota_exhausted",
        "insufficient_balance",
        "billing_not_active",
    }
)
_KEY_CODES = frozenset(
    {
        "invalid_api_key",
        "invalid_token",
        "token_expired",
        "unauthorized",
        "authentication_error",
        "access_denied",
        "permission_denied",
        "forbidden",
    }
)
_RATE_CODES = frozenset({"rate_limit_exceeded", "rate_limited", "too_many_requests"})
# The gateway found nobody to hand the request to: surely nothing was made of it.
_CHANNEL_CODES = frozenset(
    {"model_not_found", "get_channel_failed", "no_available_channel", "channel_not_found"}
)
_ABSENT_CODES = frozenset({"task_not_exist", "task_not_found", "not_found", "video_not_found"})
_CONTENT_CODES = frozenset({"sensitive_words_detected", "content_policy_violation", "prompt_blocked"})


def by_status(
    status: int, message: str, response: HttpResponse, *, submitting: bool, code: str = ""
) -> ProviderError:
    """Classify by HTTP status, where there is no code that says more."""
    shown = code or str(status)
    text = clean(message) or f"HTTP {status}"
    match status:
        case _ if 300 <= status < 500 and _has(message, _PARALLEL_WORDS):
            return Throttled(text, code=shown, retry_after=retry_after(response.headers))
        case 403 if _has(message, _MODEL_WORDS) and not says_content(message):
            return NotEnabled(text, code=shown)
        case 401 | 403 if not says_content(message):
            return Unauthorized(text, code=shown)
        case 402:
            return OutOfBalance(text, code=shown)
        case 404 | 405 | 410 if not submitting and (code or says_absent(message)):
            return NotFound(text, code=shown)
        case 429:
            return Throttled(text, code=shown, retry_after=retry_after(response.headers))
        case 408 | 409 if submitting:
            # The request may have been read before the time was up; a conflict may be with itself.
            return Ambiguous(text, code=shown)
        case 404 | 405 | 410 | 408 | 409 | 425:
            # No such path, or not now: the address in the configuration, not the request, is at fault.
            return Unavailable(text, code=shown, retry_after=retry_after(response.headers))
        case _ if 300 <= status < 400:
            return Unavailable(text, code=shown)
        case _ if 400 <= status < 500 and not submitting and says_absent(message):
            return NotFound(text, code=shown)
        case _ if 400 <= status < 500:
            kind = FailureKind.CONTENT if says_content(message) else FailureKind.PARAMETERS
            return Rejected(text, code=shown, kind=kind)
        case _:
            return _unclear(text, shown, response, submitting=submitting)


def _unclear(text: str, code: str, response: HttpResponse, *, submitting: bool) -> ProviderError:
    if submitting:
        return Ambiguous(text, code=code)
    return Unavailable(text, code=code, retry_after=retry_after(response.headers))
