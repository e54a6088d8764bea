"""Who may use the bot: requests, invite codes, staff, maintenance, and what the content rules refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from bot.domain.people.access import (
    AccessDecision,
    AccessMode,
    AccessPolicy,
    InviteCode,
    Membership,
    Permission,
    Person,
)
from bot.domain.types import UserId, short_hash, to_millis
from bot.errors import UserError
from bot.i18n import NAMES, Texts
from bot.services.operations import actions_on_invites
from bot.services.operations.actions_on_standings import AdmitPerson, DenyPerson, EndPauseOfPerson
from handlers.admin.action_buttons import perform
from handlers.chat.html import View, keep_fitting, quoted, snippet
from handlers.chat.keyboards import CONFIRM, DANGER, Button, Payload, in_rows
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Press, Words
from handlers.chat.turn import Turn

INVITE_PREFIX = "invite_"

PLANS_IN_A_ROW = 2


@dataclass(frozen=True)
class Admit(Payload, action="admit"):
    """Approve a request, on a plan by its short hash; an empty one is the default plan."""

    user_id: UserId
    plan: str = ""


@dataclass(frozen=True)
class Decline(Payload, action="deny"):
    """Decline a request."""

    user_id: UserId


@dataclass(frozen=True)
class RevokeInvite(Payload, action="revoke"):
    """Revoke an invite code."""

    code: str


@dataclass(frozen=True)
class SetMaintenance(Payload, action="maintenance"):
    """Begin or end maintenance."""

    is_on: bool


@dataclass(frozen=True)
class SetMode(Payload, action="mode"):
    """Change how people come to use the bot."""

    mode: AccessMode


@dataclass(frozen=True)
class EndPause(Payload, action="forgive"):
    """End a person's pause."""

    user_id: UserId


# -- requests ----------------------------------------------------------------------------------------


async def on_admit(turn: Turn, button: Admit) -> str:
    """Approve a request, on the plan of the button."""
    plans = {short_hash(plan): plan for plan in turn.services.accounts.plans}
    if button.plan and button.plan not in plans:
        raise UserError("error.button.stale")
    action = AdmitPerson(str(button.user_id), plans.get(button.plan))
    outcome = await perform(turn, action)
    person = await turn.services.access.person(button.user_id)
    await turn.edit(_decided_card(turn.t, person, person.plan))
    return turn.t("request.now_approved" if outcome.is_news else "request.already")


async def on_decline(turn: Turn, button: Decline) -> str:
    """Decline a request."""
    action = DenyPerson(str(button.user_id))
    outcome = await perform(turn, action)
    await turn.edit(_decided_card(turn.t, await turn.services.access.person(button.user_id), None))
    return turn.t("request.now_denied" if outcome.is_news else "request.already")


# -- invite codes ------------------------------------------------------------------------------------


async def show_invites(turn: Turn) -> None:
    """Show the codes that are valid."""
    await turn.answer(await _invites(turn))


async def on_revoke(turn: Turn, button: RevokeInvite) -> str:
    """Revoke an invite code."""
    action = actions_on_invites.RevokeInvite(button.code)
    await perform(turn, action)
    await turn.edit(await _invites(turn))
    return turn.t("invitecode.revoked")


async def _invites(turn: Turn) -> View:
    codes = await turn.services.access.invites()
    return _invites_view(turn.t, codes, turn.local_now())


# -- bans, roles, maintenance ------------------------------------------------------------------------


async def show_staff(turn: Turn) -> None:
    """Show everybody who has a role."""
    await turn.answer(_staff_view(turn.t, await turn.services.access.staff()))


async def maintenance(turn: Turn, words: Words) -> None:
    """`/maintenance on|off`; without arguments, whether it is on."""
    wanted = words[0].casefold() if words else ""
    if wanted not in {"", "on", "off"}:
        raise UserError("error.access.maintenance_usage")
    if wanted:
        await _override(turn, "maintenance", wanted == "on")
    await turn.answer(door_view(turn))


async def on_set_maintenance(turn: Turn, button: SetMaintenance) -> str:
    """Begin or end maintenance."""
    await _override(turn, "maintenance", button.is_on)
    await turn.edit(door_view(turn))
    return turn.t("maintenance.is_on" if button.is_on else "maintenance.is_off")


async def on_set_mode(turn: Turn, button: SetMode) -> str:
    """Change how people come to use the bot."""
    await _override(turn, "mode", button.mode)
    await turn.edit(door_view(turn))
    return turn.t("door.now", mode=turn.t(f"access.mode.{button.mode}"))


async def _override(turn: Turn, name: str, value: object) -> None:
    await turn.services.overrides.set(turn.user_id, f"access.{name}", value, turn.idempotency_key)


def door_view(turn: Turn) -> View:
    """Who may use the bot, with the buttons that change it."""
    return _policy_view(turn.t, turn.services.access.policy)


# -- what the content rules refused ------------------------------------------------------------------


async def strikes(turn: Turn, words: Words) -> None:
    """`/strikes`, or `/strikes <user>`: the newest refusals."""
    user_id = (await turn.services.accounts.find(words[0])).id if words else None
    await turn.answer(await _strikes(turn, user_id))


async def on_end_pause(turn: Turn, button: EndPause) -> str:
    """End a person's pause."""
    action = EndPauseOfPerson(str(button.user_id))
    await perform(turn, action)
    await turn.edit(await _strikes(turn, button.user_id))
    return turn.t("strikes.forgiven")


async def _strikes(turn: Turn, user_id: UserId | None) -> View:
    services, t, now = turn.services, turn.t, turn.local_now()
    lines = [
        f"{t.moment(strike.at, now)} · {person_label(person)} · {t(f'strike.{strike.source}')} · "
        f"<code>{snippet(strike.rule, 60)}</code>\n{quoted(strike.prompt, 200)}"
        for strike, person in await services.moderation.strikes(turn.user_id, user_id)
    ]
    rows = []
    if user_id is not None and (await services.access.membership(user_id)).paused_until > to_millis(now):
        rows.append([Button(t("button.forgive"), EndPause(user_id), owner=turn.user_id)])
    return View(keep_fitting([t("strikes.list" if lines else "strikes.none"), *lines], "\n\n"), rows)


# -- views -------------------------------------------------------------------------------------------


def refusal(t: Texts, decision: AccessDecision, membership: Membership, until: str) -> View:
    """Why somebody may not use the bot; `until` is the end of a pause as people read it."""
    return View(t(f"door.{decision}", reason=snippet(membership.ban or "", 200), until=until))


def person_label(user: Person) -> str:
    """`Ada (@ada, 1001)`."""
    at = f"@{user.username}, " if user.username else ""
    return f"<b>{snippet(user.name, 100)}</b> ({escape(at)}<code>{user.id}</code>)"


def request_card(t: Texts, user: Person, plans: Sequence[str]) -> View:
    """A request to use the bot, with a button for each plan."""
    buttons = [
        Button(
            t("button.approve", plan=plan) if len(plans) > 1 else t("button.approve_only"),
            Admit(user.id, short_hash(plan)),
            style=CONFIRM,
        )
        for plan in plans
    ]
    rows = in_rows(buttons, PLANS_IN_A_ROW)
    deny = Button(t("button.deny"), Decline(user.id), style=DANGER)
    return View(t("request.card", name=person_label(user), language=NAMES[user.language]), [*rows, [deny]])


def _decided_card(t: Texts, user: Person, plan: str | None) -> View:
    """The same card after the decision; a `plan` of None: it was declined."""
    if plan is None:
        again = Button(t("button.approve_only"), Admit(user.id))
        return View(t("request.denied", name=person_label(user)), [[again]])
    return View(t("request.approved", name=person_label(user), plan=escape(plan)))


def invite_view(turn: Turn, code: InviteCode) -> View:
    """A new code with its link."""
    t, link = turn.t, f"https://t.me/{turn.username}?start={INVITE_PREFIX}{code.code}"
    text = t(
        "invitecode.made",
        uses=t.number(code.uses),
        moment=t.moment(code.ends_at, turn.local_now()),
        plan=escape(code.plan or t("invitecode.usual_plan")),
    )
    return View(
        f"{text}\n{escape(link)}",
        [
            [Button(t("button.copy_link"), copy=link)],
            [Button(t("button.revoke"), RevokeInvite(code.code), style=DANGER)],
        ],
    )


def _invites_view(t: Texts, codes: Sequence[InviteCode], now: datetime) -> View:
    """The invite codes that are valid, and how to make one."""
    lines = [
        t(
            "invitecode.line",
            code=code.code,
            used=t.number(code.used),
            uses=t.number(code.uses),
            moment=t.moment(code.ends_at, now),
            plan=escape(code.plan or t("invitecode.usual_plan")),
        )
        for code in codes
    ]
    rows = [
        [Button(t("button.revoke_one", code=code.code), RevokeInvite(code.code), style=DANGER)]
        for code in codes
    ]
    head = t("invitecode.list") if codes else t("invitecode.none")
    return View("\n".join([head, *lines, "", t("invitecode.usage")]), rows)


def _policy_view(t: Texts, policy: AccessPolicy) -> View:
    """Who may use the bot and whether it is in maintenance, with the buttons that change it."""
    lines = [t("door.now", mode=t(f"access.mode.{policy.mode}"))]
    lines.append(t("maintenance.is_on" if policy.maintenance else "maintenance.is_off"))
    modes = [
        [Button(t("button.access_mode", mode=t(f"access.mode.{mode}")), SetMode(mode))]
        for mode in AccessMode
        if mode is not policy.mode
    ]
    turn = "off" if policy.maintenance else "on"
    switch = Button(t(f"button.maintenance_{turn}"), SetMaintenance(not policy.maintenance))
    return View("\n".join(lines), [*modes, [switch]])


def _staff_view(t: Texts, people: Sequence[tuple[Person, Membership]]) -> View:
    """Admins and supporters, and how a role is changed."""
    lines = [f"{t(f'role.{membership.role}')}: {person_label(person)}" for person, membership in people]
    return View("\n".join([*lines, "", t("role.usage")]))


COMMANDS = (
    Command("strikes", strikes, permission=Permission.VIEW, section=Section.STAFF),
    Command("maintenance", maintenance, permission=Permission.OPERATE, section=Section.STAFF),
)
BUTTONS = (
    Press(Admit, on_admit, permission=Permission.ADMIT),
    Press(Decline, on_decline, permission=Permission.ADMIT),
    Press(RevokeInvite, on_revoke, permission=Permission.ADMIT),
    Press(SetMaintenance, on_set_maintenance, permission=Permission.OPERATE),
    Press(SetMode, on_set_mode, permission=Permission.OPERATE),
    Press(EndPause, on_end_pause, permission=Permission.BAN),
)
