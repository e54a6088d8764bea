"""What is decided from a shell, which is nobody at Telegram and another process on the same store."""

import asyncio

import pytest

from bot.domain.operations.records import BroadcastState
from bot.domain.people.access import AccessMode, AccessPolicy, Admission, Permission, Role
from bot.domain.tasks.task import LedgerKind, TaskState
from bot.domain.units import DAY, UserId
from bot.errors import UserError
from bot.services.container import Administration
from bot.services.people.access import Access
from bot.services.people.accounts import Accounts, Audit
from bot.store import Store
from tests.builders import ADA, NOW, XIAOLIN, stored

BOSS = UserId(1000)


@pytest.fixture
def office(office_of) -> Administration:
    return office_of()


@pytest.fixture
def audit(office) -> Audit:
    return office.audit


@pytest.fixture
def accounts(office) -> Accounts:
    return office.accounts


@pytest.fixture
def access(office) -> Access:
    return office.access


async def refused(key: str, doing) -> None:
    with pytest.raises(UserError) as raised:
        await doing
    assert raised.value.key == key


async def noted(store: Store) -> list[tuple[object, ...]]:
    return [
        (row.actor, row.action, row.subject, row.before, row.after)
        for row in await store.operations.list_audit(None, 0, 50)
    ]


# -- the door ----------------------------------------------------------------------------------------


async def test_a_shell_may_do_everything_and_a_person_what_their_role_allows(access):
    for permission in Permission:
        await access.require(None, permission)
        await refused("error.admin.only", access.require(ADA, permission))


async def test_the_bot_takes_up_what_a_shell_changed_at_the_policy(office, office_of, store):
    bot = office_of()
    await bot.access.refresh()
    await office.overrides.set(None, "access.maintenance", True, "shell:1")
    await office.overrides.set(None, "access.mode", AccessMode.REQUEST, "shell:2")
    await office.access.appoint(None, "@ada", Role.ADMIN, "shell:3")
    assert bot.access.policy == AccessPolicy(AccessMode.PUBLIC)
    await bot.access.refresh()
    await bot.live.refresh()
    assert bot.access.policy == AccessPolicy(AccessMode.REQUEST, maintenance=True)
    assert bot.access.roles == {BOSS: Role.OWNER, ADA: Role.ADMIN}
    assert await noted(store) == [
        (None, "role", str(ADA), "", "admin"),
        (None, "setting", "access.mode", "public", "request"),
        (None, "setting", "access.maintenance", "off", "on"),
    ]


async def test_what_the_log_says_was_before_is_what_another_process_had_chosen(office, office_of, store):
    await office.overrides.set(None, "access.maintenance", True, "shell:1")
    await office_of().overrides.set(BOSS, "access.maintenance", False, "update:2")
    assert (await noted(store))[0] == (BOSS, "setting", "access.maintenance", "on", "off")


async def test_of_many_who_choose_at_once_the_last_one_counts_for_all(office, office_of, store):
    offices = [office, *(office_of() for _ in range(4))]
    await asyncio.gather(
        *(
            each.overrides.set(None, "access.maintenance", number % 2 == 0, f"shell:{number}")
            for number, each in enumerate(offices * 4)
        )
    )
    for each in offices:
        await each.live.refresh()
    rows = await store.operations.list_audit("access.maintenance", 0, 50)
    assert {each.access.policy.maintenance for each in offices} == {rows[0].after == "on"}
    # Each one found what the one before it had left.
    assert [row.before for row in rows[:-1]] == [row.after for row in rows[1:]]


async def test_owners_stand_in_the_settings_and_no_shell_changes_that(access):
    await refused("error.access.outranked", access.appoint(None, "@boss", None, "shell:1"))
    await refused("error.access.outranked", access.ban(None, "@boss", "why", "shell:2"))
    await access.appoint(None, "@ada", Role.ADMIN, "shell:3")
    await access.ban(None, "@ada", "loud", "shell:4")
    assert (await access.standing(ADA)).ban == "loud"


async def test_a_shell_lets_people_in_and_turns_them_away(access):
    await access.admit(None, ADA, "pro", "shell:1")
    assert await access.admit(None, ADA, None, "shell:2") is None
    assert await access.deny(None, XIAOLIN, "shell:3")
    assert not await access.deny(None, XIAOLIN, "shell:4")
    assert (await access.person(ADA)).plan == "pro"
    assert [(await access.standing(user)).admission for user in (ADA, XIAOLIN)] == [
        Admission.ALLOWED,
        Admission.DENIED,
    ]


async def test_the_same_operation_makes_one_code_however_often_it_comes(access, store):
    first = await access.invite(None, 3, 7, "pro", "shell:monday")
    again = await access.invite(None, 3, 7, "pro", "shell:monday")
    other = await access.invite(BOSS, 3, 7, "pro", "update:5")
    assert first == again != other
    assert (first.created_by, other.created_by) == (None, BOSS)
    assert {code.code for code in await access.invites(None)} == {first.code, other.code}
    assert [row[:3] for row in await noted(store)] == [
        (BOSS, "invite", other.code),
        (None, "invite", first.code),
    ]
    assert await access.revoke(None, first.code, "shell:1")
    assert not await access.revoke(None, first.code, "shell:2")


# -- credits and plans ----------------------------------------------------------------------------------


async def test_a_grant_of_one_name_is_booked_and_noted_once(store, office, accounts):
    admin = office.admin
    assert await admin.grant(None, ADA, 50, "shell:prize", "a prize", "30d")
    assert not await admin.grant(None, ADA, 50, "shell:prize", "a prize", "30d")
    (row,) = await accounts.ledger(ADA)
    assert (row.amount, row.actor_id, row.note, row.expires_at) == (50, None, "a prize", NOW + 30 * DAY)
    assert await noted(store) == [(None, "grant", str(ADA), "0", "50 (+50)")]
    await refused("error.admin.too_much_taken", admin.grant(None, ADA, -51, "shell:2"))
    await refused("error.admin.no_user", admin.grant(None, UserId(77), 50, "shell:3"))
    await refused("error.admin.only", admin.grant(XIAOLIN, ADA, 50, "update:4"))


async def test_a_shell_moves_somebody_to_a_plan_until_a_day(accounts, store):
    moved = await accounts.move(None, "@ada", "pro", "2026-02-01", "shell:1")
    assert (moved.plan, moved.plan_until) == ("pro", NOW + 31 * DAY)
    assert await noted(store) == [(None, "plan", str(ADA), "free", "pro (2026-02-01)")]


# -- tasks ---------------------------------------------------------------------------------------------


async def test_a_shell_ends_a_task_and_gives_its_credits_back(world):
    task = await stored(world.store, TaskState.QUEUED, user_id=ADA)
    ended = await world.services.task_admin.cancel(None, task.id, "shell:1")
    assert ended.state is TaskState.CANCELLED
    await refused("error.task.ended", world.services.task_admin.cancel(None, task.id, "shell:2"))
    assert (await world.services.accounts.balance(ADA)).held == 0
    ((actor, action, *_),) = await noted(world.store)
    assert (actor, action) == (None, "cancel")


async def test_what_a_finished_task_cost_is_given_back_once(world):
    task = await stored(world.store, TaskState.SUCCEEDED, user_id=ADA)
    await world.services.task_admin.refund(None, task.id, "shell:1")
    await refused("error.admin.refunded", world.services.task_admin.refund(BOSS, task.id, "update:2"))
    refunds = [row for row in await world.services.accounts.ledger(ADA) if row.kind is LedgerKind.REFUND]
    assert [(row.amount, row.actor_id) for row in refunds] == [(task.price, None)]


async def test_a_task_that_failed_cost_nothing_and_is_among_the_failures(world):
    task = await stored(world.store, TaskState.FAILED, user_id=ADA)
    await refused("error.admin.nothing_to_refund", world.services.task_admin.refund(None, task.id, "shell:1"))
    found = await world.services.task_admin.failures(None)
    assert (found.ended, [example.id for example in found.examples]) == (1, [task.id])


async def test_a_person_without_a_role_sees_nobodys_tasks(world):
    task = await stored(world.store, TaskState.QUEUED, user_id=ADA)
    for looking in (
        world.services.task_admin.task(XIAOLIN, task.id),
        world.services.task_admin.running(XIAOLIN),
        world.services.task_admin.failures(XIAOLIN),
    ):
        await refused("error.admin.only", looking)


# -- broadcasts ------------------------------------------------------------------------------------------


async def test_a_broadcast_from_a_shell_has_no_author_and_no_message(store, office, accounts, clock):
    broadcasts = office.broadcasts
    draft = await broadcasts.draft(None, "news")
    assert (draft.state, draft.total) == (BroadcastState.DRAFT, 3)
    assert (await broadcasts.letter(None, draft.id)).total == 3
    sending = await broadcasts.send(None, draft.id, None, "shell:1")
    assert sending.state is BroadcastState.SENDING
    kept = await store.operations.get_sending_broadcast()
    assert (kept.created_by, kept.message_id) == (None, None)
    await refused("error.button.stale", broadcasts.send(None, draft.id, None, "shell:2"))
    await broadcasts.stop(None, draft.id, "shell:3")
    assert [row[:2] for row in await noted(store)] == [(None, "broadcast-stop"), (None, "broadcast")]
