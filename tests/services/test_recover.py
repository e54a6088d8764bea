"""Chores: what the last process left, what is overdue, and what is old; and that the status message stays true."""

import asyncio

import pytest

from bot.domain.tasks.lifecycle import AnswerLost, Claimed, transition
from bot.domain.tasks.schedule import DELIVERY_LEASE
from bot.domain.tasks.task import FailureKind, Task, TaskState
from bot.domain.units import DAY, HOUR, MINUTE, SECOND, ChatId, Millis
from bot.services.ports import Job
from bot.services.tasks.recover import CLEANING_INTERVAL
from tests.builders import ADA, ADAS_CHAT, LEASE, NOW, a_draft, a_request, an_image, an_update, stored
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.services import BACK, A, ServiceWorld
from tests.world.telegram import complaint

pytestmark = TELLS_OF_TIMEDELTA

RETENTION = Millis(30 * DAY)


async def a_submitting_task(world: ServiceWorld) -> Task:
    """What a crash in the middle of a submission leaves behind."""
    task = await stored(world.store)
    return await world.store.tasks.apply(transition(task, Claimed(A, Millis(NOW + LEASE)), NOW), NOW)


# -- at start ----------------------------------------------------------------------------------------


async def test_half_downloads_of_the_last_process_are_thrown_away(world):
    directory = world.directory / "work"
    for name in ("K7Q29F-0.mp4", "K7Q29F-0.mp4.part", "K7Q29F-0.jpg", "klingbot.db"):
        (directory / name).write_bytes(b"left over")
    await world.restart()
    assert [path.name for path in directory.iterdir()] == ["klingbot.db"]


async def test_every_task_that_runs_is_taken_up_and_shown_again(world):
    for state in (TaskState.QUEUED, TaskState.UNCONFIRMED, TaskState.IN_PROGRESS):
        await stored(world.store, state)
    await world.restart()
    assert len(world.to_telegram.of("sendMessage")) == 3


async def test_what_was_being_sent_when_the_process_died_is_sent_after_the_start_and_the_status_stays(world):
    task = await stored(world.store, TaskState.SUCCEEDED)
    await world.store.tasks.set_status_message(task.id, 500)
    await world.store.outbox.claim(NOW, DELIVERY_LEASE, 1)
    await world.restart()
    # As long as its video is on the way, the status stays.
    assert world.to_telegram.of("deleteMessage") == []
    (delivery,) = await world.store.outbox.claim(NOW, DELIVERY_LEASE, 1)
    await world.store.outbox.mark_undeliverable(delivery.id, "gone", NOW)
    await world.restart()
    assert [call["message_id"] for call in world.to_telegram.of("deleteMessage")] == [500]


# -- overdue -----------------------------------------------------------------------------------------


async def test_a_queued_task_past_its_deadline_gives_its_credits_back_once(world):
    task = await stored(world.store)
    await world.run(Job.RECOVER, 20 * MINUTE - 1)
    assert await world.state(task) is TaskState.QUEUED
    for _ in range(2):
        await world.run(Job.RECOVER, 1)
    after = await world.now(task)
    assert (after.state, after.failure, after.due_at) == (TaskState.EXPIRED, FailureKind.DEADLINE, None)
    assert await world.money() == BACK
    assert world.woken == {Job.DELIVER}
    assert await world.waiting(task) == ["notice"]


async def test_a_submission_that_nobody_can_tell_about_ends_at_the_deadline(world):
    task = await a_submitting_task(world)
    task = await world.store.tasks.apply(transition(task, AnswerLost(Millis(NOW + DAY)), NOW), NOW)
    await world.run(Job.RECOVER, HOUR)
    assert await world.state(task) is TaskState.EXPIRED
    assert await world.money() == BACK


async def test_a_running_task_past_its_deadline_is_left_to_its_last_look(world):
    task = await stored(world.store, TaskState.IN_PROGRESS)
    await world.run(Job.RECOVER, HOUR)
    assert await world.state(task) is TaskState.IN_PROGRESS


# -- what is old -------------------------------------------------------------------------------------


async def test_what_is_older_than_the_retention_is_forgotten(world):
    await world.store.inbox.receive([an_update(1), an_update(2), an_update(3)])
    for update_id in (1, 3):
        await world.store.inbox.mark_processed(update_id, NOW)
    await world.store.drafts.save(a_draft())
    picture, unused = an_image(), an_image(b"nobody needs it")
    await stored(
        world.store, images=[picture], request=a_request(picture), deadline_at=Millis(NOW + 90 * DAY)
    )
    await world.store.drafts.save_attachment(unused, NOW)
    await world.run(Job.RECOVER, RETENTION - SECOND)
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is not None
    await world.run(Job.RECOVER, HOUR + 2 * SECOND)
    # What nobody has acted on stays, and so does the newest, which says where to go on.
    assert [row.update_id for row in await world.store.inbox.list_unprocessed()] == [2]
    assert (await world.store.inbox.get_last())[0] == 3
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is None
    assert await world.store.inbox.receive([an_update(1), an_update(3)]) == [an_update(1)]
    # A picture that a task still needs is kept however old it is.
    assert set(await world.store.drafts.get_attachments([picture.ref, unused.ref])) == {picture.ref.sha256}


async def test_cleaning_happens_once_an_hour(world):
    await world.run(Job.RECOVER)
    await world.store.drafts.save(a_draft(updated_at=Millis(NOW - 60 * DAY)))
    await world.run(Job.RECOVER, CLEANING_INTERVAL)
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is not None
    await world.run(Job.RECOVER, 1)
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is None


# -- the status message --------------------------------------------------------------------------------


async def test_a_task_never_gets_two_status_messages_though_two_show_it_at_once(world):
    await world.telegram.say(ADA, "/start")
    task = await stored(world.store)
    await asyncio.gather(*(world.services.status.show(task) for _ in range(5)))
    assert len(world.to_telegram.of("sendMessage")) == 1
    assert (await world.now(task)).status_message_id is not None


async def test_what_is_shown_is_what_the_store_says_by_then_with_its_place_in_the_queue(world):
    for _ in range(2):
        await stored(world.store)
    before = await stored(world.store)
    await world.services.status.show(before)
    await world.services.status.show(await stored(world.store, TaskState.SUCCEEDED))
    (shown,) = world.to_telegram.of("sendMessage")
    assert "2 videos are before yours" in shown["text"]


async def test_how_long_it_will_take_is_learned_from_three_tasks_like_it(world):
    status, running = world.services.status, await stored(world.store, TaskState.IN_PROGRESS)
    for _ in range(2):
        await stored(world.store, TaskState.SUCCEEDED)
    assert await status.expected(running) is None
    await stored(world.store, TaskState.SUCCEEDED)
    assert await status.expected(running) == 0
    assert await status.expected(await stored(world.store)) is None


@pytest.mark.parametrize(
    "trouble",
    [
        complaint(429, "Too Many Requests: retry after 1", retry_after=1),
        complaint(403, "Forbidden: bot was blocked by the user"),
        complaint(400, "Bad Request: no"),
    ],
)
async def test_a_status_that_cannot_be_shown_changes_nothing(world, trouble):
    world.to_telegram.answer("sendMessage", trouble)
    task = await stored(world.store)
    await world.services.status.show(task)
    assert await world.now(task) == task


async def test_a_group_that_moved_is_followed(world):
    moved = complaint(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1_005)
    world.to_telegram.answer("sendMessage", moved)
    task = await stored(world.store, chat_id=ChatId(-5))
    for _ in range(2):
        await world.services.status.show(task)
    assert [call["chat_id"] for call in world.to_telegram.of("sendMessage")] == [-5, -1_005]


async def test_a_round_of_updates_shows_what_runs_and_what_waits_and_has_a_status(world):
    running = await stored(world.store, TaskState.IN_PROGRESS)
    waiting = await stored(world.store)
    await stored(world.store)
    await stored(world.store, TaskState.SUCCEEDED)
    for number, task in enumerate((running, waiting)):
        await world.store.tasks.set_status_message(task.id, 500 + number)
    await world.run(Job.STATUS)
    assert [call["message_id"] for call in world.to_telegram.of("editMessageText")] == [500, 501]
