"""What every engine promises of templates, elements and voices."""

from dataclasses import replace

import pytest

from bot.domain.library.asset import AssetKind, AssetState
from bot.domain.library.template import Template
from bot.domain.requests.question import NEXT_MESSAGE, Content
from bot.domain.requests.request import AudioRef
from bot.domain.tasks.task import FailureKind
from bot.domain.units import DAY, Millis
from bot.store import AssetChanged, LibraryRefused
from tests.builders import ADA, ADAS_CHAT, LEASE, NOW, XIAOLIN, a_question, an_asset, an_image
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


MOST = 3


async def in_state(store, state, **changes):
    """An asset that has come so far."""
    kept = await store.library.save_asset(an_asset(**changes), MOST)
    return await store.library.update_asset(replace(kept, state=state))


async def test_an_asset_reads_back_as_it_was_kept(store):
    asset = an_asset(
        pictures=(an_image(b"front").ref, an_image(b"side").ref),
        sound=AudioRef(sha256="0" * 64, duration_ms=6_000),
        video="video-1",
        message_id=7,
        update_id=8,
    )
    await store.library.save_asset(asset, MOST)
    assert await store.library.get_asset(asset.id) == asset
    changed = replace(
        asset,
        state=AssetState.FAILED,
        due_at=None,
        attempts=2,
        looks=1,
        task_id="kling-1",
        remote_id="7",
        failure=FailureKind.CONTENT,
        failure_detail="a face",
        told=True,
    )
    after_it = await store.library.update_asset(changed)
    assert after_it == replace(changed, version=1)
    assert await store.library.get_asset(asset.id) == after_it


async def test_the_same_update_asks_for_one(store):
    first = await store.library.save_asset(an_asset(update_id=5, name="Fox"), MOST)
    assert await store.library.save_asset(an_asset(update_id=5, name="Fox"), MOST) == first
    assert await store.library.list_assets(ADA) == [first]


async def test_a_name_is_taken_once_by_a_person_and_kind_in_any_case(store):
    await store.library.save_asset(an_asset(name="Fox"), MOST)
    with pytest.raises(LibraryRefused) as refused:
        await store.library.save_asset(an_asset(name="fOX"), MOST)
    assert refused.value.name_taken
    await store.library.save_asset(an_asset(name="Fox", kind=AssetKind.VOICE), MOST)
    await store.library.save_asset(an_asset(name="Fox", user_id=XIAOLIN), MOST)


async def test_a_person_has_so_many_of_a_kind_and_no_more(store):
    for _ in range(MOST):
        await store.library.save_asset(an_asset(), MOST)
    with pytest.raises(LibraryRefused) as refused:
        await store.library.save_asset(an_asset(), MOST)
    assert not refused.value.name_taken
    await store.library.save_asset(an_asset(kind=AssetKind.VOICE), MOST)


@pytest.mark.parametrize("state", [AssetState.FAILED, AssetState.DELETING])
async def test_what_is_gone_for_its_owner_leaves_its_name_and_place(store, state):
    gone = await in_state(store, state, name="Fox")
    again = await store.library.save_asset(an_asset(name="Fox"), 1)
    assert await store.library.list_assets(ADA) == [again]
    assert await store.library.get_asset(gone.id) == gone


async def test_what_is_due_is_claimed_once_within_the_lease(store):
    due = await store.library.save_asset(an_asset(), MOST)
    await store.library.save_asset(an_asset(due_at=after(1)), MOST)
    await store.library.save_asset(an_asset(due_at=None), MOST)
    claimed = await store.library.claim_assets(NOW, LEASE, 10)
    assert claimed == [replace(due, due_at=NOW + LEASE, version=1)]
    assert await store.library.claim_assets(NOW, LEASE, 10) == []
    assert len(await store.library.claim_assets(LATER, LEASE, 10)) == 2


async def test_at_start_everything_that_was_taken_is_due(store):
    await store.library.save_asset(an_asset(), MOST)
    await store.library.claim_assets(NOW, LEASE, 10)
    assert await store.library.release_assets(after(1)) == 1
    assert len(await store.library.claim_assets(after(1), LEASE, 10)) == 1


async def test_of_two_changes_from_one_version_the_first_wins(store):
    asset = await store.library.save_asset(an_asset(), MOST)
    await store.library.update_asset(replace(asset, state=AssetState.SENDING))
    with pytest.raises(AssetChanged):
        await store.library.update_asset(replace(asset, state=AssetState.DELETING))
    with pytest.raises(AssetChanged):
        await store.library.delete_asset(asset)


async def test_what_is_deleted_everywhere_is_forgotten(store):
    asset = await in_state(store, AssetState.DELETING)
    await store.library.delete_asset(asset)
    assert await store.library.get_asset(asset.id) is None
    with pytest.raises(AssetChanged):
        await store.library.update_asset(asset)


async def test_assets_are_found_by_the_ids_that_providers_know(store):
    mine = await store.library.update_asset(
        replace(await store.library.save_asset(an_asset(), MOST), remote_id="7")
    )
    theirs = await store.library.update_asset(
        replace(await store.library.save_asset(an_asset(user_id=XIAOLIN), MOST), remote_id="8")
    )
    assert set(await store.library.list_assets_known_as({"7", "8", "9"})) == {mine, theirs}
    assert await store.library.list_assets_known_as(()) == []


async def test_what_has_failed_is_forgotten_after_a_while_and_what_is_ready_never(store):
    failed = await in_state(store, AssetState.FAILED)
    ready = await in_state(store, AssetState.READY)
    await store.operations.clean(Millis(NOW + DAY))
    assert await store.library.get_asset(failed.id) is None
    assert await store.library.get_asset(ready.id) == ready


async def test_of_a_forgotten_person_nothing_is_left_but_what_must_still_be_deleted_at_the_provider(store):
    ready = await store.library.update_asset(
        replace(
            await store.library.save_asset(an_asset(name="Fox"), MOST), remote_id="7", state=AssetState.READY
        )
    )
    failed = await in_state(store, AssetState.FAILED)
    await store.privacy.forget(ADA, NOW)
    assert await store.library.get_asset(failed.id) is None
    left = await store.library.get_asset(ready.id)
    assert (left.state, left.name, left.description, left.remote_id) == (AssetState.DELETING, "", "", "7")
    assert left.user_id < 0
    assert [claimed.id for claimed in await store.library.claim_assets(NOW, LEASE, 10)] == [ready.id]
    assert await store.privacy.export(ADA) == await store.privacy.export(XIAOLIN)
