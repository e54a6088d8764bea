"""Answers to what people write: where they go, and what happens where Telegram asks for a pause."""

import pytest
from telegram.error import RetryAfter

from bot.clock import ManualClock
from bot.domain.units import ChatId
from handlers.chat.context import LONGEST_PAUSE, Context, Place, send
from handlers.chat.keyboards import Signer
from handlers.chat.views import View
from tests.builders import NOW
from tests.telegram_front import ADA, CLUB, TOKEN, complaint, open_telegram

HELLO = View("Hello <b>Ada</b>")

pytestmark = pytest.mark.filterwarnings("ignore:.*PTB_TIMEDELTA")


@pytest.fixture
async def telegram(tmp_path):
    async with open_telegram(tmp_path, ManualClock(NOW)) as opened:
        opened.side.application.bot_data.signer = Signer(TOKEN)
        yield opened


@pytest.fixture
def pauses(telegram):
    made: list[float] = []

    async def pause(seconds: float) -> None:
        made.append(seconds)

    telegram.side.application.bot_data.pause = pause
    return made


@pytest.fixture
def context(telegram):
    return Context(telegram.side.application)


def too_many(seconds: int):
    return complaint(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


async def test_an_answer_waits_as_long_as_telegram_asks_for_and_then_arrives(telegram, context, pauses):
    telegram.front.answer("sendMessage", too_many(7))
    message = await send(context, Place(ChatId(ADA), None, None, is_private=True), HELLO)
    assert pauses == [7]
    assert [reply["message_id"] for reply in telegram.people.replies(ADA)] == [message.message_id]


async def test_an_answer_does_not_wait_for_ever(telegram, context, pauses):
    telegram.front.answer("sendMessage", too_many(int(LONGEST_PAUSE) + 1))
    with pytest.raises(RetryAfter):
        await send(context, Place(ChatId(ADA), None, None, is_private=True), HELLO)
    assert pauses == []


async def test_an_answer_waits_once_and_no_more(telegram, context, pauses):
    telegram.front.answer("sendMessage", too_many(1), too_many(1))
    with pytest.raises(RetryAfter):
        await send(context, Place(ChatId(ADA), None, None, is_private=True), HELLO)
    assert pauses == [1]


async def test_an_answer_stands_in_the_topic_of_the_question_and_shows_no_preview(telegram, context):
    telegram.front.answer("sendMessage", too_many(int(LONGEST_PAUSE) + 1))
    with pytest.raises(RetryAfter):
        await send(context, Place(ChatId(CLUB), 9, 7, is_private=False), HELLO)
    (call,) = telegram.front.of("sendMessage")
    assert (call["chat_id"], call["message_thread_id"], call["parse_mode"]) == (CLUB, 7, "HTML")
    assert call["reply_parameters"]["message_id"] == 9
    assert call["reply_parameters"]["allow_sending_without_reply"] is True
    assert call["link_preview_options"] == {"is_disabled": True}
