"""Who may use the bot: requests, invite codes, bans, roles, maintenance, and what the content rules refused."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from bot.domain.people.access import (
    AccessDecision,
    AccessMode,
    AccessPolicy,
    InviteCode,
    Permission,
    Person,
    Role,
    Standing,
)
from bot.domain.units import UserId, short_hash, to_millis
from bot.errors import UserError
from bot.i18n import NAMES, Texts, for_language
from handlers.chat.html import View, fitting, inline, quoted
from handlers.chat.keyboards import CONFIRM, DANGER, Button, Payload, in_rows
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Press, Words
from handlers.chat.turn import Turn

INVITE_PREFIX = "invite_"

INVITE_DAYS = 7
"""How long an invite code is valid by default."""

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
    access = turn.services.access
    plans = {short_hash(plan): plan for plan in access.plans}
    if button.plan and button.plan not in plans:
        raise UserError("error.button.stale")
    admitted = await access.admit(turn.user_id, button.user_id, plans.get(button.plan), turn.idempotency_key)
    person = admitted or await access.person(button.user_id)
    await turn.edit(_decided_card(turn.t, person, person.plan))
    if admitted is None:
        return turn.t("request.already")
    await turn.tell(person.id, View(for_language(person.language)("door.admitted")))
    return turn.t("request.now_approved")


async def on_decline(turn: Turn, button: Decline) -> str:
    """Decline a request."""
    access = turn.services.access
    person = await access.person(button.user_id)
    is_news = await access.deny(turn.user_id, person.id, turn.idempotency_key)
    await turn.edit(_decided_card(turn.t, person, None))
    if not is_news:
        return turn.t("request.already")
    await turn.tell(person.id, View(for_language(person.language)("door.denied")))
    return turn.t("request.now_denied")


# -- invite codes ------------------------------------------------------------------------------------


async def invite_code(turn: Turn, words: Words) -> None:
    """`/invitecode [uses] [days] [plan]`: a new invite link; without arguments, the codes that are valid."""
    if not words:
        await turn.answer(await _invites(turn))
        return
    if not all(re.fullmatch(r"\d{1,6}", number, re.ASCII) for number in words[:2]) or len(words) > 3:
        raise UserError("error.invite.usage")
    uses = int(words[0])
    days = int(words[1]) if len(words) > 1 else INVITE_DAYS
    plan = words[2] if len(words) > 2 else None
    code = await turn.services.access.invite(turn.user_id, uses, days, plan, turn.idempotency_key)
    link = f"https://t.me/{turn.username}?start={INVITE_PREFIX}{code.code}"
    await turn.answer(_invite_view(turn.t, code, link, turn.local_now()))


async def on_revoke(turn: Turn, button: RevokeInvite) -> str:
    """Revoke an invite code."""
    await turn.services.access.revoke(turn.user_id, button.code, turn.idempotency_key)
    await turn.edit(await _invites(turn))
    return turn.t("invitecode.revoked")


async def _invites(turn: Turn) -> View:
    codes = await turn.services.access.invites(turn.user_id)
    return _invites_view(turn.t, codes, turn.local_now())


# -- bans, roles, maintenance ------------------------------------------------------------------------


async def ban(turn: Turn, words: Words) -> None:
    """`/ban <user> [reason]`."""
    if not words:
        raise UserError("error.access.ban_usage")
    reason = " ".join(words[1:])
    person = await turn.services.access.ban(turn.user_id, words[0], reason, turn.idempotency_key)
    await turn.answer(View(turn.t("ban.done", name=person_label(person))))


async def unban(turn: Turn, words: Words) -> None:
    """`/unban <user>`."""
    if not words:
        raise UserError("error.access.ban_usage")
    person = await turn.services.access.unban(turn.user_id, words[0], turn.idempotency_key)
    await turn.answer(View(turn.t("ban.lifted", name=person_label(person))))


async def role(turn: Turn, words: Words) -> None:
    """`/role <user> admin|support|none`; without arguments, everybody who has a role."""
    access = turn.services.access
    if not words:
        await turn.answer(_staff_view(turn.t, await access.staff(turn.user_id)))
        return
    roles = {"admin": Role.ADMIN, "support": Role.SUPPORT, "none": None}
    name = words[-1].casefold()
    if len(words) != 2 or name not in roles:
        raise UserError("error.access.role_usage")
    person = await access.appoint(turn.user_id, words[0], roles[name], turn.idempotency_key)
    text = turn.t("role.given", name=person_label(person), role=turn.t(f"role.{name}"))
    await turn.answer(View(text))
    await turn.menus.set_for(person.id, roles[name])
    await turn.tell(person.id, _role_view(for_language(person.language), roles[name]))


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
    await turn.services.access.forgive(turn.user_id, button.user_id, turn.idempotency_key)
    await turn.edit(await _strikes(turn, button.user_id))
    return turn.t("strikes.forgiven")


async def _strikes(turn: Turn, user_id: UserId | None) -> View:
    services, t, now = turn.services, turn.t, turn.local_now()
    lines = [
        f"{t.moment(strike.at, now)} · {person_label(person)} · {t(f'strike.{strike.source}')} · "
        f"<code>{inline(strike.rule, 60)}</code>\n{quoted(strike.prompt, 200)}"
        for strike, person in await services.moderation.strikes(turn.user_id, user_id)
    ]
    rows = []
    if user_id is not None and (await services.access.standing(user_id)).paused_until > to_millis(now):
        rows.append([Button(t("button.forgive"), EndPause(user_id), owner=turn.user_id)])
    return View(fitting([t("strikes.list" if lines else "strikes.none"), *lines], "\n\n"), rows)


# -- views -------------------------------------------------------------------------------------------


def refusal(t: Texts, decision: AccessDecision, standing: Standing, until: str) -> View:
    """Why somebody may not use the bot; `until` is the end of a pause as people read it."""
    return View(t(f"door.{decision}", reason=inline(standing.ban or "", 200), until=until))


def person_label(user: Person) -> str:
    """`Ada (@ada, 1001)`."""
    at = f"@{user.username}, " if user.username else ""
    return f"<b>{inline(user.name, 100)}</b> ({escape(at)}<code>{user.id}</code>)"


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


def _invite_view(t: Texts, code: InviteCode, link: str, now: datetime) -> View:
    """A new code with its link."""
    text = t(
        "invitecode.made",
        uses=t.number(code.uses),
        moment=t.moment(code.ends_at, now),
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


def _staff_view(t: Texts, people: Sequence[tuple[Person, Standing]]) -> View:
    """Admins and supporters, and how a role is changed."""
    lines = [f"{t(f'role.{standing.role}')}: {person_label(person)}" for person, standing in people]
    return View("\n".join([*lines, "", t("role.usage")]))


def _role_view(t: Texts, role: Role | None) -> View:
    """What a person reads whose role has changed."""
    return View(t("role.no_more") if role is None else t("role.yours", role=t(f"role.{role}")))


COMMANDS = (
    Command("strikes", strikes, permission=Permission.VIEW, section=Section.STAFF),
    Command("maintenance", maintenance, permission=Permission.OPERATE, section=Section.STAFF),
    Command("invitecode", invite_code, permission=Permission.ADMIT, section=Section.STAFF),
    Command("ban", ban, permission=Permission.BAN, section=Section.STAFF),
    Command("unban", unban, permission=Permission.BAN, section=Section.STAFF),
    Command(
        "role",
        role,
        permission=Permission.APPOINT,
        bare_permission=Permission.VIEW,
        section=Section.STAFF,
    ),
)
BUTTONS = (
    Press(Admit, on_admit, permission=Permission.ADMIT),
    Press(Decline, on_decline, permission=Permission.ADMIT),
    Press(RevokeInvite, on_revoke, permission=Permission.ADMIT),
    Press(SetMaintenance, on_set_maintenance, permission=Permission.OPERATE),
    Press(SetMode, on_set_mode, permission=Permission.OPERATE),
    Press(EndPause, on_end_pause, permission=Permission.BAN),
)
