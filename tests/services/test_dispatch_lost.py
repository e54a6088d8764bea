"""Sending: answers that were lost and processes that ended, after which nothing is sent twice."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from bot.domain.tasks.schedule import ABSENCE_PAUSE, SUBMISSION_LEASE
from bot.domain.tasks.task import FailureKind, TaskState
from tests.builders import NOW, stored
from tests.services.world import (
    BACK,
    HELD,
    Provider,
    World,
    absent,
    accepted,
    finished,
    lost,
    refusal,
    running,
)

# -- answers that were lost --------------------------------------------------------------------------


async def test_a_lost_answer_keeps_the_hold_and_is_asked_for_before_anything_is_sent_again(world, provider):
    provider.to_submissions.append(lost())
    task = await stored(world.store)
    await world.send()
    assert (await world.now(task)).state is TaskState.UNCONFIRMED
    assert await world.money() == HELD
    provider.to_questions.append(running("kling-9"))
    await world.settle()
    after = await world.now(task)
    assert (after.state, after.provider_task_id) == (TaskState.IN_PROGRESS, "kling-9")
    assert provider.questions == [f"/v1/videos/text2video/{task.external_task_id}"]
    assert len(provider.submissions) == 1
    assert world.woken[-1] == "poll"


async def test_a_lost_answer_to_a_task_that_is_finished_already_is_found_and_charged_once(world, provider):
    provider.to_submissions.append(lost())
    task = await stored(world.store)
    await world.send()
    provider.to_questions += [finished(), finished()]
    await world.settle()
    await world.look()
    assert (await world.now(task)).state is TaskState.SUCCEEDED
    assert await world.money() == (10, 0)


async def test_a_submission_is_repeated_only_when_it_is_proven_absent_and_under_the_same_id(world, provider):
    provider.to_submissions.append(lost())
    provider.to_questions += [absent(), absent()]
    task = await stored(world.store)
    await world.send()
    await world.settle()
    once = await world.now(task)
    assert (once.state, once.due_at) == (TaskState.UNCONFIRMED, NOW + ABSENCE_PAUSE)
    await world.settle()
    assert len(provider.questions) == 1
    world.clock.advance(ABSENCE_PAUSE)
    await world.settle()
    assert (await world.now(task)).state is TaskState.QUEUED
    assert await world.money() == HELD
    await world.send()
    assert (await world.now(task)).state is TaskState.IN_PROGRESS
    assert [body["external_task_id"] for body in provider.submissions] == [task.external_task_id] * 2


async def test_a_provider_that_cannot_say_now_is_asked_again_later(world, provider):
    provider.to_submissions.append(lost())
    provider.to_questions.append(refusal(503, 5001, "unavailable"))
    task = await stored(world.store)
    await world.send()
    await world.settle()
    after = await world.now(task)
    assert after.state is TaskState.UNCONFIRMED
    assert after.due_at > NOW
    assert len(provider.submissions) == 1
    assert await world.money() == HELD


async def test_a_duplicate_that_the_provider_refuses_means_that_the_task_is_there(world, provider):
    provider.to_submissions.append(refusal(400, 1201, "external_task_id already exists"))
    task = await stored(world.store)
    await world.send()
    await world.settle()
    assert (await world.now(task)).state is TaskState.IN_PROGRESS
    assert len(provider.submissions) == 1


async def test_where_nobody_can_be_asked_the_credits_come_back_and_the_operators_know(mute, provider):
    provider.to_submissions.append(lost())
    task = await stored(mute.store)
    await mute.send()
    await mute.settle()
    after = await mute.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert await mute.money() == BACK
    assert len(provider.submissions) == 1
    assert ("alert.task.unknown_outcome", {"provider": "a", "id": task.id}) in mute.chat.alerts


async def test_where_the_provider_is_no_longer_in_the_settings_the_credits_come_back(world):
    task = await stored(world.store, TaskState.UNCONFIRMED)
    await world.settle()
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert await world.money() == BACK


# -- crashes -----------------------------------------------------------------------------------------


async def crash_while_sending(world: World, provider: Provider) -> None:
    """The process ends when the provider has the submission and the answer is not yet written."""
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def hanging(request: Request) -> Response:
        del request
        arrived.set()
        await may_answer.wait()
        return accepted()

    provider.to_submissions.append(hanging)
    await world.dispatch.tick()
    await asyncio.wait_for(arrived.wait(), 5)
    await world.work.stop(grace_seconds=0)
    may_answer.set()


async def test_a_submission_whose_lease_ran_out_is_asked_for_and_not_sent_again(world, provider):
    task = await stored(world.store)
    await crash_while_sending(world, provider)
    world.clock.advance(SUBMISSION_LEASE - 1)
    await world.settle()
    assert (await world.now(task)).state is TaskState.SUBMITTING
    world.clock.advance(1)
    await world.settle()
    after = await world.now(task)
    assert (after.state, after.provider_task_id) == (TaskState.IN_PROGRESS, task.external_task_id)
    assert len(provider.submissions) == 1
    assert await world.money() == HELD


async def test_at_start_nobody_waits_for_the_lease_of_the_last_process(world, provider):
    task = await stored(world.store)
    await crash_while_sending(world, provider)
    await world.dispatch.orphans()
    assert (await world.now(task)).state is TaskState.UNCONFIRMED
    await world.settle()
    assert (await world.now(task)).state is TaskState.IN_PROGRESS
    assert len(provider.submissions) == 1
