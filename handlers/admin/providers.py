"""`/providers`: how every provider does, and the buttons that pause, resume and ask again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape

from bot.domain.credits.caps import Window
from bot.domain.people.access import Permission
from bot.domain.requests.operations import Pack
from bot.domain.tasks.availability import State
from bot.domain.types import ProviderName, UserId
from bot.i18n import Texts
from bot.services.operations.providers import AccountAnswer, Outage, ProviderReport, Trouble
from handlers.admin.added_providers import list_added
from handlers.chat import html
from handlers.chat.availability import availability_line, units_line
from handlers.chat.html import View, keep_fitting, snippet
from handlers.chat.keyboards import CONFIRM, DANGER, Button, Payload
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Press
from handlers.chat.turn import Turn

LONGEST_WORDS = 500
"""Characters of what a provider says of its account."""

_PACKS = {
    Pack.VIDEO: "providers.outage_pack_video",
    Pack.IMAGE: "providers.outage_pack_image",
    Pack.AUDIO: "providers.outage_pack_audio",
    Pack.TRY_ON: "providers.outage_pack_try_on",
    Pack.LIBRARY: "providers.outage_pack_library",
}
_KINDS = {
    Pack.VIDEO: "providers.pack_video",
    Pack.IMAGE: "providers.pack_image",
    Pack.AUDIO: "providers.pack_audio",
    Pack.TRY_ON: "providers.pack_try_on",
    Pack.LIBRARY: "providers.pack_library",
}
_TROUBLES = {
    Trouble.KEY: "providers.trouble.key",
    Trouble.BALANCE: "providers.trouble.balance",
    Trouble.BUSY: "providers.trouble.busy",
    Trouble.UNREACHABLE: "providers.trouble.unreachable",
    Trouble.SLOW: "providers.trouble.slow",
    Trouble.EMPTY: "providers.trouble.empty",
    Trouble.NOT_ENABLED: "providers.trouble.not_enabled",
    Trouble.MISSING: "providers.trouble.missing",
    Trouble.ADDRESS: "providers.trouble.address",
    Trouble.CERTIFICATE: "providers.trouble.certificate",
    Trouble.PATH: "providers.trouble.path",
    Trouble.PRICE: "providers.trouble.price",
    Trouble.SETTINGS: "providers.trouble.settings",
}


@dataclass(frozen=True)
class _OfProvider(Payload):
    """A button about one provider, named by its short hash."""

    provider: str


class PauseProvider(_OfProvider, action="pause"):
    """Send nothing new to a provider."""


class ResumeProvider(_OfProvider, action="resume"):
    """Send to a provider again."""


class RefreshProvider(_OfProvider, action="refresh"):
    """Ask a provider for its account again."""


async def list_providers(turn: Turn) -> None:
    """`/providers`: one message for each provider, with its buttons under it."""
    reports = await turn.services.providers.reports()
    for report in reports:
        await turn.answer(_view(turn, report))
    if not reports:
        await turn.answer(View(turn.t("providers.none")))
    await turn.answer(await list_added(turn))


async def on_pause(turn: Turn, button: PauseProvider) -> str:
    """Send nothing new to the provider; the tasks that run there go on."""
    name = turn.services.providers.find(button.provider)
    await turn.services.providers.pause(name, turn.user_id, turn.idempotency_key)
    await _show(turn, name)
    return turn.t("providers.now_paused", name=name)


async def on_resume(turn: Turn, button: ResumeProvider) -> str:
    """Send to the provider again."""
    name = turn.services.providers.find(button.provider)
    await turn.services.providers.resume(name, turn.user_id, turn.idempotency_key)
    await _show(turn, name)
    return turn.t("providers.now_resumed", name=name)


async def on_refresh(turn: Turn, button: RefreshProvider) -> str:
    """Ask the provider for its account again."""
    name = turn.services.providers.find(button.provider)
    await _show(turn, name, ask=True)
    return turn.t("providers.now_refreshed", name=name)


async def _show(turn: Turn, name: ProviderName, *, ask: bool = False) -> None:
    await turn.edit(_view(turn, await turn.services.providers.report(name, ask=ask)))


def _view(turn: Turn, report: ProviderReport) -> View:
    return provider_view(turn.t, report, turn.user_id, turn.local_now())


# -- views -------------------------------------------------------------------------------------------


def provider_view(t: Texts, report: ProviderReport, owner: UserId, now: datetime) -> View:
    """One provider: its state, its load, how the last hour went, and what its account says."""
    lines = [
        f"<b>{escape(report.name)}</b> · {escape(report.dialect)}",
        _state(t, report, now),
        *(_outage(t, outage, now) for outage in report.outages),
        *_availabilities(t, report, now),
        _running(t, report),
        *_limits(t, report),
        _last_hour(t, report),
        t("providers.no_median")
        if report.median is None
        else t("providers.median", duration=t.duration(report.median)),
    ]
    lines += _spent(t, report)
    number, cost = report.lost
    if number:
        lines.append(t("providers.lost", number=t.number(number), cost=t.number(round(cost, 2))))
    if report.account is not None:
        lines.append(_account(t, report.account))
    return View(keep_fitting(lines, "\n"), [_buttons(t, report, owner)])


def _state(t: Texts, report: ProviderReport, now: datetime) -> str:
    if report.paused:
        return t("providers.paused")
    if report.open_until is None:
        return t("providers.open")
    reason = t(_TROUBLES[report.closed_for or Trouble.UNREACHABLE])
    return t("providers.closed", moment=t.moment(report.open_until, now), reason=reason)


def _outage(t: Texts, outage: Outage, now: datetime) -> str:
    """A pack or a model that is closed while the rest goes on."""
    about = {"moment": t.moment(outage.until, now), "reason": t(_TROUBLES[outage.trouble])}
    if outage.model is None:
        return t(_PACKS[outage.pack], **about)
    return t("providers.outage_model", model=snippet(outage.model, 40), **about)


def _availabilities(t: Texts, report: ProviderReport, now: datetime) -> Iterator[str]:
    """What is left of each pack, as the account tells; then the models that Kling has ended or that can't be asked for."""
    units = {each.pack: each.units for each in report.availabilities if each.units is not None}
    for pack, left in units.items():
        yield t("providers.units", pack=t(_KINDS[pack]), units=units_line(t, left, now))
    for each in report.availabilities:
        if each.state in {State.RETIRED, State.UNNAMED} or (each.is_usable and each.ended is not None):
            yield f"{snippet(each.model, 40)}: {availability_line(t, each, now)}"


def _running(t: Texts, report: ProviderReport) -> str:
    line = t("providers.running", running=report.running, limit=report.max_concurrent)
    each = ", ".join(
        f"{snippet(model, 40)} {t.number(number)}" for model, number in sorted(report.busy.items())
    )
    return f"{line}: {each}" if each else line


def _limits(t: Texts, report: ProviderReport) -> Iterator[str]:
    """The models of which fewer run at a time than the settings say."""
    for model, limit in sorted(report.limits.items()):
        yield t("providers.limit", model=snippet(model, 40), limit=t.number(limit))


def _last_hour(t: Texts, report: ProviderReport) -> str:
    total = report.answered + report.failed
    if not total:
        return t("providers.quiet")
    return t(
        "providers.last_hour",
        answered=t.number(report.answered),
        failed=t.number(report.failed),
        percent=t.number(round(100 * report.failed / total)),
    )


def _spent(t: Texts, report: ProviderReport) -> Iterator[str]:
    """What was spent in Kling's units, with its caps, and how that stands to the credits charged."""
    for window, key in ((Window.DAY, "providers.spent_day"), (Window.MONTH, "providers.spent_month")):
        units, limit = report.spent.of(window), report.caps.of(window)
        spent = t.number(round(units, 2))
        if limit is not None:
            yield t(key, spent=t("providers.spent_of", spent=spent, limit=t.number(limit)))
        elif units:
            yield t(key, spent=spent)
    if (drift := report.spent.drift) is not None:
        yield t(
            "providers.drift",
            told=t.number(round(report.spent.told, 2)),
            credits=html.credits(t, report.spent.told_credits),
            percent=f"{100 * drift:+.0f}",
        )
    if report.spent.differing:
        differing, of_all = t.number(report.spent.differing), t.number(report.spent.told_tasks)
        yield t("providers.differing", differing=differing, told=of_all)


def _account(t: Texts, account: AccountAnswer) -> str:
    if account.trouble is None:
        return t("providers.account", words=snippet(account.words, LONGEST_WORDS))
    reason = t(_TROUBLES[account.trouble])
    if account.words:
        reason = f"{reason} ({snippet(account.words, LONGEST_WORDS)})"
    return t("providers.account_unknown", reason=reason)


def _buttons(t: Texts, report: ProviderReport, owner: UserId) -> list[Button]:
    pause = Button(t("providers.button_pause"), PauseProvider(report.handle), owner=owner, style=DANGER)
    resume = Button(t("providers.button_resume"), ResumeProvider(report.handle), owner=owner, style=CONFIRM)
    refresh = Button(t("providers.button_refresh"), RefreshProvider(report.handle), owner=owner)
    if report.paused:
        return [resume, refresh]
    # What a fault has closed can be opened at once, too: the admin may have mended it.
    closed = report.open_until is not None or report.outages
    return [pause, resume, refresh] if closed else [pause, refresh]


COMMANDS = (Command("providers", list_providers, permission=Permission.OPERATE, section=Section.STAFF),)
BUTTONS = (
    Press(PauseProvider, on_pause, permission=Permission.OPERATE),
    Press(ResumeProvider, on_resume, permission=Permission.OPERATE),
    Press(RefreshProvider, on_refresh, permission=Permission.OPERATE),
)
