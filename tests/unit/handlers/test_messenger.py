"""The messenger over a real bot: what Telegram answers, and what the services are told of it."""

import pytest
from starlette.responses import PlainTextResponse

from bot.domain.credits.quota import Plan
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.units import SECOND, UserId
from bot.services.people.accounts import Accounts
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused
from bot.settings import sections
from bot.store import Store
from tests.builders import a_delivery
from tests.telegram_front import ADA, BOSS, CLUB, TOKEN, XIAOLIN, complaint
from tests.unit.handlers.messaging import PROGRESS, TELLS_OF_TIMEDELTA, VIDEO, a_task_of

# -- what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((403, "Forbidden: bot was blocked by the user"), ChatGone),
        ((403, "Forbidden: bot was kicked from the supergroup chat"), ChatGone),
        ((403, "Forbidden: user is deactivated"), ChatGone),
        ((400, "Bad Request: chat not found"), ChatGone),
        ((400, "Bad Request: PEER_ID_INVALID"), ChatGone),
        ((400, "Bad Request: group chat was deleted"), ChatGone),
        ((400, "Bad Request: have no rights to send a message"), ChatGone),
        ((400, "Bad Request: not enough rights to send text messages to the chat"), ChatGone),
        ((400, "Bad Request: CHAT_WRITE_FORBIDDEN"), ChatGone),
        ((400, "Bad Request: can't parse entities: unsupported start tag"), ChatRefused),
        ((400, "Bad Request: message is too long"), ChatRefused),
        ((413, "Request Entity Too Large"), ChatRefused),
        ((409, "Conflict: terminated by other getUpdates request"), ChatBusy),
        ((401, "Unauthorized"), ChatBusy),
        ((500, "Internal Server Error"), ChatBusy),
        ((502, "Bad Gateway"), ChatBusy),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
async def test_telegrams_answers_become_what_the_services_know(telegram, messenger, answer, error):
    telegram.front.answer("sendMessage", complaint(*answer))
    with pytest.raises(error):
        await messenger.tell(a_task_of(), "notice.cancelled")


@TELLS_OF_TIMEDELTA
async def test_a_pause_that_telegram_asks_for_is_told_in_milliseconds(telegram, messenger):
    telegram.front.answer("sendMessage", complaint(429, "Too Many Requests: retry after 17", retry_after=17))
    with pytest.raises(ChatBusy) as raised:
        await messenger.tell(a_task_of(), "notice.cancelled")
    assert raised.value.retry_after == 17 * SECOND


async def test_a_group_that_became_a_supergroup_is_told_with_its_new_id(telegram, messenger):
    moved = complaint(
        400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=CLUB
    )
    telegram.front.answer("sendMessage", moved)
    with pytest.raises(ChatMoved) as raised:
        await messenger.tell(a_task_of(), "notice.cancelled")
    assert raised.value.new_chat_id == CLUB


async def test_an_answer_that_is_none_is_a_bad_moment_and_gives_no_token_away(telegram, messenger):
    telegram.front.answer("sendMessage", PlainTextResponse(f"proxy error at /bot{TOKEN}/sendMessage", 503))
    with pytest.raises(ChatBusy) as raised:
        await messenger.tell(a_task_of(), "notice.cancelled")
    assert TOKEN not in str(raised.value)
    assert raised.value.__cause__ is None


# -- topics and replies ------------------------------------------------------------------------------


async def test_an_answer_goes_into_its_topic_as_a_reply_that_may_have_lost_its_message(telegram, messenger):
    telegram.front.answer("sendMessage", complaint(400, "Bad Request: message is too long"))
    with pytest.raises(ChatRefused):
        await messenger.tell(a_task_of(CLUB, thread_id=7, message_id=99), "notice.cancelled")
    (call,) = telegram.front.of("sendMessage")
    assert (call["chat_id"], call["message_thread_id"]) == (CLUB, 7)
    assert call["reply_parameters"] == {"message_id": 99, "allow_sending_without_reply": True}


@pytest.mark.parametrize("words", ["message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED"])
async def test_where_a_topic_is_gone_the_answer_goes_to_the_chat_itself(telegram, messenger, words):
    telegram.front.answer("sendMessage", complaint(400, f"Bad Request: {words}"))
    sent = await messenger.tell(a_task_of(CLUB, thread_id=7), "notice.cancelled")
    (message,) = telegram.people.replies(CLUB)
    assert message["message_id"] == sent.message_id
    assert "message_thread_id" not in telegram.front.of("sendMessage")[1]


async def test_where_a_topic_is_gone_the_whole_video_is_sent_once_more(telegram, messenger, file):
    telegram.front.answer("sendVideo", complaint(400, "Bad Request: message thread not found"))
    await messenger.send_result(a_delivery(a_task_of(CLUB, TaskState.SUCCEEDED, thread_id=7)), file)
    sizes = [
        part["size"]
        for call in telegram.front.of("sendVideo")
        for part in call.values()
        if isinstance(part, dict) and str(part.get("name")).endswith(".mp4")
    ]
    assert sizes == [len(VIDEO), len(VIDEO)]
    assert len(telegram.people.replies(CLUB)) == 1


# -- notices and operators ---------------------------------------------------------------------------


async def test_a_notice_takes_the_place_of_the_status_in_a_message_that_is_noticed(telegram, messenger):
    status = await messenger.show_status(a_task_of(), PROGRESS)
    failed = a_task_of(state=TaskState.FAILED, failure=FailureKind.PROVIDER, status_message_id=status)
    sent = await messenger.send_notice(failed)
    (message,) = telegram.people.replies(ADA)
    assert message["message_id"] == sent.message_id != status
    assert "Your 10 credits are back" in message["text"]


async def test_a_cancelled_task_says_so_where_its_status_stands(telegram, messenger):
    status = await messenger.show_status(a_task_of(), PROGRESS)
    sent = await messenger.send_notice(a_task_of(state=TaskState.CANCELLED, status_message_id=status))
    (message,) = telegram.people.replies(ADA)
    assert message["message_id"] == sent.message_id == status
    assert message["text"] == "Cancelled. Your 10 credits are back."
    assert "reply_markup" not in message


async def test_a_cancelled_task_whose_status_is_gone_says_so_in_a_new_message(telegram, messenger):
    sent = await messenger.send_notice(a_task_of(state=TaskState.CANCELLED, status_message_id=12_345))
    assert [message["message_id"] for message in telegram.people.replies(ADA)] == [sent.message_id]


async def test_a_task_speaks_the_language_that_it_was_asked_in(telegram, messenger):
    await messenger.send_notice(a_task_of(state=TaskState.CANCELLED, language="zh_Hans"))
    (message,) = telegram.people.replies(ADA)
    assert "积分" in message["text"]


async def test_ids_and_credits_are_written_as_people_read_them(telegram, messenger):
    await messenger.tell(a_task_of(), "notice.delivery.refunded", id="K7Q29F", credits=1_500)
    (message,) = telegram.people.replies(ADA)
    assert "K7Q2-9F" in message["text"]
    assert "1,500 credits" in message["text"]


async def test_every_admin_is_told_though_one_has_blocked_the_bot(telegram, messenger):
    telegram.front.answer("sendMessage", complaint(403, "Forbidden: bot was blocked by the user"))
    await messenger.alert_operators("alert.provider.balance", provider="<gate>", detail="no units (1102)")
    asked = [call["chat_id"] for call in telegram.front.of("sendMessage")]
    assert sorted(asked) == [BOSS, ADA, XIAOLIN]
    (reached, other) = asked[1:]
    for admin in (reached, other):
        (message,) = telegram.people.replies(admin)
        assert "Provider <gate> has no balance left: no units (1102)." in message["text"]


async def test_an_admin_is_told_in_their_own_language(telegram, messenger, clock, tmp_path):
    store = await Store.open(str(tmp_path / "klingbot.db"))
    admins = frozenset({UserId(BOSS), UserId(XIAOLIN)})
    accounts = Accounts(
        store=store,
        clock=clock,
        plans={"free": Plan("free")},
        quota=sections.Quota(default_plan="free"),
        owners=admins,
    )
    await accounts.see(UserId(XIAOLIN), "小林", "xiaolin", "zh-hans")
    messenger.read_languages_from(accounts)
    await messenger.alert_operators("alert.provider.balance", provider="gate", detail="1102")
    assert "余额不足" in telegram.people.replies(XIAOLIN)[0]["text"]
    assert "no balance left" in telegram.people.replies(BOSS)[0]["text"]
    await store.close()
