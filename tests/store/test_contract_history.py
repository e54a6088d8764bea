"""What every engine promises of a person's history (the Store protocol)."""

import pytest

from bot.domain.tasks.task import ResultMessage, TaskState
from bot.domain.types import ChatId
from bot.store import SentRecord
from tests.builders import ADA, ADAS_CHAT, LEASE, NOW, XIAOLIN, a_request, an_origin, stored
from tests.store.steps import LATER, after

GROUP = ChatId(-100)


async def delivered(store, file_id: str, **changes):
    task = await stored(store, TaskState.SUCCEEDED, **changes)
    for delivery in await store.outbox.claim(after(1), LEASE, 10):
        await store.outbox.mark_delivered(delivery.id, SentRecord(500 + delivery.id, file_id), after(2))
    return task


async def test_a_history_comes_newest_first_and_is_nobody_elses(store):
    old, new = await stored(store), await stored(store, TaskState.SUCCEEDED)
    await stored(store, user_id=XIAOLIN)
    assert await store.history.search(ADA, "", 0, 9) == [await store.tasks.get(new.id), old]
    assert await store.history.search(ADA, "", 1, 9) == [old]
    assert [task.id for task in await store.history.search(ADA, "", 0, 1)] == [new.id]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("fox", True),
        ("FOX  snow", True),
        ("fox rain", False),
        ("100%", False),
        ("лиса", True),
        ("狐狸", True),
        ("größe", True),
        ("GRÖSSE", True),
    ],
)
async def test_a_task_is_found_by_all_the_words_of_its_prompt_in_any_case(store, words, found):
    await stored(store, request=a_request(prompt="A fox in the Snow, Лиса, 雪地里的狐狸, Größe 100 %"))
    assert bool(await store.history.search(ADA, words, 0, 9)) == found


async def test_a_favourite_is_one_until_it_is_none_and_its_version_stays(store):
    task = await stored(store, TaskState.SUCCEEDED)
    await stored(store, TaskState.SUCCEEDED)
    await store.history.set_favourite(task.id, True)
    (favourite,) = await store.history.list_favourites(ADA, 0, 9)
    assert (favourite.id, favourite.favourite, favourite.version) == (task.id, True, task.version)
    assert await store.history.list_favourites(XIAOLIN, 0, 9) == []
    await store.history.set_favourite(task.id, False)
    assert await store.history.list_favourites(ADA, 0, 9) == []


async def test_a_hidden_task_is_in_no_history_and_its_ledger_stays(store):
    task = await delivered(store, "film")
    await store.history.set_favourite(task.id, True)
    await store.history.hide(task.id)
    assert await store.history.search(ADA, "", 0, 9) == []
    assert await store.history.list_favourites(ADA, 0, 9) == []
    assert await store.history.search_results(ADA, "", 0, 9) == []
    assert await store.history.get_task_of_request(task.origin.chat_id, task.origin.message_id) is None
    hidden = await store.tasks.get(task.id)
    assert hidden is not None
    assert hidden.hidden
    assert {row.task_id for row in await store.credits.list_ledger(ADA)} == {task.id}


async def test_results_are_those_that_the_chat_has_a_file_of(store):
    first = await delivered(store, "one", request=a_request(prompt="a fox"))
    second = await delivered(store, "two", request=a_request(prompt="a crow"))
    await stored(store, TaskState.SUCCEEDED, request=a_request(prompt="a fox that waits"))
    await stored(store, TaskState.FAILED)
    found = await store.history.search_results(ADA, "", 0, 9)
    assert [(row.task.id, row.file_id) for row in found] == [(second.id, "two"), (first.id, "one")]
    assert [row.file_id for row in await store.history.search_results(ADA, "", 1, 9)] == ["one"]
    assert [row.file_id for row in await store.history.search_results(ADA, "fox", 0, 9)] == ["one"]
    assert await store.history.search_results(XIAOLIN, "", 0, 9) == []


async def test_the_newest_task_of_a_request_is_found_by_its_message(store):
    await stored(store)
    newest = await stored(store)
    assert await store.history.get_task_of_request(ADAS_CHAT, 7) == newest
    assert await store.history.get_task_of_request(ADAS_CHAT, 8) is None
    assert await store.history.get_task_of_request(GROUP, 7) is None


async def test_a_message_about_a_task_leads_to_it_and_to_its_result(store):
    task = await delivered(store, "film")
    await store.history.save_message(GROUP, 31, task.id, 0)
    await store.history.save_message(GROUP, 32, task.id, 1)
    found = (await store.history.get_message(GROUP, 31)).task
    assert found is not None
    assert found.id == task.id
    assert await store.history.get_message(ADAS_CHAT, 31) is None
    assert await store.history.get_message(GROUP, 32) == ResultMessage(found, 1)
    assert await store.history.get_message(GROUP, 33) is None
    (row,) = await store.outbox.list_of(task.id)
    assert await store.history.get_message(ADAS_CHAT, row.message_id) == ResultMessage(found, 0)
    assert sorted(await store.history.list_messages(task.id)) == [
        (GROUP, 31),
        (GROUP, 32),
        (ADAS_CHAT, row.message_id),
    ]


async def test_a_result_is_known_by_its_file_in_any_message_first_as_ones_own(store):
    task = await stored(store, TaskState.SUCCEEDED)
    (delivery,) = await store.outbox.claim(after(1), LEASE, 10)
    for _ in range(2):
        await store.outbox.mark_delivered(delivery.id, SentRecord(501, "film", "AQAD1"), after(2))
    for _ in range(2):
        await store.history.save_message(GROUP, 31, task.id, 0, "AQAD2")
    for file in ("AQAD1", "AQAD2"):
        found = await store.history.get_file(["AQAD0", file], ADA)
        assert (found.task.id, found.position) == (task.id, 0)
        assert (await store.history.get_file([file], XIAOLIN)).task.user_id == ADA
    assert await store.history.get_file(["AQAD0"], ADA) is None
    assert await store.history.get_file([], ADA) is None
    other = await stored(store, TaskState.SUCCEEDED, user_id=XIAOLIN)
    await store.history.save_message(GROUP, 32, other.id, 0, "AQAD1")
    assert (await store.history.get_file(["AQAD1"], ADA)).task.id == task.id
    assert (await store.history.get_file(["AQAD1"], XIAOLIN)).task.id == other.id
    await store.history.hide(task.id)
    assert (await store.history.get_file(["AQAD1"], ADA)).task.id == other.id
    assert await store.history.get_file(["AQAD2"], ADA) is None


async def test_whoever_is_forgotten_is_known_by_no_file(store):
    task = await stored(store, TaskState.SUCCEEDED)
    await store.history.save_message(GROUP, 31, task.id, 0, "AQAD1")
    await store.privacy.forget(ADA, LATER)
    assert await store.history.get_file(["AQAD1"], ADA) is None


async def test_the_newest_video_is_that_of_the_chat(store):
    here, elsewhere = an_origin(chat_id=GROUP, is_private=False), an_origin()
    older = await stored(store, TaskState.SUCCEEDED, origin=here)
    newest = await stored(store, TaskState.SUCCEEDED, origin=here)
    await stored(store, TaskState.FAILED, origin=here)
    await stored(store, TaskState.SUCCEEDED, origin=here, user_id=XIAOLIN)
    private = await stored(store, TaskState.SUCCEEDED, origin=elsewhere)
    assert (await store.history.get_newest_video(ADA, GROUP)).id == newest.id
    assert (await store.history.get_newest_video(ADA, ADAS_CHAT)).id == private.id
    await store.history.hide(newest.id)
    assert (await store.history.get_newest_video(ADA, GROUP)).id == older.id
    assert await store.history.get_newest_video(ADA, ChatId(-7)) is None


async def test_kept_words_are_their_owners_until_they_are_old(store):
    await store.drafts.save_text(ADA, "t1", "a fox", NOW)
    await store.drafts.save_text(ADA, "t1", "a fox", after(1))
    assert await store.drafts.get_text(ADA, "t1") == "a fox"
    assert await store.drafts.get_text(XIAOLIN, "t1") is None
    await store.operations.clean(after(1))
    assert await store.drafts.get_text(ADA, "t1") == "a fox"
    await store.operations.clean(LATER)
    assert await store.drafts.get_text(ADA, "t1") is None
