"""Elements and voices: asked for, made, lost, found, used and deleted."""

from dataclasses import replace

import httpx
import pytest
from starlette.responses import Response

from bot.domain.library.asset import MOST_ASSETS, Asset, AssetKind, AssetState, Wish
from bot.domain.requests.request import AudioRef, SourceVideo
from bot.domain.tasks.schedule import ABSENCE_PAUSE, SUBMISSION_LEASE
from bot.domain.tasks.task import FailureKind, Origin
from bot.domain.units import MINUTE, SECOND, Millis
from bot.errors import UserError
from bot.services.library.asset_making import MOST_DELETIONS
from bot.services.ports import Job
from bot.store import StoredAttachment
from tests.builders import ADA, ADAS_CHAT, XIAOLIN, a_request, an_image, stored
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.front import Front
from tests.world.proxy import bot_address
from tests.world.services import (
    POLICY,
    A,
    B,
    ServiceWorld,
    absent,
    accepted,
    failed,
    lost,
    refusal,
    running,
    says,
)
from tests.world.telegram import BOSS, complaint

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


async def ask(world: ServiceWorld, wish: Wish | None = None, user=ADA, update_id: int | None = None) -> Asset:
    origin = Origin(ADAS_CHAT, 7, update_id=update_id)
    return await world.services.assets.make(user, origin, wish or an_element())


async def refused(world: ServiceWorld, wish: Wish | None = None) -> str:
    """Why something cannot be asked for."""
    with pytest.raises(UserError) as caught:
        await ask(world, wish)
    return caught.value.key


async def now(world: ServiceWorld, asset: Asset) -> Asset | None:
    return await world.store.library.get_asset(asset.id)


async def state(world: ServiceWorld, asset: Asset) -> AssetState | None:
    found = await now(world, asset)
    return found and found.state


async def ready(
    world: ServiceWorld, wish: Wish | None = None, remote: str = "77", front: Front | None = None
) -> Asset:
    """One that is ready, and whose owner knows."""
    asset = await ask(world, wish)
    front = front or world.to_kling
    front.answer("submit", accepted())
    front.answer("query", made(asset.kind, remote))
    await world.run(Job.ASSETS)
    await world.run(Job.ASSETS, MINUTE)
    after = await now(world, asset)
    assert after is not None
    assert (after.state, after.remote_id, after.told) == (AssetState.READY, remote, True)
    world.to_telegram.calls.clear()
    return after


def told(world: ServiceWorld) -> list[str]:
    """What the owner was told."""
    return [call["text"] for call in world.to_telegram.of("sendMessage") if call["chat_id"] == ADA]


def sent(world: ServiceWorld) -> list[dict]:
    """What was sent to the first provider."""
    return world.to_kling.of("submit")


def failure(asset: Asset | None) -> tuple[AssetState, FailureKind | None, bool]:
    assert asset is not None
    return asset.state, asset.failure, asset.told


def an_element(name: str = "Fox") -> Wish:
    return Wish(AssetKind.ELEMENT, name, "a small red fox", (FRONT.ref, SIDE.ref))


def a_voice(name: str = "Ada") -> Wish:
    return Wish(AssetKind.VOICE, name, sound=SOUND.ref)


def made(kind: AssetKind, remote: str = "77", task_id: str = "kling-1") -> Response:
    entry = {f"{kind}_id": int(remote) if kind is AssetKind.ELEMENT else remote, f"{kind}_name": "Fox"}
    return says({"task_id": task_id, "task_status": "succeed", "task_result": {f"{kind}s": [entry]}})


DELETED = says({"task_id": "77", "task_status": "succeed"})


# -- asking --------------------------------------------------------------------------------------------


async def test_what_is_asked_for_is_kept_before_anything_is_sent(world):
    asset = await ask(world, update_id=5)
    kept = await now(world, asset)
    assert (kept.state, kept.provider, kept.name, kept.due_at) == (
        AssetState.WAITING,
        A,
        "Fox",
        world.clock.now(),
    )
    assert sent(world) == []
    assert await ask(world, update_id=5) == kept
    assert world.woken == {Job.ASSETS}


async def test_a_name_that_one_has_already_is_refused(world):
    await ask(world)
    assert await refused(world, an_element("fox")) == "error.asset.element_taken"
    await ask(world, user=XIAOLIN)


async def test_so_many_and_no_more(world):
    for number in range(MOST_ASSETS):
        await ask(world, an_element(f"Fox{number}"))
    assert await refused(world) == "error.asset.element_too_many"


@pytest.mark.parametrize(
    ("settings", "wish", "key"),
    [
        ({"dialect": "prefixed"}, an_element(), "error.asset.element_not_offered"),
        ({"models": '["kling-v2-6"]'}, an_element(), "error.asset.element_not_offered"),
        ({"dialect": "generic"}, a_voice(), "error.asset.voice_not_offered"),
    ],
)
async def test_where_no_provider_can_do_it_that_is_said(bare, settings, wish, key):
    if "dialect" in settings:
        settings = {"key": "sk-demo-generic", **settings}
    assert await refused(await opened(bare, **settings), wish) == key


async def test_a_plan_without_a_model_that_takes_elements_has_none(bare):
    world = await opened(bare, daily='200\nmodels = ["kling-v2-6"]', models='["kling-v3", "kling-v2-6"]')
    assert await refused(world) == "error.plan.model"
    assert (await ask(world, a_voice())).kind is AssetKind.VOICE


async def test_a_voice_of_a_recording_needs_an_address_that_kling_can_reach(bare):
    world = await opened(bare, extra="")
    assert await refused(world, a_voice()) == "error.asset.no_recordings"
    video = SourceVideo(provider=A, video_id="video-1", model="kling-v2-6")
    assert (await ask(world, Wish(AssetKind.VOICE, "Ada", video=video))).video == "video-1"


async def test_a_voice_of_a_video_is_made_where_the_video_is(two):
    video = SourceVideo(provider=B, video_id="video-1", model="kling-v2-6")
    assert (await ask(two, Wish(AssetKind.VOICE, "Ada", video=video))).provider == B
    gone = video.model_copy(update={"provider": "gone"})
    assert await refused(two, Wish(AssetKind.VOICE, "Bob", video=gone)) == "error.asset.video_elsewhere"


async def test_a_paused_provider_is_not_asked_and_what_one_person_makes_is_kept_together(two):
    await two.services.providers.pause(A, BOSS, "update:pause")
    assert (await ask(two)).provider == B
    await two.services.providers.resume(A, BOSS, "update:resume")
    assert (await ask(two, an_element("Cat"))).provider == B
    assert (await ask(two, user=XIAOLIN)).provider == A


# -- making --------------------------------------------------------------------------------------------


async def test_an_element_is_sent_looked_at_and_told(world):
    asset = await ask(world)
    world.to_kling.answer("query", running(), made(AssetKind.ELEMENT))
    await world.run(Job.ASSETS)
    (order,) = sent(world)
    assert (order["element_name"], order["element_description"]) == ("Fox", "a small red fox")
    assert order["external_task_id"] == asset.external_id
    assert len(order["element_image_list"]["refer_images"]) == 1
    assert await state(world, asset) is AssetState.MAKING
    assert told(world) == []
    for _ in range(3):
        await world.run(Job.ASSETS, MINUTE)
    assert (await world.services.assets.names(ADA)).elements == {"fox": 77}
    assert len(told(world)) == 1
    assert len(sent(world)) == 1


async def test_a_voice_is_made_of_a_sound_that_is_fetched_from_here_while_it_is_made(world):
    async def fetch(path: str) -> tuple[int, bytes]:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(bot_address(world) + path)
        return answer.status_code, answer.content

    asset = await ask(world, a_voice())
    await world.run(Job.ASSETS)
    address = sent(world)[0]["voice_url"].removeprefix(PUBLIC)
    assert address.startswith(f"/sound/{asset.id}/")
    assert await fetch(address) == (200, b"somebody speaks")
    forged = (f"/sound/{asset.id}/{'0' * 64}.mp3", address.replace(asset.id, "another"))
    assert [(await fetch(path))[0] for path in forged] == [404, 404]
    world.to_kling.answer("query", made(AssetKind.VOICE, "829877"))
    await world.run(Job.ASSETS, MINUTE)
    assert (await fetch(address))[0] == 404
    assert (await world.services.assets.names(ADA)).voices == {"ada": "829877"}


@pytest.mark.parametrize(
    ("answer", "kind", "detail"),
    [
        (refusal(400, 1301, "a face"), FailureKind.CONTENT, "a face"),
        (refusal(400, 1201, "the picture is too small"), FailureKind.PARAMETERS, "the picture is too small"),
    ],
)
async def test_what_kling_refuses_is_told_with_its_reason(world, answer, kind, detail):
    asset = await ask(world)
    world.to_kling.answer("submit", answer)
    await world.run(Job.ASSETS)
    after = await now(world, asset)
    assert (*failure(after), after.failure_detail) == (AssetState.FAILED, kind, True, detail)
    assert len(told(world)) == 1
    assert await world.services.assets.list_owned(ADA, AssetKind.ELEMENT) == []
    assert (await ask(world)).id != asset.id


async def test_what_kling_fails_to_make_is_told(world):
    asset = await ask(world)
    world.to_kling.answer("query", failed("risk control"))
    await world.run(Job.ASSETS)
    await world.run(Job.ASSETS, MINUTE)
    assert failure(await now(world, asset)) == (AssetState.FAILED, FailureKind.CONTENT, True)
    assert len(told(world)) == 1


async def test_a_provider_that_is_too_busy_or_down_is_asked_again_and_the_same_id_is_sent(world):
    asset = await ask(world)
    world.to_kling.answer("submit", refusal(429, 1303), DOWN)
    for _ in range(3):
        await world.run(Job.ASSETS, MINUTE)
    assert [body["external_task_id"] for body in sent(world)] == [asset.external_id] * 3
    assert await state(world, asset) is AssetState.MAKING


async def test_a_provider_that_stays_down_is_given_up(world):
    asset = await ask(world)
    world.to_kling.always("submit", DOWN)
    for _ in range(6):
        await world.run(Job.ASSETS, MINUTE)
    assert failure(await now(world, asset)) == (AssetState.FAILED, FailureKind.UNAVAILABLE, True)
    assert len(told(world)) == 1


async def test_a_paused_provider_is_waited_for(world):
    await ask(world)
    await world.services.providers.pause(A, BOSS, "update:pause")
    await world.run(Job.ASSETS)
    assert sent(world) == []
    await world.services.providers.resume(A, BOSS, "update:resume")
    await world.run(Job.ASSETS, MINUTE)
    assert len(sent(world)) == 1


async def test_what_takes_too_long_is_told(world):
    asset = await ask(world)
    world.to_kling.always("query", running())
    await world.run(Job.ASSETS)
    await world.run(Job.ASSETS, POLICY.deadline)
    assert failure(await now(world, asset)) == (AssetState.FAILED, FailureKind.DEADLINE, True)
    assert len(told(world)) == 1


async def test_without_its_pictures_nothing_is_sent(world):
    asset = await ask(world, Wish(AssetKind.ELEMENT, "Fox", "", (FRONT.ref, an_image(b"never kept").ref)))
    await world.run(Job.ASSETS)
    assert failure(await now(world, asset)) == (AssetState.FAILED, FailureKind.PARAMETERS, True)
    assert sent(world) == []


# -- lost answers, crashes -----------------------------------------------------------------------------


async def test_a_lost_answer_is_asked_for_by_our_own_id_and_nothing_is_sent_twice(world):
    asset = await ask(world)
    world.to_kling.answer("submit", lost())
    world.to_kling.answer("query", running("kling-9"), made(AssetKind.ELEMENT, task_id="kling-9"))
    await world.run(Job.ASSETS)
    assert await state(world, asset) is AssetState.UNCONFIRMED
    await world.run(Job.ASSETS)
    assert world.to_kling.paths[-1].endswith(asset.external_id)
    assert (await now(world, asset)).task_id == "kling-9"
    await world.run(Job.ASSETS, MINUTE)
    assert await state(world, asset) is AssetState.READY
    assert len(sent(world)) == 1


async def test_what_is_proven_absent_is_sent_again_with_the_same_id(world):
    asset = await ask(world)
    world.to_kling.answer("submit", lost())
    world.to_kling.answer("query", absent(), absent())
    await world.run(Job.ASSETS)
    await world.run(Job.ASSETS)
    assert len(sent(world)) == 1
    await world.run(Job.ASSETS, ABSENCE_PAUSE)
    await world.run(Job.ASSETS)
    assert [body["external_task_id"] for body in sent(world)] == [asset.external_id] * 2
    assert await state(world, asset) is AssetState.MAKING


async def test_what_was_being_sent_when_the_process_ended_is_asked_for(world):
    asset = await ask(world)
    (claimed,) = await world.store.library.claim_assets(world.clock.now(), SUBMISSION_LEASE, 1)
    await world.store.library.update_asset(replace(claimed, state=AssetState.SENDING))
    world.to_kling.answer("query", made(AssetKind.ELEMENT))
    await world.restart()
    for _ in range(2):
        await world.run(Job.ASSETS)
    assert await state(world, asset) is AssetState.READY
    assert sent(world) == []
    assert len(told(world)) == 1


async def test_where_nobody_can_say_what_became_of_it_that_is_told(world):
    asset = await ask(world)
    world.to_kling.answer("submit", lost())
    world.to_kling.always("query", refusal(500, 5000))
    await world.run(Job.ASSETS)
    for _ in range(POLICY.deadline // (2 * MINUTE) + 1):
        await world.run(Job.ASSETS, 2 * MINUTE)
    assert failure(await now(world, asset)) == (AssetState.FAILED, FailureKind.UNKNOWN_OUTCOME, True)
    assert len(told(world)) == 1
    assert len(sent(world)) == 1


@pytest.mark.parametrize(
    ("answer", "is_told"),
    [
        (complaint(429, "Too Many Requests: retry after 5", retry_after=5), [False, True]),
        (complaint(403, "Forbidden: bot was blocked by the user"), [True, True]),
    ],
)
async def test_an_owner_who_cannot_be_told_now_is_told_later_and_one_who_is_gone_is_not(
    world, answer, is_told
):
    asset = await ask(world)
    world.to_telegram.answer("sendMessage", answer)
    world.to_kling.answer("submit", refusal(400, 1301))
    seen = []
    for wait in (0, 5 * SECOND):
        await world.run(Job.ASSETS, wait)
        seen.append((await now(world, asset)).told)
    assert seen == is_told


# -- deleting ------------------------------------------------------------------------------------------


async def test_what_is_deleted_is_gone_at_once_and_then_at_the_provider(world):
    asset = await ready(world)
    await world.services.assets.delete(ADA, asset.id)
    assert await world.services.assets.list_owned(ADA, AssetKind.ELEMENT) == []
    world.to_kling.answer("submit", DELETED)
    await world.run(Job.ASSETS)
    assert sent(world)[-1] == {"element_id": "77"}
    assert await now(world, asset) is None


async def test_only_its_owner_deletes_an_asset_and_only_once(world):
    asset = await ready(world)
    with pytest.raises(UserError) as caught:
        await world.services.assets.delete(XIAOLIN, asset.id)
    assert caught.value.key == "error.asset.gone"
    await world.services.assets.delete(ADA, asset.id)
    with pytest.raises(UserError):
        await world.services.assets.delete(ADA, asset.id)


async def test_a_deletion_is_tried_again_until_the_provider_answers(world):
    asset = await ready(world)
    world.to_kling.answer("submit", DOWN, DOWN, refusal(400, 1201, "no such element"))
    await world.services.assets.delete(ADA, asset.id)
    await world.run(Job.ASSETS)
    await world.run(Job.ASSETS, MINUTE)
    assert await state(world, asset) is AssetState.DELETING
    await world.run(Job.ASSETS, 5 * MINUTE)
    assert await now(world, asset) is None


async def test_a_deletion_that_never_works_is_given_up(world):
    asset = await ready(world)
    await world.services.assets.delete(ADA, asset.id)
    world.to_kling.answer("submit", *[DOWN] * MOST_DELETIONS)
    for _ in range(MOST_DELETIONS + 1):
        await world.run(Job.ASSETS, 180 * MINUTE)
    assert await now(world, asset) is None


async def test_what_is_deleted_while_it_is_made_is_deleted_when_it_is_there(world):
    asset = await ask(world)
    await world.run(Job.ASSETS)
    await world.services.assets.delete(ADA, asset.id)
    world.to_kling.answer("query", running(), made(AssetKind.ELEMENT))
    world.to_kling.answer("submit", DELETED)
    await world.run(Job.ASSETS)
    assert await state(world, asset) is AssetState.DELETING
    await world.run(Job.ASSETS, MINUTE)
    assert sent(world)[-1] == {"element_id": "77"}
    assert await now(world, asset) is None
    assert told(world) == []


async def test_what_was_never_sent_needs_no_deletion_at_the_provider(world):
    asset = await ask(world)
    await world.services.assets.delete(ADA, asset.id)
    world.to_kling.answer("query", absent(), absent())
    await world.run(Job.ASSETS)
    await world.run(Job.ASSETS, ABSENCE_PAUSE)
    assert await now(world, asset) is None
    assert sent(world) == []


async def test_what_a_forgotten_person_made_is_deleted_at_the_provider_too(world):
    asset = await ready(world)
    await world.store.privacy.forget(ADA, world.clock.now())
    world.to_kling.answer("submit", DELETED)
    await world.run(Job.ASSETS)
    assert sent(world)[-1] == {"element_id": "77"}
    assert await now(world, asset) is None


# -- using ---------------------------------------------------------------------------------------------


async def test_a_request_with_an_element_goes_to_the_account_that_has_it(two):
    await two.services.providers.pause(A, BOSS, "update:pause")
    await ready(two, front=two.to_second)
    await two.services.providers.resume(A, BOSS, "update:resume")
    request = a_request(FRONT, model="kling-v3", elements=(77,))
    await stored(two.store, request=await two.services.assets.pinned(ADA, request))
    await stored(two.store, request=a_request(FRONT, model="kling-v3"))
    await two.run(Job.DISPATCH)
    assert (len(sent(two)), len(two.to_second.of("submit"))) == (1, 2)


async def test_an_element_of_somebody_else_is_not_used(world):
    await ready(world)
    request = a_request(FRONT, model="kling-v3", elements=(77,))
    with pytest.raises(UserError) as caught:
        await world.services.assets.pinned(XIAOLIN, request)
    assert caught.value.key == "error.asset.not_yours"
    assert (await world.services.assets.names(XIAOLIN)).elements == {}


async def test_an_element_that_was_deleted_is_not_used(world):
    asset = await ready(world)
    request = await world.services.assets.pinned(ADA, a_request(FRONT, model="kling-v3", elements=(77,)))
    await world.services.assets.delete(ADA, asset.id)
    for _ in range(2):
        with pytest.raises(UserError) as caught:
            await world.services.assets.pinned(ADA, request)
        assert caught.value.key == "error.asset.used_gone"
        await world.run(Job.ASSETS)


async def test_a_preset_belongs_to_everybody(world):
    request = a_request(FRONT, model="kling-v3", elements=(1001,))
    assert await world.services.assets.pinned(ADA, request) == request


async def test_what_is_with_two_providers_is_not_used_in_one_video(two):
    await ready(two)
    await two.services.providers.pause(A, BOSS, "update:pause")
    await ready(two, an_element("Cat"), "88", two.to_second)
    with pytest.raises(UserError) as caught:
        await two.services.assets.pinned(ADA, a_request(FRONT, model="kling-v3", elements=(77, 88)))
    assert (caught.value.key, caught.value.params) == ("error.asset.apart", {"names": "Cat, Fox"})


async def test_a_voice_that_speaks_is_pinned_as_well(world):
    await ready(world, a_voice(), "829877")
    request = a_request(voices=("829877",), sound=True, mode="pro")
    assert (await world.services.assets.pinned(ADA, request)).account == A
