"""The door and those who keep it, as people read it: requests, invite codes, bans, roles. Pure."""

from collections.abc import Sequence
from html import escape
from zoneinfo import ZoneInfo

from bot.domain.people.access import AccessMode, Door, InviteCode, Person, Role, Standing, Verdict
from bot.domain.units import Millis, short_hash
from bot.i18n import NAMES, Texts
from handlers.chat.html import View, inline
from handlers.chat.keyboards import CONFIRM, DANGER, Button, in_rows

PLANS_IN_A_ROW = 2


def turned_away(t: Texts, verdict: Verdict, standing: Standing, until: str) -> View:
    """What somebody hears at the door; `until` is the end of a pause as people read it."""
    return View(t(f"door.{verdict}", reason=inline(standing.ban or "", 200), until=until))


def named(user: Person) -> str:
    """`Ada (@ada, 1001)`."""
    at = f"@{user.username}, " if user.username else ""
    return f"<b>{inline(user.name, 100)}</b> ({escape(at)}<code>{user.id}</code>)"


def request(t: Texts, user: Person, plans: Sequence[str]) -> View:
    """A stranger's request, with a button for each plan."""
    buttons = [
        Button(
            t("button.approve", plan=plan) if len(plans) > 1 else t("button.approve_only"),
            "admit",
            f"{user.id}.{short_hash(plan)}",
            style=CONFIRM,
        )
        for plan in plans
    ]
    rows = in_rows(buttons, PLANS_IN_A_ROW)
    deny = Button(t("button.deny"), "deny", str(user.id), style=DANGER)
    return View(t("request.card", name=named(user), language=NAMES[user.language]), [*rows, [deny]])


def decided(t: Texts, user: Person, plan: str | None) -> View:
    """The same card after the decision; a `plan` of None: the person was turned away."""
    if plan is None:
        again = Button(t("button.approve_only"), "admit", f"{user.id}.")
        return View(t("request.denied", name=named(user)), [[again]])
    return View(t("request.approved", name=named(user), plan=escape(plan)))


def invite(t: Texts, code: InviteCode, link: str, zone: ZoneInfo, now: Millis) -> View:
    """A new code with its link."""
    text = t(
        "invitecode.made",
        uses=t.number(code.uses),
        moment=t.moment(code.ends_at, zone, now),
        plan=escape(code.plan or t("invitecode.usual_plan")),
    )
    return View(
        f"{text}\n{escape(link)}",
        [
            [Button(t("button.copy_link"), copy=link)],
            [Button(t("button.revoke"), "revoke", code.code, style=DANGER)],
        ],
    )


def invites(t: Texts, codes: Sequence[InviteCode], zone: ZoneInfo, now: Millis) -> View:
    """The codes that have not ended, and how to make one."""
    lines = [
        t(
            "invitecode.line",
            code=code.code,
            used=t.number(code.used),
            uses=t.number(code.uses),
            moment=t.moment(code.ends_at, zone, now),
            plan=escape(code.plan or t("invitecode.usual_plan")),
        )
        for code in codes
    ]
    rows = [
        [Button(t("button.revoke_one", code=code.code), "revoke", code.code, style=DANGER)] for code in codes
    ]
    head = t("invitecode.list") if codes else t("invitecode.none")
    return View("\n".join([head, *lines, "", t("invitecode.usage")]), rows)


def door(t: Texts, door_: Door) -> View:
    """How the bot receives people, with the buttons that change it."""
    lines = [t("door.now", mode=t(f"access.mode.{door_.mode}"))]
    lines.append(t("maintenance.is_on" if door_.maintenance else "maintenance.is_off"))
    modes = [
        [Button(t("button.access_mode", mode=t(f"access.mode.{mode}")), "mode", mode)]
        for mode in AccessMode
        if mode is not door_.mode
    ]
    turn = "off" if door_.maintenance else "on"
    return View("\n".join(lines), [*modes, [Button(t(f"button.maintenance_{turn}"), "maintenance", turn)]])


def staff(t: Texts, people: Sequence[tuple[Person, Standing]]) -> View:
    """Who runs the bot, and how that is changed."""
    lines = [f"{t(f'role.{standing.role}')}: {named(person)}" for person, standing in people]
    return View("\n".join([*lines, "", t("role.usage")]))


def appointed(t: Texts, role: Role | None) -> View:
    """What a person reads whose role has changed."""
    return View(t("role.no_more") if role is None else t("role.yours", role=t(f"role.{role}")))
