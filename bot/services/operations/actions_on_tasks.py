"""What admins do to tasks: cancel, refund, make again."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

from bot.domain.people.access import Membership, Permission
from bot.domain.tasks.lifecycle import CancelRequested, DeadlinePassed
from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import MINUTE, Millis, format_task_id
from bot.errors import UserError
from bot.services.operations.actions import Action, ActionContext, Outcome, Target


@dataclass(frozen=True)
class TaskAction(Action):
    """An action on a task; `work` does it and returns the columns, and the task that the panel shows then."""

    on: ClassVar[Target] = Target.TASK

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""
        task = await context.tasks.of(None, self.target)
        after, columns = await self.work(context, task)
        return Outcome(str(after.id), "", columns)

    @abstractmethod
    async def work(self, context: ActionContext, task: Task) -> tuple[Task, tuple[object, ...]]:
        """Do it.

        Raises:
            UserError: the task's state does not allow it.

        """


@dataclass(frozen=True)
class CancelTask(TaskAction):
    """End a TASK that is under way, with its credits back.

    A video that comes all the same is still delivered, free. Columns: id, state.
    """

    name: ClassVar[str] = "cancel"
    permission: ClassVar[Permission] = Permission.TASKS
    label: ClassVar[str] = "button.panel_cancel_task"
    is_drastic: ClassVar[bool] = True

    @classmethod
    def is_offered(cls, subject: Membership | Task) -> bool:
        """What has not ended."""
        return isinstance(subject, Task) and not subject.state.is_final

    async def work(self, context: ActionContext, task: Task) -> tuple[Task, tuple[object, ...]]:
        """See `TaskAction`."""
        is_queued = task.state is TaskState.QUEUED
        poll_at = None if task.provider_task_id is None else Millis(context.clock.now() + MINUTE)
        after = TaskState.CANCELLED if is_queued else TaskState.EXPIRED
        audit = context.audit_task(task, task.state, after)
        event = CancelRequested() if is_queued else DeadlinePassed(poll_at)
        ended = await context.tasks.advance(task, event, audit)
        if ended is None:
            current = await context.tasks.of(None, task.id)
            key = "error.task.ended" if current.state.is_final else "error.admin.task_busy"
            raise UserError(key, task=format_task_id(task.id))
        return ended, (format_task_id(ended.id), ended.state)


@dataclass(frozen=True)
class RefundTask(TaskAction):
    """Refund all that is left of what a finished TASK was charged.

    Columns: id, the account that paid, credits.
    """

    name: ClassVar[str] = "refund"
    permission: ClassVar[Permission] = Permission.CREDITS
    label: ClassVar[str] = "button.panel_refund"

    @classmethod
    def is_offered(cls, subject: Membership | Task) -> bool:
        """What was charged."""
        return isinstance(subject, Task) and subject.state is TaskState.SUCCEEDED

    async def work(self, context: ActionContext, task: Task) -> tuple[Task, tuple[object, ...]]:
        """See `TaskAction`."""
        if task.state is not TaskState.SUCCEEDED:
            raise UserError("error.admin.nothing_to_refund", task=format_task_id(task.id))
        audit = context.audit_task(task)
        row = await context.tasks.refund(task, None, context.idempotency_key, audit)
        if row is None:
            raise UserError("error.admin.refunded", task=format_task_id(task.id))
        return task, (format_task_id(task.id), row.account, row.amount)


@dataclass(frozen=True)
class MakeTaskAgain(TaskAction):
    """Make a finished TASK once more, for the same person and on their credits."""

    name: ClassVar[str] = "retry"
    permission: ClassVar[Permission] = Permission.TASKS
    label: ClassVar[str] = "button.panel_retry"
    is_for_shell: ClassVar[bool] = False

    @classmethod
    def is_offered(cls, subject: Membership | Task) -> bool:
        """What has ended."""
        return isinstance(subject, Task) and subject.state.is_final

    async def work(self, context: ActionContext, task: Task) -> tuple[Task, tuple[object, ...]]:
        """See `TaskAction`."""
        if context.accept is None or not task.state.is_final:
            raise UserError("error.admin.task_runs", task=format_task_id(task.id))
        origin = replace(task.origin, update_id=context.update_id, press=context.press)
        audit = context.audit_task(task, task.state)
        again = await context.accept(task.user_id, origin, task.request, audit=audit)
        return again, (format_task_id(again.id), again.state)


ACTIONS: tuple[type[Action], ...] = (CancelTask, RefundTask, MakeTaskAgain)
