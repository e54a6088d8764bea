"""Elements and voices as tasks: asked for, made, told, used and deleted."""

from dataclasses import replace

import httpx
import pytest
from starlette.responses import Response

from bot.domain.library.asset import MOST_ASSETS, Asset
from bot.domain.requests.operations import Operation, Product
from bot.domain.requests.request import AudioRef, SourceVideo
from bot.domain.tasks.lifecycle import Finished, ProvenAbsent, transition
from bot.domain.tasks.schedule import LATE_INTERVAL, SUBMISSION_LEASE
from bot.domain.tasks.task import FailureKind, LedgerKind, Origin, RemoteResult, Task, TaskState
from bot.domain.types import MINUTE, Millis, UserId
from bot.errors import UserError
from bot.services.library.deletions import MOST_DELETIONS
from bot.services.ports import Job
from bot.services.tasks.status import expected_duration
from bot.store import Conflict, StoredAttachment
from tests.builders import ADA, ADAS_CHAT, OFFICIAL, XIAOLIN, a_request, an_asset_request, an_image, stored
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.front import Front
from tests.world.proxy import bot_address
from tests.world.services import (
    POLICY,
    A,
    B,
    ServiceWorld,
    accepted,
    accepting,
    failed,
    lost,
    refusal,
    running,
    says,
)
from tests.world.telegram import BOSS

pytestmark = TELLS_OF_TIMEDELTA

FRONT, SIDE = an_image(b"from the front"), an_image(b"from the side")
SOUND = StoredAttachment(AudioRef(sha256="5" * 64, duration_ms=6_000), b"somebody speaks", ADA)
PUBLIC = "https://bot.example.org"
WEB = f'[web]\nlisten = "127.0.0.1:0"\npublic_url = "{PUBLIC}"\n'
V3 = '["kling-v3"]'
DOWN = refusal(503, 5001)


async def opened(bare: ServiceWorld, **settings) -> ServiceWorld:
    """The bot, and what its assets are made of."""
    await bare.open(**{"models": V3, "second_models": V3, "extra": WEB, **settings})
    for attachment in (FRONT, SIDE, SOUND):
        await bare.store.drafts.save_attachment(replace(attachment, owner=ADA), Millis(0))
    for front in (bare.to_kling, bare.to_second):
        front.always("submit", accepted())
        front.always("query", running())
    return bare


@pytest.fixture
async def world(bare) -> ServiceWorld:
    return await opened(bare)


@pytest.fixture
async def two(bare) -> ServiceWorld:
    return await opened(bare, second=True)


async def ask(
    world: ServiceWorld, kind=Operation.ELEMENT, user=ADA, update_id: int | None = None, **given
) -> Task:
    """Ask for something as the commands do."""
    values = an_element() if kind is Operation.ELEMENT else a_voice()
    request = await world.services.assets.compose(user, kind, **values | given)
    return await world.services.submit.accept(user, Origin(ADAS_CHAT, 7, update_id=update_id), request)


async def refused(world: ServiceWorld, kind=Operation.ELEMENT, **given) -> str:
    """Why something cannot be asked for."""
    with pytest.raises(UserError) as caught:
        await ask(world, kind, **given)
    return caught.value.key


async def rows(world: ServiceWorld, task: Task) -> list[Asset]:
    """What the library has of a task, whether it can be used or is to be deleted."""
    known = await world.store.library.list_assets_known_as(["77", "88", "829877"])
    return [asset for asset in known if asset.id == task.id]


async def ended(world: ServiceWorld, wait: int = 0) -> None:
    """Look at what runs, and tell what there is to tell."""
    await world.run(Job.POLL, wait)
    await world.run(Job.DELIVER)


async def ready(
    world: ServiceWorld, kind=Operation.ELEMENT, remote: str = "77", front: Front | None = None, **given
) -> Task:
    """One that is ready, and whose owner knows."""
    task = await ask(world, kind, **given)
    front = front or world.to_kling
    front.answer("submit", accepted(f"kling-{remote}"))
    front.answer("query", made(kind, remote, f"kling-{remote}"))
    await world.run(Job.DISPATCH)
    await ended(world, MINUTE)
    (asset,) = await rows(world, task)
    assert (asset.remote_id, asset.due_at) == (remote, None)
    world.to_telegram.calls.clear()
    return await world.now(task)


def told(world: ServiceWorld) -> list[str]:
    """What the owner was told."""
    return [call["text"] for call in world.to_telegram.of("sendMessage") if call["chat_id"] == ADA]


def sent(world: ServiceWorld) -> list[dict]:
    """What was sent to the first provider."""
    return world.to_kling.of("submit")


def an_element() -> dict:
    return {"name": "Fox", "description": "a small red fox", "images": (FRONT.ref, SIDE.ref)}


def a_voice() -> dict:
    return {"name": "Ada", "sound": SOUND.ref}


def made(kind: Operation, remote: str = "77", task_id: str = "kling-1") -> Response:
    entry = {f"{kind}_id": int(remote) if kind is Operation.ELEMENT else remote, f"{kind}_name": "Fox"}
    return says({"task_id": task_id, "task_status": "succeed", "task_result": {f"{kind}s": [entry]}})


DELETED = says({"task_id": "77", "task_status": "succeed"})
A_VIDEO = SourceVideo(provider=A, video_id="video-1", model="kling-v2-6")


# -- asking --------------------------------------------------------------------------------------------


async def test_an_element_or_a_voice_is_a_task_with_an_operation_of_its_own(world):
    for kind in (Operation.ELEMENT, Operation.VOICE):
        task = await ask(world, kind)
        kept = await world.now(task)
        assert (kept.state, kept.request.operation, kept.request.account) == (TaskState.QUEUED, kind, A)
    assert sent(world) == []


async def test_the_same_update_asks_once(world):
    first = await ask(world, update_id=5)
    assert await ask(world, update_id=5) == first


async def test_a_name_that_one_has_already_is_refused(world):
    await ask(world)
    assert await refused(world, name="fox") == "error.asset.element_taken"
    await ask(world, user=XIAOLIN)
    await ask(world, Operation.VOICE, name="Fox")


async def test_a_name_of_one_that_is_ready_is_refused(world):
    await ready(world)
    assert await refused(world, name="fox") == "error.asset.element_taken"


async def test_so_many_and_no_more(world):
    for number in range(MOST_ASSETS):
        await ask(world, name=f"Fox{number}")
    assert await refused(world) == "error.asset.element_too_many"
    await ask(world, Operation.VOICE)


@pytest.mark.parametrize(
    ("settings", "kind", "key"),
    [
        ({"dialect": "prefixed"}, Operation.ELEMENT, "error.asset.element_not_offered"),
        ({"models": '["kling-v2-6"]'}, Operation.ELEMENT, "error.asset.element_not_offered"),
        ({"dialect": "generic"}, Operation.VOICE, "error.asset.voice_not_offered"),
    ],
)
async def test_where_no_provider_can_do_it_that_is_said(bare, settings, kind, key):
    if "dialect" in settings:
        settings = {"key": "sk-demo-generic", **settings}
    assert await refused(await opened(bare, **settings), kind) == key


async def test_a_plan_without_a_model_that_takes_elements_has_none(bare):
    world = await opened(bare, daily='200\nmodels = ["kling-v2-6"]', models='["kling-v3", "kling-v2-6"]')
    assert await refused(world) == "error.plan.model"
    assert (await ask(world, Operation.VOICE)).state is TaskState.QUEUED


async def test_a_voice_of_a_recording_needs_an_address_that_kling_can_reach(bare):
    world = await opened(bare, extra="")
    assert await refused(world, Operation.VOICE) == "error.asset.no_recordings"
    assert (await ask(world, Operation.VOICE, sound=None, video=A_VIDEO)).request.source == A_VIDEO


async def test_a_voice_of_a_video_is_made_where_the_video_is(two):
    there, gone = (A_VIDEO.model_copy(update={"provider": name}) for name in (B, "gone"))
    assert (await ask(two, Operation.VOICE, sound=None, video=there)).request.account == B
    key = await refused(two, Operation.VOICE, name="Bob", sound=None, video=gone)
    assert key == "error.asset.video_elsewhere"


async def test_a_paused_provider_is_not_asked_and_what_one_person_makes_is_kept_together(two):
    await two.services.providers.pause(A, BOSS, "update:pause")
    assert (await ask(two)).request.account == B
    await two.services.providers.resume(A, BOSS, "update:resume")
    assert (await ask(two, name="Cat")).request.account == B
    assert (await ask(two, user=XIAOLIN)).request.account == A


# -- making --------------------------------------------------------------------------------------------


async def test_an_element_is_sent_looked_at_and_told(world):
    task = await ask(world)
    world.to_kling.answer("query", running(), made(Operation.ELEMENT))
    await world.run(Job.DISPATCH)
    (order,) = sent(world)
    assert (order["element_name"], order["element_description"]) == ("Fox", "a small red fox")
    assert order["external_task_id"] == task.external_task_id
    assert len(order["element_image_list"]["refer_images"]) == 1
    await ended(world, MINUTE)
    assert told(world) == []
    for _ in range(2):
        await ended(world, MINUTE)
    assert (await world.services.assets.names(ADA, "")).elements == {"fox": 77}
    (text,) = told(world)
    assert "is ready" in text
    assert len(sent(world)) == 1


async def test_success_writes_the_library_row_in_the_transaction_of_the_transition(world):
    task = await stored(world.store, TaskState.IN_PROGRESS, request=an_asset_request(name="Fox"))
    event = Finished((RemoteResult("", "77", kind=Product.ASSET),))
    late = transition(task, event, world.clock.now())
    await world.store.tasks.apply(late, world.clock.now())
    with pytest.raises(Conflict):
        await world.store.tasks.apply(late, world.clock.now())
    (asset,) = await rows(world, task)
    assert (asset.name, asset.provider, asset.remote_id, asset.due_at) == ("Fox", OFFICIAL, "77", None)


async def test_hold_and_charge_are_booked_with_no_credits(world):
    task = await ready(world)
    ledger = await world.store.credits.list_ledger(ADA, 10)
    booked = [(row.kind, row.amount, row.held, row.allowance) for row in ledger if row.task_id == task.id]
    assert sorted(booked) == [(LedgerKind.CHARGE, 0, 0, 0), (LedgerKind.HOLD, 0, 0, 0)]


async def test_failure_releases_no_credits_and_is_told(world):
    task = await ask(world)
    world.to_kling.answer("submit", refusal(400, 1301))
    await world.run(Job.DISPATCH)
    ledger = await world.store.credits.list_ledger(ADA, 10)
    assert {(row.kind, row.amount) for row in ledger if row.task_id == task.id} == {
        (LedgerKind.HOLD, 0),
        (LedgerKind.RELEASE, 0),
    }
    await world.run(Job.DELIVER)
    assert len(told(world)) == 1


async def test_who_has_no_credits_left_and_as_much_running_as_allowed_has_an_element_made(bare):
    world = await opened(
        bare, daily="15\nmax_running = 1\nmax_waiting = 0", models='["kling-v3", "kling-v2-6"]'
    )
    await world.services.submit.accept(ADA, Origin(ADAS_CHAT, 1), a_request())
    await ask(world)
    await world.run(Job.DISPATCH)
    # Both are sent at once.
    assert sorted("element_name" in body for body in sent(world)) == [False, True]


async def test_it_does_not_count_as_a_running_video(world):
    await ask(world)
    await world.run(Job.DISPATCH)
    assert await world.store.tasks.count_running() == {}
    assert await world.store.tasks.count_running_of_users() == {}
    assert (await world.services.accounts.balance(ADA)).running == 0
    assert await world.services.tasks.running(ADA) == []


async def test_it_takes_no_place_in_line_and_nobodys_turn(bare):
    world = await opened(bare, provider="max_concurrent = 1")
    world.to_kling.always("submit", accepting())
    first, adas, others = [
        await stored(world.store, user_id=UserId(user), request=a_request(model="kling-v3"))
        for user in (2001, ADA, 2002)
    ]
    await world.run(Job.DISPATCH)
    await ask(world)
    await world.run(Job.DISPATCH)
    assert ["element_name" in body for body in sent(world)] == [False, True]
    now = world.clock.now()
    event = Finished((RemoteResult("https://kling.example/1.mp4"),))
    await world.store.tasks.apply(transition(await world.now(first), event, now), now)
    await world.run(Job.DISPATCH)
    assert [await world.state(task) for task in (adas, others)] == [TaskState.IN_PROGRESS, TaskState.QUEUED]


async def test_it_does_not_count_in_learned_durations(world):
    task = await ready(world)
    assert await world.store.tasks.list_recent_durations(A) == []
    assert await expected_duration(world.store, task) is None


async def test_it_is_not_in_the_history_nor_among_the_videos_made(world):
    task = await ready(world)
    assert await world.store.history.search(ADA, "", 0, 10) == []
    assert await world.store.history.get_task_of_request(ADAS_CHAT, 7) is None
    assert await world.store.operations.list_figures(Millis(0), ADA, 10) == []
    assert await world.store.operations.list_figures(Millis(0), None, 10) == []
    assert await world.store.tasks.list_ended(Millis(0), [TaskState.SUCCEEDED], 10) == []
    other = await stored(world.store)
    assert not await world.store.tasks.has_other_success(other)
    assert task.state is TaskState.SUCCEEDED


async def test_it_has_no_status_message(world):
    await ask(world)
    await world.run(Job.DISPATCH)
    await world.run(Job.STATUS, MINUTE)
    assert told(world) == []


async def test_a_voice_is_made_of_a_sound_that_is_fetched_from_here_while_it_is_made(world):
    async def fetch(path: str) -> tuple[int, bytes]:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(bot_address(world) + path)
        return answer.status_code, answer.content

    task = await ask(world, Operation.VOICE)
    await world.run(Job.DISPATCH)
    address = sent(world)[0]["voice_url"].removeprefix(PUBLIC)
    assert address.startswith(f"/sound/{task.id}/")
    assert await fetch(address) == (200, b"somebody speaks")
    forged = (f"/sound/{task.id}/{'0' * 64}.mp3", address.replace(task.id, "another"))
    assert [(await fetch(path))[0] for path in forged] == [404, 404]
    world.to_kling.answer("query", made(Operation.VOICE, "829877"))
    await ended(world, MINUTE)
    assert (await fetch(address))[0] == 404
    assert (await world.services.assets.names(ADA, "")).voices == {"ada": "829877"}


@pytest.mark.parametrize(
    ("answer", "kind", "detail"),
    [
        (refusal(400, 1301, "a face"), FailureKind.CONTENT, "a face"),
        (refusal(400, 1201, "the picture is too small"), FailureKind.PARAMETERS, "the picture is too small"),
    ],
)
async def test_what_kling_refuses_is_told_with_its_reason_and_the_name_is_free_again(
    world, answer, kind, detail
):
    task = await ask(world)
    world.to_kling.answer("submit", answer)
    await world.run(Job.DISPATCH)
    await world.run(Job.DELIVER)
    after = await world.now(task)
    assert (after.state, after.failure, after.failure_detail) == (TaskState.FAILED, kind, detail)
    assert len(told(world)) == 1
    assert await world.services.assets.list_owned(ADA, Operation.ELEMENT) == []
    assert (await ask(world)).id != task.id


async def test_what_kling_fails_to_make_is_told(world):
    task = await ask(world)
    world.to_kling.answer("query", failed("risk control"))
    await world.run(Job.DISPATCH)
    await ended(world, MINUTE)
    assert (await world.now(task)).failure is FailureKind.CONTENT
    assert len(told(world)) == 1


async def test_what_waited_too_long_is_told_without_a_question(world):
    task = await ask(world)
    await world.services.providers.pause(A, BOSS, "update:pause")
    await world.run(Job.RECOVER, POLICY.waiting)
    await world.run(Job.DELIVER)
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.WAITED)
    assert len(told(world)) == 1


async def test_one_that_comes_late_is_told_after_all(world):
    task = await ask(world)
    await world.run(Job.DISPATCH)
    await ended(world, POLICY.deadline)
    assert (await world.now(task)).failure is FailureKind.DEADLINE
    world.to_kling.answer("query", made(Operation.ELEMENT))
    await ended(world, LATE_INTERVAL)
    assert ["is ready" in text for text in told(world)] == [False, True]
    assert (await world.services.assets.names(ADA, "")).elements == {"fox": 77}


async def test_one_that_comes_late_and_whose_name_is_taken_by_then_is_deleted_at_its_provider(world):
    late = await ask(world)
    await world.run(Job.DISPATCH)
    await ended(world, POLICY.deadline)
    await ask(world)
    world.to_kling.answer("query", made(Operation.ELEMENT))
    world.to_kling.answer("submit", DELETED)
    await ended(world, LATE_INTERVAL)
    assert ["is ready" in text for text in told(world)] == [False]
    await world.run(Job.ASSETS)
    assert {"element_id": "77"} in sent(world)
    assert await rows(world, late) == []


async def test_without_its_pictures_nothing_is_sent(world):
    task = await ask(world, images=(FRONT.ref, an_image(b"never kept").ref))
    await world.run(Job.DISPATCH)
    assert (await world.now(task)).failure is FailureKind.PARAMETERS
    assert sent(world) == []


async def test_a_lost_answer_is_asked_for_by_our_own_id_and_nothing_is_sent_twice(world):
    task = await ask(world)
    world.to_kling.answer("submit", lost())
    found = made(Operation.ELEMENT, task_id="kling-9")
    world.to_kling.answer("query", running("kling-9"), found)
    await world.run(Job.DISPATCH)
    assert (await world.now(task)).state is TaskState.UNCONFIRMED
    await world.run(Job.RECOVER)
    assert world.to_kling.paths[-1].endswith(task.external_task_id)
    assert (await world.now(task)).provider_task_id == "kling-9"
    await ended(world, MINUTE)
    assert (await world.now(task)).state is TaskState.SUCCEEDED
    assert len(sent(world)) == 1


async def test_an_element_without_a_number_is_no_result(world):
    task = await ask(world)
    row = {"element_id": "not-a-number"}
    odd = says({"task_id": "kling-1", "task_status": "succeed", "task_result": {"elements": [row]}})
    world.to_kling.always("query", odd)
    await world.run(Job.DISPATCH)
    await ended(world, MINUTE)
    assert (await world.now(task)).state is TaskState.IN_PROGRESS


# -- deleting ------------------------------------------------------------------------------------------


async def test_deletion_at_the_provider_is_a_small_queue(world):
    first, second = await ready(world), await ready(world, remote="88", name="Cat")
    for task in (first, second):
        await world.services.assets.delete(ADA, task.id)
    world.to_kling.answer("submit", DELETED, DELETED)
    await world.run(Job.ASSETS)
    assert [*await rows(world, first), *await rows(world, second)] == []
    assert {"element_id": "88"} in sent(world)


async def test_what_a_process_was_deleting_is_taken_up_by_the_next(world):
    task = await ready(world)
    await world.services.assets.delete(ADA, task.id)
    await world.store.library.claim_deletions(world.clock.now(), SUBMISSION_LEASE, 1)
    world.to_kling.answer("submit", DELETED)
    await world.restart()
    await world.run(Job.ASSETS)
    assert await rows(world, task) == []


async def test_what_is_deleted_is_gone_at_once_and_then_at_the_provider(world):
    task = await ready(world)
    await world.services.assets.delete(ADA, task.id)
    assert await world.services.assets.list_owned(ADA, Operation.ELEMENT) == []
    world.to_kling.answer("submit", DELETED)
    await world.run(Job.ASSETS)
    assert sent(world)[-1] == {"element_id": "77"}
    assert await rows(world, task) == []


async def test_only_its_owner_deletes_an_asset_and_only_once(world):
    task = await ready(world)
    with pytest.raises(UserError) as caught:
        await world.services.assets.delete(XIAOLIN, task.id)
    assert caught.value.key == "error.asset.gone"
    await world.services.assets.delete(ADA, task.id)
    with pytest.raises(UserError):
        await world.services.assets.delete(ADA, task.id)


async def test_a_deletion_is_tried_again_until_the_provider_answers(world):
    task = await ready(world)
    world.to_kling.answer("submit", DOWN, DOWN, refusal(400, 1201, "no such element"))
    await world.services.assets.delete(ADA, task.id)
    await world.run(Job.ASSETS)
    await world.run(Job.ASSETS, MINUTE)
    assert len(await rows(world, task)) == 1
    await world.run(Job.ASSETS, 5 * MINUTE)
    assert await rows(world, task) == []


async def test_a_deletion_that_never_works_is_given_up(world):
    task = await ready(world)
    await world.services.assets.delete(ADA, task.id)
    world.to_kling.answer("submit", *[DOWN] * MOST_DELETIONS)
    for _ in range(MOST_DELETIONS + 1):
        await world.run(Job.ASSETS, 180 * MINUTE)
    assert await rows(world, task) == []


async def test_what_is_deleted_while_it_is_made_is_deleted_when_it_is_there_and_nobody_is_told(world):
    task = await ask(world)
    await world.run(Job.DISPATCH)
    await world.services.assets.delete(ADA, task.id)
    assert await world.services.assets.list_owned(ADA) == []
    world.to_kling.answer("query", running(), made(Operation.ELEMENT))
    world.to_kling.answer("submit", DELETED)
    for _ in range(3):
        await ended(world, MINUTE)
        await world.run(Job.ASSETS)
    assert sent(world)[-1] == {"element_id": "77"}
    assert await rows(world, task) == []
    assert told(world) == []


async def test_what_was_never_sent_is_not_made_and_nobody_is_told(world):
    task = await ask(world)
    await world.services.assets.delete(ADA, task.id)
    await world.run(Job.DISPATCH)
    await world.run(Job.DELIVER)
    assert (await world.now(task)).state is TaskState.CANCELLED
    assert sent(world) == []
    assert told(world) == []


async def test_what_was_deleted_while_it_was_sent_is_not_sent_again(world):
    task = await stored(world.store, TaskState.UNCONFIRMED, request=an_asset_request(name="Fox"))
    (asset,) = await world.services.assets.list_owned(ADA)
    await world.store.library.delete_asset(asset, world.clock.now())
    after = await world.store.tasks.apply(
        transition(task, ProvenAbsent(world.clock.now()), world.clock.now()), world.clock.now()
    )
    assert after.state is TaskState.CANCELLED


async def test_what_a_forgotten_person_made_is_deleted_at_the_provider_too(world):
    task = await ready(world)
    await world.store.privacy.forget(ADA, world.clock.now())
    world.to_kling.answer("submit", DELETED)
    await world.run(Job.ASSETS)
    assert sent(world)[-1] == {"element_id": "77"}
    assert await rows(world, task) == []


# -- using ---------------------------------------------------------------------------------------------


async def test_a_request_with_an_element_goes_to_the_account_that_has_it(two):
    await two.services.providers.pause(A, BOSS, "update:pause")
    await ready(two, front=two.to_second)
    await two.services.providers.resume(A, BOSS, "update:resume")
    request = a_request(FRONT, model="kling-v3", elements=(77,))
    await stored(two.store, request=await two.services.assets.bind_to_account(ADA, request))
    await stored(two.store, request=a_request(FRONT, model="kling-v3"))
    await two.run(Job.DISPATCH)
    assert (len(sent(two)), len(two.to_second.of("submit"))) == (1, 2)


async def test_an_element_of_somebody_else_is_not_used(world):
    await ready(world)
    request = a_request(FRONT, model="kling-v3", elements=(77,))
    with pytest.raises(UserError) as caught:
        await world.services.assets.bind_to_account(XIAOLIN, request)
    assert caught.value.key == "error.asset.not_yours"
    assert (await world.services.assets.names(XIAOLIN, "")).elements == {}


async def test_an_element_that_was_deleted_is_not_used(world):
    task = await ready(world)
    request = await world.services.assets.bind_to_account(
        ADA, a_request(FRONT, model="kling-v3", elements=(77,))
    )
    await world.services.assets.delete(ADA, task.id)
    for _ in range(2):
        with pytest.raises(UserError) as caught:
            await world.services.assets.bind_to_account(ADA, request)
        assert caught.value.key == "error.asset.used_gone"
        await world.run(Job.ASSETS)


async def test_a_preset_belongs_to_everybody(world):
    request = a_request(FRONT, model="kling-v3", elements=(1001,))
    assert await world.services.assets.bind_to_account(ADA, request) == request


async def test_what_is_with_two_providers_is_not_used_in_one_video(two):
    await ready(two)
    await two.services.providers.pause(A, BOSS, "update:pause")
    await ready(two, remote="88", front=two.to_second, name="Cat")
    with pytest.raises(UserError) as caught:
        await two.services.assets.bind_to_account(ADA, a_request(FRONT, model="kling-v3", elements=(77, 88)))
    assert (caught.value.key, caught.value.params) == ("error.asset.apart", {"names": "Cat, Fox"})


async def test_a_voice_that_speaks_is_pinned_as_well(world):
    await ready(world, Operation.VOICE, "829877")
    request = a_request(voices=("829877",), sound=True, mode="pro")
    assert (await world.services.assets.bind_to_account(ADA, request)).account == A
