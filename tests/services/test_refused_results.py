"""What Telegram refuses of a result: each wording, what people get then, and what it costs."""

import json

import pytest
from starlette.responses import Response

from bot.domain.tasks.task import DeliveryState
from bot.domain.types import ChatId
from bot.services.ports import Job
from handlers.sending.refusals import Refusal
from handlers.sending.wordings import TABLE
from tests.builders import a_request
from tests.services.test_deliver import a_finished_task, bringing, run_until_it_ends, sent  # noqa: F401
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.kling import a_film
from tests.world.services import ServiceWorld
from tests.world.telegram import ADA, GROUP, complaint

pytestmark = TELLS_OF_TIMEDELTA

WORDS = {meaning.refusal: meaning.examples for meaning in TABLE}
VIDEO, DOCUMENT, LINK = "video", "document", "link"


def refused(words: str) -> Response:
    """The answer of the Bot API in these words."""
    code = {"Forbidden": 403, "Request Entity": 413}.get(words.partition(":")[0][:14], 400)
    return complaint(code, words)


def results(world: ServiceWorld, chat: int) -> list[str]:
    """What of a task's result stands in a chat."""
    shown = []
    for message in world.telegram.replies(chat):
        links = [entity for entity in message.get("entities", []) if entity["type"] == "text_link"]
        shown += [kind for kind in (VIDEO, DOCUMENT) if kind in message] or [LINK] * len(links)
    return shown


async def deliver(world: ServiceWorld, words: str, *, times: int = 1, chat: int = ADA, **changes) -> None:
    """Deliver one result whose edit is refused at first; it arrives, once, and stays paid for."""
    world.to_telegram.answer("editMessageMedia", *[refused(words)] * times)
    task = await a_finished_task(world, chat_id=ChatId(chat), **changes)
    await run_until_it_ends(world, task)
    (row,) = await world.store.outbox.list_of(task.id)
    assert row.state is DeliveryState.DELIVERED, row.failure
    assert await world.refunds(task) == []


@pytest.mark.parametrize(
    "words",
    [
        *WORDS[Refusal.BAD_THUMBNAIL],
        *WORDS[Refusal.BAD_FILE],
        *WORDS[Refusal.MESSAGE_GONE],
        *WORDS[Refusal.NOT_EDITABLE],
        *WORDS[Refusal.SUPERSEDED],
        *WORDS[Refusal.TOPIC_CLOSED],
        *WORDS[Refusal.TOPIC_GONE],
        *WORDS[Refusal.FORBIDDEN_MARKUP],
        *WORDS[Refusal.NO_MEDIA_TO_EDIT],
        *WORDS[Refusal.LOGGED_OUT][2:],
    ],
)
async def test_a_video_that_is_refused_once_for_such_a_reason_arrives_as_a_video(bringing, words):  # noqa: F811
    await deliver(bringing, words)
    assert results(bringing, ADA) == [VIDEO]


@pytest.mark.parametrize("words", [*WORDS[Refusal.BAD_THUMBNAIL], *WORDS[Refusal.BAD_FILE]])
async def test_a_video_that_telegram_takes_in_no_way_arrives_as_a_file(bringing, words):  # noqa: F811
    await deliver(bringing, words, times=2)
    assert results(bringing, ADA) == [DOCUMENT]
    thumbnails = ["thumbnail" in call["media"] for call in bringing.to_telegram.of("editMessageMedia")]
    assert thumbnails == [True, False, False]


@pytest.mark.parametrize("words", WORDS[Refusal.TOO_LARGE])
async def test_a_video_that_is_too_large_is_offered_with_its_size(bringing, words):  # noqa: F811
    await deliver(bringing, words)
    assert results(bringing, ADA) == [LINK]
    (message,) = [reply for reply in bringing.telegram.replies(ADA) if "too large" in reply["text"]]
    assert "0.1 MB" in message["text"]


@pytest.mark.parametrize("words", ["Bad Request: MEDIA_FROWNED_UPON", *WORDS[Refusal.BAD_FILE][:1]])
async def test_what_is_refused_for_another_reason_is_not_called_too_large(bringing, words):  # noqa: F811
    await deliver(bringing, words, times=3)
    (message,) = [reply for reply in bringing.telegram.replies(ADA) if "address" in reply["text"]]
    assert "too large" not in message["text"]
    assert "MB" not in message["text"]


@pytest.mark.parametrize("words", WORDS[Refusal.NO_RIGHT_TO_SEND_VIDEOS])
async def test_where_videos_are_not_allowed_the_video_is_a_file(bringing, words):  # noqa: F811
    await deliver(bringing, words, chat=GROUP)
    assert results(bringing, GROUP) == [DOCUMENT]
    (_, call) = bringing.to_telegram.of("editMessageMedia")
    assert call["media"]["disable_content_type_detection"] is True


async def test_a_group_that_forbids_videos_gets_the_file(bringing):  # noqa: F811
    bringing.telegram.forbid("videos")
    task = await a_finished_task(bringing, chat_id=ChatId(GROUP))
    await run_until_it_ends(bringing, task)
    assert results(bringing, GROUP) == [DOCUMENT]


@pytest.mark.parametrize("closed", ["topic", "topic and the rest"])
async def test_where_topics_are_closed_the_video_goes_to_the_group_or_to_the_person(bringing, closed):  # noqa: F811
    topic = bringing.telegram.open_topic("films")
    bringing.telegram.close_topic(topic)
    if closed == "topic and the rest":
        bringing.telegram.close_topic()
    task = await a_finished_task(bringing, chat_id=ChatId(GROUP), thread_id=topic)
    await run_until_it_ends(bringing, task)
    where = ADA if closed == "topic and the rest" else GROUP
    assert results(bringing, where) == [VIDEO]
    assert await bringing.refunds(task) == []


@pytest.mark.parametrize("kinds", [("videos", "documents"), ("text messages",)])
async def test_what_a_group_takes_in_no_form_goes_to_the_person(bringing, kinds):  # noqa: F811
    bringing.telegram.forbid(*kinds)
    task = await a_finished_task(bringing, chat_id=ChatId(GROUP))
    await run_until_it_ends(bringing, task)
    assert results(bringing, GROUP) == []
    assert results(bringing, ADA) == [VIDEO]
    assert await bringing.refunds(task) == []


@pytest.mark.parametrize("words", WORDS[Refusal.REPLY_GONE])
async def test_where_the_request_was_deleted_the_video_replies_to_nothing(bringing, words):  # noqa: F811
    bringing.to_telegram.answer("sendMessage", refused(words))
    task = await a_finished_task(bringing)
    await run_until_it_ends(bringing, task)
    assert results(bringing, ADA) == [VIDEO]


@pytest.mark.parametrize("words", WORDS[Refusal.WRONG_FILE_ID])
async def test_a_file_id_that_telegram_forgot_is_uploaded_anew(bringing, words):  # noqa: F811
    task = await a_finished_task(bringing)
    await bringing.run(Job.DELIVER)
    (row,) = await bringing.store.outbox.list_of(task.id)
    await bringing.store.outbox.postpone(row.id, bringing.clock.now(), "asked for once more")
    bringing.to_telegram.answer("editMessageMedia", refused(words))
    await run_until_it_ends(bringing, task)
    assert results(bringing, ADA) == [VIDEO, VIDEO]
    assert len(bringing.to_kling.paths) == 2


async def test_another_edit_that_is_under_way_is_waited_for_and_nothing_comes_twice(bringing):  # noqa: F811
    await deliver(bringing, WORDS[Refusal.SUPERSEDED][0], times=2)
    assert sent(bringing) == ["sendMessage", *["editMessageMedia"] * 3]
    assert results(bringing, ADA) == [VIDEO]


async def test_every_video_of_an_album_has_all_that_a_player_wants_to_know(bringing):  # noqa: F811
    bringing.to_kling.always("file", Response(a_film(), media_type="video/mp4"))
    await a_finished_task(bringing, 2, request=a_request(count=2))
    await bringing.run(Job.DELIVER)
    items = [call for call in bringing.to_telegram.of("editMessageMedia") if call["media"]["type"] == "video"]
    assert len(items) == 2
    for call in items:
        video = call["media"]
        assert (video["width"], video["height"], video["duration"]) == (320, 180, 5), json.dumps(video)
        assert video["supports_streaming"] is True
        assert {video[name].removeprefix("attach://") for name in ("media", "thumbnail")} <= set(call)
