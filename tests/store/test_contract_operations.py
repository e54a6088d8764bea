"""What the store promises those who run the bot: standings, codes, the log, and who gets a broadcast."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from bot.domain.operations.overrides import Override
from bot.domain.operations.records import (
    AuditRow,
    BroadcastContent,
    BroadcastLink,
    BroadcastMedia,
    BroadcastState,
    PersonNotice,
)
from bot.domain.people.access import Admission, InviteCode, InviteProblem, Membership, Role
from bot.domain.people.moderation import Strike, StrikeSource
from bot.domain.types import DAY, HOUR, MINUTE, Millis, UserId
from bot.errors import UserError
from bot.store import InviteRefused, OverrideChanged, StandingChanged, Store, Transaction
from bot.store.people import add_invite, get_standing, revoke_invite, set_plan, set_standing
from tests.builders import ADA, LEASE, NOW, XIAOLIN

BOSS = UserId(1000)


def a_deed(operation: str = "update:1", **changes) -> AuditRow:
    return replace(AuditRow(operation, NOW, BOSS, "ban", str(ADA), "", "loud"), **changes)


def a_code(**changes) -> InviteCode:
    return replace(InviteCode("abc", 3, 0, Millis(NOW + DAY), "pro", BOSS, NOW), **changes)


async def add_code(store: Store) -> None:
    def change(tx: Transaction) -> tuple[str, str]:
        add_invite(tx, a_code())
        return "", "3"

    assert await store.notices.commit(a_deed(action="invite", subject="abc"), change, None)


async def test_of_many_who_change_a_standing_at_once_one_is_first(store):
    before = await store.people.get_standing(ADA)
    assert before == Membership(ADA)
    answers = await asyncio.gather(
        *(store.people.set_standing(replace(before, ban=f"reason {number}"), NOW) for number in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, StandingChanged) for answer in answers) == 19
    assert (await store.people.get_standing(ADA)).version == 1


# -- what admins do, and its notices -------------------------------------------------------------------


def a_notice(**changes) -> PersonNotice:
    return replace(PersonNotice(ADA, "account.granted", {"credits": 50}, BOSS), **changes)


def banning(reason: str):
    def change(tx: Transaction) -> tuple[str, str] | None:
        before = get_standing(tx, ADA)
        if before.ban == reason:
            return None
        set_standing(tx, replace(before, ban=reason), NOW)
        return before.ban or "", reason

    return change


async def commit(store: Store, operation: str, reason: str, notice: PersonNotice | None = None) -> bool:
    return await store.notices.commit(a_deed(operation), banning(reason), notice)


async def test_what_is_changed_is_noted_and_told_in_one_transaction_and_once(store):
    assert await commit(store, "update:1", "loud", a_notice())
    assert not await commit(store, "update:1", "louder", a_notice())
    assert not await commit(store, "update:2", "loud", a_notice())
    assert await commit(store, "update:3", "loudest")
    assert (await store.people.get_standing(ADA)).ban == "loudest"
    log = await store.operations.list_audit(None, 0, 9)
    assert [(row.idempotency_key, row.before, row.after) for row in log] == [
        ("update:3", "loud", "loudest"),
        ("update:1", "", "loud"),
    ]
    (due,) = await store.notices.claim(NOW, LEASE, 10)
    assert (due.attempts, due.notice) == (1, a_notice())


async def test_a_change_that_is_refused_leaves_nothing(store):
    def change(tx: Transaction) -> tuple[str, str]:
        banning("loud")(tx)
        raise UserError("error.access.outranked", name="Ada")

    with pytest.raises(UserError):
        await store.notices.commit(a_deed(), change, a_notice())
    assert await store.people.get_standing(ADA) == Membership(ADA)
    assert await store.operations.list_audit(None, 0, 9) == []
    assert await store.notices.claim(NOW, LEASE, 10) == []


async def test_of_many_who_do_the_same_at_once_one_does_it(store):
    answers = await asyncio.gather(*(commit(store, "update:1", "loud", a_notice()) for _ in range(20)))
    assert sum(answers) == 1
    assert len(await store.notices.claim(NOW, LEASE, 10)) == 1


async def test_a_notice_is_claimed_by_one_and_due_again_after_its_lease(store):
    for number in range(5):
        await commit(store, f"update:{number}", f"reason {number}", a_notice())
    claims = await asyncio.gather(*(store.notices.claim(NOW, LEASE, 2) for _ in range(4)))
    assert sorted(due.id for claim in claims for due in claim) == [1, 2, 3, 4, 5]
    assert await store.notices.claim(Millis(NOW + LEASE - 1), LEASE, 10) == []
    await store.notices.end(1)
    await store.notices.postpone(2, Millis(NOW + 2 * LEASE))
    again = await store.notices.claim(Millis(NOW + LEASE), LEASE, 10)
    assert [(due.id, due.attempts) for due in again] == [(3, 2), (4, 2), (5, 2)]
    # What was surely not sent counts as no attempt.
    later = await store.notices.claim(Millis(NOW + 3 * LEASE), LEASE, 10)
    assert [(due.id, due.attempts) for due in later] == [(2, 1), (3, 3), (4, 3), (5, 3)]


async def test_owners_are_never_written_down(store):
    await store.people.set_standing(Membership(ADA, role=Role.OWNER), NOW)
    assert await store.people.list_staff() == []
    await store.people.set_standing(replace(await store.people.get_standing(ADA), role=Role.SUPPORT), NOW)
    assert [membership.user_id for membership in await store.people.list_staff()] == [ADA]


async def test_a_code_lets_in_exactly_as_many_as_it_says_also_all_at_once(store):
    for number in range(20):
        await store.people.save_user(UserId(number + 1), "A", None, "en", NOW)
    await add_code(store)
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
    await add_code(store)
    assert await store.people.get_invite_of("update:1") == a_code()
    assert await store.people.get_invite_of("update:2") is None
    revokes = [await store.engine.write(lambda tx: revoke_invite(tx, "abc", NOW)) for _ in range(2)]
    assert revokes == [True, False]
    with pytest.raises(InviteRefused):
        await store.people.redeem_invite("abc", ADA, NOW)


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
        await store.engine.write(lambda tx, each=number, plan=plan: set_plan(tx, UserId(each), plan, None))
    await store.people.set_standing(Membership(UserId(4), ban="loud"), NOW)
    await store.people.set_standing(Membership(UserId(5), reachable=False), NOW)
    found = await store.operations.get_broadcast(
        await store.operations.add_broadcast(BroadcastContent(text="news"), BOSS, NOW)
    )

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
    assert await store.operations.list_sending_broadcasts() == [sending]


async def test_a_broadcast_is_kept_with_its_file_buttons_and_versions(store):
    first = BroadcastContent(
        text="news",
        html="<b>news</b>",
        links=(BroadcastLink(title="Try", url="https://example.org"),),
        media=BroadcastMedia.ANIMATION,
        file_id="file-1",
    )
    found = await store.operations.get_broadcast(await store.operations.add_broadcast(first, BOSS, NOW))
    assert (found.contents, found.tested) == ((first,), False)
    chinese = BroadcastContent(text="新闻", language="zh_Hans")
    changed = replace(found, versions=(first, chinese), tested=True)
    assert await store.operations.update_broadcast(changed, BroadcastState.DRAFT)
    kept = await store.operations.get_broadcast(found.id)
    assert kept == changed
    assert [kept.content_for(language) for language in ("en", "zh_Hans")] == [first, chinese]


async def test_broadcasts_that_are_sent_or_scheduled_come_by_when_they_start(store):
    sent = []
    for wait in (HOUR, MINUTE, 0):
        broadcast_id = await store.operations.add_broadcast(BroadcastContent(text="news"), BOSS, NOW)
        found = await store.operations.get_broadcast(broadcast_id)
        sending = replace(found, state=BroadcastState.SENDING, starts_at=Millis(NOW + wait))
        assert await store.operations.update_broadcast(sending, BroadcastState.DRAFT)
        sent.insert(0, sending)
    assert await store.operations.list_sending_broadcasts() == sent


async def test_a_broadcast_of_an_earlier_version_says_its_text(store):
    content = BroadcastContent(text="news <3")
    broadcast_id = await store.operations.add_broadcast(content, BOSS, NOW)
    await store.engine.write(lambda tx: tx.run("UPDATE broadcasts SET versions = '[]'"))
    assert (await store.operations.get_broadcast(broadcast_id)).content_for("en") == content


async def test_a_private_chat_is_open_once_a_person_writes_there_and_until_a_message_is_refused(store):
    broadcast = await store.operations.get_broadcast(
        await store.operations.add_broadcast(BroadcastContent(text="news"), BOSS, NOW)
    )

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
    await store.people.save_strike(replace(strike, at=Millis(NOW - DAY), idempotency_key="words:update:0"))
    await store.people.save_strike(replace(strike, user_id=XIAOLIN, idempotency_key="words:update:2"))
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
    assert [row.idempotency_key for row in noted] == ["update:4", "update:1"]


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
