"""Business, a page of `/admin`: what Stars bring in beside what Kling takes, and the table behind it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from html import escape

from bot.domain.operations.business import BusinessReport, Grouping
from bot.domain.people.access import Permission
from bot.domain.types import UserId
from bot.i18n import Texts
from bot.services.operations.reports import PERIODS
from handlers.admin.panel_pages import back, page, to
from handlers.chat.html import View, keep_fitting, snippet
from handlers.chat.keyboards import Payload
from handlers.chat.routes import Press
from handlers.chat.turn import Turn
from handlers.sending.media import Media, MediaKind

MOST_LINES = 31
"""Lines that are shown; the table has all."""


@dataclass(frozen=True)
class ShowBusiness(Payload, action="panel.business"):
    """Show the last days, by one thing or another."""

    days: int = 30
    by: Grouping = Grouping.DAY


@dataclass(frozen=True)
class SendBusiness(Payload, action="panel.business_csv"):
    """Send the table behind the page."""

    days: int
    by: Grouping


async def show(turn: Turn, button: ShowBusiness) -> View:
    """The page."""
    report = await turn.services.business.report(_period(button.days), button.by)
    shown = [line.name for line in report.lines if not line.is_empty][:MOST_LINES]
    display_names = {name: await _name(turn, report.by, name) for name in shown}
    return business_view(turn.t, report, display_names, turn.user_id)


async def send_table(turn: Turn, button: SendBusiness) -> None:
    """Send the table as a file."""
    days = _period(button.days)
    table = await turn.services.business.table(days, button.by)
    file = Media(kind=MediaKind.DOCUMENT, source=table, filename=f"business-{days}-days-by-{button.by}.csv")
    await turn.chat.send_media(replace(turn.reply_target, message_id=None), file)


def _period(days: int) -> int:
    return days if days in PERIODS else ShowBusiness.days


async def _name(turn: Turn, by: Grouping, name: str) -> str:
    """A day as people write it, a person as admins know them; a group's wallet, and who was forgotten, by number."""
    if by is Grouping.DAY:
        return turn.t.date(date.fromisoformat(name))
    if by is not Grouping.USER or not name.isdecimal():
        return name
    person = await turn.services.access.person(UserId(int(name)))
    return f"@{person.username}" if person.username else person.name or name


def business_view(t: Texts, report: BusinessReport, display_names: Mapping[str, str], owner: UserId) -> View:
    """The sums, and a line for each day, provider, model or user with something to tell."""
    total = report.total
    parts = [
        "\n".join([t("business.title", days=t.number(report.days)), *_totals(t, report)]),
        "\n".join(_lines(t, report, display_names)),
    ]
    if total.units_estimated:
        parts.append(t("business.estimated", units=_number(t, total.units_estimated)))
    periods = [
        to(owner, t.plural("button.stats_days", days), ShowBusiness(days, report.by))
        for days in PERIODS
        if days != report.days
    ]
    groupings = [
        to(owner, t(f"button.business_{by}"), ShowBusiness(report.days, by))
        for by in Grouping
        if by is not report.by
    ]
    table = to(owner, t("button.stats_table"), SendBusiness(report.days, report.by))
    return View(
        keep_fitting([part for part in parts if part], "\n\n"), [groupings, periods, [table], back(t, owner)]
    )


def _totals(t: Texts, report: BusinessReport) -> Iterator[str]:
    total = report.total
    yield t(
        "business.stars",
        net=t.number(total.stars_net),
        packages=t.number(total.stars_packages),
        subscriptions=t.number(total.stars_subscriptions),
        refunded=t.number(total.stars_refunded),
    )
    yield t(
        "business.credits",
        sold=t.number(total.credits_sold),
        granted=t.number(total.credits_granted),
        charged=t.number(total.credits_charged),
        refunded=t.number(total.credits_refunded),
    )
    yield t("business.units", units=_number(t, total.units), tasks=t.number(total.tasks))
    if total.charged_units:
        yield t("business.charged_units", units=_number(t, total.charged_units))
    for currency, amount in total.charged_money.items():
        yield t("business.charged_money", amount=_money(t, amount, currency))
    if total.revenue is not None:
        yield t("business.revenue", amount=_money(t, total.revenue, report.currency))
    if total.cost is not None and (total.cost or total.revenue is not None):
        yield t("business.cost", amount=_money(t, total.cost, report.currency))
    if total.margin is not None:
        yield t("business.margin", amount=_money(t, total.margin, report.currency))


def _lines(t: Texts, report: BusinessReport, display_names: Mapping[str, str]) -> Iterator[str]:
    shown = [line for line in report.lines if not line.is_empty]
    if not shown:
        yield t("business.nothing")
    for line in shown[:MOST_LINES]:
        yield t(
            "business.line" if report.by.has_stars else "business.line_made",
            name=snippet(display_names.get(line.name, line.name), 40) if line.name else t("business.other"),
            stars=t.number(line.stars_net),
            credits=t.number(line.credits_charged),
            units=_number(t, line.units or line.charged_units),
        )


def _number(t: Texts, value: float) -> str:
    return t.number(round(value, 2))


def _money(t: Texts, amount: float, currency: str) -> str:
    return f"{_number(t, amount)} {escape(currency)}"


BUTTONS = (
    page(ShowBusiness, show, Permission.OPERATE),
    Press(SendBusiness, send_table, permission=Permission.OPERATE),
)
