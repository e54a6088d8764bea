"""What admins see of all tasks; who may look is declared with the commands and buttons that ask."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.domain.people.access import Person
from bot.domain.tasks.task import ACTIVE_STATES, Task, TaskState
from bot.domain.types import DAY, MINUTE, Millis, TaskId, UserId
from bot.services.people.access import Access
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


class TaskAdmin:
    """Looks at everybody's tasks."""

    def __init__(self, *, store: Store, tasks: Tasks, access: Access, clock: Clock) -> None:
        self._store = store
        self._tasks = tasks
        self._access = access
        self._clock = clock

    async def of_person(self, user_id: UserId) -> list[Task]:
        """A person's newest tasks, whatever became of them."""
        return await self._store.tasks.list_of(user_id, sorted(TaskState), TASKS_ON_A_PAGE)

    async def running(self, limit: int = TASKS_ON_A_PAGE) -> tuple[list[Task], frozenset[TaskId]]:
        """Everybody's tasks that are under way, the oldest first, and which of them seem stuck."""
        tasks = await self._store.tasks.list_in(sorted(ACTIVE_STATES), limit, assets=False)
        stuck_before = self._clock.now() - STUCK_AFTER
        return tasks, frozenset(task.id for task in tasks if task.created_at < stuck_before)

    async def task(self, task_id: TaskId) -> tuple[Task, Person]:
        """One task and whose it is.

        Raises:
            UserError: there is no such task.

        """
        task = await self._tasks.of(None, task_id)
        return task, await self._access.person(task.user_id)

    async def failures(self) -> Failures:
        """What failed within the last day."""
        since = Millis(self._clock.now() - DAY)
        ended = [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.EXPIRED]
        tasks = await self._store.tasks.list_ended(since, ended, MOST_FAILURES)
        failed = [task for task in tasks if task.state is not TaskState.SUCCEEDED]
        kinds = Counter(str(task.failure or task.state) for task in failed)
        return Failures(len(tasks), kinds.most_common(), failed[:EXAMPLES])
