"""Images: every model by its name, several at once as an album to choose from, series, photos, the card."""

import zlib
from functools import partial

import pytest

from bot.demo.script import sample_picture
from tests.world.media import a_portrait
from tests.world.telegram import ADA

PNG_END = 12
"""Bytes of the last chunk of a PNG."""


@pytest.fixture
async def bot(world):
    world.configure(daily=2000)
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    return world


def asked(bot) -> tuple[str, dict]:
    """The path and body of the newest submission."""
    made = [request for request in bot.kling.requests if request.method == "POST"]
    return made[-1].path, made[-1].body


def photos(bot) -> list[dict]:
    return [message for message in bot.telegram.replies(ADA) if "photo" in message]


async def tap(bot, *texts: str) -> None:
    """Press buttons one after the other, each as soon as it is there."""
    for text in texts:
        await bot.telegram.wait_for(partial(shows, bot, text))
        await bot.telegram.press_labelled(ADA, text)


def shows(bot, text: str) -> bool:
    """Whether there is a button whose label begins so."""
    return any(label.startswith(text) for message in bot.telegram.replies(ADA) for label in labels(message))


def labels(message: dict) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", ())
    return [button["text"] for row in rows for button in row]


@pytest.mark.parametrize(
    ("words", "path", "fields"),
    [
        ("--model v2-1", "generations", {"model_name": "kling-v2-1", "n": 1}),
        ("--model v3 --size 2k", "generations", {"model_name": "kling-v3", "resolution": "2k"}),
        ("v3-omni --size 4k 21:9", "omni-image", {"resolution": "4k", "aspect_ratio": "21:9"}),
        (
            "--model image-o1 --ratio auto",
            "omni-image",
            {"model_name": "kling-image-o1", "aspect_ratio": "auto"},
        ),
        ("--element 1000001", "generations", {"element_list": [{"element_id": 1000001}]}),
    ],
)
async def test_each_image_model_is_reached_by_its_name_or_by_what_is_asked(bot, words, path, fields):
    await bot.telegram.say(ADA, f"/image a fox in the snow {words}")
    await bot.ended()
    sent, body = asked(bot)
    assert sent == f"/v1/images/{path}"
    assert fields.items() <= body.items()
    assert len(photos(bot)) == 1


async def test_nine_images_are_one_submission_and_one_album_to_choose_from(bot):
    await bot.telegram.say(ADA, "/image a fox in the snow --n 9")
    beside = await bot.telegram.wait_text(ADA, "These are the results")
    assert sum(bot.kling.submissions.values()) == 1
    assert asked(bot)[1]["n"] == 9
    assert len(photos(bot)) == 9
    assert len({photo["media_group_id"] for photo in photos(bot)}) == 1
    assert bot.balance(ADA) == (-9, 0)
    assert {*(f"Animate {number}" for number in range(1, 10)), "Again · 9 credits"} <= set(labels(beside))
    await tap(bot, "Animate 9")
    await bot.telegram.wait_text(ADA, "What should happen")
    await bot.telegram.say(ADA, "it jumps")
    await bot.telegram.wait_text(ADA, "Ready. Make it?")
    await tap(bot, "Generate")
    await bot.telegram.wait_video(ADA)
    assert asked(bot)[0] == "/v1/videos/image2video"


async def test_an_order_of_more_than_a_package_runs_is_split_and_still_one_album(world):
    world.configure(daily=2000, provider="max_images = 4")
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    await world.telegram.say(ADA, "/image a fox --n 9")
    await world.ended(3)
    assert sorted(request.body["n"] for request in world.kling.requests if request.method == "POST") == [
        3,
        3,
        3,
    ]
    assert len({photo["media_group_id"] for photo in photos(world)}) == 1
    assert len(photos(world)) == 9
    assert world.balance(ADA) == (-9, 0)


@pytest.mark.parametrize(("number", "made", "credits"), [("3", 3, 6), ("auto", 4, 8)])
async def test_a_series_is_an_album_and_what_did_not_come_of_it_is_refunded(bot, number, made, credits):
    await bot.telegram.say(ADA, f"/image the four seasons --series {number}")
    await bot.telegram.wait_text(ADA, "These are the results")
    await bot.ended()
    body = asked(bot)[1]
    assert (body["result_type"], str(body["series_amount"])) == ("series", number)
    assert "n" not in body
    assert len(photos(bot)) == made
    assert bot.balance(ADA) == (-credits, 0)
    told = [photo for photo in photos(bot) if "Kling made 4 images" in photo.get("caption", "")]
    assert len(told) == (number == "auto")


async def test_photos_are_kept_and_one_of_them_gives_the_style(bot):
    await bot.telegram.send_album(ADA, [a_portrait(), sample_picture()], "/image she sails --style 2")
    await bot.ended()
    path, body = asked(bot)
    assert path == "/v1/images/multi-image2image"
    assert len(body["subject_image_list"]) == 1
    assert body["style_image"]
    await bot.telegram.send_photo(
        ADA, a_portrait(), "/image she reads --reference subject --face 0.8 --fidelity 1"
    )
    await bot.ended(2)
    path, body = asked(bot)
    assert path == "/v1/images/generations"
    assert (body["image_reference"], body["human_fidelity"], body["image_fidelity"]) == ("subject", 0.8, 1.0)


async def test_a_card_of_images_is_filled_in_and_its_model_and_size_are_chosen(bot):
    await bot.telegram.say(ADA, "/image")
    card = await bot.telegram.wait_text(ADA, "Describe your image")
    assert {"Model: v2-1", "Resolution: 1k"} <= set(labels(card))
    await bot.telegram.say(ADA, "a fox in the snow")
    await bot.telegram.wait_text(ADA, "Ready. Make it?")
    await tap(bot, "Model: v2-1")
    await tap(bot, "v3-omni")
    await tap(bot, "Resolution: 1k")
    await tap(bot, "4k")
    await tap(bot, "Series")
    await tap(bot, "3")
    await bot.telegram.send_photo(ADA, a_portrait())
    await bot.telegram.wait_text(ADA, "Photos: 1")
    await tap(bot, "Generate · 12 credits")
    await bot.ended()
    path, body = asked(bot)
    assert path == "/v1/images/omni-image"
    assert (body["resolution"], body["series_amount"], len(body["image_list"])) == ("4k", 3, 1)
    assert "<<<image_1>>>" in body["prompt"]


async def test_a_scene_is_sent_to_the_card_by_itself(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "/image")
    await bot.telegram.wait_text(ADA, "What should the image show?")
    await tap(bot, "Scene")
    await bot.telegram.wait_text(ADA, "Send the photo of the scene")
    await bot.telegram.send_photo(ADA, sample_picture())
    await bot.telegram.wait_text(ADA, "scene photo")
    await bot.telegram.say(ADA, "she waits")
    await bot.telegram.wait_text(ADA, "Ready. Make it?")
    await tap(bot, "Generate · 4 credits")
    await bot.ended()
    path, body = asked(bot)
    assert path == "/v1/images/multi-image2image"
    assert body["scene_image"]


async def test_what_a_person_prefers_for_images_is_what_they_get(bot):
    await bot.telegram.say(ADA, "/settings")
    await bot.telegram.wait_text(ADA, "Settings")
    for label in ("Image model", "v3-omni", "Resolution", "2k", "Image ratio", "3:4"):
        await tap(bot, label)
    await bot.telegram.say(ADA, "/image a fox")
    await bot.ended()
    body = asked(bot)[1]
    assert (body["model_name"], body["resolution"], body["aspect_ratio"]) == ("kling-v3-omni", "2k", "3:4")


async def test_an_eleventh_photo_and_a_model_of_videos_are_refused_clearly(bot):
    await bot.telegram.say(ADA, "/image a fox --model v2-6")
    await bot.telegram.wait_text(ADA, "kling-v2-1")
    await bot.telegram.say(ADA, "/image a fox --n 2 --series 4")
    await bot.telegram.wait_text(ADA, "A series says itself how many images it has")
    await bot.telegram.send_photo(ADA, a_portrait(), "/image a fox --style 1")
    await bot.telegram.wait_text(ADA, "Send at least one more photo")
    assert bot.rows("SELECT id FROM tasks") == []


def enlarged(png: bytes) -> bytes:
    """A PNG with more than the Bot API hands out again, in a chunk that nobody reads, before its last one."""
    name, padding = b"paDd", bytes(21_000_000)
    chunk = len(padding).to_bytes(4, "big") + name + padding + zlib.crc32(name + padding).to_bytes(4, "big")
    return png[:-PNG_END] + chunk + png[-PNG_END:]


async def test_images_that_are_too_large_for_photos_are_an_album_of_files_and_each_can_be_animated(bot):
    await bot.telegram.say(ADA, "/image a fox --model v3-omni --size 4k --n 2")
    await bot.telegram.wait_for(lambda: bot.kling.tasks)
    await bot.kling.rendered()
    (made,) = bot.kling.tasks.values()
    for path in made.files:
        path.write_bytes(enlarged(path.read_bytes()))
    beside = await bot.telegram.wait_text(ADA, "These are the results")
    files = [message for message in bot.telegram.replies(ADA) if "document" in message]
    assert len({message["media_group_id"] for message in files}) == 1
    assert ["caption" in message for message in files] == [True, False]
    assert {"Animate 1", "Animate 2", "Pick 1", "Pick 2"} <= set(labels(beside))
    await tap(bot, "Animate 2")
    await bot.telegram.wait_text(ADA, "What should happen")
    assert bot.balance(ADA) == (-8, 0)
