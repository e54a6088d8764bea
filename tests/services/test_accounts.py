"""People: what they may spend, who may change it, and what language they read."""

import asyncio
from itertools import count

import pytest

from bot.domain.credits.shop import GRACE, MonthlyPlan, Payment, Subscription
from bot.domain.tasks.task import LedgerKind, TaskState
from bot.domain.types import DAY, HOUR, Credits, Millis, UserId
from bot.errors import UserError
from bot.services.operations.actions_on_people import GRANT_LIMIT, GrantCredits, SetPlan
from bot.services.people.accounts import Accounts
from tests.builders import ADA, ADAS_ACCOUNT, GENEROUS, NOW, XIAOLIN, a_task, a_window, stored
from tests.world.services import office_actions

BOSS = UserId(1000)


@pytest.fixture
def accounts_of(office_of):
    def build(plan: str = "free", zone: str = "UTC") -> Accounts:
        return office_of(plan=plan, zone=zone).accounts

    return build


@pytest.fixture
async def accounts(office):
    made = office.accounts
    await made.touch_user(BOSS, "Boss", "boss", "en")
    await made.touch_user(ADA, "Ada Lovelace", "Ada", "en")
    await made.touch_user(XIAOLIN, "小林", None, "zh-hans")
    return made


@pytest.fixture
def office(office_of):
    return office_of()


@pytest.fixture
def grant(office, store, clock):
    actions = office_actions(office, store, clock)

    async def run(actor: UserId, user: str, credits: int, update_id: int, note: str | None = None) -> None:
        await actions.run(GrantCredits(user, credits, note=note), actor, f"update:{update_id}")

    return run


@pytest.fixture
def move(office, store, clock):
    actions = office_actions(office, store, clock)
    numbers = count()

    async def run(actor: UserId, user: str, plan: str, until: str | None = None) -> None:
        await actions.run(SetPlan(user, plan, until), actor, f"update:{next(numbers)}")

    return run


async def refused(key: str, doing) -> UserError:
    with pytest.raises(UserError) as raised:
        await doing
    assert raised.value.key == key
    return raised.value


# -- who ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["1001", "@ada", "ada", "ADA", " @Ada "])
async def test_a_person_is_found_by_id_or_name_however_it_is_written(accounts, text):
    assert (await accounts.find(text)).id == ADA


@pytest.mark.parametrize("text", ["@nobody", "77", "", "@", "9" * 40, "'; DROP TABLE users; --"])
async def test_somebody_who_never_wrote_is_not_found(accounts, text):
    error = await refused("error.admin.no_user", accounts.find(text))
    assert error.params == {"user": text}


async def test_a_name_that_changed_hands_means_who_was_here_last(accounts, clock):
    clock.advance(DAY)
    await accounts.touch_user(UserId(77), "Another Ada", "ada", "en")
    assert (await accounts.find("@ada")).id == 77
    assert (await accounts.find("1001")).id == ADA


def test_admins_are_those_whom_the_settings_name(accounts_of):
    accounts = accounts_of()
    assert accounts.admins == {BOSS}


# -- plans --------------------------------------------------------------------------------------------


async def subscribed(store, until: Millis, plan: str = "pro") -> None:
    """Ada pays for a plan until then."""
    await store.payments.save_subscription(
        Subscription("a-token", ADA, MonthlyPlan("m", plan, Credits(0), stars=500), NOW)
    )
    await store.payments.save_payment(
        Payment("stx-1", ADAS_ACCOUNT, Credits(0), 500, NOW, subscription="a-token", paid_until=until)
    )


async def test_a_paid_plan_holds_until_it_ends_and_a_little_longer(accounts, store, clock):
    await subscribed(store, Millis(NOW + DAY))
    balance = await accounts.balance(ADA)
    assert (balance.plan, balance.day_limit, balance.plan_until) == ("pro", 900, NOW + DAY)
    clock.advance(DAY + GRACE)
    balance = await accounts.balance(ADA)
    assert (balance.plan, balance.plan_until) == ("free", None)


async def test_a_plan_of_the_admins_comes_before_a_paid_one_which_is_there_when_it_ends(
    accounts, store, clock, move
):
    await subscribed(store, Millis(NOW + 30 * DAY))
    await move(BOSS, "@ada", "none", "2d")
    assert (await accounts.plan(ADA)).name == "none"
    clock.advance(2 * DAY)
    assert (await accounts.plan(ADA)).name == "pro"
    await move(BOSS, "@ada", "free")
    assert (await accounts.plan(ADA)).name == "pro"


async def test_a_paid_plan_that_there_is_no_more_gives_way(accounts, store):
    await subscribed(store, Millis(NOW + DAY), plan="gone")
    assert (await accounts.plan(ADA)).name == "free"


# -- language -----------------------------------------------------------------------------------------


async def test_a_person_reads_the_language_of_their_telegram_until_they_choose_one(accounts):
    xiaolin = await accounts.find("1002")
    assert accounts.language_of(xiaolin) == "zh_Hans"
    await accounts.set_language(XIAOLIN, "en")
    assert accounts.language_of(await accounts.find("1002")) == "en"
    await accounts.set_language(XIAOLIN, None)
    assert accounts.language_of(await accounts.find("1002")) == "zh_Hans"


async def test_a_chosen_language_stays_when_the_person_comes_again(accounts):
    await accounts.set_language(ADA, "zh_Hans")
    seen = await accounts.touch_user(ADA, "Ada", "ada", "en")
    assert accounts.language_of(seen) == "zh_Hans"


async def test_somebody_unknown_reads_english(accounts):
    assert accounts.language_of(None) == "en"
    assert accounts.language_of(await accounts.touch_user(UserId(77), "X", None, None)) == "en"


# -- granting -----------------------------------------------------------------------------------------


async def test_an_admin_grants_credits_with_a_note_and_the_ledger_says_who(accounts, grant):
    await grant(BOSS, "@ada", 50, 7, "for the film")
    (row,) = await accounts.ledger(ADA)
    assert (row.kind, row.amount, row.actor_id, row.note) == (LedgerKind.GRANT, 50, BOSS, "for the film")
    balance = await accounts.balance(ADA)
    assert (balance.granted, balance.available) == (50, 150)


async def test_the_same_update_never_grants_twice(accounts, grant):
    await grant(BOSS, "@ada", 50, 7)
    await grant(BOSS, "@ada", 50, 7)
    assert (await accounts.balance(ADA)).granted == 50
    await grant(BOSS, "@ada", 50, 8)
    assert (await accounts.balance(ADA)).granted == 100


async def test_an_admin_takes_credits_back_but_not_more_than_were_granted(accounts, grant):
    await grant(BOSS, "1001", 50, 7)
    await grant(BOSS, "1001", -20, 8)
    assert (await accounts.balance(ADA)).granted == 30
    assert (await accounts.ledger(ADA))[0].kind is LedgerKind.ADJUST
    error = await refused("error.admin.too_much_taken", grant(BOSS, "1001", -31, 9))
    assert error.params == {"granted": 30}
    await grant(BOSS, "1001", -30, 10)
    assert (await accounts.balance(ADA)).granted == 0


@pytest.mark.parametrize("credits", [0, GRANT_LIMIT + 1, -GRANT_LIMIT - 1])
async def test_a_slip_of_the_finger_founds_no_bank(accounts, credits, grant):
    error = await refused("error.admin.credits_range", grant(BOSS, "@ada", credits, 7))
    assert error.params == {"limit": GRANT_LIMIT}
    assert await accounts.ledger(ADA) == []


async def test_nobody_but_an_admin_grants(accounts, grant):
    await refused("error.admin.only", grant(ADA, "@ada", 50, 7))
    assert await accounts.ledger(ADA) == []


async def test_nothing_is_granted_to_somebody_unknown(accounts, grant):
    await refused("error.admin.no_user", grant(BOSS, "@nobody", 50, 7))


# -- standing -----------------------------------------------------------------------------------------


async def test_a_new_person_has_the_allowance_of_the_default_plan(accounts):
    balance = await accounts.balance(UserId(77))
    assert (balance.available, balance.granted, balance.held) == (100, 0, 0)
    assert (balance.day_limit, balance.month_limit) == (100, 300)
    assert (balance.running, balance.max_running) == (0, 3)
    assert balance.resets_at == NOW + DAY


async def test_what_is_reserved_is_told_and_cannot_be_spent_a_second_time(accounts, store):
    await stored(store, price=Credits(30))
    balance = await accounts.balance(ADA)
    assert (balance.available, balance.held, balance.day_spent, balance.running) == (70, 30, 30, 1)


async def test_what_came_back_can_be_spent_again(accounts, store):
    await stored(store, TaskState.CANCELLED, price=Credits(30))
    balance = await accounts.balance(ADA)
    assert (balance.available, balance.held, balance.day_spent, balance.running) == (100, 0, 0, 0)


async def test_a_new_day_brings_a_new_allowance_within_the_month(accounts, store, clock):
    for day in range(3):
        await stored(store, TaskState.SUCCEEDED, price=Credits(100), created_at=clock.now())
        balance = await accounts.balance(ADA)
        assert (balance.available, balance.month_spent) == (0, 100 * (day + 1))
        clock.advance(DAY)
    # The month's allowance is used up.
    balance = await accounts.balance(ADA)
    assert (balance.available, balance.day_spent, balance.month_spent) == (0, 0, 300)
    assert balance.resets_at == NOW + 31 * DAY
    clock.advance(28 * DAY)
    assert (await accounts.balance(ADA)).available == 100


async def test_the_day_begins_in_the_operators_time_zone(accounts_of, store, clock):
    # Midnight in UTC is eight in the morning in Shanghai: the day there ends at 16:00 UTC.
    accounts = accounts_of(zone="Asia/Shanghai")
    await stored(store, TaskState.SUCCEEDED, price=Credits(100))
    assert (await accounts.balance(ADA)).resets_at == NOW + 16 * HOUR
    clock.advance(16 * HOUR - 1)
    assert (await accounts.balance(ADA)).available == 0
    clock.advance(1)
    assert (await accounts.balance(ADA)).available == 100


async def test_a_plan_without_an_allowance_leaves_what_was_granted(accounts_of, store, grant):
    accounts = accounts_of("none")
    await accounts.touch_user(ADA, "Ada", "ada", "en")
    assert (await accounts.balance(ADA)).available == 0
    await grant(BOSS, "@ada", 50, 7)
    balance = await accounts.balance(ADA)
    assert (balance.available, balance.resets_at, balance.day_limit) == (50, None, None)


async def test_two_requests_at_once_never_spend_the_same_credits(accounts, store):
    """Checking and holding are one transaction."""
    plan = accounts.plan_of(None)
    wishes = [store.tasks.accept(a_task(price=Credits(60)), (), plan, a_window()) for _ in range(5)]
    ends = await asyncio.gather(*wishes, return_exceptions=True)
    assert [end.key for end in ends if isinstance(end, UserError)] == ["error.quota.credits"] * 4
    assert (await accounts.balance(ADA)).available == 40


async def test_a_plan_that_the_settings_no_longer_have_gives_way_to_the_default(accounts):
    ada = await accounts.find("@ada")
    assert accounts.plan_of(ada).name == "free"
    assert accounts.plan_of(None).name == "free"


async def test_the_newest_movements_come_first(accounts, store, clock, grant):
    await grant(BOSS, "@ada", 1, 7)
    clock.advance(HOUR)
    await store.tasks.accept(a_task(created_at=Millis(NOW + HOUR)), (), GENEROUS, a_window())
    await grant(BOSS, "@ada", 2, 8)
    assert [row.kind for row in await accounts.ledger(ADA)] == ["grant", "hold", "grant"]
    assert [row.amount for row in await accounts.ledger(ADA, limit=1)] == [2]


# -- plans --------------------------------------------------------------------------------------------


async def test_an_admin_moves_somebody_to_a_plan_until_a_day(accounts, store, clock, move):
    await move(BOSS, "@ada", "none", "2d")
    assert (await accounts.balance(ADA)).plan == "none"
    assert (await accounts.balance(ADA)).plan_until == NOW + 2 * DAY
    clock.advance(2 * DAY)
    assert (await accounts.balance(ADA)).plan == "free"
    assert (await accounts.balance(ADA)).plan_until is None


async def test_only_admins_move_people_and_only_to_plans_that_there_are(accounts, move):
    await refused("error.admin.only", move(ADA, "@ada", "none"))
    error = await refused("error.access.no_plan", move(BOSS, "@ada", "gold"))
    assert error.params["plans"] == "free, none, pro"


async def test_taking_credits_back_works_once_however_often_its_update_comes(accounts, grant):
    await grant(BOSS, "@ada", 50, 7)
    for _ in range(2):
        await grant(BOSS, "@ada", -50, 8)
    assert (await accounts.balance(ADA)).granted == 0


async def test_takings_at_the_same_time_never_take_more_than_there_is(accounts, grant):
    await grant(BOSS, "@ada", 50, 7)
    ends = await asyncio.gather(
        *(grant(BOSS, "@ada", -50, 8 + number) for number in range(3)), return_exceptions=True
    )
    assert sum(isinstance(end, UserError) for end in ends) == 2
    assert (await accounts.balance(ADA)).granted == 0
