"""Copies of the database: made beside whoever works with it, checked by opening them, and put back.

A copy says of itself that it is one (`COPIED_AT`), however it comes into the place of the database: what it holds as
open may have been done since, see `bot.services.tasks.recover`. Only SQLite opens a database that others work with:
closing it otherwise would end their locks.
"""

import glob
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.domain.types import HOUR, SECOND, Millis
from bot.errors import CopyUnusable
from bot.store.engine.condition import Identity
from bot.store.engine.lock import FileLock
from bot.store.engine.migrations import STEPS, applied

COPIED_AT = "copied_at"
"""The key in the settings of a copy under which it says when it was made (milliseconds)."""

COPY_SUFFIX = ".db"
LONGEST_HALF = 6 * HOUR
"""A half-made copy that nothing was written to for so long belongs to nobody any more (milliseconds)."""

RESTORING = ".restoring-"
"""How the directories begin in which a copy is made ready to be put back."""

_HALF = ".half"
_ROOM = 16_000_000
"""Bytes that stay free on the disk beside a copy."""

_STAMP = "%Y%m%dT%H%M%SZ"
_TIME_LENGTH = len(f"20261128T170000Z{COPY_SUFFIX}")
_JOURNALS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class CopyFigures:
    """What a copy holds: when it was made, its newest step of the schema, the rows of each table, its bytes."""

    made_at: Millis
    schema: str
    rows: Mapping[str, int]
    size: int


def backup_directory(database: Path) -> Path:
    """Where copies are kept unless somebody says otherwise: beside the database."""
    return database.resolve().parent / "backups"


def copy_name(database: Path, moment: datetime, schema: str = "") -> str:
    """How a copy is called: by the database, the schema that is about to be changed, and the time."""
    return f"{database.stem}-{f'{schema}-' if schema else ''}{moment.astimezone(UTC):{_STAMP}}{COPY_SUFFIX}"


def similar_names(name: str) -> str:
    """The pattern of the names of all copies that are of the same kind as one, at any time."""
    return f"{glob.escape(name[:-_TIME_LENGTH])}????????T??????Z{COPY_SUFFIX}"


def make_copy(database: Path, target: Path, now: Millis) -> CopyFigures:
    """Copy a database as it is at one moment, while others work with it.

    The new file has its name only once it is whole, was read through and is on the disk.

    Raises:
        CopyUnusable: there is no database, or such a file already; there is too little room; or the database is damaged.

    """
    if Identity.of(database) is None:
        raise CopyUnusable(f"{database} is not there")
    try:
        with named_when_whole(target) as half:
            return _copy(database, half, now)
    except sqlite3.Error as error:
        raise CopyUnusable(f"{database} could not be copied to {target}: {error}") from None


def _copy(database: Path, half: Path, now: Millis) -> CopyFigures:
    with closing(connect(database)) as origin:
        # One transaction for all that is read: the counts are of the very state that is copied.
        origin.execute("BEGIN")
        counted = _count(origin)
        (size,) = origin.execute(
            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        ).fetchone()
        require_room(half.parent, size)
        with closing(connect(half)) as target:
            # Nothing else is written to it while it is made; it is synchronised once, at the end.
            target.execute("PRAGMA synchronous = OFF")
            origin.backup(target)
            _mark(target, now)
    figures = inspect(half, str(database))
    expected = counted | {"settings": figures.rows["settings"]}
    if figures.rows != expected:
        raise CopyUnusable(f"{database} was copied with other rows than it has")
    return figures


def connect(path: Path) -> sqlite3.Connection:
    """Open a file that is there; only an own BEGIN begins a transaction."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=10)


def require_room(directory: Path, size: int) -> None:
    """Refuse to write so many bytes where they would fill the disk.

    Raises:
        CopyUnusable: there is too little room.

    """
    free = shutil.disk_usage(directory).free
    if free < size + _ROOM:
        raise CopyUnusable(
            f"{directory} has {free // 1_000_000} MB free, and {(size + _ROOM) // 1_000_000} MB are needed"
        )


def inspect(path: Path, name: str) -> CopyFigures:
    """Open a file and read it through; what it holds. `name` is what people know it by.

    Raises:
        CopyUnusable: it is no database of this program, damaged, or made by a newer version.

    """
    try:
        with closing(connect(path)) as connection:
            known = applied(connection)
            if not known:
                raise CopyUnusable(f"{name} is no database of klingbot")
            if known - STEPS:
                raise CopyUnusable(
                    f"{name} was made by a newer version ({max(known)}): update the program first"
                )
            (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if answer != "ok":
                raise CopyUnusable(f"{name} is damaged: {' '.join(answer.split())}")
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (COPIED_AT,)).fetchone()
            made_at = round(path.stat().st_mtime * SECOND) if row is None else int(row[0])
            return CopyFigures(Millis(made_at), max(known), _count(connection), path.stat().st_size)
    except sqlite3.Error as error:
        raise CopyUnusable(f"{name} is no sound database: {error}") from None


def _count(connection: sqlite3.Connection) -> dict[str, int]:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608  names of the schema
        for (name,) in names.fetchall()
    }


def _mark(connection: sqlite3.Connection, now: Millis) -> None:
    """Let a file say that it is a copy, and be one file without a journal."""
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("INSERT OR IGNORE INTO settings (key, value) VALUES (?, ?)", (COPIED_AT, str(now)))


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in the place of the database, and where the file that stood there is now; None: there was none."""

    figures: CopyFigures
    aside: Path | None


def put_back(copy: Path, database: Path, now: Millis) -> Restored:
    """Put a copy in the place of a database that nobody works with. The copy stays; the file before it is kept.

    Raises:
        StoreTaken: a process works with the database.
        CopyUnusable: the copy is none, damaged, or made by a newer version, or the disk cannot be written.

    """
    real = database.resolve()
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock.take_now(real)
        try:
            if not copy.is_file():
                raise CopyUnusable(f"{copy} is not there, or is no file")
            if real.exists() and copy.samefile(real):
                raise CopyUnusable(f"{copy} is the database itself")
            _clear(real.parent, copy)
            with TemporaryDirectory(prefix=RESTORING, dir=real.parent) as folder:
                own = Path(folder) / real.name
                figures = _prepare(copy, own, now)
                aside = _set_aside(real, now)
                own.replace(real)
                sync(real.parent)
            lock.note_opened()
        finally:
            lock.release()
    except (OSError, sqlite3.Error) as error:
        raise CopyUnusable(f"{copy} could not be put in place of {database}: {_reason(error)}") from None
    return Restored(figures, aside)


def _clear(directory: Path, copy: Path) -> None:
    """Delete what was left where earlier processes were ended while they put a copy back."""
    for left in directory.glob(f"{RESTORING}*"):
        if left not in copy.resolve().parents:
            shutil.rmtree(left, ignore_errors=True)


def _prepare(copy: Path, own: Path, now: Millis) -> CopyFigures:
    """Make the file that is going to be the database, of a copy and what stands in its journal."""
    require_room(own.parent, copy.stat().st_size)
    for suffix in ("", "-wal"):
        source, target = copy.with_name(copy.name + suffix), own.with_name(own.name + suffix)
        if source.exists():
            target.touch(mode=0o600)
            shutil.copyfile(source, target)
    # What another program copied has no mark: the time of the file is when it was made.
    made_at = Millis(min(now, round(copy.stat().st_mtime * SECOND)))
    inspect(own, str(copy))
    with closing(connect(own)) as connection:
        _mark(connection, made_at)
    figures = inspect(own, str(copy))
    sync(own)
    return figures


def _set_aside(database: Path, now: Millis) -> Path | None:
    """Give a database and its journal another name; where it stands now, None where there was none."""
    aside = database.with_name(f"{database.name}.replaced-{datetime.fromtimestamp(now / 1000, UTC):{_STAMP}}")
    for suffix in _JOURNALS:
        with suppress(FileNotFoundError):
            database.with_name(database.name + suffix).rename(aside.with_name(aside.name + suffix))
    try:
        database.rename(aside)
    except FileNotFoundError:
        return None
    return aside


def keep_newest(newest: Path, number: int, now: Millis) -> list[Path]:
    """Delete all but the newest copies of the kind of one, and what was left half-made; what was deleted."""
    directory = newest.parent
    found = sorted(directory.glob(similar_names(newest.name)), key=lambda path: path.name[-_TIME_LENGTH:])
    old = found[: max(0, len(found) - number)]
    for half in directory.glob(f".*{_HALF}*"):
        with suppress(FileNotFoundError):
            if now - half.stat().st_mtime * SECOND > LONGEST_HALF:
                old.append(half)
    for path in old:
        if path.is_dir():
            # What a process made a copy with files in, and was ended.
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return old


@contextmanager
def named_when_whole(target: Path) -> Iterator[Path]:
    """A private file to write to, which gets its name where the block ends well, and is gone otherwise.

    Raises:
        CopyUnusable: there is such a file already, or it cannot be written.

    """
    if target.exists():
        raise CopyUnusable(f"{target} exists: give another name")
    half = target.with_name(f".{target.name}.{os.getpid()}{_HALF}")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half.unlink(missing_ok=True)
        half.touch(mode=0o600)
        yield half
        sync(half)
        half.replace(target)
        sync(target.parent)
    except OSError as error:
        raise CopyUnusable(f"{target} cannot be written: {_reason(error)}") from None
    finally:
        for suffix in ("", *_JOURNALS):
            half.with_name(half.name + suffix).unlink(missing_ok=True)


def vacuum(database: Path) -> tuple[int, int]:
    """Give the room of deleted rows back to the disk, while no bot works with a database; its bytes before and after.

    Raises:
        StoreTaken: a process works with it.
        CopyUnusable: there is none, or too little room for a second one beside it.

    """
    if not database.is_file():
        raise CopyUnusable(f"{database} is not there")
    lock = FileLock.take_now(database)
    try:
        with closing(connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            before = database.stat().st_size
            # The new file, and the journal through which it takes the place of the old one.
            require_room(database.resolve().parent, 2 * before)
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return before, database.stat().st_size
    except sqlite3.Error as error:
        raise CopyUnusable(f"{database} could not be written anew: {error}") from None
    finally:
        lock.release()


def _reason(error: OSError | sqlite3.Error) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)


def sync(path: Path) -> None:
    """Have a file, or the names in a directory, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
