"""SQLite as an engine: one file in WAL mode, one writer thread, a few readers."""

import asyncio
import hashlib
import hmac
import json
import re
import sqlite3
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog

from bot.errors import ConfigError
from bot.store.engine import Transaction
from bot.store.engine.lock import FileLock, Wait
from bot.store.engine.migrations import STEPS, applied, apply
from bot.store.engine.writer import LARGEST_GROUP, Writer

log = structlog.get_logger(__name__)

T = TypeVar("T")

BUSY_TIMEOUT_MS = 10_000
READERS = 2
URL_PREFIX = "sqlite:///"

_NAMES = {
    "greatest": "max",
    "least": "min",
    "strpos": "instr",
    "json_items": "json_each",
    "json_atoms": "json_tree",
}
_CALLS = re.compile(rf"\b({'|'.join(_NAMES)})\(")
_LISTS = re.compile(r"= ANY \((:\w+)\)")
_ALIAS_BITS = 62


def path_of(url: str) -> Path:
    """The file of `sqlite:///relative.db`, `sqlite:////absolute.db` or a plain path."""
    return Path(url.removeprefix(URL_PREFIX))


@cache
def translate(statement: str) -> str:
    """A statement of the store as SQLite understands it (see `bot.store.engine`)."""
    named = _CALLS.sub(lambda call: f"{_NAMES[call[1]]}(", statement)
    return _LISTS.sub(r"IN (SELECT value FROM json_each(\1))", named)


def open_connection(path: Path, *, migrated: bool = True) -> sqlite3.Connection:
    """Open the file with everything that the store's statements call."""
    # With isolation_level None nothing but our own BEGIN begins a transaction.
    connection = sqlite3.connect(
        path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False
    )
    connection.row_factory = _row
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    # What is deleted is overwritten, so that it is gone.
    connection.execute("PRAGMA secure_delete = ON")
    if migrated:
        _add_pseudonyms(connection)
    return connection


def _row(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _add_pseudonyms(connection: sqlite3.Connection) -> None:
    row = connection.execute("SELECT value FROM settings WHERE key = 'pseudonyms'").fetchone()
    salt = str(row["value"]).encode()

    def pseudonym(user_id: int) -> int:
        digest = hmac.new(salt, str(user_id).encode(), hashlib.sha256).digest()
        return -1 - (int.from_bytes(digest[:8]) >> (64 - _ALIAS_BITS))

    connection.create_function("pseudonym", 1, pseudonym, deterministic=True)


def migrate(path: Path, lock: FileLock | None = None) -> list[str]:
    """Bring the file to the present schema; the names of the steps applied.

    The schema is changed only under the lock of the file, which is taken for it where the caller does not hold it.

    Raises:
        ConfigError: a newer version of the program has changed the file, in ways unknown to this one.
        StoreTaken: the schema must be changed, and a bot works with the file.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    connection = open_connection(path, migrated=False)
    connection.row_factory = None
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        known = applied(connection)
        if known - STEPS:
            names = ", ".join(sorted(known - STEPS))
            raise ConfigError(
                [f"store.url: {path} was changed by a newer version ({names}): update the program"]
            )
        if known == STEPS:
            return []
        if lock is not None:
            return apply(connection)
        taken = FileLock.take_now(path)
        try:
            return apply(connection)
        finally:
            taken.release()
    finally:
        connection.close()


class SqliteTransaction(Transaction):
    """What work does on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _execute(self, statement: str, values: Mapping[str, Any]) -> sqlite3.Cursor:
        bound = {
            name: json.dumps(list(value)) if isinstance(value, list | tuple | set | frozenset) else value
            for name, value in values.items()
        }
        return self._connection.execute(translate(statement), bound)


class SqliteEngine:
    """One file; `group` is how many pieces of work one commit may hold."""

    def __init__(self, path: Path, *, lock: FileLock | None = None, group: int = LARGEST_GROUP) -> None:
        self.path = path
        self._lock = lock
        self._writer = Writer(open_connection(path), group=group)
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._read_connections: list[sqlite3.Connection] = []

    @classmethod
    async def open(cls, url: str, *, serving: Wait | None = None) -> Self:
        """Open the file, creating and migrating it if need be; see `bot.store.Store.open`."""
        path = path_of(url)
        if serving is None:
            await asyncio.to_thread(migrate, path)
            return cls(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = await FileLock.take(
            path,
            serving,
            lambda holder: log.warning("waiting for the database", path=str(path), holder=holder),
        )
        try:
            await asyncio.to_thread(migrate, path, lock)
            return cls(path, lock=lock)
        except BaseException:
            lock.release()
            raise

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """See `Engine`; readers' connections can't write, and commit nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_here, work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """See `Engine`; what waits at the same time shares a commit, each in a savepoint."""
        return await self._writer.do(lambda connection: work(SqliteTransaction(connection)))

    async def check(self) -> str:
        """See `Engine`."""
        answer = await self.read(lambda tx: tx.value("PRAGMA quick_check(1)"))
        return str(answer)

    async def scrub(self) -> bool:
        """See `Engine`; the journal is written back into the file and cut off."""
        return await asyncio.to_thread(self._cut_off_journal)

    async def close(self) -> None:
        """See `Engine`."""
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._read_connections:
            connection.close()
        if self._lock is not None:
            self._lock.release()

    def _read_here(self, work: Callable[[Transaction], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = open_connection(self.path)
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._read_connections.append(connection)
        return work(SqliteTransaction(connection))

    def _cut_off_journal(self) -> bool:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
        try:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.close()
        return not busy
