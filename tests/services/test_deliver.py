"""The outbox: every row comes to an end in the chat, and what cannot be delivered is told and refunded."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from bot.domain.requests.choices import Preferences
from bot.domain.tasks.lifecycle import Finished, transition
from bot.domain.tasks.schedule import DELIVERY_LEASE
from bot.domain.tasks.task import DeliveryState, FailureKind, RemoteResult, Task, TaskState
from bot.domain.types import DAY, SECOND, ChatId, Credits, Millis
from bot.errors import UserError
from bot.media.clips import NotAVideo, probe
from bot.services.operations.actions_on_tasks import RefundTask
from bot.services.ports import Job
from bot.services.tasks.downloads import HOST_SHARE, ResultFiles
from bot.services.tasks.endings import DELIVERY_DEADLINE, FILE_DEADLINE
from tests.builders import NOW, a_request, stored
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.kling import a_film
from tests.world.services import ServiceWorld
from tests.world.telegram import ADA, BOSS, GROUP, complaint

pytestmark = TELLS_OF_TIMEDELTA

DELIVERED = (DeliveryState.DELIVERED, 1)
GIVEN_UP = (DeliveryState.UNDELIVERABLE, 1)
BUSY = complaint(429, "Too Many Requests: retry after 47", retry_after=47)
BLOCKED = complaint(403, "Forbidden: bot was blocked by the user")
REFUSED = complaint(400, "Bad Request: no")
BROUGHT = ["sendMessage", "editMessageMedia"]
"""A place, and the file that is put into it."""

BROKEN, GONE = PlainTextResponse("broken", 500), PlainTextResponse("it has expired", 404)
NOT_A_VIDEO = b"\x00\x00\x00\x20ftypisom and then nothing"


async def ready(world: ServiceWorld) -> ServiceWorld:
    """Ada has begun a chat, and what was made can be fetched."""
    await world.telegram.say(ADA, "/start")
    await world.settle()
    world.to_telegram.calls.clear()
    world.to_kling.always("file", Response(a_film(), media_type="video/mp4"))
    return world


@pytest.fixture
async def bringing(world) -> ServiceWorld:
    return await ready(world)


async def a_finished_task(world: ServiceWorld, results: int = 1, **changes) -> Task:
    """A task that is at its end, its results at the stand-in for Kling, and its status in the chat."""
    task = await stored(world.store, TaskState.IN_PROGRESS, **changes)
    made = [
        RemoteResult(f"{world.kling_url}/files/{each}", f"video-{each}", Millis(5_000))
        for each in range(results)
    ]
    ended = await world.store.tasks.apply(transition(task, Finished(tuple(made)), NOW), NOW)
    await world.store.tasks.set_status_message(task.id, 500)
    return ended


async def rows(world: ServiceWorld, task: Task) -> list[tuple[DeliveryState, int]]:
    return [(row.state, row.attempts) for row in await world.store.outbox.list_of(task.id)]


def sent(world: ServiceWorld) -> list[str]:
    """What was sent to chats or put into messages, by method; reactions, actions and deletions are not among it."""
    return [
        name
        for name, _ in world.to_telegram.calls
        if (name.startswith("send") and "Action" not in name) or name == "editMessageMedia"
    ]


def put(world: ServiceWorld) -> list[dict]:
    """What was put into messages, as `InputMedia`."""
    return [call["media"] for call in world.to_telegram.of("editMessageMedia")]


async def run_until_it_ends(world: ServiceWorld, task: Task) -> None:
    """Deliver, waiting out every pause."""
    while any(
        state in {DeliveryState.PENDING, DeliveryState.SENDING} for state, _ in await rows(world, task)
    ):
        await world.run(Job.DELIVER, 61 * SECOND)


def texts(world: ServiceWorld) -> list[str]:
    """What was sent to people; what admins are told is not among it."""
    return [call["text"] for call in world.to_telegram.of("sendMessage") if call["chat_id"] != BOSS]


# -- what arrives ------------------------------------------------------------------------------------


async def test_a_video_is_fetched_sent_as_a_file_and_noted_and_its_status_goes_away(bringing):
    task = await a_finished_task(bringing)
    for _ in range(3):
        await bringing.run(Job.DELIVER, DELIVERY_LEASE)
    (call,) = bringing.to_telegram.of("editMessageMedia")
    sizes = {
        part["name"]: part["size"] for part in call.values() if isinstance(part, dict) and "size" in part
    }
    assert len(a_film()) in sizes.values()
    assert any(name.endswith(".jpg") for name in sizes)
    (row,) = await bringing.store.outbox.list_of(task.id)
    assert (row.state, bool(row.file_id), row.due_at) == (DeliveryState.DELIVERED, True, None)
    assert (row.width, row.height, row.size_bytes) == (320, 180, len(a_film()))
    assert (await bringing.now(task)).status_message_id is None
    assert list((bringing.directory / "work").iterdir()) == []
    assert bringing.to_kling.paths == ["/files/0"]
    assert sent(bringing) == BROUGHT
    (shown,) = [message for message in bringing.telegram.replies(ADA) if "video" in message]
    assert row.message_id == shown["message_id"]


async def test_two_ticks_at_once_send_a_video_once(bringing):
    await a_finished_task(bringing)
    await asyncio.gather(*(bringing.begin(Job.DELIVER) for _ in range(3)))
    await bringing.drain()
    assert sent(bringing) == BROUGHT


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.CANCELLED, TaskState.EXPIRED])
async def test_a_notice_is_delivered_exactly_once_and_takes_the_place_of_the_status(bringing, state):
    task = await stored(bringing.store, state)
    await bringing.store.tasks.set_status_message(task.id, 500)
    for _ in range(3):
        await bringing.run(Job.DELIVER, DELIVERY_LEASE)
    assert sent(bringing) == ["sendMessage"]
    assert (await bringing.now(task)).status_message_id is None
    assert await rows(bringing, task) == [DELIVERED]


async def test_a_video_that_the_chat_has_already_is_sent_by_its_id(bringing):
    task = await a_finished_task(bringing)
    await bringing.run(Job.DELIVER)
    (row,) = await bringing.store.outbox.list_of(task.id)
    await bringing.store.outbox.postpone(row.id, bringing.clock.now(), "asked for once more")
    await bringing.run(Job.DELIVER)
    assert put(bringing)[1]["media"] == row.file_id
    assert len(bringing.to_kling.paths) == 1
    (again,) = await bringing.store.outbox.list_of(task.id)
    assert (again.file_id, again.width) == (row.file_id, 320)


async def test_every_video_of_a_task_arrives(bringing):
    task = await a_finished_task(bringing, 2, request=a_request(count=2))
    await bringing.run(Job.DELIVER)
    assert sorted(bringing.to_kling.paths) == ["/files/0", "/files/1"]
    assert await rows(bringing, task) == [DELIVERED, DELIVERED]


@pytest.mark.parametrize(
    ("preferences", "request_changes"),
    [(Preferences(silent=True, spoiler=True), {}), (Preferences(silent=True), {"spoiler": True})],
)
async def test_a_result_arrives_silently_and_covered_where_that_was_chosen(
    bringing, preferences, request_changes
):
    await bringing.store.people.set_preferences(ADA, preferences)
    await a_finished_task(bringing, request=a_request(**request_changes))
    await bringing.run(Job.DELIVER)
    (place,), (video,) = bringing.to_telegram.of("sendMessage"), put(bringing)
    assert (place["disable_notification"], video["has_spoiler"]) == (True, True)


# -- too large ---------------------------------------------------------------------------------------


async def test_without_copies_a_video_over_the_limit_is_offered_by_its_address_and_never_uploaded(bare):
    await bare.open(delivery="max_upload_mb = 1\ncopy_source_mb = 0")
    await ready(bare)
    bare.to_kling.always("file", Response(a_film() + bytes(1_100_000), media_type="video/mp4"))
    task = await a_finished_task(bare)
    await bare.run(Job.DELIVER)
    assert sent(bare) == ["sendMessage"]
    assert await rows(bare, task) == [DELIVERED]
    assert (await bare.now(task)).status_message_id is None


async def test_a_video_that_the_chat_refuses_is_offered_by_its_address(bringing):
    bringing.to_telegram.answer("editMessageMedia", REFUSED)
    task = await a_finished_task(bringing)
    await bringing.run(Job.DELIVER)
    assert sent(bringing) == BROUGHT
    (link,) = bringing.to_telegram.of("editMessageText")
    assert f"{bringing.kling_url}/files/0" in link["text"]
    assert len(bringing.telegram.replies(ADA)) == 2
    assert await rows(bringing, task) == [DELIVERED]
    assert await bringing.refunds(task) == []


# -- not now -----------------------------------------------------------------------------------------


async def test_a_failed_delivery_is_not_swallowed_but_tried_again_with_growing_pauses(bringing):
    bringing.to_kling.answer("file", *[BROKEN] * 4)
    task = await a_finished_task(bringing)
    pauses = []
    for _ in range(4):
        await bringing.run(Job.DELIVER)
        (row,) = await bringing.store.outbox.list_of(task.id)
        assert row.state is DeliveryState.PENDING
        assert "500" in row.failure
        pauses.append(row.due_at - bringing.clock.now())
        bringing.clock.advance(pauses[-1])
    assert pauses == sorted(pauses)
    assert pauses[0] < 2 * SECOND < 8 * SECOND <= pauses[3]
    await bringing.run(Job.DELIVER)
    assert await rows(bringing, task) == [(DeliveryState.DELIVERED, 5)]
    assert sent(bringing) == BROUGHT


async def test_a_chat_that_asks_for_a_pause_gets_it(bringing):
    bringing.to_telegram.answer("sendMessage", BUSY)
    task = await a_finished_task(bringing)
    await bringing.run(Job.DELIVER)
    (row,) = await bringing.store.outbox.list_of(task.id)
    assert (row.due_at, row.sends) == (bringing.clock.now() + 47 * SECOND, 0)
    await bringing.run(Job.DELIVER, 47 * SECOND - 1)
    assert len(sent(bringing)) == 1
    await bringing.run(Job.DELIVER, 1)
    assert await rows(bringing, task) == [(DeliveryState.DELIVERED, 2)]


async def test_nothing_is_fetched_for_a_chat_that_is_throttled(bringing):
    first = await a_finished_task(bringing)
    bringing.to_telegram.answer("sendMessage", BUSY)
    await bringing.run(Job.DELIVER)
    fetched = len(bringing.to_kling.of("file"))
    second = await a_finished_task(bringing)
    await bringing.run(Job.DELIVER)
    assert len(bringing.to_kling.of("file")) == fetched
    assert sent(bringing) == ["sendMessage"]
    for task in (first, second):
        await run_until_it_ends(bringing, task)
    # Both come due together, and go side by side.
    assert sorted(sent(bringing)) == sorted(["sendMessage", *BROUGHT, *BROUGHT])


async def test_a_group_that_moved_gets_its_video_under_its_new_id(bringing):
    moved = complaint(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=GROUP)
    bringing.to_telegram.answer("sendMessage", moved)
    task = await a_finished_task(bringing, chat_id=ChatId(-5))
    for _ in range(2):
        await bringing.run(Job.DELIVER)
    assert [call["chat_id"] for call in bringing.to_telegram.of("sendMessage")] == [-5, GROUP]
    assert (await bringing.now(task)).origin.chat_id == GROUP


async def test_a_delivery_that_was_cut_off_is_sent_again_when_its_lease_ends(bringing):
    await a_finished_task(bringing)
    assert await bringing.store.outbox.claim(bringing.clock.now(), DELIVERY_LEASE, 1)
    await bringing.run(Job.DELIVER, DELIVERY_LEASE - 1)
    assert put(bringing) == []
    await bringing.run(Job.DELIVER, 1)
    assert len(put(bringing)) == 1


async def test_one_host_gets_no_more_than_its_share_of_the_downloads(bringing):
    may_come = asyncio.Event()

    async def slow(_: Request) -> Response:
        await may_come.wait()
        return Response(a_film(), media_type="video/mp4")

    bringing.to_kling.always("file", slow)
    for _ in range(8):
        await a_finished_task(bringing)
    for _ in range(2):
        await bringing.begin(Job.DELIVER)
    states = bringing.rows("SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state")
    may_come.set()
    await bringing.drain()
    assert states == [("pending", 8 - HOST_SHARE), ("sending", HOST_SHARE)]


# -- never -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [GONE, RedirectResponse("http://192.168.0.1/private"), Response(NOT_A_VIDEO, media_type="video/mp4")],
    ids=["gone", "a private address", "not a video"],
)
async def test_a_video_that_cannot_be_fetched_for_minutes_gives_its_credits_back_and_is_told(
    bringing, answer
):
    bringing.to_kling.always("file", answer)
    task = await a_finished_task(bringing)
    await bringing.run(Job.DELIVER)
    await bringing.run(Job.DELIVER, FILE_DEADLINE - 1)
    assert await bringing.refunds(task) == []
    await run_until_it_ends(bringing, task)
    assert await bringing.refunds(task) == [10]
    late, told = texts(bringing)
    assert "doesn't hand it out yet" in late
    assert "could not be fetched. Your 10 credits are refunded" in told
    assert (await bringing.now(task)).status_message_id is None
    assert (await bringing.usage()).balance == 10


def test_a_damaged_file_is_told_from_a_video(tmp_path):
    path = tmp_path / "damaged.mp4"
    path.write_bytes(NOT_A_VIDEO)
    with pytest.raises(NotAVideo):
        probe(path)


class Writing:
    """Brings the same film as every result."""

    async def __call__(self, delivery, target, check):
        target.write_bytes(a_film())
        return await check(target)

    async def openable(self, delivery):
        return None


async def test_a_result_that_is_opened_while_it_is_delivered_is_a_file_of_its_own(bringing, tmp_path):
    task = await a_finished_task(bringing)
    (delivery,) = await bringing.services.results.files(task.id)
    directory = tmp_path / "results"
    directory.mkdir()
    files = ResultFiles(fetch=Writing(), directory=directory)
    async with files.open(delivery) as delivered:
        async with files.open(delivery) as shown:
            assert shown.path != delivered.path
        assert delivered.path.read_bytes() == a_film()
        assert delivered.thumbnail is not None
        assert delivered.thumbnail.is_file()
    assert list(directory.iterdir()) == []


async def test_a_delivery_that_has_been_tried_for_a_day_is_given_up_with_a_refund(bringing):
    bringing.to_kling.always("file", BROKEN)
    task = await a_finished_task(bringing)
    await bringing.run(Job.DELIVER, DELIVERY_DEADLINE)
    assert (await rows(bringing, task))[0][0] is DeliveryState.PENDING
    await bringing.run(Job.DELIVER, DAY)
    assert (await rows(bringing, task))[0][0] is DeliveryState.UNDELIVERABLE
    assert await bringing.refunds(task) == [10]


async def test_a_chat_that_is_gone_ends_the_delivery_and_the_video_is_kept_for_its_owner(bringing):
    bringing.to_telegram.answer("editMessageMedia", BLOCKED)
    task = await a_finished_task(bringing)
    await bringing.run(Job.DELIVER)
    (row,) = await bringing.store.outbox.list_of(task.id)
    assert row.state is DeliveryState.UNDELIVERABLE
    assert row.failure.startswith("ChatGone: ")
    assert row.video is not None
    assert await bringing.refunds(task) == []
    assert not any("refunded" in text for text in texts(bringing))


async def test_a_late_video_was_free_so_there_is_nothing_to_refund(bringing):
    bringing.to_kling.always("file", GONE)
    task = await stored(bringing.store, TaskState.EXPIRED)
    video = RemoteResult(f"{bringing.kling_url}/files/0", "video-0", Millis(5_000))
    task = await bringing.store.tasks.apply(transition(task, Finished((video,)), NOW), NOW)
    await run_until_it_ends(bringing, task)
    assert await bringing.refunds(task) == []
    assert {state for state, _ in await rows(bringing, task)} == {
        DeliveryState.DELIVERED,
        DeliveryState.UNDELIVERABLE,
    }
    _, late = texts(bringing)
    assert "refunded" not in late
    assert "It is free" in late


async def test_a_notice_that_the_chat_refuses_is_given_up_without_a_refund(bringing):
    bringing.to_telegram.always("sendMessage", REFUSED)
    task = await stored(bringing.store, TaskState.FAILED, failure=FailureKind.PROVIDER)
    await bringing.run(Job.DELIVER)
    assert await rows(bringing, task) == [GIVEN_UP]
    assert await bringing.refunds(task) == []


async def test_a_notice_that_could_not_be_sent_leaves_the_status_where_it_is(bringing):
    bringing.to_telegram.answer("sendMessage", BUSY)
    task = await stored(bringing.store, TaskState.FAILED)
    await bringing.store.tasks.set_status_message(task.id, 500)
    await bringing.run(Job.DELIVER)
    assert (await bringing.now(task)).status_message_id == 500
    assert await rows(bringing, task) == [(DeliveryState.PENDING, 1)]


async def test_a_refund_that_cannot_be_told_is_made_all_the_same(bringing):
    bringing.to_kling.always("file", GONE)
    bringing.to_telegram.answer("sendMessage", BLOCKED)
    task = await a_finished_task(bringing)
    await run_until_it_ends(bringing, task)
    assert (await rows(bringing, task))[0][0] is DeliveryState.UNDELIVERABLE
    assert await bringing.refunds(task) == [10]


async def test_a_refund_is_told_also_where_the_chat_was_busy_at_first_and_made_once(bringing):
    bringing.to_kling.always("file", GONE)
    task = await a_finished_task(bringing)
    await bringing.run(Job.DELIVER)
    bringing.to_telegram.answer("sendMessage", BUSY)
    await bringing.store.outbox.take_late(Millis(bringing.clock.now() + 1), 1)
    await run_until_it_ends(bringing, task)
    assert sum("credits are refunded" in text for text in texts(bringing)) == 2
    assert (
        sum(
            "credits are refunded" in reply["text"] for reply in bringing.written(ADA, "could not be fetched")
        )
        == 1
    )
    assert await bringing.refunds(task) == [10]


# -- refunds of several results, and by admins -----------------------------------------------------------


@pytest.mark.parametrize(("lost", "refunded"), [("1", [3]), ("02", [3, 4]), ("012", [3, 3, 4])])
async def test_of_several_results_only_those_that_are_lost_are_paid_back(bringing, lost, refunded):
    async def lose_some(request: Request) -> Response:
        found = Response(a_film(), media_type="video/mp4")
        return GONE if request.url.path.endswith(tuple(lost)) else found

    bringing.to_kling.always("file", lose_some)
    task = await a_finished_task(bringing, 3, request=a_request(count=3), price=Credits(10))
    await run_until_it_ends(bringing, task)
    assert sorted(await bringing.refunds(task)) == refunded


@pytest.mark.parametrize(("count", "results", "lost"), [(1, 1, 10), (1, 3, 10), (2, 2, 10), (2, 1, 10)])
async def test_an_admins_refund_after_a_lost_result_returns_no_more_than_was_charged(
    bringing, count, results, lost
):
    bringing.to_kling.always("file", GONE)
    task = await a_finished_task(bringing, results, request=a_request(count=count), price=Credits(10))
    await run_until_it_ends(bringing, task)
    assert sum(await bringing.refunds(task)) == lost
    assert len(bringing.written(ADA, "could not be fetched")) == min(count, results)
    actions = bringing.services.actions
    if lost < task.price:
        await actions.run(RefundTask(task.id), None, "shell:1")
    with pytest.raises(UserError) as raised:
        await actions.run(RefundTask(task.id), None, "shell:2")
    assert raised.value.key == "error.admin.refunded"
    assert sum(await bringing.refunds(task)) == task.price
