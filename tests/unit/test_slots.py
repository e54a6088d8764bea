"""Slots: so many at once, and whoever waits for others makes room without ever being locked out."""

import asyncio

import pytest

from bot.services.slots import Slots, waiting

TIMEOUT = 10


class Work:
    """Takes a slot, then goes from one step to the next as the test lets it."""

    def __init__(self, slots: Slots, *, pausing: bool = False, owner: str | None = None) -> None:
        self.begun, self.go, self.paused, self.resume, self.back = (asyncio.Event() for _ in range(5))
        self._slots, self._pausing, self._owner = slots, pausing, owner
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self._slots.one(owner=self._owner):
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


async def test_a_free_slot_goes_to_whoever_holds_fewest():
    slots = Slots(2)
    held = [Work(slots, owner="busy") for _ in range(2)]
    await asyncio.sleep(0)
    more = [Work(slots, owner="busy") for _ in range(20)]
    await asyncio.sleep(0)
    other, third = Work(slots, owner="other"), Work(slots, owner="third")
    await asyncio.sleep(0)
    await end(held[0])
    await reach(other.begun)
    await end(held[1])
    await reach(third.begun)
    assert not any(work.begun.is_set() for work in more)
    await end(other, third, *more)
    assert all(work.begun.is_set() for work in more)


async def test_those_who_hold_as_many_take_turns():
    slots, order = Slots(1), []

    async def work(owner: str) -> None:
        async with slots.one(owner=owner):
            order.append(owner)
            await asyncio.sleep(0)

    await asyncio.wait_for(asyncio.gather(*(work(owner) for owner in "aaaabbc")), TIMEOUT)
    assert "".join(order) == "abcabaa"
