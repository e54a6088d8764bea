"""Where an exception becomes what a person sees: one sentence, never a traceback, never a secret."""

import re
from dataclasses import fields

import pytest
import structlog
from structlog.testing import LogCapture
from telegram import Update

from bot.errors import UserError
from bot.i18n import for_language
from bot.services.container import Services
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused
from bot.store import Store
from handlers.chat.errors import answer_error
from handlers.chat.html import ALERT_LIMIT, strip_tags
from handlers.dispatcher import Incoming
from tests.builders import NOW
from tests.clock import ManualClock
from tests.world.services import an_office
from tests.world.telegram import ADA, complaint, done, open_telegram

SECRET = "sk-secret-of-the-provider"


@pytest.fixture
async def telegram(tmp_path):
    clock = ManualClock(NOW)
    store = await Store.open(str(tmp_path / "klingbot.db"))
    accounts = an_office(store, clock, tmp_path / "office.toml").accounts
    async with open_telegram(tmp_path / "telegram", clock) as opened:
        # Errors are told with the services of people and time; the others are not asked.
        others = dict.fromkeys(field.name for field in fields(Services))
        services = Services(**{**others, "accounts": accounts, "clock": clock})
        opened.dispatcher = opened.side.handler(services).dispatcher
        yield opened
    await store.close()


@pytest.fixture
def told(telegram):
    """Hands an exception to the error handler, as the dispatcher does."""

    async def hand(update: Update, error: Exception, language: str = "en") -> None:
        turn = telegram.dispatcher.turn(Incoming(update))
        turn.t = for_language(language)
        await answer_error(turn, error)

    return hand


@pytest.fixture
async def message(telegram):
    sent = await telegram.people.say(ADA, "/video a fox")
    return Update.de_json({"update_id": 7, "message": sent}, telegram.side.application.bot)


@pytest.fixture
async def press(telegram, message):
    query = {
        "id": "42",
        "from": {"id": ADA, "is_bot": False, "first_name": "Ada"},
        "message": message.message.to_dict(),
        "chat_instance": "1",
        "data": "1:again:K7Q29F::forged",
    }
    return Update.de_json({"update_id": 8, "callback_query": query}, telegram.side.application.bot)


@pytest.fixture
def lines():
    capture = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[capture])
    yield capture.entries
    structlog.configure(**before)


async def test_a_mistake_of_the_person_is_answered_with_one_sentence_as_a_reply(telegram, told, message):
    await told(message, UserError("error.task.unknown", task="<K7>"))
    (reply,) = telegram.people.replies(ADA)
    assert reply["text"] == "You have no task <K7>. /tasks shows what is running."
    assert reply["reply_to_message"]["message_id"] == message.message.message_id


async def test_the_sentence_is_in_the_persons_language(telegram, told, message):
    await told(message, UserError("error.admin.only"), "zh_Hans")
    (reply,) = telegram.people.replies(ADA)
    assert reply["text"] == for_language("zh_Hans")("error.admin.only")


async def test_an_error_of_ours_is_a_reference_and_never_a_traceback_or_a_raw_exception(
    telegram, told, message, lines
):
    error = RuntimeError(f"no column {SECRET} in tasks")
    await told(message, error)
    (reply,) = telegram.people.replies(ADA)
    (reference,) = re.findall(r"T-[0-9a-f]{4}\b", reply["text"])
    assert SECRET not in reply["text"]
    assert "RuntimeError" not in reply["text"]
    # The same reference leads to the traceback in the log.
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["reference"], line["update"], line["exc_info"]) == (reference, 7, error)


async def test_what_a_person_typed_is_not_in_the_log(told, message, lines):
    await told(message, UserError("error.prompt.stray_word", word="a very private fox"))
    assert [line["key"] for line in lines] == ["error.prompt.stray_word"]
    assert "private" not in str(lines)


async def test_an_error_of_a_press_is_shown_in_an_alert_as_plain_text(telegram, told, press):
    telegram.front.answer("answerCallbackQuery", done())
    await told(press, UserError("error.access.maintenance_usage"))
    (answer,) = telegram.front.of("answerCallbackQuery")
    assert answer["text"] == strip_tags(for_language("en")("error.access.maintenance_usage"))
    assert answer["show_alert"] is True
    assert telegram.people.replies(ADA) == []


async def test_an_alert_is_cut_to_what_telegram_shows(telegram, told, press):
    telegram.front.answer("answerCallbackQuery", done())
    await told(press, UserError("error.task.unknown", task="x" * 1_000))
    (answer,) = telegram.front.of("answerCallbackQuery")
    assert len(answer["text"]) == ALERT_LIMIT == 200
    assert answer["text"].endswith("…")


async def test_a_press_that_waited_too_long_for_an_alert_is_answered_in_the_chat(telegram, told, press):
    telegram.front.answer(
        "answerCallbackQuery", complaint(400, "Bad Request: query is too old and response timeout expired")
    )
    await told(press, UserError("error.button.stale"))
    (reply,) = telegram.people.replies(ADA)
    assert reply["text"] == strip_tags(for_language("en")("error.button.stale"))


@pytest.mark.parametrize(
    ("kind", "about"), [(ChatGone, "bot was blocked by the user"), (ChatMoved, -100_5), (ChatBusy, 30_000)]
)
async def test_where_telegram_does_not_take_our_answers_nobody_is_told(
    telegram, told, message, lines, kind, about
):
    await told(message, kind(about))
    assert telegram.people.replies(ADA) == []
    assert [(line["event"], line["kind"]) for line in lines] == [
        ("an answer could not be sent", kind.__name__)
    ]


async def test_an_answer_that_telegram_refuses_as_badly_made_is_a_mistake_of_ours(telegram, told, message):
    await told(message, ChatRefused("can't parse entities"))
    assert "T-" in telegram.people.replies(ADA)[0]["text"]


async def test_an_error_that_cannot_be_told_ends_there(telegram, told, message, lines):
    telegram.front.answer("sendMessage", complaint(403, "Forbidden: bot was blocked by the user"))
    await told(message, UserError("error.admin.only"))
    assert lines[-1]["event"] == "an error could not be told"


async def test_an_update_without_a_message_is_answered_nowhere(telegram, told):
    await told(Update(update_id=9), UserError("error.admin.only"))
    assert telegram.front.of("sendMessage") == []
