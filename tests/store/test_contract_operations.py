"""What the store promises those who run the bot: standings, codes, the log, and who gets a broadcast."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from bot.domain.operations.overrides import Override
from bot.domain.operations.records import AuditRow, BroadcastState
from bot.domain.people.access import Admission, InviteCode, InviteProblem, Role, Standing
from bot.domain.people.moderation import Strike, StrikeSource
from bot.domain.units import DAY, Millis, UserId
from bot.store import InviteRefused, OverrideChanged, StandingChanged
from tests.builders import ADA, NOW, XIAOLIN

BOSS = UserId(1000)


def a_deed(operation: str = "update:1", **changes) -> AuditRow:
    return replace(AuditRow(operation, NOW, BOSS, "ban", str(ADA), "", "loud"), **changes)


def a_code(**changes) -> InviteCode:
    return replace(InviteCode("abc", 3, 0, Millis(NOW + DAY), "pro", BOSS, NOW), **changes)


async def test_of_many_who_change_a_standing_at_once_one_is_first_and_only_its_deed_is_noted(store):
    before = await store.people.get_standing(ADA)
    assert before == Standing(ADA)
    answers = await asyncio.gather(
        *(
            store.people.set_standing(
                replace(before, ban=f"reason {number}"), NOW, a_deed(f"update:{number}")
            )
            for number in range(20)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, StandingChanged) for answer in answers) == 19
    assert len(await store.operations.list_audit(None, 0, 50)) == 1
    assert (await store.people.get_standing(ADA)).version == 1


async def test_owners_are_never_written_down(store):
    await store.people.set_standing(Standing(ADA, role=Role.OWNER), NOW)
    assert await store.people.list_staff() == []
    await store.people.set_standing(replace(await store.people.get_standing(ADA), role=Role.SUPPORT), NOW)
    assert [standing.user_id for standing in await store.people.list_staff()] == [ADA]


async def test_a_code_lets_in_exactly_as_many_as_it_says_also_all_at_once(store):
    for number in range(20):
        await store.people.save_user(UserId(number + 1), "A", None, "en", NOW)
    await store.people.save_invite(a_code(), a_deed())
    answers = await asyncio.gather(
        *(store.people.redeem_invite("abc", UserId(number + 1), NOW) for number in range(20)),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, InviteRefused)]
    assert len(refused) == 17
    assert {answer.problem for answer in refused} == {InviteProblem.USED_UP}
    (code,) = await store.people.list_invites(NOW, 10)
    assert (code.used, code.uses) == (3, 3)
    let_in = next(number for number in range(20) if not isinstance(answers[number], Exception))
    assert await store.people.redeem_invite("abc", UserId(let_in + 1), NOW) is None
    assert (await store.people.get_standing(UserId(let_in + 1))).admission is Admission.ALLOWED
    assert (await store.people.get(UserId(let_in + 1))).plan == "pro"


async def test_a_revoked_code_has_ended(store):
    await store.people.save_invite(a_code(), a_deed())
    assert await store.people.revoke_invite("abc", NOW, a_deed("update:2", action="revoke"))
    assert not await store.people.revoke_invite("abc", NOW, a_deed("update:3", action="revoke"))
    with pytest.raises(InviteRefused):
        await store.people.redeem_invite("abc", ADA, NOW)
    assert [row.action for row in await store.operations.list_audit(None, 0, 9)] == ["revoke", "ban"]


async def test_the_log_notes_a_deed_once_and_lets_nobody_change_it(store):
    await store.operations.save_audit_row(a_deed())
    await store.operations.save_audit_row(a_deed(after="something else"))
    assert await store.operations.list_audit(str(ADA), 0, 9) == [a_deed()]
    with closing(sqlite3.connect(store.engine.path)) as db:
        for statement in ("UPDATE audit SET actor_id = 7", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)


async def test_a_broadcast_goes_to_those_it_is_for_in_order(store):
    people = {1: ("free", "en"), 2: ("pro", "en"), 3: ("pro", "zh-hans"), 4: ("pro", "en"), 5: ("pro", "en")}
    for number, (plan, language) in people.items():
        await store.people.save_user(UserId(number), "A", None, language, NOW, opens_chat=True)
        await store.people.set_plan(UserId(number), plan, None)
    await store.people.set_standing(Standing(UserId(4), ban="loud"), NOW)
    await store.people.set_standing(Standing(UserId(5), reachable=False), NOW)
    found = await store.operations.get_broadcast(await store.operations.add_broadcast("news", BOSS, NOW))

    async def ids(**changes) -> list[int]:
        users = await store.people.list_audience(replace(found, **changes), "free", NOW, 10)
        return [user.id for user in users]

    assert await ids() == [1, 2, 3]
    assert await ids(plan="pro") == [2, 3]
    assert await ids(language="zh_Hans") == [3]
    assert await ids(reached=UserId(1)) == [2, 3]
    assert await store.people.count_audience(replace(found, plan="pro", language="en"), "free", NOW) == 1
    sending = replace(found, state=BroadcastState.SENDING)
    assert await store.operations.update_broadcast(sending, BroadcastState.DRAFT)
    assert not await store.operations.update_broadcast(sending, BroadcastState.DRAFT)
    assert (await store.operations.get_sending_broadcast()).id == found.id


async def test_a_private_chat_is_open_once_a_person_writes_there_and_until_a_message_is_refused(store):
    broadcast = await store.operations.get_broadcast(await store.operations.add_broadcast("news", BOSS, NOW))

    async def is_open() -> bool | None:
        user = await store.people.get(ADA)
        assert await store.people.count_audience(broadcast, "free", NOW) == (user.chat_open is not False)
        return user.chat_open

    assert (await store.people.save_user(ADA, "Ada", None, "en", NOW)).chat_open is False
    assert await is_open() is False
    assert (await store.people.save_user(ADA, "Ada", None, "en", NOW, opens_chat=True)).chat_open is True
    await store.people.save_user(ADA, "Ada", None, "en", NOW)
    assert await is_open() is True
    await store.people.set_chat_open(ADA, False, NOW)
    assert await is_open() is False
    await store.people.set_chat_open(XIAOLIN, True, NOW)
    assert await store.people.get(XIAOLIN) is None


async def test_a_refusal_is_kept_once_and_counted_within_its_window(store):
    strike = Strike(ADA, NOW, StrikeSource.WORDS, "en:x", "x", "words:update:1")
    assert await store.people.save_strike(strike)
    assert not await store.people.save_strike(strike)
    await store.people.save_strike(replace(strike, at=Millis(NOW - DAY), operation_id="words:update:0"))
    await store.people.save_strike(replace(strike, user_id=XIAOLIN, operation_id="words:update:2"))
    assert await store.people.count_strikes(ADA, Millis(NOW - 1)) == 1
    assert [found.at for found in await store.people.list_strikes(ADA, 9)] == [NOW, NOW - DAY]
    assert len(await store.people.list_strikes(None, 9)) == 3


def an_override(version: int, value: str | None) -> Override:
    return Override("access.notice", value, version, BOSS, NOW)


async def test_an_override_takes_the_place_of_the_version_that_was_read_and_of_no_other(store):
    await store.operations.swap_overrides([an_override(1, "a")], a_deed("update:1"))
    for version in (1, 3):
        with pytest.raises(OverrideChanged):
            await store.operations.swap_overrides([an_override(version, "b")], a_deed("update:2"))
    await store.operations.swap_overrides([an_override(2, None)], a_deed("update:4"))
    assert await store.operations.list_overrides() == [an_override(2, None)]
    noted = await store.operations.list_audit(None, 0, 10)
    assert [row.operation_id for row in noted] == ["update:4", "update:1"]


async def test_of_many_who_override_a_setting_at_once_each_sees_what_the_others_did(store):
    async def add(number: int) -> None:
        while True:
            before = await store.operations.list_overrides() or [an_override(0, "")]
            after = an_override(before[0].version + 1, f"{before[0].value}{number},")
            try:
                await store.operations.swap_overrides([after], a_deed(f"update:{number}"))
            except OverrideChanged:
                continue
            return

    await asyncio.gather(*(add(number) for number in range(20)))
    (kept,) = await store.operations.list_overrides()
    assert sorted(map(int, kept.value.rstrip(",").split(","))) == list(range(20))
    assert kept.version == len(await store.operations.list_audit(None, 0, 50)) == 20
