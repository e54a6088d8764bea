"""Videos made longer: by their provider where it can, else from the last frame, and then both as one file."""

import io
from pathlib import Path

import av
import pytest

from bot.demo.telegram.acting import Place
from bot.demo.telegram.wire import Upload
from tests.conversations.test_own_videos import kept, orders
from tests.world.media import a_clip
from tests.world.proxy import behind_a_proxy
from tests.world.telegram import ADA, XIAOLIN

FRAMES, EXTEND, OMNI = "/v1/videos/image2video", "/v1/videos/video-extend", "/v1/videos/omni-video"
MODELS = '["kling-v2-6", "kling-v1-6", "kling-v3", "kling-v3-omni"]'


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(models=MODELS, daily=1_000)
    await world.start()
    return world


def seconds(bot, message: dict) -> float:
    """How long the video of a message is, by its frames."""
    path: Path = bot.telegram.state.files[message["video"]["file_id"]].path
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return float(max((frame.pts + frame.duration) * frame.time_base for frame in frames))


async def press(bot, label: str) -> None:
    await bot.telegram.press_labelled(ADA, label)


async def test_an_own_video_goes_on_from_its_last_frame_and_comes_as_one(bot):
    await bot.telegram.send_film(ADA, a_clip(1280, 720, 4), caption="/extend it begins to rain")
    card = await bot.telegram.wait_text(ADA, "A new video starts at the last frame")
    assert "Continues your video from its last frame (4 s)" in card["text"]
    assert "it begins to rain" in card["text"]
    assert bot.balance(ADA) == (0, 0)
    await press(bot, "Generate")
    (video,) = await bot.telegram.wait_video(ADA)
    (order,) = orders(bot, FRAMES)
    assert order["prompt"] == "it begins to rain"
    assert order["image"]
    assert "Continues your video: both parts" in video["caption"]
    assert seconds(bot, video) == pytest.approx(9, abs=0.1)
    assert video["video"]["duration"] == 9
    await bot.ended()
    # Nothing is refunded for what was there before, and nothing is charged for it.
    assert bot.rows("SELECT kind FROM ledger WHERE kind NOT IN ('hold', 'grant')") == [("charge",)]


@pytest.mark.parametrize("kind", ["animation", "document"])
async def test_whatever_kind_of_message_holds_it(bot, kind):
    message = await bot.telegram.send_film(ADA, a_clip(), kind)
    await bot.telegram.say(ADA, "/extend on it goes --model kling-v3-omni", reply_to=message["message_id"])
    await bot.telegram.wait_text(ADA, "A new video starts")
    await press(bot, "Generate")
    await bot.telegram.wait_video(ADA)
    (order,) = orders(bot, OMNI)
    assert order["image_list"][0]["type"] == "first_frame"


async def test_it_is_told_in_chinese(bot):
    upload = Upload("mine.mp4", "video/mp4", len(a_clip()), io.BytesIO(a_clip()))
    await bot.telegram.acting.send_file(XIAOLIN, "video", upload, "/extend 开始下雨", Place(None))
    card = await bot.telegram.wait_text(XIAOLIN, "新视频会从这段视频的最后一帧开始")
    assert "从你的视频（5 秒）的最后一帧继续" in card["text"]
    await bot.telegram.press_labelled(XIAOLIN, "生成")
    (video,) = await bot.telegram.wait_video(XIAOLIN)
    assert "延续你的视频：两段合一" in video["caption"]


async def test_a_video_that_its_provider_cannot_extend_goes_on_with_its_own_model(bot):
    await bot.telegram.say(ADA, "/video a fox --model kling-v3 --sound")
    (first,) = await bot.telegram.wait_video(ADA)
    await bot.ended()
    await bot.telegram.say(ADA, "/extend it sleeps", reply_to=first["message_id"])
    card = await bot.telegram.wait_text(ADA, "A new video starts")
    ((name,),) = bot.rows("SELECT id FROM tasks")
    assert f"Continues {name[:4]}-{name[4:]} from its last frame" in card["text"]
    await press(bot, "Generate")
    video = (await bot.telegram.wait_video(ADA, 2))[-1]
    assert f"Continues {name[:4]}-{name[4:]}: both parts" in video["caption"]
    (order,) = orders(bot, FRAMES)
    assert (order["model_name"], order["sound"]) == ("kling-v3", "on")
    assert seconds(bot, video) > 1.5 * seconds(bot, first)
    await bot.ended(2)

    # What is longer already goes on as a whole.
    await bot.telegram.say(ADA, "/extend it wakes", reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "it wakes")
    await press(bot, "Generate")
    last = (await bot.telegram.wait_video(ADA, 3))[-1]
    assert seconds(bot, last) > 1.3 * seconds(bot, video)


async def test_the_button_says_what_comes_and_what_it_costs(bot):
    await bot.telegram.say(ADA, "/video a fox --model kling-v3")
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    await press(bot, "Extend")
    await bot.telegram.wait_text(ADA, "A new video starts at the last frame; you get both joined")
    await press(bot, "Just continue")
    await bot.telegram.wait_video(ADA, 2)
    assert "image" in orders(bot, FRAMES)[0]
    assert "prompt" not in orders(bot, FRAMES)[0]
    await bot.ended(2)
    await press(bot, "Extend")
    question = await bot.telegram.wait_text(ADA, "A new video starts")
    await bot.telegram.say(ADA, "it yawns", reply_to=question["message_id"])
    await bot.telegram.wait_video(ADA, 3)
    assert orders(bot, FRAMES)[1]["prompt"] == "it yawns"


async def test_a_model_that_needs_words_gets_a_card(world):
    world.configure(models='["kling-v3-omni"]', daily=1_000)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)
    await world.ended()
    await press(world, "Extend")
    await world.telegram.wait_text(ADA, "What should happen next")
    await press(world, "Just continue")
    await world.telegram.wait_text(ADA, "A new video starts")
    await world.telegram.say(ADA, "it sleeps")
    await world.telegram.wait_text(ADA, "it sleeps")
    await press(world, "Generate")
    await world.telegram.wait_video(ADA, 2)
    assert orders(world, OMNI)[-1]["prompt"].startswith("it sleeps")


async def test_where_the_provider_can_it_does_unless_another_model_is_named(bot):
    await bot.telegram.say(ADA, "/video a fox --model kling-v1-6")
    (first,) = await bot.telegram.wait_video(ADA)
    await bot.telegram.say(ADA, "/extend it sleeps", reply_to=first["message_id"])
    await bot.telegram.wait_video(ADA, 2)
    assert len(orders(bot, EXTEND)) == 1
    await bot.telegram.say(ADA, "/extend it sleeps --model kling-v3", reply_to=first["message_id"])
    await bot.telegram.wait_text(ADA, "A new video starts")
    await press(bot, "Generate")
    await bot.telegram.wait_video(ADA, 3)
    assert orders(bot, FRAMES)[0]["model_name"] == "kling-v3"


async def test_what_is_longer_is_worked_on_as_a_whole(world):
    async with behind_a_proxy(world, models=MODELS, daily=2_000):
        await world.telegram.send_film(ADA, a_clip(1280, 720, 4), caption="/extend it begins to rain")
        await world.telegram.wait_text(ADA, "A new video starts")
        await press(world, "Generate")
        (video,) = await world.telegram.wait_video(ADA)
        await world.ended()
        await world.telegram.say(ADA, "/sound rain", reply_to=video["message_id"])
        await world.wait_for(lambda: orders(world, "/v1/audio/video-to-audio"))
        (order,) = orders(world, "/v1/audio/video-to-audio")
        assert "video_id" not in order
        assert order["video_url"].endswith(".mp4")
        await world.ended(2)


async def test_without_a_public_address_it_is_said_that_only_a_part_is_known(bot):
    await bot.telegram.send_film(ADA, a_clip(1280, 720, 4), caption="/extend it begins to rain")
    await bot.telegram.wait_text(ADA, "A new video starts")
    await press(bot, "Generate")
    (video,) = await bot.telegram.wait_video(ADA)
    await bot.telegram.say(ADA, "/sound rain", reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "only the new part of this video")


async def test_where_the_first_part_is_gone_the_new_one_comes_and_says_so(bot):
    await bot.telegram.send_film(ADA, a_clip(1280, 720, 4), caption="/extend it begins to rain")
    await bot.telegram.wait_text(ADA, "A new video starts")
    for file in kept(bot):
        file.unlink()
    await press(bot, "Generate")
    (video,) = await bot.telegram.wait_video(ADA)
    assert "Continues your video: the new part only" in video["caption"]
    assert seconds(bot, video) == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize("length", [0.5, 176])
async def test_what_is_too_short_or_too_long_is_refused_with_the_limits(bot, length):
    await bot.telegram.send_film(ADA, a_clip(320, 320, length, 2), caption="/extend it begins to rain")
    await bot.telegram.wait_text(ADA, "1 to 175 seconds")
    assert bot.rows("SELECT 1 FROM tasks") == []
