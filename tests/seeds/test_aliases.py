"""A gateway under a path that sells functions by names of its own (`https://api.ephone.chat/kling`, `kling_video` …)."""

from typing import Any

import pytest

from bot.demo.script import sample_picture
from tests.world.process import BotProcess, open_process
from tests.world.telegram import ADA

NAMES = {
    "text2video": "kling_video",
    "image2video": "kling_video",
    "video-extend": "kling_extend",
    "effects": "kling_effects",
    "lip-sync": "kling_lip_sync",
    "image": "kling_image",
    "expand": "kling_image_expand",
    "try-on": "kling_virtual_try_on",
}
"""The names of the document, by what they are for."""

OPERATIONS = f"operations = {list(NAMES)}".replace("'", '"')
MODEL_NAMES = "[providers.model_names]\n" + "\n".join(f'"{key}" = "{name}"' for key, name in NAMES.items())


@pytest.fixture
async def world(tmp_path):
    async with open_process(tmp_path) as opened:
        opened.kling_url += "/kling"
        yield opened


def submitted(world: BotProcess) -> list[tuple[str, Any]]:
    """Where something was asked for, and of which model."""
    return [(one.path, one.body.get("model_name")) for one in world.kling.requests if one.method == "POST"]


async def test_each_function_is_asked_for_by_its_name_under_the_path(world):
    world.configure(
        dialect="auto",
        key="sk-demo-aliases",
        models='["kling-v1-6"]',
        daily=100_000,
        provider=f"{OPERATIONS}\n{MODEL_NAMES}",
    )
    await world.start()
    telegram, photo = world.telegram, sample_picture()
    await telegram.say(ADA, "/video a fox")
    (video,) = await telegram.wait_video(ADA)
    await telegram.send_photo(ADA, photo, "/video it runs")
    await telegram.say(ADA, "/extend it runs on", reply_to=video["message_id"])
    await telegram.say(ADA, "/lipsync Hello there, how are you doing?", reply_to=video["message_id"])
    await telegram.send_photo(ADA, photo, "/effect swing_swing")
    await telegram.say(ADA, "/image a fox")
    await telegram.send_photo(ADA, photo, "/expand")
    await telegram.send_album(ADA, [photo, photo], "/tryon")
    await telegram.wait_for(lambda: len(submitted(world)) >= len(NAMES), 60)
    await world.ended(len(NAMES))
    root = "/kling/v1"
    assert sorted(submitted(world)) == sorted(
        [
            (f"{root}/videos/text2video", "kling_video"),
            (f"{root}/videos/image2video", "kling_video"),
            (f"{root}/videos/video-extend", "kling_extend"),
            (f"{root}/videos/lip-sync", "kling_lip_sync"),
            (f"{root}/videos/effects", "kling_effects"),
            (f"{root}/images/generations", "kling_image"),
            (f"{root}/images/editing/expand", "kling_image_expand"),
            (f"{root}/images/kolors-virtual-try-on", "kling_virtual_try_on"),
        ]
    )
    assert world.rows("SELECT DISTINCT state FROM tasks") == [("succeeded",)]


async def test_a_name_of_a_gateway_can_be_a_model_by_itself(world):
    row = "catalog = { models = { kling_video = {} } }"
    world.configure(dialect="auto", key="sk-demo-aliases", models='["kling_video"]', provider=row)
    await world.start()
    await world.telegram.say(ADA, "/video a fox --model kling_video")
    await world.telegram.wait_video(ADA)
    await world.telegram.send_photo(ADA, sample_picture(), "/video it runs")
    await world.telegram.wait_video(ADA, 2)
    assert submitted(world) == [
        ("/kling/v1/videos/text2video", "kling_video"),
        ("/kling/v1/videos/image2video", "kling_video"),
    ]
