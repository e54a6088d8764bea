"""The file: how it is opened, migrated, read and written. What is in it, the modules of the subjects know."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlite_utils import Database

from bot.errors import ConfigError
from bot.store.migrations import STEPS, migrations
from bot.store.sqlite.pseudonyms import know_pseudonyms
from bot.store.writer import LARGEST_GROUP, Writer

T = TypeVar("T")

BUSY_TIMEOUT_MS = 10_000
READERS = 2
URL_PREFIX = "sqlite:///"


def path_of(url: str) -> Path:
    """The file behind `sqlite:///relative.db`, `sqlite:////absolute.db` or a plain path."""
    return Path(url.removeprefix(URL_PREFIX))


def _connect(path: Path) -> sqlite3.Connection:
    # With isolation_level None nothing but our own BEGIN begins a transaction.
    connection = sqlite3.connect(
        path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    # What is deleted is overwritten, so that it is gone.
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _connect_migrated(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    know_pseudonyms(connection)
    return connection


def migrate(path: Path) -> list[str]:
    """Bring the file to the present schema, creating it if need be; the names of the steps applied.

    Raises:
        ConfigError: a newer version of the program has changed the file, in ways unknown to this one.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    connection = _connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        database = Database(connection)
        unknown = {step.name for step in migrations.applied(database)} - STEPS
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ConfigError(
                [f"store.url: {path} was changed by a newer version ({names}): update the program"]
            )
        steps = [step.name for step in migrations.pending(database)]
        migrations.apply(database)
        return steps
    finally:
        connection.close()


class SqliteFile:
    """One file: a thread that writes and a few that read. `group` is how many intents one commit may hold."""

    def __init__(self, path: Path, *, group: int = LARGEST_GROUP) -> None:
        self.path = path
        self._writer = Writer(_connect_migrated(path), group=group)
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._read_connections: list[sqlite3.Connection] = []

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open the file, creating and migrating it if need be."""
        path = path_of(url)
        await asyncio.to_thread(migrate, path)
        return cls(path)

    async def close(self) -> None:
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._read_connections:
            connection.close()

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_here, work)

    def _read_here(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connect_migrated(self.path)
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._read_connections.append(connection)
        return work(connection)

    async def _rows(
        self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[sqlite3.Row]:
        return await self._read(lambda db: db.execute(statement, values).fetchall())

    async def _row(
        self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> sqlite3.Row | None:
        rows = await self._rows(statement, values)
        return rows[0] if rows else None

    async def _write(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        await self._writer.do(lambda db: db.execute(statement, values).rowcount)
