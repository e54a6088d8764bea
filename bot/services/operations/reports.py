"""Statistics: charts and tables of what was asked for, what became of it, and what it brought in and cost."""

import asyncio
import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.clock import Clock
from bot.domain.operations.business import (
    BusinessLine,
    BusinessReport,
    Grouping,
    Worth,
    put_together,
    spans,
)
from bot.domain.operations.records import Report, StatRow, days_before, report, start_of
from bot.domain.people.access import Permission
from bot.domain.types import UserId, format_task_id
from bot.i18n import Texts, for_language
from bot.media.charts import Bars, Columns, Panel, Shares, draw, has_all_letters
from bot.services.people.access import Access
from bot.services.people.accounts import Accounts
from bot.store import Store

PERIODS = (7, 30, 90)
"""Days that can be looked at."""

MOST_FIGURES = 200_000
"""Tasks in one report: more would not be drawn within seconds."""

COLUMNS = (
    *("task", "user", "model", "state", "credits", "provider", "provider_cost"),
    *("asked_at", "submitted_at", "finished_at", "failure"),
)

BUSINESS_COLUMNS = (
    *("by", "name", "stars_packages", "stars_subscriptions", "stars_refunded", "stars_net"),
    *("credits_sold", "credits_taken_back", "credits_granted", "credits_charged", "credits_refunded"),
    *("tasks", "units", "units_estimated", "charged_units", "charged_money"),
    *("revenue", "cost", "margin", "currency"),
)
"""Of the table, for good: scripts and spreadsheets know them."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A PNG, and the two figures that stand beneath it."""

    png: bytes
    asked: int
    succeeded: int


class Reports:
    """Draws the charts of `/stats` and `/usage`, and writes the table behind them."""

    def __init__(self, *, store: Store, access: Access, accounts: Accounts, clock: Clock) -> None:
        self._store = store
        self._access = access
        self._accounts = accounts
        self._clock = clock

    async def stats(self, actor: UserId, days: int, t: Texts) -> Chart:
        """Everybody's last days in one picture."""
        await self._access.require(actor, Permission.VIEW)
        found = await self._report(days, None)
        names = {user_id: await self._name(user_id) for user_id, _ in found.people}
        return await _drawn(found, t, names)

    async def usage(self, user_id: UserId, days: int, t: Texts) -> Chart:
        """A person's own last days."""
        return await _drawn(await self._report(days, user_id), t, None)

    async def table(self, actor: UserId | None, days: int) -> bytes:
        """The tasks behind the charts as CSV; times are UTC."""
        await self._access.require(actor, Permission.VIEW)
        zone = self._accounts.zone
        since = start_of(days_before(self._clock.now(), days, zone)[0], zone)
        figures = await self._store.operations.list_figures(since, None, MOST_FIGURES)
        return await asyncio.to_thread(_csv, figures)

    async def _report(self, days: int, user_id: UserId | None) -> Report:
        zone = self._accounts.zone
        period = days_before(self._clock.now(), days, zone)
        figures = await self._store.operations.list_figures(start_of(period[0], zone), user_id, MOST_FIGURES)
        return await asyncio.to_thread(report, figures, period, zone)

    async def _name(self, user_id: UserId) -> str:
        person = await self._access.person(user_id)
        name = f"@{person.username}" if person.username else person.name
        return name if has_all_letters() or name.isascii() else str(user_id)


async def _drawn(found: Report, texts: Texts, names: dict[UserId, str] | None) -> Chart:
    t = texts if has_all_letters() else for_language("en")
    labels = [t.date(day) for day in found.days]
    rows: list[list[Panel]] = [
        [Columns(t("chart.tasks"), labels, found.tasks)],
        [Columns(t("chart.credits"), labels, found.credits)],
    ]
    heading = t("chart.yours" if names is None else "chart.all", days=t.number(len(found.days)))
    if names is not None:
        rows += _for_operators(found, t, labels, names)
    png = await asyncio.to_thread(draw, heading, rows, t("chart.nothing"))
    return Chart(png, found.asked, found.succeeded)


def _for_operators(
    found: Report, t: Texts, labels: Sequence[str], names: dict[UserId, str]
) -> list[list[Panel]]:
    times = [
        (model, float(median), f"{t.duration(median)} / {t.duration(slow)}")
        for model, (median, slow) in found.times.items()
    ]
    marks = [float(slow) for _, slow in found.times.values()]
    people = [(names[user_id], float(spent), t.number(spent)) for user_id, spent in found.people]
    spend = [(name, float(cost), t.number(round(float(cost), 2))) for name, cost in found.spend.items()]
    return [
        [Shares(t("chart.success"), labels, found.success), Bars(t("chart.times"), times, marks)],
        [Bars(t("chart.people"), people), Bars(t("chart.spend"), spend)],
    ]


def _csv(figures: Sequence[StatRow]) -> bytes:
    return _table(COLUMNS, map(_stat_cells, figures))


def _stat_cells(figure: StatRow) -> tuple[object, ...]:
    moments = (figure.created_at, figure.submitted_at, figure.finished_at)
    return (
        format_task_id(figure.id),
        figure.user_id,
        figure.model,
        figure.state,
        figure.price,
        figure.provider or "",
        figure.real_cost or "",
        *("" if moment is None else _iso(moment) for moment in moments),
        figure.failure or "",
    )


def _table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(heading)
    table.writerows(rows)
    # With its mark, spreadsheets take it for UTF-8.
    return text.getvalue().encode("utf-8-sig")


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="seconds")


class Business:
    """Sums up the last days in the clocks of `quota.timezone`; who may look is declared with what asks."""

    def __init__(self, *, store: Store, accounts: Accounts, clock: Clock, worth: Worth) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._worth = worth

    async def report(self, days: int, by: Grouping) -> BusinessReport:
        """Today and the days before it, `days` in all."""
        zone = self._accounts.zone
        period = days_before(self._clock.now(), days, zone)
        sums = await self._store.business.list_sums(by, spans(period, zone))
        return put_together(sums, by, period, self._worth)

    async def table(self, days: int, by: Grouping) -> bytes:
        """The same as CSV: a row for each line, and one for the total."""
        return _table(BUSINESS_COLUMNS, business_cells(await self.report(days, by)))


def business_cells(report: BusinessReport) -> Iterator[tuple[str, ...]]:
    """The rows of the table in the order of `BUSINESS_COLUMNS`; what is not known is empty."""
    for by, line in (*((str(report.by), line) for line in report.lines), ("total", report.total)):
        known = {"by": by, "charged_money": _money(line.charged_money), "currency": report.currency}
        yield tuple(known[name] if name in known else _cell(line, name) for name in BUSINESS_COLUMNS)


def _cell(line: BusinessLine, name: str) -> str:
    value = getattr(line, name)
    return "" if value is None else _number(value) if isinstance(value, int | float) else str(value)


def _number(value: float) -> str:
    return f"{round(value, 4):.15g}"


def _money(amounts: Mapping[str, float]) -> str:
    """Amounts of one or several currencies in one cell."""
    return "; ".join(f"{_number(amount)} {currency}" for currency, amount in amounts.items())
