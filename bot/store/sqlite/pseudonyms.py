"""The pseudonyms under which the ledger goes on with those who are forgotten (see `bot.store.sqlite.privacy`)."""

import hashlib
import hmac
import sqlite3

from bot.store import sql_privacy as sql

_ALIAS_BITS = 62


def know_pseudonyms(connection: sqlite3.Connection) -> None:
    """Let the statements of a connection call `pseudonym(user_id)`."""
    salt = str(connection.execute(sql.SALT).fetchone()[0]).encode()

    def pseudonym(user_id: int) -> int:
        digest = hmac.new(salt, str(user_id).encode(), hashlib.sha256).digest()
        return -1 - (int.from_bytes(digest[:8]) >> (64 - _ALIAS_BITS))

    connection.create_function("pseudonym", 1, pseudonym, deterministic=True)
