"""What only the operator can mend keeps nobody waiting in line: it ends with a refund and the reason."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.task import FailureKind, Task, TaskState
from bot.domain.types import HOUR, MINUTE, Millis, UserId
from bot.services.ports import Job
from tests.builders import a_request, stored
from tests.world.services import BACK, A, ServiceWorld, accepted, accepting, refusal
from tests.world.telegram import BOSS

NO_UNITS = refusal(429, 1102, "Account balance not enough")
ARREARS = refusal(429, 1101, "Account in arrears")
NOT_ENABLED = refusal(403, 1103, "Unauthorized access to requested resource")
NO_MODEL = refusal(404, 1203, "The requested resource does not exist, such as the model")
BAD_KEY = refusal(401, 1002, "Authorization is invalid")
MODELS = '["kling-v2-6", "kling-v3"]'


async def waiting(world: ServiceWorld, request: GenerationRequest | None = None, user: int = 1001) -> Task:
    """A task in line, for long enough."""
    deadline = Millis(world.clock.now() + 2 * HOUR)
    return await stored(world.store, user_id=UserId(user), request=request, deadline_at=deadline)


async def a_line(world: ServiceWorld, number: int = 3) -> list[Task]:
    """Tasks of different people, of which one runs at a time."""
    await world.open(models=MODELS, provider="max_concurrent = 1")
    return [await waiting(world, user=1001 + each) for each in range(number)]


@pytest.mark.parametrize(
    ("answer", "failure", "alert"),
    [
        (NO_UNITS, FailureKind.NO_UNITS, "alert.provider.pack_video"),
        (ARREARS, FailureKind.NO_UNITS, "alert.provider.balance"),
        (NOT_ENABLED, FailureKind.NOT_OFFERED, "alert.provider.not_enabled"),
        (NO_MODEL, FailureKind.NOT_OFFERED, "alert.provider.no_such_model"),
    ],
)
async def test_who_waits_is_refunded_with_the_reason_and_the_provider_is_not_asked_for_each(
    bare, answer, failure, alert
):
    tasks = await a_line(bare)
    bare.to_kling.always("submit", answer)
    for _ in range(2):
        await bare.run(Job.DISPATCH)
    ended = [await bare.now(task) for task in tasks]
    assert {(task.state, task.failure) for task in ended} == {(TaskState.FAILED, failure)}
    assert await bare.money() == BACK
    assert [await bare.waiting(task) for task in tasks] == [["notice"]] * 3
    assert len(bare.to_kling.of("submit")) == 1
    assert bare.alerts == [alert]


async def test_what_another_product_or_model_takes_goes_on(bare):
    await bare.open(models=MODELS)
    image = await waiting(bare, a_request(operation="image", model="kling-v2-1", duration=0))
    bare.to_kling.answer("submit", NO_UNITS)
    bare.to_kling.always("submit", accepting())
    await bare.run(Job.DISPATCH)
    video = await waiting(bare)
    await bare.run(Job.DISPATCH)
    assert (await bare.now(image)).failure is FailureKind.NO_UNITS
    assert await bare.state(video) is TaskState.IN_PROGRESS


async def test_who_can_be_served_elsewhere_is(bare):
    await bare.open(second=True, provider="max_concurrent = 1")
    tasks = [await waiting(bare, user=1001 + each) for each in range(2)]
    bare.to_kling.always("submit", NO_UNITS)
    bare.to_second.always("submit", accepting())
    for _ in range(3):
        await bare.run(Job.DISPATCH)
    assert {await bare.state(task) for task in tasks} == {TaskState.IN_PROGRESS}


async def test_while_one_tries_whether_there_are_units_again_the_others_wait_for_it(bare):
    (first,) = await a_line(bare, 1)
    bare.to_kling.answer("submit", NO_UNITS)
    await bare.run(Job.DISPATCH)
    assert await bare.state(first) is TaskState.FAILED
    bare.clock.advance(10 * MINUTE)
    tasks = [await waiting(bare, user=user) for user in (1002, 1003)]
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Response:
        arrived.set()
        await may_answer.wait()
        return accepted()

    bare.to_kling.always("submit", slow)
    await bare.begin(Job.DISPATCH)
    await asyncio.wait_for(arrived.wait(), 5)
    await bare.begin(Job.DISPATCH)
    assert {await bare.state(task) for task in tasks} == {TaskState.SUBMITTING, TaskState.QUEUED}
    may_answer.set()
    await bare.drain()
    assert {await bare.state(task) for task in tasks} == {TaskState.IN_PROGRESS, TaskState.QUEUED}


async def test_a_key_that_is_refused_is_waited_for_as_before(bare):
    """The operator mends it in the settings, and what waits goes on with the next start."""
    tasks = await a_line(bare, 2)
    bare.to_kling.answer("submit", BAD_KEY, accepted())
    for _ in range(2):
        await bare.run(Job.DISPATCH)
    ended, other = [await bare.now(task) for task in tasks]
    assert (ended.failure, other.state) == (FailureKind.UNAVAILABLE, TaskState.QUEUED)


async def test_an_admin_who_pauses_the_provider_keeps_the_line(bare):
    (first,) = await a_line(bare, 1)
    bare.to_kling.answer("submit", NO_UNITS)
    await bare.run(Job.DISPATCH)
    await bare.services.providers.pause(A, BOSS, "update:pause")
    other = await waiting(bare, user=1002)
    await bare.run(Job.DISPATCH)
    assert await bare.state(other) is TaskState.QUEUED
    await bare.services.providers.resume(A, BOSS, "update:resume")
    bare.to_kling.answer("submit", accepted())
    await bare.run(Job.DISPATCH)
    assert [await bare.state(task) for task in (first, other)] == [TaskState.FAILED, TaskState.IN_PROGRESS]
