"""The power is cut in the middle of things: everything that was accepted ends well, and nothing happens twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.flows.gate import Gate
from tests.flows.world import World
from tests.serving import serve

ADA = 1001


@pytest.fixture(autouse=True)
def quick(world):
    world.kling.behaviour.render_seconds = 0.5


@asynccontextmanager
async def held_submission(world: World, *, inside: bool) -> AsyncIterator[Gate]:
    """The first submission waits for ever, before or after Kling has it."""
    gate = Gate(world.kling.app, lambda scope: scope["method"] == "POST", inside=inside)
    async with serve(gate) as address:
        world.kling_url = address
        world.write_config()
        yield gate


async def pull_the_plug(world: World, gate: Gate) -> None:
    await asyncio.wait_for(gate.reached.wait(), 20)
    assert world.rows("SELECT state FROM tasks") == [("submitting",)]
    await world.kill()


async def test_killed_while_submitting_a_task_that_kling_has_it_is_found_and_not_sent_again(world):
    async with held_submission(world, inside=True) as gate:
        await world.start()
        await world.telegram.say(ADA, "/video a fox")
        await pull_the_plug(world, gate)
        assert list(world.kling.submissions.values()) == [1]
        await world.start()
        await world.telegram.wait_video(ADA)
        await world.ended()
        assert list(world.kling.submissions.values()) == [1]
        assert world.balance(ADA) == (-15, 0)
        assert world.rows("SELECT count(*) FROM tasks") == [(1,)]


async def test_killed_while_submitting_a_task_that_never_arrived_it_is_sent_once_it_is_proven_absent(world):
    async with held_submission(world, inside=False) as gate:
        await world.start()
        await world.telegram.say(ADA, "/video a fox")
        await pull_the_plug(world, gate)
        assert list(world.kling.submissions.values()) == []
        await world.start()
        await world.telegram.wait_video(ADA, timeout_seconds=60)
        await world.ended()
        assert list(world.kling.submissions.values()) == [1]
        assert world.balance(ADA) == (-15, 0)
        ((external_id,),) = world.rows("SELECT external_task_id FROM tasks")
        assert list(world.kling.submissions) == [external_id]


async def test_what_people_wrote_while_the_bot_was_down_is_answered_when_it_is_back(world):
    await world.start()
    await world.telegram.say(ADA, "/start")
    await world.telegram.wait_text(ADA, "Hello Ada")
    await world.kill()
    await world.telegram.say(ADA, "/video a fox")
    await world.start()
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert world.balance(ADA) == (-15, 0)


async def test_an_update_whose_answer_was_cut_off_is_acted_on_again_and_costs_once(world):
    """The status is the last thing that a command does: the task is there already."""
    gate = Gate(world.telegram.app, lambda scope: scope["path"].endswith("/sendMessage"), inside=False)
    async with serve(gate) as address:
        world.telegram_url = address
        world.write_config()
        await world.start()
        await world.telegram.say(ADA, "/video a fox")
        await asyncio.wait_for(gate.reached.wait(), 20)
        assert world.rows("SELECT count(*) FROM inbox WHERE processed_at IS NULL") == [(1,)]
        await world.kill()
        await world.start()
        await world.telegram.wait_video(ADA)
        await world.ended()
        assert world.rows("SELECT count(*) FROM tasks") == [(1,)]
        assert world.balance(ADA) == (-15, 0)
        await world.stop()


async def test_a_status_message_that_a_crash_left_behind_goes_on_and_then_goes_away(world):
    world.kling.behaviour.render_seconds = 4
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_text(ADA, "Kling is working on it")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    await world.kill()
    await world.start()
    await world.telegram.wait_video(ADA)
    await world.telegram.wait_for(lambda: len(world.telegram.replies(ADA)) == 1)
    await world.ended()
    assert "video" in world.telegram.replies(ADA)[0]


async def test_a_reason_is_told_once_however_often_the_bot_is_restarted(world):
    await world.start()
    await world.telegram.say(ADA, "/video [fail] a fox")
    await world.telegram.wait_text(ADA, "Your 15 credits are back")
    await world.ended()
    for _ in range(2):
        await world.kill()
        await world.start()
        await world.telegram.say(ADA, "/quota")
        await world.telegram.wait_text(ADA, "You can spend 200 credits")
    told = [reply for reply in world.telegram.replies(ADA) if "credits are back" in reply.get("text", "")]
    assert len(told) == 1
    assert world.balance(ADA) == (0, 0)


async def test_a_draft_survives_a_restart_and_its_buttons_still_work(world):
    await world.start()
    await world.telegram.say(ADA, "a fox in the snow")
    await world.telegram.wait_text(ADA, "Shall I make a video of this?")
    await world.kill()
    await world.start()
    await world.telegram.press_labelled(ADA, "Generate · 15 credits")
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert world.balance(ADA) == (-15, 0)
