"""Chores: what the last process left, what is overdue, and what is old."""

import pytest

from bot.domain.tasks.lifecycle import AnswerLost, Claimed, transition
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.units import DAY, HOUR, MINUTE, SECOND, Millis, ProviderName
from bot.services.tasks.recover import CLEANING_INTERVAL
from tests.builders import ADA, ADAS_CHAT, LEASE, NOW, a_draft, a_request, an_image, an_update, stored
from tests.services.world import BACK, STATUS_MESSAGE, absent, running

RETENTION = Millis(30 * DAY)


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def recover(world, directory):
    return world.recover(directory, RETENTION)


async def a_submitting_task(world):
    """What a crash in the middle of a submission leaves behind."""
    task = await stored(world.store)
    return await world.store.tasks.apply(
        transition(task, Claimed(ProviderName("a"), Millis(NOW + LEASE)), NOW), NOW
    )


# -- at start ----------------------------------------------------------------------------------------


async def test_half_downloads_of_the_last_process_are_thrown_away(recover, directory):
    for name in ("K7Q29F-0.mp4", "K7Q29F-0.mp4.part", "K7Q29F-0.jpg", "klingbot.db"):
        (directory / name).write_bytes(b"left over")
    await recover.at_start()
    assert [path.name for path in directory.iterdir()] == ["klingbot.db"]


async def test_a_submission_that_was_under_way_is_asked_for_and_not_sent_again(world, recover, provider):
    task = await a_submitting_task(world)
    provider.to_questions.append(running("kling-1"))
    await recover.at_start()
    assert (await world.now(task)).state is TaskState.UNCONFIRMED
    await recover.tick()
    await world.work.drain()
    assert (await world.now(task)).state is TaskState.IN_PROGRESS
    assert provider.submissions == []


async def test_every_task_that_runs_is_taken_up_and_shown_again(world, recover):
    tasks = [
        await stored(world.store, state)
        for state in (TaskState.QUEUED, TaskState.UNCONFIRMED, TaskState.IN_PROGRESS)
    ]
    await recover.at_start()
    assert {task.id for task, _ in world.chat.statuses} == {task.id for task in tasks}


async def test_the_status_of_a_task_that_has_ended_is_taken_away(world, recover):
    task = await stored(world.store, TaskState.SUCCEEDED)
    await world.store.tasks.set_status_message(task.id, STATUS_MESSAGE)
    (delivery,) = await world.store.outbox.claim(NOW, LEASE, 1)
    await recover.at_start()
    # As long as its video is on the way, the status stays.
    assert world.chat.removed == []
    await world.store.outbox.mark_undeliverable(delivery.id, "gone", NOW)
    await recover.at_start()
    assert world.chat.removed == [task.id]


# -- overdue -----------------------------------------------------------------------------------------


async def test_a_queued_task_past_its_deadline_gives_its_credits_back(world, recover):
    task = await stored(world.store)
    world.clock.advance(20 * MINUTE - 1)
    await recover.tick()
    assert (await world.now(task)).state is TaskState.QUEUED
    world.clock.advance(1)
    await recover.tick()
    after = await world.now(task)
    assert (after.state, after.failure, after.due_at) == (TaskState.EXPIRED, FailureKind.DEADLINE, None)
    assert await world.money() == BACK
    assert world.woken == ["deliver"]
    (delivery,) = await world.store.outbox.list_of(task.id)
    assert delivery.kind == "notice"


async def test_a_submission_that_nobody_can_tell_about_ends_at_the_deadline(world, recover):
    task = await a_submitting_task(world)
    task = await world.store.tasks.apply(transition(task, AnswerLost(Millis(NOW + DAY)), NOW), NOW)
    world.clock.advance(HOUR)
    await recover.tick()
    assert (await world.now(task)).state is TaskState.EXPIRED
    assert await world.money() == BACK


async def test_a_running_task_past_its_deadline_is_left_to_its_last_look(world, recover):
    task = await stored(world.store, TaskState.IN_PROGRESS)
    world.clock.advance(HOUR)
    await recover.tick()
    assert (await world.now(task)).state is TaskState.IN_PROGRESS


async def test_a_task_expires_once(world, recover):
    task = await stored(world.store)
    world.clock.advance(HOUR)
    await recover.tick()
    await recover.tick()
    assert len(await world.store.outbox.list_of(task.id)) == 1


async def test_leases_that_ran_out_are_settled_by_every_tick(world, recover, provider):
    task = await a_submitting_task(world)
    await recover.tick()
    await world.work.drain()
    assert (await world.now(task)).state is TaskState.SUBMITTING
    world.clock.advance(LEASE)
    provider.to_questions.append(absent())
    await recover.tick()
    await world.work.drain()
    assert (await world.now(task)).state is TaskState.UNCONFIRMED
    assert provider.questions == [f"/v1/videos/text2video/{task.external_task_id}"]


# -- what is old -------------------------------------------------------------------------------------


async def test_what_is_older_than_the_retention_is_forgotten(world, recover):
    await world.store.inbox.receive([an_update(1), an_update(2), an_update(3)])
    for update_id in (1, 3):
        await world.store.inbox.mark_processed(update_id, NOW)
    await world.store.drafts.save(a_draft())
    picture = an_image()
    await world.store.drafts.save_attachment(picture, NOW)
    world.clock.advance(RETENTION + SECOND)
    await recover.tick()
    # What nobody has acted on stays, and so does the newest, which says where to go on.
    assert [row.update_id for row in await world.store.inbox.list_unprocessed()] == [2]
    assert (await world.store.inbox.get_last())[0] == 3
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is None
    assert await world.store.inbox.receive([an_update(1), an_update(3)]) == [an_update(1)]


async def test_a_picture_that_a_task_still_needs_is_kept_however_old_it_is(world, recover):
    picture, unused = an_image(), an_image(b"nobody needs it")
    await stored(
        world.store, images=[picture], request=a_request(picture), deadline_at=Millis(NOW + 90 * DAY)
    )
    await world.store.drafts.save_attachment(unused, NOW)
    world.clock.advance(RETENTION + SECOND)
    await recover.tick()
    assert set(await world.store.drafts.get_attachments([picture.ref, unused.ref])) == {picture.ref.sha256}


async def test_a_young_draft_is_kept(world, recover):
    await world.store.drafts.save(a_draft())
    world.clock.advance(RETENTION - SECOND)
    await recover.tick()
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is not None


async def test_cleaning_happens_once_an_hour(world, recover):
    await recover.tick()
    await world.store.drafts.save(a_draft(updated_at=Millis(NOW - 60 * DAY)))
    world.clock.advance(CLEANING_INTERVAL)
    await recover.tick()
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is not None
    world.clock.advance(1)
    await recover.tick()
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is None
