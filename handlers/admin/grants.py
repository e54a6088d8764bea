"""`/user`, `/grant` and `/plan`: what a person may spend, credits by hand, and moves to another plan."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from bot.domain.credits.quota import read_grant
from bot.domain.people.access import Permission
from bot.domain.tasks.task import LedgerKind, LedgerRow, Task
from bot.domain.units import ChatId, Millis, shown, to_millis
from bot.errors import UserError
from bot.i18n import Texts, for_language
from bot.services.ports import Balance
from handlers.account.quota import balance_view, granted_to_group
from handlers.chat.html import View, credits, fitting, inline  # noqa: A004  the word of the domain
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Words
from handlers.chat.turn import Turn
from handlers.results.task_views import task_lines


async def user(turn: Turn, words: Words) -> None:
    """`/user <user>`: a person's card."""
    if not words:
        raise UserError("error.admin.user_usage")
    services = turn.services
    found = await services.accounts.find(words[0])
    view = user_card(
        turn.t,
        found.name,
        f"@{found.username} · {found.id}" if found.username else str(found.id),
        services.accounts.plan_of(found).name,
        await services.accounts.balance(found.id),
        await services.tasks.running(found.id),
        await services.accounts.ledger(found.id),
        turn.local_now(),
    )
    await turn.answer(view)


async def grant(turn: Turn, words: Words) -> None:
    """`/grant <user> <credits> [until <day>] [note]`; in a group without a user, or with a chat's id, to the group."""
    services, admin = turn.services, turn.user_id
    order = read_grant(words, in_group=not turn.is_private)
    amount = order.credits
    chat_id = turn.chat_id if order.target is None else order.chat_id
    if chat_id is not None:
        if chat_id != turn.chat_id and not await turn.chat.check_group(ChatId(chat_id)):
            raise UserError("error.admin.no_group", group=str(chat_id))
        left = await services.pools.grant(
            admin, ChatId(chat_id), amount, turn.update_id, order.note, order.until
        )
        await turn.answer(granted_to_group(turn.t, amount, left))
        return
    person = await services.accounts.grant(
        admin, order.target or "", amount, turn.update_id, order.note, order.until
    )
    balance = await services.accounts.balance(person.id)
    before = balance.granted - amount
    await services.admin.granted(admin, person.id, before, amount, turn.idempotency_key)
    await turn.answer(granted(turn.t, person.name, amount, balance))
    if amount > 0 and person.id != admin:
        # The person has the credits even if this message does not arrive.
        theirs = for_language(services.accounts.language_of(person))
        await turn.tell(person.id, gift(theirs, amount, balance))


async def plan(turn: Turn, words: Words) -> None:
    """`/plan <user> <plan> [until]`: move a person to a plan, for good or until a day."""
    accounts, admin = turn.services.accounts, turn.user_id
    # The word "until" may be left out.
    arguments = [word for word in words if word.lower() != "until"]
    if len(arguments) not in {2, 3}:
        raise UserError("error.admin.plan_usage", plans=", ".join(accounts.plans))
    until = arguments[2] if len(arguments) > 2 else None
    person = await accounts.move(admin, arguments[0], arguments[1], until, turn.idempotency_key)
    name, ends, now = person.plan or "", person.plan_until, turn.local_now()
    await turn.answer(_moved(turn.t, person.name, name, ends, now))
    if person.id != admin:
        # The person has the plan even if this message does not arrive.
        theirs = for_language(accounts.language_of(person))
        await turn.tell(person.id, _moved_notice(theirs, name, ends, now))


# -- views -------------------------------------------------------------------------------------------


def user_card(
    t: Texts,
    name: str,
    identity: str,
    plan: str,
    balance: Balance,
    running: Sequence[Task],
    rows: Sequence[LedgerRow],
    now: datetime,
) -> View:
    """A person as an admin sees them: standing, what runs, and the newest movements."""
    lines = [
        f"<b>{inline(name, 100)}</b> · {escape(identity)} · {escape(plan)}",
        balance_view(t, balance, now).html,
        *(task_lines(t, task, to_millis(now)) for task in running),
    ]
    if rows:
        lines.append(t("admin.last_rows"))
        lines += [_ledger_line(t, row, now) for row in rows]
    return View(fitting(lines, "\n"))


def granted(t: Texts, name: str, amount: int, balance: Balance) -> View:
    """What an admin's grant did; a negative one took away."""
    key = "admin.granted" if amount > 0 else "admin.taken"
    available = credits(t, balance.available)
    return View(t(key, credits=credits(t, abs(amount)), name=inline(name, 100), available=available))


def gift(t: Texts, amount: int, balance: Balance) -> View:
    """The same, to the person who got it."""
    return View(t("account.granted", credits=credits(t, amount), available=credits(t, balance.available)))


def _ledger_line(t: Texts, row: LedgerRow, now: datetime) -> str:
    # A charge takes nothing from the balance any more: it says that what was held is spent.
    amount = t.number(abs(row.held)) if row.kind is LedgerKind.CHARGE else f"{row.amount:+d}"
    task = f" <code>{shown(row.task_id)}</code>" if row.task_id is not None else ""
    note = f" {inline(row.note, 60)}" if row.note else ""
    end = "" if row.expires_at is None else f" ({_end(t, row.expires_at, now)})"
    return f"{t.moment(row.at, now)} · {t(f'ledger.{row.kind}')} {amount}{end}{task}{note}"


def _end(t: Texts, expires_at: Millis, now: datetime) -> str:
    key = "quota.until" if expires_at > to_millis(now) else "quota.ended"
    return t(key, moment=t.moment(expires_at, now))


def _moved(t: Texts, name: str, plan: str, until: Millis | None, now: datetime) -> View:
    """What an admin's /plan did."""
    who = inline(name, 100)
    if until is None:
        return View(t("admin.moved", name=who, plan=escape(plan)))
    return View(t("admin.moved_until", name=who, plan=escape(plan), moment=t.moment(until, now)))


def _moved_notice(t: Texts, plan: str, until: Millis | None, now: datetime) -> View:
    """The same, to the person who got it."""
    if until is None:
        return View(t("account.moved", plan=escape(plan)))
    return View(t("account.moved_until", plan=escape(plan), moment=t.moment(until, now)))


COMMANDS = (
    Command("user", user, permission=Permission.VIEW, section=Section.STAFF),
    Command("grant", grant, permission=Permission.CREDITS, section=Section.STAFF),
    Command("plan", plan, permission=Permission.CREDITS, section=Section.STAFF),
)
