"""Everything as files for other programs, and room that is given back."""

import base64
import json
import sqlite3
import stat
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import CopyUnusable, StoreTaken
from bot.store import Store, export_database, migrate, vacuum
from bot.store.engine.lock import FileLock
from tests.builders import ADA, NOW, an_image


@pytest.fixture
async def database(tmp_path) -> Path:
    path = tmp_path / "bot.db"
    store = await Store.open(str(path))
    await store.people.save_user(ADA, "Ada 阿达", "ada", "en", NOW, opens_chat=True)
    await store.drafts.save_attachment(an_image(b"fox"), NOW)
    await store.close()
    return path


def test_every_table_is_a_file_of_json_lines_and_no_secret_is_in_it(database, tmp_path):
    target = tmp_path / "all.zip"
    written = export_database(database, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with closing(sqlite3.connect(database)) as db, zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        tables = {
            name
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith(("sqlite_", "_sqlite_"))
        }
        assert {name.removesuffix(".jsonl") for name in archive.namelist()} == tables == set(written)
        rows = {name: [json.loads(row) for row in archive.open(f"{name}.jsonl")] for name in tables}
        ((salt,),) = db.execute("SELECT value FROM settings WHERE key = 'pseudonyms'")
        assert not any(salt.encode() in archive.read(name) for name in archive.namelist())
        for name in tables:
            ((number,),) = db.execute(f"SELECT count(*) FROM {name}")
            assert len(rows[name]) == written[name] == number - (name == "settings")
    assert [user["name"] for user in rows["users"]] == ["Ada 阿达"]
    assert base64.b64decode(rows["attachments"][0]["content"]) == b"fox"


def test_an_export_writes_over_nothing_and_leaves_nothing_half_done(database, tmp_path):
    target = tmp_path / "all.zip"
    target.write_text("mine", "utf-8")
    with pytest.raises(CopyUnusable, match="exists"):
        export_database(database, target)
    with pytest.raises(CopyUnusable, match="not there"):
        export_database(tmp_path / "none.db", tmp_path / "other.zip")
    words = tmp_path / "words.db"
    words.write_text("no database at all", "utf-8")
    with pytest.raises(CopyUnusable, match="could not be read"):
        export_database(words, tmp_path / "other.zip")
    assert target.read_text("utf-8") == "mine"
    assert not [path for path in tmp_path.iterdir() if "other" in path.name]


def test_room_goes_back_to_the_disk_and_nothing_else_changes(tmp_path):
    path = tmp_path / "bot.db"
    migrate(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO settings VALUES ('large', hex(randomblob(1000000))), ('small', '1')")
        db.execute("DELETE FROM settings WHERE key = 'large'")
    before, after = vacuum(path)
    assert before > 2_000_000
    assert after == path.stat().st_size < 1_000_000
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT value FROM settings WHERE key = 'small'").fetchone() == ("1",)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert migrate(path) == []


def test_a_database_that_is_in_use_is_not_written_anew(tmp_path):
    path = tmp_path / "bot.db"
    migrate(path)
    lock = FileLock.take_now(path)
    try:
        with pytest.raises(StoreTaken):
            vacuum(path)
    finally:
        lock.release()
    with pytest.raises(CopyUnusable, match="not there"):
        vacuum(tmp_path / "none.db")
