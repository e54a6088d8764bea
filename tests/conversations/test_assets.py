"""Elements and voices in the chat: made, used by name, lost and found, listed, deleted, and whose they are."""

from urllib.parse import urlsplit

import pytest

from bot.demo.script import sample_picture
from tests.conversations.test_operations import a_video
from tests.world.media import a_clip, a_noisy_film, a_portrait, a_voice_message
from tests.world.proxy import behind_a_proxy
from tests.world.telegram import ADA, GROUP, XIAOLIN

MODELS = '["kling-v2-6", "kling-v3-omni"]'
ELEMENTS, VOICES = "/v1/general/advanced-custom-elements", "/v1/general/custom-voices"


@pytest.fixture(autouse=True)
def quick(world):
    world.kling.behaviour.render_seconds = 0.3


@pytest.fixture
async def bot(world):
    world.configure(models=MODELS, daily=2000)
    await world.start()
    return world


def orders(bot, path: str) -> list[dict]:
    """What was ordered at a place of Kling's."""
    return [
        request.body for request in bot.kling.requests if (request.method, request.path) == ("POST", path)
    ]


async def a_fox(bot, user: int = ADA, caption: str = "/element Fox a small red fox") -> str:
    """Make an element of two photos; Kling's id of it."""
    await bot.telegram.send_album(user, [sample_picture(), a_portrait()], caption)
    ready = "SELECT remote_id FROM assets WHERE user_id = ? AND due_at IS NULL"
    await bot.wait_for(lambda: bot.rows(ready, user))
    ((remote,),) = bot.rows(ready, user)
    return remote


async def test_an_element_is_made_of_an_album_and_used_by_its_name(bot):
    remote = await a_fox(bot)
    (order,) = orders(bot, ELEMENTS)
    assert (order["element_name"], order["element_description"]) == ("Fox", "a small red fox")
    assert len(order["element_image_list"]["refer_images"]) == 1
    await bot.telegram.say(ADA, "/video it runs --element fox")
    await bot.telegram.wait_video(ADA)
    (video,) = orders(bot, "/v1/videos/omni-video")
    assert video["element_list"] == [{"element_id": int(remote)}]
    assert video["prompt"] == "it runs <<<element_1>>>"


async def test_of_one_photo_a_nearer_look_is_the_second_picture(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "/element Tom")
    await bot.telegram.wait_text(ADA, "nearer look")
    await bot.telegram.wait_text(ADA, "is ready")
    (order,) = orders(bot, ELEMENTS)
    assert order["element_description"] == "Tom"
    (nearer,) = order["element_image_list"]["refer_images"]
    assert nearer["image_url"] != order["element_image_list"]["frontal_image"]


async def test_other_views_of_one_photo_are_made_by_kling_and_become_an_element(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "/element Tom a tall man")
    await bot.telegram.wait_text(ADA, "is ready")
    await bot.telegram.press_labelled(ADA, "Make other views · 5")
    await bot.telegram.wait_text(ADA, "These are the results")
    views = [message for message in bot.telegram.replies(ADA) if "photo" in message]
    assert (len(views), len({message["media_group_id"] for message in views})) == (3, 1)
    assert bot.balance(ADA) == (-5, 0)
    (asked,) = orders(bot, "/v1/general/ai-multi-shot")
    assert set(asked) <= {"element_frontal_image", "external_task_id", "callback_url"}
    await bot.telegram.press_labelled(ADA, "Make the element")
    await bot.telegram.wait_text(ADA, "Tom2")
    await bot.wait_for(lambda: len(orders(bot, ELEMENTS)) == 2)
    order = orders(bot, ELEMENTS)[-1]
    assert (order["element_name"], order["element_description"]) == ("Tom2", "a tall man")
    assert len(order["element_image_list"]["refer_images"]) == 3


async def test_without_photos_they_are_asked_for(bot):
    await bot.telegram.say(ADA, "/element Fox a small red fox")
    await bot.telegram.wait_text(ADA, "Send me one to four photos of Fox")
    await bot.telegram.send_album(ADA, [sample_picture(), a_portrait(), sample_picture()])
    await bot.telegram.wait_text(ADA, "is ready")
    (order,) = orders(bot, ELEMENTS)
    assert order["element_description"] == "a small red fox"
    assert len(order["element_image_list"]["refer_images"]) == 2


async def test_elements_are_listed_and_deleted(bot):
    await bot.telegram.say(ADA, "/elements")
    await bot.telegram.wait_text(ADA, "You have no elements yet")
    remote = await a_fox(bot)
    await bot.telegram.say(ADA, "/elements")
    await bot.telegram.wait_text(ADA, "Your element")
    await bot.telegram.press_labelled(ADA, "Delete Fox")
    await bot.telegram.wait_text(ADA, "Delete the element Fox?")
    await bot.telegram.press_labelled(ADA, "Delete")
    await bot.telegram.wait_for(lambda: len(bot.written(ADA, "You have no elements yet")) == 2)
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM assets") == [])
    assert orders(bot, "/v1/general/delete-advanced-elements") == [{"element_id": remote}]
    await bot.telegram.say(ADA, "/video it runs --element fox")
    await bot.telegram.wait_text(ADA, "You have no element called")


async def test_an_element_of_somebody_else_is_used_neither_by_name_nor_by_id(bot):
    remote = await a_fox(bot)
    await bot.telegram.say(XIAOLIN, "/video it runs --element fox")
    await bot.telegram.wait_text(XIAOLIN, "你没有名为“fox”的主体")
    await bot.telegram.say(XIAOLIN, f"/video it runs --element {remote}")
    await bot.telegram.wait_text(XIAOLIN, "其他用户的主体")
    assert bot.rows("SELECT DISTINCT model FROM tasks") == [("element",)]
    assert orders(bot, "/v1/videos/omni-video") == []
    await a_fox(bot, XIAOLIN)


async def test_what_kling_refuses_is_told_with_its_reason_and_the_name_is_free_again(bot):
    bot.kling.behaviour.refuse.append(1301)
    await bot.telegram.send_photo(ADA, a_portrait(), "/element Fox")
    await bot.telegram.wait_text(ADA, "content refused")
    await a_fox(bot)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/element", "Give it a name"),
        ("/element 12345", "can't be a name"),
        ("/voice", "Give it a name"),
        ("/voice my own", "can't be a name"),
        ("/voice Ada", "can't make a voice from a recording"),
        ("/myvoices", "no voices of your own"),
        ("/video it runs --element fox", "You have no element called"),
    ],
)
async def test_what_is_missing_is_said(bot, text, words):
    await bot.telegram.say(ADA, text)
    await bot.telegram.wait_text(ADA, words)
    assert bot.rows("SELECT 1 FROM tasks") == []


async def test_five_photos_are_too_many(bot):
    await bot.telegram.send_album(ADA, [a_portrait()] * 5, "/element Fox")
    await bot.telegram.wait_text(ADA, "one to 4 photos")


async def test_in_a_group_nothing_is_made(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "/element Fox", chat=GROUP)
    await bot.telegram.wait_text(GROUP, "private chat")
    assert bot.rows("SELECT 1 FROM tasks") == []


async def test_where_no_provider_can_do_it_that_is_said(world):
    world.configure(dialect="prefixed", key="sk-demo-prefixed")
    await world.start()
    for command in ("/element Fox", "/elements"):
        await world.telegram.say(ADA, command)
    await world.wait_written(ADA, "No provider of this bot makes elements", 2)
    await world.telegram.say(ADA, "/voice Ada")
    await world.telegram.wait_text(ADA, "No provider of this bot makes voices")


# -- voices --------------------------------------------------------------------------------------------


async def test_a_voice_is_made_of_a_recording_and_speaks(world):
    async with behind_a_proxy(world, models=MODELS) as proxy:
        message = await world.telegram.send_voice(ADA, a_voice_message(7))
        await world.telegram.say(ADA, "/voice Ada", reply_to=message["message_id"])
        await world.telegram.wait_text(ADA, "The voice Ada is ready")
        (order,) = orders(world, VOICES)
        assert order["voice_url"].endswith(".mp3")
        assert (urlsplit(order["voice_url"]).path, 200) in proxy.answers
        ((remote,),) = world.rows("SELECT remote_id FROM assets")
        video = await a_video(world)
        words = "/lipsync Hello there, how are you doing today? --voice ada"
        await world.telegram.say(ADA, words, reply_to=video["message_id"])
        await world.telegram.wait_video(ADA, 2)
        assert orders(world, "/v1/audio/tts")[0]["voice_id"] == remote
        await world.telegram.say(ADA, "/myvoices")
        await world.telegram.wait_text(ADA, "Your voice")
        await world.telegram.press_labelled(ADA, "Delete Ada")
        await world.telegram.wait_text(ADA, "Delete the voice Ada?")
        await world.telegram.press_labelled(ADA, "Delete")
        await world.wait_for(lambda: world.rows("SELECT 1 FROM assets") == [])
        assert orders(world, "/v1/general/delete-voices") == [{"voice_id": remote}]


async def test_a_recording_is_asked_for_and_must_have_the_right_length(world):
    async with behind_a_proxy(world, models=MODELS):
        await world.telegram.say(ADA, "/voice Ada")
        await world.telegram.wait_text(ADA, "Send me a voice message")
        await world.telegram.send_voice(ADA, a_voice_message(3))
        await world.telegram.wait_text(ADA, "at least 5 seconds")
        await world.telegram.send_voice(ADA, a_voice_message(31))
        await world.telegram.wait_text(ADA, "up to 30 seconds")
        assert world.rows("SELECT 1 FROM tasks") == []
        await world.telegram.send_voice(ADA, a_voice_message(6))
        await world.telegram.wait_text(ADA, "The voice Ada is ready")


async def test_a_voice_is_made_of_the_sound_of_an_own_video(world):
    async with behind_a_proxy(world, models=MODELS) as proxy:
        message = await world.telegram.send_film(ADA, a_noisy_film(64, 48, 6))
        await world.telegram.say(ADA, "/voice Ada", reply_to=message["message_id"])
        await world.telegram.wait_text(ADA, "The voice Ada is ready")
        (order,) = orders(world, VOICES)
        assert order["voice_url"].endswith(".mp3")
        assert (urlsplit(order["voice_url"]).path, 200) in proxy.answers
        message = await world.telegram.send_film(ADA, a_clip())
        await world.telegram.say(ADA, "/voice Eve", reply_to=message["message_id"])
        await world.telegram.wait_text(ADA, "I can't hear anything in this file")
        assert len(orders(world, VOICES)) == 1


async def test_a_voice_is_made_of_a_video_in_which_somebody_speaks(bot):
    words = "Good morning to all of you, and welcome to this small and rather quiet village by the sea."
    await bot.telegram.send_photo(ADA, a_portrait(), f"/avatar {words}")
    (video,) = await bot.telegram.wait_video(ADA)
    await bot.telegram.say(ADA, "/voice Ada", reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "The voice Ada is ready")
    (order,) = orders(bot, VOICES)
    assert "video_id" in order
    silent = await bot.telegram.say(ADA, "/video a fox")
    assert silent
    videos = await bot.telegram.wait_video(ADA, 2)
    await bot.telegram.say(ADA, "/voice Bob", reply_to=videos[-1]["message_id"])
    await bot.telegram.wait_text(ADA, "no speech in this video")


# -- being forgotten -----------------------------------------------------------------------------------


async def test_whoever_is_forgotten_leaves_no_element_behind(bot):
    remote = await a_fox(bot)
    await bot.telegram.say(ADA, "/forget")
    await bot.telegram.wait_text(ADA, "elements, voices")
    await bot.telegram.press_labelled(ADA, "Delete everything")
    await bot.telegram.wait_text(ADA, "Your data is deleted")
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM assets") == [])
    assert orders(bot, "/v1/general/delete-advanced-elements") == [{"element_id": remote}]
