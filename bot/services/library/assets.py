"""Elements and voices as people ask for them: composed, listed, called by name, deleted.

Making one is a task like any other; `bot.services.library.deletions` deletes it at its provider.
"""

from collections.abc import Collection, Sequence
from itertools import chain, count

import structlog

from bot.clock import Clock
from bot.domain.library.asset import Asset, Names, folded
from bot.domain.requests.operations import LIBRARY_OPERATIONS, SPEAKING_OPERATIONS, Operation
from bot.domain.requests.request import (
    NAME_LIMIT,
    AudioRef,
    GenerationRequest,
    ImageRef,
    Resource,
    SourceVideo,
    Speech,
)
from bot.domain.types import ProviderName, UserId
from bot.errors import UserError
from bot.kling.client import KlingClient
from bot.kling.pool import ProviderPool
from bot.services.library.ready_made import ReadyMade
from bot.services.people.accounts import Accounts
from bot.services.ports import Job, Wake
from bot.store import Store

log = structlog.get_logger(__name__)


class Assets:
    """What people have made for use in prompts.

    `hands_out_sounds`: providers can fetch a sound from this bot, which is the only way to make a voice of one.
    """

    def __init__(
        self,
        *,
        store: Store,
        pool: ProviderPool,
        accounts: Accounts,
        clock: Clock,
        wake: Wake,
        ready_made: ReadyMade,
        hands_out_sounds: bool = False,
    ) -> None:
        self._store = store
        self._pool = pool
        self._accounts = accounts
        self._clock = clock
        self._wake = wake
        self._ready_made = ready_made
        self._hands_out_sounds = hands_out_sounds
        self._of_videos: set[int] = set()
        """Elements that were read and are characters of a video: nobody names one of their own before it is read."""

    # -- making --------------------------------------------------------------------------------------

    async def check(self, user_id: UserId, kind: Operation, *, of_video: bool = False) -> None:
        """Refuse what cannot be made here, before anything of it is fetched; `of_video` is an element of a video.

        Raises:
            UserError: no provider makes such a thing, or the person's plan has no model that takes it.

        """
        able = self._able(kind, of_video=of_video)
        if not able:
            of_images = of_video and self._able(kind)
            raise UserError(
                "error.asset.film_not_offered" if of_images else f"error.asset.{kind}_not_offered"
            )
        plan = self._accounts.plan_of(await self._store.people.get(user_id))
        taking = dict.fromkeys(
            model for client in able for model in self._taking(client, kind, of_video=of_video)
        )
        elsewhere = kind is Operation.VOICE and any(
            SPEAKING_OPERATIONS & client.operations for client in able
        )
        if plan.models and not set(plan.models) & set(taking) and not elsewhere:
            model, models = next(iter(taking)), ", ".join(plan.models)
            raise UserError("error.plan.model", plan=plan.name, model=model, models=models)

    def check_sounds(self) -> None:
        """Refuse voices out of recordings where no provider could fetch one.

        Raises:
            UserError: with the other way, which is a video.

        """
        if not self._hands_out_sounds:
            raise UserError("error.asset.no_recordings")

    @staticmethod
    def views(element: GenerationRequest) -> GenerationRequest:
        """The request for three other views of what the first image of an element shows."""
        return GenerationRequest(
            operation=Operation.VIEWS,
            model=Operation.VIEWS,
            name=element.name,
            prompt=element.prompt,
            duration=0,
            aspect_ratio=None,
            count=3,
            references=element.references[:1],
        )

    async def free_name(self, user_id: UserId, kind: Operation, name: str) -> str:
        """A name that the person has nothing of this kind under: this one, or with a number behind it."""
        taken = {folded(asset.name) for asset in await self.list_owned(user_id, kind)}
        numbered = (f"{name[: NAME_LIMIT - len(str(number))]}{number}" for number in count(2))
        names = chain((name,), numbered)
        return next(each for each in names if folded(each) not in taken)

    async def compose(
        self,
        user_id: UserId,
        kind: Operation,
        name: str,
        *,
        description: str = "",
        images: Sequence[ImageRef] = (),
        sound: AudioRef | None = None,
        video: SourceVideo | None = None,
        voice: str = "",
    ) -> GenerationRequest:
        """The request for an element of `images`, the one from the front first, or of a `video`, or for a voice of one of the others.

        `voice` is the id of the person's own voice that an element speaks with: both are then with one account.

        It is kept to one account, as what it makes will be.

        Raises:
            UserError: it cannot be made here.

        """
        await self.check(user_id, kind, of_video=_is_filmed(kind, video))
        if sound is not None:
            self.check_sounds()
        owned = await self.list_owned(user_id)
        homes = {asset.provider for asset in owned}
        spoken = next((asset.provider for asset in owned if voice and asset.remote_id == voice), None)
        return GenerationRequest(
            operation=kind,
            model=kind,
            name=name,
            prompt=description,
            duration=0,
            aspect_ratio=None,
            references=tuple(images),
            speech=None if sound is None else Speech(audio=sound),
            source=video,
            voices=(voice,) if voice else (),
            account=spoken or self._provider(kind, video, homes),
        )

    def _provider(
        self, kind: Operation, video: SourceVideo | None, homes: Collection[ProviderName]
    ) -> ProviderName:
        """Where it is made: a voice where its video is, else with one that is well, best beside what the person has already.

        What is with one account can be used in one video.
        """
        able = self._able(kind, of_video=_is_filmed(kind, video))
        if video is not None and kind is Operation.VOICE:
            # It is asked for by the id of its video; an element by an address.
            able = [client for client in able if video.provider == client.name]
            if not able:
                raise UserError("error.asset.video_elsewhere")
        names, about = [client.name for client in able], Resource(kind.pack, kind)
        return min(names, key=lambda name: (not self._pool.is_open(name, about), name not in homes))

    def _able(self, kind: Operation, *, of_video: bool = False) -> list[KlingClient]:
        """Who makes such a thing and can use it, too; the best first."""
        return [
            client
            for client in self._pool.clients()
            if kind in client.operations
            and (
                self._taking(client, kind, of_video=of_video)
                or (kind is Operation.VOICE and bool(SPEAKING_OPERATIONS & client.operations))
            )
        ]

    @staticmethod
    def _taking(client: KlingClient, kind: Operation, *, of_video: bool = False) -> list[str]:
        """The provider's models that take such a thing."""
        rows = [client.catalog.model(model) for model in client.models]
        if of_video:
            rows = [row for row in rows if row.takes_characters]
        return [row.id for row in rows if (row.elements if kind is Operation.ELEMENT else row.voices)]

    # -- having --------------------------------------------------------------------------------------

    async def list_owned(self, user_id: UserId, kind: Operation | None = None) -> list[Asset]:
        """What a person has, or will have soon, oldest first."""
        owned = await self._store.library.list_assets(user_id, kind)
        self._of_videos.update(int(asset.remote_id) for asset in owned if asset.of_video and asset.remote_id)
        return owned

    def video_elements(self) -> frozenset[int]:
        """The elements that are known to be characters of a video, Kling's own and people's; nobody is asked."""
        return self._ready_made.video_elements() | self._of_videos

    async def list_usable(self, user_id: UserId) -> list[Asset]:
        """What a person has that a prompt can use now, oldest first."""
        return [asset for asset in await self.list_owned(user_id) if asset.remote_id is not None]

    async def get_owned(self, user_id: UserId, asset_id: str) -> Asset:
        """One of a person's own.

        Raises:
            UserError: it is another's, or gone.

        """
        owned = await self.list_owned(user_id)
        asset = next((asset for asset in owned if asset.id == asset_id), None)
        if asset is None:
            raise UserError("error.asset.gone")
        return asset

    async def names(self, user_id: UserId, text: str) -> Names:
        """What a person may call by name in a text: what is theirs, and what of Kling's own is not called the same."""
        presets = await self._ready_made.presets(text)
        elements: dict[str, int] = {}
        voices: dict[str, str] = {}
        for asset in await self.list_usable(user_id):
            if asset.remote_id is None:
                continue
            if asset.kind is Operation.ELEMENT:
                elements[folded(asset.name)] = int(asset.remote_id)
            else:
                voices[folded(asset.name)] = asset.remote_id
        others = presets.without({*elements, *voices})
        return Names(
            {**others.elements, **elements},
            voices,
            others.preset_voices,
            frozenset((*others.elements, *others.preset_voices)),
        )

    async def delete(self, user_id: UserId, asset_id: str) -> Asset:
        """Take something out of use at once; at the provider it is deleted after that, and once it is there.

        Raises:
            UserError: it is another's, or gone.

        """
        asset = await self.get_owned(user_id, asset_id)
        await self._store.library.delete_asset(asset, self._clock.now())
        log.info("an asset is deleted", asset=asset.id, kind=asset.kind, user=user_id)
        self._wake(Job.ASSETS)
        return asset

    # -- using ---------------------------------------------------------------------------------------

    async def bind_to_account(self, user_id: UserId, request: GenerationRequest) -> GenerationRequest:
        """The request, kept to the one account that knows the elements and voices that it uses.

        Raises:
            UserError: one of them is another person's or gone, or two of them are with different providers.

        """
        if request.operation in LIBRARY_OPERATIONS:
            return request
        known = (
            await self._store.library.list_assets_known_as(request.named_assets)
            if request.named_assets
            else []
        )
        if any(asset.user_id != user_id for asset in known):
            raise UserError("error.asset.not_yours")
        if any(asset.due_at is not None for asset in known) or (request.account and not known):
            raise UserError("error.asset.used_gone")
        accounts = {asset.provider for asset in known}
        if len(accounts) > 1:
            raise UserError("error.asset.apart", names=", ".join(sorted(asset.name for asset in known)))
        account = next(iter(accounts), None)
        return request if request.account == account else request.model_copy(update={"account": account})


def _is_filmed(kind: Operation, video: SourceVideo | None) -> bool:
    return kind is Operation.ELEMENT and video is not None
