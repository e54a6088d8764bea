"""Several results of one request: several tasks at Kling, one status, one album, one notice."""

import pytest

from tests.world.telegram import ADA


def videos(bot) -> list[dict]:
    return [message for message in bot.telegram.replies(ADA) if "video" in message]


def groups(bot) -> set[str | None]:
    return {message.get("media_group_id") for message in videos(bot)}


@pytest.mark.parametrize(
    ("dialect", "key"),
    [
        ("official", "demo-api-key"),
        ("unified", "demo-api-key"),
        ("generic", "sk-demo-generic"),
        ("prefixed", "sk-demo-prefixed"),
        ("omnimaas", "sk-demo-omnimaas"),
        ("flat", "sk-demo-flat"),
    ],
)
async def test_three_videos_are_three_tasks_and_come_as_one_album(world, dialect, key):
    world.configure(dialect=dialect, key=key)
    await world.start()
    await world.telegram.say(ADA, "/video a fox --n 3")
    await world.ended(3)
    assert len(videos(world)) == 3
    assert len(groups(world)) == 1
    assert None not in groups(world)
    assert sum(world.kling.submissions.values()) == 3
    assert world.balance(ADA) == (-45, 0)


async def test_what_failed_of_a_batch_is_told_once_and_refunded(world):
    world.kling.behaviour.refuse.append(1301)
    await world.start()
    await world.telegram.say(ADA, "/video a fox --n 3")
    await world.ended(3)
    await world.telegram.wait_text(ADA, "We made 2 of 3. Your 15 credits are refunded.")
    assert len(videos(world)) == 2
    assert len(groups(world)) == 1
    assert world.balance(ADA) == (-30, 0)


async def test_a_batch_that_fails_has_one_notice(world):
    world.kling.behaviour.refuse.extend([1301, 1301, 1301])
    await world.start()
    await world.telegram.say(ADA, "/video a fox --n 3")
    await world.ended(3)
    notices = [m for m in world.telegram.replies(ADA) if "credits are refunded" in m.get("text", "")]
    assert ["Your 45 credits are refunded" in notice["text"] for notice in notices] == [True]
    assert world.balance(ADA) == (0, 0)


async def test_credits_for_two_of_three_make_none(world):
    world.configure(daily=40)
    await world.start()
    await world.telegram.say(ADA, "/video a fox --n 3")
    await world.telegram.wait_text(ADA, "45 credits")
    assert world.rows("SELECT id FROM tasks") == []


async def test_one_status_message_counts_what_is_ready_and_cancels_what_waits(world):
    world.configure(provider="max_concurrent = 1")
    world.kling.behaviour.render_seconds = 10
    await world.start()
    await world.telegram.say(ADA, "/video a fox --n 3")
    await world.telegram.wait_text(ADA, "0 of 3 ready")
    await world.telegram.wait_text(ADA, "1 of 3 ready", 40)
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    await world.telegram.press_labelled(ADA, "Cancel")
    await world.ended(3)
    assert len(videos(world)) == 2
    assert world.balance(ADA) == (-30, 0)
    states = sorted(state for (state,) in world.rows("SELECT state FROM tasks"))
    assert states == ["cancelled", "succeeded", "succeeded"]
