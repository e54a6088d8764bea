"""What the tasks of an account cost: packs of units per product, a row for each deduction, and `/account/*`.

kling.ai/document-api, "Account Usage", "Unit Deduction Detail", "Balance Deduction Detail". Units are deducted when
a task is done; packs are per product, and one that is used up refuses its own product only (1102).
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator
from starlette.responses import Response

from bot.demo.kling import fields
from bot.demo.kling.accounts import Account
from bot.demo.kling.answers import ok
from bot.demo.kling.body import Body
from bot.demo.kling.orders import Order
from bot.demo.kling.refusals import Refusal, forbid, invalid
from bot.demo.kling.tasks import RemoteTask, TaskRegistry

INTERVAL = 1.0
"""Seconds that must lie between two questions of an account about its money."""

MOST_ROWS = 500
RATES = {"std": 0.3, "pro": 0.5, "4k": 3.0}
"""Units for a second of video."""

IMAGE_UNITS, UNITS_OF_MODEL = 8.0, {"kling-image-4.0": 17.0}
"""Units of the image pack for one picture; 40 of them are worth one unit of video."""

LARGER = {"4k": 2, "8k": 4}
"""How many times as much a larger picture costs."""

SOUND_UNITS, CALL_UNITS = 0.25, 0.05
DOLLARS = {"video": 0.14, "image": 0.0035, "try-on": 0.07}
"""What a unit is worth; nothing is published for the last."""

DAY = 86_400_000
RESOLUTIONS = {"std": "720p", "pro": "1080p", "4k": "4k"}
_FUNCTIONS = {
    "text2video": "Text to Video",
    "image2video": "Image to Video",
    "multi-image2video": "Multi-Image to Video",
    "omni-video": "Omni Video",
    "multi-elements": "Multi-Element Editing",
    "motion-control": "Motion Control",
    "video-extend": "Video Extension",
    "effects": "Video Effects",
    "avatar/image2video": "Avatar",
    "lip-sync": "Lip Sync",
    "advanced-lip-sync": "Lip Sync",
}


def pack_of(order: Order) -> str:
    """The product whose units an order takes; sounds and voices take those of videos (seen live)."""
    if order.operation.endswith("try-on"):
        return "try-on"
    return "image" if order.product == "image" else "video"


def units(order: Order) -> float:
    """What an order costs, in units of its pack; elements cost nothing."""
    if order.product == "video":
        return round(RATES.get(order.mode, 0.3) * order.seconds, 4)
    if pack_of(order) == "try-on":
        return 1.0
    if order.product == "image":
        times = 1 if order.still is None else LARGER.get(order.still.resolution, 1)
        return UNITS_OF_MODEL.get(order.model, IMAGE_UNITS) * times * order.count
    return 0.0 if order.product == "element" else SOUND_UNITS


@dataclass(frozen=True)
class Deduction:
    """What a task, or a call that was answered at once, has cost. Times are in milliseconds."""

    task_id: str
    product: str
    amount: float
    before: float
    created_at: int
    at: int
    details: Mapping[str, Any]


@dataclass
class Book:
    """The books of one account. `left` are the units of each product; `rows` the deductions in their order.

    `ended` is when the pack of a product expired (milliseconds), of those that have.
    """

    left: dict[str, float]
    rows: list[Deduction] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)
    asked_at: float = 0.0
    ended: dict[str, int] = field(default_factory=dict)

    def take(self, product: str, amount: float, task_id: str, times: tuple[int, int], **details: Any) -> None:
        """Deduct something once."""
        before = self.left[product]
        self.left[product] = round(before - amount, 4)
        self.rows.append(Deduction(task_id, product, amount, before, *times, details))


@dataclass
class Accounting:
    """The books of all accounts; what tasks cost is written when somebody looks."""

    registry: TaskRegistry
    books: dict[str, Book] = field(default_factory=dict)

    def book(self, account: Account, now: float) -> Book:
        """The books of an account, with all of its tasks that have ended by now (seconds)."""
        book = self.books.setdefault(account.key, Book(dict(account.units)))
        for task in reversed(list(self.registry.of(account))):
            if task.id not in book.settled and (state := task.state(now)) in {"succeed", "failed"}:
                book.settled.add(task.id)
                if state == "succeed" or task.charged_anyway:
                    self._charge(book, task)
        return book

    def _charge(self, book: Book, task: RemoteTask) -> None:
        order, amount = task.order, units(task.order)
        if not amount:
            return
        created, ended = int(task.created_at * 1000), int((task.ended_at or task.created_at) * 1000)
        video = order.product == "video"
        book.take(
            pack_of(order),
            amount,
            task.upstream_id,
            (created, ended),
            product_function=_FUNCTIONS.get(order.operation, order.operation),
            model_name=order.model,
            resolution=RESOLUTIONS.get(order.mode, order.mode) if video else "",
            **_of_video(order) if video else {},
        )

    def call(
        self, account: Account, task_id: str, function: str, now: float, amount: float = CALL_UNITS
    ) -> None:
        """Charge what is answered at once: from the units for videos."""
        at = int(now * 1000)
        self.book(account, now).take(
            "video", amount, task_id, (at, at), product_function=function, model_name="", resolution=""
        )

    def check_call(self, account: Account, amount: float, now: float) -> None:
        """Refuse what is answered at once where the units for videos are not enough (1102)."""
        self._check(account, "video", amount, now)

    def check(self, account: Account, order: Order, now: float) -> None:
        """Refuse an order that its product's units are not enough for, what runs included (1102)."""
        self._check(account, pack_of(order), units(order), now)

    def _check(self, account: Account, product: str, amount: float, now: float) -> None:
        book = self.book(account, now)
        running = sum(
            units(task.order)
            for task in self.registry.of(account)
            if task.id not in book.settled and pack_of(task.order) == product
        )
        if product in book.ended or amount > book.left[product] - running + 1e-9:
            raise Refusal(1102)

    def ask(self, account: Account, now: float) -> Book:
        """The books, for a question about them; 1302 for one too soon after the last."""
        book = self.book(account, now)
        if now - book.asked_at < INTERVAL:
            raise Refusal(1302)
        book.asked_at = now
        return book


def _of_video(order: Order) -> dict[str, Any]:
    return {
        "duration": f"{order.seconds:.2f}",
        "refer_video_input": order.film is not None or order.source is not None,
        "video_sound": "native" if order.sound else "off",
        "voice_control": bool(order.voices) and not any("voice" in name for name in order.unnamed),
    }


# -- the endpoints -------------------------------------------------------------------------------------


def check_times(query: Mapping[str, str]) -> None:
    """Refuse a question about packs without times (1200)."""
    start, end = query.get("start_time", ""), query.get("end_time", "")
    if not start.isdigit() or not end.isdigit() or int(start) > int(end):
        raise Refusal(1200, "start_time and end_time are required, in milliseconds")


def packs(account: Account, book: Book, query: Mapping[str, str], now: float) -> Response:
    """The answer to `GET /account/costs`: what is left in the packs."""
    wanted, at = query.get("resource_pack_name"), int(now * 1000)
    found = [
        {
            "resource_pack_name": _name(product),
            "resource_pack_id": product,
            "resource_pack_type": "decreasing_total",
            "total_quantity": total,
            "remaining_quantity": book.left[product],
            "purchase_time": at - DAY,
            "effective_time": at - DAY,
            "invalid_time": book.ended.get(product, at + 89 * DAY),
            "status": _status(book, product),
        }
        for product, total in account.units.items()
        if wanted in {None, _name(product)}
    ]
    return ok({"code": 0, "msg": "success", "resource_pack_subscribe_infos": found})


def _status(book: Book, product: str) -> str:
    if product in book.ended:
        return "expired"
    return "online" if book.left[product] > 0 else "runOut"


def _name(product: str) -> str:
    return f"Demo {product}"


def _milliseconds(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


Moment = Annotated[int | None, BeforeValidator(_milliseconds)]


class _Filter(Body):
    key: Literal["api_key_name", "product_type", "package_name", "package_id"]
    values: tuple[str, ...]


class RowsBody(Body):
    """Which deductions are asked for; a cursor stands for all else."""

    start_time: Moment = None
    end_time: Moment = None
    cursor: str = ""
    limit: Annotated[int, fields.between(1, MOST_ROWS)] = MOST_ROWS
    filters: tuple[_Filter, ...] = ()


@dataclass(frozen=True)
class _Page:
    start: int
    end: int
    limit: int
    first: int
    filters: tuple[tuple[str, tuple[str, ...]], ...]

    def cursor(self, first: int) -> str:
        told = [self.start, self.end, self.limit, first, self.filters]
        return base64.urlsafe_b64encode(json.dumps(told).encode()).decode()


def _page(body: RowsBody) -> _Page:
    if body.cursor:
        try:
            start, end, limit, first, filters = json.loads(base64.urlsafe_b64decode(body.cursor))
        except (ValueError, binascii.Error):
            raise invalid("cursor is not one of ours") from None
        return _Page(start, end, limit, first, tuple((key, tuple(values)) for key, values in filters))
    start_time, end_time = body.start_time, body.end_time
    if start_time is None or end_time is None:
        raise invalid("start_time and end_time are required without a cursor")
    forbid(start_time >= end_time, "start_time must be earlier than end_time")
    kinds = {item.key for item in body.filters}
    forbid({"package_name", "package_id"} <= kinds, "package_name and package_id exclude each other")
    chosen = tuple((item.key, item.values) for item in body.filters if item.values)
    return _Page(start_time, end_time, body.limit, 0, chosen)


def rows(account: Account, book: Book, body: RowsBody, *, money: bool) -> Response:
    """The answer about the deductions of tasks that were created in a time: units, or money."""
    page = _page(body)
    forbid(money and any(key != "api_key_name" for key, _ in page.filters), "filters.key is unknown here")
    found = (
        [row for row in book.rows if page.start <= row.created_at <= page.end]
        if money is account.cash
        else []
    )
    found = [row for row in found if _chosen(account, row, page.filters)]
    shown = found[page.first : page.first + page.limit]
    more = len(found) > page.first + page.limit
    detail = [_money(account, row) if money else _units(account, row) for row in shown]
    return ok(
        {
            "result": {"detail": detail, "count": len(detail)},
            "next_cursor": page.cursor(page.first + page.limit) if more else "",
            "has_more": more,
        }
    )


def _chosen(account: Account, row: Deduction, filters: Sequence[tuple[str, tuple[str, ...]]]) -> bool:
    told = {
        "api_key_name": account.name,
        "product_type": row.product,
        "package_name": _name(row.product),
        "package_id": row.product,
    }
    return all(told[key] in values for key, values in filters)


def _task(account: Account, row: Deduction) -> Iterator[tuple[str, Any]]:
    yield "task_id", row.task_id
    yield "api_key_name", account.name
    yield from row.details.items()
    yield "deduction_time", str(row.at)
    yield "deduction_amount", row.amount


def _units(account: Account, row: Deduction) -> dict[str, Any]:
    return dict(_task(account, row)) | {
        "package_id": row.product,
        "product_type": row.product,
        "unit_before_deduction": row.before,
        "unit_after_deduction": round(row.before - row.amount, 4),
    }


def _money(account: Account, row: Deduction) -> dict[str, Any]:
    worth = DOLLARS[row.product]
    amount = round(row.amount * worth, 6)
    return dict(_task(account, row)) | {
        "cash_type": "balance",
        "balance_before_deduction": round(row.before * worth, 6),
        "deduction_amount": amount,
        "balance_after_deduction": round((row.before - row.amount) * worth, 6),
        "list_price": amount,
        "currency": "USD",
    }
