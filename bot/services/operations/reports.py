"""Statistics: charts and tables of what was asked for and what became of it."""

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.clock import Clock
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
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for figure in figures:
        moments = (figure.created_at, figure.submitted_at, figure.finished_at)
        table.writerow(
            (
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
        )
    # With its mark, spreadsheets take it for UTF-8.
    return text.getvalue().encode("utf-8-sig")


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="seconds")
