"""Every call of the bot is held against a description of the Bot API: what is no call of it is found."""

import inspect
import io
import json
import re
from typing import Any

import pytest
import telegram
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaVideo, ReplyParameters
from telegram.request import HTTPXRequest

from bot.demo.serving import serve
from bot.demo.telegram import TelegramStandIn
from bot.demo.telegram.wire import Call, Upload
from tests.world.bot_api import CallChecker, description, faults_of, is_required
from tests.world.telegram import ADA, TOKEN

FILE = Upload("fox.mp4", "video/mp4", 3, io.BytesIO(b"fox"))
BUTTON = {"text": "Go", "callback_data": "go"}


def keyboard(**fields: Any) -> str:
    """A keyboard of one button, as a form carries it."""
    return json.dumps({"inline_keyboard": [[BUTTON | fields]]})


RIGHT = [
    Call("sendMessage", {"chat_id": "5", "text": "7", "disable_notification": "true"}),
    Call("sendMessage", {"chat_id": 5, "text": "Hello", "reply_markup": keyboard(style="primary")}),
    Call("sendMessage", {"chat_id": "@foxes", "text": "Hello", "reply_parameters": '{"message_id": 3}'}),
    Call("sendVideo", {"chat_id": "5", "duration": "5"}, {"video": FILE}),
    Call("sendVideo", {"chat_id": "5", "video": "attach://one"}, {"one": FILE}),
    Call("setWebhook", {"url": "https://fox.example"}, {"certificate": FILE}),
    Call(
        "sendMediaGroup", {"chat_id": "5", "media": '[{"type": "video", "media": "attach://a"}]'}, {"a": FILE}
    ),
    Call(
        "setMessageReaction",
        {"chat_id": 1, "message_id": 2, "reaction": '[{"type": "emoji", "emoji": "👍"}]'},
    ),
    Call("getMe"),
]
WRONG = [
    (Call("sendFilm", {"chat_id": 5}), "is no described method"),
    (Call("sendmessage", {"chat_id": 5, "text": "Hello"}), "is no described method"),
    (
        Call("sendMessage", {"chat_id": 5, "text": "Hello", "colour": "red"}),
        "colour: there is no such parameter",
    ),
    (Call("sendMessage", {"chat_id": 5}), "text: is missing"),
    (Call("sendMessage", {"chat_id": 5, "text": 7}), "text: is no String"),
    (Call("sendVideo", {"chat_id": 5, "duration": "5 s"}, {"video": FILE}), "duration: is no Integer"),
    (Call("getMe", {}, {"cover_art": FILE}), "cover_art: there is no such file"),
    (Call("sendMessage", {"chat_id": 5}, {"text": FILE}), "text: takes no file"),
    (Call("sendMessage", {"chat_id": 5, "text": "a", "caption": "b"}), "caption: there is no such parameter"),
    (
        Call("sendMessage", {"chat_id": 5, "text": "a", "disable_notification": "maybe"}),
        "disable_notification: is no Boolean",
    ),
    (
        Call("sendMessage", {"chat_id": 5, "text": "a", "link_preview_options": '{"is_disabled": "yes"}'}),
        "link_preview_options.is_disabled: is no Boolean",
    ),
    (
        Call("sendMessage", {"chat_id": 5, "text": "a", "reply_parameters": '{"message_id": "3"}'}),
        "reply_parameters.message_id: is no Integer",
    ),
    (
        Call("sendMessage", {"chat_id": 5, "text": "a", "reply_markup": keyboard(colour="red")}),
        "reply_markup.inline_keyboard[0][0].colour: there is no such field of InlineKeyboardButton",
    ),
    (
        Call("editMessageMedia", {"media": '{"type": "video", "media": "x", "has_cover": true}'}),
        "media.has_cover: there is no such field of InputMediaVideo",
    ),
    (
        Call("sendMediaGroup", {"chat_id": 5, "media": '[{"type": "video"}]'}),
        "media[0].media: is missing",
    ),
    (
        Call("sendMediaGroup", {"chat_id": 5, "media": '[{"type": "film", "media": "x"}]'}),
        "media[0].type: is none of photo, video, animation, audio, document",
    ),
    (Call("sendMessage", {"chat_id": 5, "text": "a", "entities": "bold"}), "entities: is no JSON"),
    (
        Call("sendMediaGroup", {"chat_id": 5, "media": '[{"type": "video", "media": "attach://b"}]'}),
        "b: is named, and was not uploaded",
    ),
]


@pytest.mark.parametrize("call", RIGHT, ids=lambda call: call.method)
def test_what_the_bot_api_takes_is_right(call):
    assert faults_of(call) == []


@pytest.mark.parametrize(("call", "fault"), WRONG, ids=[fault for _, fault in WRONG])
def test_what_the_bot_api_does_not_know_is_named(call, fault):
    assert faults_of(call) == [fault]


def test_the_description_names_the_methods_and_parameters_that_the_library_knows():
    for method, fields in description()["methods"].items():
        of_library = getattr(Bot, re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower())
        _, *parameters = inspect.signature(of_library).parameters.values()
        assert set(fields) <= {each.name for each in parameters}, method
        required = {each.name for each in parameters if each.default is inspect.Parameter.empty}
        assert {name for name, field in fields.items() if is_required(field)} == required, method


def test_the_description_names_the_types_and_fields_that_the_library_knows():
    for kind, fields in description()["types"].items():
        if isinstance(fields, dict):
            known = {*inspect.signature(getattr(telegram, kind)).parameters, "type", "force_reply"}
            assert set(fields) <= known, kind


async def test_the_stand_in_shows_each_call_to_its_checker(tmp_path):
    checker = CallChecker()
    telegram = TelegramStandIn(tmp_path, token=TOKEN, check=checker)
    async with serve(telegram.app) as address:
        base = {"base_url": f"{address}/bot", "base_file_url": f"{address}/file/bot"}
        async with Bot(TOKEN, **base, request=HTTPXRequest()) as bot:
            sent = await bot.send_message(
                ADA,
                "Hello",
                reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]]),
                reply_parameters=ReplyParameters(1, allow_sending_without_reply=True),
            )
            await bot.send_media_group(
                ADA, [InputMediaVideo(b"....ftyp", filename="a.mp4"), InputMediaVideo(b"....ftyp")]
            )
            assert checker.faults == []
            await bot.edit_message_text("Hi", ADA, sent.message_id, api_kwargs={"colour": "red"})
    assert checker.faults == ["editMessageText: colour: there is no such parameter"]
    await telegram.close()
