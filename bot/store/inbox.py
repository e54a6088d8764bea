"""Telegram's updates, kept before they are acknowledged, and those that are set aside."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.types import ChatId, Millis, UserId
from bot.store.engine import Row, Subject, Transaction

MOST_IN_QUARANTINE = 200
LONGEST_CONTENT = 20_000
"""Characters of an update in quarantine that are kept."""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A stored update. `payload` is the Bot API's JSON; None in `processed_at`: it is not yet done.

    `attempts` counts how often it was begun without being finished: each was the end of a process.
    """

    update_id: int
    chat_id: ChatId | None
    payload: dict[str, Any]
    sent_at: Millis | None
    received_at: Millis
    attempts: int = 0
    processed_at: Millis | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An update that is set aside with the reason. `content` is JSON in ASCII, or what there is in its place."""

    content: str
    error: str
    received_at: Millis
    update_id: int | None = None
    chat_id: ChatId | None = None
    user_id: UserId | None = None


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

    async def list_accepted(self, update_ids: Sequence[int]) -> set[int]:
        """Those of these updates that a task was made of."""
        statement = "SELECT update_id FROM tasks WHERE update_id = ANY (:ids)"
        return {
            row["update_id"] for row in await self._read(lambda tx: tx.all(Row, statement, ids=update_ids))
        }

    async def note_attempts(self, update_id: int, attempts: int) -> None:
        """Note how often an update was begun, before it is."""
        await self._write(lambda tx: _note_attempts(tx, update_id, attempts))

    async def mark_processed(self, update_id: int, now: Millis, begun: InboxRow | None = None) -> None:
        """Mark an update as done: its content is deleted, its id stays. `begun` is begun next."""

        def work(tx: Transaction) -> None:
            _mark_processed(tx, update_id, now)
            if begun is not None:
                _note_attempts(tx, begun.update_id, begun.attempts + 1)

        await self._write(work)

    async def hand_back(self) -> None:
        """Forget the attempts of what is not done: the process ends in order."""
        statement = "UPDATE inbox INDEXED BY inbox_waiting SET attempts = 0 WHERE processed_at IS NULL"
        await self._write(lambda tx: tx.run(statement))

    async def set_aside(self, found: Sequence[Quarantined]) -> tuple[int, int]:
        """Put updates in quarantine, which counts as done; how many were not known there, and how many it holds.

        The newest `MOST_IN_QUARANTINE` stay, each up to `LONGEST_CONTENT` characters.
        """

        def work(tx: Transaction) -> tuple[int, int]:
            added = 0
            for update in found:
                if update.update_id is not None:
                    row = InboxRow(update.update_id, update.chat_id, {}, None, update.received_at)
                    tx.insert("inbox", row, ignore=True)
                    _mark_processed(tx, update.update_id, update.received_at)
                values = {
                    "digest": hashlib.sha256(update.content.encode()).hexdigest(),
                    "update_id": update.update_id,
                    "chat_id": update.chat_id,
                    "user_id": update.user_id,
                    "content": update.content[:LONGEST_CONTENT],
                    "error": update.error,
                    "received_at": update.received_at,
                }
                added += tx.insert("quarantine", values, ignore=True)
            tx.run(
                """
                DELETE FROM quarantine WHERE received_at < (
                    SELECT received_at FROM quarantine ORDER BY received_at DESC LIMIT 1 OFFSET :most
                )
                """,
                most=MOST_IN_QUARANTINE - 1,
            )
            return added, tx.value("SELECT count(*) FROM quarantine")

        return await self._write(work)

    async def get_last(self) -> tuple[int, Millis] | None:
        """The id of the update that was received last, and when."""
        statement = """
            SELECT update_id, received_at FROM inbox WHERE received_at = (SELECT max(received_at) FROM inbox)
            ORDER BY update_id DESC LIMIT 1
        """
        row = await self._read(lambda tx: tx.one(Row, statement))
        return None if row is None else (row["update_id"], Millis(row["received_at"]))


def _mark_processed(tx: Transaction, update_id: int, now: Millis) -> None:
    statement = "UPDATE inbox SET processed_at = :now, payload = '{}' WHERE update_id = :update"
    tx.run(statement, update=update_id, now=now)


def _note_attempts(tx: Transaction, update_id: int, attempts: int) -> None:
    statement = "UPDATE inbox SET attempts = :attempts WHERE update_id = :update"
    tx.run(statement, update=update_id, attempts=attempts)
