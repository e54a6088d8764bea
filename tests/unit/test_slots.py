"""Slots: so many at once, and whoever waits for others makes room without ever being locked out."""

import asyncio

import pytest

from bot.services.slots import Slots, waiting

TIMEOUT = 10


class Work:
    """Takes a slot, then goes from one step to the next as the test lets it."""

    def __init__(self, slots: Slots, *, pausing: bool = False) -> None:
        self.begun, self.go, self.paused, self.resume, self.back = (asyncio.Event() for _ in range(5))
        self._slots, self._pausing = slots, pausing
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self._slots.one():
            self.begun.set()
            if self._pausing:
                async with waiting():
                    self.paused.set()
                    await self.resume.wait()
                self.back.set()
            await self.go.wait()


async def reach(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), TIMEOUT)


async def end(*works: Work) -> None:
    for work in works:
        work.resume.set()
        work.go.set()
    await asyncio.wait_for(asyncio.gather(*(work.task for work in works), return_exceptions=True), TIMEOUT)


async def test_whoever_waits_makes_room_and_comes_back_without_waiting_for_a_slot():
    slots = Slots(1)
    first = Work(slots, pausing=True)
    await reach(first.paused)
    second = Work(slots)
    await reach(second.begun)
    first.resume.set()
    await reach(first.back)
    third = Work(slots)
    await end(first)
    assert not third.begun.is_set()
    await end(second)
    await reach(third.begun)
    await end(third)


async def test_one_who_gives_up_in_the_line_takes_no_slot():
    slots = Slots(1)
    first = Work(slots)
    await reach(first.begun)
    second, third = Work(slots), Work(slots)
    await asyncio.sleep(0)
    second.task.cancel()
    await end(first)
    await reach(third.begun)
    await end(second, third)
    await end(last := Work(slots))
    assert last.begun.is_set()


async def test_a_wait_that_outlives_its_holder_gives_and_takes_no_slot():
    slots, resume = Slots(1), asyncio.Event()

    async def ask() -> None:
        async with waiting():
            await resume.wait()

    async with slots.one():
        child = asyncio.create_task(ask())
        await asyncio.sleep(0)
    one, two = Work(slots), Work(slots)
    await reach(one.begun)
    resume.set()
    await child
    assert not two.begun.is_set()
    await end(one)
    await reach(two.begun)
    await end(two)


@pytest.mark.parametrize("inside", [0, 2])
async def test_several_waits_side_by_side_give_one_slot(inside):
    slots, resume = Slots(1), asyncio.Event()

    async def ask() -> None:
        async with waiting():
            await resume.wait()

    async with slots.one():
        children = [asyncio.create_task(ask()) for _ in range(inside)]
        await asyncio.sleep(0)
        one, two = Work(slots), Work(slots)
        await asyncio.sleep(0)
        assert (one.begun.is_set(), two.begun.is_set()) == (inside > 0, False)
        resume.set()
        await asyncio.gather(*children)
    await end(one, two)


async def test_without_a_slot_waiting_changes_nothing():
    async with waiting():
        await asyncio.sleep(0)
