"""The inbox: nothing is confirmed before it is kept, nothing is acted on twice, nothing holds up another chat."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace

import pytest

from bot.domain.types import DAY, Millis
from bot.services.floods import FLOOD_PAUSE, MOST_WAITING
from bot.services.inbox import CONCURRENT_CHATS, ERROR_PAUSE_SECONDS, Intake
from bot.services.ports import StoredUpdate, UnreadableError, UnreadUpdate
from bot.services.slots import waiting
from bot.store import Store
from bot.store.inbox import LONGEST_CONTENT, MOST_IN_QUARANTINE, Inbox, InboxRow, Quarantined
from tests.builders import NOW, an_update, stored
from tests.clock import ManualClock
from tests.stored import list_quarantine

ADA, XIAOLIN = 1001, 1002
TIMEOUT = 10


def update(update_id: int, chat_id: int | None = ADA, kind: str = "message", **body: object) -> StoredUpdate:
    person = {"from": {"id": ADA if chat_id is None else chat_id}}
    return StoredUpdate(update_id, chat_id, {"update_id": update_id, kind: person | body}, NOW)


class Source:
    """Hands out what it is given, one batch after the other, then waits as a long poll does."""

    def __init__(self, *batches: Sequence[StoredUpdate] | Exception) -> None:
        self.batches = list(batches)
        self.offsets: list[int | None] = []
        self.kept_when_asked: list[int] = []
        self.drained = asyncio.Event()
        self.look: Callable[[], int] = lambda: 0

    async def fetch(self, offset: int | None, timeout_seconds: int) -> Sequence[StoredUpdate]:
        self.offsets.append(offset)
        if not self.batches:
            self.drained.set()
            await asyncio.Event().wait()
        batch = self.batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return batch


class Operators:
    """Those who run the bot, and what they are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, object]]] = []

    async def alert_operators(self, key: str, /, **params: object) -> None:
        self.told.append((key, params))


class Processor:
    """Notes what it begins and ends; it waits where it is told to, and fails where it is told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []
        self.albums: list[tuple[int, int]] = []
        self.told: list[tuple[int, str]] = []
        self.failing: set[int] = set()
        self.unreadable: set[int] = set()
        self.gates: dict[int, asyncio.Event] = {}
        self._changed = asyncio.Condition()

    async def process(self, update: StoredUpdate) -> None:
        await self._note(self.begun, update.update_id)
        if gate := self.gates.get(update.update_id):
            await gate.wait()
        if update.album:
            self.albums.append((update.update_id, 1 + len(update.album)))
        if update.update_id in self.unreadable:
            raise UnreadableError("KeyError: 'date'")
        if update.update_id in self.failing:
            raise RuntimeError("broken")
        await self._note(self.done, update.update_id)

    async def _note(self, which: list[int], update_id: int) -> None:
        async with self._changed:
            which.append(update_id)
            self._changed.notify_all()

    async def tell(self, update: StoredUpdate, key: str) -> None:
        self.told.append((update.update_id, key))

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
        intake = Intake(
            store=store, source=source, processor=processor, operators=Operators(), clock=ManualClock(NOW)
        )
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
    intake = Intake(
        store=store, source=Source(), processor=processor, operators=Operators(), clock=ManualClock(NOW)
    )
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
    seen: list[StoredUpdate] = []

    class Keeper:
        async def process(self, update: StoredUpdate) -> None:
            seen.append(update)

    intake = Intake(
        store=store, source=Source(), processor=Keeper(), operators=Operators(), clock=ManualClock(NOW)
    )
    sent = StoredUpdate(7, None, {"update_id": 7, "message": {"text": "/video 狐狸 🦊"}}, None)
    await intake.take_in([sent])
    await intake.drain()
    assert seen == [sent]


async def test_a_store_that_stumbles_once_does_not_silence_a_chat(store, processor):
    class Stumbling(Inbox):
        stumbled = False

        async def mark_processed(self, update_id: int, now: Millis, begun: InboxRow | None = None) -> None:
            if not self.stumbled:
                self.stumbled = True
                raise OSError("the disk is full")
            await super().mark_processed(update_id, now, begun)

    intake = Intake(
        store=replace(store, inbox=Stumbling(store.engine)),
        source=Source(),
        processor=processor,
        operators=Operators(),
        clock=ManualClock(NOW),
    )
    for update_id in (1, 2):
        await intake.take_in([update(update_id)])
        await intake.drain()
    assert processor.done == [1, 2]
    assert await settled(store) == [1]


async def test_after_a_week_of_silence_no_update_is_thrown_away_by_an_offset(store, processor):
    clock, source = ManualClock(NOW), Source([], [], [], [])
    intake = Intake(store=store, source=source, processor=processor, operators=Operators(), clock=clock)
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
        async def process(self, update: StoredUpdate) -> None:
            async with waiting() if update.update_id in slow else nullcontext():
                await processor.process(update)

    intake = Intake(
        store=store, source=Source(), processor=Answering(), operators=Operators(), clock=ManualClock(NOW)
    )
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
        async def fetch(self, offset: int | None, timeout_seconds: int) -> Sequence[StoredUpdate]:
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
    intake = Intake(
        store=before, source=Source(), processor=processor, operators=Operators(), clock=ManualClock(NOW)
    )
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
        Intake(
            store=after, source=source, processor=again, operators=Operators(), clock=ManualClock(NOW)
        ).run(stopping)
    )
    await again.wait(lambda: len(again.done) == 3)
    stopping.set()
    await asyncio.wait_for(running, TIMEOUT)
    assert again.begun == [2, 3, 5]
    assert await settled(after) == []
    await after.close()


# -- what cannot be kept or read ---------------------------------------------------------------------


def an_intake(store, processor, **parts) -> tuple[Intake, Operators]:
    operators = Operators()
    values = {"source": Source(), "clock": ManualClock(NOW)} | parts
    return Intake(store=store, processor=processor, operators=operators, **values), operators


async def test_what_cannot_be_kept_is_set_aside_confirmed_and_reported_and_the_rest_goes_on(store, processor):
    broken = UnreadUpdate('{"text": "\\ud800"}', "UnicodeEncodeError", 2, ADA, ADA)
    source = Source([update(1), broken, update(3)], [])
    intake, operators = an_intake(store, processor, source=source)
    await intake.fetch()
    await intake.fetch()
    await intake.drain()
    assert processor.done == [1, 3]
    assert source.offsets == [None, 4]
    assert await settled(store) == []
    assert await list_quarantine(store) == [Quarantined(broken.content, broken.error, NOW, 2, ADA, ADA)]
    assert operators.told == [("alert.updates", {"count": 1, "error": "UnicodeEncodeError"})]


async def test_what_can_never_be_confirmed_is_reported_once_and_asked_for_no_oftener_than_needed(
    store, processor
):
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    broken = UnreadUpdate('{"update_id": 9223372036854775808}', "update_id is out of range")
    source = Source([broken], [broken], [update(7), broken], [broken])
    intake, operators = an_intake(store, processor, source=source, sleep=sleep)
    for _ in range(4):
        await intake.fetch()
    await intake.drain()
    assert processor.done == [7]
    assert source.offsets == [None, None, None, 8]
    assert pauses == [1, 1, 1]
    assert len(operators.told) == 1


async def test_what_cannot_be_read_is_set_aside_with_what_it_held_and_its_chat_goes_on(store, processor):
    processor.unreadable.add(1)
    intake, operators = an_intake(store, processor)
    await intake.take_in([update(1, text="a fox"), update(2)])
    await intake.drain()
    assert processor.done == [2]
    assert await settled(store) == []
    (kept,) = await list_quarantine(store)
    assert (kept.update_id, kept.chat_id, kept.user_id, kept.error) == (1, ADA, ADA, "KeyError: 'date'")
    assert "a fox" in kept.content
    assert len(operators.told) == 1


async def test_the_quarantine_holds_no_more_than_the_newest(store, processor):
    clock = ManualClock(NOW)
    intake, operators = an_intake(store, processor, clock=clock)
    for number in range(MOST_IN_QUARANTINE + 5):
        clock.advance(1)
        await intake.take_in([UnreadUpdate(f"{number} " + "x" * LONGEST_CONTENT, "broken")])
    await intake.drain()
    kept = await list_quarantine(store)
    assert len(kept) == MOST_IN_QUARANTINE
    assert kept[-1].content.startswith("5 ")
    assert len(kept[0].content) == LONGEST_CONTENT
    assert operators.told[-1][1]["count"] == MOST_IN_QUARANTINE


# -- what ends the process ---------------------------------------------------------------------------


async def dies_while(store, processor, held: int, *updates: StoredUpdate) -> None:
    """A process that ends while it acts on one of its updates, on new ones or those that it finds."""
    processor.hold(held)
    intake, _ = an_intake(store, processor)
    await intake.replay()
    await intake.take_in(updates)
    await processor.wait(lambda: held in processor.begun)
    await processor.wait(lambda: set(processor.done) >= {row.update_id for row in updates} - {held})
    for worker in (workers := list(intake._workers)):
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def test_an_update_that_ends_two_processes_is_set_aside_and_its_sender_and_the_admins_are_told(
    store, processor
):
    await dies_while(store, Processor(), 1, update(1, text="poison"), update(2, XIAOLIN))
    await dies_while(store, Processor(), 1)
    intake, operators = an_intake(store, processor)
    await intake.replay()
    await intake.take_in([update(3)])
    await intake.drain()
    assert processor.begun == [3]
    assert processor.told == [(1, "error.update.broken")]
    assert [key for key, _ in operators.told] == ["alert.updates"]
    assert [row.update_id for row in await list_quarantine(store)] == [1]
    assert await settled(store) == []


async def test_what_only_waited_when_two_processes_ended_is_acted_on(store, processor):
    """It stands behind the culprit in its chat, or was begun beside it."""
    processor_of_first = Processor()
    processor_of_first.hold(2)
    intake, _ = an_intake(store, processor_of_first)
    await intake.take_in([update(1), update(2, XIAOLIN), update(3)])
    await processor_of_first.wait(lambda: set(processor_of_first.done) == {1, 3})
    await intake.take_in([update(4, XIAOLIN)])
    for worker in (workers := list(intake._workers)):
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    await dies_while(store, Processor(), 2)
    last, _ = an_intake(store, processor)
    await last.replay()
    await last.drain()
    assert processor.done == [4]


async def test_of_those_that_were_begun_when_a_process_ended_one_at_a_time_is_tried(store, processor):
    first = Processor()
    first.hold(1, 2)
    intake, _ = an_intake(store, first)
    await intake.take_in([update(1), update(2, XIAOLIN)])
    await first.wait(lambda: len(first.begun) == 2)
    for worker in (workers := list(intake._workers)):
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    await dies_while(store, Processor(), 1)
    last, _ = an_intake(store, processor)
    await last.replay()
    await last.drain()
    assert processor.done == [2]


async def test_what_waits_for_telegram_when_a_process_ends_is_not_to_blame(store, processor):
    class Asking(Processor):
        async def process(self, update: StoredUpdate) -> None:
            async with waiting(), asyncio.timeout(TIMEOUT):
                while [row.attempts for row in await store.inbox.list_unprocessed()] != [1]:
                    await asyncio.sleep(0)
                await super().process(update)

    await dies_while(store, Asking(), 1, update(1))
    for _ in range(3):
        await dies_while(store, Asking(), 1)
    last, _ = an_intake(store, processor)
    await last.replay()
    await last.drain()
    assert processor.done == [1]


async def test_what_a_task_was_made_of_is_not_set_aside_with_its_album(store, processor):
    """Its owner would be told that nothing came of it, and get the video."""
    for number in (1, 2, 3):
        row = an_update(number, attempts=2 if number != 2 else 0)
        album = {"media_group_id": "7"} if number != 3 else {}
        await store.inbox.receive([replace(row, payload={"update_id": number, "message": album})])
    await stored(store, update_id=1)
    intake, _ = an_intake(store, processor)
    await intake.replay()
    await intake.drain()
    assert processor.done == []
    assert [each.update_id for each in await list_quarantine(store)] == [3]
    assert [number for number, _ in processor.told] == [3]
    assert await store.inbox.list_unprocessed() == []


async def test_a_process_that_is_stopped_in_order_blames_nobody(store, processor, run):
    await store.inbox.receive([an_update(1, attempts=1)])
    await store.inbox.hand_back()
    assert [row.attempts for row in await store.inbox.list_unprocessed()] == [0]


# -- floods ------------------------------------------------------------------------------------------


async def test_a_flood_is_answered_once_and_holds_up_nobody(store, processor):
    """10,000 updates of one person: some wait their turn, the others are counted and left alone."""
    processor.hold(1)
    clock = ManualClock(NOW)
    intake, _ = an_intake(store, processor, clock=clock)
    for start in range(1, 10_001, 100):
        await intake.take_in([update(number) for number in range(start, start + 100)])
    await intake.take_in([update(10_001, XIAOLIN)])
    await processor.wait(lambda: processor.done == [10_001])
    assert processor.told == [(MOST_WAITING + 1, "error.flood")]
    assert len(await settled(store)) <= MOST_WAITING + 1
    processor.gates[1].set()
    await intake.drain()
    assert len(processor.done) == MOST_WAITING + 1
    clock.advance(FLOOD_PAUSE)
    await intake.take_in([update(10_002)])
    await intake.drain()
    assert processor.done[-1] == 10_002


async def test_presses_in_a_flood_are_left_alone_and_payments_never_are(store, processor):
    processor.hold(1)
    intake, _ = an_intake(store, processor)
    many = [update(number, kind="callback_query") for number in range(1, 301)]
    await intake.take_in(many)
    await intake.take_in(
        [
            update(301, None, kind="pre_checkout_query"),
            update(302, successful_payment={}),
            update(303, refunded_payment={}),
            update(304),
        ]
    )
    await processor.wait(lambda: 301 in processor.done)
    processor.gates[1].set()
    await intake.drain()
    assert [number for number in processor.done if number > MOST_WAITING] == [301, 302, 303]
    assert processor.told == [(MOST_WAITING + 1, "error.flood")]


async def test_a_flood_of_memberships_is_left_alone_and_nobody_is_told(store, processor):
    """Somebody blocks and unblocks the bot, or adds it to groups, 10,000 times: most of it is left alone."""
    processor.hold(1)
    clock = ManualClock(NOW)
    intake, _ = an_intake(store, processor, clock=clock)
    for start in range(1, 10_001, 100):
        numbers = range(start, start + 100)
        await intake.take_in([update(n, kind="my_chat_member") for n in numbers])
    await intake.take_in([update(10_001, XIAOLIN, kind="my_chat_member")])
    await processor.wait(lambda: processor.done == [10_001])
    assert processor.told == []
    assert len(await settled(store)) <= MOST_WAITING + 1
    await intake.take_in([update(10_002)])
    assert len(processor.begun) == 2
    processor.gates[1].set()
    await intake.drain()
    assert processor.told == [(10_002, "error.flood")]
    assert len(processor.done) == MOST_WAITING + 1
    clock.advance(FLOOD_PAUSE)
    await intake.take_in([update(10_003, kind="my_chat_member")])
    await intake.drain()
    assert processor.done[-1] == 10_003


async def test_members_of_a_group_are_counted_each_for_themselves(store, processor):
    processor.hold(1)
    intake, _ = an_intake(store, processor)
    numbers = range(1, MOST_WAITING * 2 + 1)
    await intake.take_in(
        [StoredUpdate(n, -7, {"update_id": n, "message": {"from": {"id": n}}}, NOW) for n in numbers]
    )
    await processor.wait(lambda: processor.begun == [1])
    processor.gates[1].set()
    await intake.drain()
    assert processor.done == list(numbers)
    assert processor.told == []


async def test_an_album_of_300_photos_is_begun_with_its_first_ten_and_its_sender_is_told_once(
    store, processor
):
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    intake, _ = an_intake(store, processor, sleep=sleep)
    for start in range(1, 301, 100):
        await intake.take_in([update(n, media_group_id="a") for n in range(start, start + 100)])
    await intake.take_in([update(301)])
    await intake.drain()
    assert processor.done == [1, 301]
    assert processor.albums == [(1, 10)]
    assert pauses == []
    assert processor.told == [(11, "error.album.too_long")]
    assert await settled(store) == []


async def test_one_person_in_many_chats_does_not_hold_up_another(processor, run):
    busy = [update(1 + n, -1 - n, **{"from": {"id": ADA}}) for n in range(CONCURRENT_CHATS + 20)]
    gates = [processor.hold(each.update_id) for each in busy]
    source = Source(busy, [update(1_000, XIAOLIN)])
    await run(source)
    await asyncio.wait_for(source.drained.wait(), TIMEOUT)
    await processor.wait(lambda: len(processor.begun) == CONCURRENT_CHATS)
    gates[processor.begun[0] - 1].set()
    await processor.wait(lambda: 1_000 in processor.done)
    assert processor.begun[CONCURRENT_CHATS] == 1_000
