"""The one way to find a task, move it on, and give back what it cost.

Every change of a task's state goes through `Tasks.advance`: dispatch, poll, recovery and cancelling alike.
"""

from collections.abc import Sequence
from contextlib import suppress

import structlog

from bot.clock import Clock
from bot.domain.credits.caps import estimate
from bot.domain.operations.records import AuditRow
from bot.domain.people.access import Permission
from bot.domain.tasks.lifecycle import (
    Answered,
    CancelRequested,
    Event,
    Finished,
    IllegalTransition,
    KeptWaiting,
    OwnerAsked,
    Refused,
    SentAnew,
    StillRunning,
    Unresolvable,
    WaitedTooLong,
    possible,
    transition,
)
from bot.domain.tasks.schedule import PollingPolicy
from bot.domain.tasks.task import ACTIVE_STATES, FailureKind, LedgerRow, Task, TaskState
from bot.domain.types import (
    SECOND,
    ChatId,
    Credits,
    Millis,
    ProviderName,
    UserId,
    format_task_id,
    read_task_id,
)
from bot.errors import UserError
from bot.metrics import TASKS_ENDED, UNITS, UNMEASURED, Meter
from bot.services.people.access import Access
from bot.services.ports import Job, Wake
from bot.services.tasks.status import Status
from bot.store import Conflict, Store

log = structlog.get_logger(__name__)

HINT_PAUSE = Millis(SECOND)
"""At least this long passes between two queries about one task that callbacks cause."""

_SHOWN = (StillRunning, WaitedTooLong, KeptWaiting, OwnerAsked)
"""What is shown though the state stays as it is."""

_JOBS = {
    TaskState.QUEUED: Job.DISPATCH,
    TaskState.UNCONFIRMED: Job.RECOVER,
    TaskState.IN_PROGRESS: Job.POLL,
}
"""The job that takes up a task in each state; one that is being sent is in hand already."""


class Tasks:
    """Finds tasks and applies events to them. Without `status` nothing is shown: a shell has no chat."""

    def __init__(
        self,
        *,
        store: Store,
        access: Access,
        status: Status | None,
        policy: PollingPolicy,
        clock: Clock,
        wake: Wake,
        meter: Meter = UNMEASURED,
    ) -> None:
        self._store = store
        self._meter = meter
        self._policy = policy
        self._access = access
        self._status = status
        self._clock = clock
        self._wake = wake

    # -- finding -------------------------------------------------------------------------------------

    async def of(self, user_id: UserId | None, task_id: str, chat_id: ChatId | None = None) -> Task:
        """A task that a person may see; `task_id` may be written as people type it.

        People see their own tasks and those of the group `chat_id`, where the button that they press is shown;
        admins see all tasks. A `user_id` of None is an operator whose permission has been checked, and who sees
        deleted tasks as well.

        Raises:
            UserError: there is no such task for this person, or it was deleted.

        """
        found = read_task_id(task_id)
        task = None if found is None else await self._store.tasks.get(found)
        if task is None or not (
            user_id is None or task.origin.chat_id == chat_id or await self._may_change(user_id, task)
        ):
            raise UserError(
                "error.task.unknown", task=task_id[:20] if found is None else format_task_id(found)
            )
        return task if user_id is None else _not_deleted(task)

    async def owned(self, user_id: UserId, task_id: str) -> Task:
        """A task that a person may work with: their own, or any task for an admin.

        Raises:
            UserError: there is no such task, it was deleted, or it is another person's.

        """
        task = _not_deleted(await self.of(None, task_id))
        await self.check_owner(user_id, task)
        return task

    async def running(self, user_id: UserId) -> list[Task]:
        """A person's active tasks, newest first."""
        return await self._store.tasks.list_of(user_id, sorted(ACTIVE_STATES))

    async def check_owner(self, user_id: UserId, task: Task) -> None:
        """Refuse to work with another person's task.

        Raises:
            UserError: it is another person's, and the person is no admin.

        """
        if not await self._may_change(user_id, task):
            raise UserError("error.result.not_yours")

    async def _may_change(self, user_id: UserId, task: Task) -> bool:
        if task.user_id == user_id:
            return True
        return (await self._access.membership(user_id)).may(Permission.RESULTS)

    # -- advancing -----------------------------------------------------------------------------------

    async def advance(self, task: Task, event: Event, audit: AuditRow | None = None) -> Task | None:
        """Apply an event with audit, begin to show the new state, and wake the jobs that have work now.

        Returns None where the event came too late: another worker or a person moved the task on first.
        """
        now = self._clock.now()
        try:
            change = transition(task, event, now)
            after = await self._store.tasks.apply(change, now, audit)
        except (Conflict, IllegalTransition) as error:
            log.info("an event came too late", task=task.id, kind=type(event).__name__, reason=str(error))
            return None
        if change.outbox:
            self._wake(Job.DELIVER)
        self._measure(task, after, event)
        if after.state.is_final and not isinstance(event, StillRunning):
            log.info(
                "task ended", task=task.id, state=after.state, failure=after.failure, provider=task.provider
            )
            if task.provider is not None:
                # It has room for another one.
                self._wake(Job.DISPATCH)
        elif after.due_at is not None and after.due_at <= now and after.state in _JOBS:
            self._wake(_JOBS[after.state])
        if self._status is not None and (after.state is not task.state or isinstance(event, _SHOWN)):
            self._status.begin(after)
        return after

    def _measure(self, before: Task, after: Task, event: Event) -> None:
        if after.state.is_final and not before.state.is_final:
            self._meter.count(TASKS_ENDED, state=after.state, failure=after.failure or "")
        if isinstance(event, (Finished, Answered)) and after.provider is not None:
            with suppress(ValueError):
                told = estimate(after.price) if after.real_cost is None else float(after.real_cost)
                self._meter.count(UNITS, told, provider=after.provider)

    async def announce(self, task: Task) -> None:
        """Show the first status of a task that waits; in a chat that refuses it, the task ends with a refund."""
        if self._status is None or await self._status.show(task):
            return
        for each in await self._store.tasks.list_batch(task):
            if each.state is TaskState.QUEUED and each.status_message_id is None:
                await self.advance(each, Refused(FailureKind.NO_CHAT))

    async def poll_now(
        self, provider: ProviderName, external_task_id: str | None, provider_task_id: str | None
    ) -> None:
        """Bring a task's next query forward, at most once in `HINT_PAUSE`. Unknown tasks: no effect."""
        now = self._clock.now()
        task = await self._store.tasks.poll_now(provider, external_task_id, provider_task_id, now, HINT_PAUSE)
        if task is not None:
            log.info("a query was brought forward", task=task.id, provider=provider, state=task.state)
            self._wake(_JOBS.get(task.state, Job.POLL))

    async def cancel(self, user_id: UserId, task_id: str) -> Task:
        """Cancel a queued task, with those of its batch that still wait, and release their credits.

        A cancelled one stays cancelled.

        Raises:
            UserError: there is no such task for this person, or everything has been sent already.

        """
        task = await self.of(user_id, task_id)
        cancelled: list[Task] = []
        for each in await self._store.tasks.list_batch(task):
            if possible(each, CancelRequested()):
                after = await self.advance(each, CancelRequested())
                cancelled += [] if after is None else [after]
        if cancelled:
            return next((each for each in cancelled if each.id == task.id), cancelled[0])
        current = await self.of(user_id, task.id)
        if current.state is TaskState.CANCELLED:
            return current
        key = "error.task.ended" if current.state.is_final else "error.task.already_sent"
        raise UserError(key, task=format_task_id(task.id))

    async def all_wait(self, task: Task) -> bool:
        """Whether nothing of a task and its batch has been sent to a provider."""
        return _all_wait(await self._store.tasks.list_batch(task))

    async def withdraw(self, task: Task) -> bool:
        """Cancel a task and its batch, to make something else in its place; False where something was sent already."""
        batch = await self._store.tasks.list_batch(task)
        return _all_wait(batch) and all(
            [await self.advance(each, CancelRequested()) is not None for each in batch]
        )

    async def keep_waiting(self, user_id: UserId, task_id: str) -> Task:
        """Let a task whose owner was asked wait in line as long again; where nothing is open it changes nothing.

        Raises:
            UserError: there is no such task, it is another person's, or it has ended.

        """
        task = await self.owned(user_id, task_id)
        until = Millis(self._clock.now() + self._policy.waiting)
        for each in await self._store.tasks.list_batch(task):
            if each.answer_by is not None:
                await self.advance(each, KeptWaiting(until))
        task = await self.owned(user_id, task_id)
        if task.state.is_final:
            raise UserError("error.task.ended", task=format_task_id(task.id))
        return task

    async def send_anew(self, user_id: UserId, task_id: str) -> Task:
        """Send a task again whose answer was lost, for the credits that it holds; what is on its way goes on.

        Raises:
            UserError: there is no such task, it is another person's, or it has ended.

        """
        task = await self.owned(user_id, task_id)
        if task.is_in_doubt:
            # What became of the first one stays unknown: it must not be taken for this one.
            anew = f"{task.external_task_id}-{task.version}"
            await self.advance(task, SentAnew(anew, Millis(self._clock.now() + self._policy.waiting)))
            task = await self.owned(user_id, task_id)
        if task.state.is_final:
            raise UserError("error.task.ended", task=format_task_id(task.id))
        return task

    async def give_up(self, user_id: UserId, task_id: str) -> Task:
        """End a task whose answer was lost, and release its credits; what is on its way goes on.

        Raises:
            UserError: there is no such task, or it is another person's.

        """
        task = await self.owned(user_id, task_id)
        if task.is_in_doubt:
            await self.advance(task, Unresolvable())
            task = await self.owned(user_id, task_id)
        return task

    # -- refunding -----------------------------------------------------------------------------------

    async def refund(
        self, task: Task, amount: Credits | None, key: str, audit: AuditRow | None = None, note: str = ""
    ) -> LedgerRow | None:
        """Refund a charged task to whoever paid, `amount` None being all that is left of its charge.

        `key` names the refund within the task: the same one is booked once; `audit` is the entry of an admin's.
        Returns the row that was booked, or None where nothing is left to refund: all refunds of a task together
        never exceed its charge.
        """
        actor = None if audit is None else audit.actor
        row = await self._store.credits.refund(
            task.id, amount, key, self._clock.now(), actor=actor, note=note, audit=audit
        )
        if row is not None:
            log.info("task refunded", task=task.id, account=str(row.account), credits=row.amount, key=key)
        return row


def _not_deleted(task: Task) -> Task:
    if task.hidden:
        raise UserError("error.result.deleted")
    return task


def _all_wait(batch: Sequence[Task]) -> bool:
    return all(each.state is TaskState.QUEUED for each in batch)
