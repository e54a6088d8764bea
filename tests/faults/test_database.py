"""The database as a file: a second process for it, deleted, damaged, without room; and Telegram without updates."""

import asyncio
import json
import os
import resource
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.world.process import BotProcess
from tests.world.telegram import ADA, BOSS, XIAOLIN, complaint

TAKEN = 3
"""The exit status of a process that finds another one at work."""


async def never(request: Request) -> Response:
    """No answer, until whoever asked is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
    return Response()


def second(world: BotProcess) -> BotProcess:
    """Another process with the same settings."""
    other = BotProcess(world.directory / "second")
    other.config = world.config
    return other


@pytest.mark.timeout(300)
async def test_a_second_process_ends_with_one_line_and_nothing_of_the_first_is_lost(world, monkeypatch):
    """On one file it took the submissions of the first one for lost, and gave their credits back."""
    monkeypatch.setenv("KLINGBOT_PLANS__FREE__MAX_RUNNING", "50")
    # Some are being submitted for as long as the second process tries to start.
    world.kling.behaviour.slow_answer = 3
    world.configure(
        dialect="generic", key="sk-demo-generic", daily=1000, timeout=600, provider="max_concurrent = 2"
    )
    await world.start()
    for number in range(10):
        for person in (ADA, XIAOLIN):
            await world.telegram.say(person, f"/video a fox {number}")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'submitting'"))
    other = second(world)
    await other.begin()
    assert await other.ended_by_itself(90) == TAKEN
    waiting, last = (json.loads(line) for line in other.output[-2:])
    assert waiting["event"] == "waiting for the database"
    assert (last["level"], last["event"]) == ("critical", "the bot cannot go on")
    assert f"klingbot.db is in use by process {world.pid} on " in last["reason"]
    assert not any("Traceback" in line for line in other.output)
    await world.wait_for(
        lambda: world.rows("SELECT count(*) FROM tasks WHERE state = 'succeeded'") == [(20,)], 150
    )
    assert world.rows("SELECT state, count(*) FROM tasks GROUP BY state") == [("succeeded", 20)]
    assert [world.balance(person) for person in (ADA, XIAOLIN)] == [(-150, 0), (-150, 0)]
    assert len(world.kling.tasks) == 20


async def test_a_process_that_is_killed_leaves_the_database_to_the_next_one_at_once(world):
    await world.start()
    await world.kill()
    other = second(world)
    await other.start()
    assert not other.events("waiting for the database")
    assert await other.stop() == 0


async def test_a_process_that_starts_while_another_ends_waits_for_it(world):
    await world.start()
    other = second(world)
    await other.begin()
    await other.wait_said("waiting for the database")
    assert await world.stop() == 0
    await other.wait_said('"ready"')
    assert await other.stop() == 0


async def test_a_process_that_waits_for_the_database_by_another_name_ends_when_it_is_asked_to(world):
    await world.start()
    link = world.directory / "link.db"
    link.symlink_to(world.database)
    world.database = link
    world.configure()
    other = second(world)
    await other.begin()
    await other.wait_said("waiting for the database")
    async with asyncio.timeout(5):
        assert await other.stop() == 0


async def test_the_shell_a_check_and_a_backup_work_beside_the_bot(world):
    await world.start()
    await world.telegram.say(ADA, "/quota")
    await world.telegram.wait_text(ADA, "credits")
    assert (await world.command("admin", "grant", str(ADA), "50"))[0] == 0
    status, said = await world.command("check")
    assert (status, "ok    store" in said) == (0, True), said
    assert (await world.command("migrate"))[0] == 0
    copy = world.directory / "copy.db"
    with closing(sqlite3.connect(world.database)) as db, closing(sqlite3.connect(copy)) as target:
        db.backup(target)
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT count(*) FROM ledger").fetchone() == (1,)
    lock = world.database.with_name("klingbot.db.lock")
    assert json.loads(lock.read_text("ascii"))["pid"] == world.pid
    assert lock.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("before", [None, 0o755])
async def test_files_of_people_are_for_the_owner_of_the_process_only(world, before):
    """Also in a directory that an earlier version has made, and while they are worked on."""
    directory = world.directory / "work"
    if before is not None:
        directory.mkdir()
        directory.chmod(before)
    world.to_telegram.always("editMessageMedia", never)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.wait_for(lambda: world.to_telegram.of("editMessageMedia"))
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*") if path.is_dir()} <= {0o700}
    world.to_telegram.forget("editMessageMedia")


# -- gone and damaged ----------------------------------------------------------------------------------

LOST = 4
"""The exit status of a process whose database is gone or damaged."""

MOST_SECONDS = 60


async def used(world: BotProcess) -> None:
    """A running bot that has something to lose."""
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)
    await world.ended()


async def noticed(world: BotProcess, words: str) -> None:
    """The bot ends by itself, with one line and the admins told once."""
    assert await world.ended_by_itself(MOST_SECONDS) == LOST
    told(world, words)


def told(world: BotProcess, words: str) -> None:
    last = json.loads(world.output[-1])
    assert (last["level"], last["event"]) == ("critical", "the bot cannot go on")
    assert words in last["reason"]
    (alert,) = world.written(BOSS, "The bot has stopped")
    assert ("is damaged" in last["reason"]) == ("is damaged" in alert["text"])


def overwrite(path: Path, at: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * length)


def deleted(world: BotProcess) -> None:
    world.database.unlink()


def deleted_with_all_beside_it(world: BotProcess) -> None:
    for path in world.directory.glob("klingbot.db*"):
        path.unlink()


def replaced(world: BotProcess) -> None:
    other = world.directory / "other.db"
    shutil.copy(world.database, other)
    other.replace(world.database)


def emptied(world: BotProcess) -> None:
    os.truncate(world.database, 0)


def overwritten(world: BotProcess) -> None:
    """Everything behind the first page, where the journal holds no page that would be read instead."""
    with closing(sqlite3.connect(world.database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    overwrite(world.database, 4096, world.database.stat().st_size - 4096)


MISHAPS = {
    deleted: "klingbot.db was deleted",
    deleted_with_all_beside_it: "klingbot.db was deleted",
    replaced: "klingbot.db was replaced by another file",
    # Whoever sees it first says it: a statement that it is no database, a look that it was emptied.
    emptied: "klingbot.db",
    overwritten: "klingbot.db is damaged",
}


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.__name__)
async def test_a_database_that_is_lost_ends_the_bot_which_says_so_and_makes_no_new_one(world, mishap):
    await used(world)
    mishap(world)
    await noticed(world, MISHAPS[mishap])
    if mishap is replaced:
        await world.start()
        return
    size = world.database.stat().st_size if world.database.exists() else None
    world.output.clear()
    await world.begin()
    assert await world.ended_by_itself() == LOST
    # It was told already; that it is started over and over is no news.
    assert len(world.written(BOSS, "The bot has stopped")) == 1
    assert json.loads(world.output[-1])["event"] == "the bot cannot go on"
    assert size == (world.database.stat().st_size if world.database.exists() else None)
    status, said = await world.command("admin", "users")
    assert (status, said.count("\n")) == (1, 1), said


async def test_a_journal_that_is_deleted_ends_the_bot_and_nothing_of_it_is_lost(world):
    await used(world)
    world.database.with_name("klingbot.db-wal").unlink()
    await noticed(world, "klingbot.db-wal was deleted")
    assert world.balance(ADA) == (-15, 0)
    await world.start()
    assert world.rows("SELECT state FROM tasks") == [("succeeded",)]


def make_directory(path: Path) -> None:
    path.mkdir()


def make_garbage(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


@pytest.mark.parametrize(("make", "words"), [(make_directory, "is not a file"), (make_garbage, "is damaged")])
async def test_what_is_no_database_is_told_at_the_start_and_left_alone(world, make, words):
    make(world.database)
    await world.begin()
    await noticed(world, words)
    world.database.rmdir() if world.database.is_dir() else world.database.unlink()
    await world.start()


async def test_a_database_that_was_put_back_serves_again_and_is_told_anew_when_it_is_lost_again(world):
    await used(world)
    copy = world.directory / "copy"
    with closing(sqlite3.connect(world.database)) as db, closing(sqlite3.connect(copy)) as target:
        db.backup(target)
    for number in (1, 2):
        deleted(world)
        assert await world.ended_by_itself(MOST_SECONDS) == LOST
        assert len(world.written(BOSS, "The bot has stopped")) == number
        for rest in world.directory.glob("klingbot.db-*"):
            rest.unlink()
        shutil.copy(copy, world.database)
        await world.start()
        assert world.balance(ADA) == (-15, 0)


async def test_a_second_bot_is_kept_away_though_the_lock_was_deleted(world):
    await world.start()
    lock = world.database.with_name("klingbot.db.lock")
    lock.unlink()
    await world.wait_for(lock.exists)
    assert json.loads(lock.read_text("ascii"))["pid"] == world.pid
    other = second(world)
    await other.begin()
    await other.wait_said("waiting for the database")
    assert await other.stop() == 0


# -- no room -------------------------------------------------------------------------------------------


@contextmanager
def without_room(world: BotProcess) -> Iterator[None]:
    """No file of the bot's may grow or be written, as on a disk that fails."""
    soft, hard = resource.prlimit(world.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(world.pid, resource.RLIMIT_FSIZE, (0, hard))
    yield
    resource.prlimit(world.pid, resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
async def test_while_nothing_can_be_written_updates_wait_at_telegram_and_then_everything_goes_on(world):
    await world.start()
    await world.telegram.say(ADA, "/quota")
    await world.telegram.wait_text(ADA, "credits")
    with without_room(world):
        await world.telegram.say(ADA, "/video a fox")
        await world.telegram.wait_text(BOSS, "can't be written")
        asked = world.to_telegram.of("getUpdates")[-1].get("offset")
        assert world.rows("SELECT count(*) FROM inbox WHERE update_id >= ?", asked or 0) == [(0,)]
    await world.telegram.wait_video(ADA)
    await world.telegram.wait_text(BOSS, "can be written again", timeout_seconds=90)
    await world.ended()
    assert world.balance(ADA) == (-15, 0)
    assert len(world.written(BOSS, "can't be written")) == 1


# -- no updates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (complaint(409, "Conflict: terminated by other getUpdates request"), "Another process takes updates"),
        (complaint(401, "Unauthorized"), "refused the bot's token"),
        (complaint(502, "Bad Gateway"), "sent no updates"),
    ],
)
async def test_updates_that_do_not_come_are_told_once_and_asked_for_in_moderation(world, answer, words):
    world.configure(extra="[alerts]\nsilence_minutes = 0.03")
    await world.start()
    world.to_telegram.always("getUpdates", answer)
    asked = len(world.to_telegram.of("getUpdates"))
    await world.telegram.say(ADA, "/quota")
    await world.telegram.wait_text(BOSS, words)
    # After 1, 2, 5, 10 and then 30 seconds.
    assert len(world.to_telegram.of("getUpdates")) - asked <= 6
    assert len(world.events("updates could not be fetched")) == 1
    world.to_telegram.forget("getUpdates")
    await world.telegram.wait_text(ADA, "credits", timeout_seconds=60)
    assert len(world.written(BOSS, words)) == 1
