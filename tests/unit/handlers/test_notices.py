"""What the bot writes by itself, over a real bot: statuses, reactions, notices and alerts."""

from dataclasses import replace

import pytest

from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.types import MINUTE, SECOND, Millis
from bot.i18n import for_language
from bot.services.ports import ChatBusy, Hold, LinePosition, Progress, Reaction
from tests.builders import NOW
from tests.unit.handlers.messaging import PROGRESS, TELLS_OF_TIMEDELTA, a_task_of
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN, complaint

# -- status ------------------------------------------------------------------------------------------


async def test_a_status_is_written_once_and_edited_in_place(telegram, notices, clock):
    task = a_task_of()
    message_id = await notices.show_status(task, PROGRESS)
    task = replace(task, state=TaskState.IN_PROGRESS, status_message_id=message_id)
    assert await notices.show_status(task, PROGRESS) == message_id
    (message,) = telegram.people.replies(ADA)
    assert message["text"].startswith("Kling is working on it")
    assert telegram.front.of("sendMessage")[0]["disable_notification"] is True


async def test_a_task_that_kling_turns_away_again_and_again_is_not_edited_each_time(telegram, notices, clock):
    task = a_task_of()
    task = replace(task, status_message_id=await notices.show_status(task, PROGRESS))
    for _ in range(9):
        clock.advance(SECOND)
        await notices.show_status(replace(task, state=TaskState.SUBMITTING), Progress(clock.now()))
        await notices.show_status(task, Progress(clock.now(), place=LinePosition(Hold.BUSY, 1)))
    assert len(telegram.front.of("editMessageText")) == 3


async def test_progress_is_edited_within_the_budget(telegram, notices, clock):
    task = a_task_of(state=TaskState.IN_PROGRESS)
    message_id = await notices.show_status(task, PROGRESS)
    task = replace(task, status_message_id=message_id)
    for seconds in range(1, 10):
        clock.advance(SECOND)
        await notices.show_status(task, Progress(Millis(NOW + seconds * SECOND)))
    assert len(telegram.front.of("editMessageText")) == 3


async def test_a_status_that_somebody_deleted_is_written_anew(telegram, notices):
    task = replace(a_task_of(), status_message_id=12_345)
    message_id = await notices.show_status(task, PROGRESS)
    assert message_id not in {None, 12_345}
    assert [message["message_id"] for message in telegram.people.replies(ADA)] == [message_id]


async def test_a_status_that_says_so_already_is_no_error(telegram, notices):
    message_id = await notices.show_status(a_task_of(), PROGRESS)
    telegram.front.answer("editMessageText", complaint(400, "Bad Request: message is not modified: same"))
    task = a_task_of(state=TaskState.SUBMITTING, status_message_id=message_id)
    assert await notices.show_status(task, PROGRESS) == message_id
    assert len(telegram.people.replies(ADA)) == 1


@TELLS_OF_TIMEDELTA
async def test_a_chat_that_asks_for_a_pause_is_not_edited_before_it_is_over(telegram, notices, clock):
    task = a_task_of()
    task = replace(task, status_message_id=await notices.show_status(task, PROGRESS))
    sent = replace(task, state=TaskState.IN_PROGRESS)
    telegram.front.answer("editMessageText", complaint(429, "Too Many Requests", retry_after=30))
    with pytest.raises(ChatBusy):
        await notices.show_status(sent, PROGRESS)
    clock.advance(29 * SECOND)
    assert await notices.show_status(sent, PROGRESS) == task.status_message_id
    assert len(telegram.front.of("editMessageText")) == 1
    # What people wait for goes first then.
    clock.advance(4 * SECOND)
    await notices.show_status(sent, PROGRESS)
    assert len(telegram.front.of("editMessageText")) == 2


async def test_a_status_is_taken_away_and_one_that_is_gone_already_does_not_matter(telegram, notices):
    task = a_task_of()
    task = replace(task, status_message_id=await notices.show_status(task, PROGRESS))
    await notices.remove_status(task)
    await notices.remove_status(task)
    await notices.remove_status(a_task_of())
    assert telegram.people.replies(ADA) == []
    assert len(telegram.front.of("deleteMessage")) == 2


async def test_a_long_running_task_is_edited_more_rarely(telegram, notices, clock):
    task = a_task_of(state=TaskState.IN_PROGRESS)
    task = replace(task, status_message_id=await notices.show_status(task, PROGRESS))
    clock.advance(10 * MINUTE)
    await notices.show_status(task, Progress(clock.now()))
    clock.advance(29 * SECOND)
    await notices.show_status(task, Progress(clock.now()))
    assert len(telegram.front.of("editMessageText")) == 1


# -- reactions ---------------------------------------------------------------------------------------


async def test_a_request_in_a_group_wears_the_newest_reaction_alone(telegram, notices):
    asked = await telegram.people.say(ADA, "/video a fox", chat=GROUP)
    task = a_task_of(GROUP, message_id=asked["message_id"])
    task = replace(task, origin=replace(task.origin, is_private=False))
    seen = []
    for reaction in (Reaction.ACCEPTED, Reaction.FAILED, Reaction.DONE, Reaction.CANCELLED):
        await notices.react(task, reaction)
        seen.append(telegram.people.messages(GROUP)[-1].get("reactions", []))
    assert seen == [["👀"], ["💔"], ["🎉"], []]


async def test_a_group_without_reactions_gets_none(telegram, notices):
    task = a_task_of(GROUP)
    task = replace(task, origin=replace(task.origin, is_private=False))
    telegram.front.answer("setMessageReaction", complaint(400, "Bad Request: REACTION_INVALID"))
    await notices.react(task, Reaction.ACCEPTED)
    assert len(telegram.front.of("setMessageReaction")) == 1


async def test_in_a_private_chat_the_status_says_enough(telegram, notices):
    await notices.react(a_task_of(), Reaction.ACCEPTED)
    assert telegram.front.of("setMessageReaction") == []


# -- how tasks end -----------------------------------------------------------------------------------


async def test_a_notice_takes_the_place_of_the_status_in_a_message_that_is_noticed(telegram, notices):
    status = await notices.show_status(a_task_of(), PROGRESS)
    failed = a_task_of(state=TaskState.FAILED, failure=FailureKind.PROVIDER, status_message_id=status)
    sent = await notices.send_notice(failed)
    (message,) = telegram.people.replies(ADA)
    assert message["message_id"] == sent.message_id != status
    assert "Your 10 credits are refunded" in message["text"]


async def test_a_cancelled_task_says_so_where_its_status_stands(telegram, notices):
    status = await notices.show_status(a_task_of(), PROGRESS)
    sent = await notices.send_notice(a_task_of(state=TaskState.CANCELLED, status_message_id=status))
    (message,) = telegram.people.replies(ADA)
    assert message["message_id"] == sent.message_id == status
    assert message["text"] == "Cancelled. Your 10 credits are refunded."
    assert "reply_markup" not in message


async def test_a_cancelled_task_whose_status_is_gone_says_so_in_a_new_message(telegram, notices):
    sent = await notices.send_notice(a_task_of(state=TaskState.CANCELLED, status_message_id=12_345))
    assert [message["message_id"] for message in telegram.people.replies(ADA)] == [sent.message_id]


async def test_a_task_speaks_the_language_that_it_was_asked_in(telegram, notices):
    await notices.send_notice(a_task_of(state=TaskState.CANCELLED, language="zh_Hans"))
    (message,) = telegram.people.replies(ADA)
    assert "积分" in message["text"]


async def test_ids_and_credits_are_written_as_people_read_them(telegram, notices):
    await notices.tell(a_task_of(), "notice.delivery.refunded", id="K7Q29F", credits=1_500)
    (message,) = telegram.people.replies(ADA)
    assert "K7Q2-9F" in message["text"]
    assert "Your 1,500 credits are refunded" in message["text"]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Your 1 credit is refunded"), ("zh_Hans", "1 积分已退还")]
)
async def test_one_credit_is_written_as_one(telegram, notices, language, words):
    task = a_task_of(state=TaskState.CANCELLED, language=language, price=1)
    await notices.send_notice(task)
    await notices.tell(task, "notice.delivery.refunded", id=task.id, credits=1)
    assert [words in message["text"] for message in telegram.people.replies(ADA)] == [True, True]


# -- alerts ------------------------------------------------------------------------------------------


async def test_an_admin_reads_an_alert_in_their_language_and_how_often_it_came(telegram, notices):
    about = {"provider": "<gate>", "detail": "no units (1102)"}
    await notices.alert(BOSS, "en", "alert.provider.balance", **about)
    await notices.alert(XIAOLIN, "zh_Hans", "alert.provider.balance", **about, repeated=2)
    (english,), (chinese,) = telegram.people.replies(BOSS), telegram.people.replies(XIAOLIN)
    assert english["text"].startswith("Provider <gate> has no balance left: no units (1102).")
    assert "余额不足" in chinese["text"]
    assert chinese["text"].endswith(for_language("zh_Hans").plural("alert.repeated", 2))
