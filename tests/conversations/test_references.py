"""Elements, voices and photos named in a prompt or added by a tap, and shots, through the real process."""

import pytest

from bot.demo.kling.refusals import Canned
from bot.demo.script import sample_picture
from tests.conversations.test_assets import ELEMENTS, a_fox, orders
from tests.conversations.test_card import card_of, tap
from tests.world.media import a_portrait
from tests.world.telegram import ADA

MODELS = '["kling-v2-6", "kling-v3-omni", "kling-v3"]'
OMNI = "/v1/videos/omni-video"


@pytest.fixture(autouse=True)
def quick(world):
    world.kling.behaviour.render_seconds = 0.3


@pytest.fixture
async def bot(world):
    world.configure(models=MODELS, daily=2000)
    await world.start()
    return world


async def test_an_element_is_named_where_the_prompt_says_it(bot):
    remote = await a_fox(bot)
    await bot.telegram.say(ADA, "/video a dog looks for @Fox in the snow, like @nasa would")
    (video,) = await bot.telegram.wait_video(ADA)
    (order,) = orders(bot, OMNI)
    assert order["element_list"] == [{"element_id": int(remote)}]
    assert order["prompt"] == "a dog looks for <<<element_1>>> in the snow, like @nasa would"
    assert "a dog looks for @Fox in the snow" in video["caption"]
    await bot.telegram.say(ADA, "/history fox dog")
    await bot.telegram.wait_text(ADA, "@Fox in the snow")


async def test_a_misspelt_name_is_refused_with_what_was_meant(bot):
    await a_fox(bot)
    await bot.telegram.say(ADA, "/video @Foxx runs")
    await bot.telegram.wait_text(ADA, "nothing called “@Foxx”. Did you mean @fox?")
    await bot.telegram.say(ADA, "/video @image3 runs")
    await bot.telegram.wait_text(ADA, "names @image3, which isn't there")
    assert bot.rows("SELECT count(*) FROM tasks WHERE state = 'succeeded'") == [(1,)], "only the element"


async def test_photos_of_an_album_are_named_by_their_numbers(bot):
    await bot.telegram.send_album(ADA, [sample_picture(), a_portrait()], "@2 waves at @1")
    await bot.telegram.wait_video(ADA)
    (order,) = orders(bot, OMNI)
    assert order["prompt"] == "<<<image_2>>> waves at <<<image_1>>>"
    assert len(order["image_list"]) == 2
    assert not any("type" in image for image in order["image_list"])


async def test_a_tap_adds_an_element_and_takes_it_away(bot):
    remote = await a_fox(bot)
    await bot.telegram.say(ADA, "/new it runs")
    await bot.telegram.wait_text(ADA, "it runs")
    await tap(bot, ADA, "Elements, voices", "@Fox")
    await tap(bot, ADA, "@Fox", "✓ @Fox")
    await tap(bot, ADA, "✓ @Fox", "Tap to add one")
    await tap(bot, ADA, "@Fox", "✓ @Fox")
    await tap(bot, ADA, "Back", "With @Fox")
    assert "v3-omni" in card_of(bot, ADA)["text"], "a model that takes it"
    await bot.telegram.say(ADA, "@Fox sleeps")
    await bot.telegram.wait_text(ADA, "@Fox sleeps")
    assert "With @Fox" not in card_of(bot, ADA)["text"]
    await bot.telegram.press_labelled(ADA, "Generate")
    await bot.telegram.wait_video(ADA)
    (order,) = orders(bot, OMNI)
    assert order["prompt"] == "<<<element_1>>> sleeps"
    assert order["element_list"] == [{"element_id": int(remote)}]


async def test_a_voice_is_named_and_brings_the_sound_that_it_needs(bot):
    words = "Good morning to all of you, and welcome to this small and rather quiet village by the sea."
    await bot.telegram.send_photo(ADA, a_portrait(), f"/avatar {words}")
    (video,) = await bot.telegram.wait_video(ADA)
    await bot.telegram.say(ADA, "/voice Ada", reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "The voice Ada is ready")
    ((voice,),) = bot.rows("SELECT remote_id FROM assets")
    await bot.telegram.say(ADA, "/video @Ada says hello")
    await bot.telegram.wait_text(ADA, "need sound and a photo to start from")
    await bot.telegram.send_photo(ADA, a_portrait(), "@Ada says hello")
    await bot.telegram.wait_video(ADA, 2)
    (order,) = orders(bot, "/v1/videos/image2video")
    assert order["voice_list"] == [{"voice_id": voice}]
    assert (order["prompt"], order["sound"], order["mode"]) == ("<<<voice_1>>> says hello", "on", "pro")
    # Kling 3.0 knows no voice beside an element: there the element has one.
    await bot.telegram.send_photo(ADA, a_portrait(), "/element Eve a friendly woman @ada")
    await bot.telegram.wait_text(ADA, "The element Eve is ready")
    (element,) = orders(bot, ELEMENTS)
    assert (element["element_voice_id"], element["element_description"]) == (voice, "a friendly woman")


async def test_shots_are_typed_on_the_card_or_left_to_the_model(bot):
    await bot.telegram.say(ADA, "/new a fox in the snow --model v3")
    await bot.telegram.wait_text(ADA, "a fox in the snow")
    await tap(bot, ADA, "Auto shots", "on")
    await tap(bot, ADA, "on", "Auto shots: on")
    await tap(bot, ADA, "Shots: ", "Send the shots")
    await bot.telegram.say(ADA, "2s a fox wakes | 4s it runs")
    await bot.telegram.wait_text(ADA, "2 shots")
    await bot.telegram.press_labelled(ADA, "Generate")
    await bot.telegram.wait_video(ADA)
    await bot.telegram.say(ADA, "/video a fox wakes and runs --model v3 --shots auto")
    await bot.telegram.wait_video(ADA, 2)
    custom, automatic = orders(bot, "/v1/videos/text2video")
    assert [shot["prompt"] for shot in custom["multi_prompt"]] == ["a fox wakes", "it runs"]
    assert (custom["duration"], custom["shot_type"]) == ("6", "customize")
    assert (automatic["multi_shot"], automatic["shot_type"]) == (True, "intelligence")
    assert "multi_prompt" not in automatic


REFUSED = {"code": 1201, "message": "duration is not supported with the first frame", "request_id": "r"}


async def test_a_refused_length_of_o1_teaches_how_its_page_is_meant(world):
    world.configure(models='["kling-video-o1"]', daily=2000)
    await world.start()
    await a_fox(world)
    ask = "@Fox runs --model kling-video-o1 --duration 7"
    world.kling.behaviour.answer_instead.append(Canned(400, REFUSED))
    await world.telegram.send_photo(ADA, a_portrait(), ask)
    await world.telegram.wait_text(ADA, "credits are refunded")
    assert world.balance(ADA) == (0, 0)
    sent = len(orders(world, OMNI))
    await world.telegram.send_photo(ADA, a_portrait(), ask)
    await world.telegram.wait_text(ADA, "5, 10")
    assert len(orders(world, OMNI)) == sent, "refused before anything was held or sent"
    await world.telegram.send_photo(ADA, a_portrait(), "@Fox runs --model kling-video-o1 --duration 10")
    await world.telegram.wait_video(ADA)
