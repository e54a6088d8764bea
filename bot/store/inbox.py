"""Telegram's updates, kept before they are acknowledged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.units import ChatId, Millis
from bot.store.engine import Row, Subject, Transaction


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A stored update that is not yet done. `payload` is the Bot API's JSON."""

    update_id: int
    chat_id: ChatId | None
    payload: dict[str, Any]
    sent_at: Millis | None
    received_at: Millis


class Inbox(Subject):
    """Updates by their id, each kept once."""

    async def receive(self, rows: Sequence[InboxRow]) -> list[InboxRow]:
        """Save updates; return those that were not known, in order of their id."""

        def work(tx: Transaction) -> list[InboxRow]:
            ordered = sorted(rows, key=lambda row: row.update_id)
            return [row for row in ordered if tx.insert("inbox", row, ignore=True)]

        return await self._write(work)

    async def list_unprocessed(self) -> list[InboxRow]:
        """Every saved update that is not processed, in order of its id."""
        statement = "SELECT * FROM inbox WHERE processed_at IS NULL ORDER BY update_id"
        return await self._read(lambda tx: tx.all(InboxRow, statement))

    async def mark_processed(self, update_id: int, now: Millis) -> None:
        """Mark an update as done: its content is deleted, its id stays."""
        statement = "UPDATE inbox SET processed_at = :now, payload = '{}' WHERE update_id = :update"
        await self._write(lambda tx: tx.run(statement, update=update_id, now=now))

    async def get_last(self) -> tuple[int, Millis] | None:
        """The id of the update that was received last, and when."""
        statement = """
            SELECT update_id, received_at FROM inbox WHERE received_at = (SELECT max(received_at) FROM inbox)
            ORDER BY update_id DESC LIMIT 1
        """
        row = await self._read(lambda tx: tx.one(Row, statement))
        return None if row is None else (row["update_id"], Millis(row["received_at"]))
