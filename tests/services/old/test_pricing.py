"""Plans and prices that admins change while the bot runs, on a real store."""

import json

import pytest

from bot.domain.credits.plans import changed
from bot.domain.credits.quota import Plan, PlanTerms
from bot.domain.operations.records import AuditRow
from bot.domain.requests.model import PriceColumns
from bot.domain.units import ProviderName, UserId
from bot.services.credits.plans import PLANS_KEY, Origin, Plans
from bot.services.credits.pricing import PRICES_KEY, Prices
from bot.store import Store
from tests.builders import NOW, a_request

CONFIGURED = {"free": PlanTerms(daily_credits=100), "pro": PlanTerms(daily_credits=900, max_running=5)}


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(str(tmp_path / "klingbot.db"))
    yield opened
    await opened.close()


def a_note(number: int, action: str = "terms") -> AuditRow:
    return AuditRow(f"update:{number}:{action}", NOW, UserId(1000), action, "free", "", str(number))


async def test_a_changed_plan_keeps_to_the_settings_in_everything_else(store):
    plans = Plans(store=store, configured=CONFIGURED, default="free")
    await plans.keep("pro", changed(plans["pro"], "daily_credits", 800), a_note(1))
    assert (plans["pro"].daily_credits, plans["pro"].max_running) == (800, 5)
    assert plans.origin("pro") is Origin.CHANGED
    # The operator edits the file and starts again: what was not changed in the panel follows it.
    edited = {**CONFIGURED, "pro": PlanTerms(daily_credits=1000, max_running=9)}
    later = Plans(store=store, configured=edited, default="free")
    await later.refresh()
    assert (later["pro"].daily_credits, later["pro"].max_running) == (800, 9)


async def test_what_is_changed_back_or_reset_is_the_settings_again(store):
    plans = Plans(store=store, configured=CONFIGURED, default="free")
    await plans.keep("free", changed(plans["free"], "max_running", 9), a_note(1))
    await plans.keep("free", changed(plans["free"], "max_running", 3), a_note(2))
    assert plans.origin("free") is Origin.SETTINGS
    await plans.keep("free", changed(plans["free"], "max_running", 9), a_note(3))
    await plans.keep("free", None, a_note(4))
    assert plans["free"].max_running == 3


async def test_an_added_plan_is_there_until_it_is_removed_also_for_another_process(store):
    plans, other = (
        Plans(store=store, configured=CONFIGURED, default="free"),
        Plans(store=store, configured=CONFIGURED, default="free"),
    )
    await plans.keep("gold", Plan(name="gold"), a_note(1))
    await other.keep("gold", Plan(name="gold", priority=3), a_note(2))
    await plans.refresh()
    assert plans["gold"].priority == 3
    assert plans.origin("gold") is Origin.ADDED
    assert set(plans) == {"free", "pro", "gold"}
    await plans.keep("gold", None, a_note(3))
    assert "gold" not in plans


async def test_a_change_that_this_version_cannot_read_leaves_the_plan_as_in_the_settings(store):
    await store.operations.set_setting(
        PLANS_KEY, json.dumps({"free": {"minutes": 3}, "pro": {"priority": 2}})
    )
    plans = Plans(store=store, configured=CONFIGURED, default="free")
    await plans.refresh()
    assert plans["free"].daily_credits == 100
    assert plans["pro"].priority == 2


def cost(prices: Prices, **changes) -> int:
    return prices.catalog.price(a_request(**{"model": "kling-v2-6", "mode": "std", "duration": 5, **changes}))


async def test_a_changed_price_holds_at_once_and_for_the_others_later(store):
    prices, other = Prices(store=store, configured={}), Prices(store=store, configured={})
    usual = cost(prices, mode="pro")
    await prices.keep("models", "kling-v2-6", "rate", "std", 0.5, a_note(1, "price"))
    assert (cost(prices), cost(prices, mode="pro")) == (3, usual)
    await other.refresh()
    assert cost(other) == 3
    assert other.is_changed("models", "kling-v2-6")
    await other.reset("models", "kling-v2-6", a_note(2, "price"))
    await prices.refresh()
    assert cost(prices) == cost(Prices(store=store, configured={}))
    assert not prices.is_changed("models", "kling-v2-6")


async def test_a_changed_price_stands_on_the_operators_own_catalog(store):
    prices = Prices(
        store=store, configured={"models": {"kling-v2-6": {"rate": {"std": 2, "pro": 3}, "durations": [5]}}}
    )
    await prices.keep("models", "kling-v2-6", "rate", "pro", 7, a_note(1, "price"))
    assert (cost(prices), cost(prices, mode="pro")) == (10, 35)
    assert prices.catalog.model("kling-v2-6").durations == (5,)


async def test_a_model_that_no_catalog_knows_gets_a_price_and_keeps_its_careful_limits(store):
    prices = Prices(store=store, configured={})
    before = prices.catalog.model("kling-v9")
    await prices.keep("models", "kling-v9", "rate", "std", 1, a_note(1, "price"))
    assert cost(prices, model="kling-v9") == 5
    after = prices.catalog.model("kling-v9")
    assert (after.operations, after.modes, after.durations) == (
        before.operations,
        before.modes,
        before.durations,
    )


async def test_a_whole_number_that_comes_on_top_and_prices_of_one_name_in_two_sections(store):
    prices = Prices(store=store, configured={})
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
    assert prices.catalog.model(name) == Prices(store=store, configured={}).catalog.model(name)


async def test_prices_that_this_version_cannot_read_leave_those_of_the_settings(store):
    await store.operations.set_setting(
        PRICES_KEY, json.dumps({"models": {"kling-v2-6": {"rate": {"std": -1}}}})
    )
    prices = Prices(store=store, configured={})
    await prices.refresh()
    assert cost(prices) == cost(Prices(store=store, configured={}))


async def test_a_provider_may_cost_otherwise_whatever_is_changed_for_the_others(store):
    dear = {
        "models": {"kling-v2-6": PriceColumns(rate={"pro": 9}), "kling-v9": PriceColumns(rate={"std": 1})}
    }
    prices = Prices(store=store, configured={}, of_providers={ProviderName("dear"): dear})
    await prices.keep("models", "kling-v2-6", "rate", "std", 2, a_note(1, "price"))

    def at(provider: str | None, **changes) -> int:
        request = a_request(**{"model": "kling-v2-6", "mode": "std", "duration": 5, **changes})
        return prices.at(None if provider is None else ProviderName(provider)).price(request)

    usual = cost(Prices(store=store, configured={}), mode="pro")
    assert (at(None), at("dear"), at("another")) == (10, 10, 10)
    assert (at(None, mode="pro"), at("dear", mode="pro")) == (usual, 45)
    assert (at(None, model="kling-v9"), at("dear", model="kling-v9")) == (25, 5)
    assert list(prices.differing("models", "kling-v2-6")) == ["dear"]
    assert prices.differing("images", "kling-v2-6") == {}
