"""What every engine promises of a group's daily budget (the Store protocol)."""

import asyncio

import pytest

from bot.domain.tasks.task import TaskState
from bot.domain.units import DAY, ChatId, Credits
from bot.errors import UserError
from tests.builders import GENEROUS, NOW, XIAOLIN, a_task, stored
from tests.store.steps import TODAY, after

CLUB = ChatId(-100)


def wish(**changes):
    return a_task(**{"chat_id": CLUB, "price": Credits(10)} | changes)


async def test_a_group_spends_its_budget_together_and_never_more(store):
    wishes = [wish(), wish(user_id=XIAOLIN), *(wish() for _ in range(20))]
    answers = await asyncio.gather(
        *(store.tasks.accept(task, (), GENEROUS, TODAY, 55) for task in wishes), return_exceptions=True
    )
    refusals = [answer for answer in answers if isinstance(answer, UserError)]
    assert len(answers) - len(refusals) == 5
    assert refusals[0].params == {"price": 10, "available": 5, "resets_at": TODAY.day_end}
    assert await store.credits.sum_spent_in_chat(CLUB, TODAY.day_start) == 50


async def test_what_came_to_nothing_is_not_counted(store):
    for state in (TaskState.FAILED, TaskState.CANCELLED, TaskState.EXPIRED):
        await stored(store, state, chat_id=CLUB)
    for state in (TaskState.QUEUED, TaskState.IN_PROGRESS, TaskState.SUCCEEDED):
        await stored(store, state, chat_id=CLUB)
    assert await store.credits.sum_spent_in_chat(CLUB, TODAY.day_start) == 30


async def test_other_chats_and_other_days_have_a_budget_of_their_own(store):
    await stored(store, chat_id=CLUB, created_at=after(-DAY))
    await stored(store, chat_id=ChatId(-200))
    assert await store.credits.sum_spent_in_chat(CLUB, TODAY.day_start) == 0
    await store.tasks.accept(wish(), (), GENEROUS, TODAY, 10)


async def test_a_refused_wish_leaves_no_trace(store):
    with pytest.raises(UserError):
        await store.tasks.accept(wish(), (), GENEROUS, TODAY, 9)
    assert await store.tasks.list_in([TaskState.QUEUED]) == []
    assert await store.credits.sum_spent_in_chat(CLUB, NOW) == 0


async def test_without_a_budget_a_group_may_spend_what_its_people_may(store):
    await store.tasks.accept(wish(price=Credits(900_000)), (), GENEROUS, TODAY)
    assert await store.credits.sum_spent_in_chat(CLUB, NOW) == 900_000
