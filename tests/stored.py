"""What stands in a store that the product never asks for as a whole."""

from collections.abc import Mapping

from bot.domain.tasks.task import LedgerKind, LedgerRow
from bot.domain.types import Credits
from bot.store import Store, lots
from bot.store.engine import Row
from bot.store.inbox import Quarantined


async def sum_ledger(store: Store) -> Mapping[LedgerKind, tuple[int, Credits]]:
    """How many rows of the ledger there are of each kind, and the sum of their amounts."""
    statement = "SELECT kind, count(*) AS number, sum(amount) AS amount FROM ledger GROUP BY kind"
    rows = await store.credits._read(lambda tx: tx.all(Row, statement))
    return {LedgerKind(row["kind"]): (row["number"], Credits(row["amount"])) for row in rows}


async def list_quarantine(store: Store) -> list[Quarantined]:
    """The updates in quarantine, the newest first."""
    statement = "SELECT * FROM quarantine ORDER BY received_at DESC"
    return await store.inbox._read(lambda tx: tx.all(Quarantined, statement))


async def book(store: Store, row: LedgerRow) -> None:
    """Book credits that belong to no task."""
    await store.engine.write(lambda tx: lots.book(tx, row))
