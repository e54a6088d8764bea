"""Makes elements and voices at the providers, tells their owners, and deletes them there.

What is to be done stands in the store before it is done (see `bot.domain.library.asset`), so a crash leaves nothing
half-made: what was being sent is asked for by our own id, and only what is proven absent is sent again.
"""

import hashlib
import hmac
from dataclasses import replace

import structlog

from bot.clock import Runtime
from bot.domain.library.asset import Asset, AssetKind, AssetState
from bot.domain.requests.operations import Pack
from bot.domain.requests.request import Attachment, Resource
from bot.domain.tasks.schedule import (
    ABSENCE_PAUSE,
    ABSENCES_TO_PROVE,
    SUBMISSION_LEASE,
    PollingPolicy,
    backoff,
    next_look,
)
from bot.domain.tasks.task import FailureKind
from bot.domain.units import SECOND, Millis
from bot.kling import outcomes
from bot.kling.dialects import library
from bot.kling.dialects.words import failure_kind
from bot.kling.wire import HttpRequest, RemoteState
from bot.services.ports import AssetChat, ChatBusy, ChatGone, ChatMoved, ChatRefused
from bot.services.tasks.workers import ProviderMonitor, WorkerPool
from bot.store import AssetChanged, Store

log = structlog.get_logger(__name__)

REST = Millis(30 * SECOND)
"""How long something waits for a provider that is paused or unwell."""

MOST_DELETIONS = 12
"""How often a deletion is tried at a provider that cannot be reached; by then hours have passed."""

DELETION_STEP = 30 * SECOND

Problem = outcomes.ProviderError
_ENDED = frozenset({RemoteState.SUCCEEDED, RemoteState.FAILED})
_HANDED_OUT = frozenset({AssetState.SENDING, AssetState.UNCONFIRMED, AssetState.MAKING})


class AssetMaking:
    """Takes what is due in the store one step on.

    `sounds_at` is the public address that providers fetch sounds at, without a slash at its end; empty: nowhere.
    `secret` keys what makes such an address unguessable.
    """

    def __init__(
        self,
        *,
        store: Store,
        monitor: ProviderMonitor,
        chat: AssetChat,
        runtime: Runtime,
        policy: PollingPolicy,
        work: WorkerPool,
        sounds_at: str,
        secret: str,
    ) -> None:
        self._store = store
        self._monitor = monitor
        self._chat = chat
        self._clock = runtime.clock
        self._rng = runtime.rng
        self._policy = policy
        self._work = work
        self._sounds_at = sounds_at
        self._secret = secret

    async def at_start(self) -> None:
        """Take up at once whatever the last process had in its hands."""
        taken = await self._store.library.release_assets(self._clock.now())
        if taken:
            log.info("elements and voices taken up again", count=taken)

    async def tick(self) -> None:
        """Begin what is due; returns before it is done."""
        if self._work.free:
            for asset in await self._store.library.claim_assets(
                self._clock.now(), SUBMISSION_LEASE, self._work.free
            ):
                self._work.start(self._step(asset))

    async def _step(self, asset: Asset) -> None:
        try:
            match asset.state:
                case AssetState.WAITING:
                    await self._send(asset)
                case AssetState.SENDING:
                    # Whoever sent it has gone, and knows the answer no more.
                    await self._change(asset, state=AssetState.UNCONFIRMED, due_at=self._clock.now(), looks=0)
                case AssetState.UNCONFIRMED:
                    await self._settle(asset)
                case AssetState.MAKING:
                    await self._look(asset)
                case AssetState.DELETING:
                    await self._delete(asset)
                case AssetState.READY | AssetState.FAILED:
                    await self._tell(asset)
        except AssetChanged as error:
            log.info("a step came too late", asset=asset.id, reason=str(error))

    # -- making --------------------------------------------------------------------------------------

    async def _send(self, asset: Asset) -> None:
        client = self._monitor.pool.find(asset.provider)
        if client is None or self._is_overdue(asset):
            await self._fail(asset, FailureKind.UNAVAILABLE)
            return
        if not self._monitor.pool.is_open(asset.provider, _resource(asset)):
            await self._change(asset, due_at=self._in(REST))
            return
        request = await self._order(asset)
        if request is None:
            await self._fail(asset, FailureKind.PARAMETERS)
            return
        asset = await self._change(
            asset, state=AssetState.SENDING, attempts=asset.attempts + 1, due_at=self._in(SUBMISSION_LEASE)
        )
        try:
            making = await client.make(_kind(asset), request)
        except Problem as error:
            log.warning(
                "an asset was not accepted", asset=asset.id, outcome=type(error).__name__, reason=str(error)
            )
            await self._monitor.note(asset.provider, error, _resource(asset))
            await self._refused(asset, error)
        else:
            await self._monitor.note(asset.provider, None, _resource(asset))
            await self._seen(asset, making)

    async def _order(self, asset: Asset) -> HttpRequest | None:
        """What is sent; None where what it is made of is no longer kept."""
        if asset.kind is AssetKind.VOICE:
            address = "" if asset.sound is None else self.address(asset)
            return library.create_voice(
                asset.name, asset.external_id, video_id=asset.video or "", sound_url=address
            )
        kept = await self._store.drafts.get_attachments(asset.pictures)
        if not all(picture.sha256 in kept for picture in asset.pictures):
            return None
        pictures = [library.encoded(kept[picture.sha256]) for picture in asset.pictures]
        return library.create_element(
            asset.name, asset.description or asset.name, pictures, asset.external_id
        )

    async def _refused(self, asset: Asset, error: Problem) -> None:
        match error:
            case outcomes.Rejected():
                await self._fail(asset, error.kind, error.message)
            case outcomes.Ambiguous():
                await self._change(asset, state=AssetState.UNCONFIRMED, due_at=self._clock.now(), looks=0)
            case _ if self._is_overdue(asset) or (
                asset.attempts > self._policy.retries and not isinstance(error, outcomes.Throttled)
            ):
                await self._fail(asset, FailureKind.UNAVAILABLE)
            case _:
                await self._change(asset, state=AssetState.WAITING, due_at=self._later(asset, error))

    async def _settle(self, asset: Asset) -> None:
        """Find out whether the provider has it."""
        client = self._monitor.pool.find(asset.provider)
        if client is None:
            await self._fail(asset, FailureKind.UNKNOWN_OUTCOME)
            return
        try:
            making = await client.made(_kind(asset), asset.external_id)
        except outcomes.NotFound:
            if asset.looks + 1 < ABSENCES_TO_PROVE:
                await self._change(asset, looks=asset.looks + 1, due_at=self._in(ABSENCE_PAUSE))
            else:
                log.info("an asset whose answer was lost never arrived", asset=asset.id)
                await self._change(asset, state=AssetState.WAITING, due_at=self._clock.now())
        except Problem as error:
            await self._unanswered(asset, error, FailureKind.UNKNOWN_OUTCOME)
        else:
            log.info("an asset whose answer was lost was found", asset=asset.id)
            await self._seen(asset, making)

    async def _look(self, asset: Asset) -> None:
        client = self._monitor.pool.find(asset.provider)
        if client is None:
            await self._fail(asset, FailureKind.NOT_FOUND)
            return
        try:
            making = await client.made(_kind(asset), asset.task_id or asset.external_id)
        except outcomes.NotFound:
            await self._fail(asset, FailureKind.NOT_FOUND)
        except Problem as error:
            await self._unanswered(asset, error, FailureKind.DEADLINE)
        else:
            await self._monitor.note(asset.provider, None)
            await self._seen(asset, making)

    async def _seen(self, asset: Asset, making: library.Making) -> None:
        """Take what the provider says of it."""
        entry, now = making.entry, self._clock.now()
        if making.state is RemoteState.FAILED:
            reason = making.reason or ""
            await self._fail(asset, failure_kind(reason), reason)
        elif making.state is RemoteState.SUCCEEDED and (entry is None or not _usable(asset, entry)):
            await self._fail(asset, FailureKind.PROVIDER)
        elif making.state is RemoteState.SUCCEEDED and entry is not None:
            ready = await self._change(
                asset,
                state=AssetState.READY,
                remote_id=entry.id,
                task_id=making.task_id,
                due_at=self._in(SUBMISSION_LEASE),
            )
            log.info("an asset is ready", asset=asset.id, kind=asset.kind, provider=asset.provider)
            await self._tell(ready)
        elif self._is_overdue(asset):
            await self._fail(asset, FailureKind.DEADLINE)
        else:
            due = next_look(now, asset.made_at, None, self._policy, self._rng)
            await self._change(asset, state=AssetState.MAKING, task_id=making.task_id, due_at=due, looks=0)
            if asset.state is not AssetState.MAKING:
                log.info("an asset is being made", asset=asset.id, provider_task=making.task_id)

    async def _unanswered(self, asset: Asset, error: Problem, kind: FailureKind) -> None:
        """A question got no answer: ask again later, until there is no point in it."""
        log.warning("could not ask about an asset", asset=asset.id, reason=str(error))
        await self._monitor.note(asset.provider, error)
        if self._is_overdue(asset):
            await self._fail(asset, kind)
        else:
            await self._change(asset, due_at=self._later(replace(asset, attempts=4), error))

    async def _fail(self, asset: Asset, kind: FailureKind, detail: str = "") -> None:
        failed = await self._change(
            asset,
            state=AssetState.FAILED,
            failure=kind,
            failure_detail=detail or None,
            due_at=self._in(SUBMISSION_LEASE),
        )
        log.info("an asset could not be made", asset=asset.id, kind=asset.kind, failure=kind)
        await self._tell(failed)

    # -- telling -------------------------------------------------------------------------------------

    async def _tell(self, asset: Asset) -> None:
        """Tell the owner how it ended; what cannot be told now is told later."""
        try:
            await self._chat.tell_asset(asset)
        except ChatBusy as error:
            await self._change(asset, due_at=self._in(error.retry_after))
            return
        except (ChatGone, ChatMoved, ChatRefused) as error:
            log.info("an owner could not be told", asset=asset.id, kind=type(error).__name__)
        await self._change(asset, told=True, due_at=None)

    # -- deleting ------------------------------------------------------------------------------------

    async def _delete(self, asset: Asset) -> None:
        client = self._monitor.pool.find(asset.provider)
        if client is None or asset.attempts >= MOST_DELETIONS:
            log.warning("an asset stays with its provider", asset=asset.id, provider=asset.provider)
            await self._store.library.delete_asset(asset)
            return
        try:
            if asset.remote_id is None:
                making = await client.made(_kind(asset), asset.task_id or asset.external_id)
                if making.entry is not None:
                    asset = replace(asset, remote_id=making.entry.id)
                elif making.state not in _ENDED and not self._is_overdue(asset):
                    # It can be deleted only when it is there.
                    await self._change(asset, due_at=self._in(self._policy.max_interval))
                    return
            if asset.remote_id is not None:
                await client.forget(_kind(asset), asset.remote_id)
        except outcomes.NotFound:
            if asset.remote_id is None and asset.looks + 1 < ABSENCES_TO_PROVE:
                await self._change(asset, looks=asset.looks + 1, due_at=self._in(ABSENCE_PAUSE))
                return
        except outcomes.Rejected as error:
            # Somebody was faster: the provider's own console deletes, too.
            log.info("a provider has nothing to delete", asset=asset.id, reason=str(error))
        except Problem as error:
            log.warning("an asset could not be deleted", asset=asset.id, reason=str(error))
            wait = error.retry_after or DELETION_STEP * 2 ** min(asset.attempts, 8)
            await self._change(asset, attempts=asset.attempts + 1, due_at=self._in(Millis(wait)))
            return
        await self._store.library.delete_asset(asset)
        log.info("an asset is gone from its provider", asset=asset.id, provider=asset.provider)

    # -- sounds --------------------------------------------------------------------------------------

    def address(self, asset: Asset) -> str:
        """Where a provider fetches the sound of a voice, while it is made."""
        return f"{self._sounds_at}/sound/{asset.id}/{self._tag(asset.id)}.mp3"

    async def sound(self, asset_id: str, tag: str) -> bytes | None:
        """The sound behind such an address; None where there is none, or not any more."""
        if not hmac.compare_digest(tag.encode(), self._tag(asset_id).encode()):
            return None
        asset = await self._store.library.get_asset(asset_id)
        if asset is None or asset.sound is None or asset.state not in _HANDED_OUT:
            return None
        refs: list[Attachment] = [asset.sound]
        return (await self._store.drafts.get_attachments(refs)).get(asset.sound.sha256)

    def _tag(self, asset_id: str) -> str:
        return hmac.new(self._secret.encode(), f"sound:{asset_id}".encode(), hashlib.sha256).hexdigest()

    # -- bookkeeping ---------------------------------------------------------------------------------

    async def _change(self, asset: Asset, **changes: object) -> Asset:
        return await self._store.library.update_asset(replace(asset, **changes))  # type: ignore[arg-type]  # by name

    def _in(self, wait: Millis) -> Millis:
        return Millis(self._clock.now() + wait)

    def _later(self, asset: Asset, error: Problem) -> Millis:
        return backoff(self._clock.now(), max(asset.attempts, 1), self._rng, error.retry_after)

    def _is_overdue(self, asset: Asset) -> bool:
        return self._clock.now() >= asset.made_at + self._policy.deadline


def _kind(asset: Asset) -> library.Kind:
    return library.Kind(asset.kind)


def _resource(asset: Asset) -> Resource:
    return Resource(Pack.LIBRARY, asset.kind)


def _usable(asset: Asset, entry: library.Entry) -> bool:
    """Requests name elements by numbers."""
    return asset.kind is AssetKind.VOICE or entry.id.isdecimal()
