"""Which of `bot.kling.errors` an error is, by its code, its words and its status, the same for every dialect. Pure.

The business code decides, not the HTTP status: of Kling's 429s only 1302 and 1303 pass.
"""

from bot.domain.outside import decoded, word_of
from bot.domain.tasks.task import FailureKind
from bot.kling.dialects import words
from bot.kling.dialects.error_codes import clean, retry_after
from bot.kling.errors import (
    AddressRefused,
    Ambiguous,
    Misconfigured,
    NoChannel,
    NoPrice,
    NoSuchModel,
    NotEnabled,
    NotFound,
    OutOfBalance,
    PackEmpty,
    ProviderError,
    Rejected,
    Throttled,
    TooLarge,
    TooManyAtOnce,
    Unauthorized,
    Unavailable,
    WrongPath,
)
from bot.kling.wire import HttpResponse


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
        case 1201 | 1203 if not submitting and words.says_absent(message):
            return NotFound(text, code=shown)
        case 1201 if submitting and words.says_duplicate(message):
            return Ambiguous(text, code=shown)
        case 1202:
            return WrongPath(text, code=shown)
        case 1203 if submitting and words.is_about_the_model(message):
            return NoSuchModel(text, code=shown)
        case 1300 | 1301:
            return Rejected(text, code=shown, kind=FailureKind.CONTENT)
        case 1303:
            return TooManyAtOnce(text, code=shown, retry_after=retry_after(response.headers))
        case 1302:
            return Throttled(text, code=shown, retry_after=retry_after(response.headers))
        case 1304:
            return AddressRefused(text, code=shown)
        case 5001:
            return Unavailable(text, code=shown, retry_after=retry_after(response.headers))
        case _ if 1000 <= code < 1200:
            return Unauthorized(text, code=shown)
        case _ if 1200 <= code < 1300:
            return _rejected(message, shown, response, submitting=submitting)
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
    shown = word_of(clean(code)) or str(response.status)
    folded = code.casefold()
    if folded in _CHANNEL_CODES:
        return NoChannel(text, code=shown, retry_after=retry_after(response.headers))
    if folded in _PRICE_CODES:
        return NoPrice(text, code=shown)
    if folded in _SETTING_CODES:
        return Misconfigured(text, code=shown)
    if folded in _UNSENT_CODES:
        return Unavailable(text, code=shown, retry_after=retry_after(response.headers))
    if folded in _MONEY_CODES or (response.status in _CLOSED_DOORS and words.says_money(message)):
        return OutOfBalance(text, code=shown)
    if folded in _KEY_CODES and not words.says_content(message):
        about_model = response.status == 403 and words.says_model(message)
        return NotEnabled(text, code=shown) if about_model else Unauthorized(text, code=shown)
    if folded in _RATE_CODES:
        return Throttled(text, code=shown, retry_after=retry_after(response.headers))
    if response.status == 503:
        return Unavailable(text, code=shown, retry_after=retry_after(response.headers))
    if folded in _ABSENT_CODES and not submitting and not words.says_wrong_path(message):
        return NotFound(text, code=shown)
    if folded in _CONTENT_CODES:
        return Rejected(text, code=shown, kind=FailureKind.CONTENT)
    if not submitting and words.says_ended(folded, message):
        return Rejected(text, code=shown, kind=words.failure_kind(message))
    return by_status(response.status, message, response, submitting=submitting, code=shown)


_CLOSED_DOORS = frozenset({401, 402, 403, 429})
_MONEY_CODES = frozenset(
    {
        "insufficient_user_quota",
        "insufficient_quota",
        "quota_not_enough",
        "quota_exceeded",
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
_PRICE_CODES = frozenset({"model_price_error", "model_price_not_configured", "model_ratio_error"})
# The gateway's administrator has set it up otherwise (new-api, relay/relay_task.go).
_SETTING_CODES = frozenset(
    {"invalid_api_platform", "invalid_api_type", "api_not_implemented", "invalid_channel"}
)
# Of new-api's 500s this one proves that nothing was sent (relay/relay_task.go).
_UNSENT_CODES = frozenset({"build_request_failed"})
_ABSENT_CODES = frozenset(
    {
        "task_not_exist",
        "task_not_found",
        "not_found",
        "video_not_found",
        "job_not_found",
        "generation_not_found",
    }
)
_CONTENT_CODES = frozenset(
    {
        "sensitive_words_detected",
        "content_policy_violation",
        "prompt_blocked",
        "content_filter",
        "moderation_blocked",
    }
)


def by_status(
    status: int, message: str, response: HttpResponse, *, submitting: bool, code: str = ""
) -> ProviderError:
    """Classify by HTTP status and the words of a message, where there is no code that says more."""
    shown = code or str(status)
    text = clean(message) or f"HTTP {status}"
    later = retry_after(response.headers)
    content = words.says_content(message)
    match status:
        case _ if 300 <= status < 500 and words.says_parallel(message):
            return TooManyAtOnce(text, code=shown, retry_after=later)
        case 413:
            return TooLarge(text, code=shown)
        case _ if 400 <= status < 500 and words.says_too_large(message):
            return TooLarge(text, code=shown)
        case 402:
            return OutOfBalance(text, code=shown)
        case 401 | 403 | 429 if words.says_money(message) and not content:
            return OutOfBalance(text, code=shown)
        case 403 if words.says_model(message) and not content:
            return NotEnabled(text, code=shown)
        case 403 if decoded(response.body) is None:
            # A page of somebody on the way, such as a check for robots: it knows nothing of the key.
            return Unavailable(text, code=shown, retry_after=later)
        case 401 | 403 if not content:
            return Unauthorized(text, code=shown)
        case 404 | 410 if not submitting and words.says_no_such_task(message):
            return NotFound(text, code=shown)
        case 429:
            return Throttled(text, code=shown, retry_after=later)
        case 408 | 409 if submitting:
            # The request may have been read before the time was up; a conflict may be with itself.
            return Ambiguous(text, code=shown)
        case 404 if submitting and words.says_absent(message) and words.says_model(message):
            return NoSuchModel(text, code=shown)
        case 404 | 405 | 410 if not content:
            # No such path: the address in the configuration, not the request, is at fault.
            return WrongPath(text, code=shown)
        case 408 | 409 | 425:
            return Unavailable(text, code=shown, retry_after=later)
        case _ if 300 <= status < 400:
            return Unavailable(text, code=shown)
        case _ if 400 <= status < 500 and not submitting and words.says_no_such_task(message):
            return NotFound(text, code=shown)
        case _ if words.says_no_money(message) and not content:
            return OutOfBalance(text, code=shown)
        case _ if 400 <= status < 500 and submitting and words.says_model_gone(message) and not content:
            return NoSuchModel(text, code=shown)
        case _ if content and not (status >= 500 and words.says_trouble(message)):
            return Rejected(text, code=shown, kind=FailureKind.CONTENT)
        case _ if 400 <= status < 500:
            return _rejected(message, shown, response, submitting=submitting)
        case _:
            return _unclear(text, shown, response, submitting=submitting)


def _rejected(message: str, code: str, response: HttpResponse, *, submitting: bool) -> ProviderError:
    """Refused, unless it was a question that was refused, or nobody says why: then nothing is said of the task."""
    text = clean(message) or f"HTTP {response.status}"
    if words.says_content(message):
        return Rejected(text, code=code, kind=FailureKind.CONTENT)
    if not submitting and (
        not clean(message) or words.says_trouble(message) or words.says_asked_wrongly(message)
    ):
        return Unavailable(text, code=code, retry_after=retry_after(response.headers))
    return Rejected(text, code=code)


def _unclear(text: str, code: str, response: HttpResponse, *, submitting: bool) -> ProviderError:
    if submitting:
        return Ambiguous(text, code=code)
    return Unavailable(text, code=code, retry_after=retry_after(response.headers))
