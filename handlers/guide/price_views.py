"""What everything costs as text: a few short lines for each model, and what the reader's plan holds. Pure."""

from collections.abc import Mapping, Sequence
from html import escape

from bot.domain.credits.quota import Plan
from bot.domain.requests.model import UNKNOWN_RATE, Model
from bot.domain.requests.request import Operation
from bot.i18n import Texts
from handlers.chat import html
from handlers.chat.html import View
from handlers.guide import catalog_views

FEW = 3
"""Up to so many lengths are named one by one."""

LONGEST = 60
"""Seconds: a plan that goes so far limits nothing."""


def prices(t: Texts, rows: Sequence[Model], beside: Mapping[Operation, Model], plan: Plan) -> list[View]:
    """The price of each model on offer that the plan holds, and of what is offered beside videos."""
    held = [row for row in rows if not plan.models or row.id in plan.models]
    parts = [t("prices.title"), *(_model(t, row) for row in held)]
    if items := catalog_views.besides(t, beside):
        parts.append(items)
    parts.append(f"{_plan(t, plan)}\n{t('prices.failed')}")
    return [View(text) for text in catalog_views.messages(parts)]


def _model(t: Texts, row: Model) -> str:
    lines = [f"<b>{escape(row.id)}</b>"]
    lines += [_line(t, row, mode, row.rate.get(mode, UNKNOWN_RATE)) for mode in row.modes]
    with_sound = [
        _line(t, row, mode, rate) for mode, rate in row.sound_rate.items() if rate != row.rate.get(mode)
    ]
    if with_sound:
        lines.append(t("prices.sound", prices="; ".join(with_sound)))
    return "\n".join(lines)


def _line(t: Texts, row: Model, mode: str, rate: float) -> str:
    """`standard: 5 s 10 · 10 s 20`."""
    name = t(f"mode.{mode}")
    if len(row.durations) > FEW:
        low, high = row.durations[0], row.durations[-1]
        return f"{name}: {t('prices.per_second', rate=t.number(rate), low=low, high=high)}"
    each = " · ".join(
        f"{t('unit.seconds', seconds=seconds)} <b>{t.number(row.price_of(seconds, rate))}</b>"
        for seconds in row.durations
    )
    return f"{name}: {each}"


def _plan(t: Texts, plan: Plan) -> str:
    limits = []
    if plan.daily_credits is not None:
        limits.append(t("prices.limit_day", credits=html.credits(t, plan.daily_credits)))
    if plan.monthly_credits is not None:
        limits.append(t("prices.limit_month", credits=html.credits(t, plan.monthly_credits)))
    if plan.max_duration < LONGEST:
        limits.append(t("prices.limit_seconds", seconds=plan.max_duration))
    limits.append(t("prices.limit_running", number=plan.max_running))
    return t("prices.plan", plan=escape(plan.name), limits=", ".join(limits))
