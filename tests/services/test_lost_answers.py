"""Answers that gateways lose: the task is found, or repeated where that is safe, or left to whom the operator chose.

Nothing is ever submitted twice, unless its owner asks for it.
"""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.schedule import ABSENCE_BELIEVED_AFTER, ABSENCE_PAUSE, SEARCHES
from bot.domain.tasks.task import FailureKind, Task, TaskState
from bot.errors import UserError
from bot.services.ports import Job
from tests.builders import ADA, XIAOLIN, stored
from tests.operations import a_request_for
from tests.world.services import BACK, HELD, POLICY, A, ServiceWorld, accepted, lost, says
from tests.world.telegram import BOSS

LISTING = [("generic", "sk-demo-generic"), ("omnimaas", "sk-demo-omnimaas"), ("prefixed", "sk-demo-prefixed")]


async def losing(
    world: ServiceWorld, dialect: str = "generic", key: str = "sk-demo-generic", settings: str = ""
) -> Task:
    """A task that the gateway has taken, and whose answer was lost."""
    await world.open(dialect=dialect, key=key, provider=settings)
    world.kling.behaviour.lose_next = 1
    task = await stored(world.store)
    await world.run(Job.DISPATCH)
    assert await world.state(task) is TaskState.UNCONFIRMED
    return task


def made(world: ServiceWorld) -> int:
    """How many tasks the gateway has made."""
    return len(world.kling.tasks)


# -- found -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "key"), LISTING)
async def test_a_task_that_a_gateway_tells_of_is_found_by_our_own_id(bare, dialect, key):
    task = await losing(bare, dialect, key)
    bare.kling.behaviour.lists_tasks = True
    await bare.run(Job.RECOVER)
    after = await bare.now(task)
    assert (after.state, made(bare)) == (TaskState.IN_PROGRESS, 1)
    assert after.provider_task_id in bare.kling.tasks
    assert await bare.money() == HELD
    assert bare.alerts == []


async def test_a_single_timeout_after_sending_is_no_refund(bare):
    await bare.open(dialect="generic", key="sk-demo-generic")
    bare.kling.behaviour.time_out_next, bare.kling.behaviour.lists_tasks = 1, True
    task = await stored(bare.store)
    await bare.run(Job.DISPATCH)
    await bare.run(Job.RECOVER)
    assert (await bare.state(task), made(bare)) == (TaskState.IN_PROGRESS, 1)


async def test_a_list_that_does_not_have_it_yet_is_looked_at_again_and_proves_nothing(bare):
    await bare.open(dialect="generic", key="sk-demo-generic")
    bare.to_kling.answer("submit", lost())
    bare.kling.behaviour.lists_tasks = True
    task = await stored(bare.store)
    await bare.run(Job.DISPATCH)
    await bare.run(Job.RECOVER)
    for _ in range(SEARCHES - 1):
        assert await bare.state(task) is TaskState.UNCONFIRMED
        await bare.run(Job.RECOVER, ABSENCE_PAUSE)
    after = await bare.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert len(bare.to_kling.of("submit")) == 1


async def test_a_gateway_that_cannot_say_now_is_asked_again_later(bare):
    task = await losing(bare)
    bare.kling.behaviour.lists_tasks = True
    bare.to_kling.answer("query", lost())
    await bare.run(Job.RECOVER)
    assert await bare.state(task) is TaskState.UNCONFIRMED
    await bare.run(Job.RECOVER, 60_000)
    assert (await bare.state(task), made(bare)) == (TaskState.IN_PROGRESS, 1)


async def test_where_a_key_makes_a_repetition_safe_it_is_repeated_and_made_once(bare):
    task = await losing(bare, settings="idempotency_key = true")
    bare.kling.behaviour.keeps_keys = True
    bare.kling.behaviour.lose_next = 1
    await bare.run(Job.RECOVER)
    assert await bare.state(task) is TaskState.UNCONFIRMED
    await bare.run(Job.RECOVER, 10_000)
    after = await bare.now(task)
    assert (after.state, made(bare)) == (TaskState.IN_PROGRESS, 1)
    assert after.provider_task_id in bare.kling.tasks
    assert len(bare.to_kling.of("submit")) == 3


# -- not found ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "key"), [*LISTING[:2], ("flat", "sk-demo-flat"), ("generic", "sk-demo-newapi")]
)
async def test_what_nobody_tells_of_is_refunded_at_once_and_its_cost_counted(bare, dialect, key):
    task = await losing(bare, dialect, key)
    await bare.run(Job.RECOVER)
    after = await bare.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert (await bare.money(), made(bare)) == (BACK, 1)
    assert bare.alerts == ["alert.task.unknown_outcome"]
    assert (await bare.services.providers.report(A, ask=False)).lost == (1, 1.0)


async def asking(world: ServiceWorld) -> Task:
    """A task in doubt: its owner is asked."""
    task = await losing(world, settings='lost_answers = "ask"')
    await world.run(Job.RECOVER)
    asked = await world.now(task)
    assert asked.is_in_doubt
    assert asked.answer_by == world.clock.now() + POLICY.answering
    assert await world.money() == HELD
    assert world.alerts == ["alert.task.in_doubt"]
    return asked


async def test_where_the_operator_says_so_the_owner_is_asked_and_nothing_is_sent_until_then(bare):
    task = await asking(bare)
    (shown,) = [call for call in bare.to_telegram.of("sendMessage") if call["chat_id"] == ADA]
    latest = [shown, *bare.to_telegram.of("editMessageText")][-1]
    labels = [button["text"] for row in latest["reply_markup"]["inline_keyboard"] for button in row]
    assert len(labels) == 2
    assert "10" in labels[0]
    for _ in range(3):
        await bare.run(Job.RECOVER, POLICY.answering // 5)
        await bare.run(Job.DISPATCH)
    assert made(bare) == 1
    assert (await bare.now(task)).is_in_doubt


async def test_trying_again_sends_it_once_more_for_the_same_credits_however_often_it_is_pressed(bare):
    task = await asking(bare)
    for _ in range(3):
        await bare.services.tasks.send_anew(ADA, task.id)
    await bare.run(Job.DISPATCH)
    after = await bare.now(task)
    assert (after.state, made(bare)) == (TaskState.IN_PROGRESS, 2)
    assert after.failure is None
    assert await bare.money() == HELD
    assert len({remote.order.external_id for remote in bare.kling.tasks.values()}) == 2


async def test_the_refund_is_taken_at_once_and_once(bare):
    task = await asking(bare)
    for _ in range(2):
        ended = await bare.services.tasks.give_up(ADA, task.id)
        assert (ended.state, ended.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert (await bare.money(), made(bare)) == (BACK, 1)
    with pytest.raises(UserError):
        await bare.services.tasks.send_anew(ADA, task.id)


async def test_an_owner_who_does_not_answer_is_refunded(bare):
    task = await asking(bare)
    await bare.run(Job.RECOVER, POLICY.answering)
    after = await bare.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert (await bare.money(), made(bare)) == (BACK, 1)


async def test_a_task_that_turns_up_while_its_owner_is_asked_goes_on(bare):
    task = await asking(bare)
    bare.kling.behaviour.lists_tasks = True
    await bare.services.tasks.poll_now(A, task.external_task_id, None)
    await bare.run(Job.RECOVER)
    after = await bare.now(task)
    assert (after.state, after.failure, made(bare)) == (TaskState.IN_PROGRESS, None, 1)


@pytest.mark.parametrize("action", ["send_anew", "give_up"])
async def test_only_its_owner_or_an_admin_decides(bare, action):
    task = await asking(bare)
    with pytest.raises(UserError):
        await getattr(bare.services.tasks, action)(XIAOLIN, task.id)
    await getattr(bare.services.tasks, action)(BOSS, task.id)
    assert not (await bare.now(task)).is_in_doubt


# -- tasks that bear no id of ours -------------------------------------------------------------------

FOURTH = {
    "dialect": "official",
    "key": "demo-api-key",
    "models": '["kling-4.0", "kling-v2-6"]',
}


def of_fourth(prompt: str = "a fox") -> GenerationRequest:
    return a_request_for("text2video", model="kling-4.0", prompt=prompt)


async def losing_one(world: ServiceWorld, **settings: str) -> Task:
    """A task of Kling 4.0 that was taken, and whose answer was lost."""
    await world.open(**FOURTH, **settings)
    world.kling.behaviour.lose_next = 1
    task = await stored(world.store, request=of_fourth())
    await world.run(Job.DISPATCH)
    assert await world.state(task) is TaskState.UNCONFIRMED
    return task


async def a_known_one(world: ServiceWorld) -> Task:
    """Another one whose answer came."""
    task = await stored(world.store, request=of_fourth("a hen"))
    await world.run(Job.DISPATCH)
    assert await world.state(task) is TaskState.IN_PROGRESS
    return task


async def test_a_task_without_an_id_of_ours_is_found_in_the_list_of_all(bare):
    task = await losing_one(bare)
    await bare.run(Job.RECOVER)
    after = await bare.now(task)
    assert (after.state, made(bare)) == (TaskState.IN_PROGRESS, 1)
    assert after.provider_task_id in bare.kling.tasks
    assert await bare.money() == HELD


async def test_a_list_of_several_pages_is_read_to_its_end(bare):
    task = await losing_one(bare)
    row = {"status": "submitted", "create_time": bare.clock.now(), "update_time": bare.clock.now()}
    pages = [
        {"result": [{"id": "1", "external_id": "another", **row}], "next_cursor": "a", "has_more": True},
        {"result": [{"id": "2", "external_id": "", **row}], "next_cursor": "b", "has_more": False},
    ]
    for page in pages:
        bare.to_kling.answer("list", says(page))
    await bare.run(Job.RECOVER)
    assert (await bare.now(task)).provider_task_id == "2"
    first, second = bare.to_kling.of("list")
    assert set(first) == {"start_time", "end_time", "limit"}
    assert second == {"cursor": "a", "limit": 500}


async def test_of_several_that_are_lost_at_once_each_is_found(bare):
    """Different prompts, within seconds: the list tells neither prompt nor model, so that one waits for the other."""
    await bare.open(**FOURTH)
    bare.kling.behaviour.lose_next = 3
    prompts = ("a fox", "a hen", "a dog")
    tasks = [await stored(bare.store, request=of_fourth(prompt)) for prompt in prompts]
    for _ in tasks:
        await bare.run(Job.DISPATCH)
        await bare.run(Job.RECOVER)
    found = [await bare.now(task) for task in tasks]
    assert [task.provider_task_id for task in found] == list(bare.kling.tasks)
    for task in found:
        assert bare.kling.tasks[task.provider_task_id or ""].order.prompt == task.request.prompt
    assert "alert.task.unknown_outcome" not in bare.alerts


async def test_one_is_sent_at_a_time_and_none_while_the_answer_to_another_is_unknown(bare):
    await bare.open(**FOURTH)
    bare.kling.behaviour.vanish_next = 1
    first, second = [await stored(bare.store, request=of_fourth(prompt)) for prompt in ("a fox", "a hen")]
    other = await stored(bare.store, request=a_request_for("text2video"))
    for _ in range(3):
        await bare.run(Job.DISPATCH)
    states = [await bare.state(task) for task in (first, second, other)]
    # What bears an id of ours waits for nobody.
    assert states == [TaskState.UNCONFIRMED, TaskState.QUEUED, TaskState.IN_PROGRESS]
    for _ in range(ABSENCE_BELIEVED_AFTER // ABSENCE_PAUSE + 1):
        await bare.run(Job.RECOVER, ABSENCE_PAUSE)
    await bare.run(Job.DISPATCH)
    assert (await bare.now(first)).failure is FailureKind.UNKNOWN_OUTCOME
    assert (await bare.state(second), made(bare)) == (TaskState.IN_PROGRESS, 2)


async def test_two_are_sent_one_after_the_other_with_the_answer_between_them(bare):
    await bare.open(**FOURTH)
    tasks = [await stored(bare.store, request=of_fourth(prompt)) for prompt in ("a fox", "a hen")]
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Response:
        arrived.set()
        await may_answer.wait()
        return accepted("831")

    bare.to_kling.answer("submit", slow)
    await bare.begin(Job.DISPATCH)
    await asyncio.wait_for(arrived.wait(), 5)
    await bare.begin(Job.DISPATCH)
    assert [await bare.state(task) for task in tasks] == [TaskState.SUBMITTING, TaskState.QUEUED]
    may_answer.set()
    await bare.drain()
    await bare.run(Job.DISPATCH)
    assert {await bare.state(task) for task in tasks} == {TaskState.IN_PROGRESS}


async def test_whose_owner_is_asked_holds_nobody_up(bare):
    await bare.open(**FOURTH, provider='lost_answers = "ask"')
    bare.kling.behaviour.vanish_next = 1
    first = await stored(bare.store, request=of_fourth())
    await bare.run(Job.DISPATCH)
    for _ in range(ABSENCE_BELIEVED_AFTER // ABSENCE_PAUSE + 1):
        await bare.run(Job.RECOVER, ABSENCE_PAUSE)
    assert (await bare.now(first)).is_in_doubt
    second = await stored(bare.store, request=of_fourth("a hen"))
    await bare.run(Job.DISPATCH)
    assert await bare.state(second) is TaskState.IN_PROGRESS


async def test_what_may_be_of_one_that_was_given_up_is_not_taken_for_another(bare):
    first = await losing_one(bare)
    bare.to_kling.always("list", says({"result": [], "next_cursor": "", "has_more": False}))
    for _ in range(ABSENCE_BELIEVED_AFTER // ABSENCE_PAUSE + 1):
        await bare.run(Job.RECOVER, ABSENCE_PAUSE)
    assert await bare.state(first) is TaskState.FAILED
    bare.to_kling.forget("list")
    bare.kling.behaviour.vanish_next = 1
    second = await stored(bare.store, request=of_fourth("a hen"))
    for _ in range(40):
        await bare.run(Job.DISPATCH)
        await bare.run(Job.RECOVER, ABSENCE_PAUSE)
    assert {await bare.state(task) for task in (first, second)} == {TaskState.FAILED}
    assert made(bare) == 1


async def test_what_the_list_surely_does_not_hold_is_sent_again_after_a_while_and_made_once(bare):
    await bare.open(**FOURTH)
    await a_known_one(bare)
    bare.kling.behaviour.vanish_next = 1
    task = await stored(bare.store, request=of_fourth())
    await bare.run(Job.DISPATCH)
    await bare.run(Job.RECOVER)
    for _ in range(ABSENCE_BELIEVED_AFTER // ABSENCE_PAUSE):
        assert await bare.state(task) is TaskState.UNCONFIRMED
        await bare.run(Job.RECOVER, ABSENCE_PAUSE)
    await bare.run(Job.DISPATCH)
    assert (await bare.state(task), made(bare)) == (TaskState.IN_PROGRESS, 2)


async def test_a_list_without_any_such_task_proves_nothing_and_the_credits_go_back(bare):
    await bare.open(**FOURTH)
    bare.kling.behaviour.vanish_next = 1
    task = await stored(bare.store, request=of_fourth())
    await bare.run(Job.DISPATCH)
    for _ in range(ABSENCE_BELIEVED_AFTER // ABSENCE_PAUSE + 1):
        await bare.run(Job.RECOVER, ABSENCE_PAUSE)
    await bare.run(Job.DISPATCH)
    after = await bare.now(task)
    assert (after.state, after.failure, made(bare)) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME, 0)
    assert await bare.money() == BACK


async def test_where_the_operator_asks_first_a_task_that_turns_up_late_is_still_found(bare):
    await bare.open(**FOURTH, provider='lost_answers = "ask"')
    bare.kling.behaviour.lose_next = 1
    task = await stored(bare.store, request=of_fourth())
    await bare.run(Job.DISPATCH)
    nothing = says({"result": [], "next_cursor": "", "has_more": False})
    bare.to_kling.always("list", nothing)
    for _ in range(ABSENCE_BELIEVED_AFTER // ABSENCE_PAUSE + 1):
        await bare.run(Job.RECOVER, ABSENCE_PAUSE)
    assert (await bare.now(task)).is_in_doubt
    bare.to_kling.forget("list")
    await bare.run(Job.RECOVER, POLICY.answering)
    assert (await bare.state(task), made(bare)) == (TaskState.IN_PROGRESS, 1)
