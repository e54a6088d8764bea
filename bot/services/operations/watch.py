"""Watches what the bot stands on: its database, and that updates come. The admins are told without the database.

A lost database ends the process. A full disk, a second bot with the same token or a refused token is told once, and
once more when it is over: work waits for it and goes on by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from bot.clock import Clock, Sleep
from bot.domain.types import MINUTE, SECOND, Millis
from bot.errors import StoreError, StoreLost, StoreStuck, StoreTrouble
from bot.metrics import FETCHES, UNMEASURED, Meter
from bot.services.ports import NoUpdates, StoredUpdate, UnreadUpdate, UpdateSource, UpdatesRefused
from bot.store import Store

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
QUIET = Millis(30 * SECOND)
"""What has not shown itself for so long is over: a full disk may have room for little things in between."""

TELLING_SECONDS = 10.0
"""How long the end of the process waits for Telegram."""

Tell = Callable[..., Awaitable[None]]
"""Tells the admins a text by its key and parameters. It asks no database, and raises nothing."""

STORE = {StoreTrouble.FULL: "alert.store.full", StoreTrouble.UNWRITABLE: "alert.store.unwritable"}
UPDATES = {
    NoUpdates.TAKEN: "alert.updates.taken",
    NoUpdates.TOKEN: "alert.updates.token",
    NoUpdates.SILENT: "alert.updates.silent",
    NoUpdates.CERTIFICATE: "alert.updates.certificate",
}


class WatchedUpdates:
    """A source of updates that remembers when it was last asked, and for how long none have come and why.

    `on_answer` is called whenever Telegram has answered.
    """

    def __init__(
        self,
        source: UpdateSource,
        clock: Clock,
        *,
        on_answer: Callable[[], None] = lambda: None,
        meter: Meter = UNMEASURED,
    ) -> None:
        self._source = source
        self._clock = clock
        self._on_answer = on_answer
        self._meter = meter
        self.asked_at: Millis | None = None
        self.is_asked = False
        self.cause: NoUpdates | None = None
        self.since = self.seen_at = Millis(0)

    async def fetch(self, offset: int | None, timeout_seconds: int) -> Sequence[StoredUpdate | UnreadUpdate]:
        """Wait for updates; see `bot.services.ports.UpdateSource`."""
        self.asked_at, self.is_asked = self._clock.now(), True
        try:
            updates = await self._source.fetch(offset, timeout_seconds)
        except UpdatesRefused as error:
            self._failed(error.cause)
            self._meter.count(FETCHES, outcome=error.cause)
            raise
        except Exception:
            self._failed(NoUpdates.SILENT)
            self._meter.count(FETCHES, outcome=NoUpdates.SILENT)
            raise
        finally:
            self.is_asked = False
        # Where two ask in turns, each of them is answered now and then.
        if self.cause is not NoUpdates.TAKEN or self._clock.now() - self.seen_at >= MINUTE:
            self.cause = None
        self._on_answer()
        self._meter.count(FETCHES, outcome="ok")
        return updates

    def lasting(self, patience: Millis) -> NoUpdates | None:
        """Why no updates have come for so long (milliseconds); None: they come, or it has not lasted so long."""
        now = self._clock.now()
        if self.is_asked and self.asked_at is not None and now - self.asked_at >= MINUTE + patience:
            self._failed(NoUpdates.SILENT)
            return NoUpdates.SILENT
        return self.cause if self.cause is not None and self.seen_at - self.since >= patience else None

    def _failed(self, cause: NoUpdates) -> None:
        now = self._clock.now()
        if self.cause is None:
            self.since = self.asked_at if self.asked_at is not None else now
        self.cause, self.seen_at = cause, now


class Watchdog:
    """Looks at both every few seconds; `patience` is how long no updates may come, in milliseconds."""

    def __init__(
        self,
        *,
        store: Store,
        updates: WatchedUpdates,
        tell: Tell,
        clock: Clock,
        sleep: Sleep,
        patience: Millis,
    ) -> None:
        self._store = store
        self._updates = updates
        self._tell = tell
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._trouble_at: Millis | None = None
        self._silent_since = Millis(0)
        self._silence: set[NoUpdates] = set()

    async def run(self, end: Callable[[StoreError], Any]) -> None:
        """Look for as long as the bot runs; `end` ends it where the database is lost."""
        while True:
            try:
                await self.tick()
            except StoreError as error:
                end(error)
                return
            except Exception:
                log.exception("the watch failed; it looks again")
            await self._sleep(LOOK_SECONDS)

    async def tick(self) -> None:
        """Look once.

        Raises:
            StoreError: the database is lost; the admins have been told, if Telegram can be reached.

        """
        try:
            await self._look_at_store()
        except StoreLost as lost:
            await tell_lost(self._tell, lost)
            raise
        await self._look_at_updates()

    async def _look_at_store(self) -> None:
        now = self._clock.now()
        trouble = await self._store.look(now)
        if trouble is not None:
            is_news, self._trouble_at = self._trouble_at is None, now
            if is_news:
                log.error(
                    "the database cannot be written; what is to be written waits", reason=trouble.detail
                )
                await self._tell(STORE[trouble.kind])
        elif self._trouble_at is not None and now - self._trouble_at >= QUIET:
            self._trouble_at = None
            await self._tell("alert.store.works")

    async def _look_at_updates(self) -> None:
        now = self._clock.now()
        cause = self._updates.lasting(self._patience)
        if cause is not None and cause not in self._silence:
            if not self._silence:
                self._silent_since = self._updates.since
            self._silence.add(cause)
            await self._tell(UPDATES[cause], minutes=max(1, (now - self._silent_since) // MINUTE))
        elif cause is None and self._updates.cause is None and self._silence:
            self._silence.clear()
            await self._tell("alert.updates.again", minutes=max(1, (now - self._silent_since) // MINUTE))


async def tell_lost(tell: Tell, lost: StoreLost) -> None:
    """Tell the admins that the database is lost, unless an earlier process told them."""
    if not lost.known:
        with suppress(TimeoutError):
            async with asyncio.timeout(TELLING_SECONDS):
                await tell("alert.store.damaged" if lost.is_damaged else "alert.store.gone")


async def open_store(url: str, *, sleep: Sleep, tell: Tell, backups: Path | None = None) -> Store:
    """Open the database to serve with it, as soon as it can be written; see `bot.store.Store.open`."""
    was_stuck = False
    while True:
        try:
            store = await Store.open(url, serving=sleep, backups=backups)
        except StoreStuck as stuck:
            if not was_stuck:
                was_stuck = True
                log.warning("waiting for the database", reason=str(stuck))
                await tell(STORE[stuck.trouble])
            await sleep(LOOK_SECONDS)
        except StoreLost as lost:
            await tell_lost(tell, lost)
            raise
        else:
            if was_stuck:
                await tell("alert.store.works")
            return store


async def wait_out(store: Store, work: Coroutine[Any, Any, None], tell: Tell) -> None:
    """Do work on the database before there is a watch, and tell the admins what it waits for.

    Raises:
        StoreLost: the database is damaged; they have been told.

    """
    doing, trouble = asyncio.create_task(work), None
    try:
        while not (await asyncio.wait({doing}, timeout=LOOK_SECONDS))[0]:
            if trouble is None and (trouble := store.trouble) is not None:
                await tell(STORE[trouble.kind])
        doing.result()
    except StoreLost as lost:
        await tell_lost(tell, lost)
        raise
    finally:
        doing.cancel()
    if trouble is not None:
        await tell("alert.store.works")
