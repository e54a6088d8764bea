"""Copies of the database beside the real process: made under load, cut off in the middle, and put back."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.world.process import BotProcess
from tests.world.telegram import ADA, XIAOLIN

TAKEN = 3


def bookings(path: Path) -> list[tuple[str, int]]:
    """The states of tasks in a file, and how many holds, charges and releases are booked for them."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return db.execute(
            """
            SELECT tasks.state, count(DISTINCT ledger.kind) FROM tasks JOIN ledger ON ledger.task_id = tasks.id
            WHERE ledger.kind IN ('hold', 'charge', 'release') GROUP BY tasks.id
            """
        ).fetchall()


async def test_copies_of_a_busy_bot_are_whole_and_one_of_them_goes_on_to_every_video(world: BotProcess):
    world.configure(daily=1000, provider="max_concurrent = 3")
    await world.start()
    for number in range(10):
        for person in (ADA, XIAOLIN):
            await world.telegram.say(person, f"/video a fox {number}")
    await world.wait_for(lambda: len(world.rows("SELECT 1 FROM tasks")) == 20)
    copies: list[Path] = []
    for number in range(4):
        await world.wait_for(lambda done=number * 3: count(world, "succeeded") >= done)
        copies.append(world.directory / f"copy-{number}.db")
        status, said = await world.command("backup", str(copies[-1]))
        assert status == 0, said
        assert "verified" in said
    # A task in flight has its hold; one that ended has one charge or release beside it.
    for copy in copies:
        assert all(kinds == (2 if state in {"succeeded", "failed"} else 1) for state, kinds in bookings(copy))
    status, said = await world.command("restore", str(copies[1]))
    assert status == TAKEN
    assert f"in use by process {world.pid}" in said
    await world.wait_for(lambda: count(world, "succeeded") == 20, 90)
    assert await world.stop() == 0
    status, said = await world.command("restore", str(copies[1]))
    assert (status, said.count("\n")) == (0, 1), said
    under_way = sum(state != "succeeded" for state, _ in bookings(world.database))
    assert under_way > 0
    await world.start()
    await world.ended(20)
    # Whatever the copy had open was found at Kling, delivered and charged: nothing was made twice.
    assert set(world.kling.submissions.values()) == {1}
    assert len(world.kling.tasks) == len(world.rows("SELECT 1 FROM tasks WHERE state = 'succeeded'")) == 20
    assert [world.balance(person) for person in (ADA, XIAOLIN)] == [(-150, 0), (-150, 0)]


def count(world: BotProcess, state: str) -> int:
    return len(world.rows("SELECT 1 FROM tasks WHERE state = ?", state))


async def test_a_copy_that_is_killed_in_the_middle_leaves_nothing_under_its_name(world: BotProcess):
    assert (await world.command("migrate"))[0] == 0
    with closing(sqlite3.connect(world.database)) as db, db:
        db.execute("INSERT INTO settings VALUES ('large', hex(randomblob(60000000)))")
    target = world.directory / "copies" / "copy.db"
    await world.begin("backup", str(target))
    await world.wait_for(lambda: any(half.stat().st_size for half in target.parent.glob(".*.half")))
    await world.kill()
    assert [half.name.startswith(".copy.db.") for half in target.parent.iterdir()] != []
    assert not target.exists()
    status, said = await world.command("backup", str(target))
    assert status == 0, said
    with closing(sqlite3.connect(target)) as db:
        assert db.execute("SELECT length(value) FROM settings WHERE key = 'large'").fetchone() == (
            120_000_000,
        )
