"""Elements and voices as people ask for them: made under a name, listed, called by it, deleted.

What is written here is done by `bot.services.library.asset_making`: the store first, then the provider.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

import structlog

from bot.clock import Runtime
from bot.domain.library.asset import (
    MOST_ASSETS,
    Asset,
    AssetKind,
    AssetState,
    Names,
    Wish,
    folded,
    new_id,
)
from bot.domain.requests.catalog import Catalog
from bot.domain.requests.operations import SPEAKING_OPERATIONS, Pack
from bot.domain.requests.request import Resource, VideoRequest
from bot.domain.tasks.task import Origin
from bot.domain.units import Millis, ProviderName, UserId
from bot.errors import UserError
from bot.kling.client import KlingClient
from bot.kling.pool import Pool
from bot.services.people.accounts import Accounts
from bot.services.people.limits import Limits
from bot.services.people.moderation import Moderation
from bot.services.ports import Job, Wake
from bot.store import AssetChanged, LibraryRefused, Store

log = structlog.get_logger(__name__)

"""These speak with any voice, whatever model makes the videos."""


class Assets:
    """What people have made for use in prompts.

    `hands_out_sounds`: providers can fetch a sound from this bot, which is the only way to make a voice of one.
    """

    def __init__(
        self,
        *,
        store: Store,
        pool: Pool,
        catalog: Callable[[], Catalog],
        accounts: Accounts,
        limits: Limits,
        runtime: Runtime,
        wake: Wake,
        moderation: Moderation | None = None,
        hands_out_sounds: bool = False,
    ) -> None:
        self._store = store
        self._pool = pool
        self._catalog = catalog
        self._accounts = accounts
        self._limits = limits
        self._clock = runtime.clock
        self._rng = runtime.rng
        self._wake = wake
        self._moderation = moderation
        self._hands_out_sounds = hands_out_sounds

    # -- making --------------------------------------------------------------------------------------

    async def check(self, user_id: UserId, kind: AssetKind) -> None:
        """Refuse what cannot be made here, before anything of it is fetched.

        Raises:
            UserError: no provider makes such a thing, or the person's plan has no model that takes it.

        """
        able = self._able(kind)
        if not able:
            raise UserError(f"error.asset.{kind}_not_offered")
        plan = self._accounts.plan_of(await self._store.people.get(user_id))
        taking = dict.fromkeys(model for client in able for model in self._taking(client, kind))
        elsewhere = kind is AssetKind.VOICE and any(
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

    async def make(self, user_id: UserId, origin: Origin, wish: Wish) -> Asset:
        """Keep what shall be made; it is sent from there. The same update asks once, however often it comes.

        Raises:
            UserError: it cannot be made here, its name is taken or not allowed, there are too many, or it is
                asked too fast.

        """
        await self.check(user_id, wish.kind)
        if wish.sound is not None:
            self.check_sounds()
        provider = self._provider(
            wish, {asset.provider for asset in await self._store.library.list_assets(user_id)}
        )
        operation = f"update:{origin.update_id}"
        if self._moderation is not None:
            await self._moderation.check_words(user_id, f"{wish.name}\n{wish.description}".strip(), operation)
        plan = self._accounts.plan_of(await self._store.people.get(user_id))
        self._limits.take(user_id, None, plan.requests_per_minute)
        now, asset_id = self._clock.now(), new_id(self._rng)
        asset = Asset(
            id=asset_id,
            user_id=user_id,
            kind=wish.kind,
            name=wish.name,
            provider=provider,
            external_id=f"klingbot-{wish.kind}-{asset_id}",
            chat_id=origin.chat_id,
            language=origin.language,
            made_at=now,
            description=wish.description,
            pictures=wish.pictures,
            sound=wish.sound,
            video=None if wish.video is None else wish.video.video_id,
            message_id=origin.message_id,
            update_id=origin.update_id,
            due_at=now,
        )
        try:
            kept = await self._store.library.save_asset(asset, MOST_ASSETS)
        except LibraryRefused as refused:
            if refused.name_taken:
                raise UserError(f"error.asset.{wish.kind}_taken", name=wish.name) from None
            raise UserError(f"error.asset.{wish.kind}_too_many", limit=MOST_ASSETS) from None
        log.info("an asset was asked for", asset=kept.id, kind=kept.kind, user=user_id, provider=provider)
        self._wake(Job.ASSETS)
        return kept

    def _provider(self, wish: Wish, homes: Collection[ProviderName]) -> ProviderName:
        """Where it is made: where its video is, else with one that is well, best beside what the person has already.

        What is with one account can be used in one video.
        """
        able = self._able(wish.kind)
        if wish.video is not None:
            able = [client for client in able if wish.video.provider == client.name]
            if not able:
                raise UserError("error.asset.video_elsewhere")
        names, about = [client.name for client in able], Resource(Pack.LIBRARY, wish.kind)
        return min(names, key=lambda name: (not self._pool.is_open(name, about), name not in homes))

    def _able(self, kind: AssetKind) -> list[KlingClient]:
        """Who makes such a thing and can use it, too; the best first."""
        return [
            client
            for client in self._pool.clients()
            if client.has_library
            and (
                self._taking(client, kind)
                or (kind is AssetKind.VOICE and bool(SPEAKING_OPERATIONS & client.operations))
            )
        ]

    def _taking(self, client: KlingClient, kind: AssetKind) -> list[str]:
        """The provider's models that take such a thing."""
        rows = [self._catalog().model(model) for model in client.config.models]
        return [row.id for row in rows if (row.elements if kind is AssetKind.ELEMENT else row.voices)]

    # -- having --------------------------------------------------------------------------------------

    async def list_owned(self, user_id: UserId, kind: AssetKind) -> list[Asset]:
        """What a person has, or will have soon, oldest first."""
        return await self._store.library.list_assets(user_id, kind)

    async def get_owned(self, user_id: UserId, asset_id: str) -> Asset:
        """One of a person's own.

        Raises:
            UserError: it is another's, or gone.

        """
        asset = await self._store.library.get_asset(asset_id)
        gone = {AssetState.DELETING, AssetState.FAILED}
        if asset is None or asset.user_id != user_id or asset.state in gone:
            raise UserError("error.asset.gone")
        return asset

    async def names(self, user_id: UserId) -> Names:
        """What a person may call by name."""
        ready = [
            asset
            for asset in await self._store.library.list_assets(user_id)
            if asset.state is AssetState.READY
        ]
        return Names(
            {
                folded(asset.name): int(asset.remote_id)
                for asset in ready
                if asset.kind is AssetKind.ELEMENT and asset.remote_id is not None
            },
            {
                folded(asset.name): asset.remote_id
                for asset in ready
                if asset.kind is AssetKind.VOICE and asset.remote_id is not None
            },
        )

    async def delete(self, user_id: UserId, asset_id: str) -> Asset:
        """Take something out of use at once; at the provider it is deleted after that.

        Raises:
            UserError: it is another's, or gone.

        """
        while True:
            asset = await self.get_owned(user_id, asset_id)
            # What is under way may arrive until its lease is over.
            lease = asset.due_at if asset.state is AssetState.SENDING else None
            leaving = replace(
                asset,
                state=AssetState.DELETING,
                due_at=Millis(max(self._clock.now(), lease or 0)),
                attempts=0,
                looks=0,
                told=True,
            )
            try:
                await self._store.library.update_asset(leaving)
            except AssetChanged:
                continue
            log.info("an asset is deleted", asset=asset.id, kind=asset.kind, user=user_id)
            self._wake(Job.ASSETS)
            return asset

    # -- using ---------------------------------------------------------------------------------------

    async def pinned(self, user_id: UserId, request: VideoRequest) -> VideoRequest:
        """The request, kept to the one account that knows the elements and voices that it uses.

        Raises:
            UserError: one of them is another person's or gone, or two of them are with different providers.

        """
        known = (
            await self._store.library.list_assets_known_as(request.named_assets)
            if request.named_assets
            else []
        )
        if any(asset.user_id != user_id for asset in known):
            raise UserError("error.asset.not_yours")
        if any(asset.state is not AssetState.READY for asset in known) or (request.account and not known):
            raise UserError("error.asset.used_gone")
        accounts = {asset.provider for asset in known}
        if len(accounts) > 1:
            raise UserError("error.asset.apart", names=", ".join(sorted(asset.name for asset in known)))
        account = next(iter(accounts), None)
        return request if request.account == account else request.model_copy(update={"account": account})
