"""What every engine promises of refunds: all of a task's together never exceed what it was charged."""

import asyncio

import pytest

from bot.domain.credits.quota import PoolUse
from bot.domain.tasks.task import LedgerKind, TaskState
from bot.domain.types import AccountId, ChatId, Credits, TaskId, UserId
from tests.builders import ADA, ADAS_ACCOUNT, GENEROUS, NOW, a_grant, a_task, an_origin, path_to, stored
from tests.store.steps import TODAY, step
from tests.stored import book

TEN = Credits(10)


async def refunds(store) -> list[int]:
    return [row.amount for row in await store.credits.list_ledger(ADA) if row.kind is LedgerKind.REFUND]


async def test_a_refund_gives_back_what_was_charged_and_can_be_spent(store):
    task = await stored(store, TaskState.SUCCEEDED)
    row = await store.credits.refund(task.id, None, "all", NOW, actor=UserId(7), note="lost")
    assert (row.amount, row.task_id, row.actor_id, row.note) == (10, task.id, 7, "lost")
    assert sum(lot.left for lot in await store.credits.list_lots(ADAS_ACCOUNT, NOW)) == 10


async def test_refunds_of_different_callers_never_exceed_the_charge(store):
    task = await stored(store, TaskState.SUCCEEDED)
    assert (await store.credits.refund(task.id, Credits(7), "0", NOW)).amount == 7
    assert (await store.credits.refund(task.id, TEN, "all", NOW)).amount == 3
    assert await store.credits.refund(task.id, None, "again", NOW) is None
    assert await refunds(store) == [3, 7]


async def test_refunds_at_the_same_moment_never_exceed_the_charge(store):
    task = await stored(store, TaskState.SUCCEEDED)
    rows = await asyncio.gather(
        *(store.credits.refund(task.id, Credits(4), str(key), NOW) for key in range(8))
    )
    assert sorted(row.amount for row in rows if row is not None) == [2, 4, 4]


async def test_the_same_refund_is_booked_once_and_answered_as_it_was_booked(store):
    task = await stored(store, TaskState.SUCCEEDED)
    first = await store.credits.refund(task.id, Credits(4), "0", NOW)
    assert await store.credits.refund(task.id, TEN, "0", NOW) == first
    assert await refunds(store) == [4]


@pytest.mark.parametrize("state", sorted(set(TaskState) - {TaskState.SUCCEEDED}))
async def test_what_was_not_charged_is_not_refunded(store, state):
    task = await stored(store, state)
    assert await store.credits.refund(task.id, TEN, "0", NOW) is None
    assert await store.credits.refund(TaskId("NOSUCH"), None, "0", NOW) is None


@pytest.mark.parametrize("amount", [0, -3])
async def test_a_refund_takes_nothing_away(store, amount):
    task = await stored(store, TaskState.SUCCEEDED)
    assert await store.credits.refund(task.id, Credits(amount), "0", NOW) is None


async def test_what_a_group_paid_goes_back_to_the_group(store):
    club = ChatId(-100)
    await book(store, a_grant(15, account=AccountId.read(club)))
    task = a_task(origin=an_origin(chat_id=club, is_private=False))
    task = await store.tasks.accept(task, (), GENEROUS, TODAY, None, PoolUse.FIRST)
    await step(store, task, *path_to(TaskState.SUCCEEDED))
    await store.credits.refund(task.id, None, "all", NOW)
    assert (
        sum(
            lot.left for lot in await store.credits.list_lots(await store.credits.get_pool_account(club), NOW)
        )
        == 15
    )
    assert await refunds(store) == []
