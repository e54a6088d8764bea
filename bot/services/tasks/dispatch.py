"""Send queued tasks to a provider, so that none is sent twice whatever breaks in between.

The claim is written before anything leaves (the intent), the answer right after it. Where the answer
is lost, the provider is asked about our own id before anything is sent again.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import structlog

from bot.clock import Runtime
from bot.domain.credits.caps import estimate, too_little_left, video_units
from bot.domain.tasks.lifecycle import (
    Accepted,
    Answered,
    AnswerLost,
    Claimed,
    DeadlinePassed,
    Deferred,
    Event,
    OwnerAsked,
    ProvenAbsent,
    Refused,
    Unresolvable,
)
from bot.domain.tasks.line import TaskGroup, Waiting
from bot.domain.tasks.matching import MADE_WITHIN, Absence, Submitted, match
from bot.domain.tasks.schedule import (
    ABSENCE_BELIEVED_AFTER,
    ABSENCE_PAUSE,
    ABSENCES_TO_PROVE,
    IDS_ARE_UNIQUE_FOR,
    LATE_INTERVAL,
    SEARCHES,
    SUBMISSION_LEASE,
    PollingPolicy,
    backoff,
    first_look,
)
from bot.domain.tasks.task import FailureKind, Task, TaskState
from bot.domain.types import HOUR, SECOND, Millis, ProviderName, TaskId
from bot.kling import errors
from bot.kling.client import KlingClient
from bot.kling.pool import Running
from bot.kling.wire import Answer, Submission, TaskRef
from bot.metrics import UNMEASURED, WORK_SECONDS, Meter
from bot.services.credits.spending import Spending
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.line import Line
from bot.services.tasks.status import Status, expected_duration
from bot.services.tasks.submissions import Submissions
from bot.services.tasks.workers import ProviderMonitor, WorkerPool
from bot.store import Store

log = structlog.get_logger(__name__)

BATCH = 50

RIVALS = 1_000
"""Tasks that ended lately and are looked through for those whose outcome nobody knows."""

UNSETTLED = frozenset({FailureKind.UNKNOWN_OUTCOME, FailureKind.DEADLINE})
"""After these a provider may have a task that nobody knows of."""

PROOF_SINCE = HOUR
"""How much earlier the list of all tasks begins than one that is looked for: others that it holds prove what it tells of."""

ALL = 1_000_000
"""More than ever wait."""

NEVER = Millis(0)
"""The store was not put back from a copy."""


class Dispatch:
    """Claims queued tasks and submits them; settles submissions whose answer was lost."""

    def __init__(
        self,
        *,
        store: Store,
        tasks: Tasks,
        status: Status,
        line: Line,
        submissions: Submissions,
        monitor: ProviderMonitor,
        work: WorkerPool,
        runtime: Runtime,
        policy: PollingPolicy,
        spending: Spending | None = None,
        restored_at: Millis = NEVER,
        meter: Meter = UNMEASURED,
    ) -> None:
        self._meter = meter
        self._store = store
        self._tasks = tasks
        self._status = status
        self._line = line
        self._submissions = submissions
        self._monitor = monitor
        self._work = work
        self._runtime = runtime
        self._policy = policy
        self._spending = spending
        self._began_at = runtime.clock.now()
        """When the providers were opened: what was sent before may have gone to a former account."""
        self._restored_at = restored_at
        """When the store was put back from a copy; of earlier tasks it may not know all that was sent."""
        self._accepting = asyncio.Lock()
        """Of two answers with the same id the second sees the first."""
        self._lost_at: dict[TaskId, Millis] = {}
        """When answers were lost of late; not kept across a restart, after which nothing is taken for likely."""

    # -- sending -------------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Claim what can be sent now and begin to send it; returns before the answers are there.

        Tasks are taken in the order of `Turns`. One that must wait, for a provider or for its owner's
        earlier tasks, keeps its place, and is in nobody's way: nothing is written about it.
        """
        if self._work.free == 0:
            # A claim that waits for its turn could outlive its lease.
            return
        queue = await self._line.read()
        now = self._runtime.clock.now()
        due = [
            task
            for task in (*queue.beside, *queue.waiting)
            if task.due_at <= now < task.deadline_at and not self._status.is_awaited(task.id)
        ]
        kinds, pool = {task.kind for task in due}, self._monitor.pool
        hopeless = {kind for kind in kinds if not pool.can_ever(kind.request, kind.excluded)}
        faults = {kind: pool.ends_waiting(kind.request, kind.excluded) for kind in kinds - hopeless}
        closed = {kind: fault for kind, fault in faults.items() if fault is not None}
        for waiting in [task for task in due if task.kind in hopeless or task.kind in closed][:BATCH]:
            async with self._monitor.aside(waiting.id):
                task = await self._store.tasks.get(waiting.id)
                if task is not None and task.version == waiting.version:
                    fault = closed.get(waiting.kind)
                    ending = self._nobody_left(task, now) if fault is None else Refused(_failure_of(fault))
                    await self._tasks.advance(task, ending)
        running, of_user = Counter(queue.running), Counter(queue.running_of)
        left = {} if self._spending is None else await self._spending.left()
        unsure = await self._unsure(kinds)
        ready = self._ready(kinds - hopeless - closed.keys(), running, unsure)
        # Fairness is between those who could go now: a person's tasks for a blocked provider take no turns.
        open_to = [task for task in due if task.kind in ready]
        in_line = queue.turns.in_order([task for task in open_to if not task.is_beside], of_user)
        for waiting in (*(task for task in open_to if task.is_beside), *in_line):
            if self._work.free == 0 or not ready:
                break
            limit = 0 if waiting.is_beside else waiting.max_running
            if waiting.kind not in ready or (limit and of_user[waiting.user_id] >= limit):
                continue
            claimed = None
            async with self._monitor.aside(waiting.id):
                claimed = await self._claim(waiting, running, left, unsure)
            if claimed is not None and claimed.provider is not None:
                if not waiting.is_beside:
                    queue.turns.take(waiting, of_user)
                    running[claimed.provider, claimed.request.resource] += 1
                    of_user[claimed.user_id] += 1
                if claimed.provider in left:
                    left[claimed.provider] -= estimate(claimed.price)
                if pool.client(claimed.provider).can_recognise(task_ref(claimed)):
                    unsure.add(claimed.provider)
                self._work.start(self._submit(claimed), of=claimed.id)
            ready = self._ready(ready, running, unsure)

    def _ready(
        self, kinds: Iterable[TaskGroup], running: Running, unsure: Collection[ProviderName]
    ) -> set[TaskGroup]:
        """The kinds of tasks that somebody can take now."""
        pool = self._monitor.pool
        return {
            kind
            for kind in kinds
            if pool.has_room(kind.request, running, (*kind.excluded, *self._held(kind, unsure)))
        }

    async def _unsure(self, kinds: Iterable[TaskGroup]) -> set[ProviderName]:
        """The providers with a task that bears no id of ours, and whose answer is still to come, or was lost.

        Until it is known, another such task is not sent there: of one alone it is always clear what was made. It is not
        asked where no task of these kinds is such a one. Whoever's owner is being asked holds nobody up.
        """
        clients = self._monitor.pool.clients()
        if all(client.bears_id(kind.request.model) for kind in kinds for client in clients):
            return set()
        open_tasks = await self._store.tasks.list_in([TaskState.SUBMITTING, TaskState.UNCONFIRMED])
        return {
            client.name
            for task in open_tasks
            for client in clients
            if client.name == task.provider and not task.is_in_doubt and client.can_recognise(task_ref(task))
        }

    def _held(self, kind: TaskGroup, unsure: Collection[ProviderName]) -> list[ProviderName]:
        """Those of the unsure providers to which no task of a kind is sent."""
        return [name for name in unsure if not self._monitor.pool.client(name).bears_id(kind.request.model)]

    async def _claim(
        self,
        waiting: Waiting,
        running: Running,
        left: Mapping[ProviderName, float],
        unsure: Collection[ProviderName],
    ) -> Task | None:
        """Claim a task for the best provider that has room for it; None: there is none, or it moved on."""
        held = self._held(waiting.kind, unsure)
        without = (*waiting.kind.excluded, *too_little_left(waiting.price, left), *held)
        if not self._monitor.pool.has_room(waiting.kind.request, running, without):
            return None
        task = await self._store.tasks.get(waiting.id)
        if task is None or task.version != waiting.version:
            return None
        clients = self._monitor.pool.candidates(task.request, running, without)
        if not clients:
            return None
        now = self._runtime.clock.now()
        lease, deadline = Millis(now + SUBMISSION_LEASE), Millis(now + self._policy.deadline)
        return await self._tasks.advance(task, Claimed(clients[0].name, lease, deadline))

    def _nobody_left(self, task: Task, now: Millis) -> Event:
        """Every provider that could do it has refused: begin again with all of them, or give up."""
        if task.excluded and task.attempts <= self._policy.retries:
            return Deferred(backoff(now, task.attempts, self._runtime.rng), anew=True)
        return Refused(FailureKind.UNAVAILABLE)

    async def _submit(self, task: Task) -> None:
        """Send a claimed task. After what nobody foresaw it may have been sent: the provider is asked first."""
        async with self._monitor.watching(task) as watched:
            with self._meter.timed(WORK_SECONDS, work="submit"):
                await self._send(task)
        if watched.faults:
            await self._tasks.advance(task, AnswerLost(self._runtime.clock.now()))
        await self._submissions.tell()

    async def _send(self, task: Task) -> None:
        assert task.provider is not None  # noqa: S101  a claim names the provider
        latest = await self._store.tasks.get(task.id)
        if latest is None or latest.version != task.version:
            log.warning("a claim was lost before it was sent", task=task.id, provider=task.provider)
            return
        client = self._monitor.pool.client(task.provider)
        context = await self._submissions.context(task)
        if context is None:
            await self._tasks.advance(task, Refused(FailureKind.PARAMETERS, "the picture is no longer kept"))
            return
        try:
            submission = await self._submissions.submit(client, task, context)
        except errors.ProviderError as error:
            log.warning(
                "submission not accepted",
                task=task.id,
                provider=task.provider,
                outcome=type(error).__name__,
                reason=str(error),
            )
            await self._refused(task, task.provider, error)
        else:
            await self._monitor.record(task.provider, None, task.request.resource)
            now = self._runtime.clock.now()
            expected = await expected_duration(self._store, task)
            await self._accepted(task, submission, first_look(now, expected, self._policy))

    async def _accepted(self, task: Task, submission: Submission, poll_at: Millis) -> None:
        """Save the provider's id of a task; one that another task has says nothing of this one.

        What it brings already is the end of the task.
        """
        assert task.provider is not None  # noqa: S101  a claim names the provider
        if submission.answer is not None:
            await self._answered(task, submission.answer)
            return
        known = {"task": task.id, "provider": task.provider, "provider_task": submission.provider_task_id}
        now = self._runtime.clock.now()
        async with self._accepting:
            if await self._store.tasks.is_held_by_another(
                task.provider, submission.provider_task_id, task.id, Millis(now - IDS_ARE_UNIQUE_FOR)
            ):
                log.error("the provider answered with the id of another task", **known)
                await self._tasks.advance(task, AnswerLost(now, task.not_found_count + 1))
            else:
                await self._tasks.advance(task, Accepted(submission.provider_task_id, poll_at))
                log.info("task submitted", **known)
        await self._monitor.learning.note_taken(task.provider, task.request.resource)

    async def _answered(self, task: Task, answer: Answer) -> None:
        """Charge for the results of an answer, or refund where there are none."""
        cost = video_units(answer.cost, task.request.operation.pack)
        log.info("answered at once", task=task.id, provider=task.provider, results=len(answer.results))
        event: Event = Answered(answer.results, cost)
        if not answer.results:
            event = Refused(FailureKind.NOTHING_FOUND)
        await self._tasks.advance(task, event)
        if task.provider is not None:
            self._monitor.pool.make_room(task.provider, task.request.resource)

    async def _refused(self, task: Task, provider: ProviderName, error: errors.ProviderError) -> None:
        now = self._runtime.clock.now()
        if isinstance(error, errors.Unsendable):
            await self._monitor.unforeseen(task, error)
            await self._again(task, provider, backoff(now, task.attempts, self._runtime.rng), now)
            return
        await self._monitor.record(provider, error, task.request.resource)
        match error:
            case errors.Rejected():
                self._monitor.pool.client(provider).heed(task.request, error)
                await self._tasks.advance(task, Refused(error.kind, error.message))
            case errors.Throttled():
                # Due at once, so that it keeps its place in line: the pool knows when to ask again.
                await self._tasks.advance(task, Deferred(now, counted=False))
            case errors.Misconfigured():
                # The same again would be refused again: another provider, or the end and a later try.
                await self._again(task, provider, now, now)
            case errors.Unavailable():
                await self._again(
                    task, provider, backoff(now, task.attempts, self._runtime.rng, error.retry_after), now
                )
            case errors.Ambiguous():
                self._lost_at = {id: at for id, at in self._lost_at.items() if at + 2 * MADE_WITHIN > now}
                self._lost_at[task.id] = now
                await self._tasks.advance(task, AnswerLost(now))
            case _:
                await self._again(task, provider, now, now, _failure_of(type(error)))

    async def _again(
        self,
        task: Task,
        provider: ProviderName,
        retry_at: Millis,
        now: Millis,
        failure: FailureKind = FailureKind.UNAVAILABLE,
    ) -> None:
        """Another provider at once, the same one later, or the end after as many tries as the settings allow."""
        excluded = (*task.excluded, provider)
        if task.attempts > self._policy.retries:
            await self._tasks.advance(task, Refused(failure))
        elif self._monitor.pool.can_ever(task.request, excluded):
            await self._tasks.advance(task, Deferred(now, exclude=provider))
        elif retry_at > now:
            await self._tasks.advance(task, Deferred(retry_at, anew=True))
        else:
            await self._tasks.advance(task, Refused(failure))

    # -- settling what is unknown --------------------------------------------------------------------

    async def settle(self) -> None:
        """Find out about submissions whose lease ran out or whose answer was lost."""
        now = self._runtime.clock.now()
        for task in await self._store.tasks.claim_due(now, SUBMISSION_LEASE, [TaskState.SUBMITTING], BATCH):
            async with self._monitor.aside(task.id):
                await self._tasks.advance(task, AnswerLost(now))
        for task in await self._store.tasks.claim_due(now, SUBMISSION_LEASE, [TaskState.UNCONFIRMED], BATCH):
            self._work.start(self._reconcile(task), of=task.id)

    async def orphans(self) -> None:
        """At start: whatever was being sent when the process ended has nobody waiting for its answer."""
        now = self._runtime.clock.now()
        for task in await self._store.tasks.list_in([TaskState.SUBMITTING]):
            async with self._monitor.aside(task.id):
                await self._tasks.advance(task, AnswerLost(now))

    async def doubt_queued(self) -> int:
        """After a copy of the store was put back: whatever waits in line may have been sent since it was made.

        Returns how many these are. Where one provider alone can have it, and can be asked for it, it is asked for as after a lost answer. All
        others end with a refund: nothing is sent that may have been sent before.
        """
        now = self._runtime.clock.now()
        queued = await self._store.tasks.list_in([TaskState.QUEUED], ALL)
        for task in queued:
            async with self._monitor.aside(task.id):
                await self._doubt(task, now)
        return len(queued)

    async def _doubt(self, task: Task, now: Millis) -> None:
        takers = sorted(self._monitor.pool.takers(task.request))
        client = self._monitor.pool.find(takers[0]) if len(takers) == 1 else None
        if client is None or not client.can_ask_for(task_ref(task)):
            await self._tasks.advance(task, Refused(FailureKind.UNKNOWN_OUTCOME))
            return
        deadline = Millis(now + self._policy.deadline)
        claimed = await self._tasks.advance(
            task, Claimed(client.name, Millis(now + SUBMISSION_LEASE), deadline)
        )
        if claimed is not None:
            await self._tasks.advance(claimed, AnswerLost(now))

    def _may_be_elsewhere(self, task: Task) -> bool:
        """Whether another provider may have been sent a task since the store was copied."""
        return task.created_at < self._restored_at and len(self._monitor.pool.takers(task.request)) > 1

    async def _reconcile(self, task: Task) -> None:
        """Find out about one of them; after what nobody foresaw it is asked for again, until its deadline."""
        async with self._monitor.watching(task) as watched:
            await self._settle(task)
        if watched.faults:
            later = backoff(self._runtime.clock.now(), watched.faults + 3, self._runtime.rng)
            await self._ask_later(task, later)
        await self._submissions.tell()

    async def _settle(self, task: Task) -> None:
        provider = task.provider
        client = self._monitor.pool.find(provider) if provider is not None else None
        if client is None:
            await self._undecided(task, None)
        elif client.can_ask_for(task_ref(task)):
            await self._ask(client, task)
        elif client.has_former and (task.submitted_at or 0) < self._began_at:
            # Lists and keys for repeating are those of the account of today.
            await self._undecided(task, client)
        elif client.can_recognise(task_ref(task)):
            await self._recognise(client, task)
        else:
            await self._search(client, task)

    async def _search(self, client: KlingClient, task: Task) -> None:
        """Where no question is sure: look where it may be told of, repeat it where that is safe, or leave it open."""
        now, listed = self._runtime.clock.now(), True
        try:
            found = await client.search(task_ref(task))
        except errors.NotFound:
            found, listed = None, False
        except errors.ProviderError as error:
            if task.is_in_doubt:
                await self._undecided(task, client)
            else:
                await self._unanswered(client, task, error)
            return
        if found is not None:
            await self._found(task, found.provider_task_id)
        elif (
            task.is_in_doubt
            or task.not_found_count + 1 >= SEARCHES
            or not (listed or client.config.idempotency_key)
        ):
            await self._undecided(task, client)
        elif client.config.idempotency_key:
            await self._repeat(client, task)
        else:
            await self._tasks.advance(task, AnswerLost(Millis(now + ABSENCE_PAUSE), task.not_found_count + 1))

    async def _recognise(self, client: KlingClient, task: Task) -> None:
        """Where tasks bear no id of ours: look for it in the list of all, by its time and what else is told."""
        sent_at = task.submitted_at
        if sent_at is None:
            await self._undecided(task, client)
            return
        now = self._runtime.clock.now()
        try:
            listed = await client.list_between(
                Millis(sent_at - PROOF_SINCE), Millis(max(now, sent_at) + MADE_WITHIN)
            )
        except errors.ProviderError as error:
            if task.is_in_doubt:
                await self._undecided(task, client)
            else:
                await self._unanswered(client, task, error)
            return
        async with self._accepting:
            # In this order: what was sent meanwhile is among the others, or has its id already.
            others = await self._others_lost(client, task, sent_at)
            known = await self._store.tasks.list_held(
                client.name, [row.provider_task_id for row in listed], task.id
            )
            mine = self._submitted(client, task, sent_at)
            found = match(mine, listed, known, others)
            if isinstance(found, str):
                await self._found(task, found)
                return
        if task.is_in_doubt:
            await self._undecided(task, client)
            return
        looked, count = now - sent_at, task.not_found_count + 1
        if found is Absence.ABSENT and looked >= ABSENCE_BELIEVED_AFTER and count >= ABSENCES_TO_PROVE:
            await self._never_arrived(client, task)
        elif looked >= (MADE_WITHIN if found is Absence.UNCLEAR else ABSENCE_BELIEVED_AFTER):
            await self._undecided(task, client)
        else:
            seen = count if found is Absence.ABSENT else 0
            await self._tasks.advance(task, AnswerLost(Millis(now + ABSENCE_PAUSE), seen))

    async def _others_lost(self, client: KlingClient, task: Task, sent_at: Millis) -> list[Submitted]:
        """The other submissions to a provider that a task of its list may be of: without an answer, or given up without."""
        open_tasks = await self._store.tasks.list_in([TaskState.SUBMITTING, TaskState.UNCONFIRMED])
        ended = await self._store.tasks.list_ended(
            Millis(sent_at - MADE_WITHIN), [TaskState.FAILED, TaskState.EXPIRED], RIVALS
        )
        given_up = (each for each in ended if each.failure in UNSETTLED and each.provider_task_id is None)
        return [
            self._submitted(client, other, other.submitted_at)
            for other in (*open_tasks, *given_up)
            if other.id != task.id and other.provider == client.name and other.submitted_at is not None
            if client.can_recognise(task_ref(other))
        ]

    def _submitted(self, client: KlingClient, task: Task, sent_at: Millis) -> Submitted:
        lost_at = self._lost_at.get(task.id, sent_at - 1)
        return Submitted(
            task.request,
            sent_at,
            client.name_of(task.request),
            task.user_id,
            # It may have been sent once more since.
            Millis(lost_at) if lost_at >= sent_at else None,
        )

    async def _repeat(self, client: KlingClient, task: Task) -> None:
        """Send it again under the same key: the provider answers with the task that it may have made."""
        context = await self._submissions.context(task)
        now = self._runtime.clock.now()
        if context is None:
            await self._undecided(task, client)
            return
        try:
            submission = await self._submissions.submit(client, task, context)
        except (errors.Ambiguous, errors.Unavailable, errors.Throttled) as error:
            await self._monitor.record(client.name, error, task.request.resource)
            later = backoff(now, task.not_found_count + 1, self._runtime.rng, error.retry_after)
            await self._tasks.advance(task, AnswerLost(later, task.not_found_count + 1))
        except errors.ProviderError as error:
            await self._monitor.record(client.name, error, task.request.resource)
            await self._undecided(task, client)
        else:
            log.info("a submission whose answer was lost was repeated", task=task.id, provider=client.name)
            await self._accepted(task, submission, now)

    async def _found(self, task: Task, provider_task_id: str) -> None:
        """The provider has the task after all: what it says of it is asked at once."""
        log.info("a submission whose answer was lost was found", task=task.id, provider=task.provider)
        await self._tasks.advance(task, Accepted(provider_task_id, self._runtime.clock.now()))

    async def _undecided(self, task: Task, client: KlingClient | None) -> None:
        """Nobody can tell what became of it: refund at once, or ask its owner first, as the operator chose."""
        now = self._runtime.clock.now()
        if task.is_in_doubt:
            # The owner was asked, and has not answered.
            if task.answer_by is not None and now < task.answer_by:
                await self._tasks.advance(task, OwnerAsked(task.answer_by))
            else:
                await self._tasks.advance(task, Unresolvable())
            return
        asks = client is not None and client.config.lost_answers == "ask"
        log.error(
            "the answer to a submission was lost and cannot be found", task=task.id, provider=task.provider
        )
        await self._store.operations.save_lost_answer(task, now)
        await self._monitor.operators.alert_operators(
            "alert.task.in_doubt" if asks else "alert.task.unknown_outcome",
            provider=task.provider,
            id=task.id,
        )
        event = OwnerAsked(Millis(now + self._policy.answering)) if asks else Unresolvable()
        await self._tasks.advance(task, event)

    async def _ask(self, client: KlingClient, task: Task) -> None:
        ref = task_ref(task)
        now = self._runtime.clock.now()
        try:
            found = await client.look_up(ref)
        except errors.ProviderError as error:
            await self._unanswered(client, task, error)
            return
        if found is not None:
            await self._found(task, found.provider_task_id)
        elif task.not_found_count + 1 < ABSENCES_TO_PROVE:
            await self._tasks.advance(task, AnswerLost(Millis(now + ABSENCE_PAUSE), task.not_found_count + 1))
        else:
            await self._never_arrived(client, task)

    async def _never_arrived(self, client: KlingClient, task: Task) -> None:
        """It is proven that nothing was made: send it again, unless it was sent too often."""
        if self._may_be_elsewhere(task):
            log.info("a submission of before the copy of the store may be elsewhere", task=task.id)
            await self._tasks.advance(task, Refused(FailureKind.UNKNOWN_OUTCOME))
        elif task.attempts > self._policy.retries:
            log.info(
                "a submission never arrived, however often it was sent", task=task.id, provider=client.name
            )
            await self._tasks.advance(task, Refused(FailureKind.UNAVAILABLE))
        else:
            log.info("a submission whose answer was lost never arrived", task=task.id, provider=client.name)
            await self._tasks.advance(task, ProvenAbsent(self._runtime.clock.now()))

    async def _unanswered(self, client: KlingClient, task: Task, error: errors.ProviderError) -> None:
        """The provider cannot say now: ask again later, until its time is over."""
        log.warning("could not ask about a submission", task=task.id, provider=client.name, reason=str(error))
        await self._monitor.record(client.name, error)
        await self._ask_later(
            task, backoff(self._runtime.clock.now(), 4, self._runtime.rng, error.retry_after)
        )

    async def _ask_later(self, task: Task, moment: Millis) -> None:
        """Ask again at `moment`; a task whose time is over is refunded, and looked for on where that can be asked."""
        now = self._runtime.clock.now()
        if now < task.deadline_at:
            later = Millis(min(moment, max(task.deadline_at, now + SECOND)))
            await self._tasks.advance(task, AnswerLost(later, task.not_found_count))
            return
        client = None if task.provider is None else self._monitor.pool.find(task.provider)
        can_ask = client is not None and client.can_ask_for(task_ref(task))
        await self._tasks.advance(task, DeadlinePassed(Millis(now + LATE_INTERVAL) if can_ask else None))


def task_ref(task: Task) -> TaskRef:
    """How a provider is asked about a task."""
    request = task.request
    return TaskRef(
        request.operation, request.model, task.external_task_id, task.provider_task_id, request=request
    )


def _failure_of(fault: type[errors.ProviderError]) -> FailureKind:
    """What a fault of its account means for whoever asked."""
    if issubclass(fault, errors.OutOfBalance):
        return FailureKind.NO_UNITS
    if issubclass(fault, (errors.NotEnabled, errors.NoSuchModel)):
        return FailureKind.NOT_OFFERED
    return FailureKind.UNAVAILABLE
