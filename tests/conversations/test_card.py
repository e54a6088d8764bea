"""The composer card and the settings, through the real process."""

import io

import pytest
from PIL import Image

from bot.demo.script import sample_picture
from tests.world.telegram import ADA, GROUP, XIAOLIN

MODELS = '["kling-v2-6", "kling-v2-5-turbo", "kling-v1-6", "kling-v3"]'


@pytest.fixture
async def bot(world):
    world.configure(models=MODELS)
    await world.start()
    return world


def an_image(red: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 640), (red, 90, 120)).save(buffer, "JPEG")
    return buffer.getvalue()


def card_of(bot, chat: int) -> dict[str, object]:
    """The newest message of the bot with buttons."""
    return [message for message in bot.telegram.replies(chat) if "reply_markup" in message][-1]


def labels(message) -> list[str]:
    return [button["text"] for row in message["reply_markup"]["inline_keyboard"] for button in row]


async def tap(bot, user: int, label: str, then: str, *, chat: int | None = None) -> None:
    """Press a button and wait until the card shows what follows, on a button or in its text."""
    place = chat if chat is not None else user
    card = card_of(bot, place)
    await bot.telegram.press_labelled(user, label, chat=chat)
    await bot.telegram.wait_for(
        lambda: any(then in text for text in (card_of(bot, place)["text"], *labels(card_of(bot, place))))
    )
    assert card_of(bot, place)["message_id"] == card["message_id"], "a tap edits the one message"


async def test_a_video_is_composed_step_by_step_on_one_message(bot):
    await bot.telegram.say(ADA, "/new")
    await bot.telegram.wait_text(ADA, "Describe your video")
    assert "Balance: 200 credits" in card_of(bot, ADA)["text"]
    refused = await bot.telegram.press_labelled(ADA, "Generate")
    assert "describe what should happen" in (await bot.telegram.wait_answer(refused))["text"]
    await bot.telegram.say(ADA, "a fox in the snow")
    await bot.telegram.wait_text(ADA, "a fox in the snow")
    await tap(bot, ADA, "Model", "✓ v2-6 · 15")
    await tap(bot, ADA, "v3 · ", "Model: v3")
    await tap(bot, ADA, "Duration", "7 s · 42")
    await tap(bot, ADA, "7 s", "Generate · 42 credits")
    await tap(bot, ADA, "Ratio", "9:16")
    await tap(bot, ADA, "9:16", "Ratio: 9:16")
    await tap(bot, ADA, "Exclude", "Write what should not appear")
    await bot.telegram.say(ADA, "blur, text")
    await bot.telegram.wait_text(ADA, "Exclude: blur, text")
    await tap(bot, ADA, "Quality", "pro · 56")
    await tap(bot, ADA, "pro", "Generate · 56 credits")
    await bot.restart()
    await tap(bot, ADA, "Sound", "on · 84")
    await tap(bot, ADA, "on · 84", "Generate · 84 credits")
    await bot.telegram.press_labelled(ADA, "Generate · 84 credits")
    (video,) = await bot.telegram.wait_video(ADA)
    assert (video["video"]["width"], video["video"]["duration"]) == (1080, 7)
    assert "a fox in the snow" in video["caption"]
    sent = next(request for request in bot.kling.requests if request.method == "POST")
    assert sent.body["negative_prompt"] == "blur, text"
    await bot.telegram.wait_for(lambda: len(bot.telegram.replies(ADA)) == 1)
    await bot.ended()
    assert bot.balance(ADA) == (-84, 0)


async def test_photos_sent_to_a_card_become_its_frames_and_stale_buttons_say_so(bot):
    await bot.telegram.send_photo(ADA, sample_picture())
    await bot.telegram.wait_text(ADA, "What should happen")
    old = card_of(bot, ADA)
    await bot.telegram.say(ADA, "the boat sails away")
    await bot.telegram.wait_text(ADA, "the boat sails away")
    await tap(bot, ADA, "End photo", "Send the photo")
    await bot.telegram.send_photo(ADA, an_image(200))
    await bot.telegram.wait_text(ADA, "first and last frame")
    await bot.telegram.send_photo(ADA, an_image(20))
    await bot.telegram.wait_text(ADA, "What are these photos for?")
    await tap(bot, ADA, "Combine both", "Reference photos: 3")
    await bot.telegram.say(ADA, "/new a cat")
    await bot.telegram.wait_text(ADA, "a cat")
    stale = old["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    query = await bot.telegram.press(ADA, ADA, card_of(bot, ADA)["message_id"], stale)
    assert "already sent or discarded" in (await bot.telegram.wait_answer(query))["text"]
    assert bot.rows("SELECT count(*) FROM tasks") == [(0,)]


async def test_a_group_composes_by_replies_to_the_card(bot):
    topic = bot.telegram.open_topic("Foxes")
    await bot.telegram.say(ADA, "/new@kling_demo_bot", chat=GROUP, thread=topic)
    card = await bot.telegram.wait_text(GROUP, "Describe your video")
    await bot.telegram.say(ADA, "just talking", chat=GROUP, thread=topic)
    await bot.telegram.say(XIAOLIN, "not my card", chat=GROUP, reply_to=card["message_id"], thread=topic)
    await bot.telegram.say(ADA, "a fox jumps", chat=GROUP, reply_to=card["message_id"], thread=topic)
    composed = await bot.telegram.wait_text(GROUP, "a fox jumps")
    assert composed["message_thread_id"] == topic
    forbidden = await bot.telegram.press_labelled(XIAOLIN, "Generate", chat=GROUP)
    assert "其他人" in (await bot.telegram.wait_answer(forbidden))["text"]
    await bot.telegram.press_labelled(ADA, "Generate", chat=GROUP)
    (video,) = await bot.telegram.wait_video(GROUP)
    assert "a fox jumps" in video["caption"]
    assert not any("not my card" in message.get("text", "") for message in bot.telegram.replies(GROUP))


async def test_settings_are_what_videos_are_like_from_then_on(bot):
    await bot.telegram.say(XIAOLIN, "/settings")
    await bot.telegram.wait_text(XIAOLIN, "你的设置")
    await tap(bot, XIAOLIN, "语言", "跟随")
    await tap(bot, XIAOLIN, "English", "Model: automatic")
    await tap(bot, XIAOLIN, "Model", "✓ automatic")
    await tap(bot, XIAOLIN, "v2-5-turbo", "Model: v2-5-turbo")
    await tap(bot, XIAOLIN, "Ratio", "9:16")
    await tap(bot, XIAOLIN, "9:16", "kling-v2-5-turbo · standard · 5 s · 9:16")
    await tap(bot, XIAOLIN, "Send silently", "Send silently: on")
    await bot.telegram.say(XIAOLIN, "/video a fox")
    (video,) = await bot.telegram.wait_video(XIAOLIN)
    assert "kling-v2-5-turbo" in video["caption"]
    assert video["video"]["width"] < video["video"]["height"]
    await bot.telegram.say(XIAOLIN, "/settings")
    await bot.telegram.wait_for(lambda: "Your settings" in card_of(bot, XIAOLIN).get("text", ""))
    await tap(bot, XIAOLIN, "Ask me first", "Ask me first: on")
    await bot.telegram.say(XIAOLIN, "/video another fox 16:9")
    await bot.telegram.wait_text(XIAOLIN, "Ready. Make it?")
    assert bot.rows("SELECT count(*) FROM tasks") == [(1,)]
    await bot.telegram.press_labelled(XIAOLIN, "Generate")
    await bot.telegram.wait_video(XIAOLIN, 2)


async def test_a_refused_prompt_is_explained_and_edited_on_a_card(bot):
    await bot.telegram.say(ADA, "/video something forbidden 9:16")
    notice = await bot.telegram.wait_text(ADA, "content rules")
    assert "Your 15 credits are refunded" in notice["text"]
    assert not any(code in notice["text"] for code in ("1300", "1301"))
    await bot.telegram.press_labelled(ADA, "Edit prompt")
    card = await bot.telegram.wait_text(ADA, "Ready. Make it?")
    assert "something forbidden" in card["text"]
    await bot.telegram.say(ADA, "something allowed")
    await bot.telegram.wait_for(lambda: "something allowed" in card_of(bot, ADA)["text"])
    await bot.telegram.press_labelled(ADA, "Generate · 15 credits")
    (video,) = await bot.telegram.wait_video(ADA)
    assert video["video"]["width"] < video["video"]["height"]
    await bot.ended(2)
    assert bot.balance(ADA) == (-15, 0)
    await bot.telegram.say(ADA, "/new 10s", reply_to=video["message_id"])
    again = await bot.telegram.wait_text(ADA, "Ready. Make it?")
    assert "something allowed" in again["text"]
    assert "10 s · 9:16" in again["text"]


async def test_an_album_for_a_model_without_references_says_so_and_goes_back(bot):
    await bot.telegram.send_album(ADA, [an_image(1), an_image(2)], "they meet")
    await bot.telegram.wait_text(ADA, "they meet")
    await tap(bot, ADA, "Combine both", "so this uses kling-v1-6")
    assert "kling-v2-6 doesn't take these photos as references" in card_of(bot, ADA)["text"]
    await tap(bot, ADA, "Back to v2-6", "Model: v2-6")
    assert "so this uses" not in card_of(bot, ADA)["text"]
    await bot.telegram.press_labelled(ADA, "Generate")
    await bot.telegram.wait_video(ADA)
    assert bot.kling.requests[0].path == "/v1/videos/image2video"
