"""Look at running tasks until each has a video, a reason, or no time left."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import structlog

from bot.clock import Runtime
from bot.domain.tasks.lifecycle import (
    DeadlinePassed,
    Event,
    Finished,
    ProviderFailed,
    StillRunning,
)
from bot.domain.tasks.schedule import IDS_ARE_UNIQUE_FOR, QUERY_LEASE, PollingPolicy, backoff, next_look
from bot.domain.tasks.task import FailureKind, RemoteVideo, Task, TaskState
from bot.domain.units import DAY, MINUTE, SECOND, Millis, ProviderName
from bot.kling import outcomes
from bot.kling.callback import Hint
from bot.kling.client import KlingClient
from bot.kling.dialects.reading import failure_kind
from bot.kling.wire import RemoteState, TaskStatus
from bot.services.tasks.dispatch import task_ref
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.workers import ProviderMonitor, WorkerPool
from bot.store import Store

log = structlog.get_logger(__name__)

BATCH = 500
LATE_INTERVAL = Millis(5 * MINUTE)
LATE_LIMIT = Millis(DAY)
"""How long after its deadline a task is still looked for; its video is then delivered free."""

UNKNOWN_LOOKS = 3
"""How often in a row a provider may not know a task that it accepted before that is believed."""

MANY = 3
"""From this number on, one question about many tasks is cheaper than one each."""


class Poll:
    """Claims running tasks whose time has come and asks their providers."""

    def __init__(
        self,
        *,
        store: Store,
        tasks: Tasks,
        monitor: ProviderMonitor,
        work: WorkerPool,
        runtime: Runtime,
        policy: PollingPolicy,
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._monitor = monitor
        self._work = work
        self._runtime = runtime
        self._policy = policy

    async def tick(self) -> None:
        """Claim what is due and begin to look; returns before the answers are there."""
        states = [TaskState.IN_PROGRESS, TaskState.EXPIRED]
        due = await self._store.tasks.claim_due(self._runtime.clock.now(), QUERY_LEASE, states, BATCH)
        groups: dict[tuple[ProviderName | None, str], list[Task]] = defaultdict(list)
        for task in due:
            groups[task.provider, task.request.operation].append(task)
        for (provider, _), tasks in groups.items():
            client = self._monitor.pool.find(provider) if provider is not None else None
            if client is None:
                for task in tasks:
                    await self._advance(task, self._unseen(task, None))
            elif len(tasks) >= MANY and client.can_query_many:
                self._work.start(self._look_at_many(client, tasks))
            else:
                for task in tasks:
                    self._work.start(self._look(client, task))

    async def hint(self, provider: ProviderName, hint: Hint) -> None:
        """A provider's callback says that something happened to a task: look now. Unknown tasks: no effect."""
        await self._tasks.poll_now(provider, hint.external_task_id, hint.provider_task_id)

    async def results(self, task: Task) -> Sequence[RemoteVideo]:
        """What its provider has of a finished task now, with addresses that are fresh; nothing where it cannot tell."""
        client = self._monitor.pool.find(task.provider) if task.provider is not None else None
        if client is None:
            return ()
        try:
            status = await self._query(client, task)
        except outcomes.ProviderError as error:
            log.info("results were not found anew", task=task.id, provider=client.name, reason=str(error))
            return ()
        return [_marked(video) if task.request.watermark else video for video in status.videos]

    async def _look_at_many(self, client: KlingClient, tasks: Sequence[Task]) -> None:
        try:
            statuses = await client.query_many([task_ref(task) for task in tasks])
        except outcomes.ProviderError as error:
            await self._monitor.note(client.name, error)
            for task in tasks:
                await self._advance(task, self._unseen(task, error))
            return
        by_id = {status.provider_task_id: status for status in statuses}
        for task in tasks:
            status = by_id.get(task.provider_task_id or "")
            if status is None:
                # Not on this page of the list: ask for it by its id.
                await self._look(client, task)
            else:
                await self._advance(task, self._meaning(task, status))

    async def _look(self, client: KlingClient, task: Task) -> None:
        try:
            status = await self._query(client, task)
        except outcomes.ProviderError as error:
            log.warning("could not look at a task", task=task.id, provider=client.name, reason=str(error))
            if not isinstance(error, outcomes.NotFound):
                await self._monitor.note(client.name, error)
            await self._advance(task, self._unseen(task, error))
        else:
            await self._advance(task, self._meaning(task, status))

    async def _query(self, client: KlingClient, task: Task) -> TaskStatus:
        """Ask about a task, and refuse an answer about another. An id that nobody has may be one more of this task."""
        status = await client.query(task_ref(task))
        told, since = status.provider_task_id, Millis(self._runtime.clock.now() - IDS_ARE_UNIQUE_FOR)
        if told != task.provider_task_id and await self._store.tasks.is_held_by_another(
            client.name, told, task.id, since
        ):
            raise outcomes.Unavailable("the answer is about another task")
        return status

    def _meaning(self, task: Task, status: TaskStatus) -> Event:
        """What a look at the provider means for the task."""
        if status.state is RemoteState.SUCCEEDED and status.videos:
            videos = tuple(_marked(video) if task.request.watermark else video for video in status.videos)
            return Finished(videos, status.cost)
        if status.state is RemoteState.FAILED:
            return ProviderFailed(status.failure or failure_kind(status.reason), status.reason or "")
        return self._wait(task, status.progress)

    def _unseen(self, task: Task, error: outcomes.ProviderError | None) -> Event:
        """What it means that the provider could not tell."""
        unknown = isinstance(error, outcomes.NotFound)
        if unknown and task.looks + 1 >= UNKNOWN_LOOKS:
            return ProviderFailed(FailureKind.NOT_FOUND)
        waiting = self._wait(task, None)
        if unknown and isinstance(waiting, StillRunning):
            return replace(waiting, unknown=True)
        if isinstance(waiting, StillRunning) and isinstance(
            error, (outcomes.Throttled, outcomes.Unavailable)
        ):
            now = self._runtime.clock.now()
            later = backoff(now, 3, self._runtime.rng, error.retry_after)
            return StillRunning(max(later, waiting.look_at))
        return waiting

    def _wait(self, task: Task, progress: int | None) -> Event:
        now = self._runtime.clock.now()
        if task.state is TaskState.EXPIRED:
            if now > task.deadline_at + LATE_LIMIT:
                return ProviderFailed(FailureKind.DEADLINE)
            return StillRunning(Millis(now + LATE_INTERVAL), progress)
        if now >= task.deadline_at:
            return DeadlinePassed(Millis(now + LATE_INTERVAL))
        submitted = task.submitted_at if task.submitted_at is not None else task.created_at
        return StillRunning(
            Millis(
                min(
                    next_look(now, submitted, None, self._policy, self._runtime.rng),
                    max(task.deadline_at, now + SECOND),
                )
            ),
            progress,
        )

    async def _advance(self, task: Task, event: Event) -> None:
        after = await self._tasks.advance(task, event)
        if task.provider is None:
            return
        if after is None and not isinstance(event, StillRunning):
            # Of two queries at the same time the one that saw less came first: query again.
            await self._tasks.poll_now(task.provider, task.external_task_id, None)
        elif after is not None and isinstance(event, Finished):
            await self._monitor.note(task.provider, None)


def _marked(video: RemoteVideo) -> RemoteVideo:
    """The result with the provider's mark, where there is one."""
    return video if video.watermark_url is None else replace(video, url=video.watermark_url)
