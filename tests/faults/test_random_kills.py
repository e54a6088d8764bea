"""The power is cut at random times under load while both servers answer late: nothing is lost, nothing comes twice."""

import os
import random
from collections import Counter
from contextlib import suppress

import pytest

from tests.faults.counts import Counts
from tests.faults.test_exactly_once import LATE, PEOPLE, RUNNING, SLOW, VIDEOS, WAITING
from tests.world.process import BotProcess

KILLS = int(os.environ.get("FAULT_KILLS", "4"))
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
LONGEST = 5.0
"""Seconds that a process lives at most once it is ready."""

PRICE = 15


def arrived(world: BotProcess, person: int) -> Counter[str]:
    """How often each prompt came to a person as a video."""
    replies = world.telegram.replies(person)
    return Counter(reply["caption"].partition("\n")[0] for reply in replies if "video" in reply)


@pytest.mark.timeout(300 + 30 * KILLS)
async def test_killed_at_random_times_everything_ends_in_one_video_or_a_refund(world, counts: Counts, capsys):
    with capsys.disabled():
        print(f"\nFAULT_SEED={SEED}")  # noqa: T201  to have the same times again
    rng = random.Random(SEED)
    world.environment = {"KLINGBOT_PLANS__FREE__MAX_RUNNING": "50"}
    world.kling.behaviour.render_seconds = 0.5
    world.kling.behaviour.slow_answer = LATE
    world.telegram.answer_late(LATE, *SLOW)
    world.configure(daily=1_000_000, timeout=3_600)
    for number in range(KILLS):
        for person in PEOPLE:
            await world.telegram.say(person, f"/video fox {number} of {person}")
        await world.start()
        with suppress(TimeoutError):
            await world.ended_by_itself(rng.uniform(0, LONGEST))
        await world.kill()
        counts.tried += 1
    world.telegram.state.faults.late.clear()
    world.kling.behaviour.slow_answer = 0
    await world.start()
    updates = "SELECT count(*) FROM inbox WHERE processed_at IS NOT NULL"

    def over() -> bool:
        rows = [world.rows(updates), world.rows(RUNNING), world.rows(WAITING)]
        return rows == [[(KILLS * len(PEOPLE),)], [(0,)], [(0,)]]

    await world.wait_for(over, 200 + 10 * KILLS)
    # What ended two processes while it was acted on is set aside, and its sender is told.
    ((aside,),) = world.rows("SELECT count(*) FROM quarantine")
    ((refunded,),) = world.rows("SELECT count(*) FROM tasks WHERE state != 'succeeded'")
    videos = {person: arrived(world, person) for person in PEOPLE}
    come = sum(len(found) for found in videos.values())
    # Of a place for a video that was sent three times nobody knows whether it came: its owner is told of /show.
    ((unknown,),) = world.rows(VIDEOS, "undeliverable")
    counts.lost += KILLS * len(PEOPLE) - come - refunded - aside - unknown
    counts.duplicated += sum(found.total() - len(found) for found in videos.values())
    counts.duplicated += sum(times - 1 for times in world.kling.submissions.values())
    counts.drift += sum(
        abs(sum(world.balance(person)) + PRICE * len(found)) for person, found in videos.items()
    )
    assert (counts.lost, counts.duplicated, counts.drift) == (0, 0, 0), counts
    assert come > 0
