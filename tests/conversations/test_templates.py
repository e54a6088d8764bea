"""Templates from the first save to the last delete, through the real process and over a restart."""

import io

import pytest
from PIL import Image

from bot.demo.script import sample_picture
from tests.world.telegram import ADA, XIAOLIN


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    return world


def another_image() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 640), (180, 120, 60)).save(buffer, "JPEG")
    return buffer.getvalue()


async def test_a_template_is_saved_from_a_video_and_made_again_on_another_photo_with_one_tap(bot):
    await bot.telegram.send_photo(ADA, sample_picture(), "the boat sails away 10s")
    (video,) = await bot.telegram.wait_video(ADA)
    await bot.telegram.say(ADA, "/save Boat trip", reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "Saved as Boat trip")
    await bot.restart()
    await bot.telegram.say(ADA, "/templates")
    await bot.telegram.wait_text(ADA, "Your template")
    await bot.telegram.press_labelled(ADA, "Boat trip")
    await bot.telegram.wait_text(ADA, "Needs a photo")
    await bot.telegram.press_labelled(ADA, "On a photo · 30 credits")
    await bot.telegram.wait_text(ADA, "Send me the photo for Boat trip")
    await bot.telegram.send_photo(ADA, another_image())
    again = (await bot.telegram.wait_video(ADA, 2))[-1]
    assert "the boat sails away" in again["caption"]
    assert again["video"]["width"] == again["video"]["height"]
    assert bot.rows("SELECT duration FROM tasks") == [(10,), (10,)]
    # What was asked for came: the next photo is a photo like any other.
    await bot.telegram.send_photo(ADA, another_image())
    await bot.telegram.wait_text(ADA, "What should happen")


async def test_a_template_is_renamed_shared_kept_by_another_and_deleted(bot):
    await bot.telegram.say(ADA, "/video a fox in the snow 9:16")
    (video,) = await bot.telegram.wait_video(ADA)
    await bot.telegram.press(ADA, ADA, video["message_id"], _data(video, "Settings"))
    await bot.telegram.wait_for(lambda: _has_button(bot, "Save as template"))
    await bot.telegram.press_labelled(ADA, "Save as template")
    await bot.telegram.wait_text(ADA, "Saved as a fox in the snow")
    await bot.telegram.press_labelled(ADA, "Rename")
    await bot.telegram.wait_text(ADA, "Send a new name")
    await bot.telegram.say(ADA, "Snow <fox>")
    shown = await bot.telegram.wait_text(ADA, "Snow <fox>")
    await bot.telegram.press(ADA, ADA, shown["message_id"], _data(shown, "Share"))
    shared = await bot.telegram.wait_text(ADA, "?start=template_")
    payload = shared["text"].rpartition("?start=")[2].split()[0]

    # A link that was shared before templates had this name goes on working.
    await bot.telegram.say(XIAOLIN, f"/start {payload.replace('template_', 'recipe_')}")
    found = await bot.telegram.wait_text(XIAOLIN, "Snow <fox>")
    await bot.telegram.press(XIAOLIN, XIAOLIN, found["message_id"], _data(found, "存到我的模板"))
    await bot.telegram.press(XIAOLIN, XIAOLIN, found["message_id"], _data(found, "生成"))
    (theirs,) = await bot.telegram.wait_video(XIAOLIN)
    assert theirs["video"]["height"] > theirs["video"]["width"]

    await bot.telegram.press(ADA, ADA, shown["message_id"], _data(shown, "Delete"))
    await bot.telegram.wait_text(ADA, "Delete Snow <fox>?")
    await bot.telegram.press_labelled(ADA, "Delete")
    await bot.telegram.wait_text(ADA, "You have no templates yet")
    await bot.telegram.say(ADA, f"/start {payload}")
    await bot.telegram.wait_text(ADA, "This template was deleted")
    await bot.telegram.say(ADA, "/start recipe_'; DROP")
    await bot.telegram.wait_for(lambda: len(bot.telegram.replies(ADA)) > 0)
    assert [name for (name,) in bot.rows("SELECT title FROM templates")] == ["Snow <fox>"]


@pytest.mark.parametrize(
    ("text", "words"), [("/save", "open a card with /new"), ("/templates", "no templates yet")]
)
async def test_where_there_is_nothing_yet_the_way_to_the_first_template_is_told(bot, text, words):
    await bot.telegram.say(ADA, text)
    await bot.telegram.wait_text(ADA, words)


def _data(message, label: str) -> str:
    rows = message["reply_markup"]["inline_keyboard"]
    return next(button["callback_data"] for row in rows for button in row if button["text"].startswith(label))


def _has_button(bot, label: str) -> bool:
    rows = [
        row
        for message in bot.telegram.replies(ADA)
        for row in message.get("reply_markup", {}).get("inline_keyboard", [])
    ]
    return any(button["text"] == label for row in rows for button in row)
