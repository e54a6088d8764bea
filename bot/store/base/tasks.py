"""The life of a task: who looks at it next, and each step that it takes."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.domain.tasks.lifecycle import Transition
from bot.domain.tasks.task import Task, TaskState
from bot.domain.units import Millis, ProviderName, TaskId, UserId


class Conflict(Exception):
    """The task is no longer at the version that the transition was made from: read it again."""


class Tasks(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    # -- reading -------------------------------------------------------------------------------------

    async def task(self, task_id: TaskId) -> Task | None:
        """One task."""
        ...

    async def tasks_of(self, user_id: UserId, states: Sequence[TaskState], limit: int = 20) -> list[Task]:
        """A user's tasks in these states, newest first."""
        ...

    async def tasks_in(self, states: Sequence[TaskState], limit: int = 1000) -> list[Task]:
        """Everybody's tasks in these states, oldest first."""
        ...

    async def count_running(self) -> Mapping[ProviderName, int]:
        """How many tasks hold a slot at each provider: submitting, unconfirmed or in progress."""
        ...

    async def queue_position(self, task: Task) -> int:
        """How many queued tasks were accepted before this one."""
        ...

    async def has_other_success(self, task: Task) -> bool:
        """Whether another task of the same user has succeeded."""
        ...

    async def overdue(self, now: Millis, limit: int) -> list[Task]:
        """Active tasks (not submitting) past their deadline, oldest first."""
        ...

    async def ended_with_status(self, limit: int) -> list[Task]:
        """Tasks at their end, with nothing left to send, whose status message was not taken away."""
        ...

    async def durations(
        self, provider: ProviderName, key: tuple[str, str, int], limit: int = 50
    ) -> list[int]:
        """How long the newest tasks of (model, mode, seconds) took from submission to the end, in milliseconds."""
        ...

    async def durations_at(self, provider: ProviderName, limit: int = 50) -> list[int]:
        """How long a provider's newest tasks of every kind took, as `durations` counts."""
        ...

    # -- claiming ------------------------------------------------------------------------------------

    async def due_queued(self, now: Millis, limit: int) -> list[Task]:
        """Queued tasks whose due time has come, fairly: users with fewer running tasks first, then the oldest.

        This only reads: `apply` with a `Claimed` event is the claim.
        """
        ...

    async def postpone(self, task_ids: Sequence[TaskId], until: Millis) -> None:
        """Let queued tasks wait at least until then. The version does not change."""
        ...

    async def claim_due(
        self, now: Millis, lease: Millis, states: Sequence[TaskState], limit: int
    ) -> list[Task]:
        """Take tasks in these states whose due time has come, and move it forward by `lease`.

        The version does not change: a claim says nothing of the task's life.
        """
        ...

    async def hasten(
        self,
        provider: ProviderName,
        external_task_id: str | None,
        provider_task_id: str | None,
        now: Millis,
        pause: Millis,
    ) -> Task | None:
        """Make a task of the provider due now, but at the soonest `pause` after the last time; None: nothing to do.

        It is the one with our own id, or else with the provider's, if it is in progress, expired and still
        looked for, or unconfirmed; and known to the provider so far, for the pauses between looks that find
        nothing are a proof. A look that is under way and saw less does not undo it. The version does not change.
        """
        ...

    # -- changing ------------------------------------------------------------------------------------

    async def apply(self, transition: Transition, now: Millis) -> Task:
        """Apply a transition with its settlement and outbox rows, by compare and set on the version.

        A charge or a release books the opposite of the task's hold (`task:<id>:charge`, `task:<id>:release`),
        with the hold's allowance and moment.

        Raises:
            Conflict: the task moved on since `transition.before` was read.

        """
        ...

    async def set_status_message(self, task_id: TaskId, message_id: int | None) -> None:
        """Remember where a task's status is shown. Does not change the version."""
        ...
