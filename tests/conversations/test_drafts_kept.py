"""A draft that was forgotten takes in no new idea unasked, and photos are never dropped without a word."""

import pytest

from bot.domain.types import MINUTE
from tests.world.media import a_portrait
from tests.world.telegram import ADA


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(daily=1_000)
    await world.start()
    return world


def labels(message: dict) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def drafts(bot) -> list[str]:
    return [row[0] for row in bot.rows("SELECT data FROM drafts")]


async def say(bot, text: str) -> dict:
    """Say something; the newest message of the bot afterwards."""
    await bot.telegram.say(ADA, text)
    await bot.settle()
    return bot.telegram.replies(ADA)[-1]


async def with_photo(bot) -> None:
    await bot.telegram.send_photo(ADA, a_portrait())
    await bot.settle()
    assert '"first_frame": {' in drafts(bot)[0]


async def test_a_text_goes_into_a_card_that_is_current(bot):
    await with_photo(bot)
    bot.clock.advance(14 * MINUTE)
    assert any(label.startswith("Generate") for label in labels(await say(bot, "she smiles")))
    assert "she smiles" in drafts(bot)[0]


@pytest.mark.parametrize("means", ["late", "after a command", "after a video"])
async def test_a_text_for_a_forgotten_card_is_asked_about(bot, means):
    if means == "after a video":
        await say(bot, "/video a fox")
        (video,) = await bot.telegram.wait_video(ADA)
        await bot.ended()
    await with_photo(bot)
    if means == "late":
        bot.clock.advance(15 * MINUTE)
    elif means == "after a command":
        await say(bot, "/quota")
    else:
        again = next(label for label in labels(video) if label.startswith("Again"))
        await bot.telegram.press_labelled(ADA, again)
        await bot.telegram.wait_video(ADA, 2)
    question = await say(bot, "a crow in the rain")
    assert labels(question) == ["Change the open draft", "New video"]
    assert "a crow in the rain" not in drafts(bot)[0]

    await bot.telegram.press_labelled(ADA, "Change the open draft")
    await bot.settle()
    assert "a crow in the rain" in drafts(bot)[0]
    assert '"first_frame": {' in drafts(bot)[0]
    assert question["message_id"] not in {message["message_id"] for message in bot.telegram.messages(ADA)}


async def test_a_new_video_in_place_of_a_forgotten_card_leaves_a_way_back(bot):
    await with_photo(bot)
    bot.clock.advance(15 * MINUTE)
    await say(bot, "a crow in the rain")
    await bot.telegram.press_labelled(ADA, "New video")
    await bot.telegram.wait_text(ADA, "Your draft with 1 photo was put aside")
    assert '"first_frame": null' in drafts(bot)[0]
    await bot.telegram.press_labelled(ADA, "Bring it back")
    await bot.settle()
    assert '"first_frame": {' in drafts(bot)[0]


@pytest.mark.parametrize("way", ["/new", "/cancel", "Discard", "photo"])
async def test_no_photo_is_dropped_without_a_way_back(bot, way):
    await with_photo(bot)
    before = drafts(bot)[0]
    if way == "Discard":
        await bot.telegram.press_labelled(ADA, "Discard")
    elif way == "photo":
        bot.clock.advance(15 * MINUTE)
        await bot.telegram.send_photo(ADA, a_portrait())
    else:
        await bot.telegram.say(ADA, way)
    await bot.telegram.wait_text(ADA, "Your draft with 1 photo was put aside")
    await bot.telegram.press_labelled(ADA, "Bring it back")
    await bot.settle()
    assert drafts(bot) == [before]
    assert any(label.startswith("Generate") for label in labels(bot.telegram.replies(ADA)[-1]))
