"""Pictures out of messages: which of them count, and that no address of a file leaves the module."""

import pytest
from starlette.responses import PlainTextResponse
from telegram import Message

from bot.demo.script import sample_picture
from bot.errors import UserError
from handlers.chat.files import DOWNLOAD_LIMIT, RemoteFile, fetch_file, image_file_of
from tests.world.telegram import ADA, TOKEN, complaint, done

NOTHING_ELSE = {"message_id": 1, "date": 0, "chat": {"id": ADA, "type": "private"}}


def a_size(name: str, width: int, height: int) -> dict[str, object]:
    return {
        "file_id": name,
        "file_unique_id": f"U{name}",
        "width": width,
        "height": height,
        "file_size": width * height,
    }


def a_message(**content) -> Message:
    return Message.de_json({**NOTHING_ELSE, **content}, None)


def a_document(**fields) -> Message:
    return a_message(document={"file_id": "D", "file_unique_id": "UD", "file_size": 7, **fields})


def a_sticker(**fields) -> Message:
    sticker = {
        "file_id": "S",
        "file_unique_id": "US",
        "type": "regular",
        "width": 512,
        "height": 512,
        "is_animated": False,
        "is_video": False,
    }
    return a_message(sticker=sticker | fields)


# -- which count -------------------------------------------------------------------------------------


def test_of_a_photo_the_largest_size_counts_in_whatever_order_they_come():
    message = a_message(photo=[a_size("middle", 800, 600), a_size("large", 1280, 960), a_size("s", 90, 60)])
    assert image_file_of(message) == RemoteFile("large", 1280 * 960)


@pytest.mark.parametrize(
    "fields",
    [
        {"mime_type": "image/png"},
        {"mime_type": "image/heic", "file_name": "IMG_1.HEIC"},
        {"mime_type": "application/octet-stream", "file_name": "IMG_1.HEIC"},
        {"file_name": "holiday.webp"},
    ],
)
def test_a_picture_that_is_sent_as_a_file_is_one(fields):
    assert image_file_of(a_document(**fields)) == RemoteFile("D", 7)


@pytest.mark.parametrize(
    "fields",
    [{"mime_type": "application/pdf", "file_name": "paper.pdf"}, {"mime_type": "video/mp4"}, {}],
)
def test_another_file_is_none(fields):
    assert image_file_of(a_document(**fields)) is None


def test_a_still_sticker_is_a_picture_and_a_moving_one_is_not():
    assert image_file_of(a_sticker()) == RemoteFile("S", None)
    assert image_file_of(a_sticker(is_animated=True)) is None
    assert image_file_of(a_sticker(is_video=True)) is None


def test_words_are_no_picture_and_neither_is_nothing():
    assert image_file_of(a_message(text="a fox")) is None
    assert image_file_of(None) is None


# -- fetching ----------------------------------------------------------------------------------------


async def refused(doing) -> UserError:
    with pytest.raises(UserError) as raised:
        await doing
    # The address of a file holds the token.
    assert TOKEN not in str(raised.value.params)
    assert raised.value.__cause__ is None
    return raised.value


async def test_a_photo_is_fetched(telegram):
    sent = await telegram.people.send_photo(ADA, sample_picture())
    file = image_file_of(Message.de_json(sent, None))
    data = await fetch_file(telegram.side.chat, file)
    assert data[:3] == b"\xff\xd8\xff"
    assert len(data) == file.size


async def test_a_picture_that_is_too_large_is_not_even_asked_for(telegram):
    error = await refused(fetch_file(telegram.side.chat, RemoteFile("F", DOWNLOAD_LIMIT + 1)))
    assert (error.key, error.params) == ("error.image.too_large", {"limit": 20})
    assert telegram.front.of("getFile") == []


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (complaint(400, "Bad Request: file is too big"), "error.image.too_large"),
        (complaint(400, "Bad Request: wrong file_id"), "error.image.not_available"),
        (complaint(401, "Unauthorized"), "error.image.not_available"),
        (PlainTextResponse(f"no route to /bot{TOKEN}/getFile", 502), "error.image.not_available"),
    ],
    ids=["too big", "wrong id", "unauthorized", "no answer"],
)
async def test_a_picture_that_telegram_does_not_hand_out_is_told_without_the_token(telegram, answer, key):
    telegram.front.answer("getFile", answer)
    error = await refused(fetch_file(telegram.side.chat, RemoteFile("F", None)))
    assert error.key == key


async def test_a_file_that_is_gone_from_the_server_is_told_without_its_address(telegram):
    known = {"file_id": "F", "file_unique_id": "U", "file_path": "photos/gone.jpg"}
    telegram.front.answer("getFile", done(known))
    error = await refused(fetch_file(telegram.side.chat, RemoteFile("F", None)))
    assert error.key == "error.image.not_available"
