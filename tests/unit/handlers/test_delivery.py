"""Results over a real bot: videos and how they arrive."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.responses import Response

from bot.domain.requests.operations import Operation, Product
from bot.domain.tasks.task import Delivery, TaskState
from bot.media.images import blank
from bot.services.ports import ChatBusy, ChatLost, ChatRefused, ChatUnsure, DeliveryOptions, Sent
from handlers.sending.delivery import CONFETTI, PHOTO_BYTES
from tests.builders import a_delivery, a_request
from tests.unit.handlers.messaging import VIDEO, a_task_of
from tests.world.telegram import ADA, GROUP, complaint, done

# -- videos ------------------------------------------------------------------------------------------


async def test_a_video_is_sent_with_all_that_a_player_wants_to_know(telegram, delivery_chat, file):
    asked = await telegram.people.say(ADA, "/video a fox")
    task = a_task_of(state=TaskState.SUCCEEDED, message_id=asked["message_id"])
    sent = await delivery_chat.send_result(a_delivery(task), file)
    (message,) = telegram.people.replies(ADA)
    video = message["video"]
    assert sent == Sent(message["message_id"], video["file_id"], video["file_unique_id"])
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


async def test_a_video_is_streamed_and_never_whole_in_memory(delivery_chat, file):
    watched = Watched(file.path)
    await delivery_chat.send_result(
        a_delivery(a_task_of(state=TaskState.SUCCEEDED)), replace(file, path=watched)
    )
    assert len(watched.reads) > 10
    assert all(size is not None and 0 < size <= len(VIDEO) // 10 for size in watched.reads)


async def test_a_video_that_telegram_has_already_costs_no_upload(telegram, delivery_chat, file):
    task = a_task_of(state=TaskState.SUCCEEDED)
    first = await delivery_chat.send_result(a_delivery(task), file)
    second = await delivery_chat.send_result(a_delivery(task, file_id=first.file_id), None)
    assert second.file_id == first.file_id
    assert telegram.front.of("sendVideo")[1]["video"] == first.file_id
    assert len(telegram.people.replies(ADA)) == 2


async def test_a_video_that_is_too_large_is_offered_by_its_address(telegram, delivery_chat):
    delivery = a_delivery(a_task_of(state=TaskState.SUCCEEDED))
    sent = await delivery_chat.send_link(delivery, "https://cdn.example/v.mp4?a=1&b=2", 61_000_000)
    (message,) = telegram.people.replies(ADA)
    assert message["message_id"] == sent.message_id
    assert "61 MB" in message["text"]
    assert any(entity.get("url") == "https://cdn.example/v.mp4?a=1&b=2" for entity in message["entities"])


async def test_that_a_video_is_on_its_way_is_shown_and_does_not_matter(telegram, delivery_chat):
    await delivery_chat.show_sending(a_task_of())
    telegram.front.answer("sendChatAction", complaint(403, "Forbidden: bot was blocked by the user"))
    await delivery_chat.show_sending(a_task_of())
    assert [call["action"] for call in telegram.front.of("sendChatAction")] == ["upload_video"] * 2


async def test_pictures_and_sounds_are_on_their_way_as_what_they_are(telegram, delivery_chat):
    for operation in (Operation.IMAGE, Operation.TEXT_TO_AUDIO):
        await delivery_chat.show_sending(a_task_of(request=a_request(operation=operation, duration=0)))
    actions = [call["action"] for call in telegram.front.of("sendChatAction")]
    assert actions == ["upload_photo", "upload_voice"]


async def test_where_a_topic_is_gone_the_whole_video_is_sent_once_more(telegram, delivery_chat, file):
    telegram.front.answer("sendVideo", complaint(400, "Bad Request: message thread not found"))
    await delivery_chat.send_result(a_delivery(a_task_of(GROUP, TaskState.SUCCEEDED, thread_id=7)), file)
    sizes = [
        part["size"]
        for call in telegram.front.of("sendVideo")
        for part in call.values()
        if isinstance(part, dict) and str(part.get("name")).endswith(".mp4")
    ]
    assert sizes == [len(VIDEO), len(VIDEO)]
    assert len(telegram.people.replies(GROUP)) == 1


# -- how results arrive ------------------------------------------------------------------------------


async def test_a_result_arrives_as_the_person_wants_it(telegram, delivery_chat, file):
    delivery = a_delivery(a_task_of(state=TaskState.SUCCEEDED))
    await delivery_chat.send_result(delivery, file, DeliveryOptions(silent=True, spoiler=True))
    (call,) = telegram.front.of("sendVideo")
    assert (call["disable_notification"], call["has_spoiler"]) == (True, True)
    assert "message_effect_id" not in call
    (message,) = telegram.people.replies(ADA)
    assert message["has_media_spoiler"]


async def test_a_celebrated_place_comes_without_its_effect_where_that_is_refused(telegram, delivery_chat):
    telegram.front.answer("sendMessage", complaint(400, "Bad Request: MESSAGE_EFFECT_INVALID"))
    await delivery_chat.send_place(
        a_delivery(a_task_of(state=TaskState.SUCCEEDED)), DeliveryOptions(celebrated=True)
    )
    first, second = telegram.front.of("sendMessage")
    assert str(first["message_effect_id"]) == CONFETTI
    assert "message_effect_id" not in second
    assert len(telegram.people.replies(ADA)) == 1


async def test_a_celebrated_place_that_is_refused_for_another_reason_is_not_sent_twice(
    telegram, delivery_chat
):
    telegram.front.answer("sendMessage", complaint(400, "Bad Request: chat is silent"))
    with pytest.raises(ChatRefused):
        await delivery_chat.send_place(
            a_delivery(a_task_of(state=TaskState.SUCCEEDED)), DeliveryOptions(celebrated=True)
        )
    assert len(telegram.front.of("sendMessage")) == 1


# -- places ------------------------------------------------------------------------------------------


async def a_placed(delivery_chat, **options) -> Delivery:
    delivery = a_delivery(a_task_of(state=TaskState.SUCCEEDED, **options))
    sent = await delivery_chat.send_place(delivery, DeliveryOptions(silent=True))
    return replace(delivery, place=sent.message_id)


async def test_a_place_becomes_the_video_with_all_that_a_player_wants_to_know(telegram, delivery_chat, file):
    asked = await telegram.people.say(ADA, "/video a fox")
    delivery = await a_placed(delivery_chat, message_id=asked["message_id"])
    assert telegram.people.replies(ADA)[0]["text"] == "Your video is ready – sending it…"
    sent = await delivery_chat.fill(delivery, file, DeliveryOptions(spoiler=True))
    (message,) = telegram.people.replies(ADA)
    video = message["video"]
    assert sent == Sent(delivery.place, video["file_id"], video["file_unique_id"])
    assert (video["width"], video["height"], video["duration"]) == (1280, 720, 5)
    assert "thumbnail" in video
    assert message["has_media_spoiler"]
    assert message["reply_to_message"]["message_id"] == asked["message_id"]
    assert message["caption"].startswith("a fox in the snow")
    assert message["reply_markup"]["inline_keyboard"][0][0]["text"].startswith("Again")
    (call,) = telegram.front.of("editMessageMedia")
    names = [call["media"][name].removeprefix("attach://") for name in ("media", "thumbnail")]
    assert set(names) <= set(call)
    assert call["media"]["supports_streaming"] is True


async def test_filling_a_place_again_changes_nothing(telegram, delivery_chat, file):
    delivery = await a_placed(delivery_chat)
    first = await delivery_chat.fill(delivery, file)
    by_id = replace(delivery, file_id=first.file_id)
    assert await delivery_chat.fill(by_id, None) == Sent(delivery.place)
    assert (await delivery_chat.fill(delivery, file)).message_id == delivery.place
    assert len(telegram.people.replies(ADA)) == 1


async def test_a_sound_and_a_picture_are_put_into_texts_too(telegram, delivery_chat, file):
    for kind, shown in ((Product.AUDIO, "audio"), (Product.IMAGE, "document")):
        delivery = replace(await a_placed(delivery_chat), kind=kind)
        await delivery_chat.fill(delivery, replace(file, size_bytes=PHOTO_BYTES + 1, thumbnail=None))
        assert shown in telegram.people.replies(ADA)[-1]


@pytest.mark.parametrize(
    ("code", "words", "raised"),
    [
        (400, "Bad Request: message to edit not found", ChatLost),
        (400, "Bad Request: MESSAGE_ID_INVALID", ChatLost),
        (400, "Bad Request: message can't be edited", ChatLost),
        (400, "Bad Request: Canceled by new edit message request", ChatBusy),
        (502, "Bad Gateway", ChatUnsure),
        (400, "Bad Request: wrong file", ChatRefused),
    ],
)
async def test_what_telegram_says_to_an_edit_is_told_apart(
    telegram, delivery_chat, file, code, words, raised
):
    delivery = await a_placed(delivery_chat)
    telegram.front.answer("editMessageMedia", complaint(code, words))
    with pytest.raises(raised) as error:
        await delivery_chat.fill(delivery, file)
    assert type(error.value) is raised
    assert delivery_chat.can_fill


async def test_an_older_server_is_remembered_and_its_place_taken_away(telegram, delivery_chat, file):
    delivery = await a_placed(delivery_chat)
    telegram.people.be_older()
    with pytest.raises(ChatLost):
        await delivery_chat.fill(delivery, file)
    assert not delivery_chat.can_fill
    assert telegram.people.replies(ADA) == []


UNREADABLE = {
    "html": Response("<html>Welcome</html>", media_type="text/html"),
    "nothing": Response("", media_type="application/json"),
    "no fields": done({"message_id": 7}),
    "an empty object": Response("{}", media_type="application/json"),
    "a list": Response("[]", media_type="application/json"),
}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_an_answer_that_cannot_be_read_says_nothing_of_what_happened(telegram, delivery_chat, answer):
    telegram.front.answer("sendMessage", answer)
    with pytest.raises(ChatUnsure):
        await delivery_chat.send_place(a_delivery(a_task_of(state=TaskState.SUCCEEDED)))


GONE = [
    "Bad Request: message to be replied not found",
    "Bad Request: replied message not found",
    "Bad Request: message to reply not found",
    "Bad Request: REPLY_MESSAGE_ID_INVALID",
    "Bad Request: the message that is replied to was deleted",
]


@pytest.mark.parametrize("words", GONE)
async def test_where_the_answered_message_is_gone_nothing_is_answered_but_the_topic_stays(
    telegram, delivery_chat, words
):
    topic = telegram.people.open_topic("films")
    telegram.front.answer("sendMessage", complaint(400, words))
    task = a_task_of(GROUP, TaskState.SUCCEEDED, thread_id=topic, message_id=77)
    await delivery_chat.send_place(a_delivery(task))
    first, second = telegram.front.of("sendMessage")
    assert "reply_parameters" in first
    assert "reply_parameters" not in second
    assert second["message_thread_id"] == topic


async def test_an_album_of_places_becomes_an_album_of_videos(telegram, delivery_chat, file):
    task = a_task_of(state=TaskState.SUCCEEDED, request=a_request(count=2))
    deliveries = [a_delivery(task), replace(a_delivery(task), position=1)]
    grey = blank(1280, 720)
    sent = await delivery_chat.send_places(deliveries, [file, file], [grey, grey])
    assert telegram.people.replies(ADA)[0]["caption"] == "Your 2 results are ready – sending them…"
    for number, (delivery, place) in enumerate(zip(deliveries, sent, strict=True)):
        placed = replace(delivery, place=place.message_id, in_album=True)
        await delivery_chat.fill(placed, file, captioned=number == 0)
    shown = telegram.people.replies(ADA)
    assert len({message["media_group_id"] for message in shown}) == 1
    assert [("video" in message, "caption" in message) for message in shown] == [(True, True), (True, False)]
    assert not any("reply_markup" in message for message in shown)


async def test_images_that_are_all_too_large_for_photos_are_an_album_of_files(telegram, delivery_chat, file):
    task = a_task_of(state=TaskState.SUCCEEDED, request=a_request(count=2))
    deliveries = [a_delivery(task, kind=Product.IMAGE, position=position) for position in range(2)]
    large = replace(file, size_bytes=PHOTO_BYTES + 1, thumbnail=None)
    sent = await delivery_chat.send_places(deliveries, [large, large], [blank(1280, 720)] * 2)
    for number, (delivery, place) in enumerate(zip(deliveries, sent, strict=True)):
        placed = replace(delivery, place=place.message_id, in_album=True)
        await delivery_chat.fill(placed, large, captioned=number == 0)
    shown = telegram.people.replies(ADA)
    assert len({message["media_group_id"] for message in shown}) == 1
    names = [message["document"]["file_name"] for message in shown]
    assert names == [f"{task.id}{large.path.suffix}", f"{task.id}-2{large.path.suffix}"]
    assert ["caption" in message for message in shown] == [True, False]


async def test_an_image_that_alone_is_too_large_for_a_photo_is_in_no_album(telegram, delivery_chat, file):
    task = a_task_of(state=TaskState.SUCCEEDED, request=a_request(count=2))
    deliveries = [a_delivery(task, kind=Product.IMAGE, position=position) for position in range(2)]
    with pytest.raises(ChatRefused):
        await delivery_chat.send_places(
            deliveries, [file, replace(file, size_bytes=PHOTO_BYTES + 1)], [b"", b""]
        )
    assert telegram.front.of("sendMediaGroup") == []
