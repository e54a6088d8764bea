"""Reads the values of an answer: texts that can be shown, addresses, amounts, lengths and moments. Pure.

Each goes through `bot.domain.outside` first, so that all that is read can be kept. What is not of the kind that is
asked for is as if it were not there.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from bot.domain.outside import MOST_DIGITS, number_of, text_of
from bot.domain.types import HOUR, Millis, to_millis

RETRY_AFTER_CAP = HOUR
"""No server may ask for a longer pause than this (milliseconds)."""

MESSAGE_LIMIT = 300
"""Characters of a provider's message that are kept."""

ADDRESS_LIMIT = 8_000
"""Characters of an address; a longer one is none."""

_WHOLE = re.compile(r"-?[0-9]{1,15}")

_SECRETS = (
    (re.compile(r"https?://\S+"), "(address)"),
    (re.compile(r"\beyJ[\w-]+(?:\.[\w-]+)*"), "***"),
    (re.compile(r"\bsk-[\w*.-]+"), "***"),
    (re.compile(r"(?i)\bbearer\s+\S+"), "Bearer ***"),
)


def whole(text: str) -> int | None:
    """Read a whole number of a few digits; None for any other text."""
    return int(text) if _WHOLE.fullmatch(text) else None


def address(value: object) -> str | None:
    """Take an http(s) address. Old gateways echo an error's text where a URL is expected."""
    text = text_of(value)
    return text if len(text) <= ADDRESS_LIMIT and re.match(r"https?://[^\s/]", text) else None


def amount(value: object) -> str:
    """Take an amount as text, as it stands there; empty where it is no number of a usual length."""
    number = number_of(value)
    return "" if number is None or len(str(value)) > 2 * MOST_DIGITS else str(value).strip()


def milliseconds(seconds: object) -> int | None:
    """Read the length of a video in seconds, given as ``"5.1"``, 5 or 5.0; at most a day."""
    number = number_of(seconds)
    return int(number * 1000) if number is not None and 0 < number <= 86_400 else None


def percent(value: object) -> int | None:
    """Read a progress, given as 40, 40.0 or ``"40%"``; None where there is none.

    What lies between 0 and 1 is a part of the whole: 0.55 and ``"0.55"`` are 55 %. With a percent sign, and as 1, it
    is what it says.
    """
    text = value.strip() if isinstance(value, str) else value
    number = number_of(text.rstrip(" %") if isinstance(text, str) else text)
    if number is None:
        return None
    is_part = 0 < number < 1 and not (isinstance(text, str) and text.endswith("%"))
    return max(0, min(int(number * 100 if is_part else number), 100))


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
    seconds = number_of(value)
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
        return to_millis(moment)
    except (ValueError, OverflowError):
        return None
