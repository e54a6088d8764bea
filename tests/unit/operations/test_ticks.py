import asyncio

import pytest
from structlog.testing import capture_logs

from bot.scheduler import Scheduler
from bot.services.ports import Job
from bot.services.tasks.workers import WorkerPool

FAR = 3600.0


@pytest.fixture
async def ticks():
    made = Scheduler()
    yield made
    made.stop()


async def test_a_tick_runs_at_once_and_again_when_it_is_woken(ticks):
    calls: asyncio.Queue[str] = asyncio.Queue()

    async def tick() -> None:
        await calls.put("called")

    ticks.start({Job.DISPATCH: (FAR, tick)})
    await asyncio.wait_for(calls.get(), 5)
    ticks.wake(Job.DISPATCH)
    assert await asyncio.wait_for(calls.get(), 5) == "called"


async def test_a_tick_that_is_woken_while_it_runs_runs_once_more_and_never_beside_itself(ticks):
    begun: asyncio.Queue[int] = asyncio.Queue()
    may_end = asyncio.Event()
    inside = 0

    async def tick() -> None:
        nonlocal inside
        inside += 1
        await begun.put(inside)
        await may_end.wait()
        inside -= 1

    ticks.start({Job.POLL: (FAR, tick)})
    assert await asyncio.wait_for(begun.get(), 5) == 1
    ticks.wake(Job.POLL)
    ticks.wake(Job.POLL)
    assert begun.empty()
    may_end.set()
    assert await asyncio.wait_for(begun.get(), 5) == 1


async def test_a_tick_that_fails_is_called_again(ticks, capsys):
    calls: asyncio.Queue[str] = asyncio.Queue()

    async def tick() -> None:
        await calls.put("called")
        raise RuntimeError("broken")

    ticks.start({Job.DELIVER: (FAR, tick)})
    await asyncio.wait_for(calls.get(), 5)
    ticks.wake(Job.DELIVER)
    assert await asyncio.wait_for(calls.get(), 5) == "called"


async def test_waking_a_job_that_the_scheduler_does_not_run_is_only_noted(ticks):
    ticks.start({})
    ticks.wake(Job.POLL)
    assert (ticks._again, ticks.woken) == (set(), {Job.POLL})


async def test_work_is_bounded_and_a_failing_piece_leaves_its_place():
    work = WorkerPool(limit=2)
    inside, most = 0, 0
    full, may_end = asyncio.Event(), asyncio.Event()

    async def piece() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if inside == 2:
            full.set()
        await may_end.wait()
        inside -= 1

    async def failing() -> None:
        raise RuntimeError("broken")

    work.start(failing())
    for _ in range(5):
        work.start(piece())
    assert work.free == 0
    await asyncio.wait_for(full.wait(), 5)
    may_end.set()
    await work.drain()
    assert (most, inside, work.free) == (2, 0, 2)


async def test_repeated_failures_of_one_piece_are_counted_and_their_traceback_is_logged_once():
    work, failing = WorkerPool(limit=2), {"K7Q29F", "B1N3DA"}

    async def piece(name: str) -> None:
        if name in failing:
            raise RuntimeError(name)

    async def run(name: str) -> None:
        work.start(piece(name), of=name)
        await work.drain()

    with capture_logs() as logged:
        for name in ("K7Q29F", "K7Q29F", "B1N3DA", "K7Q29F"):
            await run(name)
        failing.clear()
        await run("K7Q29F")
        failing.add("K7Q29F")
        await run("K7Q29F")
    assert [record["times"] for record in logged] == [1, 2, 1, 3, 1]
    assert [bool(record["exc_info"]) for record in logged] == [True, False, False, False, False]
    assert all(record["cause"].startswith("RuntimeError test_ticks.py:") for record in logged)


async def test_work_that_does_not_end_within_the_grace_is_cancelled():
    work = WorkerPool(limit=1)
    cancelled = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    work.start(endless())
    await asyncio.sleep(0)
    await work.stop(grace_seconds=0)
    assert cancelled.is_set()


async def test_a_tick_that_is_cut_short_at_the_end_is_no_error(ticks, caplog):
    begun = asyncio.Event()
    ended = asyncio.Event()

    async def tick() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    ticks.start({Job.DISPATCH: (FAR, tick)})
    await asyncio.wait_for(begun.wait(), 5)
    ticks.stop()
    await asyncio.wait_for(ended.wait(), 5)
    await asyncio.sleep(0)
    assert "raised an exception" not in caplog.text
