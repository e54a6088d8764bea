"""The PyPI client `klingai-api` works with the stand-in."""

import pytest

from tests.foreign.clients import ForeignError
from tests.world.kling import image, mask

pytestmark = pytest.mark.timeout(600)


async def ended(client, query, created):
    assert created["data"]["task_status"] == "submitted"
    for _ in range(200):
        task = (await client.call(query, created["data"]["task_id"]))["data"]
        if task["task_status"] in {"succeed", "failed"}:
            return task
    raise AssertionError("the task has no end")


async def test_it_makes_videos_from_words_and_lists_them(pypi):
    async with pypi() as client:
        first = await client.call(
            "text2video",
            "a fox in the snow",
            model_name="kling-v1",
            negative_prompt="blur",
            cfg_scale=0.7,
            camera_control={"type": "simple", "config": {"zoom": 5}},
            external_task_id="pypi-1",
        )
        task = await ended(client, "get_text2video", first)
        assert task["task_status"] == "succeed"
        assert task["task_result"]["videos"][0]["id"]
        await client.call("text2video", "another fox", model_name="kling-v2-6", mode="pro", duration="10")
        listed = (await client.call("list_text2video", page_num=1, page_size=30))["data"]
        assert len(listed) == 2
        assert task["task_id"] in {each["task_id"] for each in listed}
        assert len((await client.call("list_text2video", page_num=2, page_size=1))["data"]) == 1


async def test_it_makes_videos_from_images(pypi):
    async with pypi() as client:
        created = await client.call(
            "image2video", image(), model_name="kling-v1-6", image_tail=image(), mode="pro", prompt="it turns"
        )
        assert (await ended(client, "get_image2video", created))["task_status"] == "succeed"
        # It always sends aspect_ratio, which older documents list here and newer ones don't.
        brushed = await client.call(
            "image2video",
            image(),
            model_name="kling-v1",
            static_mask=mask(),
            dynamic_masks=[{"mask": mask(), "trajectories": [{"x": 10, "y": 20}, {"x": 90, "y": 40}]}],
        )
        assert (await ended(client, "get_image2video", brushed))["task_status"] == "succeed"
        assert len((await client.call("list_image2video"))["data"]) == 2


async def test_it_hears_of_refusals_and_failures(pypi, opened):
    async with pypi() as client:
        opened.kling.behaviour.refuse.append(1303)
        with pytest.raises(ForeignError) as caught:
            await client.call("text2video", "a fox")
        assert caught.value.status == 429
        with pytest.raises(ForeignError) as caught:
            await client.call("get_text2video", "1")
        assert caught.value.status == 400
        task = await ended(client, "get_text2video", await client.call("text2video", "a fox [fail]"))
        assert (task["task_status"], bool(task["task_status_msg"])) == ("failed", True)


async def test_it_is_refused_with_another_secret(pypi):
    async with pypi(secret="another-secret-that-signs-for-nothing") as client:
        with pytest.raises(ForeignError, match="BadCredentials"):
            await client.call("text2video", "a fox")
