"""What every engine promises of templates, elements and voices."""

from dataclasses import replace

import pytest

from bot.domain.library.template import Template
from bot.domain.requests.operations import Operation
from bot.domain.requests.question import NEXT_MESSAGE, Content
from bot.domain.tasks.lifecycle import Finished, transition
from bot.domain.tasks.task import RemoteResult, TaskState
from bot.errors import UserError
from bot.store import LibraryRefused
from tests.builders import ADA, ADAS_CHAT, LEASE, NOW, XIAOLIN, a_question, an_asset_request, stored
from tests.store.steps import LATER, after

FOX = Template("F0X000000001", ADA, "Fox", {"prompt": "a fox", "duration": 5}, 1, 0, NOW)
BOAT = replace(FOX, token="B0AT00000001", title="Boat", frames=0, references=3, created_at=after(1))


async def test_templates_read_back_as_they_were_kept_newest_first(store):
    await store.library.save_template(FOX, 10)
    await store.library.save_template(BOAT, 10)
    assert await store.library.get_template(FOX.token) == FOX
    assert await store.library.get_template("N0TH1NG00000") is None
    assert await store.library.list_templates(ADA) == [BOAT, FOX]
    assert await store.library.list_templates(XIAOLIN) == []


async def test_a_name_is_given_once_by_each_person_in_any_case(store):
    await store.library.save_template(FOX, 10)
    with pytest.raises(LibraryRefused) as refused:
        await store.library.save_template(replace(BOAT, title="FOX"), 10)
    assert refused.value.name_taken
    await store.library.save_template(replace(BOAT, owner=XIAOLIN, title="FOX"), 10)
    assert [template.title for template in await store.library.list_templates(XIAOLIN)] == ["FOX"]


async def test_a_template_can_be_renamed_and_is_still_one(store):
    await store.library.save_template(FOX, 1)
    await store.library.save_template(replace(FOX, title="FOX!"), 1)
    assert [template.title for template in await store.library.list_templates(ADA)] == ["FOX!"]


async def test_nobody_keeps_more_than_are_allowed(store):
    await store.library.save_template(FOX, 1)
    with pytest.raises(LibraryRefused) as refused:
        await store.library.save_template(BOAT, 1)
    assert not refused.value.name_taken
    assert await store.library.get_template(BOAT.token) is None


async def test_only_the_owner_deletes_a_template(store):
    await store.library.save_template(FOX, 10)
    assert not await store.library.delete_template(XIAOLIN, FOX.token)
    assert await store.library.get_template(FOX.token) == FOX
    assert await store.library.delete_template(ADA, FOX.token)
    assert not await store.library.delete_template(ADA, FOX.token)
    assert await store.library.get_template(FOX.token) is None


async def test_a_person_is_asked_for_one_thing_at_a_time_in_a_chat(store):
    photo = a_question(payload=FOX.token)
    await store.drafts.save_question(photo)
    assert await store.drafts.list_questions(ADA, ADAS_CHAT, [NEXT_MESSAGE], NOW) == [photo]
    name = a_question(kind="name", accepts=Content.TEXT | Content.SOUND)
    await store.drafts.save_question(name)
    assert await store.drafts.list_questions(ADA, ADAS_CHAT, [NEXT_MESSAGE], NOW) == [name]
    assert await store.drafts.list_questions(XIAOLIN, ADAS_CHAT, [NEXT_MESSAGE], NOW) == []
    assert not await store.drafts.delete_question(XIAOLIN, ADAS_CHAT, NEXT_MESSAGE, NOW)
    assert await store.drafts.delete_question(ADA, ADAS_CHAT, NEXT_MESSAGE, NOW)
    assert not await store.drafts.delete_question(ADA, ADAS_CHAT, NEXT_MESSAGE, NOW)


async def test_questions_of_several_messages_are_open_side_by_side(store):
    first, second = a_question(message_id=31), a_question(message_id=32, kind="name")
    for question in (first, second, a_question()):
        await store.drafts.save_question(question)
    found = await store.drafts.list_questions(XIAOLIN, ADAS_CHAT, [NEXT_MESSAGE, 31, 32], NOW)
    assert sorted(found, key=lambda question: question.message_id) == [first, second]
    await store.drafts.delete_question(ADA, ADAS_CHAT, 31, NOW)
    assert await store.drafts.list_questions(ADA, ADAS_CHAT, [31, 32], NOW) == [second]


async def test_a_question_is_open_until_its_last_moment(store):
    await store.drafts.save_question(a_question(expires_at=after(5)))
    assert await store.drafts.list_questions(ADA, ADAS_CHAT, [NEXT_MESSAGE], after(5)) != []
    assert await store.drafts.list_questions(ADA, ADAS_CHAT, [NEXT_MESSAGE], after(6)) == []
    assert not await store.drafts.delete_question(ADA, ADAS_CHAT, NEXT_MESSAGE, after(6))


async def test_what_nobody_waits_for_any_more_is_forgotten(store):
    await store.drafts.save_question(a_question(expires_at=NOW))
    await store.operations.clean(NOW)
    assert await store.drafts.list_questions(ADA, ADAS_CHAT, [NEXT_MESSAGE], NOW) != []
    await store.operations.clean(LATER)
    assert await store.drafts.list_questions(ADA, ADAS_CHAT, [NEXT_MESSAGE], NOW) == []


# -- elements and voices -------------------------------------------------------------------------------


async def a_made_one(store, **changes):
    """An element that its task has made."""
    task = await stored(store, TaskState.SUCCEEDED, request=an_asset_request(**changes))
    return next(asset for asset in await store.library.list_assets(ADA) if asset.id == task.id)


async def test_what_is_made_and_what_is_being_made_is_listed_oldest_first(store):
    made = await a_made_one(store, name="Fox")
    making = await stored(
        store, TaskState.IN_PROGRESS, request=an_asset_request(name="Cat"), created_at=after(1)
    )
    for state in (TaskState.FAILED, TaskState.CANCELLED, TaskState.EXPIRED):
        await stored(store, state, request=an_asset_request(name="Dog"))
    owned = await store.library.list_assets(ADA)
    assert [(asset.id, asset.name, asset.remote_id) for asset in owned] == [
        (made.id, "Fox", "video-0"),
        (making.id, "Cat", None),
    ]
    assert await store.library.list_assets(ADA, Operation.VOICE) == []
    assert await store.library.list_assets(XIAOLIN) == []


async def test_the_name_of_another_is_taken_in_any_case(store):
    await stored(store, request=an_asset_request(name="Fox"))
    with pytest.raises(UserError) as caught:
        await stored(store, request=an_asset_request(name="fOX"))
    assert caught.value.key == "error.asset.element_taken"
    await stored(store, request=an_asset_request(name="Fox"), user_id=XIAOLIN)


async def test_what_is_deleted_is_not_listed_and_is_due_for_its_provider(store):
    asset = await a_made_one(store)
    await store.library.delete_asset(asset, NOW)
    assert await store.library.list_assets(ADA) == []
    (known,) = await store.library.list_assets_known_as(["video-0"])
    assert (known.id, known.due_at) == (asset.id, NOW)
    (claimed,) = await store.library.claim_deletions(NOW, LEASE, 10)
    assert (claimed.due_at, claimed.attempts) == (NOW + LEASE, 1)
    assert await store.library.claim_deletions(NOW, LEASE, 10) == []
    await store.library.postpone_deletion(claimed, after(1))
    assert len(await store.library.claim_deletions(after(1), LEASE, 10)) == 1
    await store.library.remove_asset(claimed)
    assert await store.library.list_assets_known_as(["video-0"]) == []


async def test_what_the_last_process_was_deleting_is_due_at_once(store):
    await store.library.delete_asset(await a_made_one(store), NOW)
    await store.library.claim_deletions(NOW, LEASE, 10)
    assert await store.library.release_deletions(after(1)) == 1
    assert len(await store.library.claim_deletions(after(1), LEASE, 10)) == 1


async def test_of_a_forgotten_person_nothing_is_left_but_what_is_to_be_deleted(store):
    made = await a_made_one(store, name="Fox")
    making = await stored(store, TaskState.IN_PROGRESS, request=an_asset_request(name="Cat"))
    await store.privacy.forget(ADA, NOW)
    assert await store.library.list_assets(ADA) == []
    forgotten = await store.tasks.get(making.id)
    await store.tasks.apply(transition(forgotten, Finished((RemoteResult("", "8"),)), NOW), NOW)
    left = await store.library.claim_deletions(NOW, LEASE, 10)
    assert {(asset.id, asset.name, asset.description, asset.remote_id) for asset in left} == {
        (made.id, "", "", "video-0"),
        (making.id, "", "", "8"),
    }
    assert all(asset.user_id != ADA for asset in left)
