"""`/costs`: what Kling's accounting says that it took, and where that differs from the tasks and the prices."""

from collections.abc import Iterator
from datetime import datetime
from html import escape

from bot.domain.operations.charges import IMAGE, VIDEO, Charge, ChargedTask, Drift
from bot.domain.people.access import Permission
from bot.domain.types import UserId, format_task_id
from bot.i18n import Texts
from bot.services.operations.accounting import CostReport
from bot.services.slots import waiting
from handlers.chat.html import View, keep_fitting, snippet
from handlers.chat.keyboards import Button, Payload
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Press
from handlers.chat.turn import Turn

DAYS = 30
MOST_ROWS = 10
"""Rows of a part that are shown; the shell lists more."""

_ALERTS = frozenset({"alert.costs.unmatched", "alert.costs.drift"})
"""The alerts that lead here."""

_UNITS = {VIDEO: "costs.units_video", IMAGE: "costs.units_image"}


class ShowCosts(Payload, action="costs"):
    """Send what was charged."""


async def show_costs(turn: Turn) -> None:
    """`/costs`: what was charged in the last 30 days, until now."""
    async with waiting():
        await turn.services.costs.refresh()
    report = await turn.services.costs.report(DAYS)
    await turn.answer(costs_view(turn.t, report, turn.local_now()))


def costs_view(t: Texts, report: CostReport, now: datetime) -> View:
    """What was charged, what of it has no task, what failed, and which prices are wrong."""
    parts = [t("costs.title", days=t.number(report.days)), *_sums(t, report, now)]
    if report.unmatched:
        rows = [_unmatched(t, charge, now) for charge in report.unmatched[:MOST_ROWS]]
        parts.append("\n".join([t("costs.unmatched"), *rows]))
        parts += [
            t("costs.lost", provider=lost.provider, number=t.number(lost.number), units=t.number(lost.units))
            for lost in report.lost
        ]
    if report.failed:
        parts.append(
            "\n".join([t("costs.failed"), *(_failed(t, task) for task in report.failed[:MOST_ROWS])])
        )
    if report.drifts:
        parts.append(
            "\n".join([t("costs.drift"), *(_drift(t, drift) for drift in report.drifts[:MOST_ROWS])])
        )
    if report.settings:
        parts.append(f"{t('costs.settings')}\n<pre>{escape(report.settings)}</pre>")
    if report.sums and not (report.unmatched or report.failed or report.drifts):
        parts.append(t("costs.agree"))
    return View(keep_fitting(parts, "\n\n"))


def _sums(t: Texts, report: CostReport, now: datetime) -> Iterator[str]:
    if not report.sums and not report.read_until:
        yield t("costs.none")
    for found in report.sums:
        amount = _amount(t, found.product, found.currency, found.amount)
        matched = t.number(found.number - found.unmatched)
        line = t(
            "costs.sum", provider=found.provider, amount=amount, matched=matched, all=t.number(found.number)
        )
        yield line
    for read in report.read_until:
        yield t("costs.read_until", provider=read.provider, moment=t.moment(read.moment, now))


def _amount(t: Texts, product: str, currency: str, amount: float) -> str:
    number = t.number(round(amount, 2))
    if currency:
        return f"{number} {escape(currency)}"
    return t(_UNITS.get(product, "costs.units_other"), number=number, product=escape(product))


def _unmatched(t: Texts, charge: Charge, now: datetime) -> str:
    what = " · ".join(filter(None, (charge.function, charge.model, charge.resolution)))
    return t(
        "costs.unmatched_row",
        moment=t.moment(charge.charged_at, now),
        amount=_amount(t, charge.product, charge.currency, charge.amount),
        what=snippet(what, 60),
        id=escape(charge.remote_id),
    )


def _failed(t: Texts, task: ChargedTask) -> str:
    amount = _amount(t, task.product, task.currency, task.amount)
    return t(
        "costs.failed_row", id=format_task_id(task.id), model=snippet(task.request.model, 40), amount=amount
    )


def _drift(t: Texts, drift: Drift) -> str:
    listed, charged = t.number(round(drift.listed, 2)), t.number(round(drift.charged, 2))
    return t(
        "costs.drift_row",
        model=snippet(drift.model, 40),
        operation=t(f"operation.{drift.operation}"),
        variant=escape(drift.variant),
        listed=listed,
        charged=charged,
        number=t.number(drift.tasks),
    )


def alert_buttons(t: Texts, key: str, owner: UserId) -> list[Button]:
    """The buttons under an alert."""
    return [Button(t("costs.button"), ShowCosts(), owner=owner)] if key in _ALERTS else []


COMMANDS = (Command("costs", show_costs, permission=Permission.OPERATE, section=Section.STAFF),)
BUTTONS = (Press(ShowCosts, show_costs, permission=Permission.OPERATE),)
