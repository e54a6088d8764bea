"""Everybody's tasks, as those who run the bot look at them and steer them. Every deed is checked and noted.

Whoever does it is the `actor`; None is a shell, for which this needs nothing but the store.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.domain.people.access import Permission, Person
from bot.domain.tasks.lifecycle import CancelRequested, DeadlinePassed, IllegalTransition, transition
from bot.domain.tasks.task import ACTIVE_STATES, LedgerKind, LedgerRow, Task, TaskState
from bot.domain.units import DAY, MINUTE, Millis, TaskId, UserId, shown
from bot.errors import UserError
from bot.services.people.access import Access
from bot.services.people.audit import Audit
from bot.services.ports import Job, Wake
from bot.store import Conflict, Store

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


class AllTasks:
    """Looks at tasks, ends them, and gives back what they cost."""

    def __init__(self, store: Store, access: Access, audit: Audit, clock: Clock, wake: Wake) -> None:
        self._store = store
        self._access = access
        self._audit = audit
        self._clock = clock
        self._wake = wake

    async def of_person(self, actor: UserId | None, user_id: UserId) -> list[Task]:
        """A person's newest tasks, whatever became of them.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.LOOK)
        return await self._store.tasks.list_of(user_id, sorted(TaskState), TASKS_ON_A_PAGE)

    async def running(
        self, actor: UserId | None, limit: int = TASKS_ON_A_PAGE
    ) -> tuple[list[Task], frozenset[TaskId]]:
        """Everybody's tasks that are under way, the oldest first, and which of them seem stuck.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.LOOK)
        tasks = await self._store.tasks.list_in(sorted(ACTIVE_STATES), limit)
        stuck_before = self._clock.now() - STUCK_AFTER
        return tasks, frozenset(task.id for task in tasks if task.created_at < stuck_before)

    async def task(self, actor: UserId | None, task_id: TaskId) -> tuple[Task, Person]:
        """One task and whose it is.

        Raises:
            UserError: the actor may not look, or there is no such task.

        """
        await self._access.require(actor, Permission.LOOK)
        task = await self._store.tasks.get(task_id)
        if task is None:
            raise UserError("error.task.unknown", task=shown(task_id))
        return task, await self._access.person(task.user_id)

    async def cancel(self, actor: UserId | None, task_id: TaskId, operation: str) -> Task:
        """End a task now and give its credits back; a video that comes all the same is still delivered, free.

        Raises:
            UserError: the actor may not, or the task is at its end.

        """
        await self._access.require(actor, Permission.TASKS)
        task, _ = await self.task(actor, task_id)
        now = self._clock.now()
        known = task.provider_task_id is not None
        deadline = DeadlinePassed(Millis(now + MINUTE) if known else None)
        event = CancelRequested() if task.state is TaskState.QUEUED else deadline
        try:
            ended = await self._store.tasks.apply(transition(task, event, now), now)
        except (Conflict, IllegalTransition):
            current, _ = await self.task(actor, task_id)
            key = "error.task.ended" if current.state.is_final else "error.admin.task_busy"
            raise UserError(key, task=shown(task_id)) from None
        await self._audit.note(operation, actor, "cancel", shown(task_id), task.state, ended.state)
        self._wake(Job.DELIVER)
        return ended

    async def refund(self, actor: UserId | None, task_id: TaskId, operation: str) -> Task:
        """Give back what a finished task cost, once.

        Raises:
            UserError: the actor may not, the task cost nothing, or it was given back before.

        """
        await self._access.require(actor, Permission.CREDITS)
        task, _ = await self.task(actor, task_id)
        if task.state is not TaskState.SUCCEEDED:
            raise UserError("error.admin.nothing_to_refund", task=shown(task_id))
        row = LedgerRow.change(
            task.user_id,
            LedgerKind.REFUND,
            task.price,
            self._clock.now(),
            f"task:{task.id}:refund",
            task_id=task.id,
            actor_id=actor,
        )
        if not await self._store.credits.book(row):
            raise UserError("error.admin.refunded", task=shown(task_id))
        await self._audit.note(operation, actor, "refund", shown(task_id), "", f"+{task.price}")
        return task

    async def failures(self, actor: UserId | None) -> Failures:
        """What failed within the last day.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.LOOK)
        since = Millis(self._clock.now() - DAY)
        ended = [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.EXPIRED]
        tasks = await self._store.tasks.list_ended(since, ended, MOST_FAILURES)
        failed = [task for task in tasks if task.state is not TaskState.SUCCEEDED]
        kinds = Counter(str(task.failure or task.state) for task in failed)
        return Failures(len(tasks), kinds.most_common(), failed[:EXAMPLES])
