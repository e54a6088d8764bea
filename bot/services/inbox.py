"""The inbox: updates are kept before Telegram is told that they arrived, and acted on once, in order.

Different chats run side by side, one chat strictly in order. The photos of an album, which come one by
one, are acted on together once no more of them come. What was kept and not finished when the process
ended is acted on again at the next start; effects are unique by update id.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import structlog

from bot.clock import Clock, Sleep
from bot.domain.units import DAY
from bot.services.ports import RawUpdate, UpdateProcessor, UpdateSource
from bot.services.slots import Slots
from bot.store import InboxRow, Store

log = structlog.get_logger(__name__)

Lane = tuple[str, int]

LONG_POLL_SECONDS = 30
ALBUM_QUIET_SECONDS = 1.2
"""How long no further photo of an album has to come before it is taken for whole."""

LARGEST_ALBUM = 10
"""Telegram's own limit."""

CONCURRENT_CHATS = 64
"""Whose updates are acted on at once, not counting those who wait for an answer of Telegram."""

IDS_GO_ON = 6 * DAY
"""After a week of silence Telegram numbers updates anew, perhaps with smaller ids, which an offset would
throw away. Without an offset nothing is confirmed, and what comes twice is acted on once."""

ERROR_PAUSE_SECONDS = (1, 2, 5, 10, 30)


class Intake:
    """Takes updates in and hands them on, chat by chat."""

    def __init__(
        self,
        *,
        store: Store,
        source: UpdateSource,
        processor: UpdateProcessor,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._sleep = sleep
        self._store = store
        self._source = source
        self._processor = processor
        self._clock = clock
        self._lanes: dict[Lane, deque[InboxRow]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._slots = Slots(CONCURRENT_CHATS)

    async def run(self, stopping: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Replay what is unfinished, then take updates in until `stopping` is set; finish what has begun."""
        await self.replay()
        stop = asyncio.create_task(stopping.wait())
        failures = 0
        ready()
        try:
            while not stopping.is_set():
                fetching = asyncio.create_task(self.fetch())
                await asyncio.wait({fetching, stop}, return_when=asyncio.FIRST_COMPLETED)
                if not fetching.done():
                    fetching.cancel()
                    await asyncio.gather(fetching, return_exceptions=True)
                    break
                error = fetching.exception()
                if error is None:
                    failures = 0
                    continue
                pause = ERROR_PAUSE_SECONDS[min(failures, len(ERROR_PAUSE_SECONDS) - 1)]
                failures += 1
                log.warning(
                    "updates could not be fetched", error=str(error), kind=type(error).__name__, pause=pause
                )
                await asyncio.wait({stop}, timeout=pause)
        finally:
            stop.cancel()
            await self.drain()

    async def replay(self) -> None:
        """Put in line what an earlier run of the process took in and did not finish."""
        backlog = await self._store.inbox.list_unprocessed()
        if backlog:
            log.info("unfinished updates replayed", count=len(backlog))
        for row in backlog:
            self._enqueue(row)

    async def drain(self) -> None:
        """Wait until every update that was taken in has been acted on."""
        while self._workers:
            await asyncio.wait(set(self._workers))

    async def fetch(self, timeout_seconds: int = LONG_POLL_SECONDS) -> None:
        """Ask for new updates once, waiting for them so long, and put them in line."""
        last = await self._store.inbox.get_last()
        offset = None
        if last is not None and self._clock.now() - last[1] < IDS_GO_ON:
            # Asking from the next id on confirms everything before it, which the store already keeps.
            offset = last[0] + 1
        updates = await self._source.fetch(offset, timeout_seconds)
        await self.take_in(updates)

    async def take_in(self, updates: Sequence[RawUpdate]) -> None:
        """Keep updates and put the new ones in line."""
        now = self._clock.now()
        rows = [
            InboxRow(update.update_id, update.chat_id, update.payload, update.sent_at, now)
            for update in updates
        ]
        if rows:
            for row in await self._store.inbox.receive(rows):
                self._enqueue(row)

    def _enqueue(self, row: InboxRow) -> None:
        # Updates without a chat (inline queries, payments) have no order to keep.
        lane = ("chat", row.chat_id) if row.chat_id is not None else ("update", row.update_id)
        waiting = self._lanes.get(lane)
        if waiting is not None:
            waiting.append(row)
            return
        self._lanes[lane] = deque([row])
        worker = asyncio.create_task(self._work(lane))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _work(self, lane: Lane) -> None:
        waiting = self._lanes[lane]
        while waiting:
            rows = await self._together(waiting)
            row = rows[0]
            async with self._slots.one():
                try:
                    album = tuple(part.payload for part in rows[1:])
                    await self._processor.process(
                        RawUpdate(row.update_id, row.chat_id, row.payload, row.sent_at, album)
                    )
                except Exception:
                    log.exception("an update could not be processed", update=row.update_id, chat=row.chat_id)
                for part in rows:
                    await self._done(part)
            for part in rows:
                waiting.remove(part)
        del self._lanes[lane]

    async def _together(self, waiting: deque[InboxRow]) -> list[InboxRow]:
        """The next update, and the other photos of its album when no more of them come."""
        album = _album_of(waiting[0])
        if album is None:
            return [waiting[0]]
        known = 0
        while True:
            parts = [row for row in waiting if _album_of(row) == album]
            if len(parts) in {known, LARGEST_ALBUM}:
                return parts
            known = len(parts)
            await self._sleep(ALBUM_QUIET_SECONDS)

    async def _done(self, row: InboxRow) -> None:
        try:
            await self._store.inbox.mark_processed(row.update_id, self._clock.now())
        except Exception:
            # It is acted on again after the next start; the chat goes on meanwhile.
            log.exception("an update could not be marked as done", update=row.update_id, chat=row.chat_id)


def _album_of(row: InboxRow) -> str | None:
    message = row.payload.get("message")
    album = message.get("media_group_id") if isinstance(message, Mapping) else None
    return album if isinstance(album, str) else None
