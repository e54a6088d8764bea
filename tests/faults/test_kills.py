"""The power is cut in the middle of things: everything that was accepted ends well, and nothing happens twice."""

import asyncio

import pytest

from bot.demo.script import sample_picture
from tests.world.media import a_portrait
from tests.world.process import BotProcess
from tests.world.telegram import ADA

MODELS = '["kling-v2-6", "kling-v3-omni"]'
ELEMENTS = "/v1/general/advanced-custom-elements"


async def killed_while_submitting(world: BotProcess, *, inside: bool) -> None:
    """Pull the plug while the first submission waits, before or after Kling has it."""
    reached = world.to_kling.hold(lambda scope: scope["method"] == "POST", inside=inside)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await asyncio.wait_for(reached.wait(), 20)
    assert world.rows("SELECT state FROM tasks") == [("submitting",)]
    await world.kill()


async def test_killed_while_submitting_a_task_that_kling_has_it_is_found_and_not_sent_again(world):
    await killed_while_submitting(world, inside=True)
    assert list(world.kling.submissions.values()) == [1]
    await world.start()
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert list(world.kling.submissions.values()) == [1]
    assert world.balance(ADA) == (-15, 0)
    assert world.rows("SELECT count(*) FROM tasks") == [(1,)]


async def test_killed_while_submitting_a_task_that_never_arrived_it_is_sent_once_it_is_proven_absent(world):
    await killed_while_submitting(world, inside=False)
    assert list(world.kling.submissions.values()) == []
    await world.start()
    await world.telegram.wait_video(ADA, timeout_seconds=60)
    await world.ended()
    assert list(world.kling.submissions.values()) == [1]
    assert world.balance(ADA) == (-15, 0)
    ((external_id,),) = world.rows("SELECT external_task_id FROM tasks")
    assert list(world.kling.submissions) == [external_id]


async def test_killed_while_three_results_are_made_all_come_as_one_album(world):
    reached = world.to_kling.hold(lambda scope: scope["method"] == "POST", inside=True)
    await world.start()
    await world.telegram.say(ADA, "/video a fox --n 3")
    await asyncio.wait_for(reached.wait(), 20)
    await world.kill()
    await world.start()
    await world.ended(3)
    videos = [message for message in world.telegram.replies(ADA) if "video" in message]
    assert [len(videos), len({video["media_group_id"] for video in videos})] == [3, 1]
    assert list(world.kling.submissions.values()) == [1, 1, 1]
    assert world.balance(ADA) == (-45, 0)


@pytest.mark.parametrize(
    ("dialect", "key"),
    [("generic", "sk-demo-generic"), ("omnimaas", "sk-demo-omnimaas"), ("prefixed", "sk-demo-prefixed")],
)
async def test_killed_while_submitting_to_a_gateway_that_tells_of_its_tasks_it_is_found_there(
    world, dialect, key
):
    world.kling.behaviour.lists_tasks = True
    world.configure(dialect=dialect, key=key)
    await killed_while_submitting(world, inside=True)
    await world.start()
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert len(world.kling.tasks) == 1
    assert world.balance(ADA) == (-15, 0)


async def test_killed_while_submitting_to_a_gateway_that_tells_of_nothing_it_is_refunded_and_sent_once(world):
    world.configure(dialect="generic", key="sk-demo-generic")
    await killed_while_submitting(world, inside=True)
    await world.start()
    await world.ended()
    assert len(world.kling.tasks) == 1
    assert world.balance(ADA) == (0, 0)


async def test_an_update_whose_answer_was_cut_off_is_acted_on_again_and_costs_once(world):
    """The status is the last thing that a command does: the task is there already."""
    reached = world.to_telegram.hold(lambda scope: scope["path"].endswith("/sendMessage"), inside=False)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await asyncio.wait_for(reached.wait(), 20)
    assert world.rows("SELECT count(*) FROM inbox WHERE processed_at IS NULL") == [(1,)]
    await world.kill()
    await world.start()
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert world.rows("SELECT count(*) FROM tasks") == [(1,)]
    assert world.balance(ADA) == (-15, 0)


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


STATES = {
    "queued": ("throttle", "state = 'queued'"),
    "unconfirmed": ("lose_next", "state IN ('submitting', 'unconfirmed', 'in_progress')"),
    "in_progress": ("", "state = 'in_progress'"),
    "succeeded": ("", "state = 'succeeded'"),
}


@pytest.mark.parametrize("state", STATES)
async def test_killed_in_any_state_the_task_still_ends_in_one_video(world, state):
    knob, condition = STATES[state]
    world.kling.behaviour.render_seconds = 2 if state == "in_progress" else 0.5
    if knob == "throttle":
        world.kling.behaviour.throttle = True
    elif knob:
        world.kling.behaviour.lose_next = 1
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    # A queued task is one that Kling put off: killed at its first submission, it would be in another state.
    await world.wait_for(
        lambda: world.kling.requests and world.rows(f"SELECT 1 FROM tasks WHERE {condition}")
    )
    await world.kill()
    world.kling.behaviour.throttle = False
    await world.start()
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert world.balance(ADA) == (-15, 0)
    assert set(world.kling.submissions.values()) == {1}
    assert world.rows("SELECT count(*) FROM tasks") == [(1,)]


async def test_a_stopped_bot_ends_cleanly(world):
    await world.start()
    await world.telegram.say(ADA, "/start")
    await world.telegram.wait_text(ADA, "Hello")
    assert await world.stop() == 0


# -- crashes -------------------------------------------------------------------------------------------


def elements_ordered(world: BotProcess) -> list[dict]:
    return [request.body for request in world.kling.requests if request.path == ELEMENTS and request.body]


async def killed_while_ordering_an_element(world: BotProcess, *, inside: bool) -> None:
    """Pull the plug while the first order of an element waits, before or after Kling has it."""
    reached = world.to_kling.hold(
        lambda scope: (scope["method"], scope["path"]) == ("POST", ELEMENTS), inside=inside
    )
    world.configure(models=MODELS)
    await world.start()
    await world.telegram.send_album(ADA, [sample_picture(), a_portrait()], "/element Fox")
    await asyncio.wait_for(reached.wait(), 20)
    assert world.rows("SELECT state FROM tasks") == [("submitting",)]
    await world.kill()


async def test_killed_while_it_was_sent_an_element_that_kling_has_is_found_and_not_made_twice(world):
    await killed_while_ordering_an_element(world, inside=True)
    await world.start()
    await world.telegram.wait_text(ADA, "The element Fox is ready")
    assert len(elements_ordered(world)) == 1
    assert len(world.written(ADA, "is ready")) == 1


async def test_killed_while_it_was_sent_an_element_that_never_arrived_is_sent_once_it_is_proven_absent(world):
    await killed_while_ordering_an_element(world, inside=False)
    assert elements_ordered(world) == []
    await world.start()
    await world.telegram.wait_text(ADA, "The element Fox is ready", timeout_seconds=60)
    (order,) = elements_ordered(world)
    assert world.rows("SELECT external_task_id FROM tasks") == [(order["external_task_id"],)]


async def test_killed_while_kling_makes_it_an_element_is_told_after_the_restart(world):
    world.kling.behaviour.render_seconds = 3
    world.configure(models=MODELS)
    await world.start()
    await world.telegram.send_photo(ADA, a_portrait(), "/element Fox")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    await world.kill()
    await world.start()
    await world.telegram.wait_text(ADA, "The element Fox is ready")
    assert len(elements_ordered(world)) == 1


async def test_an_update_that_ends_the_process_twice_is_set_aside_and_its_sender_and_the_admins_are_told(
    world,
):
    for start in range(2):
        reached = world.to_telegram.hold(lambda scope: scope["path"].endswith("/sendMessage"), inside=False)
        await world.start()
        if start == 0:
            await world.telegram.say(ADA, "/language")
        await asyncio.wait_for(reached.wait(), 20)
        await world.kill()
    await world.start()
    await world.telegram.wait_text(ADA, "couldn't handle your last message")
    await world.telegram.wait_text(1000, "set aside, 1 so far")
    await world.telegram.say(ADA, "/quota")
    await world.telegram.wait_text(ADA, "credits")
    assert world.telegram.replies(ADA)[0]["text"].startswith("I couldn't")
    await world.wait_for(
        lambda: world.rows("SELECT count(*) FROM inbox WHERE processed_at IS NULL") == [(0,)]
    )
