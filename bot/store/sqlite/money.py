"""Credits: the ledger and its sums, lots, the pools of groups, and what is bought for Stars."""

import sqlite3
from collections.abc import Mapping

from bot.domain.credits.quota import Lot, PoolUse, Usage, Windows, pool_pays
from bot.domain.credits.shop import Offer, Payment
from bot.domain.credits.spending import UNITS_PER_CREDIT, Spent
from bot.domain.credits.subscription import Subscription
from bot.domain.tasks.lifecycle import Settlement
from bot.domain.tasks.task import LedgerKind, LedgerRow, Task
from bot.domain.units import ChatId, Credits, Millis, ProviderName, TaskId, UserId
from bot.store import lots, payments, sql, sql_money, subscriptions
from bot.store.base import Spender
from bot.store.rows import ledger_row_of
from bot.store.sqlite.file import SqliteFile


class Money(SqliteFile):
    """See `bot.store.base.money`."""

    # -- ledger --------------------------------------------------------------------------------------

    async def book(self, row: LedgerRow) -> bool:
        if row.kind in {LedgerKind.HOLD, LedgerKind.CHARGE, LedgerKind.RELEASE}:
            raise ValueError(f"a {row.kind} is booked by accept or apply only")

        def work(db: sqlite3.Connection) -> bool:
            if db.execute(sql.BOOKED, (row.operation_id,)).fetchone() is not None:
                return False
            lots.book(db, row)
            return True

        return await self._writer.do(work)

    async def refund(
        self,
        task_id: TaskId,
        amount: Credits | None,
        key: str,
        now: Millis,
        *,
        actor: UserId | None = None,
        note: str = "",
    ) -> LedgerRow | None:
        values = {
            "task": task_id,
            "amount": amount,
            "now": now,
            "operation": f"task:{task_id}:refund:{key}",
            "actor": actor,
            "note": note,
        }

        def work(db: sqlite3.Connection) -> LedgerRow | None:
            booked = db.execute(sql_money.LEDGER_ROW, (values["operation"],)).fetchone()
            if booked is not None:
                return ledger_row_of(booked)
            added = db.execute(sql_money.REFUND_TASK, values).fetchone()
            if added is None:
                return None
            row = ledger_row_of(added)
            lots.book_parts(db, row)
            return row

        return await self._writer.do(work)

    async def ledger(self, user_id: UserId, limit: int = 20) -> list[LedgerRow]:
        rows = await self._rows(sql.LEDGER, (user_id, limit))
        return [ledger_row_of(row) for row in rows]

    async def ledger_totals(self) -> Mapping[LedgerKind, tuple[int, Credits]]:
        rows = await self._rows(sql.LEDGER_TOTALS)
        return {LedgerKind(row[0]): (row[1], Credits(row[2])) for row in rows}

    async def lots(self, account: UserId, since: Millis) -> list[Lot]:
        return await self._read(lambda db: lots.lots(db, account, since))

    # -- sums ----------------------------------------------------------------------------------------

    async def usage(self, user_id: UserId, window: Windows) -> Usage:
        return await self._read(lambda db: usage(db, user_id, window))

    async def spent_in(self, chat_id: ChatId, since: Millis) -> Credits:
        return await self._read(lambda db: spent_in(db, chat_id, since))

    async def spent_units(self, window: Windows) -> Mapping[ProviderName | None, Spent]:
        return await self._read(lambda db: spent_units(db, window))

    # -- pools ---------------------------------------------------------------------------------------

    async def pool_account(self, chat_id: ChatId) -> UserId:
        return await self._read(lambda db: lots.pool_account(db, chat_id))

    async def pool_spenders(self, account: UserId, since: Millis, limit: int) -> list[Spender]:
        values = {"account": account, "since": since, "limit": limit}
        rows = await self._rows(sql_money.POOL_SPENDERS, values)
        return [Spender(row["name"], Credits(row["spent"])) for row in rows]

    # -- purchases -----------------------------------------------------------------------------------

    async def keep_offer(self, offer: Offer) -> None:
        await self._writer.do(lambda db: payments.keep_offer(db, offer))

    async def offer(self, token: str) -> Offer | None:
        return await self._read(lambda db: payments.offer(db, token))

    async def keep_subscription(self, subscription: Subscription) -> None:
        await self._writer.do(lambda db: subscriptions.keep(db, subscription))

    async def subscription(self, token: str) -> Subscription | None:
        return await self._read(lambda db: subscriptions.find(db, token))

    async def subscription_of(self, user_id: UserId, now: Millis) -> Subscription | None:
        return await self._read(lambda db: subscriptions.of_user(db, user_id, now))

    async def set_renewal(self, token: str, *, renews: bool) -> bool:
        return await self._writer.do(lambda db: subscriptions.set_renewal(db, token, renews=renews))

    async def pay(self, payment: Payment) -> bool:
        return await self._writer.do(lambda db: payments.pay(db, payment))

    async def payment(self, charge_id: str) -> Payment | None:
        return await self._read(lambda db: payments.payment(db, charge_id))

    async def begin_refund(self, charge_id: str, actor: UserId, now: Millis) -> Payment | None:
        return await self._writer.do(lambda db: payments.begin_refund(db, charge_id, actor, now))

    async def end_refund(self, charge_id: str, actor: UserId, now: Millis, *, done: bool) -> Payment | None:
        return await self._writer.do(lambda db: payments.end_refund(db, charge_id, actor, now, done=done))


def usage(db: sqlite3.Connection, user_id: UserId, window: Windows) -> Usage:
    """See `bot.store.base.money.Money.usage`."""
    values = {
        "user": user_id,
        "day": window.day_start,
        "month": window.month_start,
        "end": window.day_end,
        "day_before": window.day_before,
        "month_before": window.month_before,
        "now": window.now,
    }
    balance, held, day, month, day_before, month_before, since, running = db.execute(
        sql.USAGE, values
    ).fetchone()
    return Usage(
        balance=Credits(balance),
        held=Credits(held),
        day_spent=Credits(day),
        month_spent=Credits(month),
        running=running,
        spent_day_before=_if_there(day_before, since, window.day_start),
        spent_month_before=_if_there(month_before, since, window.month_start),
    )


def _if_there(spent: int, since: int | None, until: Millis) -> Credits | None:
    """What was spent in a window that ended at `until`, by somebody who is here since then."""
    return Credits(spent) if since is not None and since < until else None


def spent_in(db: sqlite3.Connection, chat_id: ChatId, since: Millis) -> Credits:
    """See `bot.store.base.money.Money.spent_in`."""
    return Credits(db.execute(sql.SPENT_IN, (chat_id, since)).fetchone()[0])


def spent_units(db: sqlite3.Connection, window: Windows) -> dict[ProviderName | None, Spent]:
    """See `bot.store.base.money.Money.spent_units`."""
    values = {
        "day": window.day_start,
        "month": window.month_start,
        "end": window.day_end,
        "units": UNITS_PER_CREDIT,
    }
    rows = db.execute(sql_money.SPENT_UNITS, values)
    return {
        row["provider"]: Spent(row["day"], row["month"], row["told"], row["told_credits"]) for row in rows
    }


def pool_that_pays(db: sqlite3.Connection, task: Task, use: PoolUse) -> UserId | None:
    """The account of the group's pool that pays for a task; None: its owner does."""
    if use is PoolUse.OFF:
        return None
    account = lots.pool_account(db, task.origin.chat_id)
    left = lots.balance(db, account, task.created_at)
    return account if pool_pays(task.price, use, left) else None


def settle(db: sqlite3.Connection, task: Task, settlement: Settlement, now: Millis) -> None:
    """Book the opposite of the task's hold: the credits are spent, or back where they came from."""
    held = db.execute(sql.HOLD_OF, (task.id,)).fetchone()
    if held is None:
        raise ValueError(f"task {task.id} holds nothing that could be settled")
    hold = ledger_row_of(held)
    released = settlement is Settlement.RELEASE
    kind = LedgerKind.RELEASE if released else LedgerKind.CHARGE
    row = LedgerRow(
        user_id=hold.user_id,
        kind=kind,
        amount=Credits(-hold.amount if released else 0),
        held=Credits(-hold.held),
        allowance=Credits(-hold.allowance if released else 0),
        at=now,
        counted_at=hold.counted_at,
        operation_id=f"task:{task.id}:{kind}",
        task_id=task.id,
        note=str(task.failure or task.state) if released else "",
    )
    if released:
        lots.give_back(db, row, hold)
    else:
        lots.book(db, row)
