"""Look at running tasks until each has a video, a reason, or no time left."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import structlog

from bot.clock import Clock
from bot.domain.tasks.lifecycle import (
    DeadlinePassed,
    Event,
    Finished,
    IllegalTransition,
    ProviderFailed,
    StillRunning,
    transition,
)
from bot.domain.tasks.schedule import PollingPolicy, backoff, next_look
from bot.domain.tasks.task import FailureKind, RemoteVideo, Task, TaskState
from bot.domain.units import DAY, MINUTE, SECOND, Millis, ProviderName
from bot.kling import outcomes
from bot.kling.callback import Hint
from bot.kling.client import KlingClient
from bot.kling.pool import Pool
from bot.kling.wire import RemoteState, TaskStatus
from bot.services.ports import Job, Wake
from bot.services.tasks.dispatch import task_ref
from bot.services.tasks.status import Status
from bot.services.tasks.watch import Watch
from bot.services.tasks.work import Work
from bot.store import Conflict, Store

log = structlog.get_logger(__name__)

BATCH = 500
LEASE = Millis(90 * SECOND)
LATE_INTERVAL = Millis(5 * MINUTE)
LATE_LIMIT = Millis(DAY)
"""How long after its deadline a task is still looked for; its video is then delivered free."""

UNKNOWN_LOOKS = 3
"""How often in a row a provider may not know a task that it accepted before that is believed."""

HINT_PAUSE = Millis(SECOND)
"""At least so long from one look that a callback causes to the next one at the same task."""

MANY = 3
"""From this number on, one question about many tasks is cheaper than one each."""

_CONTENT_WORDS = (
    "risk control",
    "sensitive",
    "policy",
    "moderation",
    "nsfw",
    "inappropriate",
    "违规",
    "敏感",
    "不当",
    "审核",
)


class Poll:
    """Claims running tasks whose time has come and asks their providers."""

    def __init__(
        self,
        store: Store,
        pool: Pool,
        watch: Watch,
        status: Status,
        clock: Clock,
        rng: random.Random,
        policy: PollingPolicy,
        wake: Wake,
        work: Work,
    ) -> None:
        self._store = store
        self._pool = pool
        self._watch = watch
        self._status = status
        self._clock = clock
        self._rng = rng
        self._policy = policy
        self._wake = wake
        self._work = work

    async def tick(self) -> None:
        """Claim what is due and begin to look; returns before the answers are there."""
        states = [TaskState.IN_PROGRESS, TaskState.EXPIRED]
        due = await self._store.tasks.claim_due(self._clock.now(), LEASE, states, BATCH)
        groups: dict[tuple[ProviderName | None, str], list[Task]] = defaultdict(list)
        for task in due:
            groups[task.provider, task.request.operation].append(task)
        for (provider, _), tasks in groups.items():
            client = self._pool.find(provider) if provider is not None else None
            if client is None:
                for task in tasks:
                    await self._apply(task, self._unseen(task, None))
            elif len(tasks) >= MANY and client.can_query_many:
                self._work.start(self._look_at_many(client, tasks))
            else:
                for task in tasks:
                    self._work.start(self._look(client, task))

    async def hint(self, provider: ProviderName, hint: Hint) -> None:
        """A provider's callback says that something happened to a task: look now. Unknown tasks: no effect."""
        await self._hasten(provider, hint.external_task_id, hint.provider_task_id)

    async def _hasten(
        self, provider: ProviderName, external_task_id: str | None, provider_task_id: str | None
    ) -> None:
        now = self._clock.now()
        task = await self._store.tasks.poll_now(provider, external_task_id, provider_task_id, now, HINT_PAUSE)
        if task is not None:
            log.info("a look was brought forward", task=task.id, provider=provider, state=task.state)
            # Submissions whose answer was lost are settled by another tick.
            self._wake(Job.RECOVER if task.state is TaskState.UNCONFIRMED else Job.POLL)

    async def _look_at_many(self, client: KlingClient, tasks: Sequence[Task]) -> None:
        try:
            statuses = await client.query_many([task_ref(task) for task in tasks])
        except outcomes.ProviderError as error:
            await self._watch.note(client.name, error)
            for task in tasks:
                await self._apply(task, self._unseen(task, error))
            return
        by_id = {status.provider_task_id: status for status in statuses}
        for task in tasks:
            status = by_id.get(task.provider_task_id or "")
            if status is None:
                # Not on this page of the list: ask for it by its id.
                await self._look(client, task)
            else:
                await self._apply(task, self._meaning(task, status))

    async def _look(self, client: KlingClient, task: Task) -> None:
        try:
            status = await client.query(task_ref(task))
        except outcomes.ProviderError as error:
            log.warning("could not look at a task", task=task.id, provider=client.name, reason=str(error))
            if not isinstance(error, outcomes.NotFound):
                await self._watch.note(client.name, error)
            await self._apply(task, self._unseen(task, error))
        else:
            await self._apply(task, self._meaning(task, status))

    def _meaning(self, task: Task, status: TaskStatus) -> Event:
        """What a look at the provider means for the task."""
        if status.state is RemoteState.SUCCEEDED and status.videos:
            videos = tuple(_marked(video) if task.request.watermark else video for video in status.videos)
            return Finished(videos, status.cost)
        if status.state is RemoteState.FAILED:
            return ProviderFailed(_failure_kind(status.reason), status.reason or "")
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
            now = self._clock.now()
            later = backoff(now, 3, self._rng, error.retry_after)
            return StillRunning(max(later, waiting.look_at))
        return waiting

    def _wait(self, task: Task, progress: int | None) -> Event:
        now = self._clock.now()
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
                    next_look(now, submitted, None, self._policy, self._rng),
                    max(task.deadline_at, now + SECOND),
                )
            ),
            progress,
        )

    async def _apply(self, task: Task, event: Event) -> None:
        now = self._clock.now()
        try:
            after = await self._store.tasks.apply(transition(task, event, now), now)
        except (Conflict, IllegalTransition) as error:
            log.info("a look came too late", task=task.id, reason=str(error))
            if task.provider is not None and not isinstance(event, StillRunning):
                # Of two looks at once the one that saw less was faster: look again.
                await self._hasten(task.provider, task.external_task_id, None)
            return
        if isinstance(event, StillRunning):
            await self._status.show(after)
            return
        log.info("task ended", task=task.id, state=after.state, failure=after.failure, provider=task.provider)
        if isinstance(event, Finished) and task.provider is not None:
            await self._watch.note(task.provider, None)
        self._wake(Job.DELIVER)
        self._wake(Job.DISPATCH)


def _marked(video: RemoteVideo) -> RemoteVideo:
    """The result with the provider's mark, where there is one."""
    return video if video.watermark_url is None else replace(video, url=video.watermark_url)


def _failure_kind(reason: str | None) -> FailureKind:
    """Tell a refusal of content from another failure; a failed task carries only free text (WIRE 2.6)."""
    text = (reason or "").casefold()
    return FailureKind.CONTENT if any(word in text for word in _CONTENT_WORDS) else FailureKind.PROVIDER
