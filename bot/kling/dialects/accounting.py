"""Kling's accounting of single tasks: `/account/billing/package` (units) and `/account/billing/balance` (money). Pure.

kling.ai/document-api, "Unit Deduction Detail" and "Balance Deduction Detail" (2026-07): rows of tasks that were
created in a time, at most 500 an answer, the rest by a cursor. Only Kling's own hosts have it, one question a second.
Of `/account/costs` the packs are read here ("Account Usage", 2026-09): what is left of each, and when it ends.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.operations.charges import Book, Charge
from bot.domain.outside import identity, number_of, word_of
from bot.domain.tasks.resource_packs import PackState, ResourcePack, kind_of
from bot.domain.types import Millis, ProviderName
from bot.kling.dialects import responses
from bot.kling.dialects.error_codes import clean
from bot.kling.errors import Unavailable
from bot.kling.wire import HttpRequest, HttpResponse

DIALECTS = frozenset({"auto", "official", "unified"})
"""Dialects of Kling's own hosts."""

PATHS: Mapping[Book, str] = {
    Book.UNITS: "/account/billing/package",
    Book.MONEY: "/account/billing/balance",
}
MOST_ROWS = 500
LONGEST_CURSOR = 4096
LARGEST, LATEST = 1_000_000_000, 1 << 53
"""What no deduction, and no time in milliseconds, is as much as."""

MOST_PACKS = 500
"""Packs of an account that are read."""

_STATES = {str(state).lower(): state for state in PackState}


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for: the charges of tasks that were created in a time (UTC milliseconds), or what follows a cursor."""

    book: Book
    start: Millis
    end: Millis
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Charges:
    """What is on a page, and the cursor of the next one; empty: it was the last."""

    rows: tuple[Charge, ...]
    cursor: str


def ask(page: Page) -> HttpRequest:
    """Encode the question; a cursor stands for all else."""
    body: dict[str, Any] = {"cursor": page.cursor}
    if not page.cursor:
        body = {"start_time": page.start, "end_time": page.end, "limit": MOST_ROWS}
    return HttpRequest("POST", PATHS[page.book], json=body)


def parse(response: HttpResponse, page: Page, provider: ProviderName) -> Charges:
    """Read the answer; rows without a task or an amount are left out.

    Raises:
        ProviderError: it is refused, or is no accounting.

    """
    held = responses.data(response)
    result = held.get("result") if isinstance(held, Mapping) else None
    detail = result.get("detail") if isinstance(result, Mapping) else None
    if not isinstance(held, Mapping) or not isinstance(detail, list):
        raise Unavailable("the answer is no accounting", code=str(response.status))
    found = (_charge(row, page, provider) for row in detail if isinstance(row, Mapping))
    cursor = held.get("next_cursor") if held.get("has_more") is True else ""
    if not isinstance(cursor, str) or len(cursor) > LONGEST_CURSOR or not cursor.isascii():
        cursor = ""
    return Charges(tuple(charge for charge in found if charge is not None), cursor)


def _charge(row: Mapping[str, Any], page: Page, provider: ProviderName) -> Charge | None:
    remote, amount = identity(row.get("task_id")), number_of(row.get("deduction_amount"))
    if not remote or amount is None or abs(amount) > LARGEST:
        return None
    money = page.book is Book.MONEY
    seconds = number_of(row.get("duration"))
    return Charge(
        charge_key=_key(page.book, row),
        provider=provider,
        remote_id=remote,
        book=page.book,
        product="" if money else word_of(row.get("product_type")),
        function=clean(row.get("product_function")),
        model=clean(row.get("model_name")),
        resolution=clean(row.get("resolution")),
        seconds=None if seconds is None else float(seconds),
        amount=float(amount),
        currency=clean(row.get("currency")) or "?" if money else "",
        charged_at=_moment(row.get("deduction_time")) or page.start,
    )


def _key(book: Book, row: Mapping[str, Any]) -> str:
    """What tells a row from every other: a task may be charged to two packs, or twice.

    Rows have no id. A pack's units before a deduction are never twice the same at one moment.
    """
    names = (
        *("task_id", "package_id", "cash_type", "currency", "deduction_time", "deduction_amount"),
        *("unit_before_deduction", "balance_before_deduction"),
    )
    told = json.dumps([str(book), *(str(row.get(name, "")) for name in names)])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def list_packs(response: HttpResponse) -> tuple[ResourcePack, ...] | None:
    """Read the packs of an account; None where the answer holds no list of them.

    Raises:
        ProviderError: it is refused.

    """
    held = responses.data(response)
    told = held.get("resource_pack_subscribe_infos") if isinstance(held, Mapping) else None
    if not isinstance(told, list):
        return None
    return tuple(_pack(row) for row in told[:MOST_PACKS] if isinstance(row, Mapping))


def _pack(row: Mapping[str, Any]) -> ResourcePack:
    name, left = clean(row.get("resource_pack_name")), number_of(row.get("remaining_quantity"))
    return ResourcePack(
        name=name,
        kind=kind_of(name),
        left=None if left is None or abs(left) > LARGEST else float(left),
        begins_at=_moment(row.get("effective_time")),
        ends_at=_moment(row.get("invalid_time")),
        state=_STATES.get(word_of(row.get("status")).lower()),
    )


def _moment(value: object) -> Millis | None:
    at = number_of(value)
    return Millis(int(at)) if at is not None and 0 < at < LATEST else None
