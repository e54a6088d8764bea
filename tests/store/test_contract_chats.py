"""What every engine promises of a group that becomes a supergroup, whatever it is told, however often."""

from itertools import permutations

import pytest

from bot.domain.credits.quota import PoolUse
from bot.domain.tasks.lifecycle import CancelRequested
from bot.domain.tasks.task import TaskState
from bot.domain.types import DAY, AccountId, ChatId, Credits, Millis
from bot.store import SentRecord
from tests.builders import (
    ADA,
    ADAS_CHAT,
    GENEROUS,
    LEASE,
    NOW,
    a_draft,
    a_grant,
    a_question,
    a_task,
    an_origin,
    an_update,
    stored,
)
from tests.store.steps import TODAY, after, step
from tests.stored import book, sum_ledger

GROUP, SUPERGROUP, LATER_GROUP = ChatId(-100), ChatId(-1_000_000_000_200), ChatId(-1_000_000_000_300)
TOLD = {"once": 1, "twice": 2}


async def in_group(store, state=TaskState.QUEUED):
    return await stored(
        store, state, origin=an_origin(chat_id=GROUP, message_id=7, thread_id=3, is_private=False)
    )


async def drift(store) -> tuple[int, int]:
    """The sum of the ledger, and what of it the parts do not explain."""
    amount = sum(total for _, total in (await sum_ledger(store)).values())
    accounts = [
        await store.credits.list_lots(AccountId.read(account), NOW) for account in (GROUP, SUPERGROUP)
    ]
    left = sum(lot.left for lots in accounts for lot in lots)
    return amount, amount - left


@pytest.mark.parametrize("times", TOLD.values(), ids=TOLD)
async def test_a_moved_chat_takes_everything_with_it(store, times):
    task, other = await in_group(store), await stored(store)
    await store.drafts.save(a_draft(chat_id=GROUP))
    await store.drafts.save_question(a_question(chat_id=GROUP, message_id=35))
    await store.inbox.receive([an_update(1, chat_id=GROUP)])
    for _ in range(times):
        await store.chats.move(GROUP, SUPERGROUP, NOW)
        await store.chats.move(SUPERGROUP, SUPERGROUP, NOW)
    assert (await store.tasks.get(task.id)).origin.chat_id == SUPERGROUP
    assert (await store.tasks.get(other.id)).origin.chat_id == ADAS_CHAT
    assert await store.drafts.get(ADA, SUPERGROUP) == a_draft(chat_id=SUPERGROUP, message_id=None)
    # A question goes with the message that asked it.
    for chat in (GROUP, SUPERGROUP):
        assert await store.drafts.list_questions(ADA, chat, [35], NOW) == []
    assert [row.chat_id for row in await store.inbox.list_unprocessed()] == [SUPERGROUP]
    assert await store.chats.get_present_id(GROUP) == SUPERGROUP
    assert await store.chats.list_former_ids(SUPERGROUP) == [GROUP]
    assert await store.chats.list_unshown_drafts(SUPERGROUP) == [a_draft(chat_id=SUPERGROUP, message_id=None)]


async def test_no_message_of_the_old_chat_is_known_in_the_new_one(store):
    """There other messages have the same ids: nothing may be replied to, changed or deleted by them."""
    finished, waiting, running = [
        await in_group(store, state)
        for state in (TaskState.SUCCEEDED, TaskState.SUCCEEDED, TaskState.IN_PROGRESS)
    ]
    first, second = await store.outbox.claim(after(1), LEASE, 10)
    await store.outbox.mark_delivered(first.id, SentRecord(31, "film", "AQAD1"), after(2))
    await store.outbox.count_send([second.id], 2)
    await store.outbox.set_places({second.id: 32}, in_album=True)
    await store.history.save_message(GROUP, 33, finished.id, 0)
    await store.tasks.set_status_message(running.id, 34)
    unshown = await store.chats.move(GROUP, SUPERGROUP, NOW)
    assert [task.id for task in unshown] == [running.id]
    assert (await store.tasks.get(running.id)).status_message_id is None
    for task in (finished, waiting, running):
        moved = await store.tasks.get(task.id)
        assert (moved.origin.message_id, moved.origin.thread_id, moved.version) == (None, None, task.version)
    for message in (31, 32, 33, 34):
        assert await store.history.get_message(SUPERGROUP, message) is None
    assert await store.history.list_messages(finished.id) == []
    (delivered,), (pending,) = [await store.outbox.list_of(task.id) for task in (finished, waiting)]
    assert (delivered.message_id, delivered.file_id) == (None, "film")
    assert (pending.place, pending.in_album, pending.sends) == (None, False, 0)
    # The film itself is known still, and the newest of the chat is.
    assert (await store.history.get_file(["AQAD1"], ADA)).task.id == finished.id
    assert (await store.history.get_newest_video(ADA, SUPERGROUP)).id == waiting.id


async def test_what_is_asked_for_in_the_old_chat_after_the_move_follows_when_it_is_told_again(store):
    await store.chats.move(GROUP, SUPERGROUP, NOW)
    late = await in_group(store)
    assert [task.id for task in await store.chats.move(GROUP, SUPERGROUP, NOW)] == [late.id]
    assert (await store.tasks.get(late.id)).origin.chat_id == SUPERGROUP


async def test_credits_and_budget_stay_the_groups_in_every_order(store):
    await book(store, a_grant(40, account=AccountId.read(GROUP)))
    task = a_task(origin=an_origin(chat_id=GROUP, is_private=False))
    await store.tasks.accept(task, (), GENEROUS, TODAY, None, PoolUse.FIRST)
    spent = await store.credits.sum_spent_in_chat(GROUP, Millis(NOW - DAY))
    before = await drift(store)
    for _ in range(2):
        await store.chats.move(GROUP, SUPERGROUP, NOW)
    assert await drift(store) == before == (30, 0)
    assert await store.credits.get_pool_account(SUPERGROUP) == AccountId.read(GROUP)
    assert await store.credits.sum_spent_in_chat(SUPERGROUP, Millis(NOW - DAY)) == spent == 10
    await step(store, await store.tasks.get(task.id), CancelRequested())
    assert await drift(store) == (40, 0)


async def test_what_was_granted_under_the_new_id_before_the_move_was_known_is_the_groups(store):
    ends = Millis(NOW + DAY)
    await book(store, a_grant(5, account=AccountId.read(GROUP)))
    await book(store, a_grant(7, account=AccountId.read(SUPERGROUP), expires_at=ends))
    for _ in range(2):
        await store.chats.move(GROUP, SUPERGROUP, NOW)
    lots = await store.credits.list_lots(await store.credits.get_pool_account(SUPERGROUP), NOW)
    assert [(lot.left, lot.expires_at) for lot in lots] == [(7, ends), (5, None)]
    assert await store.credits.list_lots(AccountId.read(SUPERGROUP), NOW) == []
    assert await drift(store) == (12, 0)


@pytest.mark.parametrize("order", list(permutations([(GROUP, SUPERGROUP), (SUPERGROUP, LATER_GROUP)])))
async def test_a_chat_that_moved_twice_is_followed_to_the_end_in_every_order(store, order):
    await book(store, a_grant(5, account=AccountId.read(GROUP)))
    task = await in_group(store)
    for old, new in (*order, *order):
        await store.chats.move(old, new, NOW)
    assert (await store.tasks.get(task.id)).origin.chat_id == LATER_GROUP
    assert await store.chats.get_present_id(GROUP) == LATER_GROUP
    assert await store.chats.list_former_ids(LATER_GROUP) == [SUPERGROUP, GROUP]
    account = await store.credits.get_pool_account(LATER_GROUP)
    assert [lot.left for lot in await store.credits.list_lots(account, NOW)] == [Credits(5)]


async def test_a_chat_never_moves_back(store):
    task = await in_group(store)
    await store.chats.move(GROUP, SUPERGROUP, NOW)
    assert await store.chats.move(SUPERGROUP, GROUP, NOW) == []
    assert (await store.tasks.get(task.id)).origin.chat_id == SUPERGROUP
    assert await store.chats.get_present_id(GROUP) == SUPERGROUP
