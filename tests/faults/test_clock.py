"""The machine's clock is set while the bot works, and while it does not: nothing freezes, fails or happens twice."""

import asyncio
import os
from collections import Counter

import httpx
import pytest

from tests.faults.test_stopping import MOST_SECONDS, never
from tests.world.process import BotProcess
from tests.world.proxy import behind_a_proxy, bot_address, monitoring_address
from tests.world.telegram import ADA, XIAOLIN

HOUR, DAY = 3_600, 86_400
PEOPLE = (ADA, XIAOLIN)
TASKS = 24
REFUSED = 2
"""So many more are refused by Kling, so that there are notices as well."""

FIRST = 4
FILE_DEADLINE = 90
"""Seconds that a busy machine may need for what takes ten; far less than any step."""

LONG = 600.0
SET = "the machine's clock was set; beginning anew"
MOVED = "the clock was set; what waits in the store is moved with it"
OPEN = "SELECT count(*) FROM tasks WHERE state NOT IN ('succeeded', 'failed', 'expired', 'cancelled')"
STATES = {"queued", "submitting", "in_progress", "succeeded", "failed"}


@pytest.fixture
def busy(world, monkeypatch) -> BotProcess:
    """More tasks than can run at a time."""
    monkeypatch.setenv("KLINGBOT_PLANS__FREE__MAX_RUNNING", "50")
    world.configure(daily=10_000, provider="max_concurrent = 6", timeout=600)
    world.set_clock(0)
    return world


async def ask(world: BotProcess, *numbers: int) -> None:
    for number in numbers:
        await world.telegram.say(PEOPLE[number % 2], f"/video fox number {number}")


async def under_way(world: BotProcess) -> None:
    """Ask for everything, and see that there are tasks in every state, with deliveries under way; so it stays.

    Of the first some are refused and the others cannot be delivered; of the rest one waits for Kling's answer to its
    submission, some for their videos, and the others in line.
    """
    world.kling.behaviour.render_seconds = 0
    world.kling.behaviour.refuse.extend([1301] * REFUSED)
    world.to_telegram.always("editMessageMedia", never)
    await ask(world, *range(FIRST))
    delivering = "SELECT count(*) FROM outbox WHERE kind = 'video' AND state = 'sending'"
    await world.wait_for(lambda: world.rows(delivering) == [(FIRST - REFUSED,)], FILE_DEADLINE)
    world.kling.behaviour.render_seconds = LONG
    world.to_kling.hold(lambda scope: scope["method"] == "POST", inside=True)
    await ask(world, *range(FIRST, TASKS + REFUSED))

    def everything() -> bool:
        states = dict(world.rows("SELECT state, count(*) FROM tasks GROUP BY state"))
        return sum(states.values()) == TASKS + REFUSED and states.keys() == STATES

    await world.wait_for(everything, FILE_DEADLINE)


def let_go(world: BotProcess) -> None:
    """Let everything go on that `under_way` holds up."""
    world.to_telegram.forget("editMessageMedia")
    world.kling.behaviour.render_seconds = 1
    for task in world.kling.tasks.values():
        task.render_seconds = min(task.render_seconds, 1)


async def all_well(world: BotProcess) -> None:
    """Go on: everything arrives once and is paid for once; what was refused is refunded and told once."""
    let_go(world)
    await world.wait_for(lambda: world.rows(OPEN) == [(0,)], FILE_DEADLINE)
    await world.ended(TASKS + REFUSED)
    arrived = Counter(
        reply["caption"].partition("\n")[0]
        for person in PEOPLE
        for reply in world.telegram.replies(person)
        if "video" in reply
    )
    assert (len(arrived), set(arrived.values())) == (TASKS, {1})
    told = [*world.written(ADA, "content rules"), *world.written(XIAOLIN, "内容规则")]
    assert len(told) == REFUSED
    assert sorted(world.kling.submissions.values()) == [1] * TASKS
    states = dict(world.rows("SELECT state, count(*) FROM tasks GROUP BY state"))
    assert states == {"succeeded": TASKS, "failed": REFUSED}
    assert sum(world.balance(person)[0] for person in PEOPLE) == -15 * TASKS
    assert [world.balance(person)[1] for person in PEOPLE] == [0, 0]
    assert world.rows("SELECT count(*) FROM ledger WHERE kind = 'hold'") == [(TASKS + REFUSED,)]
    assert world.rows("SELECT count(*) FROM ledger WHERE kind = 'charge'") == [(TASKS,)]
    assert world.rows("SELECT count(*) FROM ledger WHERE kind = 'release'") == [(REFUSED,)]
    assert world.rows("SELECT count(*) FROM inbox WHERE processed_at IS NULL") == [(0,)]


@pytest.mark.timeout(4 * FILE_DEADLINE)
@pytest.mark.parametrize("seconds", [-DAY, HOUR, *([DAY, -HOUR] if os.environ.get("FAULT_LONG") else [])])
async def test_the_clock_is_set_while_tasks_are_in_every_state_and_all_arrive(busy, seconds):
    await busy.start()
    await under_way(busy)
    busy.set_clock(seconds)
    await busy.wait_said(SET)
    await all_well(busy)
    (moved,) = busy.events(MOVED)
    assert moved["seconds"] == pytest.approx(seconds, abs=2)


@pytest.mark.timeout(4 * FILE_DEADLINE)
async def test_the_clock_is_set_twice_in_a_row(busy):
    await busy.start()
    await under_way(busy)
    busy.set_clock(-DAY)
    await busy.wait_said(SET)
    busy.set_clock(HOUR)
    await all_well(busy)
    assert sum(event["seconds"] for event in busy.events(MOVED)) == pytest.approx(HOUR, abs=2)


@pytest.mark.timeout(4 * FILE_DEADLINE)
async def test_the_clock_was_set_back_while_the_bot_did_not_run(busy):
    await busy.start()
    await under_way(busy)
    await busy.kill()
    let_go(busy)
    busy.set_clock(-DAY)
    await busy.start()
    await all_well(busy)
    assert len(busy.events(MOVED)) == 1
    assert busy.events(SET) == []


async def test_the_clock_is_set_while_telegram_does_not_answer_at_the_start(world):
    world.to_telegram.always("getMe", never)
    world.set_clock(0)
    await world.begin()
    await world.wait_for(lambda: world.to_telegram.of("getMe"))
    world.set_clock(-DAY)
    await world.wait_said(SET)
    world.to_telegram.forget("getMe")
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA, timeout_seconds=FILE_DEADLINE)
    assert world.balance(ADA) == (-15, 0)


async def test_the_clock_is_set_while_what_was_left_over_is_shown_again(world):
    world.kling.behaviour.render_seconds = 3
    world.set_clock(0)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    await world.kill()
    shown = len(world.to_telegram.of("editMessageText"))
    world.to_telegram.always("editMessageText", never)
    await world.begin()
    await world.wait_for(lambda: len(world.to_telegram.of("editMessageText")) > shown)
    world.set_clock(DAY)
    await world.wait_said(SET)
    world.to_telegram.forget("editMessageText")
    await world.telegram.wait_video(ADA, timeout_seconds=FILE_DEADLINE)
    await world.ended()
    assert world.balance(ADA) == (-15, 0)


async def test_what_hangs_is_cut_short_and_taken_up_again(world):
    world.to_kling.always("submit", never)
    world.set_clock(0)
    await world.start()
    for number in range(3):
        await world.telegram.say(ADA, f"/video a fox {number}")
    await world.wait_for(lambda: len(world.to_kling.of("submit")) >= 2)
    world.set_clock(-HOUR)
    await world.wait_for(lambda: len(world.events("ready")) == 2, FILE_DEADLINE)
    world.to_kling.forget("submit")
    await world.telegram.wait_video(ADA, 3, timeout_seconds=FILE_DEADLINE)
    await world.ended(3)
    assert world.balance(ADA) == (-45, 0)
    assert sorted(world.kling.submissions.values()) == [1, 1, 1]


async def test_the_web_server_listens_again(world):
    world.set_clock(0)
    async with behind_a_proxy(world), httpx.AsyncClient(trust_env=False) as http:
        world.set_clock(DAY)
        await world.wait_for(lambda: len(world.events("ready")) == 2, FILE_DEADLINE)
        # Answered, it has asked for updates.
        await world.telegram.say(ADA, "/start")
        await world.telegram.wait_text(ADA, "Hello Ada", timeout_seconds=FILE_DEADLINE)
        ready = await http.get(f"{monitoring_address(world)}/readyz")
        assert {"updates", "store", "job.deliver"} <= ready.json()["parts"].keys()
        assert (await http.get(f"{bot_address(world)}/healthz")).status_code == 200


async def test_a_signal_ends_the_process_while_it_begins_anew(world):
    world.set_clock(0)
    await world.start()
    world.to_telegram.always("getMe", never)
    asked = len(world.to_telegram.of("getMe"))
    world.set_clock(HOUR)
    await world.wait_for(lambda: len(world.to_telegram.of("getMe")) > asked)
    async with asyncio.timeout(MOST_SECONDS):
        assert await world.stop() == 0, world.output


async def test_what_kling_finished_in_a_long_pause_is_delivered_and_not_refunded(world):
    """A clock that went forward while nothing ran looks like a pause, in which every deadline passed."""
    world.set_clock(0)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    await world.kill()
    await world.kling.rendered()
    world.set_clock(DAY)
    await world.start()
    await world.telegram.wait_video(ADA, timeout_seconds=FILE_DEADLINE)
    await world.ended()
    assert world.rows("SELECT state FROM tasks") == [("succeeded",)]
    assert world.balance(ADA) == (-15, 0)


@pytest.mark.parametrize("seconds", [-DAY, DAY])
async def test_what_is_asked_for_afterwards_comes_as_ever(world, seconds):
    """Kling has the time that it had: what is signed is signed with that."""
    world.set_clock(0)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)
    world.set_clock(seconds)
    await world.wait_for(lambda: len(world.events("ready")) == 2)
    date = int(world.telegram.state.now()) + seconds
    await world.telegram.say(ADA, "/video a hen", date=date)
    await world.telegram.wait_video(ADA, 2, timeout_seconds=FILE_DEADLINE)
    await world.ended(2)
    assert world.balance(ADA) == (-30, 0)
    assert sorted(world.kling.submissions.values()) == [1, 1]
