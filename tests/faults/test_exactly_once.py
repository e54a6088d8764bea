"""The power is cut again and again while Telegram answers late: every video arrives once."""

import os
import random
from collections import Counter
from contextlib import suppress

import pytest

from tests.faults.counts import Counts
from tests.world.process import BotProcess
from tests.world.telegram import ADA, XIAOLIN

KILLS = int(os.environ.get("FAULT_KILLS", "6"))
"""So many kills fit into the time of a usual run; a long one names its own number."""

LATE = 1.2
"""Seconds between what a request does and its answer."""

MOST_CALLS = 4
"""A process is killed after one of so many of its calls that bring something: a place, a file, or another one."""

SLOW = ("sendMessage", "sendVideo", "editMessageMedia", "sendMediaGroup")
PEOPLE = (ADA, XIAOLIN)
RUNNING = "SELECT count(*) FROM tasks WHERE state NOT IN ('succeeded', 'failed', 'expired', 'cancelled')"
WAITING = "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')"
VIDEOS = "SELECT count(*) FROM outbox WHERE kind = 'video' AND state = ?"


def copies(world: BotProcess) -> Counter[str]:
    """How often each prompt arrived as a video."""
    return Counter(
        reply["caption"].partition("\n")[0]
        for person in PEOPLE
        for reply in world.telegram.replies(person)
        if "video" in reply
    )


def bringing(world: BotProcess) -> int:
    """How many calls have announced or brought a video."""
    return sum(
        name == "editMessageMedia" or str(call.get("text")).startswith(("Your video is ready", "视频已完成"))
        for name, call in world.telegram.calls
    )


async def killed_at_a_call(world: BotProcess, rng: random.Random) -> None:
    """Start the bot, and kill it right after one of its calls has taken effect, or before its answer has come."""
    await world.start()
    last = bringing(world) + rng.randint(1, MOST_CALLS)
    with suppress(TimeoutError):
        await world.telegram.wait_for(lambda: bringing(world) >= last, 8)
    await world.kill()


@pytest.mark.timeout(120 + 20 * KILLS)
async def test_videos_arrive_once_though_the_process_is_killed_over_and_over(
    world: BotProcess, counts: Counts, capsys, monkeypatch
):
    monkeypatch.setenv("KLINGBOT_PLANS__FREE__MAX_RUNNING", "50")
    world.kling.behaviour.render_seconds = 0.1
    world.telegram.answer_late(LATE, *SLOW)
    world.configure(daily=1_000_000, timeout=3_600)
    rng = random.Random(20_261_127)
    for number in range(KILLS):
        for person in PEOPLE:
            await world.telegram.say(person, f"/video fox number {number} of {person}")
        await killed_at_a_call(world, rng)
        counts.tried += 1
    world.telegram.state.faults.late.clear()
    await world.start()
    await world.wait_for(lambda: world.rows(RUNNING) == world.rows(WAITING) == [(0,)], 60 + 4 * KILLS)
    arrived = copies(world)
    surplus = sum(arrived.values()) - len(arrived)
    (delivered,), (unknown,) = (world.rows(VIDEOS, state)[0] for state in ("delivered", "undeliverable"))
    with capsys.disabled():
        print(f"\n{KILLS} kills: {delivered} delivered, {surplus} surplus, {unknown} unknown")  # noqa: T201  the figures of a long run
    counts.duplicated += surplus
    counts.lost += delivered - len(arrived)
    assert surplus == 0
    assert len(arrived) == delivered
    assert delivered > 0
