"""The inbox: nothing is confirmed before it is kept, nothing is acted on twice, nothing holds up another chat."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace

import pytest

from bot.clock import ManualClock
from bot.domain.units import DAY, Millis
from bot.services.inbox import CONCURRENT_CHATS, ERROR_PAUSE_SECONDS, Intake
from bot.services.ports import RawUpdate
from bot.services.slots import waiting
from bot.store import Store
from bot.store.inbox import Inbox
from tests.builders import NOW, an_update

ADA, XIAOLIN = 1001, 1002
TIMEOUT = 10


def update(update_id: int, chat_id: int | None = ADA) -> RawUpdate:
    return RawUpdate(update_id, chat_id, {"update_id": update_id}, NOW)


class Source:
    """Hands out what it is given, one batch after the other, then waits as a long poll does."""

    def __init__(self, *batches: Sequence[RawUpdate] | Exception) -> None:
        self.batches = list(batches)
        self.offsets: list[int | None] = []
        self.kept_when_asked: list[int] = []
        self.drained = asyncio.Event()
        self.look: Callable[[], int] = lambda: 0

    async def fetch(self, offset: int | None, timeout_seconds: int) -> Sequence[RawUpdate]:
        self.offsets.append(offset)
        if not self.batches:
            self.drained.set()
            await asyncio.Event().wait()
        batch = self.batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return batch


class Processor:
    """Notes what it begins and ends; it waits where it is told to, and fails where it is told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []
        self.failing: set[int] = set()
        self.gates: dict[int, asyncio.Event] = {}
        self._changed = asyncio.Condition()

    async def process(self, update: RawUpdate) -> None:
        await self._note(self.begun, update.update_id)
        if gate := self.gates.get(update.update_id):
            await gate.wait()
        if update.update_id in self.failing:
            raise RuntimeError("broken")
        await self._note(self.done, update.update_id)

    async def _note(self, which: list[int], update_id: int) -> None:
        async with self._changed:
            which.append(update_id)
            self._changed.notify_all()

    def hold(self, *update_ids: int) -> asyncio.Event:
        gate = asyncio.Event()
        self.gates.update(dict.fromkeys(update_ids, gate))
        return gate

    async def wait(self, predicate: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT), self._changed:
            await self._changed.wait_for(predicate)


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[Store]:
    opened = await Store.open(str(tmp_path / "klingbot.db"))
    yield opened
    await opened.close()


@pytest.fixture
def processor() -> Processor:
    return Processor()


@pytest.fixture
async def run(store, processor):
    """Runs the inbox on a source until the test is over, or until `stop` is called."""
    stopping = asyncio.Event()
    running: list[asyncio.Task[None]] = []

    async def begin(source: Source) -> Callable[[], asyncio.Task[None]]:
        ready = asyncio.Event()
        intake = Intake(store=store, source=source, processor=processor, clock=ManualClock(NOW))
        running.append(asyncio.create_task(intake.run(stopping, ready.set)))
        await asyncio.wait_for(ready.wait(), TIMEOUT)
        return stop

    def stop() -> asyncio.Task[None]:
        stopping.set()
        return running[0]

    yield begin
    stopping.set()
    for gate in processor.gates.values():
        gate.set()
    await asyncio.wait_for(asyncio.gather(*running), TIMEOUT)


async def settled(store: Store) -> list[int]:
    """What is kept and not done."""
    return [row.update_id for row in await store.inbox.list_unprocessed()]


# -- keeping -----------------------------------------------------------------------------------------


async def test_updates_are_kept_before_the_next_offset_confirms_them(store, processor, run):
    """A crash between the two must not lose what somebody wrote, or paid for."""
    processor.hold(7, 8)
    source = Source([update(7), update(8, XIAOLIN)])
    await run(source)
    await asyncio.wait_for(source.drained.wait(), TIMEOUT)
    assert source.offsets == [None, 9]
    assert await settled(store) == [7, 8]


async def test_what_waited_while_the_bot_was_down_is_not_dropped_at_start(processor, run):
    source = Source([update(number, number) for number in range(1, 101)])
    await run(source)
    await processor.wait(lambda: len(processor.done) == 100)
    assert source.offsets[0] is None


async def test_a_restart_goes_on_after_the_last_update_that_was_kept(store, processor, run):
    intake = Intake(store=store, source=Source(), processor=processor, clock=ManualClock(NOW))
    await intake.take_in([update(7)])
    await intake.drain()
    source = Source()
    await run(source)
    await asyncio.wait_for(source.drained.wait(), TIMEOUT)
    assert source.offsets == [8]


async def test_an_update_that_comes_twice_is_acted_on_once(store, processor, run):
    source = Source([update(7), update(7)], [update(7), update(8)])
    await run(source)
    await processor.wait(lambda: 8 in processor.done)
    assert processor.begun == [7, 8]


async def test_what_is_handed_on_is_what_came_in(store):
    seen: list[RawUpdate] = []

    class Keeper:
        async def process(self, update: RawUpdate) -> None:
            seen.append(update)

    intake = Intake(store=store, source=Source(), processor=Keeper(), clock=ManualClock(NOW))
    sent = RawUpdate(7, None, {"update_id": 7, "message": {"text": "/video 狐狸 🦊"}}, None)
    await intake.take_in([sent])
    await intake.drain()
    assert seen == [sent]


async def test_a_store_that_stumbles_once_does_not_silence_a_chat(store, processor):
    class Stumbling(Inbox):
        stumbled = False

        async def mark_processed(self, update_id: int, now: Millis) -> None:
            if not self.stumbled:
                self.stumbled = True
                raise OSError("the disk is full")
            await super().mark_processed(update_id, now)

    intake = Intake(
        store=replace(store, inbox=Stumbling(store.engine)),
        source=Source(),
        processor=processor,
        clock=ManualClock(NOW),
    )
    for update_id in (1, 2):
        await intake.take_in([update(update_id)])
        await intake.drain()
    assert processor.done == [1, 2]
    assert await settled(store) == [1]


async def test_after_a_week_of_silence_no_update_is_thrown_away_by_an_offset(store, processor):
    clock, source = ManualClock(NOW), Source([], [], [], [])
    intake = Intake(store=store, source=source, processor=processor, clock=clock)
    await intake.fetch()
    await store.inbox.receive([an_update(900, received_at=clock.now())])
    await intake.fetch()
    clock.advance(7 * DAY)
    await intake.fetch()
    await store.inbox.receive([an_update(5, received_at=clock.now())])
    await intake.fetch()
    assert source.offsets == [None, 901, None, 6]


# -- order -------------------------------------------------------------------------------------------


async def test_one_chat_is_served_in_order_and_never_beside_itself(processor, run):
    gate = processor.hold(1)
    source = Source([update(2), update(1)], [update(3)])
    await run(source)
    await asyncio.wait_for(source.drained.wait(), TIMEOUT)
    assert processor.begun == [1]
    gate.set()
    await processor.wait(lambda: len(processor.done) == 3)
    assert processor.begun == processor.done == [1, 2, 3]


async def test_a_slow_chat_does_not_hold_up_another(processor, run):
    processor.hold(1)
    await run(Source([update(1), update(2), update(3, XIAOLIN)]))
    await processor.wait(lambda: processor.done == [3])
    assert processor.begun == [1, 3]


async def test_updates_without_a_chat_have_no_order_to_keep(processor, run):
    processor.hold(1)
    await run(Source([update(1, None), update(2, None)]))
    await processor.wait(lambda: processor.done == [2])
    assert processor.begun == [1, 2]


async def test_so_many_chats_are_served_at_once_and_no_more(processor, run):
    numbers = range(1, CONCURRENT_CHATS + 2)
    gate = processor.hold(*numbers)
    source = Source([update(number, number) for number in numbers])
    await run(source)
    await processor.wait(lambda: len(processor.begun) == CONCURRENT_CHATS)
    await asyncio.wait_for(source.drained.wait(), TIMEOUT)
    assert len(processor.begun) == CONCURRENT_CHATS
    gate.set()
    await processor.wait(lambda: len(processor.done) == CONCURRENT_CHATS + 1)


async def test_chats_that_wait_for_answers_of_telegram_leave_their_slots_to_others(store, processor):
    """Slow and throttled chats, however many, hold up nobody else."""
    slow = range(1, CONCURRENT_CHATS * 8 + 1)
    gate = processor.hold(*slow)

    class Answering:
        async def process(self, update: RawUpdate) -> None:
            with waiting() if update.update_id in slow else nullcontext():
                await processor.process(update)

    intake = Intake(store=store, source=Source(), processor=Answering(), clock=ManualClock(NOW))
    await intake.take_in([update(number, number) for number in slow])
    await processor.wait(lambda: len(processor.begun) == len(slow))
    await intake.take_in([update(len(slow) + 1, XIAOLIN * 1000)])
    await processor.wait(lambda: processor.done == [len(slow) + 1])
    gate.set()
    await intake.drain()
    assert len(processor.done) == len(slow) + 1


# -- failures ----------------------------------------------------------------------------------------


async def test_an_update_that_fails_does_not_stop_its_chat_and_is_not_repeated(store, processor, run):
    processor.failing.add(1)
    stop = await run(Source([update(1), update(2)]))
    await processor.wait(lambda: processor.done == [2])
    await asyncio.wait_for(stop(), TIMEOUT)
    assert processor.begun == [1, 2]
    assert await settled(store) == []


async def test_an_error_while_fetching_pauses_and_goes_on(processor, run):
    source = Source(OSError("no network"), [update(7)])
    began = asyncio.get_running_loop().time()
    await run(source)
    await processor.wait(lambda: processor.done == [7])
    assert asyncio.get_running_loop().time() - began >= ERROR_PAUSE_SECONDS[0]
    assert source.offsets[:2] == [None, None]


async def test_a_stop_during_the_pause_after_an_error_is_obeyed_at_once(processor, run):
    class Failing(Source):
        async def fetch(self, offset: int | None, timeout_seconds: int) -> Sequence[RawUpdate]:
            self.drained.set()
            raise OSError("no network")

    source = Failing()
    stop = await run(source)
    await asyncio.wait_for(source.drained.wait(), TIMEOUT)
    ending = stop()
    await asyncio.wait_for(ending, ERROR_PAUSE_SECONDS[0] * 0.9)
    assert ending.done()


# -- stopping and coming back ------------------------------------------------------------------------


async def test_a_stop_ends_the_long_poll_and_finishes_what_has_begun(store, processor, run):
    gate = processor.hold(1)
    source = Source([update(1), update(2)])
    stop = await run(source)
    await processor.wait(lambda: processor.begun == [1])
    ending = stop()
    await asyncio.sleep(0)
    assert not ending.done()
    gate.set()
    await asyncio.wait_for(ending, TIMEOUT)
    assert processor.done == [1, 2]
    assert await settled(store) == []


async def test_after_a_crash_exactly_the_unfinished_updates_are_replayed_before_new_ones_in_order(
    tmp_path, processor
):
    path = str(tmp_path / "klingbot.db")
    before = await Store.open(path)
    processor.hold(2)
    intake = Intake(store=before, source=Source(), processor=processor, clock=ManualClock(NOW))
    await intake.take_in([update(1), update(4, XIAOLIN)])
    await intake.drain()
    await intake.take_in([update(2), update(3)])
    await processor.wait(lambda: 2 in processor.begun)
    # The process ends here: its connections go, and nobody tells the workers.
    workers = list(intake._workers)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    await before.close()

    after = await Store.open(path)
    again = Processor()
    stopping = asyncio.Event()
    source = Source([update(5)])
    running = asyncio.create_task(
        Intake(store=after, source=source, processor=again, clock=ManualClock(NOW)).run(stopping)
    )
    await again.wait(lambda: len(again.done) == 3)
    stopping.set()
    await asyncio.wait_for(running, TIMEOUT)
    assert again.begun == [2, 3, 5]
    assert await settled(after) == []
    await after.close()
