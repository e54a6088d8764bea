"""The writer's promises: one commit for all that waits, each piece of work whole or not at all."""

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest

from bot.errors import StoreTrouble
from bot.store.engine.writer import Writer


@pytest.fixture
def path(tmp_path):
    with closing(sqlite3.connect(tmp_path / "writer.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE words (word TEXT NOT NULL)")
    return tmp_path / "writer.db"


@pytest.fixture
def commits():
    """The transactions that the writer began, as SQLite saw them."""
    return []


@pytest.fixture
async def writer(path, commits):
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.set_trace_callback(
        lambda sql: commits.append(sql) if sql in {"BEGIN IMMEDIATE", "COMMIT"} else None
    )
    made = Writer(connection, group=5)
    yield made
    await made.close()


def words(path):
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT word FROM words ORDER BY rowid")]


def say(word):
    return lambda db: db.execute("INSERT INTO words VALUES (?)", (word,)).rowcount


def hold_up(writer):
    """Keep the writer busy until the event is set, so that work gathers behind it."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(_db):
        begun.set()
        assert go_on.wait(10)

    waiting = asyncio.create_task(writer.do(wait))
    return waiting, begun, go_on


async def test_whatever_waits_is_committed_at_once(writer, commits, path):
    waiting, begun, go_on = hold_up(writer)
    await asyncio.to_thread(begun.wait, 10)
    saying = [asyncio.create_task(writer.do(say(str(number)))) for number in range(5)]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(waiting, *saying) == [None, 1, 1, 1, 1, 1]
    assert commits == ["BEGIN IMMEDIATE", "COMMIT"] * 2
    assert words(path) == ["0", "1", "2", "3", "4"]


async def test_a_group_is_bounded(writer, commits):
    waiting, begun, go_on = hold_up(writer)
    await asyncio.to_thread(begun.wait, 10)
    saying = [asyncio.create_task(writer.do(say("a"))) for _ in range(11)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(waiting, *saying)
    assert commits.count("COMMIT") == 1 + 3


async def test_work_that_fails_takes_back_its_own_and_nobody_elses(writer, path):
    def fail(db):
        say("half")(db)
        raise LookupError("no")

    waiting, begun, go_on = hold_up(writer)
    await asyncio.to_thread(begun.wait, 10)
    doing = [asyncio.create_task(writer.do(work)) for work in (say("before"), fail, say("after"))]
    await asyncio.sleep(0)
    go_on.set()
    await waiting
    answers = await asyncio.gather(*doing, return_exceptions=True)
    assert [type(answer).__name__ for answer in answers] == ["int", "LookupError", "int"]
    assert words(path) == ["before", "after"]


async def test_a_commit_that_fails_is_told_to_all_of_its_group_and_the_next_goes_on(writer, path):
    def commit_early(db):
        say("lost")(db)
        db.execute("ROLLBACK")  # as SQLite does by itself when the disk is full

    with pytest.raises(sqlite3.OperationalError):
        await writer.do(commit_early)
    assert await writer.do(say("next")) == 1
    assert words(path) == ["next"]


async def test_an_answer_comes_after_the_commit(writer, path):
    await writer.do(say("on disk"))
    assert words(path) == ["on disk"]


async def test_a_closed_writer_takes_no_work(writer):
    await writer.close()
    with pytest.raises(RuntimeError, match="closed"):
        await writer.do(say("late"))


async def test_while_there_is_no_room_everybody_waits_in_line_and_then_all_of_it_is_done(path):
    """SQLite itself says that the disk is full: its limit of pages is as good as one."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    writer = Writer(connection, group=5, retry_seconds=0.01)
    tries, most_pages = [], 3

    def say_much(db):
        tries.append(most_pages)
        db.execute(f"PRAGMA max_page_count = {most_pages}")
        return say("much " * 10_000)(db)

    first, second = (asyncio.ensure_future(writer.do(work)) for work in (say_much, say("little")))
    async with asyncio.timeout(20):
        while len(tries) < 3:
            await asyncio.sleep(0)
    assert (writer.trouble, writer.detail) == (StoreTrouble.FULL, "database or disk is full")
    assert [first.done(), second.done()] == [False, False]
    assert words(path) == []
    most_pages = 1_000
    assert await asyncio.gather(first, second) == [1, 1]
    assert [word[:6] for word in words(path)] == ["much m", "little"]
    assert writer.trouble is None
    await writer.close()


async def test_a_writer_that_is_closed_gives_up_what_waits_for_room(path):
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA max_page_count = 3")
    writer = Writer(connection, retry_seconds=60)
    waiting = asyncio.ensure_future(writer.do(say("much " * 10_000)))
    async with asyncio.timeout(20):
        while writer.trouble is None:
            await asyncio.sleep(0)
        await writer.close()
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await waiting


async def test_without_patience_a_lack_of_room_is_an_error_of_the_work(path):
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA max_page_count = 3")
    writer = Writer(connection)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await writer.do(say("much " * 10_000))
    assert await writer.do(say("little")) == 1
    await writer.close()
