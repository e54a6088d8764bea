"""The clock goes evenly, and knows by how much the machine's was set; the process then begins anew with it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext

import pytest
from structlog.testing import capture_logs

from bot import application
from bot.clock import TOLERATED_STEP, SystemClock

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


class Machine:
    """A machine whose clock can be set; nanoseconds."""

    def __init__(self) -> None:
        self.monotonic, self.ahead = 5 * SECOND, 1_767_225_600 * SECOND

    def wall(self) -> int:
        return self.monotonic + self.ahead

    def clock(self) -> SystemClock:
        return SystemClock(self.wall, lambda: self.monotonic)


def test_the_time_passes_as_on_the_machine():
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == machine.wall() // 1_000_000
    machine.monotonic += 90 * SECOND
    assert clock.now() == machine.wall() // 1_000_000
    assert clock.step() == 0


@pytest.mark.parametrize("step", [-DAY, -SECOND, SECOND, DAY])
def test_setting_the_machines_clock_does_not_move_it_but_is_known(step):
    machine = Machine()
    clock, began = machine.clock(), machine.wall()
    machine.ahead += step
    machine.monotonic += 3 * SECOND
    assert clock.now() == (began + 3 * SECOND) // 1_000_000
    assert clock.step() == step // 1_000_000


def test_two_clocks_of_a_process_differ_by_how_far_the_machines_clock_was_set():
    machine = Machine()
    before = machine.clock()
    machine.monotonic += 7 * SECOND
    machine.ahead -= DAY
    after = machine.clock()
    assert after.run == before.run
    assert after.lead - before.lead == after.now() - before.now() == -DAY // 1_000_000


def test_the_sleep_of_a_machine_is_a_step_forward():
    """Its monotonic clock stands still meanwhile."""
    machine = Machine()
    clock = machine.clock()
    machine.ahead += 8 * 3_600 * SECOND
    assert clock.step() == 8 * 3_600 * 1_000 > TOLERATED_STEP


class Idle:
    """A bot that does nothing until its end is asked for, and is slow or stuck then."""

    def __init__(self, *, stuck: bool) -> None:
        self._stuck = stuck

    async def run(self, ending: asyncio.Event, on_ready: Callable[[], None]) -> None:
        on_ready()
        await ending.wait()
        if self._stuck:
            await asyncio.Event().wait()


@pytest.mark.parametrize("stuck", [False, True])
async def test_the_bot_is_built_anew_with_the_clock_that_was_set_also_where_the_old_one_does_not_end(stuck):
    ahead = 0
    clocks: asyncio.Queue[SystemClock] = asyncio.Queue()
    closed = 0

    @asynccontextmanager
    async def building(clock: SystemClock) -> AsyncIterator[Idle]:
        nonlocal closed
        await clocks.put(clock)
        try:
            yield Idle(stuck=stuck)
        finally:
            closed += 1

    with capture_logs() as logs:
        running = asyncio.create_task(
            application.run(nullcontext(building), wall=lambda: time.time_ns() + ahead, closing_seconds=0.1)
        )
        first = await clocks.get()
        ahead = -DAY
        second = await asyncio.wait_for(clocks.get(), 30)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert second.lead - first.lead == pytest.approx(-DAY / 1_000_000, abs=60_000)
    assert closed == 2
    assert [log["seconds"] for log in logs if "seconds" in log] == [pytest.approx(-86_400, abs=60)]


async def test_a_correction_by_a_second_changes_nothing():
    machine = Machine()
    clock = machine.clock()
    watching = asyncio.create_task(application.wait_until_set(clock, 0.0))
    machine.ahead += TOLERATED_STEP * 1_000_000
    for _ in range(100):
        await asyncio.sleep(0)
    assert not watching.done()
    machine.ahead += 1_000_000
    await asyncio.wait_for(watching, 10)
