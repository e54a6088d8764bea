"""`/quota`: what a person and a group may spend; and the bot's hello when it is added to a group."""

from dataclasses import replace
from datetime import datetime
from html import escape

from telegram import ChatMember, ChatMemberRestricted, ChatMemberUpdated
from telegram.constants import ChatType

from bot.domain.credits.quota import Lot, PoolUse
from bot.domain.people.access import AccessLevel
from bot.domain.types import ChatId, Credits, UserId, to_millis
from bot.i18n import Texts
from bot.services.credits.pools import WalletBalance
from bot.services.ports import Balance
from handlers.account import rights
from handlers.chat.html import View, credits, snippet  # noqa: A004  the word of the domain
from handlers.chat.keyboards import Button
from handlers.chat.menus import Menu, Section
from handlers.chat.routes import Command, Event, UpdateKind
from handlers.chat.turn import Turn
from handlers.sending.chat import ReplyTarget

INSIDE = frozenset({ChatMember.MEMBER, ChatMember.ADMINISTRATOR, ChatMember.OWNER})
GROUPS = frozenset({ChatType.GROUP, ChatType.SUPERGROUP})


async def quota(turn: Turn) -> None:
    """Say what the person and the group may spend, what is reserved, and when there is more."""
    accounts, pools, now = turn.services.accounts, turn.services.pools, turn.local_now()
    view = balance_view(turn.t, await accounts.balance(turn.user_id), now)
    lots = await accounts.lots(turn.user_id)
    lines = [view.html, *(_lot_line(turn.t, lot, now) for lot in lots)]
    if not turn.is_private:
        budget = await pools.budget(turn.chat_id)
        if budget is not None:
            lines.append(_budget_line(turn.t, *budget))
        membership = await pools.membership(turn.chat_id)
        if membership is not None:
            lines.append(_group_lines(turn.t, membership, now))
    await turn.answer(replace(view, html="\n".join(lines)))


async def on_membership(turn: Turn) -> None:
    """Say hello when somebody adds the bot to a group, and what it may not do there.

    In private, note when somebody blocks it, or lets it in again.
    """
    change = turn.update.my_chat_member
    if change is None:
        return
    if change.chat.type == ChatType.PRIVATE:
        is_open = change.new_chat_member.status in INSIDE
        await turn.services.accounts.set_chat_open(UserId(change.chat.id), is_open)
    elif _was_added(change):
        lacking = await rights.missing(turn, change)
        if "can_send_messages" in lacking:
            await rights.tell(turn, change, lacking)
        else:
            hello, note = group_hello(turn.t, turn.username), rights.sentence(turn.t, lacking)
            view = replace(hello, html=f"{hello.html}\n\n{note}") if note else hello
            await turn.answer(view, ReplyTarget(ChatId(change.chat.id)))
    elif change.chat.type in GROUPS and rights.lost(change):
        await rights.tell(turn, change, await rights.missing(turn, change))


def _was_added(change: ChatMemberUpdated) -> bool:
    return (
        change.chat.type in GROUPS
        and not _is_inside(change.old_chat_member)
        and _is_inside(change.new_chat_member)
    )


def _is_inside(member: ChatMember) -> bool:
    return member.status in INSIDE or (isinstance(member, ChatMemberRestricted) and member.is_member)


# -- views -------------------------------------------------------------------------------------------


def balance_view(t: Texts, balance: Balance, now: datetime) -> View:
    """What a person may spend, and when there is more."""
    lines = [t("quota.available", credits=credits(t, balance.available))]
    if balance.day_limit is not None:
        lines.append(t("quota.day", used=t.number(balance.day_spent), limit=t.number(balance.day_limit)))
    if balance.month_limit is not None:
        lines.append(
            t("quota.month", used=t.number(balance.month_spent), limit=t.number(balance.month_limit))
        )
    if balance.granted:
        lines.append(t("quota.granted", credits=credits(t, balance.granted)))
    if balance.held:
        lines.append(t("quota.held", credits=credits(t, balance.held)))
    lines.append(t("quota.running", running=balance.running, limit=balance.max_running))
    if balance.plan_until is not None:
        moment = t.moment(balance.plan_until, now)
        lines.append(t("quota.plan_until", plan=escape(balance.plan), moment=moment))
    elif balance.plan:
        lines.append(t("quota.plan", plan=escape(balance.plan)))
    if balance.resets_at is not None:
        lines.append(t("quota.resets", moment=t.moment(balance.resets_at, now)))
    return View("\n".join(lines))


def group_hello(t: Texts, username: str) -> View:
    """What the bot does here, with a command that works also where other bots are."""
    example = t("group.example", username=username)
    return View(t("group.hello", example=escape(example)), [[Button(t("button.copy_example"), copy=example)]])


def _budget_line(t: Texts, spent: Credits, limit: int) -> str:
    """The line of /quota about what the group may spend today."""
    return t("group.budget", used=t.number(spent), limit=credits(t, limit))


def _group_lines(t: Texts, membership: WalletBalance, now: datetime) -> str:
    """The lines of /quota about what the group has of its own, and who spent of it this month."""
    only = membership.use is PoolUse.ONLY
    lines = [t("group.pool_only" if only else "group.pool", left=credits(t, membership.left))]
    lines += [_lot_line(t, lot, now) for lot in membership.lots if lot.expires_at is not None]
    lines += [
        t(
            "group.spender",
            name=t("group.somebody") if spender.name is None else snippet(spender.name, 40),
            credits=credits(t, spender.spent),
        )
        for spender in membership.spenders
    ]
    return "\n".join(lines)


def _lot_line(t: Texts, lot: Lot, now: datetime) -> str:
    """Credits that end, or have ended."""
    if lot.expires_at is None:
        return t("quota.lot", credits=credits(t, lot.left))
    key = "quota.lot_until" if lot.expires_at > to_millis(now) else "quota.lot_ended"
    return t(key, credits=credits(t, lot.left), moment=t.moment(lot.expires_at, now))


COMMANDS = (
    Command(
        "quota",
        quota,
        access=AccessLevel.VIEW,
        section=Section.ACCOUNT,
        menu=Menu.PRIVATE | Menu.GROUPS,
    ),
)
EVENTS = (Event(UpdateKind.MEMBERSHIP, on_membership, AccessLevel.OPEN),)
