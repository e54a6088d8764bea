"""What every engine promises of what is bought for Stars: once or every month."""

import asyncio
import sqlite3

import pytest

from bot.domain.credits.shop import (
    GRACE,
    PERIOD,
    MonthlyPlan,
    Offer,
    Package,
    Payment,
    PaymentState,
    Subscription,
)
from bot.domain.tasks.lifecycle import CancelRequested
from bot.domain.tasks.task import LedgerKind
from bot.domain.types import DAY, AccountKind, Credits, Millis, UserId
from tests.builders import ADA, ADAS_ACCOUNT, GRANTED_ONLY, NOW, a_grant, a_task
from tests.store.steps import TODAY, after, step
from tests.stored import book

BOSS = UserId(1000)
SMALL = Package("small", Credits(100), 150)
PAYMENT = Payment("stx-1", ADAS_ACCOUNT, Credits(100), 150, NOW)


async def balance(store) -> int:
    return (await store.credits.get_usage(ADA, TODAY)).balance


async def kinds(store) -> list[tuple[LedgerKind, int]]:
    return [(row.kind, row.amount) for row in reversed(await store.credits.list_ledger(ADA))]


async def test_an_offer_reads_back_until_it_is_old(store):
    offer = Offer("a-token", ADA, SMALL, NOW)
    await store.payments.save_offer(offer)
    assert (await store.payments.get_offer("a-token"), await store.payments.get_offer("another")) == (
        offer,
        None,
    )
    await store.operations.clean(after(DAY))
    assert await store.payments.get_offer("a-token") is None


async def test_a_payment_is_credited_once_however_often_it_is_told(store):
    told = await asyncio.gather(*(store.payments.save_payment(PAYMENT) for _ in range(50)))
    assert (sum(told), await balance(store), await store.payments.get_payment("stx-1")) == (1, 100, PAYMENT)


async def test_a_payment_that_nobody_understands_is_kept_without_credits(store):
    assert await store.payments.save_payment(Payment("stx-2", ADAS_ACCOUNT, Credits(0), 7, NOW))
    assert (await balance(store), await store.credits.list_ledger(ADA)) == (0, [])


async def test_a_payment_survives_in_both_places_or_in_none(store, open_store):
    await book(store, a_grant(1, idempotency_key=PAYMENT.idempotency_key))
    with pytest.raises(sqlite3.IntegrityError):
        await store.payments.save_payment(PAYMENT)
    assert (await store.payments.get_payment("stx-1"), await balance(await open_store())) == (None, 1)


async def test_a_refund_takes_the_credits_back_once(store):
    await store.payments.save_payment(PAYMENT)
    begun = await asyncio.gather(*(store.payments.begin_refund("stx-1", BOSS, NOW) for _ in range(20)))
    assert {payment.taken for payment in begun} == {100}
    assert (await balance(store), begun[0].state) == (0, PaymentState.REFUNDING)
    ended = [await store.payments.end_refund("stx-1", BOSS, NOW, done=True) for _ in range(2)]
    assert [payment and payment.state for payment in ended] == [PaymentState.REFUNDED, None]
    assert await kinds(store) == [(LedgerKind.PURCHASE, 100), (LedgerKind.REFUND, -100)]


async def test_a_refund_takes_no_more_than_is_left(store):
    await store.payments.save_payment(PAYMENT)
    await store.tasks.accept(a_task(price=Credits(70)), (), GRANTED_ONLY, TODAY)
    begun = await store.payments.begin_refund("stx-1", BOSS, NOW)
    assert (begun.taken, await balance(store)) == (30, 0)


async def test_a_refund_takes_what_was_bought_before_what_was_given(store):
    await book(store, a_grant(10, expires_at=after(DAY), idempotency_key="a-gift"))
    await store.payments.save_payment(PAYMENT)
    await store.payments.begin_refund("stx-1", BOSS, NOW)
    assert [(lot.id, lot.left) for lot in await store.credits.list_lots(ADAS_ACCOUNT, NOW)] == [
        ("a-gift", 10)
    ]


async def test_what_telegram_refunded_is_taken_back_once_however_often_it_is_told(store):
    await store.payments.save_payment(PAYMENT)
    await store.tasks.accept(a_task(price=Credits(70)), (), GRANTED_ONLY, TODAY)
    await book(store, a_grant(10, idempotency_key="a-gift"))
    told = await asyncio.gather(
        *(store.payments.take_back("stx-1", ADAS_ACCOUNT, 150, NOW) for _ in range(20))
    )
    assert [refund.before for refund in told if refund.is_news] == [PaymentState.PAID]
    assert {(refund.payment.state, refund.payment.taken) for refund in told} == {(PaymentState.REFUNDED, 30)}
    assert await balance(store) == 10


@pytest.mark.parametrize("settles", ["before the report", "after it"])
async def test_what_a_task_held_of_a_refunded_purchase_is_taken_when_it_comes_back(store, settles):
    await store.payments.save_payment(PAYMENT)
    await book(store, a_grant(10, idempotency_key="a-gift"))
    held = await store.tasks.accept(a_task(price=Credits(70)), (), GRANTED_ONLY, TODAY)
    assert (await store.payments.begin_refund("stx-1", BOSS, NOW)).taken == 40
    if settles == "before the report":
        await step(store, held, CancelRequested())
    await store.payments.take_back("stx-1", ADAS_ACCOUNT, 150, NOW)
    if settles == "after it":
        await step(store, held, CancelRequested())
    assert ((await store.payments.get_payment("stx-1")).taken, await balance(store)) == (100, 10)


async def test_a_report_finishes_what_an_admin_began_also_on_a_second_try(store):
    await store.payments.save_payment(PAYMENT)
    await store.payments.begin_refund("stx-1", BOSS, NOW)
    await store.payments.end_refund("stx-1", BOSS, NOW, done=False)
    assert (await store.payments.begin_refund("stx-1", BOSS, NOW)).taken == 100
    refund = await store.payments.take_back("stx-1", ADAS_ACCOUNT, 150, NOW)
    assert (refund.before, refund.actor, refund.payment.taken) == (PaymentState.REFUNDING, BOSS, 100)
    assert await store.payments.end_refund("stx-1", BOSS, NOW, done=True) is None
    assert await balance(store) == 0


async def test_a_payment_that_is_told_after_its_refund_credits_nothing(store):
    told = [await store.payments.take_back("stx-1", ADAS_ACCOUNT, 150, NOW) for _ in range(2)]
    assert [(refund.before, refund.is_news) for refund in told] == [
        (None, True),
        (PaymentState.REFUNDED, False),
    ]
    assert not await store.payments.save_payment(PAYMENT)
    assert (await balance(store), await kinds(store)) == (0, [])


async def test_what_telegram_does_not_give_back_leaves_the_credits_and_can_be_tried_again(store):
    await store.payments.save_payment(PAYMENT)
    for _ in range(2):
        await store.payments.begin_refund("stx-1", BOSS, NOW)
        undone = await store.payments.end_refund("stx-1", BOSS, NOW, done=False)
        assert (undone.state, undone.taken, await balance(store)) == (PaymentState.PAID, 0, 100)


async def test_there_is_no_refund_of_what_was_never_paid(store):
    assert await store.payments.begin_refund("stx-9", BOSS, NOW) is None
    assert await store.payments.end_refund("stx-9", BOSS, NOW, done=True) is None


OFFERED = Subscription("a-token", ADA, MonthlyPlan("pro", "pro", Credits(300), stars=500), NOW)
UNTIL = Millis(NOW + PERIOD)


def a_month(number: int, until: Millis) -> Payment:
    paid_at = Millis(until - PERIOD)
    return Payment(
        f"stx-{number}", ADAS_ACCOUNT, Credits(300), 500, paid_at, subscription="a-token", paid_until=until
    )


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
    assert [(lot.left, lot.expires_at) for lot in await subscribed.credits.list_lots(ADAS_ACCOUNT, NOW)] == [
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
    end = UNTIL + 2 * PERIOD + GRACE
    assert await subscribed.payments.get_active_subscription(ADA, Millis(end - 1)) == current
    assert await subscribed.payments.get_active_subscription(ADA, Millis(end)) is None
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
    assert [(lot.left, lot.expires_at) for lot in await subscribed.credits.list_lots(ADAS_ACCOUNT, NOW)] == [
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
        Payment("stx-1", ADAS_ACCOUNT, Credits(0), 500, NOW, subscription="a-token", paid_until=UNTIL)
    )
    assert await subscribed.credits.list_ledger(ADA) == []
    assert await plan(subscribed) == ("pro", UNTIL + GRACE)


async def test_who_is_forgotten_has_no_subscription_and_the_payment_stays_nameless(subscribed):
    await subscribed.payments.save_payment(a_month(1, UNTIL))
    await subscribed.privacy.forget(ADA, NOW)
    assert await subscribed.payments.get_subscription("a-token") is None
    assert (await subscribed.payments.get_payment("stx-1")).account.kind is AccountKind.FORGOTTEN
