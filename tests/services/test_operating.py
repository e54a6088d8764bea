"""What is decided from a shell, which is nobody at Telegram and another process on the same store."""

import asyncio
import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.domain.operations.records import BroadcastContent, BroadcastMedia, BroadcastState
from bot.domain.people.access import AccessMode, AccessPolicy, Admission, Permission, Role
from bot.domain.tasks.task import LedgerKind, TaskState
from bot.domain.types import (
    CODE_LETTERS,
    DAY,
    HOUR,
    MINUTE,
    ChatId,
    Millis,
    UserId,
    format_task_id,
    to_millis,
)
from bot.errors import UserError
from bot.services.container import ACTIONS, Administration
from bot.services.operations.actions import Actions
from bot.services.operations.actions_on_invites import CreateInvite, RevokeInvite
from bot.services.operations.actions_on_people import GRANT_LIMIT, GrantCredits, SetPlan
from bot.services.operations.actions_on_promos import CreatePromo, RevokePromo
from bot.services.operations.actions_on_standings import (
    AdmitPerson,
    BanPerson,
    DenyPerson,
    SetRole,
    UnbanPerson,
)
from bot.services.operations.actions_on_tasks import CancelTask, RefundTask
from bot.services.operations.broadcast import read_content, read_start
from bot.services.people.access import Access
from bot.services.people.accounts import Accounts, Audit
from bot.store import Store
from tests.builders import ADA, NOW, XIAOLIN, stored
from tests.world.services import office_actions

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


@pytest.fixture
def actions(office, store, clock) -> Actions:
    return office_actions(office, store, clock)


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


async def test_the_bot_takes_up_what_a_shell_changed_at_the_policy(office, office_of, store, actions):
    bot = office_of()
    await bot.access.refresh()
    await office.overrides.set(None, "access.maintenance", True, "shell:1")
    await office.overrides.set(None, "access.mode", AccessMode.ALLOW_LIST, "shell:2")
    await actions.run(SetRole("@ada", "admin"), None, "shell:3")
    assert bot.access.policy == AccessPolicy(AccessMode.REQUEST)
    await bot.access.refresh()
    await bot.live.refresh()
    assert bot.access.policy == AccessPolicy(AccessMode.ALLOW_LIST, maintenance=True)
    assert bot.access.roles == {BOSS: Role.OWNER, ADA: Role.ADMIN}
    assert await noted(store) == [
        (None, "role", str(ADA), "", "admin"),
        (None, "setting", "access.mode", "request", "allow-list"),
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


async def test_owners_stand_in_the_settings_and_no_shell_changes_that(access, actions):
    await refused("error.access.outranked", actions.run(SetRole("@boss", "none"), None, "shell:1"))
    await refused("error.access.outranked", actions.run(BanPerson("@boss", "why"), None, "shell:2"))
    await actions.run(SetRole("@ada", "admin"), None, "shell:3")
    await actions.run(BanPerson("@ada", "loud"), None, "shell:4")
    assert (await access.membership(ADA)).ban == "loud"


async def test_a_shell_lets_people_in_and_turns_them_away(access, actions):
    assert (await actions.run(AdmitPerson("@ada", "pro"), None, "shell:1")).is_news
    assert not (await actions.run(AdmitPerson("@ada"), None, "shell:2")).is_news
    assert (await actions.run(DenyPerson("@xiaolin"), None, "shell:3")).is_news
    assert not (await actions.run(DenyPerson("@xiaolin"), None, "shell:4")).is_news
    assert (await access.person(ADA)).plan == "pro"
    assert [(await access.membership(user)).admission for user in (ADA, XIAOLIN)] == [
        Admission.ALLOWED,
        Admission.DENIED,
    ]


async def test_what_changes_nothing_is_neither_told_nor_noted(actions, store):
    await actions.run(BanPerson("@xiaolin", "loud"), None, "shell:1")
    before = await noted(store)
    for number, action in enumerate(
        (BanPerson("@xiaolin", "loud"), UnbanPerson("@ada"), SetRole("@ada", "none"))
    ):
        assert not (await actions.run(action, None, f"shell:again-{number}")).is_news
    assert await noted(store) == before


async def test_the_same_operation_makes_one_code_however_often_it_comes(access, actions, store):
    first = await actions.run(CreateInvite(uses=3, plan="pro"), None, "shell:monday")
    again = await actions.run(CreateInvite(uses=3, plan="pro"), None, "shell:monday")
    other = await actions.run(CreateInvite(uses=3, plan="pro"), BOSS, "update:5")
    codes = [outcome.params["invite"] for outcome in (first, again, other)]
    assert codes[0] == codes[1] != codes[2]
    assert (codes[0].created_by, codes[2].created_by) == (None, BOSS)
    assert {code.code for code in await access.invites()} == {first.subject, other.subject}
    assert [row[:3] for row in await noted(store)] == [
        (BOSS, "invite", other.subject),
        (None, "invite", first.subject),
    ]
    await actions.run(RevokeInvite(first.subject), None, "shell:1")
    assert not (await actions.run(RevokeInvite(first.subject), None, "shell:1")).is_news
    await refused("error.invite.ended", actions.run(RevokeInvite(first.subject), None, "shell:2"))


async def test_the_same_operation_makes_one_promo_code_within_its_ranges(actions, store):
    making = CreatePromo(credits=50, uses=3, until="2d", days=7)
    first = await actions.run(making, None, "shell:monday")
    again = await actions.run(making, None, "shell:monday")
    other = await actions.run(making, BOSS, "update:5")
    promos = [outcome.params["promo"] for outcome in (first, again, other)]
    assert promos[0] == promos[1] != promos[2]
    assert (promos[0].credits, promos[0].uses, promos[0].days) == (50, 3, 7)
    assert promos[0].ends_at - promos[0].created_at == 2 * DAY
    # No fewer than 40 bits: a code is not to be guessed.
    assert math.log2(len(CODE_LETTERS)) * len(promos[0].code) > 40
    await actions.run(RevokePromo(first.subject), None, "shell:1")
    await refused("error.promo.ended", actions.run(RevokePromo(first.subject), None, "shell:2"))
    for wrong in (CreatePromo(credits=0), CreatePromo(credits=-5), CreatePromo(credits=GRANT_LIMIT + 1)):
        await refused("error.admin.credits_range", actions.run(wrong, None, "shell:3"))
    for wrong in (CreatePromo(credits=5, uses=0), CreatePromo(credits=5, days=0)):
        await refused("error.promo.range", actions.run(wrong, None, "shell:4"))
    await refused("error.admin.until", actions.run(CreatePromo(credits=5, until="0d"), None, "shell:5"))
    await refused("error.admin.only", actions.run(making, ADA, "update:6"))
    assert [promo.code for promo in await store.promos.list_valid(promos[0].created_at, 9)] == [other.subject]


# -- credits and plans ----------------------------------------------------------------------------------


async def test_a_grant_of_one_name_is_booked_and_noted_once(store, actions, accounts):
    prize = GrantCredits("@ada", 50, "30d", "a prize")
    assert (await actions.run(prize, None, "shell:prize")).is_news
    assert not (await actions.run(prize, None, "shell:prize")).is_news
    (row,) = await accounts.ledger(ADA)
    assert (row.amount, row.actor_id, row.note, row.expires_at) == (50, None, "a prize", NOW + 30 * DAY)
    assert await noted(store) == [(None, "grant", str(ADA), "0", "50 (+50)")]
    await refused("error.admin.too_much_taken", actions.run(GrantCredits("@ada", -51), None, "shell:2"))
    await refused("error.admin.no_user", actions.run(GrantCredits("77", 50), None, "shell:3"))
    await refused("error.admin.only", actions.run(GrantCredits("@ada", 50), XIAOLIN, "update:4"))


async def test_a_group_is_given_credits_by_its_id(store, actions):
    group = ChatId(-1_001_002_003)
    assert (await actions.run(GrantCredits(str(group), 50), None, "shell:1")).columns[0] == str(group)
    account = await store.credits.get_pool_account(group)
    assert [lot.left for lot in await store.credits.list_lots(account, NOW)] == [50]
    assert await noted(store) == [(None, "grant", str(group), "0", "50 (+50)")]


async def test_a_shell_moves_somebody_to_a_plan_until_a_day(actions, accounts, store):
    await actions.run(SetPlan("@ada", "pro", "2026-02-01"), None, "shell:1")
    moved = await accounts.find("@ada")
    assert (moved.plan, moved.plan_until) == ("pro", NOW + 31 * DAY)
    assert await noted(store) == [(None, "plan", str(ADA), "free", "pro (2026-02-01)")]


# -- notices -------------------------------------------------------------------------------------------


async def test_what_was_done_waits_with_its_notice_and_nobody_is_told_what_they_did_themselves(
    store, actions
):
    await actions.run(GrantCredits("@ada", 50), None, "shell:1")
    await actions.run(GrantCredits("@ada", 50), None, "shell:1")
    await actions.run(GrantCredits("@ada", -50), None, "shell:2")
    await actions.run(GrantCredits("@boss", 50), BOSS, "update:3")
    due = await store.notices.claim(NOW, Millis(1_000), 10)
    assert [(each.notice.user_id, each.notice.key, each.notice.params) for each in due] == [
        (ADA, "account.granted", {"credits": 50})
    ]


async def test_what_is_refused_leaves_no_entry_and_no_notice(store, actions):
    await refused("error.access.no_plan", actions.run(SetPlan("@ada", "gold"), None, "shell:1"))
    await refused("error.access.no_plan", actions.run(AdmitPerson("@ada", "gold"), None, "shell:2"))
    await refused("error.admin.until", actions.run(GrantCredits("@ada", -5, "30d"), None, "shell:3"))
    await refused("error.admin.too_much_taken", actions.run(GrantCredits("@ada", -5), None, "shell:4"))
    await refused("error.access.outranked", actions.run(UnbanPerson("@boss"), None, "shell:5"))
    assert await noted(store) == []
    assert await store.notices.claim(NOW, Millis(1_000), 10) == []


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
async def test_nobody_acts_without_the_permission(actions, action):
    await refused("error.admin.only", actions.run(action("1001"), XIAOLIN, "update:1"))


# -- tasks ---------------------------------------------------------------------------------------------


async def test_a_shell_ends_a_task_and_gives_its_credits_back(world):
    task, actions = await stored(world.store, TaskState.QUEUED, user_id=ADA), world.services.actions
    ended = await actions.run(CancelTask(task.id), None, "shell:1")
    assert ended.columns[1] is TaskState.CANCELLED
    await refused("error.task.ended", actions.run(CancelTask(task.id), None, "shell:2"))
    assert (await world.services.accounts.balance(ADA)).held == 0
    ((actor, action, *_),) = await noted(world.store)
    assert (actor, action) == (None, "cancel")


async def test_what_a_finished_task_cost_is_given_back_once(world):
    task, actions = await stored(world.store, TaskState.SUCCEEDED, user_id=ADA), world.services.actions
    await actions.run(RefundTask(task.id), None, "shell:1")
    await refused("error.admin.refunded", actions.run(RefundTask(task.id), BOSS, "update:2"))
    refunds = [row for row in await world.services.accounts.ledger(ADA) if row.kind is LedgerKind.REFUND]
    assert [(row.amount, row.actor_id) for row in refunds] == [(task.price, None)]
    assert [row[1:] for row in await noted(world.store)] == [
        ("refund", format_task_id(task.id), "", f"+{task.price}")
    ]


async def test_every_task_that_is_refunded_or_cancelled_is_noted_though_the_key_is_the_same(world):
    actions = world.services.actions
    made = [await stored(world.store, TaskState.SUCCEEDED, user_id=ADA) for _ in range(2)]
    waiting = [await stored(world.store, TaskState.QUEUED, user_id=ADA) for _ in range(2)]
    for task in made:
        await actions.run(RefundTask(task.id), None, "shell:1")
    for task in waiting:
        await actions.run(CancelTask(task.id), None, "shell:1")
    assert sorted(row[2] for row in await noted(world.store)) == sorted(
        format_task_id(task.id) for task in (*made, *waiting)
    )


async def test_a_task_that_failed_cost_nothing_and_is_among_the_failures(world):
    task, actions = await stored(world.store, TaskState.FAILED, user_id=ADA), world.services.actions
    await refused("error.admin.nothing_to_refund", actions.run(RefundTask(task.id), None, "shell:1"))
    found = await world.services.task_admin.failures()
    assert (found.ended, [example.id for example in found.examples]) == (1, [task.id])


# -- broadcasts ------------------------------------------------------------------------------------------


async def test_a_broadcast_from_a_shell_has_no_author_and_no_message(store, office, accounts, clock):
    broadcasts = office.broadcasts
    draft = await broadcasts.draft(None, read_content("news"))
    assert (draft.state, draft.total) == (BroadcastState.DRAFT, 3)
    assert (await broadcasts.letter(None, draft.id)).total == 3
    sending = await broadcasts.send(None, draft.id, None, "shell:1")
    assert sending.state is BroadcastState.SENDING
    (kept,) = await store.operations.list_sending_broadcasts()
    assert (kept.created_by, kept.message_id) == (None, None)
    await refused("error.button.stale", broadcasts.send(None, draft.id, None, "shell:2"))
    await broadcasts.stop(None, draft.id, "shell:3")
    assert [row[:2] for row in await noted(store)] == [(None, "broadcast-stop"), (None, "broadcast")]


def test_the_last_lines_of_a_broadcast_are_its_buttons():
    content = read_content("News - today\n\nTry it – https://example.org/fox?a=1\n 加入 - t.me/klingbot \n")
    assert content.text == "News - today"
    assert [(link.title, link.url) for link in content.links] == [
        ("Try it", "https://example.org/fox?a=1"),
        ("加入", "https://t.me/klingbot"),
    ]
    assert read_content("Try it - https://example.org\nand tell us") == BroadcastContent(
        text="Try it - https://example.org\nand tell us"
    )


@pytest.mark.parametrize(
    ("last", "key"),
    [
        ("Try - http://example.org", "error.broadcast.address"),
        ("Try - tg://resolve?domain=a", "error.broadcast.address"),
        ("Try - https://localhost", "error.broadcast.address"),
        ("Try - https://name@example.org", "error.broadcast.address"),
        ("Try - https://[example.org", "error.broadcast.address"),
        (f"Try - https://example.org/{'x' * 1_024}", "error.broadcast.address"),
        (f"{'x' * 41} - https://example.org", "error.broadcast.title"),
        ("\n".join(["Try - https://example.org"] * 4), "error.broadcast.links"),
    ],
)
def test_a_button_of_a_broadcast_that_telegram_would_refuse_is_refused(last, key):
    with pytest.raises(UserError) as refusal:
        read_content(f"News\n{last}")
    assert refusal.value.key == key


def test_a_broadcast_starts_at_a_moment_of_the_clock_or_after_some_time():
    now, zone = to_millis(datetime(2026, 11, 30, 12, tzinfo=UTC)), ZoneInfo("Asia/Shanghai")
    waits = {
        "in 2h": 2 * HOUR,
        "90m": 90 * MINUTE,
        "In 1d 2h": 26 * HOUR,
        "２h": 2 * HOUR,
        "5 min": 5 * MINUTE,
    }
    assert {text: read_start(text, now, zone) - now for text in waits} == waits
    assert read_start(" 2026-12-01 09:00", now, zone) == to_millis(datetime(2026, 12, 1, 1, tzinfo=UTC))
    for text in (
        "",
        "in",
        "0h",
        "tomorrow",
        "2026-11-30 19:59",
        "2026-02-30 09:00",
        "2028-01-01 09:00",
        "400d",
    ):
        with pytest.raises(UserError, match=r"error\.broadcast\.when"):
            read_start(text, now, zone)


async def test_a_broadcast_has_a_text_that_fits_or_a_file(office):
    broadcasts = office.broadcasts
    await refused("error.broadcast.length", broadcasts.draft(None, read_content("\n")))
    await refused("error.broadcast.length", broadcasts.draft(None, read_content("🦊" * 1_751)))
    photo = {"media": BroadcastMedia.PHOTO, "file_id": "photo-1"}
    await refused(
        "error.broadcast.caption", broadcasts.draft(None, BroadcastContent(text="x" * 901, **photo))
    )
    assert (await broadcasts.draft(None, BroadcastContent(text="", **photo))).contents[0].file_id == "photo-1"


async def test_what_an_admin_sends_was_tested_as_it_is(office):
    broadcasts = office.broadcasts
    draft = await broadcasts.draft(BOSS, read_content("news"))
    await refused("error.broadcast.untested", broadcasts.send(BOSS, draft.id, 1, "update:1"))
    changed = await broadcasts.add_version(BOSS, draft.id, "zh_Hans", read_content("新闻"))
    await refused("error.button.stale", broadcasts.note_test(BOSS, draft))
    assert (await broadcasts.note_test(BOSS, changed)).is_tested
    again = await broadcasts.add_version(BOSS, draft.id, "zh_Hans", read_content("新消息"))
    assert [content.text for content in again.contents] == ["news", "新消息"]
    await refused("error.broadcast.untested", broadcasts.send(BOSS, draft.id, 1, "update:2"))
    await broadcasts.note_test(BOSS, again)
    assert (await broadcasts.send(BOSS, draft.id, 1, "update:3")).state is BroadcastState.SENDING
