"""When requests may go to Telegram: at a clock that only the test moves, and with waits that are only noted."""

import asyncio
import math
import types
from collections.abc import Generator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.types import DAY, HOUR, SECOND, ChatId
from bot.services.ports import ChatBusy
from handlers.sending.pacing import (
    AS_A_WHOLE,
    GROUP,
    LONGEST_WAIT,
    OVERALL,
    PRIVATE,
    REMEMBERED,
    SHORT_WAIT,
    Pacing,
    Rate,
    Urgency,
)
from tests.clock import ManualClock

ADA, XIAOLIN = ChatId(1001), ChatId(1002)
FAMILY, CLUB = ChatId(-1001), ChatId(-1002)
NOTHING = 1e-6
"""Seconds that rounding may cost."""


@types.coroutine
def _for_ever() -> Generator[None, None, None]:
    yield


@dataclass
class Paced:
    """The pacing, its clock, and how long the last request waited."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(DAY))
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            await _for_ever()

        self.pacing = Pacing(self.clock, sleep)

    def ask(self, chat: ChatId, urgency: Urgency = Urgency.ANSWER) -> float | None:
        """How many seconds a request waits; None where it may not wait so long."""
        self.waits.clear()
        turn = self.pacing.turn(chat, urgency)
        try:
            # As far as it goes without a loop, which is to its sleep.
            turn.send(None)
        except ChatBusy:
            return None
        except StopIteration:
            pass
        finally:
            turn.close()
        assert len(self.waits) <= 1, "a request sleeps once"
        return sum(self.waits)


@pytest.fixture
def paced():
    return Paced()


# -- one chat ----------------------------------------------------------------------------------------


def test_what_one_update_causes_goes_at_once(paced):
    assert [paced.ask(ADA) for _ in range(PRIVATE.burst)] == [0] * PRIVATE.burst
    assert [paced.ask(FAMILY) for _ in range(GROUP.burst)] == [0] * GROUP.burst


@pytest.mark.parametrize(("chat", "rate"), [(ADA, PRIVATE), (FAMILY, GROUP)], ids=["private", "group"])
def test_after_a_burst_answers_come_one_by_one(paced, chat, rate):
    for _ in range(rate.burst):
        paced.ask(chat)
    assert [paced.ask(chat) for _ in range(3)] == pytest.approx([rate.interval * n for n in (1, 2, 3)])
    paced.clock.advance(int(rate.interval * 4 * SECOND))
    assert paced.ask(chat) == 0


def test_what_is_tried_again_later_waits_for_its_place_but_not_for_long(paced):
    for _ in range(GROUP.burst):
        paced.ask(FAMILY)
    waits = [paced.ask(FAMILY, Urgency.NOTICE) for _ in range(5)]
    within = int(SHORT_WAIT / GROUP.interval)
    assert waits[:within] == pytest.approx([GROUP.interval * (n + 1) for n in range(within)])
    assert waits[within:] == [None] * (5 - within)


def test_an_answer_does_not_wait_for_ever(paced):
    waits = [paced.ask(FAMILY) for _ in range(50)]
    asked = [wait for wait in waits if wait is not None]
    assert max(asked) == pytest.approx(LONGEST_WAIT)
    assert len(asked) == GROUP.burst + LONGEST_WAIT / GROUP.interval


def test_progress_leaves_room_for_what_people_wait_for_and_is_left_out_otherwise(paced):
    shown = [paced.ask(FAMILY, Urgency.PROGRESS) for _ in range(GROUP.burst)]
    assert shown == [0, 0, 0, None, None]
    assert [paced.ask(FAMILY), paced.ask(FAMILY)] == [0, 0]


def test_reactions_take_no_place(paced):
    assert [paced.ask(FAMILY, Urgency.SIGN) for _ in range(100)] == [0] * 100
    assert paced.ask(FAMILY) == 0


def test_a_file_counts_but_was_fetched_for_this_moment(paced):
    assert [paced.ask(FAMILY, Urgency.FILE) for _ in range(GROUP.burst + 1)] == [0] * (GROUP.burst + 1)
    assert paced.ask(FAMILY) == pytest.approx(2 * GROUP.interval)


# -- pauses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("urgency", [kind for kind in Urgency if kind is not Urgency.ANSWER])
def test_during_a_pause_only_an_answer_waits(paced, urgency):
    paced.pacing.pause(FAMILY, 30)
    assert paced.ask(FAMILY, urgency) is None
    assert paced.ask(FAMILY) == 30
    assert paced.ask(CLUB, urgency) == 0


def test_what_cannot_wait_hears_for_how_long_there_is_a_pause(paced):
    paced.pacing.pause(ADA, 30)
    paced.clock.advance(12 * SECOND)
    with pytest.raises(ChatBusy) as busy:
        asyncio.run(paced.pacing.turn(ADA, Urgency.NOTICE))
    assert busy.value.retry_after == 18 * SECOND


def test_what_could_not_go_is_refused_before_it_is_fetched_and_takes_no_place(paced):
    for _ in range(100):
        paced.pacing.check(FAMILY, Urgency.NOTICE)
    assert paced.ask(FAMILY) == 0
    paced.pacing.pause(FAMILY, 30)
    with pytest.raises(ChatBusy):
        paced.pacing.check(FAMILY, Urgency.NOTICE)


def test_no_answer_waits_out_a_pause_that_is_too_long(paced):
    paced.pacing.pause(ADA, LONGEST_WAIT + 1)
    assert paced.ask(ADA) is None
    paced.clock.advance(SECOND)
    assert paced.ask(ADA) == pytest.approx(LONGEST_WAIT)


def test_there_is_no_burst_after_a_pause(paced):
    paced.pacing.pause(ADA, 30)
    paced.clock.advance(30 * SECOND)
    assert [paced.ask(ADA) for _ in range(3)] == pytest.approx([0, PRIVATE.interval, 2 * PRIVATE.interval])


def test_those_whose_pauses_end_together_come_back_one_after_the_other():
    clock, back, wakes = ManualClock(), [], asyncio.Event()

    async def sleep(seconds: float) -> None:
        back.append(seconds)
        await wakes.wait()

    async def come_back() -> None:
        pacing = Pacing(clock, sleep)
        for chat in range(1, 71):
            pacing.pause(ChatId(-chat), 30)
        async with asyncio.TaskGroup() as group:
            for chat in range(1, 71):
                group.create_task(pacing.turn(ChatId(-chat), Urgency.ANSWER))
            while len(back) < 70:
                await asyncio.sleep(0)
            # Meanwhile another chat is answered as if nothing had happened.
            await pacing.turn(ADA, Urgency.ANSWER)
            wakes.set()

    asyncio.run(come_back())
    assert back == pytest.approx([30 + number * OVERALL.interval for number in range(70)])


# -- all chats ---------------------------------------------------------------------------------------


def test_answers_do_not_wait_for_other_chats(paced):
    assert [paced.ask(ChatId(chat)) for chat in range(1, 500)] == [0] * 499


def test_answers_put_off_everything_else_by_a_second_at_most(paced):
    for chat in range(1, 1000):
        paced.ask(ChatId(chat))
    assert paced.ask(ChatId(1000), Urgency.NOTICE) < 1.1


def test_a_broadcast_goes_on_in_what_the_others_leave(paced):
    waits = [paced.ask(ChatId(chat), Urgency.BROADCAST) for chat in range(1, 100)]
    assert waits[:10] == [0] * 10
    assert waits[10] == pytest.approx(OVERALL.interval)
    # It sleeps before each: by the time of the last, notices have their whole share.
    paced.clock.advance(math.ceil(waits[-1] * SECOND))
    assert [paced.ask(ChatId(chat), Urgency.NOTICE) for chat in range(200, 220)] == [0] * 20


def throttle(paced, chats):
    for chat in range(1, chats + 1):
        assert paced.ask(ChatId(-chat)) == 0
        paced.pacing.pause(ChatId(-chat), 30)


@pytest.mark.parametrize(("chats", "waits"), [(AS_A_WHOLE - 1, [0, 0, 0]), (AS_A_WHOLE, [0, 1, 2])])
def test_where_the_bot_as_a_whole_is_throttled_everything_but_answers_slows_down(paced, chats, waits):
    throttle(paced, chats)
    people = [ChatId(number) for number in range(1, 4)]
    assert [paced.ask(person, Urgency.NOTICE) for person in people] == pytest.approx(waits)
    assert [paced.ask(person) for person in people] == [0, 0, 0]


def test_one_answer_that_arrives_shows_that_only_chats_are_throttled(paced):
    throttle(paced, 70)
    paced.clock.advance(2 * SECOND)
    paced.ask(ADA)
    paced.pacing.note_success()
    assert [paced.ask(ChatId(chat), Urgency.NOTICE) for chat in range(1, 11)] == [0] * 10
    assert paced.ask(ChatId(-1), Urgency.NOTICE) is None


def test_nothing_slows_down_for_longer_than_telegram_asked_for(paced):
    throttle(paced, 70)
    paced.clock.advance(30 * SECOND)
    paced.pacing.pause(ADA, 30)
    assert [paced.ask(ChatId(chat), Urgency.NOTICE) for chat in range(1, 11)] == [0] * 10


# -- the clock ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [DAY, HOUR, SECOND])
def test_a_clock_that_is_set_back_lengthens_no_pause_and_holds_up_nobody(paced, step):
    paced.pacing.pause(ADA, 30)
    for _ in range(GROUP.burst):
        paced.ask(FAMILY)
    paced.clock.advance(-step)
    assert paced.ask(XIAOLIN) == 0
    assert paced.ask(FAMILY) == pytest.approx(GROUP.interval)
    paced.clock.advance(20 * SECOND)
    assert paced.ask(ADA) == pytest.approx(10)


def test_what_was_slept_has_passed_whatever_the_clock_says():
    waits, clock = [], ManualClock(DAY)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(-HOUR)

    async def ask(number: int) -> None:
        pacing = Pacing(clock, sleep)
        for _ in range(number):
            await pacing.turn(FAMILY, Urgency.ANSWER)

    asyncio.run(ask(GROUP.burst + 50))
    assert waits == pytest.approx([GROUP.interval] * 50)


@given(st.integers(0, 100), st.lists(st.integers(-100, 100), max_size=20))
def test_a_pause_lasts_as_long_as_it_was_asked_for_whatever_the_clock_does(seconds, steps):
    paced = Paced()
    paced.pacing.pause(ADA, seconds)
    passed = 0
    for step in steps:
        paced.clock.advance(step * SECOND)
        passed += max(0, step)
        assert paced.ask(ADA, Urgency.SIGN) == (0 if passed >= seconds else None)


# -- whatever comes ----------------------------------------------------------------------------------

REQUESTS = st.lists(
    st.tuples(
        st.integers(0, 6 * SECOND),
        st.sampled_from([ADA, XIAOLIN, FAMILY, CLUB]),
        st.sampled_from([Urgency.ANSWER, Urgency.NOTICE, Urgency.PROGRESS]),
    ),
    max_size=120,
)


def most_in(moments: list[float], seconds: float) -> int:
    """The most of them that lie within any stretch of so many seconds."""
    return max(
        (sum(1 for each in moments if first <= each < first + seconds) for first in moments), default=0
    )


def allowed(rate: Rate, seconds: float) -> int:
    return rate.burst + int(seconds / rate.interval)


@given(REQUESTS)
def test_no_chat_gets_more_than_it_may_in_any_time(requests):
    paced, sent = Paced(), {ADA: [], XIAOLIN: [], FAMILY: [], CLUB: []}
    for pause, chat, urgency in requests:
        paced.clock.advance(pause)
        if (wait := paced.ask(chat, urgency)) is not None:
            sent[chat].append(paced.clock.now() / SECOND + wait + NOTHING * len(sent[chat]))
    for chat, moments in sent.items():
        rate = PRIVATE if chat > 0 else GROUP
        for seconds in (1, 5, 20, 60):
            assert most_in(moments, seconds) <= allowed(rate, seconds)
    assert allowed(GROUP, 60) == 20


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=200))
def test_what_the_bot_writes_by_itself_keeps_to_the_limit_of_all_chats(requests):
    paced, sent = Paced(), []
    for number, (pause, is_broadcast) in enumerate(requests):
        paced.clock.advance(pause)
        wait = paced.ask(ChatId(number + 1), Urgency.BROADCAST if is_broadcast else Urgency.NOTICE)
        if wait is not None:
            sent.append(paced.clock.now() / SECOND + wait)
    for seconds in (0.1, 1, 5):
        assert most_in(sent, seconds) <= OVERALL.burst + round(seconds / OVERALL.interval) + 1


@given(REQUESTS, st.integers(1, 30))
def test_what_goes_on_in_other_chats_delays_no_answer(requests, pause):
    paced = Paced()
    for step, chat, urgency in requests:
        paced.clock.advance(step)
        paced.ask(chat, urgency)
        paced.pacing.pause(chat, pause)
    assert paced.ask(ChatId(7)) == 0
    assert paced.ask(ChatId(-7)) == 0


def test_the_memory_of_chats_is_bounded(paced):
    for chat in range(1, 2 * REMEMBERED):
        paced.pacing.pause(ChatId(chat), 30)
    assert len(paced.pacing) == REMEMBERED
    # The latest are those that are remembered.
    assert paced.ask(ChatId(2 * REMEMBERED - 1), Urgency.SIGN) is None
