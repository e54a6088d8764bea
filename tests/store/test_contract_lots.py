"""What every engine promises of granted credits that end: spent in order, never twice, never after their end."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.tasks.lifecycle import Accepted, CancelRequested, Claimed, Finished, transition
from bot.domain.tasks.task import LedgerKind, Task
from bot.domain.types import DAY, HOUR, Credits, Millis
from bot.errors import UserError
from bot.store import NotEnough, Store
from tests.builders import (
    ADA,
    ADAS_ACCOUNT,
    GRANTED_ONLY,
    LEASE,
    NOW,
    OFFICIAL,
    a_grant,
    a_task,
    a_video,
    a_window,
)
from tests.store.steps import TODAY, step
from tests.stored import book


def at(day: int) -> Millis:
    return Millis(NOW + day * DAY)


async def balance(store, now: Millis = NOW) -> int:
    return (await store.credits.get_usage(ADA, a_window(now))).balance


async def test_a_grant_can_be_spent_until_its_end_and_not_after(store):
    await book(store, a_grant(50, expires_at=at(2)))
    await book(store, a_grant(7))
    assert [await balance(store, now) for now in (NOW, Millis(at(2) - 1), at(2))] == [57, 57, 7]


async def test_what_ends_first_is_spent_first(store):
    for amount, end in ((10, None), (10, at(9)), (10, at(2))):
        await book(store, a_grant(amount, expires_at=end))
    await store.tasks.accept(a_task(price=Credits(15)), (), GRANTED_ONLY, TODAY)
    assert [(lot.left, lot.expires_at) for lot in await store.credits.list_lots(ADAS_ACCOUNT, NOW)] == [
        (5, at(9)),
        (10, None),
    ]


async def test_a_release_gives_back_to_where_the_hold_took_from(store):
    for end in (at(2), None):
        await book(store, a_grant(10, expires_at=end))
    task = await store.tasks.accept(a_task(price=Credits(15)), (), GRANTED_ONLY, TODAY)
    await step(store, task, CancelRequested(), now=at(3))
    assert await balance(store, at(3)) == 10
    assert [lot.left for lot in await store.credits.list_lots(ADAS_ACCOUNT, NOW)] == [10, 10]


async def test_what_has_ended_cannot_be_held(store):
    await book(store, a_grant(50, expires_at=at(1)))
    with pytest.raises(UserError):
        await store.tasks.accept(
            a_task(created_at=at(1), price=Credits(1)), (), GRANTED_ONLY, a_window(at(1))
        )


async def test_what_has_ended_cannot_be_taken(store):
    await book(store, a_grant(50, expires_at=at(1)))
    with pytest.raises(NotEnough) as raised:
        await book(store, a_grant(-1, kind=LedgerKind.ADJUST, at=at(1)))
    assert raised.value.granted == 0


async def test_of_two_hundred_at_once_the_last_credits_hold_exactly_one(store):
    await book(store, a_grant(10, expires_at=at(1)))
    tasks = [a_task() for _ in range(200)]
    answers = await asyncio.gather(
        *(store.tasks.accept(task, (), GRANTED_ONLY, TODAY) for task in tasks), return_exceptions=True
    )
    assert sum(isinstance(answer, Task) for answer in answers) == 1
    assert sum(isinstance(answer, UserError) for answer in answers) == 199
    assert await balance(store) == 0


@dataclass
class Ledger:
    """The rules in a few lines: lots that are looked at one by one, and what was refunded of each task."""

    lots: list[list] = field(default_factory=list)
    refunds: dict = field(default_factory=dict)
    spent: dict = field(default_factory=dict)

    def balance(self, now: int) -> int:
        return sum(left for left, end in self.lots if end is None or end > now)

    def take(self, amount: int, now: int) -> list | None:
        if amount > self.balance(now):
            return None
        taken = []
        order = [lot for lot in self.lots if lot[1] is None or lot[1] > now]
        for lot in sorted(order, key=lambda lot: (lot[1] is None, lot[1] or 0)):
            part = min(lot[0], amount)
            lot[0] -= part
            amount -= part
            taken.append([lot, part])
        return taken

    def release(self, taken: list) -> None:
        for lot, part in taken:
            lot[0] += part

    def refund(self, task: Task, amount: int | None, key: int) -> int:
        booked = self.refunds.setdefault(task.id, {})
        if key not in booked:
            left = task.price - sum(booked.values())
            booked[key] = left if amount is None else min(amount, left)
            self.give_back(task, booked[key])
        if booked[key] == 0:
            # Nothing was booked, so that the same refund may be asked for again.
            return booked.pop(key)
        return booked[key]

    def give_back(self, task: Task, amount: int) -> None:
        """To where it came from; what can be spent longest comes back first."""
        last = sorted(self.spent[task.id], key=lambda place: (place[0][1] is None, place[0][1] or 0))
        for place in reversed(last):
            lot, part = place
            back = min(part, amount)
            place[1] -= back
            lot[0] += back
            amount -= back


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), st.integers(1, 30), st.one_of(st.none(), st.integers(1, 12))),
        st.tuples(st.just("hold"), st.integers(0, 30), st.none()),
        st.tuples(st.just("adjust"), st.integers(1, 20), st.none()),
        st.tuples(st.sampled_from(["charge", "release"]), st.integers(0, 9), st.none()),
        st.tuples(st.just("wait"), st.integers(1, 4), st.none()),
        st.tuples(st.just("refund"), st.integers(0, 15), st.integers(0, 2)),
        st.tuples(st.just("forget"), st.none(), st.none()),
    ),
    max_size=25,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_store_counts_as_the_rules_do_whatever_happens_in_which_order(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("ledger") / "bot.db"
    # Something can be refunded from the first step on.
    asyncio.run(_compare(path, [("grant", 40, None), ("hold", 10, None), ("charge", 0, None), *steps]))
    with closing(sqlite3.connect(path)) as db:
        wrong = db.execute(
            """
            SELECT ledger.idempotency_key FROM ledger LEFT JOIN ledger_parts USING (idempotency_key)
            GROUP BY ledger.idempotency_key HAVING coalesce(sum(ledger_parts.amount), 0) != ledger.amount - ledger.allowance
            """
        ).fetchall()
        below = db.execute("SELECT lot FROM ledger_parts GROUP BY lot HAVING sum(amount) < 0").fetchall()
        beyond = db.execute(
            """
            SELECT task_id FROM ledger GROUP BY task_id
            HAVING sum(amount) FILTER (WHERE kind IN ('hold', 'release', 'refund')) > 0
            """
        ).fetchall()
    assert (wrong, below, beyond) == ([], [], [])


async def _compare(path, steps) -> None:
    store, rules, now, tasks, charged = await Store.open(str(path)), Ledger(), NOW, [], []
    try:
        for kind, number, end in steps:
            match kind:
                case "grant":
                    expires_at = None if end is None else Millis(now + end * DAY)
                    rules.lots.append([number, expires_at])
                    await book(store, a_grant(number, at=now, counted_at=now, expires_at=expires_at))
                case "hold":
                    taken = rules.take(number, now)
                    task = a_task(price=Credits(number), created_at=now)
                    if taken is None:
                        with pytest.raises(UserError):
                            await store.tasks.accept(task, (), GRANTED_ONLY, a_window(now))
                    else:
                        tasks.append((await store.tasks.accept(task, (), GRANTED_ONLY, a_window(now)), taken))
                case "adjust":
                    row = a_grant(-number, kind=LedgerKind.ADJUST, at=now, counted_at=now)
                    if rules.take(number, now) is None:
                        with pytest.raises(NotEnough):
                            await book(store, row)
                    else:
                        await book(store, row)
                case "wait":
                    now = Millis(now + number * DAY)
                case "refund" if charged:
                    # No number is all that is left; the second number says which refund it is.
                    task = charged[number % len(charged)]
                    amount = rules.refund(task, number or None, end)
                    row = await store.credits.refund(
                        task.id, Credits(number) if number else None, str(end), now
                    )
                    assert (row.amount if row else 0) == amount
                case "forget":
                    # Whoever comes back has what they had, and what was held for what never began.
                    for _, taken in tasks:
                        rules.release(taken)
                    tasks.clear()
                    await store.privacy.forget(ADA, now)
                case "charge" | "release" if tasks:
                    task, taken = tasks.pop(number % len(tasks))
                    await _end(store, task, kind, now)
                    if kind == "release":
                        rules.release(taken)
                    else:
                        charged.append(task)
                        rules.spent[task.id] = taken
            assert await balance(store, now) == rules.balance(now)
    finally:
        await store.close()


async def _end(store, task, kind, now) -> None:
    if kind == "release":
        await store.tasks.apply(transition(task, CancelRequested(), now), now)
        return
    done = (
        Claimed(OFFICIAL, Millis(now + LEASE), Millis(now + HOUR)),
        Accepted("kling-1", now),
        Finished((a_video(),), "1"),
    )
    await step(store, task, *done, now=now)
