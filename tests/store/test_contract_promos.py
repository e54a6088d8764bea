"""What the store promises of promo codes: once per person, never more than they are for, all of it or nothing."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.credits.promos import PromoCode, PromoProblem, Redeemed, problem_with
from bot.domain.tasks.task import LedgerKind
from bot.domain.types import DAY, AccountId, Credits, Millis, UserId
from bot.store import PromoRefused, Store
from bot.store.promos import add_promo, revoke_promo
from tests.builders import ADA, NOW, XIAOLIN, a_grant
from tests.stored import book


def a_promo(**changes) -> PromoCode:
    return replace(PromoCode("spring", Credits(50), 3, 0, Millis(NOW + DAY), None, NOW), **changes)


async def add(store: Store, **changes) -> None:
    await store.engine.write(lambda tx: add_promo(tx, a_promo(**changes)))
    for person in (ADA, XIAOLIN):
        await store.people.save_user(person, "Name", None, "en", NOW)


async def refused(doing) -> PromoProblem:
    with pytest.raises(PromoRefused) as raised:
        await doing
    return raised.value.problem


async def granted(store: Store, person: UserId, now: int = NOW) -> int:
    return sum(lot.left for lot in await store.credits.list_lots(AccountId.of_person(person), Millis(now)))


async def used(store: Store) -> int:
    (promo,) = await store.promos.list_valid(NOW, 9)
    return promo.used


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"used": 3}, PromoProblem.USED_UP),
        ({"ends_at": NOW}, PromoProblem.ENDED),
        (None, PromoProblem.UNKNOWN),
    ],
)
def test_a_code_says_why_it_gives_nothing(changes, problem):
    assert problem_with(None if changes is None else a_promo(**changes), NOW) is problem


async def test_a_code_gives_its_credits_once_per_person(store):
    await add(store)
    assert await store.promos.redeem("spring", ADA, NOW, "update:1") == Redeemed(Credits(50), None)
    assert await refused(store.promos.redeem("spring", ADA, NOW, "update:2")) is PromoProblem.REDEEMED
    assert await granted(store, ADA) == 50
    assert await used(store) == 1
    (row,) = await store.credits.list_ledger(ADA)
    assert (row.kind, row.amount, row.note) == (LedgerKind.GRANT, 50, "spring")


async def test_the_same_update_gets_the_same_answer_again_and_nothing_more(store):
    await add(store, days=7)
    first = await store.promos.redeem("spring", ADA, NOW, "update:1")
    later = Millis(NOW + 2 * DAY)
    assert await store.promos.redeem("spring", ADA, later, "update:1") == first
    assert first == Redeemed(Credits(50), Millis(NOW + 7 * DAY))
    assert await granted(store, ADA) == 50
    assert await granted(store, ADA, NOW + 7 * DAY) == 0
    assert await used(store) == 1


async def test_never_more_people_than_it_is_for_also_all_at_once(store):
    await add(store)
    answers = await asyncio.gather(
        *(store.promos.redeem("spring", UserId(number + 1), NOW, f"update:{number}") for number in range(20)),
        return_exceptions=True,
    )
    losers = [answer for answer in answers if isinstance(answer, PromoRefused)]
    assert len(losers) == 17
    assert {answer.problem for answer in losers} == {PromoProblem.USED_UP}
    assert sum([await granted(store, UserId(number + 1)) for number in range(20)]) == 150
    assert await used(store) == 3


async def test_one_person_all_at_once_gets_it_once(store):
    await add(store)
    answers = await asyncio.gather(
        *(store.promos.redeem("spring", ADA, NOW, f"update:{number}") for number in range(9)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Redeemed) for answer in answers) == 1
    assert await granted(store, ADA) == 50
    assert await used(store) == 1


async def test_a_code_that_ended_or_was_revoked_gives_nothing_and_leaves_what_it_gave(store):
    await add(store)
    assert (
        await refused(store.promos.redeem("spring", ADA, Millis(NOW + DAY), "update:1")) is PromoProblem.ENDED
    )
    await store.promos.redeem("spring", ADA, NOW, "update:2")
    revokes = [await store.engine.write(lambda tx: revoke_promo(tx, "spring", NOW)) for _ in range(2)]
    assert revokes == [True, False]
    assert await refused(store.promos.redeem("spring", XIAOLIN, NOW, "update:3")) is PromoProblem.ENDED
    assert await refused(store.promos.redeem("winter", XIAOLIN, NOW, "update:4")) is PromoProblem.UNKNOWN
    assert await granted(store, ADA) == 50
    assert await granted(store, XIAOLIN) == 0
    assert await store.promos.list_valid(NOW, 9) == []


async def test_what_cannot_be_booked_is_not_counted_either(store):
    """The booking of the first use is in the way, as after a fault: nothing of the redemption stays."""
    await add(store)
    taken = a_grant(1, account=AccountId.of_person(XIAOLIN), idempotency_key="promo:spring:1:grant")
    await book(store, taken)
    with pytest.raises(Exception, match="UNIQUE"):
        await store.promos.redeem("spring", ADA, NOW, "update:1")
    assert await used(store) == 0
    assert await granted(store, ADA) == 0


async def test_a_forgotten_person_leaves_no_name_and_redeems_nothing_again(store):
    await add(store)
    await store.promos.redeem("spring", ADA, NOW, "update:1")
    assert (await store.privacy.export(ADA))["promo_codes"] == [{"code": "spring", "at": NOW}]
    await store.privacy.forget(ADA, NOW)
    uses = await store.engine.read(lambda tx: tx.values("SELECT user_id FROM promo_uses"))
    assert uses != [ADA]
    assert len(uses) == 1
    keys = await store.engine.read(lambda tx: tx.values("SELECT idempotency_key FROM ledger"))
    assert not [key for key in keys if str(ADA) in key]
    await store.people.save_user(ADA, "Ada", None, "en", NOW)
    assert await refused(store.promos.redeem("spring", ADA, NOW, "update:2")) is PromoProblem.REDEEMED
