"""`/cutout`: what is in a photo comes back as files, at once and once; nothing found costs nothing."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.world.bot import BotInProcess
from tests.world.media import a_portrait
from tests.world.telegram import ADA

PATH = "/v1/videos/image-recognize"


def files(bot: BotInProcess) -> list[dict[str, Any]]:
    """The files that came, in their order."""
    return [message for message in bot.telegram.replies(ADA) if "document" in message]


def sent(bot: BotInProcess) -> list[dict[str, Any]]:
    """The bodies of what Kling was asked to look into."""
    return [request.body for request in bot.kling.requests if request.path == PATH]


async def cut(bot: BotInProcess, caption: str = "/cutout") -> None:
    await bot.telegram.send_photo(ADA, a_portrait(), caption)


def is_transparent(bot: BotInProcess, file: dict[str, Any]) -> bool:
    """Whether a file has what it was cut out of no more around it."""
    data = bot.telegram.state.files[file["document"]["file_id"]].path.read_bytes()
    with Image.open(BytesIO(data)) as picture:
        return picture.format == "PNG" and picture.mode == "RGBA" and picture.getpixel((0, 0))[3] == 0


async def test_every_part_of_a_photo_comes_as_a_file_with_its_transparency(bot):
    await cut(bot)
    await bot.telegram.wait_text(ADA, "These are the results")
    found = files(bot)
    names = [file["document"]["file_name"].partition("-")[2] for file in found]
    assert names == ["object.png", "head.png", "face.png", "clothing.png"]
    assert all(is_transparent(bot, file) for file in found)
    assert [list(body) for body in sent(bot)] == [["image"]]
    assert bot.balance(ADA) == (-1, 0)
    ((state, remote, cost),) = bot.rows("SELECT state, provider_task_id, real_cost FROM tasks")
    assert (state, remote, float(cost)) == ("succeeded", None, 0.1)
    # There is no task, and so nothing is asked about one.
    assert [request.path for request in bot.kling.requests if request.method == "GET"] == []


@pytest.mark.parametrize("caption", ["/cutout face", "/cutout --part 脸", "/抠图 脸部"])
async def test_one_part_is_asked_for_by_its_word_in_reply_to_a_photo(bot, caption):
    photo = await bot.telegram.send_photo(ADA, a_portrait(), "")
    await bot.telegram.say(ADA, caption, reply_to=photo["message_id"])
    await bot.telegram.wait_for(lambda: files(bot))
    (file,) = files(bot)
    assert file["document"]["file_name"].endswith("-face.png")
    assert "face" in file["caption"]
    assert bot.balance(ADA) == (-1, 0)


@pytest.mark.parametrize(
    ("recognised", "caption", "words"),
    [
        ((), "/cutout", "nothing to cut out"),
        (("object_seg",), "/cutout clothes", "no clothing in this photo"),
    ],
)
async def test_where_nothing_is_found_it_is_said_and_costs_nothing(bot, recognised, caption, words):
    bot.kling.behaviour.recognised = recognised
    await cut(bot, caption)
    notice = await bot.telegram.wait_text(ADA, words)
    assert "refunded" in notice["text"]
    assert "reply_markup" not in notice or not notice["reply_markup"]["inline_keyboard"]
    assert bot.balance(ADA) == (0, 0)
    assert len(sent(bot)) == 1
    assert files(bot) == []


@pytest.mark.parametrize("words", ["/cutout", "/cutout nose", "/cutout --part nose"])
async def test_what_is_missing_or_unknown_is_said_before_anything_is_sent(bot, words):
    if words == "/cutout":
        await bot.telegram.say(ADA, words)
        await bot.telegram.wait_text(ADA, "one photo")
    else:
        await cut(bot, words)
        await bot.telegram.wait_text(ADA, "object, head, face, clothing")
    assert sent(bot) == []
    assert bot.balance(ADA) == (0, 0)


async def test_an_answer_that_is_lost_is_refunded_and_tried_again_by_a_tap(bot):
    bot.kling.behaviour.lose_next = 1
    await cut(bot, "/cutout head")
    await bot.telegram.wait_text(ADA, "lost contact with Kling")
    assert bot.balance(ADA) == (0, 0)
    assert len(sent(bot)) == 1
    await bot.telegram.press_labelled(ADA, "Try again")
    await bot.telegram.wait_for(lambda: files(bot))
    assert (len(sent(bot)), bot.balance(ADA)) == (2, (-1, 0))


async def test_a_provider_without_it_refuses_before_anything_is_reserved(world):
    world.configure(dialect="generic", key="sk-demo-generic")
    await world.start()
    await cut(world)
    await world.telegram.wait_text(ADA, "cutout")
    assert world.rows("SELECT 1 FROM tasks UNION ALL SELECT 1 FROM ledger") == []
    assert sent(world) == []


async def test_it_is_made_of_a_picture_that_was_made_here(bot):
    await bot.telegram.say(ADA, "/image a fox")
    await bot.telegram.wait_for(lambda: [m for m in bot.telegram.replies(ADA) if "photo" in m])
    (picture,) = [m for m in bot.telegram.replies(ADA) if "photo" in m]
    await bot.telegram.say(ADA, "/cutout object", reply_to=picture["message_id"])
    await bot.telegram.wait_for(lambda: files(bot))
    buttons = [each["text"] for row in files(bot)[0]["reply_markup"]["inline_keyboard"] for each in row]
    # It is the file itself already, and no whole picture to begin a video with.
    assert not {"Original file", "Animate"} & set(buttons)
