"""What one person may ask of the store: everything that it knows of them, and to know nothing of them any more.

Forgotten rows of the ledger go on under a pseudonym, a negative number that is made of the user's id and a
secret of this database: sums stay right, and whoever comes back has what they had left, no less and no more.
"""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import structlog

from bot.domain.tasks.lifecycle import Settlement
from bot.domain.tasks.task import Task
from bot.domain.units import Millis, UserId
from bot.store import sql_privacy as sql
from bot.store.rows import task_of
from bot.store.sqlite import money
from bot.store.sqlite.file import BUSY_TIMEOUT_MS, SqliteFile

log = structlog.get_logger(__name__)

EXPORT = {
    "profile": sql.PROFILE_OF_PERSON,
    "tasks": sql.TASKS_OF_PERSON,
    "results": sql.RESULTS_OF_PERSON,
    "ledger": sql.LEDGER_OF_PERSON,
    "drafts": sql.DRAFTS_OF_PERSON,
    "recipes": sql.RECIPES_OF_PERSON,
    "elements_and_voices": sql.ASSETS_OF_PERSON,
    "pictures": sql.PICTURES_OF_PERSON,
    "payments": sql.PAYMENTS_OF_PERSON,
    "subscriptions": sql.SUBSCRIPTIONS_OF_PERSON,
    "kept_words": sql.KEPT_WORDS_OF_PERSON,
}
"""What a person gets of their own data, by the name that it has in the file."""

DOCUMENTS = frozenset({"preferences", "request", "data", "settings"})
"""Columns that hold JSON."""


class Privacy(SqliteFile):
    """See `bot.store.base.privacy`."""

    async def export(self, user_id: UserId) -> dict[str, list[dict[str, Any]]]:
        return await self._read(lambda db: _export(db, user_id))

    async def forget(self, user_id: UserId, now: Millis) -> None:
        def work(db: sqlite3.Connection) -> None:
            for row in db.execute(sql.QUEUED_OF, {"user": user_id}).fetchall():
                end_forgotten(db, row, now)
            _forget(db, user_id)

        await self._writer.do(work)
        if not await asyncio.to_thread(_take_out_of_the_journal, self.path, BUSY_TIMEOUT_MS / 1000):
            log.warning("the journal was in use; what was forgotten leaves it with the next checkpoint")


def end_forgotten(db: sqlite3.Connection, row: sqlite3.Row, now: Millis) -> Task:
    """End what waits of somebody who is forgotten; its credits go back to where they came from."""
    cancelled = task_of(db.execute(sql.CANCEL_FORGOTTEN, {"id": row["id"], "now": now}).fetchone())
    money.settle(db, cancelled, Settlement.RELEASE, now)
    return cancelled


def _forget(db: sqlite3.Connection, user_id: UserId) -> None:
    """Delete or rename everything of a person; what waits must have been cancelled before."""
    (alias,) = db.execute(sql.PSEUDONYM, (user_id,)).fetchone()
    for step in sql.FORGET:
        db.execute(step, {"user": user_id, "alias": alias})


def _export(db: sqlite3.Connection, user_id: UserId) -> dict[str, list[dict[str, Any]]]:
    """Everything of a person, table by table, documents as documents."""
    return {
        name: [_readable(row) for row in db.execute(statement, {"user": user_id})]
        for name, statement in EXPORT.items()
    }


def _readable(row: sqlite3.Row) -> dict[str, Any]:
    return {
        name: json.loads(row[name]) if name in DOCUMENTS and row[name] is not None else row[name]
        for name in row.keys()  # noqa: SIM118  iterating over a row gives its values
    }


def _take_out_of_the_journal(path: Path, timeout_seconds: float) -> bool:
    """Write the journal back into the file and cut it off: deleted rows still stand in it; False: not possible now."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=timeout_seconds)
    try:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    return not busy
