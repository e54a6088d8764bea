"""What the AI SDK's Kling provider sends is accepted, and what it requires of answers holds.

Its package can't be installed where the tests run, so this restates its requests and the types that it checks
answers for, from its source (`packages/klingai` of vercel/ai, August 2026).
"""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from tests.world.kling import canned_video, image, open_kling

TEXT, IMAGE = "/v1/videos/text2video", "/v1/videos/image2video"
SEVERAL, MOTION = "/v1/videos/multi-image2video", "/v1/videos/motion-control"


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class Info(Strict):
    external_task_id: str | None = None


class Created(Strict):
    task_id: str
    task_status: str | None = None
    task_info: Info | None = None
    created_at: int | float | None = None
    updated_at: int | float | None = None


class Video(Strict):
    id: str | None = None
    url: str
    watermark_url: str | None = None
    duration: str | None = None


class Result(Strict):
    videos: list[Video] | None = None


class Marked(Strict):
    enabled: bool | None = None


class Asked(Created):
    task_status: str
    task_status_msg: str | None = None
    watermark_info: Marked | None = None
    final_unit_deduction: str | None = None
    task_result: Result | None = None


class Envelope(Strict):
    code: int
    message: str
    request_id: str | None = None
    data: Any = None


REQUESTS = {
    "words": (TEXT, {"model_name": "kling-v2-6", "prompt": "a fox", "aspect_ratio": "16:9", "duration": "5"}),
    "words with sound": (
        TEXT,
        {
            "model_name": "kling-v3",
            "prompt": "a fox",
            "negative_prompt": "blur",
            "sound": "on",
            "mode": "pro",
        },
    ),
    "a camera": (
        TEXT,
        {
            "model_name": "kling-v1",
            "prompt": "a fox",
            "cfg_scale": 0.5,
            "mode": "std",
            "camera_control": {"type": "simple", "config": {"zoom": 5}},
        },
    ),
    "shots": (
        TEXT,
        {
            "model_name": "kling-v3",
            "prompt": "",
            "duration": "10",
            "multi_shot": True,
            "shot_type": "customize",
            "multi_prompt": [
                {"index": 1, "prompt": "a fox", "duration": "5"},
                {"index": 2, "prompt": "a hen", "duration": "5"},
            ],
        },
    ),
    "a watermark": (
        TEXT,
        {"model_name": "kling-v2-5-turbo", "prompt": "a fox", "watermark_info": {"enabled": True}},
    ),
    "a first frame": (IMAGE, {"model_name": "kling-v2-1", "prompt": "it runs", "image": image()}),
    "two frames": (
        IMAGE,
        {"model_name": "kling-v2-6", "image": image(), "image_tail": image(), "mode": "pro", "sound": "off"},
    ),
    "references": (
        SEVERAL,
        {
            "model_name": "kling-v1-6",
            "prompt": "both dance",
            "image_list": [{"image": image()}, {"image": image()}],
            "aspect_ratio": "1:1",
            "duration": "5",
        },
    ),
}


@pytest.fixture
async def caller(tmp_path):
    async with open_kling(tmp_path, renderer=canned_video) as caller:
        yield caller


@pytest.mark.parametrize(("path", "body"), REQUESTS.values(), ids=REQUESTS)
async def test_what_it_sends_makes_a_video_whose_task_it_can_read(caller, path, body):
    answer = await caller.post(path, body)
    assert answer.status_code == 200, answer.text
    created = Created.model_validate(Envelope.model_validate(answer.json()).data)
    await caller.kling.rendered()
    asked = Envelope.model_validate((await caller.get(f"{path}/{created.task_id}")).json())
    task = Asked.model_validate(asked.data)
    assert task.task_status == "succeed"
    assert task.task_result is not None
    assert task.task_result.videos


async def test_the_movements_of_a_video_are_taken_over(caller):
    first = await caller.made(TEXT, {"model_name": "kling-v2-6", "prompt": "a fox"})
    shown = (await caller.get(f"{TEXT}/{first['task_id']}")).json()["data"]["task_result"]["videos"][0]
    body = {
        "model_name": "kling-v2-6",
        "video_url": shown["url"],
        "character_orientation": "video",
        "mode": "std",
        "prompt": "it waves",
        "image_url": image(),
        "keep_original_sound": "yes",
    }
    answer = await caller.post(MOTION, body)
    assert answer.status_code == 200, answer.text


async def test_a_refusal_and_a_failure_are_told_as_it_reads_them(caller):
    answer = await caller.post(TEXT, {"model_name": "kling-v0", "prompt": "a fox"})
    assert answer.status_code >= 400
    assert Envelope.model_validate(answer.json()).message
    made = await caller.made(TEXT, {"model_name": "kling-v2-6", "prompt": "a fox [fail]"})
    task = Asked.model_validate((await caller.get(f"{TEXT}/{made['task_id']}")).json()["data"])
    assert (task.task_status, bool(task.task_status_msg)) == ("failed", True)
