"""`/stats` for admins and `/usage` for everybody: charts as pictures, and the table behind them."""

from dataclasses import dataclass, replace

from bot.domain.people.access import AccessLevel, Permission
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.operations.reports import PERIODS, Chart
from handlers.chat.html import View
from handlers.chat.keyboards import Button, Payload
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Press, Words
from handlers.chat.turn import Turn
from handlers.sending.media import Media, MediaKind

DEFAULT_DAYS = 30


@dataclass(frozen=True)
class ShowStats(Payload, action="stats"):
    """Show the chart of another period."""

    days: int


@dataclass(frozen=True)
class SendTable(Payload, action="stats.csv"):
    """Send the table behind the chart."""

    days: int


async def stats(turn: Turn, words: Words) -> None:
    """`/stats [7|30|90]`: everybody's last days."""
    await _send_stats(turn, _days(words))


async def usage(turn: Turn, words: Words) -> None:
    """`/usage [7|30|90]`: the person's own last days."""
    days = _days(words)
    chart = await turn.services.reports.usage(turn.user_id, days, turn.t)
    await _send_chart(turn, chart, View(_caption(turn.t, chart, days)))


async def on_show(turn: Turn, button: ShowStats) -> None:
    """Show another period."""
    await _send_stats(turn, _checked(button.days))


async def on_table(turn: Turn, button: SendTable) -> None:
    """Send the table as a file."""
    days = _checked(button.days)
    table = await turn.services.reports.table(turn.user_id, days)
    file = Media(kind=MediaKind.DOCUMENT, source=table, filename=f"tasks-{days}-days.csv")
    await turn.chat.send_media(replace(turn.reply_target, message_id=None), file)


async def _send_stats(turn: Turn, days: int) -> None:
    t, owner = turn.t, turn.user_id
    chart = await turn.services.reports.stats(owner, days, t)
    periods = [
        Button(t.plural("button.stats_days", period), ShowStats(period), owner=owner)
        for period in PERIODS
        if period != days
    ]
    table = Button(t("button.stats_table"), SendTable(days), owner=owner)
    await _send_chart(turn, chart, View(_caption(t, chart, days), [periods, [table]]))


async def _send_chart(turn: Turn, chart: Chart, view: View) -> None:
    image = Media(kind=MediaKind.PHOTO, source=chart.png, filename="chart.png")
    await turn.chat.send_media(turn.reply_target, image, view)


def _caption(t: Texts, chart: Chart, days: int) -> str:
    return t(
        "stats.caption",
        days=t.number(days),
        succeeded=t.number(chart.succeeded),
        asked=t.number(chart.asked),
    )


def _days(words: Words) -> int:
    if not words:
        return DEFAULT_DAYS
    return _checked(int(words[0]) if words[0].isdecimal() else 0)


def _checked(days: int) -> int:
    """The number of days.

    Raises:
        UserError: there is no such period.

    """
    if days not in PERIODS:
        raise UserError("error.stats.period", periods=", ".join(str(period) for period in PERIODS))
    return days


COMMANDS = (
    Command("usage", usage, access=AccessLevel.VIEW, section=Section.ACCOUNT),
    Command("stats", stats, permission=Permission.VIEW, section=Section.STAFF),
)
BUTTONS = (
    Press(ShowStats, on_show),
    Press(SendTable, on_table),
)
