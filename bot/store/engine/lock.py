"""One process per database: a lock that the system takes back when its holder ends, in whatever way.

It is on a file beside the database, which stays there: deleted, it would be two files for two processes. The file
says who holds the lock, for people and for whoever is refused.
"""

import json
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
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
class Holder:
    """Who holds the lock; `since` is a moment as people read it, in UTC."""

    pid: int
    host: str
    since: str

    @classmethod
    def this_process(cls) -> Self:
        """The one that asks."""
        return cls(os.getpid(), socket.gethostname(), datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


class FileLock:
    """The lock of a database, held; see `take_now` and `take`."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle

    @classmethod
    def take_now(cls, database: Path) -> Self:
        """Take the lock.

        Raises:
            StoreTaken: another has it.
            ConfigError: this system has no such locks.

        """
        # Several names of one file are one lock, as they are one database for SQLite.
        path = database.resolve()
        path = path.with_name(path.name + SUFFIX)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        holder = None
        try:
            is_ours = _lock(handle)
            if is_ours:
                _write(handle, Holder.this_process())
            else:
                holder = _read(handle)
        except BaseException:
            os.close(handle)
            raise
        if is_ours:
            return cls(path, handle)
        os.close(handle)
        raise StoreTaken(str(database), str(holder or "another process"))

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

    def release(self) -> None:
        """Let others have it."""
        os.close(self._handle)


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


def _write(handle: int, holder: Holder) -> None:
    """Say who holds the lock, where the disk has room for it."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(asdict(holder)).encode() + b"\n", 0)


def _read(handle: int) -> Holder | None:
    """What the file says; None: nothing that can be read, as where its holder is about to write it."""
    try:
        return Holder(**json.loads(os.pread(handle, LONGEST_NOTE, 0)))
    except (TypeError, ValueError):
        return None
