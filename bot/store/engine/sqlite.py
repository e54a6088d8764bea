"""SQLite as an engine: one file in WAL mode, one writer thread, a few readers."""

import asyncio
import errno
import hashlib
import hmac
import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog

from bot.domain.types import SECOND, Millis
from bot.errors import ConfigError, CopyUnusable, StoreLost, StoreStuck, StoreTrouble
from bot.store.engine import READ, Observer, Transaction, Trouble
from bot.store.engine.backups import (
    CopyFigures,
    backup_directory,
    copy_name,
    keep_newest,
    make_copy,
)
from bot.store.engine.condition import Identity, is_damage, opening_error
from bot.store.engine.lock import FileLock, Wait, holder_of
from bot.store.engine.migrations import STEPS, applied, apply, is_foreign
from bot.store.engine.writer import LARGEST_GROUP, RETRY_SECONDS, Writer

log = structlog.get_logger(__name__)

T = TypeVar("T")

BUSY_TIMEOUT_MS = 10_000
READERS = 2
CHECK_EVERY = Millis(20 * SECOND)
"""The whole file is read through at most so often, and in at most one hundredth of the time."""

CHECK_SHARE = 100
URL_PREFIX = "sqlite:///"

KEPT_BEFORE_CHANGES = 3
"""Copies that were made before the schema was changed, the newest of which stay."""

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
    """Open a file that is there, with everything that the store's statements call."""
    connection = _connect(path)
    connection.row_factory = _row
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    # What is deleted is overwritten, so that it is gone.
    connection.execute("PRAGMA secure_delete = ON")
    if migrated:
        _add_pseudonyms(connection)
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    # SQLite would make an empty file where there is none. With isolation_level None nothing but our own BEGIN
    # begins a transaction.
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=BUSY_TIMEOUT_MS / 1000,
        check_same_thread=False,
    )


def _row(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _add_pseudonyms(connection: sqlite3.Connection) -> None:
    row = connection.execute("SELECT value FROM settings WHERE key = 'pseudonyms'").fetchone()
    salt = str(row["value"]).encode()

    def pseudonym(user_id: int) -> int:
        digest = hmac.new(salt, str(user_id).encode(), hashlib.sha256).digest()
        return -1 - (int.from_bytes(digest[:8]) >> (64 - _ALIAS_BITS))

    connection.create_function("pseudonym", 1, pseudonym, deterministic=True)


def migrate(path: Path, lock: FileLock | None = None, backups: Path | None = None) -> list[str]:
    """Bring the file to the present schema; the names of the steps applied.

    The schema is changed only under the lock of the file, which is taken for it where the caller does not hold it, and
    only once a copy of what is there stands in `backups` (None: beside the file).

    Raises:
        ConfigError: a newer version of the program has changed the file, in ways unknown to this one; or it is the
            database of another program, which is left as it is.
        StoreTaken: the schema must be changed, and a bot works with the file.
        StoreLost: there was a file that is gone, or what is there is no database.
        StoreStuck: it cannot be written now.

    """
    try:
        return _migrate(path, lock, backups or backup_directory(path))
    except (OSError, sqlite3.Error) as error:
        raise opening_error(path, error) from None


def _migrate(path: Path, lock: FileLock | None, backups: Path) -> list[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = Identity.of(path)
    if found is None or found.size == 0:
        _refuse_to_replace(path)
    if found is None:
        path.touch(mode=0o600)
    connection = open_connection(path, migrated=False)
    connection.row_factory = None
    try:
        known = _known_steps(path, connection)
        connection.execute("PRAGMA journal_mode = WAL")
        if known == STEPS:
            return []
        taken = None if lock is not None else FileLock.take_now(path)
        try:
            if known:
                _copy_before(path, backups, schema=max(known))
            return apply(connection)
        finally:
            if taken is not None:
                taken.release()
    finally:
        connection.close()


def _known_steps(path: Path, connection: sqlite3.Connection) -> set[str]:
    """The steps that a file has been through. Nothing is written.

    Raises:
        ConfigError: it is another program's, or a newer version's.

    """
    if is_foreign(connection):
        raise ConfigError([f"store.url: {path} is the database of another program: name another file"])
    known = applied(connection)
    if known - STEPS:
        names = ", ".join(sorted(known - STEPS))
        raise ConfigError([f"store.url: {path} was changed by a newer version ({names}): update the program"])
    return known


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of a file that nothing was changed in.

    `pending` are the steps that the next start takes, `holder` is who serves with it (None: nobody), `problem` what
    SQLite says of its content (empty: it is sound).
    """

    is_there: bool
    pending: int = len(STEPS)
    holder: str | None = None
    problem: str = ""


def inspect(path: Path) -> Inspection:
    """Look at the file without changing it, or at where it would be made.

    Raises:
        ConfigError: it can be made nowhere there, or is another program's, or a newer version's.
        StoreLost: there was a file that is gone, or what is there is no database.
        StoreStuck: it cannot be written now.

    """
    try:
        return _inspect(path)
    except (OSError, sqlite3.Error) as error:
        raise opening_error(path, error) from None


def _inspect(path: Path) -> Inspection:
    found = Identity.of(path)
    if found is None or found.size == 0:
        _refuse_to_replace(path)
        # The directories that lack are made with the file.
        there = next(parent for parent in path.absolute().parents if parent.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return Inspection(is_there=False)
    with closing(_connect(path)) as connection:
        known = _known_steps(path, connection)
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise StoreStuck(f"{path} cannot be written by this user", StoreTrouble.UNWRITABLE)
    problem = "" if answer == "ok" else " ".join(answer.split())
    holder = holder_of(path)
    return Inspection(True, len(STEPS - known), None if holder is None else str(holder), problem)


def _copy_before(path: Path, backups: Path, *, schema: str) -> None:
    """Keep a copy of what is about to be changed.

    Raises:
        StoreStuck: none can be made; nothing was changed.

    """
    now, step = datetime.now(UTC), schema.partition("_")[0]
    target, moment = backups / copy_name(path, now, step), Millis(round(now.timestamp() * SECOND))
    try:
        make_copy(path, target, moment)
    except CopyUnusable as error:
        reason = f"{path} is not changed without a copy of it: {error}"
        raise StoreStuck(reason, StoreTrouble.FULL) from None
    keep_newest(target, KEPT_BEFORE_CHANGES, moment)
    log.info("the database was copied before its schema is changed", path=str(target))


def _refuse_to_replace(path: Path) -> None:
    """Make no empty database where there was one.

    Raises:
        StoreLost: there was one.

    """
    journal = Identity.of(journal_of(path))
    if FileLock.note_of(path).opened or (journal is not None and journal.size > 0):
        rest = f"{path.name}.lock and {path.name}-wal"
        raise StoreLost(f"{path} is gone: put it back, or delete {rest} to begin with an empty database")


def journal_of(path: Path) -> Path:
    """Where SQLite keeps what is committed and not yet in the file."""
    real = path.resolve()
    return real.with_name(f"{real.name}-wal")


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
    """One file; `group` is how many pieces of work one commit may hold.

    With a lock it serves people: then work waits while the disk cannot be written, and `look` is called all the time.
    """

    def __init__(self, path: Path, *, lock: FileLock | None = None, group: int = LARGEST_GROUP) -> None:
        self.path = path
        self._lock = lock
        self._writer = Writer(
            open_connection(path), group=group, retry_seconds=None if lock is None else RETRY_SECONDS
        )
        self._file, self._journal = Identity.of(path), Identity.of(journal_of(path))
        self._lost: StoreLost | None = None
        self._is_watched = False
        self._checked_at, self._check_pause = Millis(0), CHECK_EVERY
        self._observer: Observer = lambda *_: None
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._read_connections: list[sqlite3.Connection] = []

    @classmethod
    async def open(cls, url: str, *, serving: Wait | None = None, backups: Path | None = None) -> Self:
        """Open the file, creating and migrating it if need be; see `bot.store.Store.open`."""
        path = path_of(url)
        if serving is None:
            await asyncio.to_thread(migrate, path, None, backups)
            return cls(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = await FileLock.take(
                path,
                serving,
                lambda holder: log.warning("waiting for the database", path=str(path), holder=holder),
            )
        except OSError as error:
            raise opening_error(path, error) from None
        try:
            await asyncio.to_thread(migrate, path, lock, backups)
            try:
                engine = cls(path, lock=lock)
            except sqlite3.Error as error:
                raise opening_error(path, error) from None
        except StoreLost as lost:
            lost.known = lock.note_lost()
            lock.release()
            raise
        except BaseException:
            lock.release()
            raise
        lock.note_opened()
        return engine

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """See `Engine`; readers' connections can't write, and commit nothing."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_here, work)
        except (sqlite3.Error, StoreLost) as error:
            await self._give_up_if_lost(error)
            raise

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """See `Engine`; what waits at the same time shares a commit, each in a savepoint."""
        try:
            return await self._writer.do(lambda connection: work(SqliteTransaction(connection)))
        except sqlite3.Error as error:
            await self._give_up_if_lost(error)
            raise

    async def check(self) -> str:
        """See `Engine`."""
        answer = await self.read(lambda tx: tx.value("PRAGMA quick_check(1)"))
        return str(answer)

    @property
    def trouble(self) -> Trouble | None:
        """See `Engine`."""
        kind = self._writer.trouble
        return None if kind is None else Trouble(kind, self._writer.detail)

    async def look(self, now: Millis) -> Trouble | None:
        """See `Engine`: by the name of the file at once, by its content at times."""
        self._is_watched = True
        try:
            if self._lost is None:
                await self._compare_files()
            # A clock that was set back is no reason to wait.
            if self._lost is None and not 0 <= now - self._checked_at < self._check_pause:
                began = time.perf_counter()
                await asyncio.to_thread(self._check_anew)
                took = Millis(round((time.perf_counter() - began) * SECOND))
                self._checked_at, self._check_pause = now, Millis(max(CHECK_EVERY, CHECK_SHARE * took))
        except StoreLost as lost:
            self._lost = self._lost or lost
        if self._lost is not None:
            if self._lock is not None:
                self._lost.known = self._lock.note_lost()
            raise self._lost
        return self.trouble

    def observe(self, observer: Observer) -> None:
        """See `Engine`."""
        self._observer = self._writer.observer = observer

    async def scrub(self) -> bool:
        """See `Engine`; the journal is written back into the file and cut off."""
        return await asyncio.to_thread(self._cut_off_journal)

    async def copy(self, directory: Path | None, now: Millis) -> tuple[Path, CopyFigures]:
        """See `Engine`; on a connection of its own, which keeps nobody from reading or writing."""
        name = copy_name(self.path, datetime.fromtimestamp(now / SECOND, UTC))
        target = (directory or backup_directory(self.path)) / name
        return target, await asyncio.to_thread(make_copy, self.path, target, now)

    async def close(self) -> None:
        """See `Engine`."""
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._read_connections:
            connection.close()
        if self._lock is not None:
            self._lock.release()

    async def _give_up_if_lost(self, error: Exception) -> None:
        """Where the file is damaged, remember it. Whoever is served waits for the end that `look` brings about.

        Raises:
            StoreLost: the file is damaged, and nobody looks yet.

        """
        if is_damage(error):
            self._lost = self._lost or StoreLost(f"{self.path} is damaged: {error}", is_damaged=True)
        elif isinstance(error, StoreLost):
            self._lost = self._lost or error
        else:
            return
        if self._is_watched:
            await asyncio.get_running_loop().create_future()
        if self._lock is not None:
            self._lost.known = self._lock.note_lost()
        raise self._lost

    async def _compare_files(self) -> None:
        """The same with the journal and the lock."""
        self._require_file()
        journal = Identity.of(journal_of(self.path))
        if self._journal is None:
            self._journal = journal
        if self._journal is not None and not self._journal.is_same(journal):
            # It is still open: what is committed in it is saved before the end.
            await asyncio.to_thread(self._save_journal)
            raise StoreLost(f"{self.path}-wal was deleted or replaced")
        if self._lock is not None:
            self._lock.keep()

    def _save_journal(self) -> None:
        """Write what is in our journal into the file. Best effort."""
        for connection in self._read_connections[:1]:
            with suppress(sqlite3.Error):
                connection.execute("PRAGMA query_only = OFF")
                connection.execute("PRAGMA wal_checkpoint(FULL)").fetchall()

    def _require_file(self) -> None:
        """Raises StoreLost where another file stands in the place of ours, or none."""
        found = Identity.of(self.path)
        if found is None:
            raise StoreLost(f"{self.path} was deleted")
        if not found.is_same(self._file):
            raise StoreLost(f"{self.path} was replaced by another file")
        if found.size == 0:
            raise StoreLost(f"{self.path} was emptied")

    def _check_anew(self) -> None:
        """Read the whole file as it is on the disk: connections that are open remember what they have read.

        Only through SQLite, never by opening the file: closing it would end the locks of every connection.

        Raises:
            StoreLost: it is damaged.

        """
        try:
            with closing(_connect(self.path)) as connection:
                (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            if not is_damage(error):
                log.warning("the database could not be checked", reason=str(error))
                return
            answer = str(error)
        if answer != "ok":
            raise StoreLost(f"{self.path} is damaged: {' '.join(answer.split())}", is_damaged=True)

    def _read_here(self, work: Callable[[Transaction], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            self._require_file()
            connection = open_connection(self.path)
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._read_connections.append(connection)
        began = time.perf_counter()
        result = work(SqliteTransaction(connection))
        self._observer(READ, time.perf_counter() - began, 1)
        return result

    def _cut_off_journal(self) -> bool:
        with closing(_connect(self.path)) as connection:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
