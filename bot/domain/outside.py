"""The boundary of the program: what others send becomes values that can be kept, compared and sent on. Pure.

Everything that comes from a provider, a gateway, a callback or an operator's own service is taken through here. JSON may
hold what no store takes (half of a surrogate pair, as gateways make by cutting a text in UTF-16; a NUL), texts and
numbers of any length, and any nesting. What is not of the kind that is asked for is as if it were not there.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

TEXT_LIMIT = 20_000
"""Characters of a text that are read at all; what is longer is cut before it is looked through."""

ID_LIMIT = 200
"""Characters of an id; a longer one is none."""

WORD_LIMIT = 60
"""Characters of a status word or a code."""

MOST_DIGITS = 30
"""Before and behind the point of a number; no real one has so many, and arithmetic with more takes long or fails."""


def decoded(body: bytes | str) -> Any:
    """Decode JSON; None for anything that is none (`null` included: no answer is just that)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def opened(value: object) -> object:
    """Take JSON that is written as text for what it holds; anything else stays as it is."""
    return decoded(value) if isinstance(value, str) and value.lstrip().startswith(("{", "[")) else value


def text_of(value: object) -> str:
    """Take a string or an integer as text, stripped; anything else is the empty string.

    Half surrogate pairs and NULs become "?". What is longer than `TEXT_LIMIT` is cut.
    """
    if isinstance(value, str):
        return value[:TEXT_LIMIT].strip().encode(errors="replace").decode().replace("\0", "?")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**MOST_DIGITS else ""
    return ""


def identity(value: object) -> str:
    """Take an id; empty where it is none: too long, or with something in it that no id has."""
    text = value.strip() if isinstance(value, str) else text_of(value)
    # Half a surrogate pair is not printable either.
    is_id = len(text) <= ID_LIMIT and text.isprintable() and not any(each.isspace() for each in text)
    return text if is_id else ""


def word_of(value: object) -> str:
    """Take a status word or a code, on one line; what is longer than `WORD_LIMIT` is cut."""
    return " ".join(text_of(value).split())[:WORD_LIMIT]


def number_of(value: object) -> Decimal | None:
    """Take a number, also one that is written as text; None for any other, and for one of too many digits."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    if isinstance(value, str) and len(value) > 4 * MOST_DIGITS:
        return None
    try:
        number = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS else None
