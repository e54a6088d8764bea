"""Pictures out of messages: which of them count, and that no address of a file leaves the module."""

import pytest
from starlette.responses import PlainTextResponse
from telegram import Message

from bot.demo.script import sample_picture
from bot.errors import UserError
from handlers.chat.files import DOWNLOAD_LIMIT, RemoteFile, fetch_file, image_file_of
from handlers.chat.keyboards import Signer
from handlers.sending.chat import Chat
from handlers.sending.pacing import Pacing
from handlers.sending.requests import Requests
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
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
    assert (error.key, error.params) == ("error.file.too_large", {"limit": 20})
    assert telegram.front.of("getFile") == []


HTML = f"<html>no route to /bot{TOKEN}/getFile</html>"
BUSY = complaint(429, "Too Many Requests: retry after 2", retry_after=2)
NOT_READY = done({"file_id": "F", "file_unique_id": "U"})
GONE = done({"file_id": "F", "file_unique_id": "U", "file_path": "photos/gone.jpg"})
ELSEWHERE = done(
    {"file_id": "F", "file_unique_id": "U", "file_path": "/var/lib/telegram-bot-api/photos/1.jpg"}
)
UNAVAILABLE = complaint(400, "Bad Request: wrong file_id or the file is temporarily unavailable")

PASSING = {
    "too many requests": (BUSY, [2]),
    "bad gateway": (PlainTextResponse(HTML, 502), [1]),
    "a page of html": (PlainTextResponse(HTML), [1]),
    "no path": (NOT_READY, [1]),
    "a local path that is not here": (ELSEWHERE, [1]),
    "temporarily unavailable": (UNAVAILABLE, [1]),
}

LASTING = {
    "too big": (complaint(400, "Bad Request: file is too big"), "error.file.too_large", 1),
    "wrong id": (complaint(400, "Bad Request: wrong file_id"), "error.file.gone", 3),
    "no file at its path": (GONE, "error.file.gone", 3),
    "a local path that is not here": (ELSEWHERE, "error.file.unreachable", 3),
    "no path": (NOT_READY, "error.file.later", 3),
    "unauthorized": (complaint(401, "Unauthorized"), "error.file.later", 3),
    "bad gateway": (PlainTextResponse(HTML, 502), "error.file.later", 3),
    "too many requests": (BUSY, "error.file.later", 3),
    "a long pause": (
        complaint(429, "Too Many Requests: retry after 60", retry_after=60),
        "error.file.later",
        1,
    ),
}


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def chat(telegram, clock, pauses):
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    bot = telegram.side.application.bot
    return Chat(bot=bot, signer=Signer(TOKEN), requests=Requests(Pacing(clock, sleep)))


@TELLS_OF_TIMEDELTA
@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
async def test_what_telegram_does_not_hand_out_at_first_is_asked_for_again(telegram, chat, pauses, answer):
    refusal, waited = answer
    sent = await telegram.people.send_photo(ADA, sample_picture())
    telegram.front.answer("getFile", refusal)
    assert await fetch_file(chat, image_file_of(Message.de_json(sent, None)))
    assert pauses == waited


@TELLS_OF_TIMEDELTA
@pytest.mark.parametrize("answer", LASTING.values(), ids=LASTING)
async def test_what_telegram_does_not_hand_out_is_told_in_a_sentence_that_fits(telegram, chat, answer):
    refusal, key, tries = answer
    telegram.front.always("getFile", refusal)
    assert (await refused(fetch_file(chat, RemoteFile("F", None)))).key == key
    assert len(telegram.front.of("getFile")) == tries


async def test_a_file_of_a_local_server_is_read_where_it_lies(telegram, chat, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"a picture")
    telegram.front.answer("getFile", done({"file_id": "F", "file_unique_id": "U", "file_path": str(path)}))
    assert await fetch_file(chat, RemoteFile("F", None)) == b"a picture"
