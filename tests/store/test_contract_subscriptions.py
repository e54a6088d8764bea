"""What every engine promises of subscriptions: each month counts once, and ends by itself or with its refund."""

import asyncio

import pytest

from bot.domain.credits.shop import Payment, PaymentState
from bot.domain.credits.subscription import GRACE, PERIOD, MonthlyPlan, Subscription
from bot.domain.units import DAY, Credits, Millis, UserId
from tests.builders import ADA, NOW
from tests.store.steps import TODAY, after

BOSS = UserId(1000)
OFFERED = Subscription("a-token", ADA, MonthlyPlan("pro", "pro", Credits(300), stars=500), NOW)
UNTIL = Millis(NOW + PERIOD)


def a_month(number: int, until: Millis) -> Payment:
    paid_at = Millis(until - PERIOD)
    return Payment(f"stx-{number}", ADA, Credits(300), 500, paid_at, subscription="a-token", paid_until=until)


@pytest.fixture
async def subscribed(store):
    await store.people.save_user(ADA, "Ada", "ada", "en", NOW)
    await store.payments.save_subscription(OFFERED)
    return store


async def plan(store) -> tuple[str | None, Millis | None]:
    user = await store.people.get(ADA)
    return user.subscribed_plan, user.subscribed_until


async def test_an_offer_reads_back_until_it_is_old_and_gives_nothing(subscribed):
    assert await subscribed.payments.get_subscription("a-token") == OFFERED
    assert await subscribed.payments.get_active_subscription(ADA, NOW) is None
    assert await plan(subscribed) == (None, None)
    await subscribed.operations.clean(after(DAY))
    assert await subscribed.payments.get_subscription("a-token") is None


async def test_a_month_counts_once_however_often_it_is_told(subscribed):
    told = await asyncio.gather(*(subscribed.payments.save_payment(a_month(1, UNTIL)) for _ in range(30)))
    assert sum(told) == 1
    current = await subscribed.payments.get_active_subscription(ADA, NOW)
    assert (current.charge_id, current.paid_until, current.renews) == ("stx-1", UNTIL, True)
    assert await plan(subscribed) == ("pro", UNTIL + GRACE)
    assert [(lot.left, lot.expires_at) for lot in await subscribed.credits.list_lots(ADA, NOW)] == [
        (300, UNTIL + GRACE)
    ]
    await subscribed.operations.clean(after(DAY))
    assert await subscribed.payments.get_active_subscription(ADA, NOW) == current


async def test_the_next_month_goes_on_and_keeps_the_first_charge_whatever_the_order(subscribed):
    await subscribed.payments.save_payment(a_month(1, UNTIL))
    await subscribed.payments.save_payment(a_month(3, Millis(UNTIL + 2 * PERIOD)))
    await subscribed.payments.save_payment(a_month(2, Millis(UNTIL + PERIOD)))
    current = await subscribed.payments.get_active_subscription(ADA, NOW)
    assert (current.charge_id, current.paid_until) == ("stx-1", UNTIL + 2 * PERIOD)
    assert await subscribed.payments.get_active_subscription(ADA, Millis(UNTIL + 2 * PERIOD + GRACE)) is None
    assert (await subscribed.payments.get_payment("stx-2")).subscription == "a-token"


async def test_a_month_that_is_given_back_ends_it_and_an_earlier_one_does_not(subscribed):
    await subscribed.payments.save_payment(a_month(1, UNTIL))
    await subscribed.payments.save_payment(a_month(2, Millis(UNTIL + PERIOD)))
    await subscribed.payments.begin_refund("stx-1", BOSS, NOW)
    await subscribed.payments.end_refund("stx-1", BOSS, NOW, done=True)
    assert await subscribed.payments.get_active_subscription(ADA, NOW) is not None
    await subscribed.payments.begin_refund("stx-2", BOSS, NOW)
    ended = await subscribed.payments.end_refund("stx-2", BOSS, NOW, done=True)
    assert (ended.state, ended.taken) == (PaymentState.REFUNDED, 300)
    assert await subscribed.payments.get_active_subscription(ADA, NOW) is None
    assert await plan(subscribed) == ("pro", NOW)
    assert (await subscribed.credits.get_usage(ADA, TODAY)).balance == 0


async def test_what_telegram_does_not_give_back_ends_with_its_month_still(subscribed):
    await subscribed.payments.save_payment(a_month(1, UNTIL))
    await subscribed.payments.begin_refund("stx-1", BOSS, NOW)
    await subscribed.payments.end_refund("stx-1", BOSS, NOW, done=False)
    assert [(lot.left, lot.expires_at) for lot in await subscribed.credits.list_lots(ADA, NOW)] == [
        (300, UNTIL + GRACE)
    ]
    assert await subscribed.payments.get_active_subscription(ADA, NOW) is not None


async def test_whether_it_renews_is_noted_once(subscribed):
    await subscribed.payments.save_payment(a_month(1, UNTIL))
    assert await subscribed.payments.set_renewal("a-token", renews=False)
    assert not await subscribed.payments.set_renewal("a-token", renews=False)
    assert not await subscribed.payments.set_renewal("another", renews=False)
    assert not (await subscribed.payments.get_active_subscription(ADA, NOW)).renews
    await subscribed.payments.save_payment(a_month(2, Millis(UNTIL + PERIOD)))
    assert (await subscribed.payments.get_active_subscription(ADA, NOW)).renews


async def test_a_month_without_credits_books_nothing(subscribed):
    await subscribed.payments.save_payment(
        Payment("stx-1", ADA, Credits(0), 500, NOW, subscription="a-token", paid_until=UNTIL)
    )
    assert await subscribed.credits.list_ledger(ADA) == []
    assert await plan(subscribed) == ("pro", UNTIL + GRACE)


async def test_who_is_forgotten_has_no_subscription_and_the_payment_stays_nameless(subscribed):
    await subscribed.payments.save_payment(a_month(1, UNTIL))
    await subscribed.privacy.forget(ADA, NOW)
    assert await subscribed.payments.get_subscription("a-token") is None
    assert (await subscribed.payments.get_payment("stx-1")).user_id != ADA
