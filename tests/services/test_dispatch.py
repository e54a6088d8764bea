"""Sending: what leaves when, and what a clear answer does to the credits and to the provider."""

import asyncio
import sqlite3

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.tasks.schedule import SUBMISSION_LEASE
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.units import MINUTE, SECOND, ChatId, Millis, ProviderName
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused
from tests.builders import NOW, a_request, an_image, stored
from tests.services.world import BACK, HELD, POLICY, Provider, accepted, open_world, refusal

# -- sending -----------------------------------------------------------------------------------------


async def test_a_queued_task_is_sent_under_our_own_id_and_is_then_in_progress(world, provider):
    task = await stored(world.store)
    await world.send()
    after = await world.now(task)
    assert (after.state, after.provider, after.provider_task_id) == (TaskState.IN_PROGRESS, "a", "kling-1")
    assert after.submitted_at == NOW
    assert after.due_at > NOW
    (body,) = provider.submissions
    assert (body["prompt"], body["external_task_id"]) == ("a fox in the snow", task.external_task_id)
    assert await world.money() == HELD
    assert world.chat.states_shown() == [TaskState.SUBMITTING, TaskState.IN_PROGRESS]


async def test_the_row_is_written_before_the_submission_leaves_and_not_after(world, provider):
    task = await stored(world.store)
    seen: list[tuple[str, str, int]] = []

    async def looking(request: Request) -> Response:
        del request
        # Another connection sees only what is committed.
        with sqlite3.connect(world.store.engine.path) as db:
            seen.extend(db.execute("SELECT state, external_task_id, due_at FROM tasks"))
        db.close()
        return accepted()

    provider.to_submissions.append(looking)
    await world.send()
    assert seen == [("submitting", task.external_task_id, NOW + SUBMISSION_LEASE)]


async def test_two_ticks_at_once_send_a_task_once(world, provider):
    await stored(world.store)
    await asyncio.gather(world.dispatch.tick(), world.dispatch.tick(), world.dispatch.tick())
    await world.work.drain()
    assert len(provider.submissions) == 1


async def test_a_tick_returns_before_the_answers_are_there(world, provider):
    may_answer = asyncio.Event()

    async def slow(request: Request) -> Response:
        del request
        await may_answer.wait()
        return accepted()

    provider.to_submissions.append(slow)
    task = await stored(world.store)
    await asyncio.wait_for(world.dispatch.tick(), 5)
    assert (await world.now(task)).state is TaskState.SUBMITTING
    may_answer.set()
    await world.work.drain()
    assert (await world.now(task)).state is TaskState.IN_PROGRESS


async def test_a_provider_gets_no_more_tasks_than_it_has_slots(tmp_path, provider):
    async with open_world(tmp_path, provider, max_concurrent=2) as world:
        for _ in range(3):
            await stored(world.store)
        await world.send()
        await world.send()
        assert len(provider.submissions) == 2
        assert world.chat.alerts == []


async def test_the_time_that_similar_tasks_took_decides_when_to_look_first(world):
    for _ in range(3):
        await stored(world.store, TaskState.SUCCEEDED)
    with sqlite3.connect(world.store.engine.path) as db:
        db.execute("UPDATE tasks SET provider = 'a', finished_at = submitted_at + 100000")
    db.close()
    task = await stored(world.store)
    await world.send()
    assert (await world.now(task)).due_at == NOW + 70 * SECOND


async def test_a_picture_goes_with_the_request_and_one_that_is_not_kept_ends_the_task(world, provider):
    picture = an_image()
    kept = await stored(world.store, images=[picture], request=a_request(picture))
    gone = await stored(world.store, request=a_request(an_image(b"another")))
    await world.send()
    assert (await world.now(kept)).state is TaskState.IN_PROGRESS
    after = await world.now(gone)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.PARAMETERS)
    assert len(provider.submissions) == 1
    assert await world.money() == HELD


async def test_a_cancelled_task_is_not_sent(world, provider):
    await stored(world.store, TaskState.CANCELLED)
    await world.send()
    assert provider.submissions == []
    assert await world.money() == BACK


@pytest.mark.parametrize(
    "trouble", [ChatBusy(Millis(SECOND)), ChatGone("blocked"), ChatRefused("no"), ChatMoved(ChatId(-5))]
)
async def test_a_chat_that_cannot_be_written_to_does_not_stop_the_work(world, trouble):
    world.chat.trouble["show_status"] = [trouble, trouble]
    task = await stored(world.store)
    await world.send()
    assert (await world.now(task)).state is TaskState.IN_PROGRESS


async def test_one_persons_many_tasks_do_not_delay_anothers_first(tmp_path):
    provider = Provider()
    async with open_world(tmp_path, provider, max_concurrent=2) as world:
        for _ in range(3):
            await stored(world.store, request=a_request(prompt="ada's"))
        await stored(world.store, user_id=1002, request=a_request(prompt="xiaolin's"))
        await world.send()
        assert sorted(body["prompt"] for body in provider.submissions) == ["ada's", "xiaolin's"]


# -- refusals for good -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(400, 1301, "Failure to pass the risk control system"), FailureKind.CONTENT),
        (refusal(400, 1201, "model_name value 'x' is invalid"), FailureKind.PARAMETERS),
    ],
)
async def test_a_refusal_for_good_gives_the_credits_back_and_leaves_the_provider_well(
    world, provider, answer, kind
):
    provider.to_submissions.append(answer)
    task = await stored(world.store)
    await world.send()
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, kind)
    assert after.failure_detail
    assert await world.money() == BACK
    assert world.pool.closed_until(ProviderName("a")) <= NOW
    assert world.chat.alerts == []
    assert world.woken == ["deliver", "dispatch"]
    (delivery,) = await world.store.outbox.list_of(task.id)
    assert delivery.kind == "notice"


async def test_a_refusal_of_content_is_not_tried_with_another_provider(two, provider, other):
    provider.to_submissions.append(refusal(400, 1301, "risk control"))
    await stored(two.store)
    await two.send()
    await two.send()
    assert other.submissions == []


# -- not now -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (refusal(429, 1303, "parallel task over resource pack limit"), SECOND),
        (refusal(429, 1302, "too fast", Retry_After="7"), 7 * SECOND),
    ],
)
async def test_a_full_provider_keeps_the_hold_and_counts_no_attempt(world, provider, answer, wait):
    provider.to_submissions.append(answer)
    task = await stored(world.store)
    await world.send()
    after = await world.now(task)
    assert (after.state, after.attempts, after.provider) == (TaskState.QUEUED, 0, None)
    assert wait <= after.due_at - NOW <= wait * 1.3
    assert world.pool.closed_until(ProviderName("a")) == NOW + wait
    assert await world.money() == HELD
    assert world.chat.alerts == []


async def test_a_full_provider_is_tried_as_often_as_it_takes(world, provider):
    provider.to_submissions += [refusal(429, 1303)] * 10
    task = await stored(world.store)
    for _ in range(11):
        await world.send()
        world.clock.advance(2 * SECOND)
    assert (await world.now(task)).state is TaskState.IN_PROGRESS
    assert {body["external_task_id"] for body in provider.submissions} == {task.external_task_id}


async def test_a_provider_that_is_down_is_tried_again_with_growing_pauses_and_then_given_up(world, provider):
    provider.to_submissions += [refusal(503, 5001, "unavailable")] * 3
    task = await stored(world.store)
    pauses = []
    for _ in range(POLICY.retries):
        await world.send()
        after = await world.now(task)
        assert (after.state, await world.money()) == (TaskState.QUEUED, HELD)
        pauses.append(after.due_at - world.clock.now())
        world.clock.advance(pauses[-1])
    assert pauses[1] > pauses[0] >= SECOND
    await world.send()
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNAVAILABLE)
    assert await world.money() == BACK
    assert len(provider.submissions) == 1 + POLICY.retries


async def test_a_provider_that_is_down_again_and_again_rests_and_is_told_of_once(world, provider):
    provider.to_submissions += [refusal(503, 5001, "unavailable")] * 6
    for _ in range(6):
        await stored(world.store)
    await world.dispatch.tick()
    await world.work.drain()
    assert world.pool.closed_until(ProviderName("a")) > NOW
    world.clock.advance(MINUTE)
    provider.to_submissions += [refusal(503, 5001, "unavailable")] * 6
    await world.send()
    assert [key for key, _ in world.chat.alerts] == ["alert.provider.unavailable"]
