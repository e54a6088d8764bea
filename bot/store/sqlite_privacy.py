"""What one person may ask of the store: everything that it knows of them, and to know nothing of them any more.

Forgotten rows of the ledger go on under a pseudonym, a negative number that is made of the user's id and a
secret of this database: sums stay right, and whoever comes back has what they had left, no less and no more.
"""

import hashlib
import hmac
import json
import sqlite3
from pathlib import Path
from typing import Any

from bot.domain.units import UserId
from bot.store import sql_privacy as sql

_ALIAS_BITS = 62

EXPORT = {
    "profile": sql.PROFILE_OF_PERSON,
    "tasks": sql.TASKS_OF_PERSON,
    "results": sql.RESULTS_OF_PERSON,
    "ledger": sql.LEDGER_OF_PERSON,
    "drafts": sql.DRAFTS_OF_PERSON,
    "recipes": sql.RECIPES_OF_PERSON,
    "pictures": sql.PICTURES_OF_PERSON,
    "kept_words": sql.KEPT_WORDS_OF_PERSON,
}
"""What a person gets of their own data, by the name that it has in the file."""

DOCUMENTS = frozenset({"preferences", "request", "data", "settings"})
"""Columns that hold JSON."""


def know_pseudonyms(connection: sqlite3.Connection) -> None:
    """Let the statements of a connection call `pseudonym(user_id)`."""
    salt = str(connection.execute(sql.SALT).fetchone()[0]).encode()

    def pseudonym(user_id: int) -> int:
        digest = hmac.new(salt, str(user_id).encode(), hashlib.sha256).digest()
        return -1 - (int.from_bytes(digest[:8]) >> (64 - _ALIAS_BITS))

    connection.create_function("pseudonym", 1, pseudonym, deterministic=True)


def forget(db: sqlite3.Connection, user_id: UserId) -> None:
    """Delete or rename everything of a person; what waits must have been cancelled before."""
    (alias,) = db.execute(sql.PSEUDONYM, (user_id,)).fetchone()
    for step in sql.FORGET:
        db.execute(step, {"user": user_id, "alias": alias})


def export(db: sqlite3.Connection, user_id: UserId) -> dict[str, list[dict[str, Any]]]:
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


def take_out_of_the_journal(path: Path, timeout_seconds: float) -> bool:
    """Write the journal back into the file and cut it off: deleted rows still stand in it; False: not possible now."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=timeout_seconds)
    try:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    return not busy
