"""Chores that keep the promise when everything else was interrupted: deadlines, orphans, retention."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from bot.clock import Clock
from bot.domain.requests.operations import MEDIA
from bot.domain.tasks.lifecycle import DeadlinePassed, Event, Refused, WaitedTooLong
from bot.domain.tasks.schedule import LATE_INTERVAL, PollingPolicy
from bot.domain.tasks.task import ACTIVE_STATES, KEPT_FOR_RETURN, FailureKind, Task, TaskState
from bot.domain.types import HOUR, MINUTE, Millis, TaskId
from bot.services.tasks.copies import COPY_DIRECTORY
from bot.services.tasks.dispatch import Dispatch
from bot.services.tasks.downloads import RESULT_DIRECTORY
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.status import Status
from bot.services.tasks.workers import ProviderMonitor
from bot.store import Store

log = structlog.get_logger(__name__)

BATCH = 100
CLEANING_INTERVAL = HOUR

OVERDUE_LIMIT = Millis(5 * MINUTE)
"""So long after its deadline a task must have been looked at once more; then it ends without that."""

NOTING_INTERVAL = MINUTE
"""How exactly the next process can tell that the clock was set back while none ran."""


class Recover:
    """Ends what is overdue, settles what is unknown, forgets what is old.

    `retention` in milliseconds, and of some `kinds` of data; `sweep` deletes the files of what the store has forgotten.
    """

    def __init__(
        self,
        *,
        store: Store,
        tasks: Tasks,
        dispatch: Dispatch,
        monitor: ProviderMonitor,
        status: Status,
        clock: Clock,
        policy: PollingPolicy,
        directory: Path,
        retention: Millis,
        kinds: Mapping[str, Millis],
        sweep: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._dispatch = dispatch
        self._monitor = monitor
        self._status = status
        self._clock = clock
        self._policy = policy
        self._directory = directory
        self._retention = retention
        self._kinds = kinds
        self._sweep = sweep
        self._cleaned_at: int | None = None
        self._noted_at: int | None = None
        self._overdue_since: dict[TaskId, Millis] = {}

    async def at_start(self) -> None:
        """Take up what the last process left: unknown submissions, stale status messages, half downloads."""
        for suffix in (*(row.suffix for row in MEDIA.values()), ".jpg"):
            for leftover in self._directory.glob(f"*{suffix}*"):
                leftover.unlink(missing_ok=True)
        for pattern in (
            "image-*",
            "original-*",
            "picture-*",
            "video-*",
            "backup-*",
            f"{RESULT_DIRECTORY}*",
            f"{COPY_DIRECTORY}*",
        ):
            for directory in self._directory.glob(pattern):
                await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
        await self._sweep()
        if await self._store.operations.is_unsettled_copy():
            await self._settle_copy()
        await self._dispatch.orphans()
        now = self._clock.now()
        await self._store.outbox.release(now)
        await self._store.tasks.release(now)
        for task in await self._store.tasks.list_ended_with_status(BATCH):
            self._status.begin_close(task)
        active = await self._store.tasks.list_in(sorted(ACTIVE_STATES))
        unshown: list[Task] = []
        for task in active:
            if task.state is TaskState.QUEUED and task.status_message_id is None:
                unshown.append(task)
            else:
                self._status.begin(task)
        self._status.begin_first(unshown, self._tasks.announce)
        if active:
            log.info("tasks taken up again", count=len(active))

    async def _settle_copy(self) -> None:
        """Nothing that was open when the store was copied is done again: it may have been done since."""
        waiting = await self._dispatch.doubt_queued()
        pressed = await self._store.operations.settle_copy(self._clock.now())
        log.warning(
            "this is a copy of the store; what was open in it is asked for, or refunded",
            queued=waiting,
            presses_left=pressed,
        )

    async def tick(self) -> None:
        """One round of chores."""
        await self._dispatch.settle()
        now = self._clock.now()
        overdue = await self._store.tasks.list_overdue(now, BATCH)
        listed = {task.id for task in overdue}
        self._overdue_since = {task: at for task, at in self._overdue_since.items() if task in listed}
        for task in overdue:
            async with self._monitor.aside(task.id):
                await self._end_overdue(task, now)
        await self._refund_abandoned(now)
        if self._cleaned_at is None or now - self._cleaned_at > CLEANING_INTERVAL:
            self._cleaned_at = now
            forgotten = await self._store.operations.clean(
                Millis(now - self._retention),
                {kind: Millis(now - retention) for kind, retention in self._kinds.items()},
            )
            await self._sweep()
            if forgotten:
                log.info("old rows forgotten", count=forgotten)
        if self._noted_at is None or now - self._noted_at >= NOTING_INTERVAL:
            self._noted_at = now
            await self._store.times.record(now)

    async def _end_overdue(self, task: Task, now: Millis) -> None:
        """Whatever a provider may have is asked for once more first, by the poll and the dispatch; but not for ever."""
        if task.state is TaskState.QUEUED:
            await self._tasks.advance(task, self._overdue(task, now))
        elif now - self._overdue_since.setdefault(task.id, now) >= OVERDUE_LIMIT:
            log.error("a task was not ended at its deadline", task=task.id, provider=task.provider)
            poll_at = None if task.provider_task_id is None else Millis(now + LATE_INTERVAL)
            await self._tasks.advance(task, DeadlinePassed(poll_at))
            del self._overdue_since[task.id]

    async def _refund_abandoned(self, now: Millis) -> None:
        """Give back the credits for what its person never came back for."""
        for delivery in await self._store.outbox.list_abandoned(Millis(now - KEPT_FOR_RETURN), BATCH):
            task, failure = delivery.task, "Abandoned"
            if task.state is TaskState.SUCCEEDED:
                await self._tasks.refund(task, delivery.share, str(delivery.position), note=failure)
            await self._store.outbox.mark_undeliverable(delivery.id, failure, now)
            log.info("nobody came back for a result; refunded", task=task.id, user=task.user_id)

    def _overdue(self, task: Task, now: Millis) -> Event:
        """What becomes of a task that waited in line for too long: its owner is asked before it ends, where there is a status to ask in."""
        if task.answer_by is None and not task.makes_asset:
            return WaitedTooLong(Millis(now + self._policy.answering))
        return Refused(FailureKind.WAITED)
