"""Image recognition at the stand-in: answered at once, strict in what it takes, charged to the units for videos."""

import io

import pytest
from PIL import Image

from bot.demo.kling.accounts import Account
from tests.world.kling import image, open_kling

PATH = "/v1/videos/image-recognize"
TYPES = ["object_seg", "head_seg", "face_seg", "cloth_seg"]


@pytest.mark.asyncio(loop_scope="module")
async def test_every_part_is_answered_with_a_picture_that_is_transparent_around_it(shared):
    data = (await shared.post(PATH, {"image": image()})).json()["data"]
    found = data["task_result"]["images"]
    assert [row["type"] for row in found] == TYPES
    assert data["final_unit_deduction"] == "0.1"
    assert "task_id" not in data
    for row in found:
        with Image.open(io.BytesIO(await shared.file(row["url"]))) as picture:
            assert (picture.format, picture.mode, picture.getpixel((0, 0))[3]) == ("PNG", "RGBA", 0)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "image is required"),
        ({"image": image(), "external_task_id": "x"}, "unknown field: external_task_id"),
        ({"image": image(), "callback_url": "https://x.example"}, "unknown field: callback_url"),
        ({"image": "data:image/png;base64," + image()}, "without a data: prefix"),
        ({"image": image(640, 299)}, "at least 300"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_document_does_not_allow_is_refused(shared, body, words):
    status, text = await shared.refusal(PATH, body)
    assert (status, words in text) == (400, True)


async def test_what_is_not_in_the_picture_has_no_address_and_units_are_taken_until_there_are_none(tmp_path):
    poor = Account("poor", "official", units={"video": 0.1})
    async with open_kling(tmp_path, accounts=(poor,)) as caller:
        caller.kling.behaviour.recognised = ("face_seg",)
        mine = caller.with_key("poor")
        data = (await mine.post(PATH, {"image": image()})).json()["data"]
        told = [(row["is_contain"], bool(row["url"])) for row in data["task_result"]["images"]]
        assert told == [(False, False), (False, False), (True, True), (False, False)]
        (row,) = caller.kling.book("poor").rows
        assert (row.product, row.amount, row.details["product_function"]) == (
            "video",
            0.1,
            "Image Recognition",
        )
        assert (await mine.refusal(PATH, {"image": image()}))[0] == 429
