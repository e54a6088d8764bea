"""Looking: until there is a video, a reason, or no time left; and the credits are settled once."""

import asyncio

import pytest
from starlette.responses import JSONResponse

from bot.domain.tasks.lifecycle import Accepted, Claimed, transition
from bot.domain.tasks.task import DeliveryKind, FailureKind, Task, TaskState
from bot.domain.units import HOUR, MINUTE, SECOND, Millis, ProviderName
from bot.services.tasks.poll import LATE_INTERVAL, LATE_LIMIT, MANY, UNKNOWN_LOOKS
from tests.builders import LEASE, NOW, stored
from tests.services.world import (
    BACK,
    HELD,
    POLICY,
    World,
    a_finished_row,
    a_row,
    absent,
    failed,
    finished,
    refusal,
    running,
    says,
)

CHARGED = (10, 0)
DEADLINE = Millis(NOW + 20 * MINUTE)


async def a_running_task(world: World, number: int = 1, provider: str = "a", **changes) -> Task:
    """A task that the provider took, and that is due to be looked at."""
    task = await stored(world.store, **changes)
    for event in (
        Claimed(ProviderName(provider), Millis(NOW + LEASE)),
        Accepted(f"kling-{number}", world.clock.now()),
    ):
        task = await world.store.tasks.apply(transition(task, event, NOW), NOW)
    return task


async def kinds_waiting(world: World, task: Task) -> list[str]:
    return [str(delivery.kind) for delivery in await world.store.outbox.list_of(task.id)]


# -- what a look can mean ----------------------------------------------------------------------------


async def test_a_finished_video_is_charged_and_put_into_the_outbox_in_one_go(world, provider):
    task = await a_running_task(world)
    provider.to_questions.append(finished("kling-1", "https://cdn.example/v.mp4"))
    await world.look()
    after = await world.now(task)
    assert (after.state, after.real_cost, after.progress) == (TaskState.SUCCEEDED, "1.5", 100)
    assert await world.money() == CHARGED
    (delivery,) = await world.store.outbox.list_of(task.id)
    assert (delivery.kind, delivery.video.url) == (DeliveryKind.VIDEO, "https://cdn.example/v.mp4")
    assert world.woken == ["deliver", "dispatch"]


async def test_every_video_of_a_task_is_delivered_and_the_task_is_charged_once(world, provider):
    task = await a_running_task(world)
    provider.to_questions.append(
        finished("kling-1", "https://cdn.example/0.mp4", "https://cdn.example/1.mp4")
    )
    await world.look()
    assert await kinds_waiting(world, task) == ["video", "video"]
    assert await world.money() == CHARGED


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Failure to pass the risk control system", FailureKind.CONTENT),
        ("图片含有敏感内容", FailureKind.CONTENT),
        ("internal rendering error", FailureKind.PROVIDER),
        ("", FailureKind.PROVIDER),
    ],
)
async def test_a_failure_of_the_provider_gives_the_credits_back_with_its_reason(
    world, provider, reason, kind
):
    task = await a_running_task(world)
    provider.to_questions.append(failed(reason))
    await world.look()
    after = await world.now(task)
    assert (after.state, after.failure, after.failure_detail) == (TaskState.FAILED, kind, reason or None)
    assert await world.money() == BACK
    assert await kinds_waiting(world, task) == ["notice"]


async def test_a_failure_that_is_seen_twice_is_refunded_once(world, provider):
    task = await a_running_task(world)
    provider.to_questions += [failed("broken"), failed("broken")]
    await asyncio.gather(world.poll._look(world.pool.client("a"), task), world.look())
    assert (await world.now(task)).state is TaskState.FAILED
    assert await world.money() == BACK
    assert await kinds_waiting(world, task) == ["notice"]


async def test_a_success_that_is_seen_twice_is_charged_and_delivered_once(world, provider):
    task = await a_running_task(world)
    provider.to_questions += [finished(), finished()]
    await asyncio.gather(world.poll._look(world.pool.client("a"), task), world.look())
    assert await world.money() == CHARGED
    assert await kinds_waiting(world, task) == ["video"]


async def test_a_task_that_still_runs_is_shown_and_looked_at_again(world, provider):
    task = await a_running_task(world)
    provider.to_questions.append(says(a_row("kling-1", progress=40)))
    await world.look()
    after = await world.now(task)
    assert (after.state, after.progress) == (TaskState.IN_PROGRESS, 40)
    assert POLICY.min_interval * 0.9 <= after.due_at - NOW <= POLICY.max_interval * 1.1
    assert [(shown.id, shown.progress) for shown, _ in world.chat.statuses] == [(task.id, 40)]
    assert await world.money() == HELD


async def test_the_longer_a_task_runs_the_more_rarely_it_is_looked_at(world, provider):
    task = await a_running_task(world)
    world.clock.advance(10 * MINUTE)
    await world.look()
    pause = (await world.now(task)).due_at - world.clock.now()
    assert pause >= POLICY.max_interval * 0.9


@pytest.mark.parametrize("word", ["succeed", "post_processing"])
async def test_what_brings_no_video_is_never_taken_for_success(world, provider, word):
    task = await a_running_task(world)
    provider.to_questions.append(says(a_row("kling-1", word)))
    await world.look()
    assert (await world.now(task)).state is TaskState.IN_PROGRESS
    assert await world.money() == HELD


# -- many at once ------------------------------------------------------------------------------------


async def test_many_tasks_are_looked_at_with_one_question(world, provider):
    tasks = [await a_running_task(world, number) for number in range(1, MANY + 1)]
    rows = [a_finished_row("kling-1"), a_row("kling-2", "failed", task_status_msg="no"), a_row("kling-3")]
    provider.to_lists.append(says(rows))
    await world.look()
    states = [(await world.now(task)).state for task in tasks]
    assert states == [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.IN_PROGRESS]
    assert provider.questions == ["/v1/videos/text2video"]


async def test_what_is_not_on_the_list_is_asked_for_by_its_id(world, provider):
    tasks = [await a_running_task(world, number) for number in range(1, MANY + 1)]
    provider.to_lists.append(says([a_row("kling-1"), a_row("kling-3")]))
    provider.to_questions.append(finished("kling-2"))
    await world.look()
    assert (await world.now(tasks[1])).state is TaskState.SUCCEEDED
    assert set(provider.questions[:-1]) == {"/v1/videos/text2video"}
    assert provider.questions[-1] == "/v1/videos/text2video/kling-2"


async def test_a_list_that_cannot_be_had_leaves_every_task_waiting(world, provider):
    tasks = [await a_running_task(world, number) for number in range(1, MANY + 1)]
    provider.to_lists.append(refusal(503, 5001, "unavailable"))
    await world.look()
    assert {(await world.now(task)).state for task in tasks} == {TaskState.IN_PROGRESS}
    assert len(provider.questions) == 1


async def test_a_provider_without_a_list_is_asked_about_each_task(mute, provider):
    for number in range(1, MANY + 1):
        await a_running_task(mute, number)
    provider.to_questions += [
        JSONResponse({"code": "success", "data": {"task_id": f"kling-{number}", "status": "IN_PROGRESS"}})
        for number in range(1, MANY + 1)
    ]
    await mute.look()
    assert sorted(provider.questions) == [
        f"/v1/video/generations/kling-{number}" for number in range(1, MANY + 1)
    ]


# -- when the provider cannot tell -------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        refusal(503, 5001, "unavailable"),
        refusal(500, 5000, "internal"),
        refusal(429, 1302, "too fast"),
        refusal(401, 1002, "Authorization is invalid"),
        JSONResponse({"hello": "there"}),
    ],
    ids=["down", "broken", "too fast", "unauthorized", "garbage"],
)
async def test_trouble_while_looking_keeps_the_task_and_its_hold(world, provider, answer):
    task = await a_running_task(world)
    provider.to_questions.append(answer)
    await world.look()
    after = await world.now(task)
    assert after.state is TaskState.IN_PROGRESS
    assert after.due_at > NOW
    assert await world.money() == HELD


async def test_a_provider_that_asks_for_patience_gets_it(world, provider):
    task = await a_running_task(world)
    provider.to_questions.append(refusal(429, 1302, "too fast", Retry_After="45"))
    await world.look()
    assert (await world.now(task)).due_at == NOW + 45 * SECOND


async def test_a_task_that_the_provider_does_not_know_is_not_given_up_at_once(world, provider):
    """A task may be asked for before every machine of the provider knows of it."""
    task = await a_running_task(world)
    provider.to_questions += [absent()] * UNKNOWN_LOOKS
    for _ in range(UNKNOWN_LOOKS - 1):
        await world.look()
        assert (await world.now(task)).state is TaskState.IN_PROGRESS
        world.clock.advance(15 * SECOND)
    await world.look()
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.NOT_FOUND)
    assert await world.money() == BACK


async def test_a_look_that_is_never_answered_comes_back_when_its_lease_ends(world, provider):
    task = await a_running_task(world)
    claimed = await world.store.tasks.claim_due(NOW, LEASE, [TaskState.IN_PROGRESS], 10)
    assert [found.id for found in claimed] == [task.id]
    await world.look()
    assert provider.questions == []
    world.clock.advance(LEASE)
    await world.look()
    assert provider.questions == ["/v1/videos/text2video/kling-1"]


# -- deadlines and late videos -----------------------------------------------------------------------


async def test_a_deadline_gives_the_credits_back_but_only_after_one_more_look(world, provider):
    late, just_in_time = await a_running_task(world, 1), await a_running_task(world, 2)
    world.clock.advance(DEADLINE - NOW)
    provider.to_questions += [running("kling-1"), finished("kling-2")]
    for task in (late, just_in_time):
        await world.poll._look(world.pool.client("a"), task)
    after = await world.now(late)
    assert (after.state, after.failure) == (TaskState.EXPIRED, FailureKind.DEADLINE)
    assert after.due_at == DEADLINE + LATE_INTERVAL
    assert await kinds_waiting(world, late) == ["notice"]
    assert (await world.now(just_in_time)).state is TaskState.SUCCEEDED
    assert await world.money() == CHARGED


async def test_the_last_look_comes_no_later_than_the_deadline(world, provider):
    task = await a_running_task(world)
    world.clock.advance(DEADLINE - NOW - 2 * SECOND)
    await world.look()
    assert (await world.now(task)).due_at == DEADLINE


async def test_a_timeout_is_not_taken_for_a_failure_a_late_video_still_comes_and_is_free(world, provider):
    task = await a_running_task(world)
    world.clock.advance(DEADLINE - NOW)
    await world.look()
    assert await world.money() == BACK
    world.clock.advance(LATE_INTERVAL)
    await world.look()
    assert (await world.now(task)).due_at == world.clock.now() + LATE_INTERVAL
    world.clock.advance(LATE_INTERVAL)
    provider.to_questions.append(finished())
    await world.look()
    after = await world.now(task)
    assert (after.state, after.due_at, after.real_cost) == (TaskState.EXPIRED, None, "1.5")
    assert await kinds_waiting(world, task) == ["notice", "video"]
    assert await world.money() == BACK


async def test_a_late_failure_is_no_news_and_refunds_nothing_a_second_time(world, provider):
    task = await a_running_task(world)
    world.clock.advance(DEADLINE - NOW)
    await world.look()
    world.clock.advance(LATE_INTERVAL)
    provider.to_questions.append(failed("broken"))
    await world.look()
    assert (await world.now(task)).due_at is None
    assert await kinds_waiting(world, task) == ["notice"]
    assert await world.money() == BACK


async def test_after_a_day_a_late_video_is_no_longer_looked_for(world, provider):
    task = await a_running_task(world)
    world.clock.advance(DEADLINE - NOW)
    await world.look()
    world.clock.advance(LATE_LIMIT + HOUR)
    await world.look()
    assert (await world.now(task)).due_at is None
    asked = len(provider.questions)
    world.clock.advance(HOUR)
    await world.look()
    assert len(provider.questions) == asked


async def test_a_task_whose_provider_left_the_settings_ends_at_its_deadline(world):
    task = await a_running_task(world, provider="gone")
    await world.look()
    assert (await world.now(task)).state is TaskState.IN_PROGRESS
    world.clock.advance(DEADLINE - NOW)
    await world.look()
    assert (await world.now(task)).state is TaskState.EXPIRED
    assert await world.money() == BACK


async def test_a_callback_is_not_needed_to_find_the_end_of_a_task(world, provider):
    task = await stored(world.store)
    await world.send()
    provider.to_questions += [running(), running(), finished()]
    for _ in range(3):
        world.clock.advance(15 * SECOND)
        await world.look()
    assert (await world.now(task)).state is TaskState.SUCCEEDED
    assert "callback_url" not in provider.submissions[0]
