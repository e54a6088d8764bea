"""Granted credits: every grant or purchase is a lot with a day when it ends, and what ends first is spent first.

A movement is written down together with the lots that it concerns, so what is left of a lot is a sum, and the
balance is the sum over the lots that have not ended at the moment of the question. Nothing has to happen when
a lot ends: no job, and no row that a crash could lose or write twice. (To book an expiry as a row of its own,
in the transaction that next looks, would make readers write, and the balance depend on who looked when.)
What a release gives back goes to the lots that the hold took it from, also where one has ended meanwhile: a
day that has passed is not made longer by a video that failed, as it is with the credits of a plan.
"""

import sqlite3

from bot.domain.credits.quota import Lot
from bot.domain.tasks.task import LedgerKind, LedgerRow
from bot.domain.units import ChatId, Credits, Millis, UserId
from bot.store import sql_money as sql
from bot.store.base import NotEnough
from bot.store.rows import insert, ledger_values


def lots(db: sqlite3.Connection, account: int, since: Millis) -> list[Lot]:
    """The lots with something left that end after `since`, those that end first in front."""
    rows = db.execute(sql.LOTS, {"account": account, "since": since})
    return [Lot(Credits(row["left"]), row["expires_at"], row["lot"]) for row in rows]


def balance(db: sqlite3.Connection, account: int, now: Millis) -> Credits:
    """What can be spent of an account's lots."""
    return Credits(sum(lot.left for lot in lots(db, account, now)))


def pool_account(db: sqlite3.Connection, chat_id: ChatId) -> UserId:
    """The account of a group's pool: the id that the chat had first."""
    row = db.execute(sql.FIRST_CHAT, (chat_id,)).fetchone()
    return UserId(chat_id) if row is None else pool_account(db, ChatId(row["id"]))


def book(db: sqlite3.Connection, row: LedgerRow, first: str = "") -> None:
    """Write a movement with its parts: what it adds is a lot of its own, what it takes is taken in order.

    `first` names the lot to take from before all others.

    Raises:
        NotEnough: it takes more than there is.

    """
    insert(db, "ledger", ledger_values(row))
    book_parts(db, row, first)


def book_parts(db: sqlite3.Connection, row: LedgerRow, first: str = "") -> None:
    """Write the parts of a movement that is in the ledger; see `book`."""
    granted = row.amount - row.allowance
    if granted > 0:
        _part(db, row, Lot(Credits(granted), row.expires_at, row.operation_id), granted)
    elif granted < 0:
        _take(db, row, -granted, first)


def give_back(db: sqlite3.Connection, release: LedgerRow, hold: LedgerRow) -> None:
    """Write a release, which fills the lots again that the hold took from."""
    if release.kind is not LedgerKind.RELEASE:
        raise ValueError(f"a {release.kind} gives nothing back")
    insert(db, "ledger", ledger_values(release))
    db.execute(sql.GIVE_BACK, {"release": release.operation_id, "hold": hold.operation_id})


def _take(db: sqlite3.Connection, row: LedgerRow, amount: int, first: str) -> None:
    left = amount
    known = lots(db, row.user_id, row.at)
    for lot in sorted(known, key=lambda lot: lot.id != first):
        taken = min(lot.left, left)
        if taken:
            _part(db, row, lot, -taken)
            left -= taken
    if left:
        raise NotEnough(Credits(sum(lot.left for lot in known)))


def _part(db: sqlite3.Connection, row: LedgerRow, lot: Lot, amount: int) -> None:
    values = {
        "operation_id": row.operation_id,
        "account_id": row.user_id,
        "lot": lot.id,
        "expires_at": lot.expires_at,
        "amount": amount,
    }
    insert(db, "ledger_parts", values)
