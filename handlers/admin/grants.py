"""`/user`: what a person may spend, what runs, and what was booked."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from bot.domain.people.access import Permission
from bot.domain.tasks.task import LedgerKind, LedgerRow, Task
from bot.domain.types import Millis, format_task_id, to_millis
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.ports import Balance
from handlers.account.quota import balance_view
from handlers.chat.html import View, keep_fitting, snippet
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
        f"<b>{snippet(name, 100)}</b> · {escape(identity)} · {escape(plan)}",
        balance_view(t, balance, now).html,
        *(task_lines(t, task, to_millis(now)) for task in running),
    ]
    if rows:
        lines.append(t("admin.last_rows"))
        lines += [_ledger_line(t, row, now) for row in rows]
    return View(keep_fitting(lines, "\n"))


def _ledger_line(t: Texts, row: LedgerRow, now: datetime) -> str:
    # A charge takes nothing from the balance any more: it says that what was held is spent.
    amount = t.number(abs(row.held)) if row.kind is LedgerKind.CHARGE else f"{row.amount:+d}"
    task = f" <code>{format_task_id(row.task_id)}</code>" if row.task_id is not None else ""
    note = f" {snippet(row.note, 60)}" if row.note else ""
    end = "" if row.expires_at is None else f" ({_end(t, row.expires_at, now)})"
    return f"{t.moment(row.at, now)} · {t(f'ledger.{row.kind}')} {amount}{end}{task}{note}"


def _end(t: Texts, expires_at: Millis, now: datetime) -> str:
    key = "quota.until" if expires_at > to_millis(now) else "quota.ended"
    return t(key, moment=t.moment(expires_at, now))


COMMANDS = (Command("user", user, permission=Permission.VIEW, section=Section.STAFF),)
