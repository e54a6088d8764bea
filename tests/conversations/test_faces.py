"""Faces that speak: which of them, when, how loud; and what is said where Kling cannot use a video or a speech."""

import json

import pytest

from bot.demo.kling.refusals import Canned
from tests.conversations.test_operations import a_video
from tests.conversations.test_own_videos import SOUND
from tests.conversations.test_own_videos import orders as ordered
from tests.world.media import a_clip, a_portrait, a_voice_message
from tests.world.proxy import behind_a_proxy
from tests.world.telegram import ADA

MODELS = '["kling-v2-6"]'
SPOKEN, LOOK = "/v1/videos/advanced-lip-sync", "/v1/videos/identify-face"
WORDS = "/lipsync Hello there, how are you doing today?"


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(models=MODELS, daily=2000)
    await world.start()
    return world


async def lipsync(bot, words: str = WORDS) -> None:
    video = await a_video(bot)
    await bot.telegram.say(ADA, words, reply_to=video["message_id"])


def refusal(code: int, message: str) -> Canned:
    return Canned(400, {"code": code, "message": message, "request_id": "r"})


async def test_faces_that_are_seen_too_briefly_are_not_offered(bot):
    bot.kling.behaviour.faces_seen = ((0, 1500), (1000, 5000), (0, 4000))
    await lipsync(bot)
    await bot.telegram.wait_text(ADA, "Which face")
    keyboard = bot.telegram.messages(ADA)[-1]["reply_markup"]["inline_keyboard"]
    labels = [button["text"] for row in keyboard for button in row]
    assert not [label for label in labels if label.startswith("1")]
    await bot.telegram.press_labelled(ADA, "3")
    await bot.telegram.wait_text(ADA, "face 3")
    # What does not go with the face is said at once, and the card stays.
    await bot.telegram.say(ADA, "--at 3")
    await bot.telegram.wait_text(ADA, "begin at 2 s at the latest")
    await bot.telegram.say(ADA, "--at 1.5 --volume 2")
    await bot.telegram.wait_text(ADA, "from 1.5 s on")
    await bot.telegram.press_labelled(ADA, "Generate")
    await bot.telegram.wait_video(ADA, 2)
    (chosen,) = ordered(bot, SPOKEN)[0]["face_choose"]
    assert (chosen["face_id"], chosen["sound_insert_time"], chosen["sound_volume"]) == ("2", 1500, 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (f"{WORDS} --speaker 1", "seen for less than 2 s"),
        (f"{WORDS} --speaker 2 --at 4", "begin at 3 s at the latest"),
        (f"{WORDS} --speaker 3", "found 2 faces"),
        (f"/lipsync {'Hello there. ' * 70}", "about 65 s of speech; lip-sync takes up to 60 s"),
    ],
)
async def test_what_cannot_be_spoken_is_refused_before_it_costs_anything(bot, words, said):
    bot.kling.behaviour.faces_seen = ((0, 1500), (1000, 5000))
    await lipsync(bot, words)
    await bot.telegram.wait_text(ADA, said)
    assert ordered(bot, SPOKEN) == []
    assert len(bot.rows("SELECT 1 FROM tasks")) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal(1201, "the face in the video is too small"), "can't read the face"),
        (refusal(1301, "content risk"), "content rules block this video"),
        (refusal(1201, "the video is damaged"), "can't lip-sync this video"),
    ],
)
async def test_a_video_that_kling_refuses_to_look_at_costs_nothing(bot, answer, said):
    video = await a_video(bot)
    bot.kling.behaviour.answer_instead.append(answer)
    await bot.telegram.say(ADA, WORDS, reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, said)
    assert len(bot.rows("SELECT 1 FROM tasks")) == 1


async def test_a_refusal_that_comes_later_is_refunded_with_advice(bot):
    video = await a_video(bot)
    before = bot.balance(ADA)
    # It cannot be looked at beforehand, and is refused when it is looked at to be made.
    bot.kling.behaviour.answer_instead.append(refusal(5001, "busy"))
    bot.kling.behaviour.answer_instead[0].status = 503
    bot.kling.behaviour.answer_instead.append(refusal(1201, "the face in the video is too small"))
    await bot.telegram.say(ADA, WORDS, reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "credits are refunded")
    assert bot.balance(ADA) == before


async def test_a_long_recording_speaks_from_a_photo_but_not_from_a_video(bot):
    video = await a_video(bot)
    voice = await bot.telegram.send_voice(ADA, a_voice_message(70), reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "lip-sync takes up to 60 s")
    await bot.telegram.send_photo(ADA, a_portrait(), "/avatar she nods", reply_to=voice["message_id"])
    await bot.telegram.wait_video(ADA, 2)
    (order,) = ordered(bot, "/v1/videos/avatar/image2video")
    assert order["prompt"] == "she nods"


async def test_a_persons_own_video_gets_music_and_fine_sounds(world):
    world.kling.behaviour.render_seconds = 0.3
    async with behind_a_proxy(world, models=MODELS, daily=2000):
        words = "/sound steps --music slow jazz, a piano --asmr"
        await world.telegram.send_film(ADA, a_clip(), caption=words)
        await world.wait_for(lambda: ordered(world, SOUND))
        (order,) = ordered(world, SOUND)
        assert json.dumps(order).count("video_id") == 0
        assert (order["sound_effect_prompt"], order["bgm_prompt"]) == ("steps", "slow jazz, a piano")
        assert order["asmr_mode"] is True
        await world.ended()
