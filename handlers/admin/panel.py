"""`/admin`: the panel of those who run the bot; and `/audit`, who did what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.operations.records import AuditRow
from bot.domain.people.access import Membership, Permission
from bot.domain.types import UserId
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.operations.panel import AUDIT_ON_A_PAGE
from handlers.admin.access import door_view, request_card
from handlers.admin.announcements import AskBroadcast, ShowNotice
from handlers.admin.business import ShowBusiness
from handlers.admin.overrides import ShowSettings
from handlers.admin.panel_pages import ShowHome, ShowLog, StopAsking, back, page, to
from handlers.admin.panel_people import AskSearch, ShowPeople, search
from handlers.admin.panel_tasks import ShowFailures, ShowRunning
from handlers.admin.providers import list_providers
from handlers.chat import html
from handlers.chat.html import View, snippet
from handlers.chat.keyboards import Payload, neighbours
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Words
from handlers.chat.turn import Turn


class ShowRequests(Payload, action="panel.requests"):
    """Send the cards of open requests again."""


class ShowProviders(Payload, action="panel.providers"):
    """Send a message for each provider."""


class ShowDoor(Payload, action="panel.door"):
    """Show who may use the bot, and whether it is in maintenance."""


@dataclass(frozen=True)
class ShowAudit(Payload, action="panel.audit"):
    """Show a page of the whole audit log."""

    page: int = 0


async def admin(turn: Turn, words: str) -> None:
    """`/admin`, or `/admin words`: the panel, or people whose names hold the words."""
    await turn.answer(await (search(turn, words) if words else _home(turn)))


async def audit(turn: Turn, words: Words) -> None:
    """`/audit`, or `/audit <user>`: who did what, newest first."""
    button: ShowAudit | ShowLog = ShowAudit()
    if words:
        button = ShowLog((await turn.services.accounts.find(words[0])).id)
    await turn.answer(await _show_audit(turn, button))


# -- pages -------------------------------------------------------------------------------------------


async def _show_home(turn: Turn, _: ShowHome) -> View:
    return await _home(turn)


async def _home(turn: Turn) -> View:
    access = turn.services.access
    membership = await access.membership(turn.user_id)
    if membership.role is None:
        raise UserError("error.admin.only")
    return _home_view(turn.t, membership, len(await access.list_join_requests()))


async def _show_requests(turn: Turn, _: ShowRequests) -> View:
    access = turn.services.access
    for person in await access.list_join_requests():
        await turn.answer(request_card(turn.t, person, turn.services.accounts.plans))
    return await _home(turn)


async def _show_providers(turn: Turn, _: ShowProviders) -> View:
    await list_providers(turn)
    return await _home(turn)


async def _show_door(turn: Turn, _: ShowDoor) -> View:
    return door_view(turn)


async def _show_audit(turn: Turn, button: ShowAudit | ShowLog) -> View:
    target = str(button.user_id) if isinstance(button, ShowLog) else None
    rows = [
        (row, await _actor_name(turn, row)) for row in await turn.services.admin.audit(target, button.page)
    ]
    return _audit_view(turn.t, rows, button, turn.user_id, turn.local_now())


async def _actor_name(turn: Turn, row: AuditRow) -> str:
    return "" if row.actor is None else (await turn.services.access.person(row.actor)).name


async def _stop_asking(turn: Turn, _: StopAsking) -> View:
    await turn.stop_asking()
    return await _home(turn)


# -- views -------------------------------------------------------------------------------------------


def _home_view(t: Texts, me: Membership, requests: int) -> View:
    """The first page; what the role does not allow is not shown."""
    owner = me.user_id
    rows = [
        [to(owner, t("button.panel_people"), ShowPeople()), to(owner, t("button.panel_find"), AskSearch())],
        [
            to(owner, t("button.panel_tasks"), ShowRunning()),
            to(owner, t("button.panel_failures"), ShowFailures()),
        ],
    ]
    if me.may(Permission.ADMIT) and requests:
        count = t.number(requests)
        rows.append([to(owner, t("button.panel_requests", count=count), ShowRequests(), confirm=True)])
    if me.may(Permission.OPERATE):
        rows += [
            [
                to(owner, t("button.panel_providers"), ShowProviders()),
                to(owner, t("button.panel_door"), ShowDoor()),
            ],
            [
                to(owner, t("button.panel_settings"), ShowSettings()),
                to(owner, t("button.panel_notice"), ShowNotice()),
            ],
            [to(owner, t("button.panel_business"), ShowBusiness())],
        ]
    if me.may(Permission.BROADCAST):
        rows.append([to(owner, t("button.panel_broadcast"), AskBroadcast())])
    if me.may(Permission.AUDIT):
        rows.append([to(owner, t("button.panel_audit"), ShowAudit())])
    return View(t("panel.home", role=t(f"role.{me.role}")), rows)


def _audit_view(
    t: Texts,
    rows: Sequence[tuple[AuditRow, str]],
    button: ShowAudit | ShowLog,
    owner: UserId,
    now: datetime,
) -> View:
    """Who did what, and when; each row comes with the name of its actor."""

    def other(number: int) -> Payload:
        return ShowLog(button.user_id, number) if isinstance(button, ShowLog) else ShowAudit(number)

    lines = [_audit_line(t, row, name, now) for row, name in rows[:AUDIT_ON_A_PAGE]]
    turning = neighbours(t, other, button.page, owner, more=len(rows) > AUDIT_ON_A_PAGE)
    head = t("panel.audit") if lines else t("panel.audit_empty")
    return View(html.keep_fitting([head, *lines], "\n"), [turning, back(t, owner)])


def _audit_line(t: Texts, row: AuditRow, name: str, now: datetime) -> str:
    who = t("audit.shell") if row.actor is None else snippet(name, 30)
    line = f"{t.moment(row.at, now)} · {who} · {t(f'audit.{row.action}')} · {snippet(row.subject, 40)}"
    change = " → ".join(snippet(part, 80) for part in (row.before, row.after) if part)
    return f"{line}\n<i>{change}</i>" if change else line


COMMANDS = (
    Command("admin", admin, permission=Permission.VIEW, section=Section.STAFF),
    Command("audit", audit, permission=Permission.AUDIT, section=Section.STAFF),
)
BUTTONS = (
    page(ShowHome, _show_home, Permission.VIEW),
    page(StopAsking, _stop_asking, Permission.VIEW),
    page(ShowRequests, _show_requests, Permission.ADMIT),
    page(ShowProviders, _show_providers, Permission.OPERATE),
    page(ShowDoor, _show_door, Permission.OPERATE),
    page(ShowAudit, _show_audit, Permission.AUDIT),
    page(ShowLog, _show_audit, Permission.AUDIT),
)
