"""`/grant` and `/user`, for admins only."""

from collections.abc import Sequence
from html import escape
from zoneinfo import ZoneInfo

from telegram import Update

from bot.domain.credits.grants import read_grant
from bot.domain.people.access import Permission
from bot.domain.tasks.task import LedgerKind, LedgerRow, Task
from bot.domain.units import ChatId, Millis, shown
from bot.errors import UserError
from bot.i18n import Texts, for_language
from bot.services.ports import Balance
from handlers.account.quota import balance_view, granted_to_group
from handlers.chat.context import Context, answer, operation_of, place_of, tell, user_id_of
from handlers.chat.html import View, credits, fitting, inline  # noqa: A004  the word of the domain
from handlers.results.task_views import task_lines


async def grant(update: Update, context: Context) -> None:
    """`/grant <user> <credits> [until <day>] [note]`; in a group without a user, or with a chat's id, to the group."""
    services = context.services
    admin = user_id_of(update)
    services.accounts.require_admin(admin)
    place = place_of(update)
    order = read_grant(context.args or [], in_group=not place.is_private)
    amount = order.credits
    chat_id = place.chat_id if order.target is None else order.chat_id
    if chat_id is not None:
        left = await services.pools.grant(
            admin, ChatId(chat_id), amount, update.update_id, order.note, order.until
        )
        await answer(update, context, granted_to_group(context.t, amount, left))
        return
    user = await services.accounts.grant(
        admin, order.target or "", amount, update.update_id, order.note, order.until
    )
    balance = await services.accounts.balance(user.id)
    before = balance.granted - amount
    await services.admin.granted(admin, user.id, before, amount, operation_of(update))
    await answer(update, context, granted(context.t, user.name, amount, balance))
    if amount > 0 and user.id != admin:
        theirs = for_language(services.accounts.language_of(user))
        # The credits are theirs all the same where they cannot be told.
        await tell(context, user.id, gift(theirs, amount, balance))


async def user(update: Update, context: Context) -> None:
    """`/user <user>`: a person's card."""
    services = context.services
    await services.access.require(user_id_of(update), Permission.LOOK)
    if not context.args:
        raise UserError("error.admin.user_usage")
    found = await services.accounts.find(context.args[0])
    view = user_card(
        context.t,
        found.name,
        f"@{found.username} · {found.id}" if found.username else str(found.id),
        services.accounts.plan_of(found).name,
        await services.accounts.balance(found.id),
        await services.tasks.running(found.id),
        await services.accounts.ledger(found.id),
        services.accounts.zone,
        services.clock.now(),
    )
    await answer(update, context, view)


# -- views -------------------------------------------------------------------------------------------


def user_card(
    t: Texts,
    name: str,
    identity: str,
    plan: str,
    balance: Balance,
    running: Sequence[Task],
    rows: Sequence[LedgerRow],
    zone: ZoneInfo,
    now: Millis,
) -> View:
    """A person as an admin sees them: standing, what runs, and the newest movements."""
    lines = [
        f"<b>{inline(name, 100)}</b> · {escape(identity)} · {escape(plan)}",
        balance_view(t, balance, zone, now).html,
        *(task_lines(t, task, now) for task in running),
    ]
    if rows:
        lines.append(t("admin.last_rows"))
        lines += [_ledger_line(t, row, zone, now) for row in rows]
    return View(fitting(lines, "\n"))


def granted(t: Texts, name: str, amount: int, balance: Balance) -> View:
    """What an admin's grant did; a negative one took away."""
    key = "admin.granted" if amount > 0 else "admin.taken"
    available = credits(t, balance.available)
    return View(t(key, credits=credits(t, abs(amount)), name=inline(name, 100), available=available))


def gift(t: Texts, amount: int, balance: Balance) -> View:
    """The same, to the person who got it."""
    return View(t("account.granted", credits=credits(t, amount), available=credits(t, balance.available)))


def _ledger_line(t: Texts, row: LedgerRow, zone: ZoneInfo, now: Millis) -> str:
    # A charge takes nothing from the balance any more: it says that what was held is spent.
    amount = t.number(abs(row.held)) if row.kind is LedgerKind.CHARGE else f"{row.amount:+d}"
    task = f" <code>{shown(row.task_id)}</code>" if row.task_id is not None else ""
    note = f" {inline(row.note, 60)}" if row.note else ""
    end = "" if row.expires_at is None else f" ({_end(t, row.expires_at, zone, now)})"
    return f"{t.moment(row.at, zone, now)} · {t(f'ledger.{row.kind}')} {amount}{end}{task}{note}"


def _end(t: Texts, expires_at: Millis, zone: ZoneInfo, now: Millis) -> str:
    key = "quota.until" if expires_at > now else "quota.ended"
    return t(key, moment=t.moment(expires_at, zone, now))
