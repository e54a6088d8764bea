"""Elements and voices over a real store and a provider on loopback: asked for, made, lost, found, used, deleted."""

import random
from dataclasses import replace

import pytest

from bot.clock import Runtime
from bot.domain.credits.quota import PlanTerms
from bot.domain.library.asset import MOST_ASSETS, Asset, AssetKind, AssetState, Wish
from bot.domain.requests import catalog
from bot.domain.requests.request import AudioRef, SourceVideo
from bot.domain.tasks.schedule import ABSENCE_PAUSE, SUBMISSION_LEASE
from bot.domain.tasks.task import FailureKind, Origin
from bot.domain.units import MINUTE, SECOND, Millis
from bot.errors import UserError
from bot.services.credits.plans import Plans
from bot.services.library.asset_making import MOST_DELETIONS, AssetMaking
from bot.services.library.assets import Assets
from bot.services.people.accounts import Accounts, Audit
from bot.services.people.moderation import Limits
from bot.services.ports import ChatBusy, ChatGone, Sent
from bot.services.tasks.workers import WorkerPool
from bot.settings import sections
from bot.store import Store, StoredAttachment
from tests.builders import ADA, ADAS_CHAT, XIAOLIN, a_request, an_image
from tests.services.old.world import (
    POLICY,
    Provider,
    absent,
    accepted,
    failed,
    lost,
    open_world,
    refusal,
    running,
    says,
)

FRONT, SIDE = an_image(b"from the front"), an_image(b"from the side")
SOUND = StoredAttachment(AudioRef(sha256="5" * 64, duration_ms=6_000), b"somebody speaks", ADA)
PUBLIC = "https://bot.example.org"


class AssetChat:
    """A chat that notes what it is told; `trouble` holds what the next calls raise."""

    def __init__(self) -> None:
        self.told: list[Asset] = []
        self.trouble: list[Exception] = []

    async def tell_asset(self, asset: Asset) -> Sent:
        if self.trouble:
            raise self.trouble.pop(0)
        self.told.append(asset)
        return Sent(1)


class Making:
    """The services for elements and voices in a world of theirs."""

    def __init__(self, world, store, *, plan: PlanTerms | None = None, public: str = PUBLIC) -> None:
        self.world, self.store, self.clock, self.pool = world, store, world.clock, world.pool
        self.chat = AssetChat()
        plans = Plans(store=store, configured={"free": plan or PlanTerms()}, default="free")
        self.assets = Assets(
            store=store,
            pool=world.pool,
            catalog=catalog.load,
            accounts=Accounts(
                store=store,
                clock=world.clock,
                plans=plans,
                quota=sections.Quota(),
                owners=frozenset(),
                audit=Audit(store=store, clock=world.clock),
            ),
            limits=Limits(
                limits=sections.Limits(requests_per_minute=1_000),
                groups=sections.Groups(requests_per_minute=1_000),
                clock=world.clock,
            ),
            runtime=Runtime(world.clock, random.Random(3)),
            wake=world.woken.append,
            hands_out_sounds=bool(public),
        )
        self.work = WorkerPool(4)
        self.making = AssetMaking(
            store=store,
            monitor=world.monitor,
            chat=self.chat,
            runtime=Runtime(world.clock, random.Random(4)),
            policy=POLICY,
            work=self.work,
            sounds_at=public,
            secret="a secret of tests",
        )

    async def ask(self, wish: Wish | None = None, user=ADA, update_id: int | None = None) -> Asset:
        origin = Origin(ADAS_CHAT, 7, update_id=update_id)
        return await self.assets.make(user, origin, wish or an_element())

    async def step(self, wait: int = 0) -> None:
        """One tick, to its end, after so many milliseconds."""
        self.clock.advance(wait)
        await self.making.tick()
        await self.work.drain()

    async def now(self, asset: Asset) -> Asset | None:
        return await self.store.library.get_asset(asset.id)

    async def ready(
        self, provider: Provider, wish: Wish | None = None, remote: str = "77", user=ADA
    ) -> Asset:
        """One that is ready, and whose owner knows."""
        asset = await self.ask(wish, user)
        provider.to_submissions.append(accepted())
        provider.to_questions.append(made(asset.kind, remote))
        await self.step()
        await self.step(MINUTE)
        after = await self.now(asset)
        assert after is not None
        assert (after.state, after.remote_id, after.told) == (AssetState.READY, remote, True)
        return after


def an_element(name: str = "Fox") -> Wish:
    return Wish(AssetKind.ELEMENT, name, "a small red fox", (FRONT.ref, SIDE.ref))


def a_voice(name: str = "Ada") -> Wish:
    return Wish(AssetKind.VOICE, name, sound=SOUND.ref)


def made(kind: AssetKind, remote: str = "77", task_id: str = "kling-1"):
    entry = {f"{kind}_id": int(remote) if kind is AssetKind.ELEMENT else remote, f"{kind}_name": "Fox"}
    return says({"task_id": task_id, "task_status": "succeed", "task_result": {f"{kind}s": [entry]}})


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(str(tmp_path / "assets.db"))
    for attachment in (FRONT, SIDE, SOUND):
        await opened.drafts.save_attachment(replace(attachment, owner=ADA), Millis(0))
    yield opened
    await opened.close()


@pytest.fixture
async def world(tmp_path, provider):
    async with open_world(tmp_path, provider, models=("kling-v3",)) as opened:
        yield opened


@pytest.fixture
def making(world, store) -> Making:
    return Making(world, store)


def key_of(caught) -> str:
    return caught.value.key


# -- asking --------------------------------------------------------------------------------------------


async def test_what_is_asked_for_is_kept_before_anything_is_sent(making, provider):
    asset = await making.ask(update_id=5)
    kept = await making.now(asset)
    assert (kept.state, kept.provider, kept.name, kept.due_at) == (
        AssetState.WAITING,
        "a",
        "Fox",
        making.clock.now(),
    )
    assert provider.submissions == []
    assert await making.ask(update_id=5) == kept
    assert making.world.woken == ["assets", "assets"]


async def test_a_name_that_one_has_already_is_refused(making):
    await making.ask()
    with pytest.raises(UserError) as caught:
        await making.ask(an_element("fox"))
    assert key_of(caught) == "error.asset.element_taken"
    await making.ask(user=XIAOLIN)


async def test_so_many_and_no_more(making):
    for number in range(MOST_ASSETS):
        await making.ask(an_element(f"Fox{number}"))
    with pytest.raises(UserError) as caught:
        await making.ask()
    assert (key_of(caught), caught.value.params) == ("error.asset.element_too_many", {"limit": MOST_ASSETS})


@pytest.mark.parametrize(
    ("settings", "wish", "key"),
    [
        ({"dialect": "prefixed", "models": ("kling-v3",)}, an_element(), "error.asset.element_not_offered"),
        ({"models": ("kling-v2-6",)}, an_element(), "error.asset.element_not_offered"),
        ({"dialect": "generic"}, a_voice(), "error.asset.voice_not_offered"),
    ],
)
async def test_where_no_provider_can_do_it_that_is_said(tmp_path, store, provider, settings, wish, key):
    async with open_world(tmp_path, provider, **settings) as world:
        with pytest.raises(UserError) as caught:
            await Making(world, store).ask(wish)
    assert key_of(caught) == key


async def test_a_plan_without_a_model_that_takes_elements_has_none(world, store):
    making = Making(world, store, plan=PlanTerms(models=("kling-v2-6",)))
    with pytest.raises(UserError) as caught:
        await making.ask()
    assert key_of(caught) == "error.plan.model"
    assert (await making.ask(a_voice())).kind is AssetKind.VOICE


async def test_a_voice_of_a_recording_needs_an_address_that_kling_can_reach(world, store):
    making = Making(world, store, public="")
    with pytest.raises(UserError) as caught:
        await making.ask(a_voice())
    assert key_of(caught) == "error.asset.no_recordings"
    video = SourceVideo(provider="a", video_id="video-1", model="kling-v2-6")
    assert (await making.ask(Wish(AssetKind.VOICE, "Ada", video=video))).video == "video-1"


async def test_a_voice_of_a_video_is_made_where_the_video_is(tmp_path, store, provider, other):
    async with open_world(tmp_path, provider, other, models=("kling-v3",)) as world:
        making = Making(world, store)
        video = SourceVideo(provider="b", video_id="video-1", model="kling-v2-6")
        assert (await making.ask(Wish(AssetKind.VOICE, "Ada", video=video))).provider == "b"
        gone = video.model_copy(update={"provider": "gone"})
        with pytest.raises(UserError) as caught:
            await making.ask(Wish(AssetKind.VOICE, "Bob", video=gone))
        assert key_of(caught) == "error.asset.video_elsewhere"


async def test_a_provider_that_is_paused_is_not_asked_where_another_can(tmp_path, store, provider, other):
    async with open_world(tmp_path, provider, other, models=("kling-v3",)) as world:
        world.pool.pause("a")
        assert (await Making(world, store).ask()).provider == "b"


async def test_what_one_person_makes_is_kept_together(tmp_path, store, provider, other):
    async with open_world(tmp_path, provider, other, models=("kling-v3",)) as world:
        making = Making(world, store)
        world.pool.pause("a")
        await making.ask()
        world.pool.resume("a")
        assert (await making.ask(an_element("Cat"))).provider == "b"
        assert (await making.ask(user=XIAOLIN)).provider == "a"


# -- making --------------------------------------------------------------------------------------------


async def test_an_element_is_sent_looked_at_and_told(making, provider):
    asset = await making.ask()
    provider.to_questions += [running(), made(AssetKind.ELEMENT)]
    await making.step()
    (sent,) = provider.submissions
    assert sent["element_name"] == "Fox"
    assert sent["element_description"] == "a small red fox"
    assert sent["external_task_id"] == asset.external_id
    assert len(sent["element_image_list"]["refer_images"]) == 1
    assert (await making.now(asset)).state is AssetState.MAKING
    assert making.chat.told == []
    await making.step(MINUTE)
    await making.step(MINUTE)
    assert [told.state for told in making.chat.told] == [AssetState.READY]
    assert (await making.assets.names(ADA)).elements == {"fox": 77}
    await making.step(MINUTE)
    assert len(making.chat.told) == 1
    assert len(provider.submissions) == 1


async def test_a_voice_is_made_of_a_sound_that_is_fetched_from_here_while_it_is_made(making, provider):
    asset = await making.ask(a_voice())
    address = making.making.address(asset)
    assert address.startswith(f"{PUBLIC}/sound/{asset.id}/")
    tag = address.rpartition("/")[2].removesuffix(".mp3")
    assert await making.making.sound(asset.id, tag) is None
    await making.step()
    assert provider.submissions[0]["voice_url"] == address
    assert await making.making.sound(asset.id, tag) == b"somebody speaks"
    assert await making.making.sound(asset.id, "0" * 64) is None
    assert await making.making.sound("another", tag) is None
    provider.to_questions.append(made(AssetKind.VOICE, "829877"))
    await making.step(MINUTE)
    assert await making.making.sound(asset.id, tag) is None
    assert (await making.assets.names(ADA)).voices == {"ada": "829877"}


@pytest.mark.parametrize(
    ("answer", "kind", "detail"),
    [
        (refusal(400, 1301, "a face"), FailureKind.CONTENT, "a face"),
        (refusal(400, 1201, "the picture is too small"), FailureKind.PARAMETERS, "the picture is too small"),
    ],
)
async def test_what_kling_refuses_is_told_with_its_reason(making, provider, answer, kind, detail):
    asset = await making.ask()
    provider.to_submissions.append(answer)
    await making.step()
    (told,) = making.chat.told
    assert (told.state, told.failure, told.failure_detail) == (AssetState.FAILED, kind, detail)
    assert await making.assets.list_owned(ADA, AssetKind.ELEMENT) == []
    assert (await making.ask()).id != asset.id


async def test_what_kling_fails_to_make_is_told(making, provider):
    await making.ask()
    provider.to_questions.append(failed("risk control"))
    await making.step()
    await making.step(MINUTE)
    (told,) = making.chat.told
    assert told.failure is FailureKind.CONTENT


async def test_a_provider_that_is_too_busy_or_down_is_asked_again_and_the_same_id_is_sent(making, provider):
    asset = await making.ask()
    provider.to_submissions += [refusal(429, 1303), refusal(503, 5001)]
    for _ in range(3):
        await making.step(MINUTE)
    assert [body["external_task_id"] for body in provider.submissions] == [asset.external_id] * 3
    assert (await making.now(asset)).state is AssetState.MAKING


async def test_a_provider_that_stays_down_is_given_up(making, provider):
    asset = await making.ask()
    provider.to_submissions += [refusal(503, 5001)] * 9
    for _ in range(6):
        await making.step(MINUTE)
    assert [told.failure for told in making.chat.told] == [FailureKind.UNAVAILABLE]
    assert (await making.now(asset)).state is AssetState.FAILED


async def test_a_paused_provider_is_waited_for(making, provider):
    await making.ask()
    making.pool.pause("a")
    await making.step()
    assert provider.submissions == []
    making.pool.resume("a")
    await making.step(MINUTE)
    assert len(provider.submissions) == 1


async def test_what_takes_too_long_is_told(making, provider):
    asset = await making.ask()
    await making.step()
    await making.step(POLICY.deadline)
    assert [told.failure for told in making.chat.told] == [FailureKind.DEADLINE]
    assert (await making.now(asset)).state is AssetState.FAILED


async def test_without_its_pictures_nothing_is_sent(making, provider):
    await making.ask(Wish(AssetKind.ELEMENT, "Fox", "", (FRONT.ref, an_image(b"never kept").ref)))
    await making.step()
    assert [told.failure for told in making.chat.told] == [FailureKind.PARAMETERS]
    assert provider.submissions == []


# -- lost answers, crashes -----------------------------------------------------------------------------


async def test_a_lost_answer_is_asked_for_by_our_own_id_and_nothing_is_sent_twice(making, provider):
    asset = await making.ask()
    provider.to_submissions.append(lost())
    provider.to_questions += [running("kling-9"), made(AssetKind.ELEMENT, task_id="kling-9")]
    await making.step()
    assert (await making.now(asset)).state is AssetState.UNCONFIRMED
    await making.step()
    assert provider.questions[-1].endswith(asset.external_id)
    assert (await making.now(asset)).task_id == "kling-9"
    await making.step(MINUTE)
    assert (await making.now(asset)).state is AssetState.READY
    assert len(provider.submissions) == 1


async def test_what_is_proven_absent_is_sent_again_with_the_same_id(making, provider):
    asset = await making.ask()
    provider.to_submissions.append(lost())
    provider.to_questions += [absent(), absent()]
    await making.step()
    await making.step()
    assert len(provider.submissions) == 1
    await making.step(ABSENCE_PAUSE)
    await making.step()
    assert [body["external_task_id"] for body in provider.submissions] == [asset.external_id] * 2
    assert (await making.now(asset)).state is AssetState.MAKING


async def test_what_was_being_sent_when_the_process_ended_is_asked_for(making, provider):
    asset = await making.ask()
    (claimed,) = await making.store.library.claim_assets(making.clock.now(), SUBMISSION_LEASE, 1)
    await making.store.library.update_asset(replace(claimed, state=AssetState.SENDING))
    provider.to_questions.append(made(AssetKind.ELEMENT))
    await making.making.at_start()
    await making.step()
    await making.step()
    assert (await making.now(asset)).state is AssetState.READY
    assert provider.submissions == []
    assert len(making.chat.told) == 1


async def test_where_nobody_can_say_what_became_of_it_that_is_told(making, provider):
    await making.ask()
    provider.to_submissions.append(lost())
    provider.to_questions += [refusal(500, 5000)] * 50
    await making.step()
    for _ in range(POLICY.deadline // (2 * MINUTE) + 1):
        await making.step(2 * MINUTE)
    assert [told.failure for told in making.chat.told] == [FailureKind.UNKNOWN_OUTCOME]
    assert len(provider.submissions) == 1


@pytest.mark.parametrize("trouble", [ChatBusy(Millis(5 * SECOND))])
async def test_an_owner_who_cannot_be_told_now_is_told_later(making, provider, trouble):
    asset = await making.ask()
    making.chat.trouble.append(trouble)
    provider.to_submissions.append(refusal(400, 1301))
    await making.step()
    assert not (await making.now(asset)).told
    await making.step(5 * SECOND)
    assert (await making.now(asset)).told
    assert len(making.chat.told) == 1


async def test_an_owner_who_is_gone_is_not_told_again(making, provider):
    asset = await making.ask()
    making.chat.trouble.append(ChatGone("blocked"))
    provider.to_submissions.append(refusal(400, 1301))
    await making.step()
    assert (await making.now(asset)).told


# -- deleting ------------------------------------------------------------------------------------------


async def test_what_is_deleted_is_gone_at_once_and_then_at_the_provider(making, provider):
    asset = await making.ready(provider)
    await making.assets.delete(ADA, asset.id)
    assert await making.assets.list_owned(ADA, AssetKind.ELEMENT) == []
    provider.to_submissions.append(says({"task_id": "77", "task_status": "succeed"}))
    await making.step()
    assert provider.submissions[-1] == {"element_id": "77"}
    assert await making.now(asset) is None


async def test_only_its_owner_deletes_an_asset_and_only_once(making, provider):
    asset = await making.ready(provider)
    with pytest.raises(UserError) as caught:
        await making.assets.delete(XIAOLIN, asset.id)
    assert key_of(caught) == "error.asset.gone"
    await making.assets.delete(ADA, asset.id)
    with pytest.raises(UserError):
        await making.assets.delete(ADA, asset.id)


async def test_a_deletion_is_tried_again_until_the_provider_answers(making, provider):
    asset = await making.ready(provider)
    provider.to_submissions += [refusal(503, 5001), refusal(503, 5001), refusal(400, 1201, "no such element")]
    await making.assets.delete(ADA, asset.id)
    await making.step()
    await making.step(MINUTE)
    assert (await making.now(asset)).state is AssetState.DELETING
    await making.step(5 * MINUTE)
    assert await making.now(asset) is None


async def test_a_deletion_that_never_works_is_given_up(making, provider):
    asset = await making.ready(provider)
    await making.assets.delete(ADA, asset.id)
    provider.to_submissions += [refusal(503, 5001)] * MOST_DELETIONS
    for _ in range(MOST_DELETIONS + 1):
        await making.step(180 * MINUTE)
    assert await making.now(asset) is None


async def test_what_is_deleted_while_it_is_made_is_deleted_when_it_is_there(making, provider):
    asset = await making.ask()
    await making.step()
    await making.assets.delete(ADA, asset.id)
    provider.to_questions += [running(), made(AssetKind.ELEMENT)]
    provider.to_submissions.append(says({"task_id": "77", "task_status": "succeed"}))
    await making.step()
    assert (await making.now(asset)).state is AssetState.DELETING
    await making.step(MINUTE)
    assert provider.submissions[-1] == {"element_id": "77"}
    assert await making.now(asset) is None
    assert making.chat.told == []


async def test_what_was_never_sent_needs_no_deletion_at_the_provider(making, provider):
    asset = await making.ask()
    await making.assets.delete(ADA, asset.id)
    provider.to_questions += [absent(), absent()]
    await making.step()
    await making.step(ABSENCE_PAUSE)
    assert await making.now(asset) is None
    assert provider.submissions == []


async def test_what_a_forgotten_person_made_is_deleted_at_the_provider_too(making, provider):
    asset = await making.ready(provider)
    await making.store.privacy.forget(ADA, making.clock.now())
    provider.to_submissions.append(says({"task_id": "77", "task_status": "succeed"}))
    await making.step()
    assert provider.submissions[-1] == {"element_id": "77"}
    assert await making.now(asset) is None


# -- using ---------------------------------------------------------------------------------------------


async def test_a_request_with_an_element_goes_to_the_account_that_has_it(tmp_path, store, provider, other):
    async with open_world(tmp_path, provider, other, models=("kling-v3",)) as world:
        making = Making(world, store)
        world.pool.pause("a")
        await making.ready(other)
        world.pool.resume("a")
        request = a_request(FRONT, model="kling-v3", elements=(77,))
        assert [client.name for client in world.pool.candidates(request, {})] == ["a", "b"]
        pinned = await making.assets.pinned(ADA, request)
        assert [client.name for client in world.pool.candidates(pinned, {})] == ["b"]
        assert not world.pool.can_ever(pinned, ("b",))


async def test_an_element_of_somebody_else_is_not_used(making, provider):
    await making.ready(provider)
    request = a_request(FRONT, model="kling-v3", elements=(77,))
    with pytest.raises(UserError) as caught:
        await making.assets.pinned(XIAOLIN, request)
    assert key_of(caught) == "error.asset.not_yours"
    assert (await making.assets.names(XIAOLIN)).elements == {}


async def test_an_element_that_was_deleted_is_not_used(making, provider):
    asset = await making.ready(provider)
    request = await making.assets.pinned(ADA, a_request(FRONT, model="kling-v3", elements=(77,)))
    await making.assets.delete(ADA, asset.id)
    for _ in range(2):
        with pytest.raises(UserError) as caught:
            await making.assets.pinned(ADA, request)
        assert key_of(caught) == "error.asset.used_gone"
        await making.step()


async def test_a_preset_belongs_to_everybody(making):
    request = a_request(FRONT, model="kling-v3", elements=(1001,))
    assert await making.assets.pinned(ADA, request) == request


async def test_what_is_with_two_providers_is_not_used_in_one_video(tmp_path, store, provider, other):
    async with open_world(tmp_path, provider, other, models=("kling-v3",)) as world:
        making = Making(world, store)
        await making.ready(provider)
        world.pool.pause("a")
        await making.ready(other, an_element("Cat"), "88")
        with pytest.raises(UserError) as caught:
            await making.assets.pinned(ADA, a_request(FRONT, model="kling-v3", elements=(77, 88)))
    assert (key_of(caught), caught.value.params) == ("error.asset.apart", {"names": "Cat, Fox"})


async def test_a_voice_that_speaks_is_pinned_as_well(making, provider):
    await making.ready(provider, a_voice(), "829877")
    request = a_request(voices=("829877",), sound=True, mode="pro")
    assert (await making.assets.pinned(ADA, request)).account == "a"
