"""Several results of one request: kept and held together, settled one by one, delivered when all have ended."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.credits.quota import Plan
from bot.domain.requests.operations import Product
from bot.domain.tasks.lifecycle import CancelRequested, DeadlinePassed, Finished, transition
from bot.domain.tasks.task import LedgerKind, Task, TaskState
from bot.domain.types import Credits, Millis
from bot.errors import UserError
from bot.store import Store, TaskIdTaken
from tests.builders import ADA, GENEROUS, NOW, a_grant, a_task, a_video, a_window, path_to
from tests.stored import book, sum_ledger

TODAY = a_window()
LATER = Millis(NOW + 900_000)


def a_batch(number: int = 3, *, price: int = 10, update_id: int | None = None) -> list[Task]:
    first = a_task(price=Credits(price), update_id=update_id)
    rest = [a_task(price=Credits(price)) for _ in range(number - 1)]
    return [replace(task, batch_id=first.id) for task in (first, *rest)]


async def accept(store: Store, batch: list[Task], plan: Plan = GENEROUS) -> Task:
    return await store.tasks.accept(batch[0], (), plan, TODAY, rest=batch[1:])


async def lead(store: Store, task: Task, state: TaskState) -> Task:
    for event in path_to(state):
        task = await store.tasks.apply(transition(task, event, NOW), NOW)
    return task


async def claimed(store: Store) -> list[tuple[str, Product | None]]:
    rows = await store.outbox.claim(LATER, Millis(1), 100)
    return [(row.task.id, row.kind) for row in rows]


async def test_every_task_of_a_batch_has_its_hold(store):
    batch = a_batch(update_id=7)
    accepted = await accept(store, batch)
    assert await store.tasks.list_batch(accepted) == batch
    assert await sum_ledger(store) == {LedgerKind.HOLD: (3, -30)}


async def test_a_batch_that_comes_again_is_kept_once(store):
    await accept(store, a_batch(update_id=7))
    answers = await asyncio.gather(*(accept(store, a_batch(update_id=7)) for _ in range(20)))
    assert len({task.id for task in answers}) == 1
    assert await sum_ledger(store) == {LedgerKind.HOLD: (3, -30)}


async def test_credits_for_two_of_three_hold_none(store):
    with pytest.raises(UserError, match=r"error\.quota\.credits") as refused:
        await accept(store, a_batch(), Plan(name="small", daily_credits=29, max_running=9))
    assert (refused.value.params["price"], refused.value.params["available"]) == (30, 29)
    assert await sum_ledger(store) == {}


async def test_a_batch_counts_as_so_many_running_tasks(store):
    with pytest.raises(UserError, match=r"error\.quota\.line_full"):
        await accept(store, a_batch(), Plan(name="two", daily_credits=900, max_running=1, max_waiting=1))
    await accept(store, a_batch(2), Plan(name="two", daily_credits=900, max_running=1, max_waiting=1))


async def test_the_allowance_bears_the_first_of_a_batch(store):
    await book(store, a_grant(15))
    await accept(store, a_batch(), Plan(name="small", daily_credits=15, max_running=9))
    rows = await store.credits.list_ledger(ADA)
    assert [row.allowance for row in rows if row.kind is LedgerKind.HOLD] == [0, -5, -10]


async def test_a_taken_id_within_a_batch_keeps_nothing(store):
    known = await store.tasks.accept(a_task(), (), GENEROUS, TODAY)
    batch = a_batch()
    with pytest.raises(TaskIdTaken):
        await accept(store, [*batch[:2], replace(batch[2], id=known.id)])
    assert await sum_ledger(store) == {LedgerKind.HOLD: (1, -10)}


async def test_results_wait_for_the_last_of_their_batch(store):
    first, second, third = await accepted(store)
    await lead(store, first, TaskState.SUCCEEDED)
    await lead(store, second, TaskState.SUCCEEDED)
    assert await claimed(store) == []
    await lead(store, third, TaskState.SUCCEEDED)
    assert await claimed(store) == [(task.id, Product.VIDEO) for task in (first, second, third)]
    assert (await sum_ledger(store))[LedgerKind.CHARGE] == (3, 0)


async def test_one_notice_tells_of_all_that_was_not_made(store):
    first, second, third = await accepted(store)
    await store.tasks.apply(transition(first, CancelRequested(), NOW), NOW)
    await lead(store, second, TaskState.FAILED)
    assert await claimed(store) == []
    await lead(store, third, TaskState.SUCCEEDED)
    assert sorted(await claimed(store)) == sorted([(third.id, Product.VIDEO), (second.id, None)])
    assert (await sum_ledger(store))[LedgerKind.RELEASE] == (2, 20)


async def test_a_late_video_comes_after_its_batch_or_with_it(store):
    first, second = await accepted(store, 2)
    first = await lead(store, first, TaskState.EXPIRED)
    await store.tasks.apply(transition(first, Finished((a_video(),)), NOW), NOW)
    assert await claimed(store) == []
    second = await lead(store, second, TaskState.IN_PROGRESS)
    second = await store.tasks.apply(transition(second, DeadlinePassed(LATER), NOW), NOW)
    assert await claimed(store) == [(first.id, Product.VIDEO), (first.id, None)]
    await store.tasks.apply(transition(second, Finished((a_video(),)), LATER), LATER)
    assert (second.id, Product.VIDEO) in await claimed(store)


async def test_a_batch_has_one_status_message_until_all_have_ended(store):
    first, second = await accepted(store, 2)
    await store.tasks.set_status_message(second.id, 55)
    assert {task.status_message_id for task in await store.tasks.list_batch(first)} == {55}
    await lead(store, first, TaskState.CANCELLED)
    assert await store.tasks.list_ended_with_status(9) == []


async def accepted(store: Store, number: int = 3) -> list[Task]:
    return await store.tasks.list_batch(await accept(store, a_batch(number)))
