"""What every engine promises of groups: the budget of a day, and the credits that a group has of its own."""

import asyncio

import pytest

from bot.domain.credits.quota import Plan, PoolUse
from bot.domain.tasks.lifecycle import CancelRequested
from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import DAY, AccountId, ChatId, Credits
from bot.errors import UserError
from bot.store import Spender
from tests.builders import ADA, GENEROUS, GRANTED_ONLY, NOW, XIAOLIN, a_grant, a_task, an_origin, stored
from tests.store.steps import TODAY, after, step
from tests.stored import book

GROUP = ChatId(-100)


def wish(**changes):
    return a_task(**{"chat_id": GROUP, "price": Credits(10)} | changes)


async def test_a_group_spends_its_budget_together_and_never_more(store):
    wishes = [wish(), wish(user_id=XIAOLIN), *(wish() for _ in range(20))]
    answers = await asyncio.gather(
        *(store.tasks.accept(task, (), GENEROUS, TODAY, 55) for task in wishes), return_exceptions=True
    )
    refusals = [answer for answer in answers if isinstance(answer, UserError)]
    assert len(answers) - len(refusals) == 5
    assert refusals[0].params == {"price": 10, "available": 5, "resets_at": TODAY.day_end}
    assert await store.credits.sum_spent_in_chat(GROUP, TODAY.day_start) == 50


async def test_what_came_to_nothing_is_not_counted(store):
    for state in (TaskState.FAILED, TaskState.CANCELLED, TaskState.EXPIRED):
        await stored(store, state, chat_id=GROUP)
    for state in (TaskState.QUEUED, TaskState.IN_PROGRESS, TaskState.SUCCEEDED):
        await stored(store, state, chat_id=GROUP)
    assert await store.credits.sum_spent_in_chat(GROUP, TODAY.day_start) == 30


async def test_other_chats_and_other_days_have_a_budget_of_their_own(store):
    await stored(store, chat_id=GROUP, created_at=after(-DAY))
    await stored(store, chat_id=ChatId(-200))
    assert await store.credits.sum_spent_in_chat(GROUP, TODAY.day_start) == 0
    await store.tasks.accept(wish(), (), GENEROUS, TODAY, 10)


async def test_a_refused_wish_leaves_no_trace(store):
    with pytest.raises(UserError):
        await store.tasks.accept(wish(), (), GENEROUS, TODAY, 9)
    assert await store.tasks.list_in([TaskState.QUEUED]) == []
    assert await store.credits.sum_spent_in_chat(GROUP, NOW) == 0


async def test_without_a_budget_a_group_may_spend_what_its_people_may(store):
    await store.tasks.accept(wish(price=Credits(900_000)), (), GENEROUS, TODAY)
    assert await store.credits.sum_spent_in_chat(GROUP, NOW) == 900_000


POOL = AccountId.read(GROUP)


def asked_in_club(**changes) -> Task:
    return a_task(origin=an_origin(chat_id=GROUP, is_private=False), **changes)


async def accept(store, task, plan=GENEROUS, pool=PoolUse.FIRST) -> Task:
    return await store.tasks.accept(task, (), plan, TODAY, None, pool)


async def left_in_pool(store) -> int:
    return sum(
        lot.left for lot in await store.credits.list_lots(await store.credits.get_pool_account(GROUP), NOW)
    )


async def test_the_pool_pays_before_the_person(store):
    await book(store, a_grant(15, account=POOL))
    await accept(store, asked_in_club())
    assert (await left_in_pool(store), (await store.credits.get_usage(ADA, TODAY)).day_spent) == (5, 0)


async def test_where_the_pool_has_too_little_the_person_pays_the_whole(store):
    await book(store, a_grant(5, account=POOL))
    await accept(store, asked_in_club())
    assert (await left_in_pool(store), (await store.credits.get_usage(ADA, TODAY)).day_spent) == (5, 10)


async def test_where_only_the_pool_pays_too_little_is_refused(store):
    await book(store, a_grant(5, account=POOL))
    with pytest.raises(UserError) as raised:
        await accept(store, asked_in_club(), pool=PoolUse.ONLY)
    assert (raised.value.key, raised.value.params["available"]) == ("error.group.pool", 5)


async def test_where_pools_are_off_the_person_pays(store):
    await book(store, a_grant(50, account=POOL))
    await accept(store, asked_in_club(), pool=PoolUse.OFF)
    assert (await left_in_pool(store), (await store.credits.get_usage(ADA, TODAY)).day_spent) == (50, 10)


async def test_what_fails_goes_back_to_the_pool(store):
    await book(store, a_grant(15, account=POOL))
    await step(store, await accept(store, asked_in_club()), CancelRequested())
    assert await left_in_pool(store) == 15


async def test_a_pool_lets_nobody_run_more_at_a_time_than_their_plan(store):
    await book(store, a_grant(100, account=POOL))
    plan = Plan(name="one", max_running=1, max_waiting=0)
    await accept(store, asked_in_club(), plan)
    with pytest.raises(UserError) as raised:
        await accept(store, asked_in_club(), plan)
    assert raised.value.key == "error.quota.line_full"


async def test_a_pool_stays_the_groups_when_the_chat_gets_other_ids(store):
    await book(store, a_grant(15, account=POOL))
    task = await accept(store, asked_in_club())
    for old, new in ((GROUP, ChatId(-200)), (ChatId(-200), ChatId(-300))):
        await store.chats.move(old, new, NOW)
    assert await store.credits.get_pool_account(ChatId(-300)) == POOL
    await step(store, await store.tasks.get(task.id), CancelRequested())
    assert await left_in_pool(store) == 15


async def test_of_two_groups_that_become_one_the_last_one_brings_its_pool(store):
    for number, group in enumerate((POOL, AccountId.read(-500)), 1):
        await book(store, a_grant(number, account=group))
        for _ in range(2):
            await store.chats.move(ChatId(group.number), ChatId(-900), NOW)
    assert await store.credits.get_pool_account(ChatId(-900)) == AccountId.read(-500)


async def test_who_spent_how_much_of_a_pool_is_known(store):
    for person, name in ((ADA, "Ada"), (XIAOLIN, "小林")):
        await store.people.save_user(person, name, None, "en", NOW)
    await book(store, a_grant(100, account=POOL))
    for person in (ADA, ADA, XIAOLIN):
        await accept(store, asked_in_club(user_id=person))
    await step(store, await accept(store, asked_in_club(user_id=XIAOLIN)), CancelRequested())
    spenders = await store.credits.list_pool_spenders(POOL, TODAY.month_start, 5)
    assert spenders == [Spender("Ada", Credits(20)), Spender("小林", Credits(10))]


async def test_of_many_at_once_the_last_credits_of_a_pool_pay_for_one(store):
    await book(store, a_grant(10, account=POOL))
    answers = await asyncio.gather(
        *(accept(store, asked_in_club(), GRANTED_ONLY) for _ in range(200)), return_exceptions=True
    )
    assert sum(isinstance(answer, Task) for answer in answers) == 1
    assert await left_in_pool(store) == 0
