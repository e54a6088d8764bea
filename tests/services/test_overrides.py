"""Settings that admins override while the bot runs, on a real store; each office is one of several processes."""

import asyncio
import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Annotated

import pytest
from pydantic import Field

from bot.clock import Runtime
from bot.domain.operations.overrides import Form, Overridable, Override
from bot.domain.operations.records import AuditRow
from bot.domain.people.access import AccessMode, AccessPolicy
from bot.domain.types import ProviderName, UserId
from bot.errors import UserError
from bot.services.container import Administration, administration
from bot.services.ports import Job
from bot.settings import sections
from bot.settings.config import Settings
from bot.store.engine import migrations
from tests.builders import ADA, NOW, a_request
from tests.world.services import A, Capabilities

BOSS = UserId(1000)

EXTRA = """
[access]
mode = "request"

[plans."gold class"]
models = ["kling-v2-1"]
"""


@pytest.fixture
def office(office_of) -> Administration:
    return office_of()


def valid(form: Form) -> list[str]:
    """What can be typed for a setting, at its limits."""
    match form.kind:
        case "integer" | "number":
            return [str(form.low), str(form.high), *(["-"] if form.is_optional else [])]
        case "text":
            return ["x" * int(form.high), "Today: free, for all", "-"]
        case "list":
            return ["kling-v2-6", "kling-v2-1, kling-v2-6", "-"]
        case "choices":
            return [form.values[0], ", ".join(form.values), "-"]
        case _:
            return list(form.values)


def invalid(form: Form) -> list[str]:
    """What cannot, for its kind and beyond its limits."""
    match form.kind:
        case "integer" | "number":
            numbers = [str(form.high + 1), "many", "1e3", "1_0", "٣", "nan", "-1"]
            return numbers if form.is_optional else [*numbers, "-"]
        case "text":
            return ["x" * (int(form.high) + 1)]
        case _:
            return ["nonsense", "kling-v2-6, nonsense"]


def cost(office: Administration, provider: str | None = None, **changes) -> int:
    request = a_request(**{"model": "kling-v2-6", "mode": "std", "duration": 5, **changes})
    return office.live.catalog(None if provider is None else ProviderName(provider)).price(request)


async def audit_of(office: Administration) -> list[tuple[object, ...]]:
    return [
        (row.actor, row.action, row.subject, row.before, row.after)
        for row in await office.audit.rows(None, 0, 100)
    ]


# -- every setting that is marked --------------------------------------------------------------------


def test_what_can_be_overridden_is_what_is_marked(office_of):
    keys = {state.key for state in office_of(extra=EXTRA).overrides.list()}
    sections_of = {key.partition(".")[0] for key in keys}
    assert sections_of == {"access", "plans", "prices", "providers"}
    assert {"access.mode", "access.maintenance", "access.notice", "providers.stand-in.paused"} <= keys
    assert {'plans."gold class".priority', "prices.models.kling-v2-6.rate.std"} <= keys
    assert {key for key in keys if key.startswith("access.")} == {
        "access.mode",
        "access.maintenance",
        "access.notice",
    }


async def test_every_setting_is_set_at_its_limits_taken_up_elsewhere_and_reset(office_of):
    shell, bot = office_of(extra=EXTRA), office_of(extra=EXTRA)
    for number, state in enumerate(shell.overrides.list()):
        for value in valid(state.setting.form):
            made = await shell.overrides.set_text(None, state.key, value, f"shell:{number}:{value[:9]}")
            assert made.is_overridden
            before = bot.overrides.get(state.key)
            await bot.live.refresh()
            assert bot.overrides.get(state.key) == made != before
            # What is shown can be typed, and means the same.
            again = await bot.overrides.set_text(BOSS, state.key, made.value, f"update:{number}")
            assert again.value == made.value
            await shell.live.refresh()
        await bot.overrides.reset(BOSS, state.key, f"update:{number}:reset")
        await shell.live.refresh()
        reset = shell.overrides.get(state.key)
        assert (reset.value, reset.is_overridden) == (state.default, False)
    assert shell.live.now == shell.live.configured


async def test_what_a_setting_cannot_be_is_refused_with_one_sentence_and_changes_nothing(office_of, store):
    office = office_of(extra=EXTRA)
    for state in office.overrides.list():
        for value in invalid(state.setting.form):
            with pytest.raises(UserError) as refused:
                await office.overrides.set_text(BOSS, state.key, value, "update:1")
            assert refused.value.key.startswith("error.setting."), (state.key, value)
    assert await store.operations.list_overrides() == []
    assert await audit_of(office) == []


@pytest.mark.parametrize(
    "key",
    [
        *("telegram.token", "telegram", "access", "access.users", "plans", "plans.free", "nothing", ""),
        *(
            "plans.Gold.priority",
            "plans..priority",
            "plans.gold",
            "plans.gold.minutes",
            'plans."x',
            "plans.a b.c",
        ),
        *("prices.models.kling-v9.rate.std", "prices.models.kling-v2-6.rate.8k", "providers.b.paused"),
    ],
)
async def test_there_is_nothing_else_to_set(office, key):
    with pytest.raises(UserError, match=r"error\.setting\.unknown"):
        await office.overrides.set_text(BOSS, key, "1", "update:1")


async def test_a_setting_becomes_overridable_by_one_mark(store, clock, office):
    class Limits(sections.Limits):
        confirm_credits: Annotated[int, Field(ge=0, le=99), Overridable()] = 50

    class Wider(Settings):
        limits: Limits = Limits()

    configured = office.live.configured
    given = {name: getattr(configured, name) for name in configured.model_fields_set - {"limits"}}

    def wider() -> Administration:
        return administration(
            Wider.model_validate(given),
            store=store,
            offer=Capabilities(),
            runtime=Runtime(clock, random.Random(1)),
            wake=lambda _: None,
        )

    shell, bot = wider(), wider()
    (state,) = shell.overrides.list("limits")
    assert (state.key, state.value, state.setting.form) == (
        "limits.confirm_credits",
        "50",
        Form("integer", 0, 99),
    )
    await shell.overrides.set_text(None, "limits.confirm_credits", "7", "shell:1")
    await bot.live.refresh()
    assert bot.live.now.limits.confirm_credits == 7
    with pytest.raises(UserError, match=r"error\.setting\.integer"):
        await bot.overrides.set_text(BOSS, "limits.confirm_credits", "100", "update:1")


# -- who, and in which order -------------------------------------------------------------------------


async def test_only_who_may_operate_the_bot_overrides_settings(office, store):
    for changing in (
        office.overrides.set(ADA, "access.maintenance", True, "update:1"),
        office.overrides.set_text(ADA, "access.maintenance", "on", "update:1"),
        office.overrides.reset(ADA, "access.maintenance", "update:1"),
    ):
        with pytest.raises(UserError, match=r"error\.admin\.only"):
            await changing
    assert await store.operations.list_overrides() == []


async def test_each_change_is_in_the_log_with_what_was_before(office, store):
    await office.overrides.set_text(BOSS, "plans.free.daily_credits", "35", "update:1")
    await office.overrides.set_text(None, "plans.free.models", "kling-v2-6", "shell:2")
    await office.overrides.set(BOSS, "access.maintenance", True, "update:3")
    await office.overrides.reset(BOSS, "plans.free", "update:4")
    await office.overrides.reset(BOSS, "access.maintenance", "update:5")
    # There is nothing to reset, and nothing to note.
    await office.overrides.reset(BOSS, "access.maintenance", "update:6")
    assert await audit_of(office) == [
        (BOSS, "setting", "access.maintenance", "on", "settings"),
        (BOSS, "setting", "plans.free", "daily_credits 35, models kling-v2-6", "settings"),
        (BOSS, "setting", "access.maintenance", "off", "on"),
        (None, "setting", "plans.free.models", "-", "kling-v2-6"),
        (BOSS, "setting", "plans.free.daily_credits", "100", "35"),
    ]
    assert [
        (row.key, row.value, row.version, row.changed_by) for row in await store.operations.list_overrides()
    ] == [
        ("access.maintenance", None, 2, BOSS),
        ("plans.free.daily_credits", None, 2, BOSS),
        ("plans.free.models", None, 2, BOSS),
    ]


async def test_of_two_admins_who_change_what_they_saw_one_wins_and_the_other_is_told(office_of):
    offices = [office_of(), office_of()]
    seen = offices[0].overrides.get("access.notice").version
    answers = await asyncio.gather(
        *(
            each.overrides.set_text(BOSS, "access.notice", f"text {number}", f"update:{number}", seen)
            for number, each in enumerate(offices)
        ),
        return_exceptions=True,
    )
    (told,) = (answer for answer in answers if isinstance(answer, UserError))
    (won,) = (answer for answer in answers if not isinstance(answer, UserError))
    assert (told.key, told.params) == (
        "error.setting.changed",
        {"setting": "access.notice", "value": won.value},
    )
    for each in offices:
        await each.live.refresh()
        assert each.live.now.access.notice == won.value
    assert len(await audit_of(offices[0])) == 1


async def test_a_change_that_was_reset_and_made_anew_is_another_one(office):
    seen = await office.overrides.set(BOSS, "access.notice", "one", "update:1")
    await office.overrides.reset(BOSS, "access.notice", "update:2")
    await office.overrides.set(BOSS, "access.notice", "two", "update:3")
    with pytest.raises(UserError, match=r"error\.setting\.changed"):
        await office.overrides.set(BOSS, "access.notice", "three", "update:4", seen.version)


async def test_two_processes_change_two_fields_of_a_plan_and_both_hold(office_of):
    bot, shell = office_of(), office_of()
    await shell.overrides.set_text(None, "plans.free.models", "kling-v2-6", "shell:1")
    await bot.overrides.set_text(BOSS, "plans.free.daily_credits", "35", "update:2")
    await shell.overrides.set_text(None, "plans.free.carry_over", "on", "shell:3")
    await bot.live.refresh()
    plan = bot.live.plans["free"]
    assert (plan.models, plan.daily_credits, plan.carry_over) == (("kling-v2-6",), 35, True)


async def test_changes_of_one_operation_are_saved_all_or_none(office, store):
    audit = AuditRow("update:1:setting", NOW, BOSS, "setting", "plans")
    await office.overrides.set(BOSS, "plans.pro.priority", 1, "update:0")
    rows = [Override(key, "2", 1, BOSS, NOW) for key in ("plans.free.priority", "plans.pro.priority")]
    with pytest.raises(Exception, match=r"plans\.pro\.priority"):
        await store.operations.swap_overrides(rows, audit)
    assert [row.key for row in await store.operations.list_overrides()] == ["plans.pro.priority"]
    assert len(await audit_of(office)) == 1


# -- plans -------------------------------------------------------------------------------------------


async def test_a_changed_plan_keeps_to_the_settings_in_everything_else(office_of):
    await office_of().overrides.set_text(BOSS, "plans.pro.daily_credits", "800", "update:1")
    # The operator edits the file and starts again: what was not changed here follows it.
    later = office_of(pro="daily_credits = 1000\nmax_running = 9")
    await later.live.refresh()
    assert (later.live.plans["pro"].daily_credits, later.live.plans["pro"].max_running) == (800, 9)


async def test_an_added_plan_is_there_until_it_is_reset_also_for_another_process(office_of):
    office, other = office_of(), office_of()
    await other.overrides.set_text(BOSS, "plans.gold.priority", "3", "update:1")
    await office.live.refresh()
    assert office.live.plans["gold"].priority == 3
    assert set(office.accounts.plans) == {"free", "none", "pro", "gold"}
    await office.overrides.reset(BOSS, "plans.gold", "update:2")
    assert set(office.accounts.plans) == {"free", "none", "pro"}


async def test_a_plan_holds_only_models_that_some_provider_has(office):
    with pytest.raises(UserError) as refused:
        await office.overrides.set_text(BOSS, "plans.free.models", "kling-v2-6, kling-v8", "update:1")
    assert refused.value.key == "error.setting.unfit"
    assert "kling-v8 is no model of a provider" in refused.value.params["problem"]


async def test_what_this_version_cannot_read_leaves_the_configured_value(office_of, store):
    rows = [
        ("plans.free.minutes", "3"),
        ("plans.free.priority", "-1"),
        ("plans.pro.priority", "2"),
        ("prices.models.kling-v2-6.rate.std", "-1"),
        ("providers.gone.paused", "true"),
        ("telegram.admins", "[1001]"),
        ('"', "1"),
    ]
    audit = AuditRow("update:1:setting", NOW, BOSS, "setting", "plans")
    await store.operations.swap_overrides([Override(*row, 1, BOSS, NOW) for row in rows], audit)
    office, usual = office_of(), office_of()
    await office.live.refresh()
    assert office.live.plans["pro"].priority == 2
    assert office.live.plans["free"] == usual.live.plans["free"]
    assert cost(office) == cost(usual)
    assert office.live.now.telegram == usual.live.now.telegram


# -- prices ------------------------------------------------------------------------------------------


def test_prices_are_changed_of_what_is_on_offer(office):
    rows = {tuple(state.key.split(".")[1:3]) for state in office.overrides.list("prices")}
    assert {("models", "kling-v2-6"), ("models", "kling-v2-1"), ("services", "lip-sync")} <= rows
    assert ("images", "kling-v2-1") in rows
    assert ("services", "avatar") not in rows


async def test_a_changed_price_holds_at_once_and_for_the_others_later(office_of):
    office, other = office_of(), office_of()
    usual = cost(office), cost(office, mode="pro")
    await office.overrides.set_text(BOSS, "prices.models.kling-v2-6.rate.std", "0,5", "update:1")
    assert (cost(office), cost(office, mode="pro")) == (3, usual[1])
    await other.live.refresh()
    assert cost(other) == 3
    await other.overrides.reset(BOSS, "prices.models.kling-v2-6", "update:2")
    await office.live.refresh()
    assert cost(office) == usual[0]


async def test_a_changed_price_stands_on_the_operators_own_catalog_and_prices(office_of):
    own = """
[catalog.models."kling-v2-6"]
rate = { std = 2, pro = 3 }
durations = [5]

[prices.models."kling-v2-6"]
rate = { std = 4 }
"""
    office = office_of(extra=own)
    assert (cost(office), cost(office, mode="pro")) == (20, 15)
    await office.overrides.set_text(BOSS, "prices.models.kling-v2-6.rate.pro", "7", "update:1")
    assert (cost(office), cost(office, mode="pro")) == (20, 35)
    assert office.live.catalog().model("kling-v2-6").durations == (5,)


NEW = """
[[providers]]
name = "dear"
base_url = "http://127.0.0.1:2"
key = "demo"
models = ["kling-v2-6", "kling-v9"]

[providers.prices.models."kling-v2-6"]
rate = { pro = 9 }

[providers.prices.models."kling-v9"]
rate = { std = 1 }

[providers.catalog.models."kling-v9"]
"""


async def test_a_model_that_no_catalog_knows_keeps_its_careful_limits_with_a_price(office_of):
    office, priced = office_of(), office_of(extra='[prices.models."kling-v9"]\nrate = { std = 1 }')
    before, after = (each.live.catalog().model("kling-v9") for each in (office, priced))
    assert (cost(office, model="kling-v9"), cost(priced, model="kling-v9")) == (25, 5)
    assert (after.operations, after.modes, after.durations) == (
        before.operations,
        before.modes,
        before.durations,
    )


async def test_a_whole_number_that_comes_on_top_and_prices_of_one_name_in_two_sections(office):
    def row(section: str, name: str):
        return next(row for row in office.live.catalog().section(section) if row.id == name)

    fixed = next(row for row in office.live.catalog().section("services") if row.fixed)
    await office.overrides.set_text(BOSS, f"prices.services.{fixed.id}.fixed", "4", "update:1")
    assert (row("services", fixed.id).fixed, row("services", fixed.id).operations) == (4, fixed.operations)
    image, video = row("images", "kling-v2-1"), row("models", "kling-v2-1")
    key = f"prices.images.kling-v2-1.each.{next(iter(image.each))}"
    await office.overrides.set_text(BOSS, key, "99", "update:2")
    assert row("images", "kling-v2-1").each != image.each
    assert row("models", "kling-v2-1") == video


async def test_a_provider_may_cost_otherwise_whatever_is_changed_for_the_others(office_of):
    office = office_of(provider=NEW)
    usual = cost(office, mode="pro")
    await office.overrides.set_text(BOSS, "prices.models.kling-v2-6.rate.std", "2", "update:1")
    assert [cost(office, name) for name in (None, "dear", "another")] == [10, 10, 10]
    assert (cost(office, mode="pro"), cost(office, "dear", mode="pro")) == (usual, 45)
    assert (cost(office, model="kling-v9"), cost(office, "dear", model="kling-v9")) == (25, 5)


# -- earlier versions -------------------------------------------------------------------------------


async def test_what_admins_of_an_earlier_version_changed_are_overrides_that_hold(office_of, store):
    earlier = {
        "plans": {"free": {"daily_credits": 35, "models": ["kling-v2-6"], "carry_over": True}, "gold": {}},
        "prices": {"models": {"kling-2.6": {"rate": {"std": 0.5, "pro": 7}, "fixed": 4}}, "images": {}},
    }
    earlier["plans"] |= {"gold class": {"monthly_credits": None, "operations": ["image"]}}
    kept = {key: json.dumps(value) for key, value in earlier.items()}
    kept |= {"access.mode": "request", "access.maintenance": "on", "text.notice": 'Today "all" is free'}
    kept |= {"provider.stand-in.paused": "yes", "provider.c.paused": "no", "spending.day": "1 stopped"}
    with closing(sqlite3.connect(store.engine.path, isolation_level=None)) as db:
        db.executemany("INSERT INTO settings (key, value) VALUES (?, ?)", kept.items())
        for statement in migrations._STATEMENTS["0021_overrides"][1:]:
            db.execute(statement)
        assert {("spending.day",)} == set(db.execute("SELECT key FROM settings")) & {(key,) for key in kept}
    rows = await store.operations.list_overrides()
    assert {(row.version, row.changed_by) for row in rows} == {(1, None)}
    assert {row.key: json.loads(row.value) for row in rows} == {
        "plans.free.daily_credits": 35,
        "plans.free.models": ["kling-v2-6"],
        "plans.free.carry_over": True,
        "plans.gold.carry_over": False,
        'plans."gold class".monthly_credits': None,
        'plans."gold class".operations': ["image"],
        'prices.models."kling-2.6".rate.std': 0.5,
        'prices.models."kling-2.6".rate.pro': 7,
        'prices.models."kling-2.6".fixed': 4,
        "access.mode": "request",
        "access.maintenance": True,
        "access.notice": 'Today "all" is free',
        "providers.stand-in.paused": True,
    }
    office = office_of(provider=NEW)
    await office.live.refresh()
    plans = office.live.plans
    assert (plans["free"].daily_credits, plans["gold"].max_running) == (35, 3)
    assert plans["gold class"].operations == ("image",)
    assert office.live.catalog().model("kling-2.6").rate == {"std": 0.5, "pro": 7}
    assert office.access.policy == AccessPolicy(AccessMode.REQUEST, maintenance=True)
    assert (office.live.is_paused("stand-in"), office.live.is_paused("dear")) == (True, False)


# -- the running bot ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "seen"),
    [
        ("access.mode", "request", lambda bot: bot.services.access.policy.mode is AccessMode.REQUEST),
        ("access.maintenance", "on", lambda bot: bot.services.access.policy.maintenance),
        ("access.notice", "free today", lambda bot: bot.services.live.now.access.notice == "free today"),
        ("providers.stand-in.paused", "on", lambda bot: bot.services.live.is_paused(A)),
        ("plans.gold.priority", "1", lambda bot: "gold" in bot.services.accounts.plans),
    ],
)
async def test_one_job_of_the_running_bot_takes_up_what_a_shell_changed(world, key, value, seen: Callable):
    shell = administration(
        world.services.live.configured,
        store=world.store,
        offer=Capabilities(),
        runtime=Runtime(world.clock, random.Random(1)),
        wake=lambda _: None,
    )
    await shell.overrides.set_text(None, key, value, "shell:1")
    assert not seen(world)
    await world.run(Job.SETTINGS)
    assert seen(world)
    await shell.overrides.reset(None, key, "shell:2")
    await world.run(Job.SETTINGS)
    assert not seen(world)
