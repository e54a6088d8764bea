"""The database as a file among others: a second process for it, and who may work beside the bot."""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest

from tests.world.process import BotProcess
from tests.world.telegram import ADA, XIAOLIN

TAKEN = 3
"""The exit status of a process that finds another one at work."""


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
