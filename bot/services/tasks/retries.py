"""Somebody's task made once more by those who run the bot, for the same person and on their credits."""

from dataclasses import replace

from bot.domain.people.access import Permission
from bot.domain.tasks.task import Task
from bot.domain.units import TaskId, UserId, shown
from bot.errors import UserError
from bot.services.people.access import Access
from bot.services.people.audit import Audit
from bot.services.requests.submit import Submit
from bot.services.tasks.all_tasks import AllTasks


class Retries:
    """Needs all that accepts a request, which is why it stands apart from `AllTasks`."""

    def __init__(self, access: Access, tasks: AllTasks, submit: Submit, audit: Audit) -> None:
        self._access = access
        self._tasks = tasks
        self._submit = submit
        self._audit = audit

    async def retry(self, actor: UserId, task_id: TaskId, update_id: int) -> Task:
        """Ask for the same once more, for the same person and on their credits.

        Raises:
            UserError: the actor may not, the task is not at its end, or it cannot be accepted.

        """
        await self._access.require(actor, Permission.TASKS)
        task, _ = await self._tasks.task(actor, task_id)
        if not task.state.is_final:
            raise UserError("error.admin.task_runs", task=shown(task_id))
        origin = replace(task.origin, update_id=update_id)
        again = await self._submit.accept(task.user_id, origin, task.request)
        await self._audit.note(
            f"update:{update_id}", actor, "retry", shown(task_id), task.state, shown(again.id)
        )
        return again
