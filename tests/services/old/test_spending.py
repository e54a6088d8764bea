"""Caps on what is spent at Kling: refused in time, told once, and never passed by those who come at once."""

import asyncio

import pytest

from bot.domain.credits.quota import Plan
from bot.domain.credits.spending import Caps
from bot.domain.tasks.task import Task, TaskState
from bot.domain.units import DAY, Credits, ProviderName
from bot.errors import UserError
from bot.services.credits.spending import Spending
from bot.services.people.accounts import Accounts
from bot.settings import sections
from tests.builders import GENEROUS, NOW, a_request, a_task, a_window, stored
from tests.services.old.world import Provider, finished, open_world

A = ProviderName("a")


@pytest.fixture
async def world(tmp_path):
    async with open_world(tmp_path, Provider(), Provider()) as opened:
        yield opened


def spending_of(world, caps=None, **providers) -> Spending:
    accounts = Accounts(
        store=world.store,
        clock=world.clock,
        plans={"free": Plan(name="free")},
        quota=sections.Quota(),
        owners=frozenset(),
    )
    named = {ProviderName(name): some for name, some in providers.items()}
    total = caps or Caps()
    return Spending(
        store=world.store,
        pool=world.pool,
        accounts=accounts,
        clock=world.clock,
        settings=sections.SpendingSettings(daily_units=total.daily, monthly_units=total.monthly),
        provider_caps=named,
    )


async def test_what_was_told_counts_as_told_and_the_rest_by_its_price(world):
    await stored(world.store, TaskState.SUCCEEDED, price=Credits(10))  # told: 0.7
    await stored(world.store, TaskState.QUEUED, price=Credits(10))
    await stored(world.store, TaskState.FAILED, price=Credits(500))
    await stored(world.store, TaskState.CANCELLED, price=Credits(500))
    spent = await world.store.credits.sum_spent_units(a_window())
    assert spent[ProviderName("official")].day == pytest.approx(0.7)
    assert spent[None].month == pytest.approx(1.0)
    assert spent[ProviderName("official")].drift == pytest.approx(-0.3)


async def test_another_day_is_not_charged_with_this_one(world):
    await stored(world.store, TaskState.SUCCEEDED)
    tomorrow = await world.store.credits.sum_spent_units(a_window(NOW + DAY))
    assert (tomorrow["official"].day, tomorrow["official"].month) == (0, pytest.approx(0.7))


async def test_those_who_come_at_once_do_not_pass_the_cap_together(world):
    caps = Caps(daily=3)
    answers = await asyncio.gather(
        *(world.store.tasks.accept(a_task(), (), GENEROUS, a_window(), caps=caps) for _ in range(40)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Task) for answer in answers) == 3
    assert {answer.key for answer in answers if isinstance(answer, UserError)} == {"error.spending"}


async def test_admins_are_told_once_that_a_cap_is_near_and_once_that_it_is_reached(world):
    spending = spending_of(world, Caps(daily=1.0))
    await stored(world.store, TaskState.QUEUED, price=Credits(8))
    await spending.tick(world.chat)
    await spending.tick(world.chat)
    await stored(world.store, TaskState.QUEUED, price=Credits(2))
    await spending.tick(world.chat)
    await spending.tick(world.chat)
    assert [key for key, _ in world.chat.alerts] == [
        "alert.spending.bot_day_warned",
        "alert.spending.bot_day_stopped",
    ]


async def test_a_provider_at_its_cap_is_left_out_for_another(world):
    spending = spending_of(world, a=Caps(daily=0.5))
    assert await spending.left() == {A: 0.5}
    await spending.check(a_request(), Credits(10))


async def test_what_only_providers_at_their_caps_could_do_is_refused(world):
    spending = spending_of(world, a=Caps(daily=0.5), b=Caps(monthly=0.5))
    with pytest.raises(UserError) as raised:
        await spending.check(a_request(), Credits(10))
    assert raised.value.key == "error.spending"


async def test_nothing_is_sent_to_a_provider_beyond_its_cap(tmp_path):
    first, second = Provider(), Provider()
    async with open_world(tmp_path, first, second) as world:
        world.cap(spending_of(world, a=Caps(daily=1.5)))
        for _ in range(3):
            await stored(world.store, TaskState.QUEUED, price=Credits(10))
        await world.send()
        assert (len(first.submissions), len(second.submissions)) == (1, 2)


async def test_what_the_provider_tells_takes_the_place_of_the_estimate(tmp_path):
    provider = Provider()
    async with open_world(tmp_path, provider) as world:
        await stored(world.store, TaskState.QUEUED, price=Credits(10))
        await world.send()
        provider.to_questions.append(finished())
        world.clock.advance(60_000)
        await world.look()
        assert (await world.store.credits.sum_spent_units(a_window()))[A].day == pytest.approx(1.5)
