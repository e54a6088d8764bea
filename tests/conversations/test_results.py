"""What people do with a finished video: buttons, replies, edits, through the real process."""

import pytest

from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(daily=1_000, models='["kling-v1-6", "kling-v2-6"]')
    await world.start()
    return world


async def made(bot, words: str = "a fox --model kling-v1-6", chat: int = ADA, user: int = ADA) -> dict:
    """A finished video."""
    before = len([message for message in bot.telegram.replies(chat) if "video" in message])
    command = f"/video@kling_demo_bot {words}" if chat == GROUP else f"/video {words}"
    await bot.telegram.say(user, command, chat=chat)
    return (await bot.telegram.wait_video(chat, before + 1))[-1]


def labels(message: dict) -> list[list[str]]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [[button["text"] for button in row] for row in rows]


async def test_a_result_offers_what_its_model_can_do_and_every_button_works_after_a_restart(bot):
    video = await made(bot)
    assert labels(video) == [
        ["Again · 20 credits", "Change"],
        ["Extend", "Lip-sync", "Effects"],
        ["Original file", "Settings"],
        ["☆ Favourite", "Delete"],
    ]
    await bot.ended()
    await bot.restart()

    await bot.telegram.press_labelled(ADA, "Settings")
    await bot.telegram.wait_for(lambda: buttons(bot, ADA, "Copy id"))
    about = bot.telegram.replies(ADA)[-1]
    assert labels(about) == [["Copy id", "Copy the prompt"], ["Save as template"]]
    assert about["text"].startswith("kling-v1-6 · standard · 5 s · 16:9\n20 credits")

    await bot.telegram.press_labelled(ADA, "Original file")
    (document,) = await bot.telegram.wait_for(
        lambda: [message for message in bot.telegram.replies(ADA) if "document" in message]
    )
    files = bot.telegram.state.files
    sent = files[document["document"]["file_id"]].path.read_bytes()
    assert sent == files[video["video"]["file_id"]].path.read_bytes()

    await bot.telegram.press_labelled(ADA, "☆ Favourite")
    await bot.telegram.wait_for(
        lambda: any("★ Unfavourite" in row for m in bot.telegram.replies(ADA) for row in labels(m))
    )
    await bot.telegram.say(ADA, "/favourites")
    await bot.telegram.wait_text(ADA, "★ favourite")

    await bot.telegram.press_labelled(ADA, "Change")
    await bot.telegram.wait_for(
        lambda: [
            button
            for message in bot.telegram.replies(ADA)
            for row in labels(message)
            for button in row
            if button.startswith("Generate")
        ]
    )
    await bot.telegram.press_labelled(ADA, "Again")
    await bot.telegram.wait_video(ADA, 2)


async def test_questions_beneath_a_video_are_answered_by_replies_and_taps(bot):
    video = await made(bot)
    await bot.telegram.press_labelled(ADA, "Extend")
    question = await bot.telegram.wait_text(ADA, "What should happen next")
    await bot.telegram.say(ADA, "it runs into the wood", reply_to=question["message_id"])
    longer = (await bot.telegram.wait_video(ADA, 2))[-1]
    assert "it runs into the wood" in longer["caption"]
    await bot.telegram.wait_for(lambda: question["message_id"] not in ids(bot, ADA))

    await bot.telegram.press(ADA, ADA, video["message_id"], data_of(video, "Extend"))
    await bot.telegram.wait_text(ADA, "What should happen next")
    await bot.telegram.press_labelled(ADA, "Just continue")
    await bot.telegram.wait_video(ADA, 3)

    await bot.telegram.press(ADA, ADA, video["message_id"], data_of(video, "Lip-sync"))
    question = await bot.telegram.wait_text(ADA, "what should the face say")
    (asked,) = [call for method, call in bot.telegram.calls if "force_reply" in str(call)]
    assert asked["chat_id"] == str(ADA)
    await bot.telegram.say(ADA, "Hello there, how are you all doing?", reply_to=question["message_id"])
    await bot.telegram.wait_video(ADA, 4)

    await bot.telegram.press(ADA, ADA, video["message_id"], data_of(video, "Effects"))
    question = await bot.telegram.wait_text(ADA, "Which effect")
    await bot.telegram.press_labelled(ADA, "Dance (35)")
    await bot.telegram.wait_for(lambda: "Swag dance · 20" in words_on(shown(bot, ADA, question)))
    await bot.telegram.press_labelled(ADA, "More")
    await bot.telegram.wait_for(lambda: "Subject three · 20" in words_on(shown(bot, ADA, question)))
    await bot.telegram.press_labelled(ADA, "◀ Back")
    await bot.telegram.wait_for(lambda: "Daoma dance · 50" in words_on(shown(bot, ADA, question)))
    before = bot.balance(ADA)[0]
    await bot.telegram.press_labelled(ADA, "Daoma dance · 50")
    await bot.telegram.wait_video(ADA, 5)
    await bot.ended()
    assert bot.balance(ADA)[0] == before - 50


async def test_a_reply_with_words_extends_a_video_or_is_offered_a_new_one(bot):
    video = await made(bot)
    await bot.telegram.say(ADA, "then it sleeps", reply_to=video["message_id"])
    longer = (await bot.telegram.wait_video(ADA, 2))[-1]
    assert "then it sleeps" in longer["caption"]
    other = await made(bot, "a crow 10s --model kling-v2-6")
    await bot.telegram.say(ADA, "two crows", reply_to=other["message_id"])
    offer = await bot.telegram.wait_text(ADA, "two crows")
    assert any(button.startswith("Make a new one · ") for button in words_on(offer))


async def test_an_edited_prompt_is_asked_about_and_runs_only_when_that_is_wanted(bot):
    asked = await bot.telegram.say(ADA, "/video a fox")
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    bot.telegram.acting.edit(ADA, ADA, asked["message_id"], "/video a red fox")
    question = await bot.telegram.wait_text(ADA, "Your prompt changed. Run it again?")
    assert "a red fox" in question["text"]
    assert bot.balance(ADA) == (-20, 0)
    await bot.telegram.press_labelled(ADA, "Generate · 20 credits")
    again = (await bot.telegram.wait_video(ADA, 2))[-1]
    assert again["reply_to_message"]["message_id"] == asked["message_id"]


async def test_deleting_asks_once_and_takes_the_messages_and_the_history_but_not_the_ledger(bot):
    await made(bot)
    await bot.ended()
    ((name,),) = bot.rows("SELECT id FROM tasks")
    await bot.telegram.say(ADA, f"/show {name}")
    await bot.telegram.wait_video(ADA, 2)
    await bot.telegram.press_labelled(ADA, "Delete")
    await bot.telegram.wait_for(lambda: buttons(bot, ADA, "Keep it"))
    await bot.telegram.press_labelled(ADA, "Keep it")
    await bot.telegram.wait_for(lambda: not buttons(bot, ADA, "Keep it"))
    await bot.telegram.press_labelled(ADA, "Delete")
    await bot.telegram.wait_for(lambda: buttons(bot, ADA, "Delete for good"))
    answer = await bot.telegram.wait_answer(await bot.telegram.press_labelled(ADA, "Delete for good"))
    assert "is deleted" in answer["text"]
    assert not [message for message in bot.telegram.replies(ADA) if "video" in message]
    await bot.telegram.say(ADA, f"/show {name}")
    await bot.telegram.wait_text(ADA, "was deleted")
    await bot.telegram.say(ADA, "/history")
    await bot.telegram.wait_text(ADA, "You have no videos yet")
    assert bot.balance(ADA) == (-20, 0)


async def test_in_a_group_others_see_the_settings_and_press_nothing_that_costs_or_deletes(bot):
    video = await made(bot, chat=GROUP)
    await bot.ended()
    for label in ("Delete", "Extend", "☆ Favourite", "Again", "Change"):
        query = await bot.telegram.press(XIAOLIN, GROUP, video["message_id"], data_of(video, label))
        assert (await bot.telegram.wait_answer(query))["show_alert"]
    query = await bot.telegram.press(XIAOLIN, GROUP, video["message_id"], data_of(video, "Settings"))
    assert "kling-v1-6" in (await bot.telegram.wait_answer(query))["text"]
    assert (bot.balance(ADA), bot.balance(XIAOLIN)) == ((-20, 0), (0, 0))

    await bot.telegram.say(ADA, "what a fox!", chat=GROUP, reply_to=video["message_id"])
    await bot.telegram.say(ADA, "@kling_demo_bot it runs on", chat=GROUP, reply_to=video["message_id"])
    longer = (await bot.telegram.wait_video(GROUP, 2))[-1]
    assert "it runs on" in longer["caption"]
    await bot.telegram.press(BOSS, GROUP, video["message_id"], data_of(video, "Delete"))
    await bot.telegram.wait_for(lambda: buttons(bot, GROUP, "Delete for good"))


async def test_each_picture_of_an_album_can_be_picked_and_worked_with_alone(bot):
    def photos() -> list[dict]:
        return [message for message in bot.telegram.replies(ADA) if "photo" in message]

    await bot.telegram.say(ADA, "/image two foxes --n 2")
    (beside,) = await bot.telegram.wait_for(
        lambda: [message for message in bot.telegram.replies(ADA) if "Pick 2" in words_on(message)], 40
    )
    await bot.ended()
    await bot.telegram.press_labelled(ADA, "Pick 2")
    await bot.telegram.wait_for(lambda: len(photos()) == 3)
    picked = photos()[-1]
    assert labels(picked)[1] == ["Animate", "Effects"]
    _, (second,) = bot.rows("SELECT file_id FROM outbox ORDER BY id LIMIT 2")
    assert picked["photo"][-1]["file_id"] == second

    await bot.telegram.press(ADA, ADA, picked["message_id"], data_of(picked, "Effects"))
    question = await bot.telegram.wait_text(ADA, "Which effect")
    await bot.telegram.say(ADA, "no such effect", reply_to=question["message_id"])
    await bot.telegram.wait_text(ADA, "no such effect")
    await bot.telegram.say(ADA, "running", reply_to=question["message_id"])
    await bot.telegram.wait_video(ADA)
    await bot.ended(2)

    await bot.telegram.press(ADA, ADA, beside["message_id"], data_of(beside, "Delete"))
    await bot.telegram.wait_for(lambda: buttons(bot, ADA, "Delete for good"))
    await bot.telegram.press_labelled(ADA, "Delete for good")
    await bot.telegram.wait_for(lambda: not photos())


def words_on(message: dict) -> list[str]:
    return [text for row in labels(message) for text in row]


def ids(bot, chat: int) -> set[int]:
    return {message["message_id"] for message in bot.telegram.messages(chat)}


def shown(bot, chat: int, message: dict) -> dict:
    return next(one for one in bot.telegram.messages(chat) if one["message_id"] == message["message_id"])


def buttons(bot, chat: int, label: str) -> list[str]:
    return [text for message in bot.telegram.replies(chat) for text in words_on(message) if text == label]


def data_of(message: dict, label: str) -> str:
    return next(
        button["callback_data"]
        for row in message["reply_markup"]["inline_keyboard"]
        for button in row
        if button["text"].startswith(label)
    )
