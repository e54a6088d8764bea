"""Caps on what is spent at Kling: refused in time, told once, and never passed by those who come at once."""

import asyncio

import pytest

from bot.domain.credits.caps import Caps
from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import DAY, MINUTE, Credits, ProviderName
from bot.errors import UserError
from bot.services.ports import Job
from tests.builders import GENEROUS, NOW, a_task, a_window, stored
from tests.world.services import A, finished
from tests.world.telegram import ADA

OFFICIAL = ProviderName("official")


async def test_what_was_told_counts_as_told_and_the_rest_by_its_price(store):
    await stored(store, TaskState.SUCCEEDED, price=Credits(10))  # told: 0.7
    await stored(store, TaskState.QUEUED, price=Credits(10))
    await stored(store, TaskState.FAILED, price=Credits(500))
    await stored(store, TaskState.CANCELLED, price=Credits(500))
    spent = await store.credits.sum_spent_units(a_window())
    assert spent[OFFICIAL].day == pytest.approx(0.7)
    assert spent[None].month == pytest.approx(1.0)
    assert spent[OFFICIAL].drift == pytest.approx(-0.3)
    assert (spent[OFFICIAL].told_tasks, spent[OFFICIAL].differing) == (1, 1)
    tomorrow = await store.credits.sum_spent_units(a_window(NOW + DAY))
    assert (tomorrow[OFFICIAL].day, tomorrow[OFFICIAL].month) == (0, pytest.approx(0.7))


async def test_those_who_come_at_once_do_not_pass_the_cap_together(store):
    caps = Caps(daily=3)
    answers = await asyncio.gather(
        *(store.tasks.accept(a_task(), (), GENEROUS, a_window(), caps=caps) for _ in range(40)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Task) for answer in answers) == 3
    assert {answer.key for answer in answers if isinstance(answer, UserError)} == {"error.spending"}


async def test_admins_are_told_once_that_a_cap_is_near_and_once_that_it_is_reached(bare):
    await bare.open(extra="[spending]\ndaily_units = 1.0\n")
    for price in (8, 2):
        await stored(bare.store, TaskState.QUEUED, price=Credits(price))
        for _ in range(2):
            await bare.run(Job.SPENDING)
    assert bare.alerts == ["alert.spending.bot_day_warned", "alert.spending.bot_day_stopped"]


@pytest.mark.parametrize(("second", "is_refused"), [("", False), ("monthly_units = 0.5", True)])
async def test_what_only_providers_at_their_caps_could_do_is_refused(bare, second, is_refused):
    await bare.open(second=True, provider="daily_units = 0.5", second_more=second)
    await bare.telegram.say(ADA, "/video a fox")
    await bare.settle()
    assert len(bare.rows("SELECT 1 FROM tasks")) == (0 if is_refused else 1)
    assert len(bare.to_second.of("submit")) == (0 if is_refused else 1)


async def test_what_the_provider_tells_takes_the_place_of_the_estimate(world):
    await world.a_running_task()
    world.to_kling.answer("query", finished())
    await world.run(Job.POLL, MINUTE)
    assert (await world.store.credits.sum_spent_units(a_window()))[A].day == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("extra", "provider", "is_told"),
    [
        ("", "", True),
        ("[spending]\ndaily_units = 5", "", False),
        ("", "monthly_units = 5", False),
        ('[access]\nmode = "request"', "", False),
        ("[access]", "", False),
    ],
)
async def test_the_log_warns_where_everyone_may_spend_without_a_limit(bare, extra, provider, is_told):
    await bare.open(extra=extra, provider=provider)
    told = [event for event in bare.output if "everyone may spend" in event["event"]]
    assert [event["log_level"] for event in told] == ["warning"] * is_told
