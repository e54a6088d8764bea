"""What admins see of all tasks and do about them: cancel, refund, make again. Each action is checked and audited.

Whoever does it is the `actor`; None is a shell.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.clock import Clock
from bot.domain.people.access import Permission, Person
from bot.domain.requests.request import VideoRequest
from bot.domain.tasks.lifecycle import CancelRequested, DeadlinePassed
from bot.domain.tasks.task import ACTIVE_STATES, LedgerRow, Origin, Task, TaskState
from bot.domain.units import DAY, MINUTE, Millis, TaskId, UserId, shown
from bot.errors import UserError
from bot.services.people.access import Access
from bot.services.people.accounts import Audit
from bot.services.tasks.lifecycle import Tasks
from bot.store import Store

TASKS_ON_A_PAGE = 8
EXAMPLES = 5
MOST_FAILURES = 5_000
STUCK_AFTER = 10 * MINUTE
"""Milliseconds without an end, from which on a task is worth a look."""


@dataclass(frozen=True, slots=True)
class Failures:
    """What went wrong of late: how many tasks ended, and of those how many failed, by kind."""

    ended: int
    by_kind: Sequence[tuple[str, int]]
    examples: Sequence[Task]


class AcceptRequest(Protocol):
    """Accepts a request as `bot.services.requests.submit.Submit.accept` does."""

    async def __call__(self, user_id: UserId, origin: Origin, request: VideoRequest) -> Task:
        """Reserve the credits and queue the request."""
        ...


class TaskAdmin:
    """Looks at everybody's tasks and steers them. Without `accept` nothing is made again: a shell asks for nothing."""

    def __init__(
        self,
        *,
        store: Store,
        tasks: Tasks,
        access: Access,
        audit: Audit,
        clock: Clock,
        accept: AcceptRequest | None = None,
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._access = access
        self._audit = audit
        self._clock = clock
        self._accept = accept

    async def of_person(self, actor: UserId | None, user_id: UserId) -> list[Task]:
        """A person's newest tasks, whatever became of them.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.VIEW)
        return await self._store.tasks.list_of(user_id, sorted(TaskState), TASKS_ON_A_PAGE)

    async def running(
        self, actor: UserId | None, limit: int = TASKS_ON_A_PAGE
    ) -> tuple[list[Task], frozenset[TaskId]]:
        """Everybody's tasks that are under way, the oldest first, and which of them seem stuck.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.VIEW)
        tasks = await self._store.tasks.list_in(sorted(ACTIVE_STATES), limit, assets=False)
        stuck_before = self._clock.now() - STUCK_AFTER
        return tasks, frozenset(task.id for task in tasks if task.created_at < stuck_before)

    async def task(self, actor: UserId | None, task_id: TaskId) -> tuple[Task, Person]:
        """One task and whose it is.

        Raises:
            UserError: the actor may not look, or there is no such task.

        """
        await self._access.require(actor, Permission.VIEW)
        task = await self._tasks.of(None, task_id)
        return task, await self._access.person(task.user_id)

    async def cancel(self, actor: UserId | None, task_id: TaskId, operation: str) -> Task:
        """End a task now and release its credits; a video that comes all the same is still delivered, free.

        Raises:
            UserError: the actor lacks `Permission.TASKS`, or the task has ended.

        """
        await self._access.require(actor, Permission.TASKS)
        task = await self._tasks.of(None, task_id)
        look_at = None if task.provider_task_id is None else Millis(self._clock.now() + MINUTE)
        event = CancelRequested() if task.state is TaskState.QUEUED else DeadlinePassed(look_at)
        ended = await self._tasks.advance(task, event)
        if ended is None:
            current = await self._tasks.of(None, task_id)
            key = "error.task.ended" if current.state.is_final else "error.admin.task_busy"
            raise UserError(key, task=shown(task_id))
        await self._audit.note(operation, actor, "cancel", shown(task_id), task.state, ended.state)
        return ended

    async def refund(self, actor: UserId | None, task_id: TaskId, operation: str) -> LedgerRow:
        """Refund all that is left of what a finished task was charged.

        Raises:
            UserError: the actor lacks `Permission.CREDITS`, the task cost nothing, or nothing is left to refund.

        """
        await self._access.require(actor, Permission.CREDITS)
        task = await self._tasks.of(None, task_id)
        if task.state is not TaskState.SUCCEEDED:
            raise UserError("error.admin.nothing_to_refund", task=shown(task_id))
        row = await self._tasks.refund(task, None, operation, actor)
        if row is None:
            raise UserError("error.admin.refunded", task=shown(task_id))
        await self._audit.note(operation, actor, "refund", shown(task_id), "", f"+{row.amount}")
        return row

    async def make_again(
        self, actor: UserId, task_id: TaskId, update_id: int, press: str | None = None
    ) -> Task:
        """Make a finished task once more, for the same person and on their credits; `press` is as in `Origin`.

        Raises:
            UserError: the actor lacks `Permission.TASKS`, the task has not ended, or it cannot be accepted.

        """
        await self._access.require(actor, Permission.TASKS)
        task = await self._tasks.of(None, task_id)
        if self._accept is None or not task.state.is_final:
            raise UserError("error.admin.task_runs", task=shown(task_id))
        origin = replace(task.origin, update_id=update_id, press=press)
        again = await self._accept(task.user_id, origin, task.request)
        await self._audit.note(
            f"update:{update_id}", actor, "retry", shown(task_id), task.state, shown(again.id)
        )
        return again

    async def failures(self, actor: UserId | None) -> Failures:
        """What failed within the last day.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.VIEW)
        since = Millis(self._clock.now() - DAY)
        ended = [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.EXPIRED]
        tasks = await self._store.tasks.list_ended(since, ended, MOST_FAILURES)
        failed = [task for task in tasks if task.state is not TaskState.SUCCEEDED]
        kinds = Counter(str(task.failure or task.state) for task in failed)
        return Failures(len(tasks), kinds.most_common(), failed[:EXAMPLES])
