"""The npm client `kling-api` works with the stand-in: what it can ask for is done, and what it gets it understands."""

import base64

import pytest

from bot.demo.media.sound import render_sound
from tests.foreign.clients import ForeignError
from tests.world.kling import image

pytestmark = pytest.mark.timeout(600)


async def made(client, kind, query, created):
    """The task of an answer, at its end, as the client's own waiting finds it."""
    assert created["code"] == 0
    assert created["data"]["task_status"] == "submitted"
    ended = await client.call("wait", kind, created["data"]["task_id"], query)
    assert ended["data"]["task_status"] == "succeed"
    return ended["data"]


async def test_it_makes_videos_from_words(npm):
    async with npm() as client:
        created = await client.call(
            "textToVideo",
            {
                "model_name": "kling-v2-6",
                "prompt": "a fox in the snow",
                "negative_prompt": "blur",
                "mode": "pro",
                "sound": "on",
                "aspect_ratio": "9:16",
                "duration": "10",
                "external_task_id": "npm-1",
            },
        )
        task = await made(client, "Video", "queryTextToVideoTask", created)
        (video,) = task["task_result"]["videos"]
        assert video["url"].startswith("http")
        assert float(video["duration"]) == pytest.approx(10, abs=0.5)
        assert task["task_info"]["external_task_id"] == "npm-1"
        by_own_id = await client.call("queryTextToVideoTask", "npm-1")
        assert by_own_id["data"]["task_id"] == task["task_id"]


async def test_it_makes_videos_from_images(npm, tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(base64.b64decode(image()))
    async with npm() as client:
        created = await client.call(
            "imageToVideo",
            {
                "model_name": "kling-v2-1",
                "image": str(picture),
                "image_tail": str(picture),
                "prompt": "it turns its head",
                "mode": "pro",
                "duration": "5",
                "aspect_ratio": "16:9",
            },
        )
        await made(client, "Video", "queryImageToVideoTask", created)
        several = await client.call(
            "multiImageToVideo",
            {
                "image_list": [{"image": str(picture)}, {"image": image()}],
                "prompt": "both dance",
                "mode": "std",
            },
        )
        await made(client, "Video", "queryMultiImageToVideoTask", several)
        omni = await client.call(
            "omniVideo",
            {
                "prompt": "<<<image_1>>> runs",
                "image_list": [{"image_url": str(picture)}],
                "aspect_ratio": "1:1",
                "duration": "5",
            },
        )
        await made(client, "Video", "queryOmniVideoTask", omni)


async def test_it_extends_a_video(npm):
    async with npm() as client:
        first = await client.call("textToVideo", {"model_name": "kling-v1-6", "prompt": "a fox"})
        task = await made(client, "Video", "queryTextToVideoTask", first)
        video = task["task_result"]["videos"][0]["id"]
        longer = await client.call("extendVideo", {"video_id": video, "prompt": "it runs away"})
        extended = await made(client, "Video", "queryExtendVideoTask", longer)
        assert float(extended["task_result"]["videos"][0]["duration"]) > 8


async def test_it_makes_images(npm, tmp_path):
    async with npm() as client:
        created = await client.call(
            "generateImage",
            {
                "model_name": "kling-v2-1",
                "prompt": "a fox",
                "n": 2,
                "aspect_ratio": "21:9",
                "resolution": "1k",
            },
        )
        task = await made(client, "Image", "queryImageGenTask", created)
        assert [each["index"] for each in task["task_result"]["images"]] == [0, 1]
        wider = await client.call(
            "expandImage",
            {
                "image": image(),
                "up_expansion_ratio": 0.1,
                "down_expansion_ratio": 0.1,
                "left_expansion_ratio": 0.2,
                "right_expansion_ratio": 0.2,
            },
        )
        await made(client, "Image", "queryImageExpandTask", wider)
        omni = await client.call(
            "omniImage", {"prompt": "<<<image_1>>> smiles", "image_list": [{"image": image()}], "n": 1}
        )
        await made(client, "Image", "queryOmniImageTask", omni)
        several = await client.call(
            "multiImageToImage",
            {
                "model_name": "kling-v2-1",
                "subject_image_list": [{"subject_image": image()}, {"subject_image": image()}],
                "prompt": "they meet",
            },
        )
        await made(client, "Image", "queryMultiImageToImageTask", several)


async def test_it_lets_a_photo_speak(npm, tmp_path):
    sound = tmp_path / "sound.mp3"
    render_sound(3, sound)
    async with npm() as client:
        created = await client.call(
            "createAvatar",
            {"image": image(), "sound_file": str(sound), "prompt": "calm"},
        )
        await made(client, "Video", "queryAvatarTask", created)


async def test_it_reads_what_is_left_in_the_packs(npm):
    async with npm() as client:
        answer = await client.call("getAccountInfo", 0, 2_000_000_000_000)
        packs = answer["data"]["resource_pack_subscribe_infos"]
        assert packs
        assert all(pack["remaining_quantity"] <= pack["total_quantity"] for pack in packs)


async def test_it_understands_every_refusal(npm, opened):
    async with npm() as client:
        for code, status in ((1102, 429), (1103, 403), (1203, 404), (1301, 400), (1303, 429), (5000, 500)):
            opened.kling.behaviour.refuse.append(code)
            with pytest.raises(ForeignError) as caught:
                await client.call("textToVideo", {"prompt": "a fox"})
            assert (caught.value.code, caught.value.status) == (code, status)
        with pytest.raises(ForeignError, match="not found") as caught:
            await client.call("queryTextToVideoTask", "1")
        assert caught.value.code == 1201


async def test_it_understands_that_a_task_failed(npm):
    async with npm() as client:
        created = await client.call("textToVideo", {"prompt": "a fox [fail]"})
        with pytest.raises(ForeignError, match="Generation failed"):
            await client.call("wait", "Video", created["data"]["task_id"], "queryTextToVideoTask")


async def test_it_is_refused_with_another_secret(npm):
    async with npm(secret="another-secret-that-signs-for-nothing") as client:
        with pytest.raises(ForeignError) as caught:
            await client.call("textToVideo", {"prompt": "a fox"})
        assert (caught.value.code, caught.value.status) == (1002, 401)
