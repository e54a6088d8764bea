"""`/models`, `/voices` and `/prices`: what there is to choose from here, and what it costs."""

from collections.abc import Mapping, Sequence
from html import escape

from bot.domain.credits.quota import Plan
from bot.domain.people.access import AccessLevel
from bot.domain.requests.model import UNKNOWN_RATE, Model
from bot.domain.requests.operations import SPEAKING_OPERATIONS, Operation
from bot.domain.requests.values import LANGUAGES
from bot.errors import UserError
from bot.i18n import Texts
from handlers.chat.html import View, credits  # noqa: A004  the word of the domain
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Words
from handlers.chat.turn import Turn
from handlers.guide import catalog_views
from handlers.library.ready_made import with_presets

FEW = 3
"""Up to so many lengths are named one by one."""

LONGEST = 60
"""Seconds: a plan that goes so far limits nothing."""


async def models(turn: Turn) -> None:
    """Say what each provider's account can use, what it costs, and what it can't use now."""
    compose = turn.services.compose
    default = next(iter(compose.models()), "")
    now = turn.local_now()
    for view in catalog_views.models(turn.t, compose.availabilities(), default, now):
        await turn.answer(view)


async def voices(turn: Turn, words: Words) -> None:
    """`/voices [zh|en]`: the voices of a language, by default the reader's own.

    Raises:
        UserError: no voices are offered here, or none of that language.

    """
    compose = turn.services.compose
    if not (SPEAKING_OPERATIONS & compose.operations() or any(row.voices for row in compose.rows())):
        raise UserError("error.voices.not_offered")
    default = "zh" if turn.t.language.startswith("zh") else "en"
    language = words[0].lower() if words else default
    if language not in LANGUAGES:
        raise UserError("error.voices.language", language=language[:40])
    view = catalog_views.voices(turn.t, language, compose.voices.of(language))
    await turn.answer(with_presets(turn, Operation.VOICE, view))


async def prices(turn: Turn) -> None:
    """Say what everything in the reader's plan costs."""
    compose = turn.services.compose
    plan = compose.renewed(await turn.services.accounts.plan(turn.user_id))
    for view in price_list(turn.t, compose.rows(), compose.beside(), plan):
        await turn.answer(view)


# -- views -------------------------------------------------------------------------------------------


def price_list(t: Texts, rows: Sequence[Model], beside: Mapping[Operation, Model], plan: Plan) -> list[View]:
    """The price of each model on offer that the plan holds, and of what is offered beside videos."""
    held = [row for row in rows if not plan.models or row.id in plan.models]
    parts = [t("prices.title"), *(_model_prices(t, row) for row in held)]
    if items := catalog_views.besides(t, beside):
        parts.append(items)
    parts.append(f"{_plan_limits(t, plan)}\n{t('prices.failed')}")
    return [View(text) for text in catalog_views.messages(parts)]


def _model_prices(t: Texts, row: Model) -> str:
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


def _plan_limits(t: Texts, plan: Plan) -> str:
    limits = []
    if plan.daily_credits is not None:
        limits.append(t("prices.limit_day", credits=credits(t, plan.daily_credits)))
    if plan.monthly_credits is not None:
        limits.append(t("prices.limit_month", credits=credits(t, plan.monthly_credits)))
    if plan.max_duration < LONGEST:
        limits.append(t("prices.limit_seconds", seconds=plan.max_duration))
    limits.append(t("prices.limit_running", number=plan.max_running))
    return t("prices.plan", plan=escape(plan.name), limits=", ".join(limits))


COMMANDS = (
    Command("models", models, access=AccessLevel.VIEW, section=Section.GUIDE),
    Command("voices", voices, access=AccessLevel.VIEW, section=Section.GUIDE),
    Command("prices", prices, access=AccessLevel.VIEW, section=Section.GUIDE),
)
