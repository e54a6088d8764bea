"""The messenger over a real bot: what Telegram answers, and what the services are told of it."""

import io
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from starlette.responses import PlainTextResponse

from bot.clock import ManualClock
from bot.domain.quota import Plan
from bot.domain.request import Operation
from bot.domain.task import FailureKind, Task, TaskState
from bot.domain.units import MINUTE, SECOND, ChatId, Millis, UserId
from bot.services.accounts import Accounts
from bot.services.ports import (
    ChatBusy,
    ChatGone,
    ChatMoved,
    ChatRefused,
    Manner,
    Progress,
    ResultFile,
    Sent,
    Sign,
)
from bot.store.sqlite import SqliteStore
from handlers.messenger import CONFETTI
from tests.builders import NOW, a_delivery, a_request, a_task
from tests.telegram_front import ADA, BOSS, CLUB, TOKEN, XIAOLIN, complaint, open_telegram

PROGRESS = Progress(NOW)
TELLS_OF_TIMEDELTA = pytest.mark.filterwarnings("ignore:.*PTB_TIMEDELTA")
"""python-telegram-bot says with every pause how pauses will be told one day."""

VIDEO = b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 4_000
"""About a megabyte."""


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
async def telegram(tmp_path, clock):
    admins = frozenset({UserId(BOSS), UserId(ADA), UserId(XIAOLIN)})
    async with open_telegram(tmp_path / "telegram", clock, admins) as opened:
        yield opened


@pytest.fixture
def messenger(telegram):
    return telegram.side.messenger


def a_task_of(chat_id: int = ADA, state: TaskState = TaskState.QUEUED, **changes) -> Task:
    origin = {name: changes.pop(name) for name in ("thread_id", "message_id", "language") if name in changes}
    task = a_task(state, chat_id=ChatId(chat_id), **changes)
    return replace(task, origin=replace(task.origin, **origin))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(VIDEO)
    cover = tmp_path / "video.jpg"
    Image.new("RGB", (320, 180)).save(cover, "JPEG")
    return ResultFile(path, 1280, 720, 5_040, len(VIDEO), cover)


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


# -- status ------------------------------------------------------------------------------------------


async def test_a_status_is_written_once_and_edited_in_place(telegram, messenger, clock):
    task = a_task_of()
    message_id = await messenger.show_status(task, PROGRESS)
    task = replace(task, state=TaskState.SUBMITTING, status_message_id=message_id)
    assert await messenger.show_status(task, PROGRESS) == message_id
    (message,) = telegram.people.replies(ADA)
    assert message["text"].startswith("Sending it to Kling")
    assert telegram.front.of("sendMessage")[0]["disable_notification"] is True


async def test_progress_is_edited_within_the_budget(telegram, messenger, clock):
    task = a_task_of(state=TaskState.IN_PROGRESS)
    message_id = await messenger.show_status(task, PROGRESS)
    task = replace(task, status_message_id=message_id)
    for seconds in range(1, 10):
        clock.advance(SECOND)
        await messenger.show_status(task, Progress(Millis(NOW + seconds * SECOND)))
    assert len(telegram.front.of("editMessageText")) == 3


async def test_a_status_that_somebody_deleted_is_written_anew(telegram, messenger):
    task = replace(a_task_of(), status_message_id=12_345)
    message_id = await messenger.show_status(task, PROGRESS)
    assert message_id not in {None, 12_345}
    assert [message["message_id"] for message in telegram.people.replies(ADA)] == [message_id]


async def test_a_status_that_says_so_already_is_no_error(telegram, messenger):
    message_id = await messenger.show_status(a_task_of(), PROGRESS)
    telegram.front.answer("editMessageText", complaint(400, "Bad Request: message is not modified: same"))
    task = a_task_of(state=TaskState.SUBMITTING, status_message_id=message_id)
    assert await messenger.show_status(task, PROGRESS) == message_id
    assert len(telegram.people.replies(ADA)) == 1


@TELLS_OF_TIMEDELTA
async def test_a_chat_that_asks_for_a_pause_is_not_edited_before_it_is_over(telegram, messenger, clock):
    task = a_task_of()
    task = replace(task, status_message_id=await messenger.show_status(task, PROGRESS))
    sent = replace(task, state=TaskState.SUBMITTING)
    telegram.front.answer("editMessageText", complaint(429, "Too Many Requests", retry_after=30))
    with pytest.raises(ChatBusy):
        await messenger.show_status(sent, PROGRESS)
    clock.advance(29 * SECOND)
    assert await messenger.show_status(sent, PROGRESS) == task.status_message_id
    assert len(telegram.front.of("editMessageText")) == 1
    clock.advance(SECOND)
    await messenger.show_status(sent, PROGRESS)
    assert len(telegram.front.of("editMessageText")) == 2


async def test_a_status_is_taken_away_and_one_that_is_gone_already_does_not_matter(telegram, messenger):
    task = a_task_of()
    task = replace(task, status_message_id=await messenger.show_status(task, PROGRESS))
    await messenger.remove_status(task)
    await messenger.remove_status(task)
    await messenger.remove_status(a_task_of())
    assert telegram.people.replies(ADA) == []
    assert len(telegram.front.of("deleteMessage")) == 2


# -- videos ------------------------------------------------------------------------------------------


async def test_a_video_is_sent_with_all_that_a_player_wants_to_know(telegram, messenger, file):
    asked = await telegram.people.say(ADA, "/video a fox")
    task = a_task_of(state=TaskState.SUCCEEDED, message_id=asked["message_id"])
    sent = await messenger.send_result(a_delivery(task), file)
    (message,) = telegram.people.replies(ADA)
    video = message["video"]
    assert sent == Sent(message["message_id"], video["file_id"])
    assert (video["width"], video["height"], video["duration"]) == (1280, 720, 5)
    assert video["file_size"] == len(VIDEO)
    assert "thumbnail" in video
    assert message["reply_to_message"]["message_id"] == asked["message_id"]
    assert message["caption"].startswith("a fox in the snow")
    assert message["reply_markup"]["inline_keyboard"][0][0]["text"] == "Again · 10 credits"
    assert telegram.front.of("sendVideo")[0]["supports_streaming"] is True


class Watched(type(Path())):
    """A file that notes how it is read."""

    def open(self, mode="r", *arguments, **options):
        assert mode == "rb"
        self.reads: list[int | None] = []
        return Reader(io.FileIO(self, "r"), self.reads)


class Reader(io.BufferedReader):
    def __init__(self, raw: io.FileIO, reads: list[int | None]) -> None:
        super().__init__(raw)
        self._reads = reads

    def read(self, size: int | None = -1) -> bytes:
        self._reads.append(size)
        return super().read(size)


async def test_a_video_is_streamed_and_never_whole_in_memory(messenger, file):
    watched = Watched(file.path)
    await messenger.send_result(a_delivery(a_task_of(state=TaskState.SUCCEEDED)), replace(file, path=watched))
    assert len(watched.reads) > 10
    assert all(size is not None and 0 < size <= len(VIDEO) // 10 for size in watched.reads)


async def test_a_video_that_telegram_has_already_costs_no_upload(telegram, messenger, file):
    task = a_task_of(state=TaskState.SUCCEEDED)
    first = await messenger.send_result(a_delivery(task), file)
    second = await messenger.send_result(a_delivery(task, file_id=first.file_id), None)
    assert second.file_id == first.file_id
    assert telegram.front.of("sendVideo")[1]["video"] == first.file_id
    assert len(telegram.people.replies(ADA)) == 2


async def test_a_video_that_is_too_large_is_offered_by_its_address(telegram, messenger):
    delivery = a_delivery(a_task_of(state=TaskState.SUCCEEDED))
    sent = await messenger.send_link(delivery, "https://cdn.example/v.mp4?a=1&b=2", 61_000_000)
    (message,) = telegram.people.replies(ADA)
    assert message["message_id"] == sent.message_id
    assert "61 MB" in message["text"]
    assert any(entity.get("url") == "https://cdn.example/v.mp4?a=1&b=2" for entity in message["entities"])


async def test_that_a_video_is_on_its_way_is_shown_and_does_not_matter(telegram, messenger):
    await messenger.sending(a_task_of())
    telegram.front.answer("sendChatAction", complaint(403, "Forbidden: bot was blocked by the user"))
    await messenger.sending(a_task_of())
    assert [call["action"] for call in telegram.front.of("sendChatAction")] == ["upload_video"] * 2


async def test_pictures_and_sounds_are_on_their_way_as_what_they_are(telegram, messenger):
    for operation in (Operation.IMAGE, Operation.TEXT_TO_AUDIO):
        await messenger.sending(a_task_of(request=a_request(operation=operation, duration=0)))
    actions = [call["action"] for call in telegram.front.of("sendChatAction")]
    assert actions == ["upload_photo", "upload_voice"]


# -- how results arrive ------------------------------------------------------------------------------


async def test_a_result_arrives_as_the_person_wants_it(telegram, messenger, file):
    delivery = a_delivery(a_task_of(state=TaskState.SUCCEEDED))
    await messenger.send_result(delivery, file, Manner(silent=True, spoiler=True))
    (call,) = telegram.front.of("sendVideo")
    assert (call["disable_notification"], call["has_spoiler"]) == (True, True)
    assert "message_effect_id" not in call
    (message,) = telegram.people.replies(ADA)
    assert message["has_media_spoiler"]


async def test_a_celebrated_video_comes_without_its_effect_where_that_is_refused(telegram, messenger, file):
    telegram.front.answer("sendVideo", complaint(400, "Bad Request: MESSAGE_EFFECT_INVALID"))
    await messenger.send_result(
        a_delivery(a_task_of(state=TaskState.SUCCEEDED)), file, Manner(celebrated=True)
    )
    first, second = telegram.front.of("sendVideo")
    assert str(first["message_effect_id"]) == CONFETTI
    assert "message_effect_id" not in second
    assert len(telegram.people.replies(ADA)) == 1


async def test_a_celebrated_video_that_is_refused_for_another_reason_is_not_sent_twice(
    telegram, messenger, file
):
    telegram.front.answer("sendVideo", complaint(400, "Bad Request: wrong file"))
    with pytest.raises(ChatRefused):
        await messenger.send_result(
            a_delivery(a_task_of(state=TaskState.SUCCEEDED)), file, Manner(celebrated=True)
        )
    assert len(telegram.front.of("sendVideo")) == 1


# -- signs -------------------------------------------------------------------------------------------


async def test_a_request_in_a_group_wears_the_newest_sign_alone(telegram, messenger):
    asked = await telegram.people.say(ADA, "/video a fox", chat=CLUB)
    task = a_task_of(CLUB, message_id=asked["message_id"])
    task = replace(task, origin=replace(task.origin, is_private=False))
    seen = []
    for sign in (Sign.ACCEPTED, Sign.FAILED, Sign.DONE, Sign.CANCELLED):
        await messenger.sign(task, sign)
        seen.append(telegram.people.messages(CLUB)[-1].get("reactions", []))
    assert seen == [["👀"], ["💔"], ["🎉"], []]


async def test_a_group_without_reactions_gets_none(telegram, messenger):
    task = a_task_of(CLUB)
    task = replace(task, origin=replace(task.origin, is_private=False))
    telegram.front.answer("setMessageReaction", complaint(400, "Bad Request: REACTION_INVALID"))
    await messenger.sign(task, Sign.ACCEPTED)
    assert len(telegram.front.of("setMessageReaction")) == 1


async def test_in_a_private_chat_the_status_says_enough(telegram, messenger):
    await messenger.sign(a_task_of(), Sign.ACCEPTED)
    assert telegram.front.of("setMessageReaction") == []


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
    store = await SqliteStore.open(str(tmp_path / "klingbot.db"))
    admins = frozenset({UserId(BOSS), UserId(XIAOLIN)})
    accounts = Accounts(store, clock, {"free": Plan("free")}, "free", ZoneInfo("UTC"), admins)
    await accounts.see(UserId(XIAOLIN), "小林", "xiaolin", "zh-hans")
    messenger.read_languages_from(accounts)
    await messenger.alert_operators("alert.provider.balance", provider="gate", detail="1102")
    assert "余额不足" in telegram.people.replies(XIAOLIN)[0]["text"]
    assert "no balance left" in telegram.people.replies(BOSS)[0]["text"]
    await store.close()


async def test_a_long_running_task_is_edited_more_rarely(telegram, messenger, clock):
    task = a_task_of(state=TaskState.IN_PROGRESS)
    task = replace(task, status_message_id=await messenger.show_status(task, PROGRESS))
    clock.advance(10 * MINUTE)
    await messenger.show_status(task, Progress(clock.now()))
    clock.advance(29 * SECOND)
    await messenger.show_status(task, Progress(clock.now()))
    assert len(telegram.front.of("editMessageText")) == 1
