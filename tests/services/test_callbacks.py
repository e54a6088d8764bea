"""A callback is a reason to look now: what it says is not believed, and however many come, little happens."""

import httpx
import pytest

from bot.domain.tasks.lifecycle import AnswerLost, Claimed, transition
from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import HOUR, MINUTE, SECOND, Millis
from bot.kling.callback import path_secret
from bot.services.ports import Job
from tests.builders import LEASE, NOW, stored
from tests.world.proxy import bot_address
from tests.world.services import A, ServiceWorld, finished, running
from tests.world.telegram import TOKEN


@pytest.fixture
async def world(bare) -> ServiceWorld:
    """The bot with a web server of its own."""
    await bare.open(extra='[web]\nlisten = "127.0.0.1:0"\npublic_url = "https://bot.example.org"\n')
    return bare


async def call_back(world: ServiceWorld, external_id: str, task_id: str = "") -> None:
    """What Kling sends when something has happened to a task."""
    body = {"task_id": task_id, "task_status": "succeed", "task_info": {"external_task_id": external_id}}
    async with httpx.AsyncClient(trust_env=False) as http:
        address = f"{bot_address(world)}/callback/{A}/{path_secret(TOKEN, A)}"
        assert (await http.post(address, json=body)).status_code == 200


async def a_task_in_no_hurry(world: ServiceWorld) -> Task:
    """A running task that was just looked at."""
    task = await world.a_running_task()
    await world.run(Job.POLL)
    world.woken.clear()
    return await world.now(task)


async def an_unconfirmed_task(world: ServiceWorld, poll_at: int, absences: int = 0) -> Task:
    task = await stored(world.store)
    for event in (Claimed(A, Millis(NOW + LEASE), Millis(NOW + HOUR)), AnswerLost(Millis(poll_at), absences)):
        task = await world.store.tasks.apply(transition(task, event, NOW), NOW)
    return task


async def test_a_callback_causes_a_look_at_once_and_the_look_decides(world):
    task = await a_task_in_no_hurry(world)
    await call_back(world, task.external_task_id, "kling-1")
    assert world.woken == {Job.POLL}
    assert await world.state(task) is TaskState.IN_PROGRESS
    world.to_kling.answer("query", finished("kling-1"))
    await world.run(Job.POLL)
    assert await world.state(task) is TaskState.SUCCEEDED
    world.woken.clear()
    # The task is at its end.
    await call_back(world, task.external_task_id, "kling-1")
    await call_back(world, "nobody's")
    assert world.woken == set()


async def test_many_callbacks_cause_one_look_a_second(world):
    task = await a_task_in_no_hurry(world)
    before = len(world.to_kling.calls)
    for _ in range(20):
        await call_back(world, task.external_task_id)
        await world.run(Job.POLL)
    assert len(world.to_kling.calls) == before + 1
    world.clock.advance(SECOND)
    await call_back(world, task.external_task_id)
    await world.run(Job.POLL)
    assert len(world.to_kling.calls) == before + 2


async def test_a_callback_about_a_lost_answer_is_no_proof_but_has_it_looked_up_at_once(world):
    task = await an_unconfirmed_task(world, NOW + MINUTE)
    await call_back(world, task.external_task_id, "kling-1")
    after = await world.now(task)
    assert (after.state, after.provider_task_id) == (TaskState.UNCONFIRMED, None)
    assert world.woken == {Job.RECOVER}
    world.to_kling.answer("query", running("kling-by-its-own-word"))
    await world.run(Job.RECOVER)
    after = await world.now(task)
    assert (after.state, after.provider_task_id) == (TaskState.IN_PROGRESS, "kling-by-its-own-word")


async def test_a_callback_between_two_absences_does_not_hasten_the_second(world):
    task = await an_unconfirmed_task(world, NOW + 10 * SECOND, absences=1)
    await call_back(world, task.external_task_id)
    assert world.woken == set()
