"""The inbox: updates are kept before Telegram is told that they arrived, and acted on once, in order.

Different chats run side by side, one chat strictly in order. The parts of an album, which come one by one, are
acted on together once no more of them come, and so are a text and the photo forwarded with it. What was kept and
not finished when the process ended is acted on again at the next start; effects are unique by update id.

What cannot be read is set aside, and so is what was being acted on at the end of two processes. What was once
being acted on when a process ended is a suspect: of these one runs at a time, so that no other is blamed.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from bot.clock import Clock, Sleep
from bot.domain.types import DAY, UserId
from bot.metrics import UNMEASURED, UPDATE_SECONDS, UPDATES, Meter
from bot.services.floods import LARGEST_ALBUM, Floods, album_of, sender_of
from bot.services.joining import Joined, is_comment, is_order, is_with
from bot.services.ports import (
    Operators,
    StoredUpdate,
    UnreadableError,
    UnreadUpdate,
    UpdateProcessor,
    UpdateSource,
)
from bot.services.slots import Slots, Watchdog
from bot.store import InboxRow, Quarantined, Store

log = structlog.get_logger(__name__)

Lane = tuple[str, int]

LONG_POLL_SECONDS = 30
ALBUM_QUIET_SECONDS = 1.2
"""How long no further photo of an album has to come before it is taken for whole."""

COMMENT_QUIET_SECONDS = 0.4
"""How long a command waits for a photo that may have been forwarded with it: they come right after each other."""

CONCURRENT_CHATS = 64
"""Whose updates are acted on at once, not counting those who wait for an answer of Telegram."""

MOST_DEATHS = 2
"""So many processes may end while they act on an update; then it is set aside."""

BLAMELESS_AFTER_SECONDS = 0.25
"""What ends a process does so sooner than this after it began to wait for an answer."""

IDS_GO_ON = 6 * DAY
"""After a week of silence Telegram numbers updates anew, perhaps with smaller ids, which an offset would
throw away. Without an offset nothing is confirmed, and what comes twice is acted on once."""

LARGEST_BATCH = 100
"""Updates of one answer; where fewer come, no more were waiting (Bot API, getUpdates, `limit`)."""

ERROR_PAUSE_SECONDS = (1, 2, 5, 10, 30)
NOTHING_NEW_SECONDS = 1
"""The pause after a batch that held only what cannot be confirmed: it would come again at once."""

KINDS = frozenset(
    {
        "message",
        "edited_message",
        "callback_query",
        "inline_query",
        "my_chat_member",
        "pre_checkout_query",
        "subscription",
    }
)
"""What updates are told apart by where they are counted."""

BROKEN = "error.update.broken"


@dataclass(slots=True)
class _Entry:
    """An update in line. `marked`: the store knows that it was begun."""

    row: InboxRow
    marked: bool = False


class Intake:
    """Takes updates in and hands them on, chat by chat."""

    def __init__(
        self,
        *,
        store: Store,
        source: UpdateSource,
        processor: UpdateProcessor,
        operators: Operators,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        meter: Meter = UNMEASURED,
        is_put_back: bool = False,
    ) -> None:
        self._sleep = sleep
        self._meter = meter
        self._leaves_presses = is_put_back
        """Whether presses may have been acted on before a copy of the store was put back: until all are read that waited."""
        self._store = store
        self._source = source
        self._processor = processor
        self._operators = operators
        self._clock = clock
        self._lanes: dict[Lane, deque[_Entry]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._slots = Slots(CONCURRENT_CHATS)
        self._one_suspect = asyncio.Semaphore(1)
        self._floods = Floods()
        self._joined = Joined()

    async def run(
        self,
        stopping: asyncio.Event,
        ready: Callable[[], None] = lambda: None,
        grace_seconds: float | None = None,
    ) -> None:
        """Replay what is unfinished, then take updates in until `stopping` is set; finish what has begun.

        What is not finished within the grace is cut short, and acted on again at the next start.
        """
        await self.replay()
        stop = asyncio.create_task(stopping.wait())
        failures, told = 0, ""
        # The first answer comes at once, also where nobody writes: that Telegram answers is known from the start.
        seconds = 0
        ready()
        try:
            while not stopping.is_set():
                fetching = asyncio.create_task(self.fetch(seconds))
                try:
                    await asyncio.wait({fetching, stop}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not fetching.done():
                        fetching.cancel()
                        await asyncio.gather(fetching, return_exceptions=True)
                if fetching.cancelled():
                    break
                error = fetching.exception()
                if error is None:
                    failures, told, seconds = 0, "", LONG_POLL_SECONDS
                    continue
                pause = ERROR_PAUSE_SECONDS[min(failures, len(ERROR_PAUSE_SECONDS) - 1)]
                failures += 1
                kind, level = type(error).__name__, logging.DEBUG if told == str(error) else logging.WARNING
                told = str(error)
                log.log(level, "updates could not be fetched", error=told, kind=kind, pause=pause)
                await asyncio.wait({stop}, timeout=pause)
        finally:
            stop.cancel()
            try:
                await self.drain(grace_seconds)
            finally:
                await self._store.inbox.hand_back()

    async def replay(self) -> None:
        """Put in line what an earlier run of the process took in and did not finish."""
        backlog = await self._store.inbox.list_unprocessed()
        if backlog:
            log.info("unfinished updates replayed", count=len(backlog))
        deadly = _with_albums([row for row in backlog if row.attempts >= MOST_DEATHS], backlog)
        if deadly:
            made = await self._store.inbox.list_accepted([row.update_id for row in deadly])
            # Their tasks go on, whatever else was to be done: nobody is told that nothing came of it.
            accepted = _with_albums([row for row in deadly if row.update_id in made], deadly)
            for row in accepted:
                await self._store.inbox.mark_processed(row.update_id, self._clock.now())
            broken = [row for row in deadly if row not in accepted]
            if broken:
                await self._set_aside(broken, f"deaths: {MOST_DEATHS}")
                for row in broken:
                    self._count(row.payload, "set_aside")
            for row in broken:
                if row.attempts >= MOST_DEATHS:
                    self._tell(row, BROKEN)
        for row in backlog:
            if row not in deadly:
                self._floods.take(row.update_id, row.payload, self._clock.now())
                self._enqueue(_Entry(row))

    async def drain(self, grace_seconds: float | None = None) -> None:
        """Wait until every update that was taken in has been acted on; after the grace, cut short what is not."""
        try:
            async with asyncio.timeout(grace_seconds):
                while self._workers:
                    await asyncio.wait(set(self._workers))
        except TimeoutError:
            log.info("updates cut short; they are acted on at the next start", count=len(self._workers))
        finally:
            if grace_seconds is not None:
                for worker in self._workers:
                    worker.cancel()
                await asyncio.gather(*self._workers, return_exceptions=True)

    async def fetch(self, timeout_seconds: int = LONG_POLL_SECONDS) -> None:
        """Ask for new updates once, waiting for them so long, and put them in line."""
        last = await self._store.inbox.get_last()
        offset = None
        if last is not None and self._clock.now() - last[1] < IDS_GO_ON:
            # Asking from the next id on confirms everything before it, which the store already keeps.
            offset = last[0] + 1
        updates = await self._source.fetch(offset, 0 if self._leaves_presses else timeout_seconds)
        await self.take_in(updates)
        self._leaves_presses = self._leaves_presses and len(updates) >= LARGEST_BATCH
        if updates and all(update.update_id is None for update in updates):
            await self._sleep(NOTHING_NEW_SECONDS)

    async def take_in(self, updates: Sequence[StoredUpdate | UnreadUpdate]) -> None:
        """Keep updates and put the new ones in line; those that cannot be read are set aside."""
        now = self._clock.now()
        unread = [update for update in updates if isinstance(update, UnreadUpdate)]
        for _ in unread:
            self._count({}, "set_aside")
        if unread:
            await self._quarantine(
                [
                    Quarantined(
                        update.content, update.error, now, update.update_id, update.chat_id, update.user_id
                    )
                    for update in unread
                ]
            )
        read = [update for update in updates if isinstance(update, StoredUpdate)]
        rows: list[InboxRow] = []
        left: InboxRow | None = None
        surplus = 0
        lanes = set(self._lanes)
        for update in sorted(read, key=lambda update: update.update_id):
            row = InboxRow(update.update_id, update.chat_id, update.payload, update.sent_at, now)
            if self._leaves_presses and "callback_query" in row.payload:
                rows.append(replace(row, payload={}, processed_at=now))
                continue
            if (why := self._floods.take(row.update_id, row.payload, now)) is not None:
                if self._floods.is_news(why, row.payload, now):
                    self._tell(row, why)
                left, surplus = row, surplus + 1
                self._count(row.payload, "flood")
                continue
            # What is begun at once is noted as begun where it is kept: that costs no commit of its own.
            rows.append(replace(row, attempts=int(_lane_of(row) not in lanes)))
            lanes.add(_lane_of(row))
        if left is not None:
            log.warning("updates of a flood were left alone", count=surplus)
            # The last id is enough to confirm all of them.
            rows.append(replace(left, payload={}, processed_at=now))
        if not rows:
            return
        known = {row.update_id: row for row in rows}
        for row in await self._store.inbox.receive(rows):
            del known[row.update_id]
            if row.processed_at is None:
                self._enqueue(_Entry(replace(row, attempts=0), marked=row.attempts > 0))
        for row in known.values():
            if row.processed_at is None:
                self._floods.done(row.payload)

    def _enqueue(self, entry: _Entry) -> None:
        lane = _lane_of(entry.row)
        waiting = self._lanes.get(lane)
        if waiting is not None:
            waiting.append(entry)
            return
        self._lanes[lane] = deque([entry])
        self._begin(self._work(lane))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        worker = asyncio.create_task(work)
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _work(self, lane: Lane) -> None:
        waiting = self._lanes[lane]
        while waiting:
            entries = await self._together(waiting)
            if entries[0].row.attempts:
                await self._act_on_suspect(entries)
            else:
                await self._act(entries)
            for entry in entries:
                waiting.remove(entry)
            self._floods.done(entries[0].row.payload)
            for entry in entries[:-1]:
                await self._done(entry.row)
            # The next one is noted as begun in the same commit.
            following = waiting[0] if waiting and not waiting[0].row.attempts else None
            if await self._done(entries[-1].row, following) and following is not None:
                following.marked = True
        del self._lanes[lane]

    async def _together(self, waiting: deque[_Entry]) -> list[_Entry]:
        """The next update, with what belongs to it when no more of that comes."""
        first = waiting[0].row.payload
        album = album_of(first)
        if album is not None:
            return await self._quiet(waiting, lambda other: album_of(other) == album, ALBUM_QUIET_SECONDS)
        if not is_comment(first):
            return [waiting[0]]
        forwarded = partial(is_with, first)
        if not is_order(first) and not any(forwarded(entry.row.payload) for entry in waiting):
            return [waiting[0]]
        return await self._quiet(
            waiting, lambda other: other is first or forwarded(other), COMMENT_QUIET_SECONDS
        )

    async def _quiet(
        self, waiting: deque[_Entry], belongs: Callable[[dict[str, Any]], bool], seconds: float
    ) -> list[_Entry]:
        """What belongs together, once no more of it has come for so long."""
        known = 0
        while True:
            parts = [entry for entry in waiting if belongs(entry.row.payload)]
            if len(parts) == known or len(parts) >= LARGEST_ALBUM:
                return parts[:LARGEST_ALBUM]
            known = len(parts)
            await self._sleep(seconds)

    async def _act(self, entries: list[_Entry], watch: Watchdog | None = None) -> None:
        """Act on an update with the others of its album, to its end."""
        row, outcome = entries[0].row, "done"
        async with self._slots.one(watch, sender_of(row.payload) or _lane_of(row)):
            try:
                if not entries[0].marked:
                    await self._store.inbox.note_attempts(row.update_id, row.attempts + 1)
                now = self._clock.now()
                payloads = [entry.row.payload for entry in entries]
                earlier = self._joined.earlier(row.payload, now)
                self._joined.record([*earlier, *payloads], now)
                album, before = tuple(payloads[1:]), tuple(earlier)
                update = StoredUpdate(row.update_id, row.chat_id, row.payload, row.sent_at, album, before)
                with self._meter.timed(UPDATE_SECONDS):
                    await self._processor.process(update)
            except UnreadableError as error:
                outcome = "set_aside"
                await self._set_aside([entry.row for entry in entries], str(error))
            except Exception:
                outcome = "failed"
                log.exception("an update could not be processed", update=row.update_id, chat=row.chat_id)
        for entry in entries:
            self._count(entry.row.payload, outcome)

    def _count(self, payload: dict[str, Any], outcome: str) -> None:
        kind = next((name for name in payload if name in KINDS), "other")
        self._meter.count(UPDATES, kind=kind, outcome=outcome)

    async def _act_on_suspect(self, entries: list[_Entry]) -> None:
        """Act on what was being acted on when a process ended, while no other suspect is.

        Once it has waited for others for a moment it is not to blame for what happens meanwhile.
        """
        row = entries[0].row
        await self._one_suspect.acquire()
        holds = True
        clearing: asyncio.Task[None] | None = None

        def let_go() -> None:
            nonlocal holds
            if holds:
                holds = False
                self._one_suspect.release()

        async def clear() -> None:
            await self._sleep(BLAMELESS_AFTER_SECONDS)
            await self._store.inbox.note_attempts(row.update_id, row.attempts)
            let_go()

        async def watch(waits: bool) -> None:
            nonlocal clearing
            if waits:
                clearing = asyncio.create_task(clear())
            elif clearing is not None:
                await _end(clearing)
                await self._store.inbox.note_attempts(row.update_id, row.attempts + 1)

        try:
            await self._act(entries, watch)
        finally:
            if clearing is not None:
                await _end(clearing)
            let_go()

    async def _done(self, row: InboxRow, following: _Entry | None = None) -> bool:
        try:
            begun = None if following is None else following.row
            await self._store.inbox.mark_processed(row.update_id, self._clock.now(), begun)
        except Exception:
            # It is acted on again after the next start; the chat goes on meanwhile.
            log.exception("an update could not be marked as done", update=row.update_id, chat=row.chat_id)
            return False
        return True

    # -- what is not acted on ------------------------------------------------------------------------

    def _tell(self, row: InboxRow, key: str) -> None:
        async def tell() -> None:
            try:
                await self._processor.tell(
                    StoredUpdate(row.update_id, row.chat_id, row.payload, row.sent_at), key
                )
            except Exception:
                log.exception("a sender could not be told", update=row.update_id, chat=row.chat_id)

        self._begin(tell())

    async def _set_aside(self, rows: Sequence[InboxRow], error: str) -> None:
        await self._quarantine(
            [
                Quarantined(
                    json.dumps(row.payload),
                    error,
                    self._clock.now(),
                    row.update_id,
                    row.chat_id,
                    UserId(sender[1]) if (sender := sender_of(row.payload)) and sender[0] == "user" else None,
                )
                for row in rows
            ]
        )

    async def _quarantine(self, found: Sequence[Quarantined]) -> None:
        added, held = await self._store.inbox.set_aside(found)
        if not added:
            return
        log.error("updates were set aside", count=added, error=found[-1].error)

        async def report() -> None:
            try:
                await self._operators.alert_operators("alert.updates", count=held, error=found[-1].error)
            except Exception:
                log.exception("the operators could not be told")

        self._begin(report())


def _with_albums(rows: Sequence[InboxRow], among: Sequence[InboxRow]) -> list[InboxRow]:
    """These, and the other photos of their albums: they are acted on together, and what one does, all do."""
    albums = {(row.chat_id, album) for row in rows if (album := album_of(row.payload))}
    return [row for row in among if row in rows or (row.chat_id, album_of(row.payload)) in albums]


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _lane_of(row: InboxRow) -> Lane:
    # Updates without a chat (inline queries, payments) have no order to keep.
    return ("chat", row.chat_id) if row.chat_id is not None else ("update", row.update_id)
