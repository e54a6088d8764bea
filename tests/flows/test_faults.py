import pytest

from tests.flows.world import open_world

ADA = 1001


@pytest.fixture
async def official(tmp_path):
    async with open_world(tmp_path) as world:
        world.kling.behaviour.render_seconds = 0.5
        yield world


async def test_a_lost_answer_is_asked_for_and_nothing_is_sent_twice(official):
    official.kling.behaviour.lose_next = 1
    await official.start()
    await official.telegram.say(ADA, "/video a fox")
    await official.telegram.wait_video(ADA)
    await official.ended()
    assert set(official.kling.submissions.values()) == {1}
    assert official.balance(ADA) == (-15, 0)


async def test_a_lost_answer_that_nobody_can_be_asked_for_gives_the_credits_back(official):
    official.write_config(dialect="generic", key="sk-demo-generic")
    official.kling.behaviour.lose_next = 1
    await official.start()
    await official.telegram.say(ADA, "/video a fox")
    await official.telegram.wait_text(ADA, "Your 15 credits are back")
    await official.ended()
    assert official.balance(ADA) == (0, 0)
    assert sum(official.kling.submissions.values()) == 1
    assert any("unknown" in str(line) or "lost" in str(line) for line in official.output)


async def test_a_busy_provider_is_waited_for(official):
    official.kling.behaviour.refuse.extend([1303, 1302, 5001])
    await official.start()
    await official.telegram.say(ADA, "/video a fox")
    await official.telegram.wait_video(ADA)
    await official.ended()
    assert official.balance(ADA) == (-15, 0)


async def test_an_empty_account_gives_the_credits_back_and_tells_the_admins(official):
    official.kling.behaviour.refuse.append(1102)
    await official.start()
    await official.telegram.say(ADA, "/video a fox")
    await official.telegram.wait_text(ADA, "can't be reached at the moment")
    await official.telegram.wait_text(1000, "no balance left")
    await official.ended()
    assert official.balance(ADA) == (0, 0)


async def test_a_late_video_is_free_and_still_comes(official):
    official.kling.behaviour.render_seconds = 14
    official.write_config(timeout=10)
    await official.start()
    await official.telegram.say(ADA, "/video a fox")
    await official.telegram.wait_text(ADA, "longer than we wait", 30)
    await official.ended()
    assert official.balance(ADA) == (0, 0)


STATES = {
    "queued": ("throttle", "state = 'queued'"),
    "unconfirmed": ("lose_next", "state IN ('submitting', 'unconfirmed', 'in_progress')"),
    "in_progress": ("", "state = 'in_progress'"),
    "succeeded": ("", "state = 'succeeded'"),
}


@pytest.mark.parametrize("state", STATES)
async def test_killed_in_any_state_the_task_still_ends_in_one_video(official, state):
    knob, condition = STATES[state]
    official.kling.behaviour.render_seconds = 2 if state == "in_progress" else 0.5
    if knob == "throttle":
        official.kling.behaviour.throttle = True
    elif knob:
        official.kling.behaviour.lose_next = 1
    await official.start()
    await official.telegram.say(ADA, "/video a fox")
    await official.wait_for(lambda: official.rows(f"SELECT 1 FROM tasks WHERE {condition}"))
    await official.kill()
    official.kling.behaviour.throttle = False
    await official.start()
    await official.telegram.wait_video(ADA)
    await official.ended()
    assert official.balance(ADA) == (-15, 0)
    assert set(official.kling.submissions.values()) == {1}
    assert official.rows("SELECT count(*) FROM tasks") == [(1,)]


async def test_a_blocked_chat_ends_the_delivery_and_not_the_bot(official):
    await official.start()
    await official.telegram.say(ADA, "/video a fox")
    await official.wait_for(lambda: official.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    official.telegram.state.blocked.add(ADA)
    await official.wait_for(lambda: official.rows("SELECT 1 FROM outbox WHERE state = 'undeliverable'"))
    await official.telegram.say(1002, "/video a cat")
    await official.telegram.wait_video(1002)


async def test_a_stopped_bot_ends_cleanly(official):
    await official.start()
    await official.telegram.say(ADA, "/start")
    await official.telegram.wait_text(ADA, "Hello")
    assert await official.stop() == 0
