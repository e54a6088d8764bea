"""Every time of the schema is a timer or a date; when the clock was set the timers of open work move, and nothing else."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.operations.records import AuditRow, PersonNotice
from bot.domain.tasks.schedule import DELIVERY_LEASE
from bot.domain.tasks.task import TaskState
from bot.domain.types import DAY, HOUR, MINUTE, SECOND, Millis
from bot.store import SentRecord, Store
from bot.store.engine.sqlite import migrate
from bot.store.times import DATES, TIMERS
from tests.builders import ADA, NOW, a_draft, a_grant, a_question, an_asset_request, an_update, stored
from tests.stored import book

TOLERATED = Millis(2 * SECOND)
TIME = re.compile(r"(^|_)(at|until|since|by)$")
PEOPLE = {"users.invited_by", "invite_codes.created_by", "broadcasts.created_by", "overrides.changed_by"}
"""Columns that are named as times are, and hold who did something."""

Tables = dict[str, dict[Any, dict[str, Any]]]


def contents(path: Path) -> Tables:
    """Every row of every table, by its rowid."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: {row[0]: dict(row) for row in db.execute(f"SELECT rowid AS place, * FROM {name}")}
            for name in names
            if not name.startswith(("sqlite_", "_sqlite"))
        }


def test_every_time_of_the_schema_is_a_timer_or_a_date_and_not_both(tmp_path):
    migrate(tmp_path / "bot.db")
    with closing(sqlite3.connect(tmp_path / "bot.db")) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        times = {
            f"{name}.{column}"
            for name in names
            for _, column, kind, *_ in db.execute(f"PRAGMA table_info({name})")
            if kind == "INTEGER" and TIME.search(column)
        } - PEOPLE
    timers = {f"{table}.{column}" for table, columns in TIMERS.items() for column in columns}
    dates = {f"{table}.{column}" for table, columns in DATES.items() for column in columns}
    assert timers & dates == set()
    assert timers | dates == times


async def fill(store: Store) -> set[str]:
    """Something of every kind, and the open tasks of it."""
    await book(store, a_grant())
    open_tasks = {
        (await stored(store, state)).id
        for state in (
            TaskState.QUEUED,
            TaskState.SUBMITTING,
            TaskState.UNCONFIRMED,
            TaskState.IN_PROGRESS,
            # It is looked for still.
            TaskState.EXPIRED,
            # Their videos and notices wait.
            TaskState.SUCCEEDED,
            TaskState.FAILED,
        )
    }
    waiting = {row.id for row in await store.outbox.claim(NOW, DELIVERY_LEASE, 100)}
    await store.outbox.note_failing(min(waiting), NOW)
    for state in (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED):
        ended = await stored(store, state)
        for row in await store.outbox.list_of(ended.id):
            await store.outbox.mark_delivered(row.id, SentRecord(7), NOW)
    for _ in range(2):
        made = await stored(store, TaskState.SUCCEEDED, request=an_asset_request())
        for row in await store.outbox.list_of(made.id):
            await store.outbox.mark_delivered(row.id, SentRecord(7), NOW)
    await store.library.delete_asset((await store.library.list_assets(ADA))[0], NOW)
    await store.notices.commit(
        AuditRow("update:1", NOW, None, "grant", str(ADA)),
        lambda _: ("", "50"),
        PersonNotice(ADA, "account.granted", {"credits": 50}),
    )
    await store.drafts.save(a_draft())
    await store.drafts.save_question(a_question())
    await store.inbox.receive([an_update(1), an_update(2)])
    await store.inbox.mark_processed(1, NOW)
    return {str(task_id) for task_id in open_tasks}


def moved(before: Tables, after: Tables) -> dict[str, set[Any]]:
    """By how many milliseconds each column moved, with the ids of the rows; what was empty stays empty."""
    found: dict[str, set[Any]] = {}
    for table, rows in before.items():
        if table == "settings":
            continue
        assert rows.keys() == after[table].keys()
        for place, row in rows.items():
            for column, value in row.items():
                now = after[table][place][column]
                if now != value:
                    assert value is not None
                    found.setdefault(f"{table}.{column}", set()).add((row.get("id"), now - value))
    return found


@pytest.mark.parametrize("step", [-DAY, -HOUR, -3 * SECOND, -1, 1, HOUR, 40 * DAY])
async def test_a_known_step_moves_the_timers_of_open_work_and_nothing_else(tmp_path, step):
    path = tmp_path / "bot.db"
    store = await Store.open(str(path))
    assert await store.times.take_up(NOW, "one", 500, TOLERATED) == 0
    open_tasks = await fill(store)
    before = contents(path)
    assert await store.times.take_up(Millis(NOW + step), "one", 500 + step, TOLERATED) == step
    changes = moved(before, contents(path))
    assert {task for task, _ in changes["tasks.created_at"]} == open_tasks
    assert {task for task, _ in changes["tasks.version"]} == open_tasks
    for name, rows in changes.items():
        table, _, column = name.partition(".")
        if column == "version":
            assert {by for _, by in rows} == {1}
        else:
            assert column in TIMERS[table]
            assert {by for _, by in rows} == {step}, name
    expected = {"tasks.due_at", "outbox.due_at", "outbox.failing_since", "assets.due_at"}
    assert changes.keys() >= expected | {"drafts.updated_at", "questions.expires_at", "tasks.deadline_at"}
    assert ("inbox.received_at" in changes) is (step < 0)
    await store.close()


STEPS = st.lists(st.tuples(st.booleans(), st.integers(-3 * DAY, 3 * DAY)), max_size=8)
"""Whether the process ended, and by how much the clock is set."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_however_often_the_clock_is_set_no_timer_is_further_away_than_it_was(tmp_path_factory, steps):
    asyncio.run(_set_again_and_again(tmp_path_factory.mktemp("times") / "bot.db", steps))


async def _set_again_and_again(path: Path, steps: list[tuple[bool, int]]) -> None:
    """The real time stands still: the machine's clock is all that moves."""
    store = await Store.open(str(path))
    now, run, late = int(NOW), 0, 0
    await store.times.take_up(NOW, "run 0", now, TOLERATED)
    task = await stored(store, TaskState.QUEUED)
    for ended, by in steps:
        now, run = now + by, run + ended
        step = await store.times.take_up(Millis(now), f"run {run}", now, TOLERATED)
        assert step <= 0 if ended else step == by
        late += by - step
        after = await store.tasks.get(task.id)
        assert after is not None
        assert after.due_at is not None
        # To another process, what went forward looks like a pause: late then, but never out of reach.
        assert now - after.due_at == late >= -TOLERATED
        assert after.deadline_at - after.created_at == task.deadline_at - task.created_at
        assert await store.times.take_up(Millis(now), f"run {run}", now, TOLERATED) == 0
    await store.close()


async def test_a_clock_that_was_set_back_while_nothing_ran_is_known_by_the_last_moment_that_was_noted(store):
    await store.times.take_up(NOW, "", 0, TOLERATED)
    task = await stored(store, TaskState.QUEUED)
    await store.times.record(Millis(NOW + 5 * MINUTE))
    back = Millis(NOW + 5 * MINUTE - DAY)
    assert await store.times.take_up(back, "", 0, TOLERATED) == -DAY
    assert await store.times.take_up(back, "", 0, TOLERATED) == 0
    after = await store.tasks.get(task.id)
    assert after is not None
    assert after.due_at == NOW - DAY


async def test_the_update_that_came_last_stays_the_last_when_the_clock_was_set_back(store):
    await store.inbox.receive([an_update(7), an_update(8)])
    back = Millis(NOW - DAY)
    await store.times.take_up(back, "", 0, TOLERATED)
    assert await store.inbox.get_last() == (8, back)
    await store.inbox.receive([an_update(9, received_at=back)])
    assert await store.inbox.get_last() == (9, back)
