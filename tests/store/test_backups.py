"""Copies of a database file: whole or not there, checked, and put back without losing what stood there."""

import json
import os
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.types import HOUR, Millis
from bot.errors import CopyUnusable, StoreTaken
from bot.store import (
    backup_directory,
    copy_name,
    keep_newest,
    make_copy,
    migrate,
    put_back,
    require_room,
)
from bot.store.engine.backups import COPIED_AT, LONGEST_HALF
from bot.store.engine.lock import FileLock
from bot.store.engine.migrations import STEPS

NOW = Millis(1_795_000_000_000)
MOMENT = datetime(2026, 11, 18, 13, 20, tzinfo=UTC)


@pytest.fixture
def database(tmp_path) -> Path:
    path = tmp_path / "data" / "bot.db"
    migrate(path)
    remember(path, before="1")
    return path


def remember(path: Path, **values: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany("INSERT INTO settings VALUES (?, ?)", values.items())


def remembered(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT key, value FROM settings"))


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_a_copy_is_one_private_file_that_says_when_it_was_made(database, tmp_path):
    target = tmp_path / "copies" / "copy.db"
    figures = make_copy(database, target, NOW)
    assert files(target.parent) == {"copy.db"}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.parent.stat().st_mode) == 0o700
    assert remembered(target) == remembered(database) | {COPIED_AT: str(NOW)}
    assert (figures.made_at, figures.schema) == (NOW, max(STEPS))
    assert figures.rows["settings"] == len(remembered(target))
    assert figures.size == target.stat().st_size


def test_a_copy_that_is_made_while_others_write_is_of_one_moment(database, tmp_path):
    """A row of each transaction without the other one would be of a moment that there never was."""
    begun, ending = threading.Event(), threading.Event()
    longest: list[int] = []

    def write() -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as db:
            number = 0
            while not ending.is_set():
                number += 1
                db.execute("BEGIN IMMEDIATE")
                for half in ("left", "right"):
                    db.execute("INSERT INTO settings VALUES (?, ?)", (f"{half} {number}", "x" * 2_000))
                db.execute("COMMIT")
                if number == 20:
                    begun.set()
            longest.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(30)
        for number in range(3):
            make_copy(database, tmp_path / f"{number}.db", NOW)
    finally:
        ending.set()
        writer.join()
    for number in range(3):
        found = remembered(tmp_path / f"{number}.db")
        left = {key.split()[1] for key in found if key.startswith("left")}
        assert len(left) >= 20
        assert left == {key.split()[1] for key in found if key.startswith("right")}
    assert longest > [20]


def test_no_file_is_written_over(database, tmp_path):
    target = tmp_path / "mine.txt"
    target.write_text("mine", "utf-8")
    with pytest.raises(CopyUnusable, match="exists"):
        make_copy(database, target, NOW)
    assert target.read_text("utf-8") == "mine"


def test_there_is_no_copy_of_nothing_and_no_empty_database_is_made(tmp_path):
    with pytest.raises(CopyUnusable, match="not there"):
        make_copy(tmp_path / "bot.db", tmp_path / "copy.db", NOW)
    assert not files(tmp_path)


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(200_000))


def test_a_damaged_database_has_no_copy(database, tmp_path):
    damage(database)
    with pytest.raises(CopyUnusable):
        make_copy(database, tmp_path / "copies" / "copy.db", NOW)
    assert not files(tmp_path / "copies")


def test_a_copy_needs_room(tmp_path):
    require_room(tmp_path, 1)
    with pytest.raises(CopyUnusable, match=r"MB free, and \d+ MB are needed"):
        require_room(tmp_path, 1 << 60)


def test_a_copy_comes_back_and_the_file_before_it_is_kept(database, tmp_path):
    copy = tmp_path / "copy.db"
    make_copy(database, copy, NOW)
    remember(database, after="2")
    restored = put_back(copy, database, Millis(NOW + HOUR))
    assert remembered(database)["before"] == "1"
    assert "after" not in remembered(database)
    assert restored.figures.made_at == NOW
    assert restored.aside is not None
    assert remembered(restored.aside)["after"] == "2"
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert copy.exists()
    assert migrate(database) == []
    assert json.loads((database.parent / "bot.db.lock").read_text("ascii"))["opened"]


def test_what_stood_in_a_journal_is_kept_with_the_file_before(database, tmp_path):
    """As a process leaves it that was killed."""
    copy = tmp_path / "copy.db"
    make_copy(database, copy, NOW)
    with closing(sqlite3.connect(database)) as db:
        db.execute("INSERT INTO settings VALUES ('after', '2')")
        db.commit()
        for suffix in ("", "-wal"):
            shutil.copy(f"{database}{suffix}", tmp_path / f"killed.db{suffix}")
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"killed.db{suffix}", f"{database}{suffix}")
    restored = put_back(copy, database, NOW)
    assert "after" not in remembered(database)
    assert remembered(restored.aside)["after"] == "2"


def test_a_file_with_its_journal_comes_back_with_what_stands_in_it(database, tmp_path):
    copied = tmp_path / "copied.db"
    with closing(sqlite3.connect(database)) as db:
        db.execute("INSERT INTO settings VALUES ('after', '2')")
        db.commit()
        for suffix in ("", "-wal"):
            shutil.copy(f"{database}{suffix}", f"{copied}{suffix}")
    other = tmp_path / "elsewhere" / "bot.db"
    restored = put_back(copied, other, NOW)
    assert restored.aside is None
    assert remembered(other)["after"] == "2"
    # Whoever copied it did not say when.
    assert 0 < int(remembered(other)[COPIED_AT]) <= NOW


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('klingbot', '9999_later', '')"
        )


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE cats (name)")


def words(path: Path) -> None:
    path.write_text("no database", "utf-8")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (newer, "newer version .9999_later."),
        (foreign, "no database of klingbot"),
        (words, "no sound database"),
        (damage, "damaged|no sound database"),
        (Path.unlink, "not there"),
    ],
)
def test_what_cannot_be_used_changes_nothing(database, tmp_path, spoil, said):
    copy = tmp_path / "copy.db"
    make_copy(database, copy, NOW)
    spoil(copy)
    before = database.read_bytes()
    with pytest.raises(CopyUnusable, match=said) as refused:
        put_back(copy, database, NOW)
    assert str(copy) in str(refused.value)
    assert database.read_bytes() == before
    assert files(database.parent) == {"bot.db", "bot.db.lock"}


def test_a_database_that_is_in_use_stays(database, tmp_path):
    copy = tmp_path / "copy.db"
    make_copy(database, copy, NOW)
    lock = FileLock.take_now(database)
    try:
        with pytest.raises(StoreTaken, match=f"process {os.getpid()}"):
            put_back(copy, database, NOW)
    finally:
        lock.release()


def test_a_database_is_not_put_in_its_own_place(database):
    with pytest.raises(CopyUnusable, match="the database itself"):
        put_back(database, database, NOW)
    assert remembered(database)["before"] == "1"


def test_the_newest_copies_stay_and_half_ones_go(tmp_path):
    for day in (3, 1, 2):
        (tmp_path / copy_name(Path("bot.db"), MOMENT.replace(day=day))).touch()
    (tmp_path / copy_name(Path("bot.db"), MOMENT.replace(day=1), "0029")).touch()
    (tmp_path / "other.txt").touch()
    fresh, left = tmp_path / ".bot-1.db.7.half", tmp_path / ".bot-2.db.8.half"
    for half, age in ((fresh, 0), (left, LONGEST_HALF / 1000 + 1)):
        half.touch()
        os.utime(half, (NOW / 1000 - age, NOW / 1000 - age))
    # Where a copy with files was being made.
    folder = tmp_path / ".bot-3.tar.x1.half"
    folder.mkdir()
    (folder / "bot.db").touch()
    os.utime(folder, (NOW / 1000 - age, NOW / 1000 - age))
    deleted = keep_newest(tmp_path / copy_name(Path("bot.db"), MOMENT.replace(day=3)), 2, NOW)
    assert {path.name for path in deleted} == {"bot-20261101T132000Z.db", left.name, folder.name}
    assert files(tmp_path) == {
        "bot-20261102T132000Z.db",
        "bot-20261103T132000Z.db",
        "bot-0029-20261101T132000Z.db",
        "other.txt",
        fresh.name,
    }


def test_copies_are_kept_beside_the_file_that_a_link_names(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "bot.db"
    link.symlink_to(tmp_path / "there" / "real.db")
    assert backup_directory(link) == tmp_path / "there" / "backups"
