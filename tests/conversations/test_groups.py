"""Groups: a hello, commands addressed to the bot, one status message each, small signs, limits and a budget."""

import pytest

from bot.demo.script import sample_picture
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN


def reactions(world, message_id: int) -> list[str]:
    """What stands under a message of the group."""
    (message,) = [
        message for message in world.telegram.messages(GROUP) if message["message_id"] == message_id
    ]
    return message.get("reactions", [])


async def test_the_bot_says_hello_once_when_it_is_added_to_a_group(world):
    await world.start()
    world.telegram.acting.set_bot_status(BOSS, GROUP, "left")
    world.telegram.acting.set_bot_status(BOSS, GROUP, "member")
    hello = await world.telegram.wait_text(GROUP, "Hello everybody")
    assert "/video@kling_demo_bot" in hello["text"]
    # A bot that becomes an administrator has been here before.
    world.telegram.acting.set_bot_status(BOSS, GROUP, "administrator")
    await world.telegram.say(ADA, "/tasks@kling_demo_bot", chat=GROUP)
    await world.telegram.wait_text(GROUP, "Nothing is running")
    assert len(world.telegram.replies(GROUP)) == 2


async def test_a_group_sees_one_status_message_a_sign_and_the_video(world):
    await world.start()
    asked = await world.telegram.say(ADA, "/video@kling_demo_bot a fox in the snow", chat=GROUP)
    await world.telegram.wait_for(lambda: reactions(world, asked["message_id"]) == ["👀"])
    (video,) = await world.telegram.wait_video(GROUP)
    assert video["reply_to_message"]["message_id"] == asked["message_id"]
    await world.telegram.wait_for(lambda: reactions(world, asked["message_id"]) == ["🎉"])
    sent = [name for name, call in world.telegram.calls if str(call.get("chat_id")) == str(GROUP)]
    assert (sent.count("sendMessage"), sent.count("editMessageMedia")) == (2, 1)
    assert len(world.telegram.replies(GROUP)) == 1

    photo = await world.telegram.send_photo(
        XIAOLIN, sample_picture(), "/video@kling_demo_bot let the boat sail --spoiler", chat=GROUP
    )
    videos = await world.telegram.wait_video(GROUP, 2)
    assert videos[-1]["reply_to_message"]["message_id"] == photo["message_id"]
    assert videos[-1]["has_media_spoiler"]

    # Words that are not for the bot, and commands for another one, are nobody's orders.
    await world.telegram.say(ADA, "what a nice fox", chat=GROUP)
    await world.telegram.say(ADA, "/video@another_bot a fox", chat=GROUP)
    failing = await world.telegram.say(ADA, "/video [fail] a fox", chat=GROUP)
    await world.telegram.wait_for(lambda: reactions(world, failing["message_id"]) == ["💔"])
    assert [row[0] for row in world.rows("SELECT count(*) FROM tasks")] == [3]


async def test_a_cancelled_request_in_a_group_loses_its_reaction(world):
    world.kling.behaviour.throttle = True
    await world.start()
    asked = await world.telegram.say(ADA, "/video a fox", chat=GROUP)
    await world.telegram.wait_for(lambda: reactions(world, asked["message_id"]) == ["👀"])
    await world.telegram.say(ADA, "/cancel", chat=GROUP)
    await world.telegram.wait_text(GROUP, "Cancelled. Your 15 credits are refunded")
    await world.telegram.wait_for(lambda: reactions(world, asked["message_id"]) == [])
    shown = [call for name, call in world.telegram.calls if name == "setMessageReaction"]
    assert len(shown) == 2


async def test_only_who_asked_or_an_admin_presses_what_costs(world):
    await world.start()
    await world.telegram.say(ADA, "/video a fox", chat=GROUP)
    await world.telegram.wait_video(GROUP)
    query = await world.telegram.press_labelled(XIAOLIN, "Again", chat=GROUP)
    answer = await world.telegram.wait_answer(query)
    assert answer["show_alert"]
    assert world.rows("SELECT count(*) FROM tasks") == [(1,)]
    await world.telegram.press_labelled(BOSS, "Again", chat=GROUP)
    await world.telegram.wait_video(GROUP, 2)
    assert world.rows("SELECT user_id FROM tasks ORDER BY sequence") == [(ADA,), (BOSS,)]


async def test_a_group_spends_its_budget_and_no_more(world):
    world.configure(groups="daily_credits = 20")
    world.kling.behaviour.render_seconds = 0.2
    await world.start()
    await world.telegram.say(ADA, "/video a fox", chat=GROUP)
    await world.telegram.wait_video(GROUP)
    await world.telegram.say(XIAOLIN, "/video 一只狐狸", chat=GROUP)
    await world.telegram.wait_text(GROUP, "本群今天还剩 5")
    await world.telegram.say(ADA, "/quota", chat=GROUP)
    await world.telegram.wait_text(GROUP, "This group today: 15 of 20 credits used")
    await world.telegram.say(XIAOLIN, "/video 一只狐狸")
    await world.telegram.wait_video(XIAOLIN)
    assert world.balance(XIAOLIN) == (-15, 0)


@pytest.mark.parametrize(
    ("section", "chat", "said"),
    [("limits", ADA, "You're faster than I am"), ("groups", GROUP, "This group is faster than I am")],
)
async def test_who_asks_too_fast_is_told_when_to_try_again(world, section, chat, said):
    config = world.config.read_text()
    slow = config.replace(f"[{section}]\nrequests_per_minute = 1000", f"[{section}]\nrequests_per_minute = 1")
    assert slow != config
    world.config.write_text(slow)
    await world.start()
    await world.telegram.say(ADA, "/video a fox", chat=chat)
    await world.telegram.say(ADA, "/video a hare", chat=chat)
    refusal = await world.telegram.wait_text(chat, said)
    assert "try again in" in refusal["text"]
    assert world.rows("SELECT count(*) FROM tasks") == [(1,)]


# -- what a group does not let the bot do ------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (("videos",), "results come as files"),
        (("videos", "documents"), "results go to each person's private"),
    ],
)
async def test_a_bot_that_is_added_says_what_it_may_not_send(world, kinds, words):
    await world.start()
    world.telegram.acting.set_bot_status(BOSS, GROUP, "left")
    world.telegram.forbid(*kinds)
    world.telegram.acting.set_bot_status(BOSS, GROUP, "member")
    hello = await world.telegram.wait_text(GROUP, "Hello everybody")
    assert words in hello["text"]


async def test_who_adds_the_bot_where_it_may_not_write_is_told_in_private(world):
    await world.start()
    world.telegram.acting.set_bot_status(BOSS, GROUP, "left")
    world.telegram.forbid("text messages", "videos")
    world.telegram.acting.set_bot_status(BOSS, GROUP, "restricted")
    await world.telegram.wait_text(BOSS, "I may not write in “Film club”")
    assert world.telegram.replies(GROUP) == []


async def test_a_group_that_takes_a_right_away_is_told_and_an_admin_may_do_everything(world):
    await world.start()
    world.telegram.forbid("videos")
    world.telegram.acting.set_bot_status(BOSS, GROUP, "restricted")
    await world.telegram.wait_text(GROUP, "I may not send videos here")
    world.telegram.acting.set_bot_status(BOSS, GROUP, "administrator")
    await world.telegram.say(ADA, "/video@kling_demo_bot a fox", chat=GROUP)
    await world.telegram.wait_video(GROUP)


@pytest.mark.parametrize("everything", [False, True], ids=["topic", "topic and the rest"])
async def test_commands_in_a_closed_topic_are_answered_beside_it_or_in_private(world, everything):
    await world.start()
    topic = world.telegram.open_topic("films")
    world.telegram.close_topic(topic)
    if everything:
        world.telegram.close_topic()
    await world.telegram.say(ADA, "/quota@kling_demo_bot", chat=GROUP, thread=topic)
    answer = await world.telegram.wait_text(ADA if everything else GROUP, "Balance:")
    assert ("I can't write in that chat" in answer["text"]) is everything
    assert world.events("an update failed") == []
