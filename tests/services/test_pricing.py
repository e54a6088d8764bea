"""Plans and prices that admins change while the bot runs, on a real store."""

import json

import pytest

from bot.domain.credits.plans import changed
from bot.domain.credits.quota import Plan
from bot.domain.operations.records import AuditRow
from bot.domain.units import ProviderName, UserId
from bot.services.credits.plans import PLANS_KEY, Origin
from bot.services.credits.pricing import PRICES_KEY, Prices
from tests.builders import NOW, a_request


@pytest.fixture
def plans_of(office_of):
    """The plans as one of several processes knows them."""
    return lambda **settings: office_of(**settings).pricing.plans


@pytest.fixture
def prices_of(office_of):
    """The prices as one of several processes knows them."""
    return lambda **settings: office_of(**settings).prices


def a_note(number: int, action: str = "terms") -> AuditRow:
    return AuditRow(f"update:{number}:{action}", NOW, UserId(1000), action, "free", "", str(number))


async def test_a_changed_plan_keeps_to_the_settings_in_everything_else(plans_of):
    plans = plans_of()
    await plans.keep("pro", changed(plans["pro"], "daily_credits", 800), a_note(1))
    assert (plans["pro"].daily_credits, plans["pro"].max_running) == (800, 5)
    assert plans.origin("pro") is Origin.CHANGED
    # The operator edits the file and starts again: what was not changed in the panel follows it.
    later = plans_of(pro="daily_credits = 1000\nmax_running = 9")
    await later.refresh()
    assert (later["pro"].daily_credits, later["pro"].max_running) == (800, 9)


async def test_what_is_changed_back_or_reset_is_the_settings_again(plans_of):
    plans = plans_of()
    await plans.keep("free", changed(plans["free"], "max_running", 9), a_note(1))
    await plans.keep("free", changed(plans["free"], "max_running", 3), a_note(2))
    assert plans.origin("free") is Origin.SETTINGS
    await plans.keep("free", changed(plans["free"], "max_running", 9), a_note(3))
    await plans.keep("free", None, a_note(4))
    assert plans["free"].max_running == 3


async def test_an_added_plan_is_there_until_it_is_removed_also_for_another_process(plans_of):
    plans, other = (
        plans_of(),
        plans_of(),
    )
    await plans.keep("gold", Plan(name="gold"), a_note(1))
    await other.keep("gold", Plan(name="gold", priority=3), a_note(2))
    await plans.refresh()
    assert plans["gold"].priority == 3
    assert plans.origin("gold") is Origin.ADDED
    assert set(plans) == {"free", "none", "pro", "gold"}
    await plans.keep("gold", None, a_note(3))
    assert "gold" not in plans


async def test_a_change_that_this_version_cannot_read_leaves_the_plan_as_in_the_settings(plans_of, store):
    await store.operations.set_setting(
        PLANS_KEY, json.dumps({"free": {"minutes": 3}, "pro": {"priority": 2}})
    )
    plans = plans_of()
    await plans.refresh()
    assert plans["free"].daily_credits == 100
    assert plans["pro"].priority == 2


def cost(prices: Prices, **changes) -> int:
    return prices.catalog.price(a_request(**{"model": "kling-v2-6", "mode": "std", "duration": 5, **changes}))


async def test_a_changed_price_holds_at_once_and_for_the_others_later(prices_of):
    prices, other = prices_of(), prices_of()
    usual = cost(prices, mode="pro")
    await prices.keep("models", "kling-v2-6", "rate", "std", 0.5, a_note(1, "price"))
    assert (cost(prices), cost(prices, mode="pro")) == (3, usual)
    await other.refresh()
    assert cost(other) == 3
    assert other.is_changed("models", "kling-v2-6")
    await other.reset("models", "kling-v2-6", a_note(2, "price"))
    await prices.refresh()
    assert cost(prices) == cost(prices_of())
    assert not prices.is_changed("models", "kling-v2-6")


async def test_a_changed_price_stands_on_the_operators_own_catalog(prices_of):
    prices = prices_of(extra='[catalog.models."kling-v2-6"]\nrate = { std = 2, pro = 3 }\ndurations = [5]\n')
    await prices.keep("models", "kling-v2-6", "rate", "pro", 7, a_note(1, "price"))
    assert (cost(prices), cost(prices, mode="pro")) == (10, 35)
    assert prices.catalog.model("kling-v2-6").durations == (5,)


async def test_a_model_that_no_catalog_knows_gets_a_price_and_keeps_its_careful_limits(prices_of):
    prices = prices_of()
    before = prices.catalog.model("kling-v9")
    await prices.keep("models", "kling-v9", "rate", "std", 1, a_note(1, "price"))
    assert cost(prices, model="kling-v9") == 5
    after = prices.catalog.model("kling-v9")
    assert (after.operations, after.modes, after.durations) == (
        before.operations,
        before.modes,
        before.durations,
    )


async def test_a_whole_number_that_comes_on_top_and_prices_of_one_name_in_two_sections(prices_of):
    prices = prices_of()
    fixed = next(row for row in prices.catalog.section("services") if row.fixed)
    await prices.keep("services", fixed.id, "fixed", "", 4, a_note(1, "price"))
    changed = next(row for row in prices.catalog.section("services") if row.id == fixed.id)
    assert (changed.fixed, changed.operations) == (4, fixed.operations)
    both = {row.id for row in prices.catalog.section("models")} & {
        row.id for row in prices.catalog.section("images")
    }
    name = min(both)
    picture = next(row for row in prices.catalog.section("images") if row.id == name)
    await prices.keep("images", name, "each", next(iter(picture.each)), 99, a_note(2, "price"))
    assert next(row for row in prices.catalog.section("images") if row.id == name).each != picture.each
    assert prices.catalog.model(name) == prices_of().catalog.model(name)


async def test_prices_that_this_version_cannot_read_leave_those_of_the_settings(prices_of, store):
    await store.operations.set_setting(
        PRICES_KEY, json.dumps({"models": {"kling-v2-6": {"rate": {"std": -1}}}})
    )
    prices = prices_of()
    await prices.refresh()
    assert cost(prices) == cost(prices_of())


async def test_a_provider_may_cost_otherwise_whatever_is_changed_for_the_others(prices_of):
    dear = """
[[providers]]
name = "dear"
base_url = "http://127.0.0.1:2"
key = "demo"
models = ["kling-v2-6", "kling-v9"]

[providers.prices.models."kling-v2-6"]
rate = { pro = 9 }

[providers.prices.models."kling-v9"]
rate = { std = 1 }
"""
    prices = prices_of(provider=dear)
    await prices.keep("models", "kling-v2-6", "rate", "std", 2, a_note(1, "price"))

    def at(provider: str | None, **changes) -> int:
        request = a_request(**{"model": "kling-v2-6", "mode": "std", "duration": 5, **changes})
        return prices.at(None if provider is None else ProviderName(provider)).price(request)

    usual = cost(prices_of(), mode="pro")
    assert (at(None), at("dear"), at("another")) == (10, 10, 10)
    assert (at(None, mode="pro"), at("dear", mode="pro")) == (usual, 45)
    assert (at(None, model="kling-v9"), at("dear", model="kling-v9")) == (25, 5)
    assert list(prices.differing("models", "kling-v2-6")) == ["dear"]
    assert prices.differing("images", "kling-v2-6") == {}
