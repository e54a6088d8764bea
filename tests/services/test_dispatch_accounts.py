"""Sending: accounts that cannot be used, and the providers that take their place."""

import pytest

from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.units import ProviderName
from tests.builders import NOW, a_request, stored
from tests.services.world import BACK, HELD, refusal


@pytest.mark.parametrize(
    ("answer", "alert"),
    [
        (refusal(401, 1002, "Authorization is invalid"), "alert.provider.unauthorized"),
        (refusal(429, 1102, "Account balance not enough"), "alert.provider.balance"),
        (refusal(429, 1101, "Account in arrears"), "alert.provider.balance"),
    ],
)
async def test_an_account_that_cannot_be_used_is_told_of_once_and_rests(world, provider, answer, alert):
    provider.to_submissions += [answer, answer]
    first, second = await stored(world.store), await stored(world.store)
    await world.send()
    for task in (first, second):
        after = await world.now(task)
        assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNAVAILABLE)
        # People are not told of the operator's account.
        assert after.failure_detail is None
    assert await world.money() == BACK
    assert [key for key, _ in world.chat.alerts] == [alert]
    assert world.pool.closed_until(ProviderName("a")) > NOW
    waiting = await stored(world.store)
    await world.send()
    assert (await world.now(waiting)).state is TaskState.QUEUED
    assert len(provider.submissions) == 2


async def test_where_one_account_is_empty_another_provider_takes_the_task(two, provider, other):
    provider.to_submissions.append(refusal(429, 1102, "Account balance not enough"))
    task = await stored(two.store)
    await two.send()
    after = await two.now(task)
    assert (after.state, after.excluded, after.due_at) == (TaskState.QUEUED, ("a",), NOW)
    assert two.woken == ["dispatch"]
    await two.send()
    after = await two.now(task)
    assert (after.state, after.provider) == (TaskState.IN_PROGRESS, "b")
    assert (len(provider.submissions), len(other.submissions)) == (1, 1)
    assert await two.money() == HELD


async def test_where_one_provider_is_down_another_takes_the_task_at_once(two, provider, other):
    provider.to_submissions.append(refusal(503, 5001, "unavailable"))
    task = await stored(two.store)
    await two.send()
    await two.send()
    after = await two.now(task)
    assert (after.state, after.provider) == (TaskState.IN_PROGRESS, "b")
    assert two.chat.alerts == []


async def test_where_every_provider_refuses_its_key_the_credits_come_back(two, provider, other):
    for one in (provider, other):
        one.to_submissions.append(refusal(401, 1002, "Authorization is invalid"))
    task = await stored(two.store)
    await two.send()
    await two.send()
    after = await two.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNAVAILABLE)
    assert await two.money() == BACK
    assert [params["provider"] for _, params in two.chat.alerts] == ["a", "b"]


async def test_a_task_that_no_provider_can_take_any_more_gives_its_credits_back(world):
    task = await stored(world.store, request=a_request(model="kling-v1"))
    await world.send()
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNAVAILABLE)
    assert await world.money() == BACK
