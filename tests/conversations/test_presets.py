"""Kling's own elements and voices in the chat: listed by pages, previewed, used by a tap and by name."""

import pytest

from bot.domain.types import HOUR
from tests.conversations.test_assets import a_fox, orders
from tests.conversations.test_card import tap
from tests.world.media import a_portrait
from tests.world.telegram import ADA

MODELS = '["kling-v2-6", "kling-v3-omni"]'
OMNI, FRAME = "/v1/videos/omni-video", "/v1/videos/image2video"
LISTS = ("/v1/general/advanced-presets-elements", "/v1/general/presets-voices")


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(models=MODELS, daily=2000)
    await world.start()
    return world


def listings(bot) -> int:
    """How often Kling was asked for lists of what is its own."""
    return len([request for request in bot.kling.requests if request.path in LISTS])


def labels(bot) -> list[str]:
    """What stands on the buttons of the newest message."""
    keyboard = bot.telegram.messages(ADA)[-1].get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in keyboard for button in row]


async def press(bot, label: str) -> None:
    """Press a button of the newest message once it is there."""
    await bot.telegram.wait_for(lambda: any(text.startswith(label) for text in labels(bot)))
    await bot.telegram.press_labelled(ADA, label)


async def open_list(bot, command: str) -> None:
    await bot.telegram.say(ADA, command)
    await press(bot, "Ready-made")


async def test_an_element_is_shown_and_used_by_a_tap(bot):
    await open_list(bot, "/elements")
    await press(bot, "Paper crane")
    await bot.telegram.wait_for(lambda: [m for m in bot.telegram.replies(ADA) if "photo" in m])
    await press(bot, "Use it")
    await bot.telegram.wait_text(ADA, "@Paper-crane")
    await bot.telegram.say(ADA, "it flies over the sea")
    await bot.telegram.wait_text(ADA, "over the sea")
    await press(bot, "Generate")
    await bot.telegram.wait_video(ADA)
    (order,) = orders(bot, OMNI)
    assert order["element_list"] == [{"element_id": 1000002}]
    assert order["prompt"].startswith("it flies over the sea")
    # The list is asked for once, whatever is tapped.
    assert listings(bot) == 1


async def test_one_is_taken_away_on_the_card_and_named_by_a_tap_or_with_a_space(bot):
    await bot.telegram.say(ADA, "/new @Grey cat meets @paper crane")
    await bot.telegram.wait_text(ADA, "@Grey-cat meets @paper-crane")
    await tap(bot, ADA, "Elements, voices", "✓ @Grey-cat")
    await tap(bot, ADA, "✓ @Grey-cat", "✓ @paper-crane")
    await tap(bot, ADA, "Back", "Grey-cat meets @paper-crane")
    await tap(bot, ADA, "Name in prompt", "✓ @paper-crane")
    await tap(bot, ADA, "✓ @paper-crane", "Tap to write")
    await tap(bot, ADA, "Back", "With @paper-crane")
    await tap(bot, ADA, "Name in prompt", "Tap to write")
    await tap(bot, ADA, "@paper-crane", "✓ @paper-crane")
    await tap(bot, ADA, "Back", "Grey-cat meets @paper-crane")
    await press(bot, "Generate")
    await bot.telegram.wait_video(ADA)
    (order,) = orders(bot, OMNI)
    assert order["element_list"] == [{"element_id": 1000002}]
    assert order["prompt"] == "Grey-cat meets <<<element_1>>>"


async def test_of_characters_of_a_video_fewer_are_taken(bot):
    words = "@street-dancer and @tall-chef meet --model v3-omni"
    await bot.telegram.say(ADA, f"/video {words}")
    await bot.telegram.wait_video(ADA)
    photos = [a_portrait(), a_portrait(), a_portrait(), a_portrait(), a_portrait()]
    await bot.telegram.send_album(ADA, photos, f"/video @1 sees {words}")
    await bot.telegram.wait_text(ADA, "up to 4 of these in one video")
    assert len(orders(bot, OMNI)) == 1


async def test_a_name_in_a_prompt_is_known_and_a_persons_own_goes_before_it(bot):
    await bot.telegram.say(ADA, "/video @Grey-cat sleeps beside a @lighthouse")
    await bot.telegram.wait_video(ADA)
    (order,) = orders(bot, OMNI)
    assert order["element_list"] == [{"element_id": 1000003}, {"element_id": 1000001}]
    assert order["prompt"] == "<<<element_1>>> sleeps beside a <<<element_2>>>"
    remote = await a_fox(bot, caption="/element Lighthouse a white tower")
    await bot.telegram.say(ADA, "/video a @lighthouse in a storm")
    await bot.telegram.wait_video(ADA, 2)
    assert orders(bot, OMNI)[1]["element_list"] == [{"element_id": int(remote)}]


async def test_a_voice_is_heard_and_used_by_its_name_but_says_no_texts(bot):
    await open_list(bot, "/voices")
    await press(bot, "Old Tom")
    await bot.telegram.wait_for(lambda: [m for m in bot.telegram.replies(ADA) if "audio" in m])
    words = "/video he says good morning --voice Old-Tom"
    await bot.telegram.send_photo(ADA, a_portrait(), words)
    await bot.telegram.wait_video(ADA)
    (order,) = orders(bot, FRAME)
    assert order["voice_list"] == [{"voice_id": "829836967146070002"}]
    await bot.telegram.send_photo(
        ADA, a_portrait(), "/avatar Hello there, how are you doing today? --voice Old-Tom"
    )
    await bot.telegram.wait_text(ADA, "a voice for /video only")


async def test_the_lists_are_asked_for_again_after_some_hours_only(bot):
    for _ in range(2):
        await open_list(bot, "/elements")
        await bot.telegram.wait_text(ADA, "Kling's own elements")
    assert listings(bot) == 1
    bot.clock.advance(7 * HOUR)
    await open_list(bot, "/elements")
    await bot.wait_for(lambda: listings(bot) == 2)


async def test_what_names_nothing_asks_for_no_list(bot):
    await bot.telegram.say(ADA, "/video a fox --pro 10s")
    await bot.telegram.wait_video(ADA)
    assert listings(bot) == 0


async def test_where_kling_tells_of_none_the_names_of_ones_own_still_work(bot):
    remote = await a_fox(bot)
    bot.kling.behaviour.refuse_queries.extend([5001] * 2)
    await bot.telegram.say(ADA, "/video @fox runs")
    await bot.telegram.wait_video(ADA)
    assert orders(bot, OMNI)[0]["element_list"] == [{"element_id": int(remote)}]


async def test_a_voice_goes_onto_the_card_of_a_photo_by_a_tap(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "/new he says good morning")
    await bot.telegram.wait_text(ADA, "good morning")
    await open_list(bot, "/voices")
    await press(bot, "Old Tom")
    await press(bot, "Use it")
    await bot.telegram.wait_text(ADA, "@Old-Tom")
    await press(bot, "Generate")
    await bot.telegram.wait_video(ADA)
    (order,) = orders(bot, FRAME)
    assert order["voice_list"] == [{"voice_id": "829836967146070002"}]
