"""Lots: every grant or purchase, with the day when it ends; what ends first is spent first.

A movement is written down together with the lots that it concerns, so what is left of a lot is a sum, and the
balance is the sum over the lots that have not ended at the moment of the question. Nothing has to happen when a lot
ends: no job, and no row that a crash could lose or write twice. (To book an expiry as a row of its own, in the
transaction that next looks, would make readers write, and the balance depend on who looked when.)

What a release or a refund gives back goes to the lots that the hold took it from, also where one has ended
meanwhile: a day that has passed is not made longer by a video that failed, as it is with the credits of a plan. Where
the Stars of a lot have been given back, its credits are taken out again at once: nobody has both.
"""

from collections.abc import Iterable

from bot.domain.credits.quota import Lot
from bot.domain.credits.shop import Payment, charge_of
from bot.domain.tasks.task import LedgerKind, LedgerRow
from bot.domain.types import AccountId, Credits, Millis
from bot.store.engine import Transaction


class NotEnough(Exception):
    """More would be taken from a balance than there is; `granted` is what there is."""

    def __init__(self, granted: Credits) -> None:
        super().__init__(f"{granted} are left")
        self.granted = granted


def book(tx: Transaction, row: LedgerRow, first: str = "") -> None:
    """Write a row and its parts: added credits are a new lot, taken ones go in order.

    `first` names the lot that it takes from before all others.

    Raises:
        NotEnough: it takes more than there is.

    """
    granted = row.amount - row.allowance
    if granted < 0:
        lots = list_lots(tx, row.account, row.at)
        take(tx, row, sorted(lots, key=lambda lot: lot.id != first))
        return
    tx.insert("ledger", row)
    _add_new_lot(tx, row, granted)


def take(tx: Transaction, row: LedgerRow, lots: Iterable[Lot]) -> None:
    """Write a row that takes credits from these lots, in this order.

    Raises:
        NotEnough: it takes more than there is in them.

    """
    tx.insert("ledger", row)
    left, lots = row.allowance - row.amount, tuple(lots)
    for lot in lots:
        part = min(lot.left, left)
        _add_part(tx, row, lot, -part)
        left -= part
    if left > 0:
        raise NotEnough(Credits(sum(lot.left for lot in lots)))


def return_parts(tx: Transaction, row: LedgerRow) -> None:
    """Fill the lots again that a task's hold took from, with what a row that is written already gives back.

    What is open longest is filled first. What the plan paid of the task, and no lot, becomes a new lot.
    """
    unreturned = """
        SELECT lot, expires_at, -sum(amount) AS left FROM ledger_parts
        WHERE idempotency_key IN (
            SELECT idempotency_key FROM ledger WHERE task_id = :task AND kind = 'hold'
            UNION ALL
            SELECT idempotency_key FROM ledger INDEXED BY ledger_refunds WHERE task_id = :task AND kind = 'refund'
        )
        GROUP BY lot, expires_at HAVING sum(amount) < 0
        ORDER BY expires_at IS NOT NULL, expires_at DESC, lot
    """
    left = row.amount - row.allowance
    filled = []
    for lot in tx.all(Lot, unreturned, task=row.task_id):
        part = min(lot.left, left)
        _add_part(tx, row, lot, part)
        filled.append(Lot(Credits(part), lot.expires_at, lot.id))
        left -= part
    _add_new_lot(tx, row, left)
    _take_back_refunded(tx, row, filled)


def list_lots(tx: Transaction, account: AccountId, since: Millis) -> list[Lot]:
    """See `CreditsStore.list_lots`."""
    statement = """
        SELECT lot, expires_at, sum(amount) AS left FROM ledger_parts INDEXED BY ledger_parts_of_account
        WHERE account_id IN (:account, pseudonym(:account)) AND (expires_at IS NULL OR expires_at > :since)
        GROUP BY lot, expires_at HAVING sum(amount) > 0
        ORDER BY expires_at IS NULL, expires_at, lot
    """
    return tx.all(Lot, statement, account=account.number, since=since)


def list_lots_of(tx: Transaction, payment: Payment, since: Millis) -> list[Lot]:
    """What is left of a payment's lots that end after `since`, whosever account they are in by now."""
    statement = """
        SELECT lot, expires_at, sum(amount) AS left FROM ledger_parts INDEXED BY ledger_parts_of_lot
        WHERE lot = :lot AND (expires_at IS NULL OR expires_at > :since)
        GROUP BY lot, expires_at HAVING sum(amount) > 0
    """
    found = (tx.one(Lot, statement, lot=lot, since=since) for lot in payment.lots)
    return [lot for lot in found if lot is not None]


def get_balance(tx: Transaction, account: AccountId, now: Millis) -> Credits:
    """What can be spent of an account's lots."""
    return Credits(sum(lot.left for lot in list_lots(tx, account, now)))


def _take_back_refunded(tx: Transaction, row: LedgerRow, filled: Iterable[Lot]) -> None:
    """Take out again what came back to lots whose Stars are given back, or are about to be."""
    statement = "SELECT * FROM payments WHERE charge_id = :charge AND state IN ('refunding', 'refunded')"
    returned: dict[str, list[Lot]] = {}
    for lot in filled:
        charge = charge_of(lot.id)
        if charge is not None and lot.left:
            returned.setdefault(charge, []).append(lot)
    for charge, lots in returned.items():
        payment = tx.one(Payment, statement, charge=charge)
        if payment is None:
            continue
        amount = min(sum(lot.left for lot in lots), payment.credits - payment.taken)
        operation = f"{payment.idempotency_key}:refund:{row.idempotency_key}"
        note = f"⭐ {payment.stars}"
        taken = LedgerRow.change(row.account, LedgerKind.REFUND, -amount, row.at, operation, note=note)
        take(tx, taken, lots)
        tx.run(
            "UPDATE payments SET taken = taken + :amount WHERE charge_id = :charge",
            amount=amount,
            charge=charge,
        )


def _add_new_lot(tx: Transaction, row: LedgerRow, amount: int) -> None:
    _add_part(tx, row, Lot(Credits(amount), row.expires_at, row.idempotency_key), amount)


def _add_part(tx: Transaction, row: LedgerRow, lot: Lot, amount: int) -> None:
    if not amount:
        return
    part = {
        "idempotency_key": row.idempotency_key,
        "account_id": row.account.number,
        "lot": lot.id,
        "expires_at": lot.expires_at,
        "amount": amount,
    }
    tx.insert("ledger_parts", part)
