"""Credits: the ledger and its sums, group pools, and refunds of tasks. What they are kept in: `bot.store.lots`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.domain.credits.caps import NEAR_UNITS, UNITS_PER_CREDIT, Spent
from bot.domain.credits.quota import Lot, PoolUse, Usage, Windows, pool_pays
from bot.domain.operations.records import AuditRow
from bot.domain.tasks.lifecycle import Settlement
from bot.domain.tasks.task import LedgerKind, LedgerRow, Task
from bot.domain.types import AccountId, ChatId, Credits, Millis, ProviderName, TaskId, UserId
from bot.store.engine import Row, Subject, Transaction
from bot.store.lots import book, get_balance, list_lots, return_parts
from bot.store.operations import save_audit_row


@dataclass(frozen=True, slots=True)
class Spender:
    """Somebody who spent of a group's pool; no `name`: the bot has forgotten them."""

    name: str | None
    spent: Credits


class CreditsStore(Subject):
    """The ledger. `Tasks.accept` and `Tasks.apply` book holds, charges and releases."""

    # -- ledger --------------------------------------------------------------------------------------

    async def refund(
        self,
        task_id: TaskId,
        amount: Credits | None,
        key: str,
        now: Millis,
        *,
        actor: UserId | None = None,
        note: str = "",
        audit: AuditRow | None = None,
    ) -> LedgerRow | None:
        """Refund a charged task to who paid, with audit; the row booked, or None: nothing is left.

        `amount` None is all that is left of the charge; more than that is cut down to it, so that all refunds
        of a task never exceed what was charged. `key` names the refund within the task
        (`task:<id>:refund:<key>`): one that is booked already is returned as it was booked, and nothing happens.
        None: the task was never charged, or all of it is refunded. What it gives back ends when it would have
        ended unspent, and is taken out again where the Stars that bought it are given back.
        """
        # The one place where refunds of a task are booked: what is left of its charge bounds each of them.
        statement = """
            WITH paid AS (
                SELECT hold.user_id AS account, -hold.amount - (
                    SELECT coalesce(sum(refund.amount), 0) FROM ledger AS refund INDEXED BY ledger_refunds
                    WHERE refund.task_id = :task AND refund.kind = 'refund'
                ) AS remaining
                FROM ledger AS hold
                WHERE hold.task_id = :task AND hold.kind = 'hold'
                AND EXISTS (
                    SELECT 1 FROM ledger AS charge WHERE charge.task_id = :task AND charge.kind = 'charge'
                )
            )
            INSERT INTO ledger (
                user_id, kind, amount, held, allowance, at, counted_at, idempotency_key, task_id, actor_id, note
            )
            SELECT account, 'refund', CASE WHEN :amount < remaining THEN :amount ELSE remaining END,
                0, 0, :now, :now, :operation, :task, :actor, :note
            FROM paid WHERE remaining > 0 AND (:amount IS NULL OR :amount > 0)
            ON CONFLICT (idempotency_key) DO NOTHING
            RETURNING *
        """
        operation = f"task:{task_id}:refund:{key}"

        def work(tx: Transaction) -> LedgerRow | None:
            known = _get_booked(tx, operation)
            if known is not None:
                return known
            row = tx.one(
                LedgerRow,
                statement,
                task=task_id,
                amount=amount,
                now=now,
                operation=operation,
                actor=actor,
                note=note,
            )
            if row is not None:
                return_parts(tx, row)
                if audit is not None:
                    save_audit_row(tx, replace(audit, after=f"+{row.amount}"))
            return row

        return await self._write(work)

    async def list_ledger(self, user_id: UserId, limit: int = 20) -> list[LedgerRow]:
        """A user's newest rows, newest first."""
        statement = "SELECT * FROM ledger WHERE user_id = :user ORDER BY id DESC LIMIT :limit"
        return await self._read(lambda tx: tx.all(LedgerRow, statement, user=user_id, limit=limit))

    async def list_lots(self, account: AccountId, since: Millis) -> list[Lot]:
        """Lots with credits left that expire after `since`, the soonest first."""
        return await self._read(lambda tx: list_lots(tx, account, since))

    # -- sums ----------------------------------------------------------------------------------------

    async def get_usage(self, user_id: UserId, window: Windows) -> Usage:
        """A user's standing."""
        return await self._read(lambda tx: get_usage(tx, user_id, window))

    async def sum_spent_in_chat(self, chat_id: ChatId, since: Millis) -> Credits:
        """The price of all tasks accepted in a chat since then and not released."""
        return await self._read(lambda tx: sum_spent_in_chat(tx, chat_id, since))

    async def sum_spent_units(self, window: Windows) -> Mapping[ProviderName | None, Spent]:
        """Kling units spent per provider in the day and month; None: not yet sent."""
        return await self._read(lambda tx: sum_spent_units(tx, window))

    # -- pools ---------------------------------------------------------------------------------------

    async def get_pool_account(self, chat_id: ChatId) -> AccountId:
        """The account of a group's pool: the id that the chat had first."""
        return await self._read(lambda tx: get_pool_account(tx, chat_id))

    async def list_pool_spenders(self, account: AccountId, since: Millis, limit: int) -> list[Spender]:
        """Who spent most of a pool since then, not counting released credits."""
        statement = """
            SELECT users.name, -sum(ledger.amount) AS spent
            FROM ledger INDEXED BY ledger_of_user
            JOIN tasks ON tasks.id = ledger.task_id LEFT JOIN users ON users.id = tasks.user_id
            WHERE ledger.user_id = :account AND ledger.counted_at >= :since
            AND ledger.kind IN ('hold', 'release')
            GROUP BY tasks.user_id, users.id, users.name HAVING -sum(ledger.amount) > 0
            ORDER BY spent DESC, users.id LIMIT :limit
        """
        return await self._read(
            lambda tx: tx.all(Spender, statement, account=account.number, since=since, limit=limit)
        )


# -- parts of other subjects' transactions -----------------------------------------------------------


def settle(tx: Transaction, task: Task, settlement: Settlement, now: Millis) -> None:
    """Book the opposite of a task's hold: its credits are spent or returned."""
    hold = tx.one(LedgerRow, "SELECT * FROM ledger WHERE task_id = :task AND kind = 'hold'", task=task.id)
    if hold is None:
        raise ValueError(f"task {task.id} holds nothing that could be settled")
    released = settlement is Settlement.RELEASE
    kind = LedgerKind.RELEASE if released else LedgerKind.CHARGE
    row = LedgerRow(
        account=hold.account,
        kind=kind,
        amount=Credits(-hold.amount if released else 0),
        held=Credits(-hold.held),
        allowance=Credits(-hold.allowance if released else 0),
        at=now,
        counted_at=hold.counted_at,
        idempotency_key=f"task:{task.id}:{kind}",
        task_id=task.id,
        note=str(task.failure or task.state) if released else "",
    )
    if released:
        tx.insert("ledger", row)
        return_parts(tx, row)
    else:
        book(tx, row)


def get_pool_account(tx: Transaction, chat_id: ChatId) -> AccountId:
    """See `CreditsStore.get_pool_account`."""
    statement = "SELECT id FROM chats INDEXED BY chats_moved WHERE moved_to = :chat"
    before = tx.value(statement, chat=chat_id)
    return AccountId.read(chat_id) if before is None else get_pool_account(tx, ChatId(before))


def get_paying_pool(tx: Transaction, task: Task, use: PoolUse, price: Credits) -> AccountId | None:
    """The account of the group's pool that pays the price of a task with its batch; None: its owner does."""
    if use is PoolUse.OFF:
        return None
    account = get_pool_account(tx, task.origin.chat_id)
    left = get_balance(tx, account, task.created_at)
    return account if pool_pays(price, use, left) else None


def get_usage(tx: Transaction, user_id: UserId, window: Windows) -> Usage:
    """See `CreditsStore.get_usage`."""
    # Whoever was forgotten and comes back has spent what they had spent (see `bot.store.privacy`). The
    # allowance counts in the window of the hold; a release has the hold's moment and the opposite sign.
    statement = """
        SELECT
            (SELECT coalesce(sum(amount), 0) FROM ledger_parts INDEXED BY ledger_parts_of_account
             WHERE account_id IN (:user, pseudonym(:user)) AND (expires_at IS NULL OR expires_at > :now)
            ) AS balance,
            coalesce(sum(held), 0) AS held,
            coalesce(-sum(allowance) FILTER (WHERE counted_at >= :day AND counted_at < :end), 0) AS day,
            coalesce(-sum(allowance) FILTER (WHERE counted_at >= :month AND counted_at < :end), 0) AS month,
            coalesce(-sum(allowance) FILTER (WHERE counted_at >= :day_before AND counted_at < :day), 0)
                AS day_before,
            coalesce(-sum(allowance) FILTER (WHERE counted_at >= :month_before AND counted_at < :month), 0)
                AS month_before,
            (SELECT created_at FROM users WHERE id = :user) AS since,
            (SELECT count(*) FROM tasks
             WHERE user_id = :user AND state IN ('queued', 'submitting', 'unconfirmed', 'in_progress')
             AND pack != 'library'
            ) AS running
        FROM ledger WHERE user_id IN (:user, pseudonym(:user))
    """
    (row,) = tx.all(
        Row,
        statement,
        user=user_id,
        day=window.day_start,
        month=window.month_start,
        end=window.day_end,
        day_before=window.day_before,
        month_before=window.month_before,
        now=window.now,
    )
    return Usage(
        balance=Credits(row["balance"]),
        held=Credits(row["held"]),
        day_spent=Credits(row["day"]),
        month_spent=Credits(row["month"]),
        running=row["running"],
        spent_day_before=_if_there(row["day_before"], row["since"], window.day_start),
        spent_month_before=_if_there(row["month_before"], row["since"], window.month_start),
    )


def sum_spent_in_chat(tx: Transaction, chat_id: ChatId, since: Millis) -> Credits:
    """See `CreditsStore.sum_spent_in_chat`."""
    # What was moved to a private chat was asked for here all the same.
    statement = """
        SELECT coalesce(sum(price), 0) FROM tasks INDEXED BY tasks_of_chat
        WHERE chat_id = :chat AND created_at >= :since AND state NOT IN ('failed', 'cancelled', 'expired')
    """
    moved = """
        SELECT coalesce(sum(price), 0) FROM tasks INDEXED BY tasks_asked_in
        WHERE asked_in = :chat AND created_at >= :since AND state NOT IN ('failed', 'cancelled', 'expired')
    """
    return Credits(sum(tx.value(each, chat=chat_id, since=since) for each in (statement, moved)))


def sum_spent_units(tx: Transaction, window: Windows) -> dict[ProviderName | None, Spent]:
    """See `CreditsStore.sum_spent_units`."""
    # What is spent at Kling, in its own units: as told, else by the price. What failed cost nothing; what waits
    # counts already, so that a cap holds whatever comes next.
    statement = """
        WITH spent AS (
            SELECT provider, created_at, price, CASE WHEN state = 'succeeded' THEN real_cost END AS told,
                CASE WHEN real_cost IS NULL THEN price * :units ELSE CAST(real_cost AS REAL) END AS units
            FROM tasks INDEXED BY tasks_spent
            WHERE created_at >= :month AND created_at < :end AND state NOT IN ('failed', 'cancelled')
            AND NOT (state = 'expired' AND provider IS NULL)
        )
        SELECT provider, coalesce(sum(units) FILTER (WHERE created_at >= :day), 0) AS day, sum(units) AS month,
            coalesce(sum(CAST(told AS REAL)), 0) AS told,
            coalesce(sum(price) FILTER (WHERE told IS NOT NULL), 0) AS told_credits, count(told) AS told_tasks,
            count(*) FILTER (WHERE abs(CAST(told AS REAL) - price * :units) > :near) AS differing
        FROM spent GROUP BY provider
    """
    rows = tx.all(
        Row,
        statement,
        day=window.day_start,
        month=window.month_start,
        end=window.day_end,
        units=UNITS_PER_CREDIT,
        near=NEAR_UNITS,
    )
    return {row.pop("provider"): Spent(**row) for row in map(dict, rows)}


def _get_booked(tx: Transaction, idempotency_key: str) -> LedgerRow | None:
    statement = "SELECT * FROM ledger WHERE idempotency_key = :operation"
    return tx.one(LedgerRow, statement, operation=idempotency_key)


def _if_there(spent: int, since: int | None, until: Millis) -> Credits | None:
    """The sum if the person was already here when the window ended at `until`."""
    return Credits(spent) if since is not None and since < until else None
