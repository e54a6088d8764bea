"""What every engine promises of updates, people, drafts and images (the Store protocol)."""

import asyncio

import pytest

from bot.domain.requests.choices import Preferences
from bot.domain.tasks.task import (
    FINAL_STATES,
    TaskState,
)
from bot.domain.types import DAY, HOUR, MINUTE, ChatId, Millis
from bot.store import operations
from bot.store.people import set_plan
from tests.builders import (
    ADA,
    ADAS_CHAT,
    LEASE,
    NOW,
    XIAOLIN,
    a_draft,
    a_request,
    a_window,
    an_image,
    an_update,
    stored,
)
from tests.store.steps import LATER, after

# -- inbox -------------------------------------------------------------------------------------------


async def test_updates_are_kept_once_whoever_brings_them(store):
    rows = [an_update(number) for number in (3, 1, 2)]
    answers = await asyncio.gather(*(store.inbox.receive(rows) for _ in range(10)))
    assert [[row.update_id for row in answer] for answer in answers if answer] == [[1, 2, 3]]


async def test_an_update_reads_back_as_it_came(store):
    update = an_update(5, chat_id=None, sent_at=None)
    await store.inbox.receive([update])
    assert await store.inbox.list_unprocessed() == [update]


async def test_updates_are_replayed_until_they_are_done(store):
    await store.inbox.receive([an_update(number) for number in (1, 2, 3)])
    await store.inbox.mark_processed(2, NOW)
    assert [row.update_id for row in await store.inbox.list_unprocessed()] == [1, 3]
    assert await store.inbox.receive([an_update(2)]) == []


async def test_the_next_offset_is_known_even_after_cleaning(store):
    assert await store.inbox.get_last() is None
    await store.inbox.receive([an_update(8), an_update(9)])
    for number in (8, 9):
        await store.inbox.mark_processed(number, NOW)
    await store.operations.clean(LATER)
    assert (await store.inbox.get_last())[0] == 9


# -- people ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["1001", " 1001 ", "@ada_l", "ADA_L", "Ada_L"])
async def test_people_are_found_by_id_and_by_name(store, text):
    ada = await store.people.save_user(ADA, "Ada", "Ada_L", "en", NOW)
    await store.people.save_user(XIAOLIN, "小林", None, "zh-hans", NOW)
    assert await store.people.find(text) == ada


@pytest.mark.parametrize("text", ["@nobody", "42", "9" * 30, "", "@", "²"])
async def test_nobody_is_found_where_nobody_is_meant(store, text):
    await store.people.save_user(ADA, "Ada", "Ada_L", "en", NOW)
    await store.people.save_user(XIAOLIN, "小林", None, "zh-hans", NOW)
    assert await store.people.find(text) is None


async def test_a_name_that_moved_on_finds_who_has_it_now(store):
    await store.people.save_user(ADA, "Ada", "fox", "en", NOW)
    now_fox = await store.people.save_user(XIAOLIN, "小林", "fox", None, after(1))
    assert await store.people.find("@fox") == now_fox


async def test_people_keep_what_they_chose_when_they_are_seen_again(store):
    await store.people.save_user(ADA, "Ada", "ada", "en", NOW)
    await store.people.set_language(ADA, "zh_Hans")
    seen = await store.people.save_user(ADA, "Ada L.", None, None, after(MINUTE))
    assert (seen.name, seen.username, seen.language, seen.telegram_language) == (
        "Ada L.",
        None,
        "zh_Hans",
        "en",
    )
    assert (seen.created_at, seen.seen_at) == (NOW, after(MINUTE))
    await store.people.set_language(ADA, None)
    assert (await store.people.get(ADA)).language is None


async def test_what_people_prefer_is_kept_when_they_are_seen_again(store):
    new = await store.people.save_user(ADA, "Ada", "ada", "en", NOW)
    assert new.preferences == Preferences()
    preferred = Preferences(model="kling-v2-6", mode="pro", duration=10, aspect_ratio="9:16", silent=True)
    await store.people.set_preferences(ADA, preferred)
    assert (await store.people.get(ADA)).preferences == preferred
    assert (await store.people.save_user(ADA, "Ada", "ada", "en", after(1))).preferences == preferred


async def test_an_unknown_person_is_none(store):
    assert await store.people.get(ADA) is None


# -- drafts ------------------------------------------------------------------------------------------


async def test_a_person_has_one_draft_in_each_chat(store):
    older, newer, elsewhere = (
        a_draft(),
        a_draft(message_id=None, data={"a": "狐"}),
        a_draft(chat_id=ChatId(-5)),
    )
    for draft in (older, newer, elsewhere):
        await store.drafts.save(draft)
    assert await store.drafts.get(ADA, ADAS_CHAT) == newer
    assert await store.drafts.get(ADA, ChatId(-5)) == elsewhere
    await store.drafts.delete(ADA, ADAS_CHAT)
    assert await store.drafts.get(ADA, ADAS_CHAT) is None
    assert await store.drafts.get(ADA, ChatId(-5)) == elsewhere


# -- images and chores -------------------------------------------------------------------------------


async def test_images_are_kept_and_the_missing_left_out(store):
    fox, owl = an_image(b"fox"), an_image(b"owl")
    await store.drafts.save_attachment(fox, NOW)
    await store.drafts.save_attachment(fox, NOW)
    assert await store.drafts.get_attachments([fox.ref, owl.ref]) == {fox.ref.sha256: b"fox"}
    assert await store.drafts.get_attachments([]) == {}


@pytest.mark.parametrize("state", [TaskState.QUEUED, TaskState.SUBMITTING, TaskState.UNCONFIRMED])
async def test_an_image_stays_while_it_may_still_be_sent(store, state):
    first, last = an_image(b"first"), an_image(b"last")
    request = a_request(first, last_frame=last.ref)
    await stored(store, state, images=[first, last], request=request)
    await store.operations.clean(LATER)
    assert set(await store.drafts.get_attachments(request.images)) == {first.ref.sha256, last.ref.sha256}


@pytest.mark.parametrize("state", [TaskState.IN_PROGRESS, *sorted(FINAL_STATES)])
async def test_an_image_goes_when_nothing_needs_it(store, state):
    image = an_image()
    await stored(store, state, images=[image], request=a_request(image))
    await store.operations.clean(NOW)
    assert set(await store.drafts.get_attachments([image.ref])) == {image.ref.sha256}
    assert await store.operations.clean(after(1)) == 1
    assert await store.drafts.get_attachments([image.ref]) == {}


async def test_an_image_of_a_draft_stays_as_long_as_the_draft(store):
    image = an_image()
    data = {"request": a_request(image).model_dump(mode="json")}
    await store.drafts.save_attachment(image, NOW)
    await store.drafts.save(a_draft(data=data, updated_at=after(DAY)))
    assert await store.operations.clean(after(HOUR)) == 0
    assert set(await store.drafts.get_attachments([image.ref])) == {image.ref.sha256}
    assert await store.operations.clean(after(2 * DAY)) == 2
    assert await store.drafts.get_attachments([image.ref]) == {}


async def test_an_image_that_is_used_again_is_young_again(store):
    image = an_image()
    await store.drafts.save_attachment(image, NOW)
    await store.drafts.save_attachment(image, after(DAY))
    await store.drafts.save_attachment(image, NOW)
    assert await store.operations.clean(after(DAY)) == 0


async def test_cleaning_forgets_what_is_done_and_old_and_nothing_else(store):
    await store.inbox.receive([an_update(number) for number in range(1, 5)])
    for number, moment in ((1, NOW), (2, after(DAY)), (4, NOW)):
        await store.inbox.mark_processed(number, moment)
    task = await stored(store, TaskState.FAILED)
    assert await store.operations.clean(after(DAY)) == 1
    assert await store.inbox.receive([an_update(2), an_update(4)]) == []
    assert [row.update_id for row in await store.inbox.list_unprocessed()] == [3]
    assert await store.tasks.get(task.id) == task


async def test_a_plan_is_kept_with_its_end(store):
    await store.people.save_user(ADA, "Ada", "ada", "en", NOW)
    await store.engine.write(lambda tx: set_plan(tx, ADA, "pro", after(DAY)))
    user = await store.people.get(ADA)
    assert (user.plan, user.plan_until) == ("pro", after(DAY))


# -- each kind for as long as its own ------------------------------------------------------------------


async def test_each_kind_goes_after_its_own_time(store):
    image = an_image()
    await store.drafts.save_attachment(image, NOW)
    await store.drafts.save(a_draft())
    assert await store.operations.clean(after(DAY), {"photos": NOW}) == 1
    assert set(await store.drafts.get_attachments([image.ref])) == {image.ref.sha256}
    assert await store.operations.clean(NOW, {"photos": after(1)}) == 1
    assert await store.drafts.get_attachments([image.ref]) == {}


async def test_of_old_tasks_nothing_stays_but_what_they_cost(store):
    old, marked, fresh = [
        await stored(store, TaskState.SUCCEEDED, created_at=Millis(NOW + number * MINUTE))
        for number in range(3)
    ]
    running = await stored(store, TaskState.IN_PROGRESS)
    await store.history.set_favourite(marked.id, True)
    for task in (old, marked):
        for delivery in await store.outbox.list_of(task.id):
            await store.outbox.mark_undeliverable(delivery.id, "gone", NOW)
    ledger = await store.credits.list_ledger(ADA)
    usage = await store.credits.get_usage(ADA, a_window())
    assert await store.operations.clean(NOW) == 0
    kinds = {"tasks": fresh.finished_at}
    assert await store.operations.clean(NOW, kinds) == 2
    assert await store.operations.clean(NOW, kinds) == 0
    emptied = await store.tasks.get(old.id)
    assert (emptied.request.prompt, emptied.hidden, emptied.price) == ("", True, old.price)
    assert await store.outbox.list_of(old.id) == []
    for task in (marked, fresh, running):
        assert (await store.tasks.get(task.id)).request == task.request
    assert await store.credits.list_ledger(ADA) == ledger
    assert await store.credits.get_usage(ADA, a_window()) == usage


async def test_a_task_whose_result_is_still_to_be_sent_is_not_emptied(store):
    task = await stored(store, TaskState.SUCCEEDED)
    await store.operations.clean(NOW, {"tasks": LATER})
    assert (await store.tasks.get(task.id)).request == task.request


async def test_a_long_history_is_emptied_in_pieces(store, monkeypatch):
    for number in range(5):
        await stored(store, TaskState.FAILED, created_at=Millis(NOW + number // 2))
    monkeypatch.setattr(operations, "EMPTIED_AT_ONCE", 2)
    await store.outbox.claim(LATER, LEASE, 9)
    assert await store.operations.clean(NOW, {"tasks": LATER}) == 5
