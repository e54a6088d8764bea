"""The life of a task as a pure state machine: what may happen next, and what must be booked with it.

    transition(task, event, now) -> Transition(task, settlement, outbox)

Every way out of the active states settles the credits exactly once: a charge with a video, or a
release with a reason. The letters are those of the drawing in ARCHITECTURE.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from bot.domain.tasks.task import (
    FailureKind,
    OutboxItem,
    RemoteResult,
    Task,
    TaskState,
)
from bot.domain.types import HOUR, Millis, ProviderName


@dataclass(frozen=True, slots=True)
class Claimed:
    """b: a provider was chosen; the intent is written before anything is sent. The video is due by `deadline_at`."""

    provider: ProviderName
    lease_until: Millis
    deadline_at: Millis


@dataclass(frozen=True, slots=True)
class Accepted:
    """c: the provider gave an id, in its answer or when it was asked afterwards."""

    provider_task_id: str
    poll_at: Millis


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """e: the user changed their mind before anything was sent."""


@dataclass(frozen=True, slots=True)
class WaitedTooLong:
    """j: its turn has not come within the operator's limit; its owner has until `answer_by` to say what to do."""

    answer_by: Millis


@dataclass(frozen=True, slots=True)
class KeptWaiting:
    """j: its owner was asked, and lets it wait in line until `until`."""

    until: Millis


@dataclass(frozen=True, slots=True)
class Refused:
    """f: the provider (or we, for all of them) said no for good."""

    kind: FailureKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """f: the submission surely did not create a task; try again at `retry_at`, perhaps elsewhere.

    A wait that is nobody's failure (a full queue at the provider) is not `counted` as an attempt. With
    `anew` those that were excluded are asked again.
    """

    retry_at: Millis
    exclude: ProviderName | None = None
    counted: bool = True
    anew: bool = False


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """g: something was sent and nobody knows what became of it; asked since, it was absent `absences` times."""

    poll_at: Millis
    absences: int = 0


@dataclass(frozen=True, slots=True)
class ProvenAbsent:
    """g: the provider was asked and does not know the task: it may be sent again."""

    retry_at: Millis


@dataclass(frozen=True, slots=True)
class Unresolvable:
    """g: the provider cannot be asked about a task whose answer was lost."""


@dataclass(frozen=True, slots=True)
class OwnerAsked:
    """g: nobody can tell what became of it, and its owner has until `answer_by` to say what to do."""

    answer_by: Millis


@dataclass(frozen=True, slots=True)
class SentAnew:
    """g: its owner was asked and wants it sent again, as something new; it may wait in line `until` then."""

    external_task_id: str
    until: Millis


@dataclass(frozen=True, slots=True)
class StillRunning:
    """A look that changed nothing but what is known of the progress (percent, or None).

    `unknown`: the provider did not know the task this time; `not_found_count` counts how often in a row.
    """

    poll_at: Millis
    progress: int | None = None
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """d: the provider has the videos; more than were asked for are left out. `real_cost` in units of video, as text."""

    videos: tuple[RemoteResult, ...]
    real_cost: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """d: the answer to the submission was the result: there is no task to ask for. All `results` are wanted."""

    results: tuple[RemoteResult, ...]
    real_cost: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderFailed:
    """h: the provider gave up."""

    kind: FailureKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """i: what the provider says ends it, but proves no end there: look again at `poll_at`, as after a deadline."""

    kind: FailureKind
    poll_at: Millis
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """i: longer than the operator allows; look again at `poll_at`, for a late video is still delivered.

    None: nobody can be asked, and no late video is promised.
    """

    poll_at: Millis | None


Event = (
    Claimed
    | Accepted
    | CancelRequested
    | WaitedTooLong
    | KeptWaiting
    | Refused
    | Deferred
    | AnswerLost
    | ProvenAbsent
    | Unresolvable
    | OwnerAsked
    | SentAnew
    | StillRunning
    | Finished
    | Answered
    | ProviderFailed
    | GivenUp
    | DeadlinePassed
)


class Settlement(StrEnum):
    """What becomes of the credits that the task holds."""

    KEEP = "keep"
    CHARGE = "charge"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Transition:
    """A change to be applied as one transaction, if the task is still at `before.version`."""

    before: Task
    after: Task
    settlement: Settlement = Settlement.KEEP
    outbox: tuple[OutboxItem, ...] = ()
    asset_id: str | None = None
    """What the provider calls the element or voice that is to be written to the library."""


class IllegalTransition(Exception):
    """The event cannot happen in this state: somebody else was faster, or the caller has a bug."""

    def __init__(self, task: Task, event: Event) -> None:
        super().__init__(f"{type(event).__name__} is impossible for task {task.id} in state {task.state}")


_NOTICE = (OutboxItem(kind=None),)


def possible(task: Task, event: Event) -> bool:
    """Whether `event` can happen to `task` now. An expired task whose late video was found is over."""
    over = task.state is TaskState.EXPIRED and task.due_at is None
    return task.state in ALLOWED[type(event)] and not over


def transition(task: Task, event: Event, now: Millis) -> Transition:
    """Say what `event` makes of `task`.

    Raises:
        IllegalTransition: the event is not among the edges that leave the task's state.

    """
    if not possible(task, event):
        raise IllegalTransition(task, event)
    bumped = replace(task, version=task.version + 1)
    match event:
        case Claimed(provider, lease_until, deadline_at):
            after = replace(
                bumped,
                state=TaskState.SUBMITTING,
                provider=provider,
                due_at=lease_until,
                deadline_at=deadline_at,
                submitted_at=now,
                attempts=task.attempts + 1,
            )
            return Transition(task, after)
        case Accepted(provider_task_id, poll_at):
            after = replace(
                bumped,
                state=TaskState.IN_PROGRESS,
                provider_task_id=provider_task_id,
                submitted_at=now,
                due_at=poll_at,
                not_found_count=0,
                failure=None,
            )
            return Transition(task, after)
        case CancelRequested():
            after = replace(bumped, state=TaskState.CANCELLED, due_at=None, finished_at=now)
            return Transition(task, after, Settlement.RELEASE, _NOTICE)
        case WaitedTooLong(answer_by):
            return Transition(task, replace(bumped, deadline_at=answer_by, answer_by=answer_by))
        case KeptWaiting(until):
            return Transition(task, replace(bumped, deadline_at=until, waits_until=until, answer_by=None))
        case Refused(kind, detail) | ProviderFailed(kind, detail):
            return _failed(task, bumped, kind, detail, now)
        case Deferred(retry_at, exclude, counted, anew):
            excluded = () if anew else task.excluded
            if exclude is not None:
                excluded = (*excluded, exclude)
            after = replace(
                bumped,
                state=TaskState.QUEUED,
                due_at=retry_at,
                deadline_at=_waits_until(task),
                submitted_at=None,
                provider=None,
                excluded=tuple(dict.fromkeys(excluded)),
                attempts=task.attempts if counted else max(0, task.attempts - 1),
            )
            return Transition(task, after)
        case AnswerLost(poll_at, absences):
            return Transition(
                task, replace(bumped, state=TaskState.UNCONFIRMED, due_at=poll_at, not_found_count=absences)
            )
        case ProvenAbsent(retry_at):
            after = replace(
                bumped,
                state=TaskState.QUEUED,
                due_at=retry_at,
                deadline_at=_waits_until(task),
                submitted_at=None,
                provider=None,
                not_found_count=0,
            )
            return Transition(task, after)
        case Unresolvable():
            return _failed(task, bumped, FailureKind.UNKNOWN_OUTCOME, "", now)
        case OwnerAsked(answer_by):
            after = replace(
                bumped,
                due_at=answer_by,
                answer_by=answer_by,
                # Its deadline would end it in other words.
                deadline_at=max(task.deadline_at, Millis(answer_by + HOUR)),
                failure=FailureKind.UNKNOWN_OUTCOME,
            )
            return Transition(task, after)
        case SentAnew(external_task_id, until):
            after = replace(
                bumped,
                state=TaskState.QUEUED,
                external_task_id=external_task_id,
                due_at=now,
                deadline_at=until,
                waits_until=until,
                answer_by=None,
                submitted_at=None,
                provider=None,
                attempts=0,
                not_found_count=0,
                failure=None,
            )
            return Transition(task, after)
        case StillRunning(poll_at, progress, unknown):
            after = replace(
                bumped,
                due_at=poll_at,
                not_found_count=task.not_found_count + 1 if unknown else 0,
                progress=_forward(task.progress, progress),
            )
            return Transition(task, after)
        case Finished(videos, real_cost):
            return _finished(task, bumped, videos, real_cost, now)
        case Answered(results, real_cost):
            return _succeeded(task, replace(bumped, failure=None), _outbox(results), real_cost, now)
        case GivenUp(kind, poll_at, detail):
            return _expired(task, bumped, kind, poll_at, now, detail)
        case DeadlinePassed(poll_at):
            kind = FailureKind.UNKNOWN_OUTCOME if poll_at is None else FailureKind.DEADLINE
            return _expired(task, bumped, kind, poll_at, now)
        case _:
            assert_never(event)


ALLOWED: dict[type[Event], frozenset[TaskState]] = {
    Claimed: frozenset({TaskState.QUEUED}),
    Accepted: frozenset({TaskState.SUBMITTING, TaskState.UNCONFIRMED}),
    CancelRequested: frozenset({TaskState.QUEUED}),
    WaitedTooLong: frozenset({TaskState.QUEUED}),
    KeptWaiting: frozenset({TaskState.QUEUED}),
    Refused: frozenset({TaskState.QUEUED, TaskState.SUBMITTING, TaskState.UNCONFIRMED}),
    Deferred: frozenset({TaskState.QUEUED, TaskState.SUBMITTING}),
    AnswerLost: frozenset({TaskState.SUBMITTING, TaskState.UNCONFIRMED}),
    ProvenAbsent: frozenset({TaskState.UNCONFIRMED}),
    Unresolvable: frozenset({TaskState.UNCONFIRMED}),
    OwnerAsked: frozenset({TaskState.UNCONFIRMED}),
    SentAnew: frozenset({TaskState.UNCONFIRMED}),
    # An expired task is still looked for: a late video is delivered, free.
    StillRunning: frozenset({TaskState.IN_PROGRESS, TaskState.EXPIRED}),
    Finished: frozenset({TaskState.IN_PROGRESS, TaskState.EXPIRED}),
    Answered: frozenset({TaskState.SUBMITTING, TaskState.UNCONFIRMED}),
    ProviderFailed: frozenset({TaskState.IN_PROGRESS, TaskState.EXPIRED}),
    GivenUp: frozenset({TaskState.IN_PROGRESS}),
    DeadlinePassed: frozenset({TaskState.UNCONFIRMED, TaskState.IN_PROGRESS}),
}
"""Which states each event may find a task in; the table of ARCHITECTURE.md's drawing."""


def _waits_until(task: Task) -> Millis:
    """Until when a task that is back in line may wait there: a submission that failed does not change it."""
    return task.waits_until if task.answer_by is None else task.answer_by


def _failed(task: Task, bumped: Task, kind: FailureKind, detail: str, now: Millis) -> Transition:
    if task.state is TaskState.EXPIRED:
        # The credits went back when the deadline passed; there is nothing left to look for.
        return Transition(task, replace(bumped, due_at=None))
    return _refunded(task, replace(bumped, state=TaskState.FAILED, due_at=None), kind, detail, now)


def _expired(
    task: Task, bumped: Task, kind: FailureKind, poll_at: Millis | None, now: Millis, detail: str = ""
) -> Transition:
    after = replace(bumped, state=TaskState.EXPIRED, due_at=poll_at, not_found_count=0)
    return _refunded(task, after, kind, detail, now)


def _refunded(task: Task, after: Task, kind: FailureKind, detail: str, now: Millis) -> Transition:
    """The end of a task without a result."""
    after = replace(after, finished_at=now, failure=kind, failure_detail=detail or None)
    return Transition(task, after, Settlement.RELEASE, _NOTICE)


def _finished(
    task: Task, bumped: Task, videos: tuple[RemoteResult, ...], real_cost: str | None, now: Millis
) -> Transition:
    asset_id: str | None = None
    if task.makes_asset:
        asset_id = videos[0].id
        # A late one is told beside the notice that it failed.
        outbox: tuple[OutboxItem, ...] = (OutboxItem(None, int(task.state is TaskState.EXPIRED)),)
    else:
        outbox = _outbox(_asked_for(task, videos))
    if task.state is TaskState.EXPIRED:
        after = replace(bumped, due_at=None, progress=100, real_cost=real_cost)
        return Transition(task, after, Settlement.KEEP, outbox, asset_id)
    return _succeeded(task, bumped, outbox, real_cost, now, asset_id)


def _succeeded(
    task: Task,
    bumped: Task,
    outbox: tuple[OutboxItem, ...],
    real_cost: str | None,
    now: Millis,
    asset_id: str | None = None,
) -> Transition:
    """The end of a task with its results, which is charged for."""
    after = replace(
        bumped, state=TaskState.SUCCEEDED, due_at=None, finished_at=now, progress=100, real_cost=real_cost
    )
    return Transition(task, after, Settlement.CHARGE, outbox, asset_id)


def _outbox(results: Sequence[RemoteResult]) -> tuple[OutboxItem, ...]:
    """Each result in its place."""
    return tuple(OutboxItem(result.kind, position, result) for position, result in enumerate(results))


def _asked_for(task: Task, videos: tuple[RemoteResult, ...]) -> list[RemoteResult]:
    """The results without those that nobody asked for: they are not paid for, so neither sent nor ever refunded.

    A sound for a video comes alone and as the video with it: so many of each kind are taken.
    """
    kinds = dict.fromkeys(video.kind for video in videos)
    wanted = [[video for video in videos if video.kind is kind][: task.request.results] for kind in kinds]
    return [video for of_kind in wanted for video in of_kind]


def _forward(known: int | None, told: int | None) -> int | None:
    """Progress never runs backwards in front of a person, whatever a provider says."""
    if told is None:
        return known
    return max(known or 0, min(max(told, 0), 99))
