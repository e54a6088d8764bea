"""`/stats` for those who run the bot and `/usage` for everybody: charts as pictures, and the table behind them."""

from dataclasses import replace

from telegram import CallbackQuery, Update

from bot.errors import UserError
from bot.i18n import Texts
from bot.services.operations.reports import PERIODS, Chart
from handlers.chat.context import Context, place_of, user_id_of
from handlers.chat.html import View
from handlers.chat.keyboards import Button
from handlers.sending.media import Media, MediaKind

USUAL = 30
"""Days that are shown where nothing else is asked for."""


async def stats(update: Update, context: Context) -> None:
    """`/stats [7|30|90]`: everybody's last days."""
    await _send_stats(update, context, _days(context.args[0] if context.args else str(USUAL)))


async def usage(update: Update, context: Context) -> None:
    """`/usage [7|30|90]`: one's own last days."""
    days = _days(context.args[0] if context.args else str(USUAL))
    chart = await context.services.reports.usage(user_id_of(update), days, context.t)
    await _send(update, context, chart, View(_caption(context.t, chart, days)))


async def press_stats(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Another period, or (`csv.30`) the table."""
    del query
    if not argument.startswith("csv."):
        await _send_stats(update, context, _days(argument))
        return
    days = _days(argument.removeprefix("csv."))
    table = await context.services.reports.table(user_id_of(update), days)
    file = Media(kind=MediaKind.DOCUMENT, source=table, filename=f"tasks-{days}-days.csv")
    await context.chat.send_media(replace(place_of(update), message_id=None), file)


async def _send_stats(update: Update, context: Context, days: int) -> None:
    me, t = user_id_of(update), context.t
    chart = await context.services.reports.stats(me, days, t)
    periods = [
        Button(t.plural("button.stats_days", period), "stats", str(period), me)
        for period in PERIODS
        if period != days
    ]
    rows = [periods, [Button(t("button.stats_table"), "stats", f"csv.{days}", me)]]
    await _send(update, context, chart, View(_caption(t, chart, days), rows))


async def _send(update: Update, context: Context, chart: Chart, view: View) -> None:
    picture = Media(kind=MediaKind.PHOTO, source=chart.png, filename="chart.png")
    await context.chat.send_media(place_of(update), picture, view)


def _caption(t: Texts, chart: Chart, days: int) -> str:
    return t(
        "stats.caption",
        days=t.number(days),
        succeeded=t.number(chart.succeeded),
        asked=t.number(chart.asked),
    )


def _days(text: str) -> int:
    """How many days are asked for.

    Raises:
        UserError: they are not among those that there are.

    """
    if text not in {str(period) for period in PERIODS}:
        raise UserError("error.stats.period", periods=", ".join(str(period) for period in PERIODS))
    return int(text)
