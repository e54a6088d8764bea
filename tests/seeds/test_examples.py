"""Every example of the documents that the project began from, asked for in the chat and sent through the real process."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.demo.script import sample_picture
from tests.seeds.gateway import KEY, Gateway
from tests.world.kling import kling_front
from tests.world.process import BotProcess
from tests.world.telegram import ADA

IMAGE2VIDEO = "/v1/videos/image2video"
GENERATIONS = "/v1/video/generations"
ZOOM = {"type": "zoom", "config": {"value": -5.0}}
AXES = {"horizontal": 2.5, "vertical": 0, "pan": 0, "tilt": 0, "roll": 0, "zoom": 0}


@dataclass(frozen=True)
class Example:
    """What is written in the chat with how many photos, and what of the body, and where, comes of it."""

    text: str
    sends: dict[str, Any]
    path: str
    photos: int = 0
    press: str = ""


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "flat": (
        Example(
            "/video smile and nod --model v1-6 --mode pro 10s",
            {"model_name": "kling-v1-6", "mode": "pro", "duration": 10},
            IMAGE2VIDEO,
            1,
        ),
        Example(
            "/video clouds drift --model v1-6 --mode pro 10s --cfg 0.7 --camera zoom:-5",
            {"mode": "pro", "duration": 10, "cfg_scale": 0.7, "camera_control": ZOOM},
            IMAGE2VIDEO,
            1,
        ),
        Example(
            "/video blend their styles --model v2-master --mode pro 10s --ratio 16:9",
            {"model_name": "kling-v2-master", "mode": "pro", "duration": 10, "aspect_ratio": "16:9"},
            IMAGE2VIDEO,
            3,
        ),
        *(
            Example(
                f"/video a fox --model v2-1 --ratio {ratio}",
                {"model_name": "kling-v2-1", "aspect_ratio": ratio},
                "/v1/videos/text2video",
            )
            for ratio in ("16:9", "9:16", "1:1", "3:2", "2:3", "3:4", "4:3")
        ),
    ),
    "prefixed": (
        Example(
            "/video a cat in moonlight --model v1-6 --mode pro --cfg 0.7 --camera horizontal:2.5 --no dark",
            {
                "model_name": "kling-v1-6",
                "mode": "pro",
                "cfg_scale": 0.7,
                "duration": "5",
                "aspect_ratio": "16:9",
                "negative_prompt": "dark",
                "camera_control": {"type": "simple", "config": AXES},
            },
            "/kling/v1/videos/text2video",
        ),
        Example(
            "/video the cat runs --model v2-master --mode std --cfg 0.7 --no blur",
            {"model_name": "kling-v2-master", "mode": "std", "cfg_scale": 0.7, "duration": "5"},
            "/kling/v1/videos/image2video",
            1,
        ),
        Example(
            "/tryon a red dress --model v2-master --mode pro --cfg 0.8 3s",
            {
                "model_name": "kling-v2-master",
                "mode": "pro",
                "cfg_scale": 0.8,
                "duration": "3",
                "metadata": {"style": "fashion", "quality": "high", "try_on": True},
            },
            "/kling/v1/videos/image2video",
            1,
        ),
    ),
    "generic": (
        Example(
            "/video a kitten --model v1-6 5s --ratio 1280x720 --mode pro --cfg 0.7 --no blur",
            {"model": "kling-v1-6", "duration": 5, "width": 1280, "height": 720},
            GENERATIONS,
        ),
        Example(
            "/video let them move --model v2-master --mode pro --cfg 0.7",
            {"model": "kling-v2-master", "metadata": {"mode": "pro", "cfg_scale": 0.7}},
            GENERATIONS,
            1,
        ),
        Example(
            "/tryon a red dress --model v2-master --mode pro --cfg 0.8 3s",
            {"duration": 3, "metadata": {"mode": "pro", "cfg_scale": 0.8}},
            GENERATIONS,
            1,
        ),
        Example(
            "/video a cat --model v2-master --mode pro --cfg 0.7 --fps 30 --seed 12345 3s",
            {"fps": 30, "seed": 12345, "n": 1, "response_format": "url", "duration": 3},
            GENERATIONS,
        ),
    ),
    "omnimaas": (
        Example(
            "/video a kitten --model v2.6 5s 16:9",
            {"model": "kling-v2-6", "duration": 5, "size": "16:9"},
            GENERATIONS,
        ),
        Example("/video natural motion --model v2.6", {"model": "kling-v2-6", "duration": 5}, GENERATIONS, 1),
        Example(
            "/video they meet --model v2-5-turbo --mode pro",
            {"model": "kling-v2-5-turbo-pro"},
            GENERATIONS,
            3,
        ),
        Example("/video a dog --model v2-5-turbo-std", {"model": "kling-v2-5-turbo-std"}, GENERATIONS),
    ),
}
MODELS = {
    "flat": ("kling-v1-6", "kling-v2-master", "kling-v2-1", "kling-v2-1-master"),
    "prefixed": ("kling-v1", "kling-v1-6", "kling-v2-master"),
    "generic": ("kling-v1", "kling-v1-6", "kling-v2-master"),
    "omnimaas": ("kling-v2-6", "kling-v2-5-turbo", "kling-v2-5-turbo-std", "kling-v2-5-turbo-pro"),
}


AT_ONCE = 100
"""Videos that are made at a time: the tests wait for none."""


@asynccontextmanager
async def before(
    gateway: Gateway, directory: Path, models: Sequence[str] = (), *, provider: str = "", **settings: Any
) -> AsyncIterator[BotProcess]:
    """The process with this gateway as its only provider, which sells these models, or those of the examples."""
    world = BotProcess(directory)
    world.to_kling = kling_front(gateway.app)
    async with world.serving():
        world.configure(
            dialect=gateway.dialect,
            key=KEY,
            auth="raw" if gateway.authorization == KEY else "auto",
            models=json.dumps(models or MODELS[gateway.dialect]),
            daily=100_000,
            plan=f"max_running = {AT_ONCE}",
            provider=f"max_concurrent = {AT_ONCE}\n{provider}",
            **settings,
        )
        await world.start()
        try:
            yield world
        finally:
            await world.stop()
    assert KEY not in "\n".join(world.output)


@pytest.mark.parametrize("dialect", sorted(EXAMPLES))
async def test_each_example_is_sent_as_documented_and_its_video_comes(tmp_path, dialect):
    gateway = Gateway(dialect)
    async with before(gateway, tmp_path) as world:
        for number, example in enumerate(EXAMPLES[dialect], 1):
            if example.photos > 1:
                await world.telegram.send_album(ADA, [sample_picture()] * example.photos, example.text)
            elif example.photos:
                await world.telegram.send_photo(ADA, sample_picture(), example.text)
            else:
                await world.telegram.say(ADA, example.text)
            await world.telegram.wait_for(
                lambda number=number: len(gateway.sent) >= number or gateway.refused
            )
            assert not gateway.refused, example.text
            path, body = gateway.sent[-1]
            assert path == example.path, example.text
            assert contains(body, example.sends), (example.text, body)
            given = [name for name in ("image", "image_list", "images") if name in body]
            assert bool(given) is bool(example.photos), example.text
            if example.photos > 1:
                assert len(body[given[0]]) == example.photos
        await world.telegram.wait_video(ADA, len(EXAMPLES[dialect]))


# OmniMaaS documents no failure.
@pytest.mark.parametrize("dialect", sorted(EXAMPLES.keys() - {"omnimaas"}))
async def test_a_failure_as_documented_is_told_and_not_charged(tmp_path, dialect):
    gateway = Gateway(dialect)
    async with before(gateway, tmp_path) as world:
        model = MODELS[dialect][0]
        await world.telegram.say(ADA, f"/video something forbidden --model {model}")
        await world.telegram.wait_text(ADA, "content rules", 40)
        await world.ended()
        assert world.balance(ADA) == (0, 0)


def contains(body: Any, part: Any) -> bool:
    """Whether a body has everything of a part, however deep."""
    if isinstance(part, dict):
        return isinstance(body, dict) and all(
            name in body and contains(body[name], value) for name, value in part.items()
        )
    return bool(body == part)
