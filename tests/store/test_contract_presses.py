"""A button that is pressed again asks for one task: a double tap, and a tap on what is still to be made."""

import asyncio
from dataclasses import replace

from bot.domain.tasks.lifecycle import CancelRequested
from bot.domain.tasks.task import LedgerKind, Task, TaskState
from bot.domain.types import Credits, Millis
from bot.store import Store
from bot.store.tasks import PRESS_WINDOW
from tests.builders import ADA, GENEROUS, NOW, a_task, a_window
from tests.store.steps import step
from tests.stored import sum_ledger

TODAY = a_window()


def pressed(update_id: int, button: str = "again", created_at: Millis = NOW) -> Task:
    task = a_task(update_id=update_id, price=Credits(45), created_at=created_at)
    return replace(task, origin=replace(task.origin, press=button))


async def accept(store: Store, task: Task) -> Task:
    return await store.tasks.accept(task, (), GENEROUS, TODAY)


async def test_simultaneous_presses_of_one_button_hold_once(store):
    answers = await asyncio.gather(*(accept(store, pressed(number)) for number in range(20)))
    assert len({task.id for task in answers}) == 1
    assert await sum_ledger(store) == {LedgerKind.HOLD: (1, -45)}


async def test_other_buttons_and_later_presses_ask_for_more(store):
    first = await accept(store, pressed(1))
    other = await accept(store, pressed(2, "extend"))
    same = await accept(store, pressed(3, created_at=Millis(NOW + PRESS_WINDOW - 1)))
    later = await accept(store, pressed(4, created_at=Millis(NOW + PRESS_WINDOW)))
    assert same.id == first.id
    assert len({first.id, other.id, later.id}) == 3


async def test_a_press_after_a_cancelled_task_asks_for_a_new_one(store):
    first = await accept(store, pressed(1))
    cancelled = await step(store, first, CancelRequested())
    assert cancelled.state is TaskState.CANCELLED
    assert (await accept(store, pressed(2))).id != first.id


async def test_nobody_who_is_forgotten_leaves_a_press_behind(store):
    await accept(store, pressed(1))
    task = (await store.tasks.list_in([TaskState.QUEUED]))[0]
    assert task.origin.press == "again"
    await store.privacy.forget(ADA, NOW)
    (left,) = await store.tasks.list_in([TaskState.QUEUED, TaskState.CANCELLED])
    assert left.origin.press is None
