"""Whatever happens to bought credits before, while and after their Stars are given back: nobody has both."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.domain.credits.shop import GRACE, Payment, PaymentState, charge_of
from bot.domain.tasks.lifecycle import CancelRequested
from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import DAY, Credits, UserId
from bot.errors import UserError
from bot.store import Store
from tests.builders import ADA, ADAS_ACCOUNT, GRANTED_ONLY, NOW, a_grant, a_task, path_to
from tests.store.steps import TODAY, after, step
from tests.stored import book

BOSS = UserId(1000)
PAYMENT = Payment("stx-1", ADAS_ACCOUNT, Credits(100), 150, NOW)


async def hold(store: Store, price: int) -> Task:
    return await store.tasks.accept(a_task(price=Credits(price)), (), GRANTED_ONLY, TODAY)


async def balance(store: Store) -> int:
    return (await store.credits.get_usage(ADA, TODAY)).balance


async def give_back_stars(store: Store, how: str) -> None:
    if how == "told by Telegram":
        await store.payments.take_back("stx-1", ADAS_ACCOUNT, 150, NOW)
        return
    await store.payments.begin_refund("stx-1", BOSS, NOW)
    if how == "by an admin":
        await store.payments.end_refund("stx-1", BOSS, NOW, done=True)


WAYS = pytest.mark.parametrize("how", ["told by Telegram", "by an admin", "not answered yet"])


@WAYS
async def test_what_a_task_held_is_taken_back_when_it_is_cancelled(store, how):
    await book(store, a_grant(7))
    await store.payments.save_payment(PAYMENT)
    tasks = [await hold(store, 60), await hold(store, 47)]
    await give_back_stars(store, how)
    assert (await store.payments.get_payment("stx-1")).taken == 0
    for task in tasks:
        await step(store, task, CancelRequested())
    # What was given is theirs still.
    assert (await balance(store), (await store.payments.get_payment("stx-1")).taken) == (7, 100)


@WAYS
@pytest.mark.parametrize("first", ["the Stars", "the task"])
async def test_what_a_task_cost_is_given_back_once_in_stars_or_credits(store, how, first):
    await store.payments.save_payment(PAYMENT)
    task = await step(store, await hold(store, 100), *path_to(TaskState.SUCCEEDED))
    if first == "the Stars":
        await give_back_stars(store, how)
    row = await store.credits.refund(task.id, None, "all", NOW)
    if first == "the task":
        assert (await balance(store), row.amount) == (100, 100)
        await give_back_stars(store, how)
    assert (await balance(store), (await store.payments.get_payment("stx-1")).taken) == (0, 100)


async def test_what_came_back_while_telegram_thought_is_theirs_again_if_it_refuses(store):
    await store.payments.save_payment(PAYMENT)
    task = await hold(store, 70)
    await store.payments.begin_refund("stx-1", BOSS, NOW)
    await step(store, task, CancelRequested())
    assert await balance(store) == 0
    undone = await store.payments.end_refund("stx-1", BOSS, NOW, done=False)
    assert (undone.state, undone.taken, await balance(store)) == (PaymentState.PAID, 0, 100)
    # And a second refund finds them, held once more.
    task = await hold(store, 100)
    await give_back_stars(store, "told by Telegram")
    await step(store, task, CancelRequested())
    assert await balance(store) == 0


async def test_a_refund_of_a_task_ends_when_what_paid_for_it_does(store):
    month = replace(PAYMENT, paid_until=after(DAY))
    await store.payments.save_payment(month)
    await book(store, a_grant(20))
    task = await step(store, await hold(store, 110), *path_to(TaskState.SUCCEEDED))
    await store.credits.refund(task.id, Credits(30), "0", NOW)
    # What can be spent longest comes back first.
    assert [(lot.left, lot.expires_at) for lot in await store.credits.list_lots(ADAS_ACCOUNT, NOW)] == [
        (20, after(DAY + GRACE)),
        (20, None),
    ]


async def test_the_stars_of_somebody_forgotten_take_no_more_than_they_have_left(store):
    await store.people.save_user(ADA, "Ada", "ada", "en", NOW)
    await store.payments.save_payment(PAYMENT)
    await store.privacy.forget(ADA, NOW)
    await hold(store, 80)
    refund = await store.payments.take_back("stx-1", ADAS_ACCOUNT, 150, NOW)
    assert (refund.payment.taken, await balance(store)) == (20, 0)


@pytest.mark.parametrize(
    ("lot", "charge"),
    [
        ("stars:stx-1", "stx-1"),
        ("stars:stx-1:undone:12", "stx-1"),
        ("stars:a:b", "a:b"),
        ("grant:1", None),
        ("task:01:refund:stars:x", None),
        ("stars:", None),
    ],
)
def test_the_payment_of_a_lot_is_read_off_its_name(lot, charge):
    assert charge_of(lot) == charge


@given(st.text(min_size=1), st.integers(0, 12))
def test_every_lot_of_a_payment_names_it(charge, refunds):
    payment = replace(PAYMENT, charge_id=f"stx-{charge}", refunds=refunds)
    assert {charge_of(lot) for lot in payment.lots} == {payment.charge_id}
    assert len(set(payment.lots)) == refunds + 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("gift"), st.integers(1, 20)),
        st.tuples(st.just("hold"), st.integers(1, 120)),
        st.tuples(st.sampled_from(["release", "charge"]), st.integers(0, 9)),
        st.tuples(st.just("refund of a task"), st.integers(0, 40)),
        st.tuples(
            st.sampled_from(["buy", "begin", "done", "undone", "told"]),
            st.integers(0, 1),
        ),
        st.tuples(st.just("forget"), st.just(0)),
    ),
    max_size=20,
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("hold", 100), ("told", 0), ("release", 0)])
@example([("hold", 100), ("charge", 0), ("refund of a task", 0), ("told", 0)])
@example(
    [("hold", 90), ("begin", 0), ("release", 0), ("undone", 0), ("hold", 100), ("told", 0), ("release", 0)]
)
@example([("forget", 0), ("hold", 80), ("begin", 0), ("release", 0), ("undone", 0), ("told", 0)])
@given(steps=STEPS)
def test_nobody_ever_has_both_the_credits_and_their_stars(tmp_path_factory, steps):
    path = str(tmp_path_factory.mktemp("purchases") / "bot.db")
    asyncio.run(_live(path, [("buy", 0), *steps]))


async def _live(path: str, steps: list[tuple[str, int]]) -> None:
    store = await Store.open(path)
    waiting: list[Task] = []
    made: list[Task] = []
    given, keys = 0, count()
    try:
        for kind, number in steps:
            charge = f"stx-{number}"
            match kind:
                case "gift":
                    given += number
                    await book(store, a_grant(number))
                case "hold":
                    before = await balance(store)
                    try:
                        waiting.append(await hold(store, number))
                    except UserError:
                        assert before < number
                case "release" if waiting:
                    await step(store, waiting.pop(number % len(waiting)), CancelRequested())
                case "charge" if waiting:
                    task = waiting.pop(number % len(waiting))
                    made.append(await step(store, task, *path_to(TaskState.SUCCEEDED)))
                case "refund of a task" if made:
                    amount = Credits(number) if number else None
                    await store.credits.refund(made[number % len(made)].id, amount, str(next(keys)), NOW)
                case "buy":
                    await store.payments.save_payment(replace(PAYMENT, charge_id=charge))
                case "begin":
                    await store.payments.begin_refund(charge, BOSS, NOW)
                case "done" | "undone":
                    await store.payments.end_refund(charge, BOSS, NOW, done=kind == "done")
                case "told" if await store.payments.get_payment(charge) is not None:
                    await store.payments.take_back(charge, ADAS_ACCOUNT, 150, NOW)
                case "forget":
                    await store.privacy.forget(ADA, NOW)
                    waiting.clear()
            check(path, await balance(store), given)
        for task in waiting:
            await step(store, task, CancelRequested())
        check(path, await balance(store), given)
        # With every task refunded and all Stars given back, what is left is what was given.
        for task in made:
            await store.credits.refund(task.id, None, "all", NOW)
        for charge in ("stx-0", "stx-1"):
            if await store.payments.get_payment(charge) is not None:
                refund = await store.payments.take_back(charge, ADAS_ACCOUNT, 150, NOW)
                assert refund.payment.taken == refund.payment.credits
        assert await balance(store) == given
        check(path, given, given)
    finally:
        await store.close()


def check(path: str, balance: int, given: int) -> None:
    """What holds at every moment, read off the file."""
    with closing(sqlite3.connect(path)) as db:
        payments = db.execute("SELECT charge_id, state, credits, taken FROM payments").fetchall()
        parts = db.execute(
            """
            SELECT lot, ledger.task_id IS NOT NULL, ledger_parts.amount
            FROM ledger_parts JOIN ledger USING (idempotency_key)
            """
        ).fetchall()
        (drift,) = db.execute(
            """
            SELECT (SELECT sum(amount - allowance) FROM ledger) - (SELECT sum(amount) FROM ledger_parts)
            """
        ).fetchone()
        beyond = db.execute(
            "SELECT task_id FROM ledger WHERE task_id IS NOT NULL GROUP BY task_id HAVING sum(amount) > 0"
        ).fetchall()
    lots: dict[str, int] = {}
    for lot, _, amount in parts:
        lots[lot] = lots.get(lot, 0) + amount
    assert (drift, beyond, [lot for lot, left in lots.items() if left < 0]) == (0, [], [])
    assert balance == sum(lots.values()) >= 0
    bought = 0
    for charge, state, credits, taken in payments:
        left = sum(amount for lot, amount in lots.items() if charge_of(lot) == charge)
        spent = -sum(amount for lot, of_task, amount in parts if charge_of(lot) == charge and of_task)
        assert left + spent == credits - taken
        assert left == 0 or state == PaymentState.PAID
        bought += credits if state == PaymentState.PAID else 0
    assert balance <= given + bought
