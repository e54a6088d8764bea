"""Copies of the database from a shell: made beside the running bot, and put back where none runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import archives
from bot.domain.types import SECOND, Millis
from bot.errors import CopyUnusable
from bot.services.requests.videos import VIDEO_DIRECTORY
from bot.settings.config import Settings
from bot.store import (
    RESTORING,
    CopyFigures,
    Restored,
    backup_directory,
    copy_name,
    make_copy,
    path_of,
    put_back,
    require_room,
    sync,
)


@dataclass(frozen=True, slots=True)
class Made:
    """A copy that was made: its file, what it holds, how many videos came with it, and how long it took (seconds)."""

    path: Path
    figures: CopyFigures
    videos: int | None
    seconds: float

    def __str__(self) -> str:
        videos = "" if self.videos is None else f", {_videos(self.videos)}"
        return (
            f"{self.path}: {_size(self.path.stat().st_size)} in {self.seconds:.1f} s, verified: "
            f"{_content(self.figures)}{videos}"
        )


def make(settings: Settings, named: Path | None, *, with_files: bool) -> Made:
    """Copy the database, and people's own videos where that is asked for; `named` is a file or a directory.

    Raises:
        CopyUnusable: it cannot be copied; nothing has the name of the copy then.

    """
    began = time.perf_counter()
    database, now = path_of(settings.store.url), datetime.now(UTC)
    path = named or settings.backup.directory or backup_directory(database)
    if named is None or path.is_dir():
        path /= Path(copy_name(database, now)).with_suffix(".tar" if with_files else ".db").name
    moment = Millis(round(now.timestamp() * SECOND))
    if not with_files:
        figures = make_copy(database, path, moment)
        return Made(path, figures, None, time.perf_counter() - began)
    if path.exists():
        raise CopyUnusable(f"{path} exists: give another name")
    videos = settings.storage.directory / VIDEO_DIRECTORY
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{path.name}.", suffix=".half", dir=path.parent) as folder:
            copy, bundle = Path(folder) / archives.DATABASE, Path(folder) / path.name
            figures = make_copy(database, copy, moment)
            require_room(path.parent, figures.size + sum(each.stat().st_size for each in videos.glob("*")))
            number = archives.bundle(copy, videos, bundle)
            bundle.replace(path)
            sync(path.parent)
    except OSError as error:
        raise CopyUnusable(f"{path} cannot be written: {error.strerror}") from None
    return Made(path, figures, number, time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class PutBack:
    """What was put back, and where."""

    source: Path
    database: Path
    restored: Restored
    videos: int | None

    def __str__(self) -> str:
        figures, aside = self.restored.figures, self.restored.aside
        made_at = datetime.fromtimestamp(figures.made_at / 1000, UTC)
        videos = "" if self.videos is None else f", {_videos(self.videos)}"
        before = "there was none before" if aside is None else f"the one before it is {aside}"
        return (
            f"{self.database} is that of {made_at:%F %T} UTC again, from {self.source}: "
            f"{_content(figures)}{videos}; {before}"
        )


def restore(settings: Settings, source: Path, ask: Callable[[], str]) -> PutBack:
    """Put a copy in the place of the database; `ask` gives the secret key of one that is encrypted.

    Raises:
        StoreTaken: a process works with the database.
        CopyUnusable: the copy is none, or cannot be used; nothing was changed.

    """
    database, now = path_of(settings.store.url), Millis(round(time.time() * SECOND))
    if not source.is_file():
        raise CopyUnusable(f"{source} is not there, or is no file")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        require_room(database.parent, 2 * source.stat().st_size)
        with TemporaryDirectory(prefix=RESTORING, dir=database.resolve().parent) as folder:
            unpacked = archives.unpack(source, Path(folder), ask)
            restored = put_back(unpacked.database, database, now)
            videos = None
            if unpacked.videos is not None:
                target = settings.storage.directory / VIDEO_DIRECTORY
                target.mkdir(mode=0o700, parents=True, exist_ok=True)
                videos = archives.fill(target, unpacked.videos)
    except OSError as error:
        raise CopyUnusable(f"{source} cannot be put back: {error.strerror}") from None
    return PutBack(source, database, restored, videos)


def _content(figures: CopyFigures) -> str:
    rows = figures.rows
    told = ", ".join(f"{rows.get(table, 0):,} {word}" for table, word in _TOLD.items())
    return f"{told}, {sum(rows.values()):,} rows, schema {figures.schema}"


_TOLD = {"users": "people", "tasks": "tasks", "ledger": "bookings"}


def _videos(number: int) -> str:
    return "1 video" if number == 1 else f"{number} videos"


def _size(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"
