"""Look at running tasks until each has a video, a reason, or no time left.

A task that lives is never declared dead: what a provider says without the task's own word for its end is believed when
it has lasted (`_unseen`), and whatever was given up is looked for on, rarely, for a day. What fails here in a way that
nobody foresaw says nothing of the task: it was not seen, and its deadline holds.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog

from bot.clock import Runtime
from bot.domain.credits.caps import video_units
from bot.domain.requests.operations import Product
from bot.domain.tasks.lifecycle import (
    DeadlinePassed,
    Event,
    Finished,
    GivenUp,
    ProviderFailed,
    StillRunning,
)
from bot.domain.tasks.schedule import (
    ABSENCE_BELIEVED_AFTER,
    IDS_ARE_UNIQUE_FOR,
    LATE_INTERVAL,
    LATE_LIMIT,
    LOOKS_TO_BELIEVE,
    QUERY_LEASE,
    PollingPolicy,
    backoff,
    next_poll_at,
)
from bot.domain.tasks.task import FailureKind, RemoteResult, Task, TaskState
from bot.domain.types import MINUTE, SECOND, Millis, ProviderName, TaskId
from bot.kling import errors
from bot.kling.callback import CallbackEvent
from bot.kling.client import KlingClient
from bot.kling.dialects.words import failure_kind
from bot.kling.wire import RemoteState, TaskStatus
from bot.metrics import UNMEASURED, WORK_SECONDS, Meter
from bot.services.tasks.dispatch import task_ref
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.workers import ProviderMonitor, WorkerPool
from bot.store import Store

log = structlog.get_logger(__name__)

BATCH = 500

STRANGE_TOLD_AFTER = Millis(2 * MINUTE)
"""So long may a provider answer what nobody understands, or as if its path were wrong, before the operators are told."""

SERVER_ERRORS = 500
"""From this HTTP status on the provider is not well; below, something is odd about the question or its answer."""

MANY = 3
"""From this number on, one question about many tasks is cheaper than one each."""


class _Doubt(StrEnum):
    """What a look may bring that says neither that a task goes on nor how it ended."""

    ABSENT = "absent"
    STRANGE = "strange"
    MISLED = "misled"


@dataclass(slots=True)
class _Repeated:
    """Since when a task's looks have brought the same doubt, and how often."""

    doubt: _Doubt
    since: Millis
    times: int = 0


class Poll:
    """Claims running tasks whose time has come and asks their providers.

    `is_ours` tells the addresses at which we hand out what people brought along: nothing there is a result.
    """

    def __init__(
        self,
        *,
        store: Store,
        tasks: Tasks,
        monitor: ProviderMonitor,
        work: WorkerPool,
        runtime: Runtime,
        policy: PollingPolicy,
        is_ours: Callable[[str], bool] = lambda _: False,
        meter: Meter = UNMEASURED,
    ) -> None:
        self._meter = meter
        self._store = store
        self._tasks = tasks
        self._monitor = monitor
        self._work = work
        self._runtime = runtime
        self._policy = policy
        self._is_ours = is_ours
        self._doubts: dict[TaskId, _Repeated] = {}
        self._odd: set[TaskId] = set()

    async def tick(self) -> None:
        """Claim what is due and begin to look; returns before the answers are there."""
        states = [TaskState.IN_PROGRESS, TaskState.EXPIRED]
        due = await self._store.tasks.claim_due(self._runtime.clock.now(), QUERY_LEASE, states, BATCH)
        groups: dict[tuple[ProviderName | None, str], list[Task]] = defaultdict(list)
        for task in due:
            groups[task.provider, task.request.operation].append(task)
        for (provider, _), tasks in groups.items():
            client = self._monitor.pool.find(provider) if provider is not None else None
            if client is not None and len(tasks) >= MANY and client.can_query_many:
                self._work.start(self._look_at_many(client, tasks))
            else:
                for task in tasks:
                    self._work.start(self._look(client, task), of=task.id)

    async def hint(self, provider: ProviderName, hint: CallbackEvent) -> None:
        """A provider's callback says that something happened to a task: look now. Unknown tasks: no effect."""
        await self._tasks.poll_now(provider, hint.external_task_id, hint.provider_task_id)

    async def results(self, task: Task) -> Sequence[RemoteResult]:
        """What its provider has of a finished task now, with addresses that are fresh; nothing where it cannot tell."""
        client = self._monitor.pool.find(task.provider) if task.provider is not None else None
        if client is None:
            return ()
        try:
            status = await self._query(client, task)
        except errors.ProviderError as error:
            log.info("results were not found anew", task=task.id, provider=client.name, reason=str(error))
            return ()
        return self._results(task, status)

    async def _look_at_many(self, client: KlingClient, tasks: Sequence[Task]) -> None:
        known: dict[str, TaskStatus] = {}
        failed: errors.ProviderError | None = None
        # What nobody foresaw about one of them must not keep the others from being seen.
        async with self._monitor.watching(tasks[0]):
            try:
                refs = [task_ref(task) for task in tasks if task.provider_task_id]
                known = {status.provider_task_id: status for status in await client.query_many(refs)}
            except errors.ProviderError as error:
                # What is said of the list is said of none of them.
                of_the_list = (errors.Rejected, errors.NotFound, errors.Misconfigured)
                if not isinstance(error, of_the_list):
                    failed = error
                    await self._monitor.record(client.name, error)
        for task in tasks:
            # What is not on this page of the list is asked for by its id.
            await self._look(client, task, failed or known.get(task.provider_task_id or ""))

    async def _look(
        self,
        client: KlingClient | None,
        task: Task,
        known: TaskStatus | errors.ProviderError | None = None,
    ) -> None:
        """See how far a task is, `known` being what is known of it already; what nobody foresaw counts as not seen."""
        async with self._monitor.watching(task) as watched:
            with self._meter.timed(WORK_SECONDS, work="poll"):
                await self._look_once(client, task, known)
        if watched.faults:
            now, event = self._runtime.clock.now(), self._unseen(task, None)
            if isinstance(event, StillRunning):
                later = max(event.poll_at, backoff(now, watched.faults + 2, self._runtime.rng))
                event = replace(event, poll_at=self._by_deadline(task, later))
            await self._advance(task, event)

    async def _look_once(
        self, client: KlingClient | None, task: Task, known: TaskStatus | errors.ProviderError | None
    ) -> None:
        if client is not None and known is None:
            try:
                known = await self._query(client, task)
            except errors.ProviderError as error:
                known = error
                reason = str(error)
                log.warning("could not look at a task", task=task.id, provider=client.name, reason=reason)
                if self._is_news(task, error):
                    # That one model is refused says nothing of the others.
                    about = task.request.resource if isinstance(error, errors.NotEnabled) else None
                    await self._monitor.record(client.name, error, about)
        if isinstance(known, TaskStatus):
            if await self._advance(task, self._meaning(task, known)):
                await self._tell_strange(task, known)
        else:
            await self._advance(task, self._unseen(task, known))

    async def _query(self, client: KlingClient, task: Task) -> TaskStatus:
        """Ask about a task, and refuse an answer about another. An id that nobody has may be one more of this task."""
        status = await self._ask(client, task)
        told, since = status.provider_task_id, Millis(self._runtime.clock.now() - IDS_ARE_UNIQUE_FOR)
        if told != task.provider_task_id and await self._store.tasks.is_held_by_another(
            client.name, told, task.id, since
        ):
            raise errors.Unavailable("the answer is about another task")
        return status

    async def _ask(self, client: KlingClient, task: Task) -> TaskStatus:
        ref = task_ref(task)
        if task.provider_task_id is not None:
            return await client.query(ref)
        # The answer to its submission was never found; it may have been taken all the same.
        found = await client.look_up(ref)
        if found is None:
            raise errors.NotFound("the provider does not know our id")
        return found

    def _meaning(self, task: Task, status: TaskStatus) -> Event:
        """What a look at the provider means for the task."""
        if status.state is RemoteState.SUCCEEDED and (videos := self._results(task, status)):
            return Finished(videos, video_units(status.cost, task.request.operation.pack))
        if status.state is RemoteState.FAILED:
            if status.failure is None or status.failure is FailureKind.CONTENT:
                return ProviderFailed(status.failure or failure_kind(status.reason), status.reason or "")
            # The look was refused: that is no word of the task itself.
            if task.state is TaskState.EXPIRED:
                return self._wait(task, None)
            return GivenUp(status.failure, self._late(), status.reason or "")
        self._odd.discard(task.id)
        if status.is_unclear:
            self._repeated(task, _Doubt.STRANGE)
        else:
            self._doubts.pop(task.id, None)
        return self._wait(task, status.progress)

    def _unseen(self, task: Task, error: errors.ProviderError | None) -> Event:
        """What it means that the provider could not tell, or not of this task.

        That it does not know the task is believed when every look has said so for some time, and it is looked for on.
        """
        waiting = self._wait(task, None)
        match error:
            case errors.NotFound():
                if self._is_absent(task, waiting):
                    return GivenUp(FailureKind.NOT_FOUND, self._late())
                if isinstance(waiting, StillRunning):
                    return replace(waiting, unknown=task.state is TaskState.IN_PROGRESS)
            case errors.Throttled() | errors.Unavailable() if isinstance(waiting, StillRunning):
                later = backoff(self._runtime.clock.now(), 3, self._runtime.rng, error.retry_after)
                return replace(waiting, poll_at=self._by_deadline(task, max(later, waiting.poll_at)))
        return waiting

    def _repeated(self, task: Task, doubt: _Doubt) -> _Repeated:
        """Count one more look that brought this doubt; what merely failed in between changes nothing."""
        known = self._doubts.get(task.id)
        if known is None or known.doubt is not doubt:
            known = self._doubts[task.id] = _Repeated(doubt, self._runtime.clock.now())
        known.times += 1
        return known

    def _is_absent(self, task: Task, waiting: Event) -> bool:
        """Whether it has been absent for so long that it is believed; at its deadline that is the better reason."""
        repeated = self._repeated(task, _Doubt.ABSENT)
        if task.state is not TaskState.IN_PROGRESS or repeated.times < LOOKS_TO_BELIEVE:
            return False
        lasted = self._runtime.clock.now() - max(repeated.since, task.submitted_at or task.created_at)
        return lasted >= ABSENCE_BELIEVED_AFTER or isinstance(waiting, DeadlinePassed)

    async def _tell_strange(self, task: Task, status: TaskStatus) -> None:
        """Tell the operators of a word, or a success without an address, that has lasted."""
        doubt, now = self._doubts.get(task.id), self._runtime.clock.now()
        if not status.is_unclear or doubt is None or now - doubt.since < STRANGE_TOLD_AFTER:
            return
        is_success = status.state is RemoteState.SUCCEEDED
        keys = ", ".join(status.keys)
        await self._monitor.operators.alert_once(
            "alert.provider.no_address" if is_success else "alert.provider.unknown_word",
            f"{status.word} {keys}",
            provider=task.provider or "–",
            word=status.word[:40] or "–",
            keys=keys[:300] or "–",
            id=task.id,
        )

    def _is_news(self, task: Task, error: errors.ProviderError) -> bool:
        """Whether it says something of the provider, and not only of one task.

        An odd answer is counted once in a row for each task: one task does not close its provider. A page in the place
        of the path is told when it lasts.
        """
        if not isinstance(error, errors.Misconfigured):
            is_first = task.id not in self._odd
            if (
                isinstance(error, errors.Unavailable)
                and error.code.isdigit()
                and int(error.code) < SERVER_ERRORS
            ):
                self._odd.add(task.id)
                return is_first
            return not isinstance(error, errors.NotFound)
        since = self._repeated(task, _Doubt.MISLED).since
        return self._runtime.clock.now() - since >= STRANGE_TOLD_AFTER

    def _results(self, task: Task, status: TaskStatus) -> tuple[RemoteResult, ...]:
        """What came of a task, as it was ordered; some gateways repeat a video that was sent as if it were a result."""
        request = task.request
        given = (*request.features, *(() if request.source is None else (request.source,)))
        sent = {video.url for video in given if video.url is not None}
        made = [
            replace(video, url=own[0], others=own[1:])
            for video in status.videos
            if (video.kind is Product.ASSET) is task.makes_asset
            and (
                own := tuple(
                    address
                    for address in video.addresses
                    if address not in sent and not self._is_ours(address)
                )
            )
        ]
        return tuple(_marked(video) if request.watermark else video for video in made)

    def _late(self) -> Millis:
        return Millis(self._runtime.clock.now() + LATE_INTERVAL)

    def _by_deadline(self, task: Task, moment: int) -> Millis:
        """A moment, or the deadline of a task that runs, where that is sooner: it is looked at once more then."""
        if task.state is not TaskState.IN_PROGRESS:
            return Millis(moment)
        return Millis(min(moment, max(task.deadline_at, self._runtime.clock.now() + SECOND)))

    def _wait(self, task: Task, progress: int | None) -> Event:
        now = self._runtime.clock.now()
        if task.state is TaskState.EXPIRED:
            if now > (task.finished_at or task.deadline_at) + LATE_LIMIT:
                return ProviderFailed(FailureKind.DEADLINE)
            return StillRunning(self._late(), progress)
        if now >= task.deadline_at:
            return DeadlinePassed(self._late())
        submitted = task.submitted_at if task.submitted_at is not None else task.created_at
        later = next_poll_at(now, submitted, None, self._policy, self._runtime.rng)
        return StillRunning(self._by_deadline(task, later), progress)

    async def _advance(self, task: Task, event: Event) -> bool:
        """Apply what a look means; whether it did not come too late."""
        after = await self._tasks.advance(task, event)
        if not isinstance(event, StillRunning):
            self._doubts.pop(task.id, None)
            self._odd.discard(task.id)
        if task.provider is None:
            return after is not None
        if after is not None and after.state.is_final:
            self._monitor.pool.make_room(task.provider, task.request.resource)
        if after is None and not isinstance(event, StillRunning):
            # Of two queries at the same time the one that saw less came first: query again.
            await self._tasks.poll_now(task.provider, task.external_task_id, None)
        elif after is not None and isinstance(event, Finished):
            await self._monitor.record(task.provider, None)
        return after is not None


def _marked(video: RemoteResult) -> RemoteResult:
    """The result with the provider's mark, where there is one; its other addresses lead to it without."""
    return video if video.watermark_url is None else replace(video, url=video.watermark_url, others=())
