"""Each result arrives once, whatever answers are lost: its place may be a twin at worst, three times at most."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.demo.telegram.faults import ConnectionDropped, Garbled
from bot.domain.tasks.lifecycle import Finished, transition
from bot.domain.tasks.task import Delivery, DeliveryState, RemoteResult, Task, TaskState
from bot.domain.types import HOUR, SECOND, Millis
from bot.services.ports import Job
from tests.builders import NOW, a_request, stored
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.kling import a_film
from tests.world.services import ServiceWorld, finished
from tests.world.telegram import ADA, complaint

pytestmark = TELLS_OF_TIMEDELTA

ENDED = {DeliveryState.DELIVERED, DeliveryState.UNDELIVERABLE}
BUSY = complaint(429, "Too Many Requests: retry after 47", retry_after=47)
LOST = {"dropped": ConnectionDropped(), "a page": Garbled()}


@pytest.fixture
async def bringing(world) -> ServiceWorld:
    await world.telegram.say(ADA, "/start")
    await world.settle()
    world.to_telegram.calls.clear()
    world.to_kling.always("file", Response(a_film(), media_type="video/mp4"))
    return world


async def a_finished_task(world: ServiceWorld, results: int = 1, status: bool = False) -> Task:
    task = await stored(world.store, TaskState.IN_PROGRESS, request=a_request(count=results))
    made = [RemoteResult(f"{world.kling_url}/files/{each}", f"video-{each}") for each in range(results)]
    ended = await world.store.tasks.apply(transition(task, Finished(tuple(made)), NOW), NOW)
    if status:
        state = world.telegram.state
        message = state.add_message(state.chats[ADA], state.bot, {"text": "Kling is working on it"})
        await world.store.tasks.set_status_message(task.id, message.message_id)
    return ended


async def rows(world: ServiceWorld, task: Task) -> list[Delivery]:
    return await world.store.outbox.list_of(task.id)


async def deliver(world: ServiceWorld, task: Task, pause: int = 61 * SECOND) -> list[Delivery]:
    """Deliver until everything has ended, waiting out every pause."""
    for _ in range(40):
        await world.run(Job.DELIVER, pause)
        if {row.state for row in await rows(world, task)} <= ENDED:
            break
    return await rows(world, task)


def shown(world: ServiceWorld, kind: str = "video") -> int:
    return sum(kind in reply for reply in world.telegram.replies(ADA))


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
async def test_a_lost_answer_to_the_upload_is_followed_by_another_edit_and_never_by_another_message(
    bringing, fault
):
    bringing.telegram.refuse_next("editMessageMedia", fault, times=5, done_first=True)
    task = await a_finished_task(bringing)
    (row,) = await deliver(bringing, task)
    assert row.state is DeliveryState.DELIVERED
    assert shown(bringing) == 1
    assert len(bringing.to_telegram.of("sendMessage")) == 1


async def test_an_unreadable_answer_is_looked_into_soon_and_not_when_the_lease_ends(bringing):
    bringing.telegram.refuse_next("editMessageMedia", Garbled(), done_first=True)
    task = await a_finished_task(bringing)
    await bringing.run(Job.DELIVER)
    await bringing.run(Job.DELIVER, 2 * SECOND)
    assert [row.state for row in await rows(bringing, task)] == [DeliveryState.DELIVERED]


@pytest.mark.parametrize("inside", [False, True])
async def test_a_process_that_ends_while_it_uploads_puts_the_video_into_the_same_message(bringing, inside):
    task = await a_finished_task(bringing)
    reached = bringing.to_telegram.hold(
        lambda scope: scope["path"].endswith("/editMessageMedia"), inside=inside
    )
    await bringing.begin(Job.DELIVER)
    await asyncio.wait_for(reached.wait(), 20)
    (before,) = await rows(bringing, task)
    await bringing.cut_off()
    await bringing.restart()
    (row,) = await deliver(bringing, task)
    assert row.message_id == before.place
    assert shown(bringing) == 1
    assert len(bringing.telegram.replies(ADA)) == 2


async def test_a_place_whose_answer_is_lost_three_times_is_not_sent_again_and_the_person_is_told(bringing):
    bringing.telegram.refuse_next("sendMessage", ConnectionDropped(), times=3, done_first=True)
    task = await a_finished_task(bringing)
    times = []
    for _ in range(10):
        before = len(bringing.to_telegram.of("sendMessage"))
        await bringing.run(Job.DELIVER, 5 * SECOND)
        times += [bringing.clock.now()] if len(bringing.to_telegram.of("sendMessage")) > before else []
    assert times[1] - times[0] >= 10 * SECOND
    (row,) = await deliver(bringing, task)
    assert row.state is DeliveryState.UNDELIVERABLE
    assert len(bringing.written(ADA, "Your video is ready")) == 3
    assert len(bringing.written(ADA, "/show ")) == 1
    assert await bringing.refunds(task) == []
    asked = bringing.written(ADA, "/show ")[0]["text"].partition("/show ")[2]
    await bringing.telegram.say(ADA, f"/show {asked}")
    await bringing.settle()
    assert shown(bringing) == 1


async def test_where_no_place_can_be_confirmed_the_video_takes_that_of_the_status(bringing):
    task = await a_finished_task(bringing, status=True)
    bringing.telegram.refuse_next("sendMessage", ConnectionDropped(), times=3, done_first=True)
    status = (await bringing.now(task)).status_message_id
    (row,) = await deliver(bringing, task)
    assert (row.state, row.message_id) == (DeliveryState.DELIVERED, status)
    assert shown(bringing) == 1


async def test_a_pause_that_telegram_asks_for_counts_as_no_try(bringing):
    bringing.to_telegram.answer("sendMessage", *[BUSY] * 5)
    task = await a_finished_task(bringing)
    (row,) = await deliver(bringing, task)
    assert row.state is DeliveryState.DELIVERED
    assert shown(bringing) == 1


async def test_a_place_that_is_deleted_is_made_anew_a_few_times(bringing):
    task = await a_finished_task(bringing)
    for _ in range(2):
        bringing.telegram.refuse_next("editMessageMedia", ConnectionDropped())
        await bringing.run(Job.DELIVER, 61 * SECOND)
        (row,) = await rows(bringing, task)
        bringing.telegram.state.delete(bringing.telegram.state.message(ADA, row.place))
        await bringing.run(Job.DELIVER, 61 * SECOND)
    (row,) = await deliver(bringing, task)
    assert row.state is DeliveryState.DELIVERED
    assert shown(bringing) == 1


async def test_an_older_server_gets_whole_messages_from_the_second_video_on_without_a_place(bringing):
    bringing.telegram.be_older()
    for number in (1, 2):
        task = await a_finished_task(bringing)
        (row,) = await deliver(bringing, task)
        assert row.state is DeliveryState.DELIVERED
        assert shown(bringing) == number
    assert len(bringing.to_telegram.of("editMessageMedia")) == 1
    assert bringing.written(ADA, "Your video is ready") == []


# -- albums ------------------------------------------------------------------------------------------


def album(world: ServiceWorld) -> list[dict]:
    return [reply for reply in world.telegram.replies(ADA) if "media_group_id" in reply]


async def test_an_album_arrives_once_though_every_kind_of_answer_is_lost(bringing):
    for method, times in (("sendMediaGroup", 1), ("editMessageMedia", 4)):
        bringing.telegram.refuse_next(method, ConnectionDropped(), times=times, done_first=True)
    task = await a_finished_task(bringing, 3)
    found = await deliver(bringing, task)
    assert {row.state for row in found} == {DeliveryState.DELIVERED}
    assert shown(bringing) == 3
    videos = [message for message in album(bringing) if "video" in message]
    assert len({message["media_group_id"] for message in videos}) == 1
    assert ["caption" in message for message in videos] == [True, False, False]
    buttons = [reply for reply in bringing.telegram.replies(ADA)[1:] if "reply_markup" in reply]
    assert len(buttons) == 1
    assert [row.message_id for row in found] == [message["message_id"] for message in videos]


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_process_that_ends_within_an_album_goes_on_with_the_same_album(bringing, number):
    edits = []

    def is_the_one(scope) -> bool:
        if scope["path"].endswith("/editMessageMedia"):
            edits.append(1)
        return len(edits) == number

    task = await a_finished_task(bringing, 3)
    reached = bringing.to_telegram.hold(is_the_one, inside=True)
    await bringing.begin(Job.DELIVER)
    await asyncio.wait_for(reached.wait(), 20)
    await bringing.cut_off()
    await bringing.restart()
    assert {row.state for row in await deliver(bringing, task)} == {DeliveryState.DELIVERED}
    assert len(album(bringing)) == shown(bringing) == 3


async def test_what_the_album_does_not_take_arrives_alone(bringing):
    task = await a_finished_task(bringing, 3)
    refusal = complaint(400, "Bad Request: VIDEO_CONTENT_TYPE_INVALID")
    # The second try is the one without a thumbnail.
    bringing.to_telegram.answer("editMessageMedia", refusal, refusal)
    assert {row.state for row in await deliver(bringing, task)} == {DeliveryState.DELIVERED}
    assert (len(album(bringing)), shown(bringing)) == (2, 3)


# -- notices -----------------------------------------------------------------------------------------


async def test_a_notice_whose_answers_are_lost_is_written_three_times_at_most(bringing):
    bringing.telegram.refuse_next("sendMessage", ConnectionDropped(), times=9, done_first=True)
    task = await stored(bringing.store, TaskState.FAILED)
    await deliver(bringing, task)
    await bringing.run(Job.DELIVER, 24 * HOUR)
    assert len(bringing.to_telegram.of("sendMessage")) == 3


# -- files that are missing --------------------------------------------------------------------------


async def test_a_dead_link_is_replaced_by_what_the_provider_says_now(bringing):
    async def some(request: Request) -> Response:
        if request.url.path.endswith("/0"):
            return Response("gone", 404)
        return Response(a_film(), media_type="video/mp4")

    bringing.to_kling.always("file", some)
    task = await bringing.a_running_task()
    bringing.to_kling.always("query", finished("kling-1", f"{bringing.kling_url}/files/new"))
    video = RemoteResult(f"{bringing.kling_url}/files/0", "video-0", Millis(5_000))
    task = await bringing.store.tasks.apply(transition(task, Finished((video,)), NOW), NOW)
    (row,) = await deliver(bringing, task, 2 * SECOND)
    assert row.state is DeliveryState.DELIVERED
    assert bringing.to_kling.paths[-1] == "/files/new"
    assert await bringing.refunds(task) == []


WRONG = {
    "not found": Response("gone", 404),
    "forbidden": Response("no", 403),
    "a page": Response("<html>" + "x" * 100, media_type="text/html"),
    "cut short": Response(a_film()[:400], media_type="video/mp4"),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
async def test_a_file_that_is_wrong_for_some_minutes_arrives_all_the_same(bringing, answer):
    bringing.to_kling.answer("file", *[answer] * 8)
    task = await a_finished_task(bringing)
    (row,) = await deliver(bringing, task)
    assert row.state is DeliveryState.DELIVERED
    assert await bringing.refunds(task) == []
    assert shown(bringing) == 1


async def test_an_album_waits_for_a_file_that_is_missing_for_a_minute(bringing):
    bringing.to_kling.answer("file", Response("gone", 404))
    task = await a_finished_task(bringing, 2)
    assert {row.state for row in await deliver(bringing, task)} == {DeliveryState.DELIVERED}
    assert len(album(bringing)) == 2


# -- what is slow ------------------------------------------------------------------------------------


async def test_slow_downloads_from_one_host_delay_neither_a_notice_nor_the_video_of_another(bringing):
    may_come = asyncio.Event()

    async def slow(request: Request) -> Response:
        if request.url.hostname == "127.0.0.1":
            await may_come.wait()
        return Response(a_film(), media_type="video/mp4")

    bringing.to_kling.always("file", slow)
    for _ in range(20):
        await a_finished_task(bringing)
    await bringing.begin(Job.DELIVER)
    notice = await stored(bringing.store, TaskState.FAILED)
    other = await stored(bringing.store, TaskState.IN_PROGRESS)
    elsewhere = RemoteResult(f"{bringing.kling_url.replace('127.0.0.1', 'localhost')}/files/x", "x")
    other = await bringing.store.tasks.apply(transition(other, Finished((elsewhere,)), NOW), NOW)
    await bringing.begin(Job.DELIVER)
    try:
        await bringing.telegram.state.events.until(lambda: shown(bringing) == 1, seconds=20)
        await bringing.telegram.state.events.until(
            lambda: len(bringing.to_telegram.of("sendMessage")) >= 2, seconds=20
        )
    finally:
        may_come.set()
        await bringing.drain()
    assert [row.state for row in await rows(bringing, notice)] == [DeliveryState.DELIVERED]
    assert [row.state for row in await rows(bringing, other)] == [DeliveryState.DELIVERED]
