"""One process per database: a lock that the system takes back when its holder ends, in whatever way.

It is on a file beside the database, which stays there: deleted, it would be two files for two processes. The file
says who holds the lock, for people and for whoever is refused, and what the next process must know where the database
is lost.
"""

import json
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from bot.errors import ConfigError, StoreTaken

SUFFIX = ".lock"
PATIENCE_SECONDS = 15.0
"""A process that is asked to end does so within 10 seconds: its successor may be started before that."""

LOOK_SECONDS = 0.25
LONGEST_NOTE = 4_000

Wait = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Note:
    """What stands in the file: who holds the lock, `since` when (UTC, as people read it), and of the database.

    `opened`: there has been one. `lost`: it was found to be lost, and the admins were told.
    """

    pid: int = 0
    host: str = ""
    since: str = ""
    opened: bool = False
    lost: bool = False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}" if self.pid else "another process"


class FileLock:
    """The lock of a database, held; see `take_now` and `take`."""

    def __init__(self, database: Path, path: Path, handle: int, note: Note) -> None:
        self._database = database
        self._path = path
        self._handle = handle
        self._note = note

    @classmethod
    def take_now(cls, database: Path) -> Self:
        """Take the lock.

        Raises:
            StoreTaken: another has it.
            ConfigError: this system has no such locks.

        """
        path = _path_of(database)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            is_ours, note = _lock(handle), _read(handle)
            if is_ours:
                note = replace(
                    note, pid=os.getpid(), host=socket.gethostname(), since=f"{datetime.now(UTC):%F %T} UTC"
                )
                _write(handle, note)
        except BaseException:
            os.close(handle)
            raise
        if is_ours:
            return cls(database, path, handle, note)
        os.close(handle)
        raise StoreTaken(str(database), str(note))

    @staticmethod
    def note_of(database: Path) -> Note:
        """What the file of a database says, whoever holds the lock."""
        try:
            handle = os.open(_path_of(database), os.O_RDONLY)
        except OSError:
            return Note()
        try:
            return _read(handle)
        finally:
            os.close(handle)

    @classmethod
    async def take(cls, database: Path, wait: Wait, told: Callable[[str], None]) -> Self:
        """Take the lock, waiting for its holder up to `PATIENCE_SECONDS`; `told` is told once for whom.

        Raises:
            StoreTaken: another still has it.
            ConfigError: this system has no such locks.

        """
        for attempt in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
            try:
                return cls.take_now(database)
            except StoreTaken as taken:
                if attempt == 0:
                    told(taken.holder)
            await wait(LOOK_SECONDS)
        return cls.take_now(database)

    def note_opened(self) -> None:
        """Note that there is a sound database."""
        self._change(opened=True, lost=False)

    def note_lost(self) -> bool:
        """Note that the database is lost; whether that stood there already, as where a lost one is started again."""
        was_known = self._note.lost
        with suppress(OSError, StoreTaken):
            # Who deletes the database may delete this with it, and what it says is for the next process.
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self.keep()
        self._change(lost=True)
        return was_known

    def keep(self) -> None:
        """Have the lock also where its file was deleted, or replaced by another one.

        Raises:
            StoreTaken: another process has that one.

        """
        try:
            is_ours = os.path.samestat(self._path.stat(), os.fstat(self._handle))
        except FileNotFoundError:
            is_ours = False
        if is_ours:
            return
        again = self.take_now(self._database)
        os.close(self._handle)
        self._handle = again._handle  # noqa: SLF001  of the same class
        _write(self._handle, self._note)

    def release(self) -> None:
        """Let others have it."""
        os.close(self._handle)

    def _change(self, *, lost: bool, opened: bool | None = None) -> None:
        note = replace(self._note, lost=lost, opened=self._note.opened if opened is None else opened)
        if note != self._note:
            self._note = note
            _write(self._handle, note)


def holder_of(database: Path) -> Note | None:
    """Who holds the lock of a database; None: nobody."""
    try:
        handle = os.open(_path_of(database), os.O_RDONLY)
    except OSError:
        return None
    try:
        return None if _lock(handle) else _read(handle)
    finally:
        os.close(handle)


def _path_of(database: Path) -> Path:
    # Several names of one file are one lock, as they are one database for SQLite.
    real = database.resolve()
    return real.with_name(real.name + SUFFIX)


def _lock(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:
        raise ConfigError(
            ["store.url: SQLite needs file locks of Unix here; on Windows, run the bot in WSL or Docker"]
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(handle: int, note: Note) -> None:
    """Write the file anew, where the disk has room for it."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(asdict(note)).encode() + b"\n", 0)


def _read(handle: int) -> Note:
    """What the file says, if it can be read: its holder may be about to write it."""
    try:
        return Note(**json.loads(os.pread(handle, LONGEST_NOTE, 0)))
    except (TypeError, ValueError):
        return Note()
