"""What those who run the bot see of people and tasks, and what they do about them. Every deed is checked and noted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from bot.clock import Clock
from bot.domain.access import Permission, Person, Standing
from bot.domain.lifecycle import CancelRequested, DeadlinePassed, IllegalTransition, transition
from bot.domain.operating import AuditRow
from bot.domain.task import ACTIVE_STATES, LedgerKind, LedgerRow, Task, TaskState
from bot.domain.units import DAY, MINUTE, Millis, TaskId, UserId, shown
from bot.errors import UserError
from bot.services.access import Access
from bot.services.accounts import Accounts
from bot.services.audit import Audit
from bot.services.ports import Balance, Wake
from bot.services.submit import Submit
from bot.store.base import Conflict
from bot.store.operating import OperatingStore

log = structlog.get_logger(__name__)

PEOPLE_ON_A_PAGE = 8
TASKS_ON_A_PAGE = 8
AUDIT_ON_A_PAGE = 10
RECENT = 5
MOST_FAILURES = 5_000
STUCK_AFTER = 10 * MINUTE
"""Milliseconds without an end, from which on a task is worth a look."""

NOTICE_KEY = "text.notice"
LONGEST_NOTICE = 500


@dataclass(frozen=True, slots=True)
class PersonCard:
    """Everything about one person."""

    person: Person
    standing: Standing
    balance: Balance
    running: Sequence[Task]
    ledger: Sequence[LedgerRow]


@dataclass(frozen=True, slots=True)
class Failures:
    """What went wrong of late: how many tasks ended, and of those how many failed, by kind."""

    ended: int
    by_kind: Sequence[tuple[str, int]]
    examples: Sequence[Task]


class Admin:
    """The panel's service; `/admin` and the shell ask the same one."""

    def __init__(
        self,
        store: OperatingStore,
        access: Access,
        accounts: Accounts,
        submit: Submit,
        audit: Audit,
        clock: Clock,
        wake: Wake,
    ) -> None:
        self._store = store
        self._access = access
        self._accounts = accounts
        self._submit = submit
        self._audit = audit
        self._clock = clock
        self._wake = wake

    # -- people --------------------------------------------------------------------------------------

    async def people(self, actor: UserId, words: str, page: int) -> list[Person]:
        """People by id, @name or words of their names, those seen last first; one more than a page holds.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.LOOK)
        if words.strip().lstrip("@").isdigit():
            found = await self._store.find_user(words)
            return [] if found is None or page else [await self._access.person(found.id)]
        skip = page * PEOPLE_ON_A_PAGE
        users = await self._store.people(words, skip, PEOPLE_ON_A_PAGE + 1)
        return [await self._access.person(user.id) for user in users]

    async def card(self, actor: UserId, user_id: UserId) -> PersonCard:
        """One person.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.LOOK)
        return PersonCard(
            await self._access.person(user_id),
            await self._access.standing(user_id),
            await self._accounts.balance(user_id),
            await self._submit.running(user_id),
            await self._accounts.ledger(user_id, RECENT),
        )

    async def tasks_of(self, actor: UserId, user_id: UserId) -> list[Task]:
        """A person's newest tasks, whatever became of them.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.LOOK)
        return await self._store.tasks_of(user_id, sorted(TaskState), TASKS_ON_A_PAGE)

    async def grant(self, actor: UserId, user_id: UserId, credits: int, update_id: int, note: str) -> Person:
        """Give a person credits, or take some of those that were given.

        Raises:
            UserError: the actor may not, or the number is out of range.

        """
        await self._access.require(actor, Permission.CREDITS)
        before = await self._accounts.balance(user_id)
        await self._accounts.grant(actor, str(user_id), credits, update_id, note)
        await self.granted(actor, user_id, before.granted, credits, update_id)
        return await self._access.person(user_id)

    async def granted(
        self, actor: UserId, user_id: UserId, before: int, credits: int, update_id: int
    ) -> None:
        """Note a grant that has been booked."""
        after = f"{before + credits} ({credits:+d})"
        await self._audit.note(f"update:{update_id}", actor, "grant", str(user_id), str(before), after)

    async def wrote(self, actor: UserId, user_id: UserId, text: str, operation: str) -> None:
        """Note that a message is written to a person; to be called before it is sent.

        Raises:
            UserError: the actor may not.

        """
        await self._access.require(actor, Permission.MESSAGE)
        await self._audit.note(operation, actor, "message", str(user_id), "", text[:200])

    # -- tasks ---------------------------------------------------------------------------------------

    async def running(self, actor: UserId) -> tuple[list[Task], frozenset[TaskId]]:
        """Everybody's tasks that are under way, the oldest first, and which of them seem stuck.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.LOOK)
        tasks = await self._store.tasks_in(sorted(ACTIVE_STATES), TASKS_ON_A_PAGE)
        stuck_before = self._clock.now() - STUCK_AFTER
        return tasks, frozenset(task.id for task in tasks if task.created_at < stuck_before)

    async def task(self, actor: UserId, task_id: TaskId) -> tuple[Task, Person]:
        """One task and whose it is.

        Raises:
            UserError: the actor may not look, or there is no such task.

        """
        await self._access.require(actor, Permission.LOOK)
        task = await self._store.task(task_id)
        if task is None:
            raise UserError("error.task.unknown", task=shown(task_id))
        return task, await self._access.person(task.user_id)

    async def cancel(self, actor: UserId, task_id: TaskId, operation: str) -> Task:
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
            ended = await self._store.apply(transition(task, event, now), now)
        except (Conflict, IllegalTransition):
            current, _ = await self.task(actor, task_id)
            key = "error.task.ended" if current.state.is_final else "error.admin.task_busy"
            raise UserError(key, task=shown(task_id)) from None
        await self._audit.note(operation, actor, "cancel", shown(task_id), task.state, ended.state)
        self._wake("deliver")
        return ended

    async def retry(self, actor: UserId, task_id: TaskId, update_id: int) -> Task:
        """Ask for the same once more, for the same person and on their credits.

        Raises:
            UserError: the actor may not, the task is not at its end, or it cannot be accepted.

        """
        await self._access.require(actor, Permission.TASKS)
        task, _ = await self.task(actor, task_id)
        if not task.state.is_final:
            raise UserError("error.admin.task_runs", task=shown(task_id))
        origin = replace(task.origin, update_id=update_id)
        again = await self._submit.accept(task.user_id, origin, task.request)
        await self._audit.note(
            f"update:{update_id}", actor, "retry", shown(task_id), task.state, shown(again.id)
        )
        return again

    async def refund(self, actor: UserId, task_id: TaskId, operation: str) -> Task:
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
        if not await self._store.book(row):
            raise UserError("error.admin.refunded", task=shown(task_id))
        await self._audit.note(operation, actor, "refund", shown(task_id), "", f"+{task.price}")
        return task

    async def failures(self, actor: UserId) -> Failures:
        """What failed within the last day.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.LOOK)
        since = Millis(self._clock.now() - DAY)
        ended = [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.EXPIRED]
        tasks = await self._store.ended_since(since, ended, MOST_FAILURES)
        failed = [task for task in tasks if task.state is not TaskState.SUCCEEDED]
        kinds = Counter(str(task.failure or task.state) for task in failed)
        return Failures(len(tasks), kinds.most_common(), failed[:RECENT])

    async def provider_steered(self, actor: UserId, name: str, action: str, operation: str) -> None:
        """Note that a provider is paused or resumed; to be called before it is.

        Raises:
            UserError: the actor may not.

        """
        await self._access.require(actor, Permission.OPERATE)
        await self._audit.note(operation, actor, action, name)

    # -- texts and the log ---------------------------------------------------------------------------

    async def notice(self) -> str:
        """The text of the day, which stands beneath /start; empty: there is none."""
        return await self._store.setting(NOTICE_KEY) or ""

    async def set_notice(self, actor: UserId, text: str, operation: str) -> str:
        """Change the text of the day; empty: take it away.

        Raises:
            UserError: the actor may not, or it is too long.

        """
        await self._access.require(actor, Permission.OPERATE)
        cleaned = text.strip()
        if len(cleaned) > LONGEST_NOTICE:
            raise UserError("error.admin.notice_length", limit=LONGEST_NOTICE)
        before = await self.notice()
        await self._store.set_setting(NOTICE_KEY, cleaned)
        await self._audit.note(operation, actor, "notice", "bot", before, cleaned)
        return cleaned

    async def audit(self, actor: UserId, subject: str | None, page: int) -> list[AuditRow]:
        """What was done, newest first, of one person or task or of all; one row more than a page holds.

        Raises:
            UserError: the actor may not read it.

        """
        await self._access.require(actor, Permission.AUDIT)
        return await self._audit.rows(subject, page * AUDIT_ON_A_PAGE, AUDIT_ON_A_PAGE + 1)
