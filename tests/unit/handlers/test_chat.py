"""The Telegram adapter: where messages go, and what happens where Telegram asks for a pause."""

import pytest

from bot.clock import ManualClock
from bot.domain.units import ChatId
from bot.services.ports import ChatBusy
from handlers.chat.keyboards import Signer
from handlers.chat.views import View
from handlers.sending.chat import LONGEST_WAIT, Chat, ReplyTarget
from tests.builders import NOW
from tests.telegram_front import ADA, CLUB, TOKEN, complaint, open_telegram

HELLO = View("Hello <b>Ada</b>")

pytestmark = pytest.mark.filterwarnings("ignore:.*PTB_TIMEDELTA")


@pytest.fixture
async def telegram(tmp_path):
    async with open_telegram(tmp_path, ManualClock(NOW)) as opened:
        yield opened


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def chat(telegram, pauses):
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    return Chat(telegram.side.application.bot, Signer(TOKEN), sleep)


def too_many(seconds: int):
    return complaint(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


async def test_an_answer_waits_as_long_as_telegram_asks_for_and_then_arrives(telegram, chat, pauses):
    telegram.front.answer("sendMessage", too_many(7))
    message = await chat.send(ReplyTarget(ChatId(ADA)), HELLO, wait=True)
    assert pauses == [7]
    assert [reply["message_id"] for reply in telegram.people.replies(ADA)] == [message.message_id]


async def test_an_answer_does_not_wait_for_ever(telegram, chat, pauses):
    telegram.front.answer("sendMessage", too_many(int(LONGEST_WAIT) + 1))
    with pytest.raises(ChatBusy):
        await chat.send(ReplyTarget(ChatId(ADA)), HELLO, wait=True)
    assert pauses == []


async def test_an_answer_waits_once_and_no_more(telegram, chat, pauses):
    telegram.front.answer("sendMessage", too_many(1), too_many(1))
    with pytest.raises(ChatBusy):
        await chat.send(ReplyTarget(ChatId(ADA)), HELLO, wait=True)
    assert pauses == [1]


async def test_an_answer_stands_in_the_topic_of_the_question_and_shows_no_preview(telegram, chat):
    telegram.front.answer("sendMessage", too_many(int(LONGEST_WAIT) + 1))
    with pytest.raises(ChatBusy):
        await chat.send(ReplyTarget(ChatId(CLUB), 9, 7), HELLO, wait=True)
    (call,) = telegram.front.of("sendMessage")
    assert (call["chat_id"], call["message_thread_id"], call["parse_mode"]) == (CLUB, 7, "HTML")
    assert call["reply_parameters"]["message_id"] == 9
    assert call["reply_parameters"]["allow_sending_without_reply"] is True
    assert call["link_preview_options"] == {"is_disabled": True}
