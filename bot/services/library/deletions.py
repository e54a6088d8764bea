"""Deletes at their providers the elements and voices that nobody uses any more."""

import structlog

from bot.clock import Clock
from bot.domain.library.asset import Asset
from bot.domain.tasks.schedule import SUBMISSION_LEASE
from bot.domain.types import SECOND, Millis
from bot.kling import errors
from bot.kling.pool import ProviderPool
from bot.services.tasks.workers import WorkerPool
from bot.store import Store

log = structlog.get_logger(__name__)

MOST_DELETIONS = 12
"""How often a deletion is tried at a provider that cannot be reached; by then hours have passed."""

DELETION_STEP = 30 * SECOND


class Deletions:
    """A small queue: the rows of the library that have a due time."""

    def __init__(self, *, store: Store, pool: ProviderPool, work: WorkerPool, clock: Clock) -> None:
        self._store = store
        self._pool = pool
        self._work = work
        self._clock = clock

    async def at_start(self) -> None:
        """Take up at once whatever the last process had in its hands."""
        await self._store.library.release_deletions(self._clock.now())

    async def tick(self) -> None:
        """Begin what is due; returns before it is done."""
        if self._work.free:
            for asset in await self._store.library.claim_deletions(
                self._clock.now(), SUBMISSION_LEASE, self._work.free
            ):
                self._work.start(self._delete(asset), of=asset.id)

    async def _delete(self, asset: Asset) -> None:
        client = self._pool.find(asset.provider)
        if client is None or asset.remote_id is None or asset.attempts > MOST_DELETIONS:
            log.warning("an asset stays with its provider", asset=asset.id, provider=asset.provider)
            await self._store.library.remove_asset(asset)
            return
        try:
            await client.delete_asset(asset.kind, asset.remote_id)
        except (errors.NotFound, errors.Rejected) as error:
            # Somebody was faster: the provider's own console deletes, too.
            log.info("a provider has nothing to delete", asset=asset.id, reason=str(error))
        except errors.ProviderError as error:
            log.warning("an asset could not be deleted", asset=asset.id, reason=str(error))
            wait = error.retry_after or DELETION_STEP * 2 ** min(asset.attempts - 1, 8)
            await self._store.library.postpone_deletion(asset, Millis(self._clock.now() + wait))
            return
        await self._store.library.remove_asset(asset)
        log.info("an asset is gone from its provider", asset=asset.id, provider=asset.provider)
