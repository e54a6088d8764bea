"""The outbox: every row comes to an end in the chat, and what cannot be delivered is told and refunded."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PIL import Image

from bot.domain.requests.request import Product
from bot.domain.tasks.lifecycle import Finished, transition
from bot.domain.tasks.schedule import DELIVERY_LEASE
from bot.domain.tasks.task import DeliveryState, FailureKind, LedgerKind, Task, TaskState
from bot.domain.units import DAY, SECOND, ChatId, Millis
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused
from bot.media.clips import NotAVideo, probe
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused
from bot.services.tasks.deliver import DELIVERY_DEADLINE, Deliver
from bot.services.tasks.workers import WorkerPool
from tests.builders import NOW, a_video, stored
from tests.services.world import STATUS_MESSAGE, World

LIMIT = 50_000_000


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> bytes:
    """Half a second of grey."""
    path = tmp_path_factory.mktemp("videos") / "grey.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for _ in range(12):
            frame = av.VideoFrame.from_image(Image.new("RGB", (320, 180), (90, 90, 90)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


class Source:
    """Where videos come from; `trouble` is what the next fetches raise."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.trouble: list[Exception] = []
        self.fetched: list[str] = []

    async def fetch(self, url: str, target: Path, kind: Product = Product.VIDEO) -> None:
        self.fetched.append(url)
        if self.trouble:
            raise self.trouble.pop(0)
        target.write_bytes(self.content)


@pytest.fixture
def source(video):
    return Source(video)


@pytest.fixture
def deliver_with(world, source, tmp_path) -> Callable[..., Deliver]:
    def build(*, max_upload: int = LIMIT, work: WorkerPool | None = None) -> Deliver:
        return world.deliver(source.fetch, tmp_path, max_upload, work=work or world.work)

    return build


@pytest.fixture
def deliver(deliver_with):
    return deliver_with()


async def run(deliver: Deliver, world: World) -> None:
    """One tick, to its end."""
    await deliver.tick()
    await world.work.drain()


async def rows(world: World, task: Task) -> list[tuple[DeliveryState, int]]:
    return [(row.state, row.attempts) for row in await world.store.outbox.list_of(task.id)]


async def refunds(world: World, task: Task) -> list[int]:
    ledger = await world.store.credits.list_ledger(task.user_id)
    return [row.amount for row in ledger if row.kind is LedgerKind.REFUND and row.task_id == task.id]


async def a_finished_task(world: World, **changes) -> Task:
    task = await stored(world.store, TaskState.SUCCEEDED, **changes)
    await world.store.tasks.set_status_message(task.id, STATUS_MESSAGE)
    return task


async def with_two_videos(world: World) -> Task:
    task = await stored(world.store, TaskState.IN_PROGRESS)
    return await world.store.tasks.apply(transition(task, Finished((a_video(0), a_video(1))), NOW), NOW)


DELIVERED = (DeliveryState.DELIVERED, 1)
GIVEN_UP = (DeliveryState.UNDELIVERABLE, 1)


# -- what arrives ------------------------------------------------------------------------------------


async def test_a_video_is_fetched_sent_and_noted_and_its_status_goes_away(
    world, deliver, source, video, tmp_path
):
    sizes: list[int] = []
    task = await a_finished_task(world)
    send = world.chat.send_result

    async def looking(delivery, file, options):
        # The file is there only as long as it is sent.
        sizes.append(file.path.stat().st_size)
        assert file.thumbnail.read_bytes()[:2] == b"\xff\xd8"
        return await send(delivery, file, options)

    world.chat.send_result = looking
    await run(deliver, world)
    assert sizes == [len(video)]
    (row,) = await world.store.outbox.list_of(task.id)
    assert (row.state, row.file_id, row.due_at) == (DeliveryState.DELIVERED, f"file-{row.id}", None)
    assert (row.width, row.height, row.size_bytes) == (320, 180, len(video))
    assert 400 <= row.duration_ms <= 600
    assert world.chat.removed == [task.id]
    assert (await world.now(task)).status_message_id is None
    assert list(tmp_path.glob("*.mp4")) == list(tmp_path.glob("*.jpg")) == []
    assert source.fetched == ["https://cdn.example/0.mp4"]


async def test_a_video_is_always_sent_as_a_file_for_an_address_breaks_over_20_megabytes(world, deliver):
    await a_finished_task(world)
    await run(deliver, world)
    ((_, file),) = world.chat.videos
    assert file is not None
    assert world.chat.links == []


async def test_what_has_arrived_is_never_sent_again(world, deliver):
    await a_finished_task(world)
    await stored(world.store, TaskState.FAILED)
    for _ in range(3):
        await run(deliver, world)
        world.clock.advance(DELIVERY_LEASE)
    assert len(world.chat.videos) == len(world.chat.notices) == 1


async def test_two_ticks_at_once_send_a_video_once(world, deliver):
    await a_finished_task(world)
    await asyncio.gather(deliver.tick(), deliver.tick(), deliver.tick())
    await world.work.drain()
    assert len(world.chat.videos) == 1


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.CANCELLED, TaskState.EXPIRED])
async def test_a_notice_is_delivered_exactly_once_and_takes_the_place_of_the_status(world, deliver, state):
    task = await stored(world.store, state)
    await world.store.tasks.set_status_message(task.id, STATUS_MESSAGE)
    for _ in range(3):
        await run(deliver, world)
        world.clock.advance(DELIVERY_LEASE)
    (told,) = world.chat.notices
    assert (told.id, told.state) == (task.id, state)
    assert (await world.now(task)).status_message_id is None
    assert await rows(world, task) == [DELIVERED]


async def test_a_video_that_the_chat_has_already_is_sent_by_its_id(world, deliver, source):
    task = await a_finished_task(world)
    await run(deliver, world)
    (row,) = await world.store.outbox.list_of(task.id)
    await world.store.outbox.postpone(row.id, world.clock.now(), "asked for once more")
    await run(deliver, world)
    assert [file for _, file in world.chat.videos][1] is None
    assert len(source.fetched) == 1
    (again,) = await world.store.outbox.list_of(task.id)
    assert (again.file_id, again.width) == (f"file-{row.id}", 320)


async def test_every_video_of_a_task_arrives(world, deliver, source):
    task = await with_two_videos(world)
    await run(deliver, world)
    assert sorted(source.fetched) == ["https://cdn.example/0.mp4", "https://cdn.example/1.mp4"]
    assert await rows(world, task) == [DELIVERED, DELIVERED]


# -- too large ---------------------------------------------------------------------------------------


async def test_a_video_over_the_limit_is_offered_by_its_address_and_never_uploaded(
    world, deliver_with, video
):
    task = await a_finished_task(world)
    await run(deliver_with(max_upload=len(video) - 1), world)
    ((delivery, url, size),) = world.chat.links
    assert (delivery.task.id, url, size) == (task.id, "https://cdn.example/0.mp4", len(video))
    assert world.chat.videos == []
    assert await rows(world, task) == [DELIVERED]
    assert world.chat.removed == [task.id]


async def test_a_video_that_the_chat_refuses_is_offered_by_its_address(world, deliver):
    world.chat.trouble["send_result"] = [ChatRefused("Request Entity Too Large")]
    task = await a_finished_task(world)
    await run(deliver, world)
    assert len(world.chat.links) == 1
    assert await rows(world, task) == [DELIVERED]
    assert await refunds(world, task) == []


# -- not now -----------------------------------------------------------------------------------------


async def test_a_failed_delivery_is_not_swallowed_but_tried_again_with_growing_pauses(world, deliver, source):
    source.trouble = [DownloadFailed("cdn.example answers 500")] * 4
    task = await a_finished_task(world)
    pauses = []
    for _ in range(4):
        await run(deliver, world)
        (row,) = await world.store.outbox.list_of(task.id)
        assert (row.state, row.failure) == (DeliveryState.PENDING, "cdn.example answers 500")
        pauses.append(row.due_at - world.clock.now())
        world.clock.advance(pauses[-1])
    assert pauses == sorted(pauses)
    assert pauses[0] < 2 * SECOND < 8 * SECOND <= pauses[3]
    await run(deliver, world)
    assert await rows(world, task) == [(DeliveryState.DELIVERED, 5)]
    assert len(world.chat.videos) == 1


async def test_a_chat_that_asks_for_a_pause_gets_it(world, deliver):
    world.chat.trouble["send_result"] = [ChatBusy(Millis(47 * SECOND))]
    task = await a_finished_task(world)
    await run(deliver, world)
    (row,) = await world.store.outbox.list_of(task.id)
    assert row.due_at == NOW + 47 * SECOND
    world.clock.advance(47 * SECOND - 1)
    await run(deliver, world)
    assert world.chat.videos == []
    world.clock.advance(1)
    await run(deliver, world)
    assert len(world.chat.videos) == 1


async def test_a_group_that_moved_gets_its_video_under_its_new_id(world, deliver):
    world.chat.trouble["send_result"] = [ChatMoved(ChatId(-100_5))]
    task = await a_finished_task(world, chat_id=ChatId(-5))
    await run(deliver, world)
    await run(deliver, world)
    ((delivery, _),) = world.chat.videos
    assert delivery.task.origin.chat_id == -100_5
    assert (await world.now(task)).origin.chat_id == -100_5


async def test_a_delivery_that_was_cut_off_is_sent_again_when_its_lease_ends(world, deliver):
    task = await a_finished_task(world)
    claimed = await world.store.outbox.claim(NOW, DELIVERY_LEASE, 1)
    assert [row.task.id for row in claimed] == [task.id]
    world.clock.advance(DELIVERY_LEASE - 1)
    await run(deliver, world)
    assert world.chat.videos == []
    world.clock.advance(1)
    await run(deliver, world)
    assert len(world.chat.videos) == 1


async def test_an_error_that_nobody_expected_leaves_the_row_to_its_lease(world, deliver, source):
    source.trouble = [RuntimeError("broken")]
    task = await a_finished_task(world)
    await run(deliver, world)
    assert await rows(world, task) == [(DeliveryState.SENDING, 1)]
    world.clock.advance(DELIVERY_LEASE)
    await run(deliver, world)
    assert await rows(world, task) == [(DeliveryState.DELIVERED, 2)]


async def test_no_more_is_claimed_than_can_be_sent_at_once(world, deliver_with):
    work, may_end = WorkerPool(limit=2), asyncio.Event()
    for _ in range(3):
        await a_finished_task(world)
    work.start(may_end.wait())
    await deliver_with(work=work).tick()
    states = [
        row.state
        for task in await world.store.tasks.list_in([TaskState.SUCCEEDED])
        for row in await world.store.outbox.list_of(task.id)
    ]
    may_end.set()
    await work.drain()
    assert sorted(states) == ["pending", "pending", "sending"]


async def test_nothing_is_claimed_where_nothing_can_be_sent(world, deliver_with):
    work, may_end = WorkerPool(limit=1), asyncio.Event()
    task = await a_finished_task(world)
    work.start(may_end.wait())
    await deliver_with(work=work).tick()
    assert await rows(world, task) == [(DeliveryState.PENDING, 0)]
    may_end.set()
    await work.drain()


# -- never -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble", [DownloadGone("cdn.example answers 404"), DownloadRefused("not a public address")]
)
async def test_a_video_that_cannot_be_fetched_gives_its_credits_back_and_is_told(
    world, deliver, source, trouble
):
    source.trouble = [trouble]
    task = await a_finished_task(world)
    await run(deliver, world)
    assert await rows(world, task) == [GIVEN_UP]
    assert await refunds(world, task) == [10]
    ((told, key, params),) = world.chat.told
    assert (told.id, key) == (task.id, "notice.delivery.refunded")
    assert params["credits"] == 10
    assert world.chat.removed == [task.id]
    assert (await world.usage()).balance == 10


async def test_what_is_no_video_gives_its_credits_back(world, deliver, source):
    source.content = b"\x00\x00\x00\x20ftypisom and then nothing"
    task = await a_finished_task(world)
    await run(deliver, world)
    assert await rows(world, task) == [GIVEN_UP]
    assert await refunds(world, task) == [10]


def test_a_damaged_file_is_told_from_a_video(tmp_path):
    path = tmp_path / "damaged.mp4"
    path.write_bytes(b"\x00\x00\x00\x20ftypisom and then nothing")
    with pytest.raises(NotAVideo):
        probe(path)


async def test_a_delivery_that_has_been_tried_for_a_day_is_given_up_with_a_refund(world, deliver, source):
    source.trouble = [DownloadFailed("cdn.example answers 500")] * 2
    task = await a_finished_task(world)
    world.clock.advance(DELIVERY_DEADLINE)
    await run(deliver, world)
    assert (await rows(world, task))[0][0] is DeliveryState.PENDING
    world.clock.advance(DAY)
    await run(deliver, world)
    assert (await rows(world, task))[0][0] is DeliveryState.UNDELIVERABLE
    assert await refunds(world, task) == [10]


async def test_a_chat_that_is_gone_ends_the_delivery_and_the_video_is_kept_for_its_owner(world, deliver):
    world.chat.trouble["send_result"] = [ChatGone("bot was blocked by the user")]
    task = await a_finished_task(world)
    await run(deliver, world)
    (row,) = await world.store.outbox.list_of(task.id)
    assert (row.state, row.failure) == (
        DeliveryState.UNDELIVERABLE,
        "chat gone: bot was blocked by the user",
    )
    assert row.video == a_video()
    assert await refunds(world, task) == []
    assert world.chat.told == []


async def test_a_refund_happens_once_though_two_videos_of_a_task_are_lost(world, deliver, source):
    task = await with_two_videos(world)
    source.trouble = [DownloadGone("gone"), DownloadGone("gone")]
    await run(deliver, world)
    assert await refunds(world, task) == [10]
    assert len(world.chat.told) == 1


async def test_a_late_video_was_free_so_there_is_nothing_to_refund(world, deliver, source):
    task = await stored(world.store, TaskState.EXPIRED)
    task = await world.store.tasks.apply(transition(task, Finished((a_video(),)), NOW), NOW)
    source.trouble = [DownloadGone("gone")]
    await run(deliver, world)
    assert await refunds(world, task) == []
    assert world.chat.told == []
    assert {state for state, _ in await rows(world, task)} == {
        DeliveryState.DELIVERED,
        DeliveryState.UNDELIVERABLE,
    }


async def test_a_notice_that_the_chat_refuses_is_given_up_without_a_refund(world, deliver):
    world.chat.trouble["send_notice"] = [ChatRefused("can't parse entities")]
    task = await stored(world.store, TaskState.FAILED, failure=FailureKind.PROVIDER)
    await run(deliver, world)
    assert await rows(world, task) == [GIVEN_UP]
    assert await refunds(world, task) == []


async def test_a_refund_that_cannot_be_told_is_made_all_the_same(world, deliver, source):
    source.trouble = [DownloadGone("gone")]
    world.chat.trouble["tell"] = [ChatGone("blocked")]
    task = await a_finished_task(world)
    await run(deliver, world)
    assert await rows(world, task) == [GIVEN_UP]
    assert await refunds(world, task) == [10]
