"""A callback is a reason to look now: what it says is not believed, and however many come, little happens."""

import asyncio

from starlette.responses import Response

from bot.domain.tasks.lifecycle import AnswerLost, Claimed, transition
from bot.domain.tasks.task import Task, TaskState
from bot.domain.units import MINUTE, SECOND, Millis, ProviderName
from bot.kling.callback import Hint
from tests.builders import LEASE, NOW, stored
from tests.services.test_poll import a_running_task
from tests.services.world import World, finished, running

A = ProviderName("a")


async def a_task_in_no_hurry(world: World) -> Task:
    """A running task that was just looked at."""
    task = await a_running_task(world)
    await world.look()
    world.woken.clear()
    return await world.now(task)


async def an_unconfirmed_task(world: World, look_at: int, absences: int = 0) -> Task:
    task = await stored(world.store)
    for event in (Claimed(A, Millis(NOW + LEASE)), AnswerLost(Millis(look_at), absences)):
        task = await world.store.tasks.apply(transition(task, event, NOW), NOW)
    return task


async def test_a_hint_causes_a_look_at_once_and_the_look_decides(world, provider):
    task = await a_task_in_no_hurry(world)
    provider.to_questions.append(finished("kling-1"))
    await world.poll.hint(A, Hint(task.external_task_id, "kling-1"))
    assert world.woken == ["poll"]
    assert (await world.now(task)).state is TaskState.IN_PROGRESS
    await world.look()
    assert (await world.now(task)).state is TaskState.SUCCEEDED


async def test_a_hint_about_nobodys_task_wakes_nobody(world):
    await a_task_in_no_hurry(world)
    await world.poll.hint(A, Hint("not-ours", "not-known"))
    assert world.woken == []


async def test_a_hint_about_a_task_at_its_end_wakes_nobody(world, provider):
    task = await a_running_task(world)
    provider.to_questions.append(finished("kling-1"))
    await world.look()
    world.woken.clear()
    await world.poll.hint(A, Hint(task.external_task_id, "kling-1"))
    assert world.woken == []


async def test_a_hundred_hints_cause_one_look_a_second(world, provider):
    task = await a_task_in_no_hurry(world)
    before = len(provider.questions)
    for _ in range(100):
        await world.poll.hint(A, Hint(task.external_task_id, None))
        await world.look()
    assert len(provider.questions) == before + 1
    world.clock.advance(SECOND)
    await world.poll.hint(A, Hint(task.external_task_id, None))
    await world.look()
    assert len(provider.questions) == before + 2


async def test_a_hint_is_no_proof_that_a_submission_arrived(world):
    task = await an_unconfirmed_task(world, NOW + MINUTE)
    await world.poll.hint(A, Hint(task.external_task_id, "kling-1"))
    after = await world.now(task)
    assert (after.state, after.provider_task_id) == (TaskState.UNCONFIRMED, None)


async def test_a_hint_about_a_lost_answer_has_it_looked_up_at_once(world, provider):
    task = await an_unconfirmed_task(world, NOW + MINUTE)
    provider.to_questions.append(running("kling-by-its-own-word"))
    await world.poll.hint(A, Hint(task.external_task_id, "kling-1"))
    assert world.woken == ["recover"]
    await world.settle()
    after = await world.now(task)
    assert (after.state, after.provider_task_id) == (TaskState.IN_PROGRESS, "kling-by-its-own-word")


async def test_a_hint_between_two_absences_does_not_hasten_the_second(world):
    task = await an_unconfirmed_task(world, NOW + 10 * SECOND, absences=1)
    await world.poll.hint(A, Hint(task.external_task_id, None))
    assert world.woken == []


async def test_of_two_looks_at_once_the_one_that_saw_the_end_is_not_lost(world, provider):
    """The answer that was true a moment ago comes last: the task is looked at once more."""
    task = await a_running_task(world)
    asked, answer = asyncio.Event(), asyncio.Event()

    async def held_back(_) -> Response:
        asked.set()
        await answer.wait()
        return finished("kling-1")

    provider.to_questions += [held_back, running("kling-1"), finished("kling-1")]
    slow = asyncio.create_task(world.poll._look(world.pool.client("a"), task))
    await asked.wait()
    await world.look()
    world.clock.advance(SECOND)
    answer.set()
    await slow
    assert (await world.now(task)).state is TaskState.IN_PROGRESS
    assert world.woken == ["poll"]
    await world.look()
    assert (await world.now(task)).state is TaskState.SUCCEEDED


async def test_a_submission_names_the_providers_callback_address_where_there_is_one(world, provider):
    urls = {A: "https://bot.example.org/callback/a/word"}
    world.tell_callbacks(urls)
    await stored(world.store)
    await world.send()
    assert provider.submissions[0]["callback_url"] == urls[A]


async def test_without_a_public_address_no_callback_is_asked_for(world, provider):
    await stored(world.store)
    await world.send()
    assert "callback_url" not in provider.submissions[0]
