"""The life of a task: accepting, reading, claiming and changing it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.domain.credits.caps import NO_CAPS, Caps, total, within
from bot.domain.credits.quota import Plan, PoolUse, Windows, may_hold, within_group_budget
from bot.domain.library.asset import check_new
from bot.domain.operations.records import AuditRow
from bot.domain.requests.operations import Pack
from bot.domain.requests.request import Resource
from bot.domain.tasks.lifecycle import Settlement, Transition
from bot.domain.tasks.task import LedgerRow, OutboxItem, Task, TaskState
from bot.domain.types import MINUTE, Credits, Millis, ProviderName, TaskId, UserId, format_task_id
from bot.store.credits import get_paying_pool, get_usage, settle, sum_spent_in_chat, sum_spent_units
from bot.store.drafts import StoredAttachment, save_attachment
from bot.store.engine import Row, Subject, Transaction, mapper
from bot.store.library import list_assets, save_asset
from bot.store.lots import book
from bot.store.operations import save_audit_row
from bot.store.privacy import end_unwanted


class Conflict(Exception):
    """The task was changed since it was read: read it again."""


class TaskIdTaken(Exception):
    """The drawn task id is in use: draw another."""


GET = "SELECT * FROM tasks WHERE id = :task"
NEWEST = 20_000
"""More tasks than are accepted while one waits, is sent and is looked for."""

PRESS_WINDOW = MINUTE
"""Milliseconds in which the same button asks for one task, however often it is pressed."""


class Tasks(Subject):
    """All tasks. A claim moves `due_at` by a lease and hands no row out twice in it."""

    # -- beginning -----------------------------------------------------------------------------------

    async def accept(
        self,
        task: Task,
        attachments: Sequence[StoredAttachment],
        plan: Plan,
        window: Windows,
        group_budget: int | None = None,
        pool: PoolUse = PoolUse.OFF,
        caps: Caps = NO_CAPS,
        *,
        rest: Sequence[Task] = (),
        audit: AuditRow | None = None,
    ) -> Task:
        """Save a new task with its attachments, hold its price, and add to the audit log that it was made.

        `rest` are the other tasks of its batch: all are saved, each with a hold of its own, or none.

        `group_budget` is how many credits everybody in the task's chat may spend in the day of `window`.
        `caps` is what everybody together may spend at Kling.
        Where `pool` says so, and `quota.pool_pays`, the chat's pool pays in place of the user.

        If a task with the same `origin.update_id` exists already, that one is returned and nothing is
        held: a replayed update has no second effect. Nor has a button that is pressed again: for
        `PRESS_WINDOW` the task of the same `origin.press` is returned, unless it has ended without a result.

        Raises:
            UserError: `quota.may_hold`, `quota.pool_pays`, `spending.within` or `quota.within_group_budget` says no;
                of an element or voice `asset.check_new`, and none of these: it is free.
            TaskIdTaken: draw another id.

        """
        of_update = "SELECT * FROM tasks WHERE update_id = :update"
        of_press = """
            SELECT * FROM tasks INDEXED BY tasks_of_press WHERE press = :press AND created_at > :since AND created_at < :until
            AND state NOT IN ('failed', 'cancelled', 'expired') ORDER BY created_at, sequence LIMIT 1
        """

        def work(tx: Transaction) -> Task:
            if task.origin.update_id is not None:
                known = tx.one(Task, of_update, update=task.origin.update_id)
                if known is not None:
                    return known
            if task.origin.press is not None:
                # Of a clock that was set back, what is later is not just now, either.
                since, until = task.created_at - PRESS_WINDOW, task.created_at + PRESS_WINDOW
                known = tx.one(Task, of_press, press=task.origin.press, since=since, until=until)
                if known is not None:
                    return known
            if tx.one(Row, GET, task=task.id) is not None:
                raise TaskIdTaken(task.id)
            batch = (task, *rest)
            price = Credits(sum(each.price for each in batch))
            usage = get_usage(tx, task.user_id, window)
            payer = get_paying_pool(tx, task, pool, price)
            # Where a pool pays, who asks is still bound to how much may run at a time.
            if task.makes_asset:
                check_new(task.request, list_assets(tx, task.user_id))
                left = Credits(0)
            else:
                left = may_hold(price if payer is None else Credits(0), plan, usage, window, len(batch))
            if group_budget is not None:
                spent = sum_spent_in_chat(tx, task.origin.chat_id, window.day_start)
                within_group_budget(price, group_budget, spent, window)
            if caps:
                within(caps, total(sum_spent_units(tx, window).values()), price, window)
            for attachment in attachments:
                save_attachment(tx, attachment, task.created_at)
            for each in batch:
                if each is not task and tx.one(Row, GET, task=each.id) is not None:
                    raise TaskIdTaken(each.id)
                allowance = Credits(min(left, each.price))
                left = Credits(left - allowance)
                tx.insert("tasks", columns(each))
                book(tx, LedgerRow.hold(each, allowance, payer))
            if audit is not None:
                save_audit_row(tx, replace(audit, after=format_task_id(task.id)))
            return task

        return await self._write(work)

    # -- reading -------------------------------------------------------------------------------------

    async def get(self, task_id: TaskId) -> Task | None:
        """One task."""
        return await self._read(lambda tx: tx.one(Task, GET, task=task_id))

    async def list_batch(self, task: Task) -> list[Task]:
        """All tasks of a task's batch, in order; where it has none, the task itself as it is now."""
        statement = "SELECT * FROM tasks INDEXED BY tasks_of_batch WHERE batch_id = :batch ORDER BY sequence"
        if task.batch_id is None:
            found = await self.get(task.id)
            return [] if found is None else [found]
        return await self._read(lambda tx: tx.all(Task, statement, batch=task.batch_id))

    async def list_of(self, user_id: UserId, states: Sequence[TaskState], limit: int = 20) -> list[Task]:
        """A user's tasks in these states, newest first, without those that make elements and voices."""
        statement = """
            SELECT * FROM tasks WHERE user_id = :user AND state = ANY (:states) AND pack != 'library'
            ORDER BY sequence DESC LIMIT :limit
        """
        return await self._read(lambda tx: tx.all(Task, statement, user=user_id, states=states, limit=limit))

    async def list_in(
        self, states: Sequence[TaskState], limit: int = 1000, *, assets: bool = True
    ) -> list[Task]:
        """All tasks in these states, oldest first; without `assets` those of elements and voices are left out."""
        statement = """
            SELECT * FROM tasks WHERE state = ANY (:states) AND (:assets = 1 OR pack != 'library')
            ORDER BY sequence LIMIT :limit
        """
        values = {"states": states, "limit": limit, "assets": int(assets)}
        return await self._read(lambda tx: tx.all(Task, statement, **values))

    async def list_ended(self, since: Millis, states: Sequence[TaskState], limit: int) -> list[Task]:
        """Tasks that ended since then in one of the states, newest first, without elements and voices."""
        statement = """
            SELECT * FROM tasks INDEXED BY tasks_ended
            WHERE finished_at >= :since AND state = ANY (:states) AND pack != 'library'
            ORDER BY finished_at DESC LIMIT :limit
        """
        return await self._read(lambda tx: tx.all(Task, statement, since=since, states=states, limit=limit))

    async def list_overdue(self, now: Millis, limit: int) -> list[Task]:
        """Active tasks (not submitting) past their deadline, oldest first."""
        statement = """
            SELECT * FROM tasks INDEXED BY tasks_deadline
            WHERE state IN ('queued', 'unconfirmed', 'in_progress') AND deadline_at <= :now
            ORDER BY deadline_at LIMIT :limit
        """
        return await self._read(lambda tx: tx.all(Task, statement, now=now, limit=limit))

    async def list_ended_with_status(self, limit: int) -> list[Task]:
        """Ended tasks with nothing left to send that still have a status message."""
        statement = """
            SELECT * FROM tasks INDEXED BY tasks_shown
            WHERE status_message_id IS NOT NULL
            AND state IN ('succeeded', 'failed', 'cancelled', 'expired')
            AND NOT EXISTS (
                SELECT 1 FROM outbox WHERE task_id = tasks.id AND outbox.state IN ('pending', 'sending')
            )
            AND NOT EXISTS (
                SELECT 1 FROM tasks AS other INDEXED BY tasks_of_batch
                WHERE other.batch_id = tasks.batch_id
                AND other.state IN ('queued', 'submitting', 'unconfirmed', 'in_progress')
            )
            ORDER BY sequence LIMIT :limit
        """
        return await self._read(lambda tx: tx.all(Task, statement, limit=limit))

    async def count_running(self) -> Mapping[tuple[ProviderName, Resource], int]:
        """How many tasks are submitting, unconfirmed or in progress per provider, pack and model.

        Elements and voices take no place: no provider counts them.
        """
        statement = """
            SELECT provider, pack, model, count(*) AS number FROM tasks
            WHERE state IN ('submitting', 'unconfirmed', 'in_progress') AND provider IS NOT NULL
            AND pack != 'library'
            GROUP BY provider, pack, model
        """
        rows = await self._read(lambda tx: tx.all(Row, statement))
        return {
            (ProviderName(row["provider"]), Resource(Pack(row["pack"]), row["model"])): row["number"]
            for row in rows
        }

    async def count_taken(self, provider: ProviderName, resource: Resource) -> int:
        """How many tasks of a model a provider has taken, or may have taken, and not finished."""
        statement = """
            SELECT count(*) FROM tasks
            WHERE state IN ('unconfirmed', 'in_progress') AND provider = :provider AND pack = :pack AND model = :model
        """
        columns = {"provider": provider, "pack": resource.pack, "model": resource.model}
        return int(await self._read(lambda tx: tx.value(statement, **columns)))

    async def count_running_of_users(self) -> Mapping[UserId, int]:
        """How many tasks are submitting, unconfirmed or in progress per user."""
        statement = """
            SELECT user_id, count(*) AS number FROM tasks
            WHERE state IN ('submitting', 'unconfirmed', 'in_progress') AND pack != 'library' GROUP BY user_id
        """
        rows = await self._read(lambda tx: tx.all(Row, statement))
        return {UserId(row["user_id"]): row["number"] for row in rows}

    async def has_other_success(self, task: Task) -> bool:
        """Whether another task of the same user has succeeded."""
        statement = """
            SELECT 1 FROM tasks INDEXED BY tasks_of_user
            WHERE user_id = :user AND state = 'succeeded' AND id != :task AND pack != 'library' LIMIT 1
        """
        found = await self._read(lambda tx: tx.value(statement, user=task.user_id, task=task.id))
        return found is not None

    async def list_durations(
        self, provider: ProviderName, key: tuple[str, str, int], limit: int = 50
    ) -> list[int]:
        """Milliseconds from submission to the end of the newest (model, mode, seconds)."""
        statement = """
            SELECT finished_at - submitted_at FROM tasks
            WHERE state = 'succeeded' AND provider = :provider AND model = :model AND mode = :mode
            AND duration = :duration
            ORDER BY finished_at DESC LIMIT :limit
        """
        values = dict(zip(("model", "mode", "duration"), key, strict=True))
        return await self._read(lambda tx: tx.values(statement, provider=provider, limit=limit, **values))

    async def list_recent_durations(self, provider: ProviderName, limit: int = 50) -> list[int]:
        """Milliseconds from submission to the end of a provider's newest tasks."""
        statement = """
            SELECT finished_at - submitted_at FROM tasks INDEXED BY tasks_took_lately
            WHERE state = 'succeeded' AND provider = :provider AND pack != 'library'
            ORDER BY finished_at DESC LIMIT :limit
        """
        return await self._read(lambda tx: tx.values(statement, provider=provider, limit=limit))

    # -- claiming ------------------------------------------------------------------------------------

    async def list_queued(self) -> list[tuple[TaskId, int, int]]:
        """Every queued task as its id, version and sequence, oldest first.

        It tells what has changed in the line, however long it is, without reading whole rows.
        """
        statement = """
            SELECT id, version, sequence FROM tasks INDEXED BY tasks_queued
            WHERE state = 'queued' ORDER BY sequence
        """
        rows = await self._read(lambda tx: tx.all(Row, statement))
        return [(TaskId(row["id"]), row["version"], row["sequence"]) for row in rows]

    async def list_by_id(self, task_ids: Sequence[TaskId]) -> list[Task]:
        """These tasks, in no certain order."""
        statement = "SELECT * FROM tasks WHERE id = ANY (:ids)"
        return await self._read(lambda tx: tx.all(Task, statement, ids=task_ids))

    async def release(self, now: Millis) -> int:
        """Make due what was being looked at when the process ended, and what runs with it; how many rows."""
        statement = """
            UPDATE tasks INDEXED BY tasks_due SET due_at = :now WHERE state = 'in_progress' AND due_at > :now
        """
        return await self._write(lambda tx: tx.run(statement, now=now))

    async def claim_due(
        self, now: Millis, lease: Millis, states: Sequence[TaskState], limit: int
    ) -> list[Task]:
        """Claim due tasks in these states, and move their due time by `lease`.

        The version does not change: a claim says nothing of the task's life.
        """
        any_due = "SELECT 1 FROM tasks WHERE state = ANY (:states) AND due_at <= :now LIMIT 1"
        claim = """
            UPDATE tasks SET due_at = :until
            WHERE sequence IN (
                SELECT sequence FROM tasks
                WHERE state = ANY (:states) AND due_at <= :now
                ORDER BY due_at LIMIT :limit
            )
            RETURNING *
        """
        # Most ticks find nothing: a look by a reader costs no commit.
        if await self._read(lambda tx: tx.value(any_due, now=now, states=states)) is None:
            return []
        taken = await self._write(
            lambda tx: tx.all(Task, claim, now=now, until=now + lease, states=states, limit=limit)
        )
        return sorted(taken, key=lambda task: task.created_at)

    async def poll_now(
        self,
        provider: ProviderName,
        external_task_id: str | None,
        provider_task_id: str | None,
        now: Millis,
        pause: Millis,
    ) -> Task | None:
        """Make a task due now, at least `pause` after the last time; None: no change.

        It is the one with our own id, or else with the provider's, if it is in progress, expired and still
        looked for, or unconfirmed; and known to the provider so far, for the pauses between looks that find
        nothing are a proof. A look that is under way and saw less does not undo it. The version does not change.
        """
        # Two searches by index; our own id goes before the provider's.
        find = """
            SELECT id, due_at, 0 AS place FROM tasks
            WHERE external_task_id = :external_id AND provider = :provider
            UNION ALL
            SELECT id, due_at, 1 FROM tasks INDEXED BY tasks_at_provider
            WHERE provider = :provider AND provider_task_id = :provider_id AND due_at IS NOT NULL
            ORDER BY place LIMIT 1
        """
        # The moment that a callback asked for stays beside the due time: while both are the same, nobody has
        # looked since.
        update = """
            UPDATE tasks SET
                due_at = greatest(:now, coalesce(hastened_at + :pause, 0)),
                hastened_at = greatest(:now, coalesce(hastened_at + :pause, 0))
            WHERE id = :id AND due_at > greatest(:now, coalesce(hastened_at + :pause, 0))
            AND state IN ('in_progress', 'expired', 'unconfirmed') AND not_found_count = 0
            RETURNING *
        """
        # A callback about a task that nobody waits for costs no commit.
        found = await self._read(
            lambda tx: tx.one(
                Row, find, provider=provider, external_id=external_task_id, provider_id=provider_task_id
            )
        )
        if found is None or found["due_at"] is None or found["due_at"] <= now:
            return None
        return await self._write(lambda tx: tx.one(Task, update, id=found["id"], now=now, pause=pause))

    async def is_held_by_another(
        self, provider: ProviderName, provider_task_id: str, task_id: TaskId, since: Millis
    ) -> bool:
        """Whether a provider's id is that of another task, which it works on, or which had its result after `since`."""
        # Two searches by index. Some count from 1 again when they begin anew: an old task says nothing.
        find = """
            SELECT 1 FROM tasks INDEXED BY tasks_at_provider
            WHERE provider = :provider AND provider_task_id = :provider_id AND due_at IS NOT NULL AND id != :task
            UNION ALL
            SELECT 1 FROM tasks INDEXED BY tasks_took_lately
            WHERE provider = :provider AND finished_at > :since AND state = 'succeeded'
            AND provider_task_id = :provider_id AND id != :task
            LIMIT 1
        """
        return bool(
            await self._read(
                lambda tx: tx.value(
                    find, provider=provider, provider_id=provider_task_id, task=task_id, since=since
                )
            )
        )

    async def list_held(
        self, provider: ProviderName, provider_task_ids: Sequence[str], task_id: TaskId
    ) -> Mapping[str, str]:
        """Which of these ids are those of other tasks, of the `NEWEST` ones, whatever became of them; each with its model."""
        statement = """
            SELECT provider_task_id, model FROM tasks
            WHERE sequence > (SELECT max(sequence) - :newest FROM tasks)
            AND provider = :provider AND provider_task_id = ANY (:ids) AND id != :task
        """
        values = {"provider": provider, "ids": provider_task_ids, "task": task_id, "newest": NEWEST}
        rows = await self._read(lambda tx: tx.all(Row, statement, **values))
        return {row["provider_task_id"]: row["model"] for row in rows}

    # -- changing ------------------------------------------------------------------------------------

    async def apply(self, transition: Transition, now: Millis, audit: AuditRow | None = None) -> Task:
        """Apply a transition with its ledger, outbox and audit rows, if the version is current.

        A charge or a release books the opposite of the task's hold (`task:<id>:charge`, `task:<id>:release`),
        with the hold's allowance and moment. What a batch has to deliver is due when all of its tasks have ended,
        with one notice if any of them was not made.

        Raises:
            Conflict: the task moved on since `transition.before` was read.

        """
        statement = """
            UPDATE tasks SET
                state = :state, version = :version, provider = :provider,
                deadline_at = :deadline_at, waits_until = :waits_until, answer_by = :answer_by,
                due_at = CASE
                    WHEN due_at = hastened_at AND :not_found_count = 0 AND :state IN ('in_progress', 'expired')
                    THEN least(due_at, :due_at)
                    ELSE :due_at
                END,
                external_task_id = :external_task_id, provider_task_id = :provider_task_id, attempts = :attempts, not_found_count = :not_found_count,
                excluded = :excluded, submitted_at = :submitted_at, finished_at = :finished_at,
                progress = :progress, failure = :failure,
                failure_detail = :failure_detail, real_cost = :real_cost
            WHERE id = :id AND version = :before
            RETURNING *
        """
        batch_runs = """
            SELECT 1 FROM tasks INDEXED BY tasks_of_batch
            WHERE batch_id = :batch AND state IN ('queued', 'submitting', 'unconfirmed', 'in_progress') LIMIT 1
        """
        before, after = transition.before, transition.after

        def work(tx: Transaction) -> Task:
            task = tx.one(Task, statement, **mapper.columns(after) | {"before": before.version})
            if task is None:
                raise Conflict(f"task {before.id} is no longer at version {before.version}")
            if transition.settlement is not Settlement.KEEP:
                settle(tx, after, transition.settlement, now)
            if audit is not None:
                save_audit_row(tx, audit)
            is_wanted = not (task.is_forgotten or (task.makes_asset and task.hidden))
            if transition.asset_id is not None:
                is_wanted = save_asset(tx, task, transition.asset_id, now, is_wanted=is_wanted)
            if not is_wanted:
                # There is nobody to tell, and nothing to send once more.
                tx.run("UPDATE tasks SET failure_detail = NULL WHERE id = :id", id=task.id)
                task = replace(task, failure_detail=None)
                return end_unwanted(tx, task, now) if after.state is TaskState.QUEUED else task
            runs = task.batch_id is not None and tx.value(batch_runs, batch=task.batch_id) is not None
            for item in transition.outbox:
                if task.batch_id is None or item.kind is not None:
                    _add_delivery(tx, task.id, item, None if runs else now)
            if task.batch_id is not None and not runs and not before.state.is_final:
                _end_batch(tx, task.batch_id, now)
            return task

        return await self._write(work)

    async def set_status_message(self, task_id: TaskId, message_id: int | None) -> None:
        """Save the id of a task's status message, which is that of its batch. Does not change the version."""
        statement = """
            UPDATE tasks SET status_message_id = :message
            WHERE id = :task OR batch_id = (SELECT batch_id FROM tasks WHERE id = :task)
        """
        await self._write(lambda tx: tx.run(statement, task=task_id, message=message_id))


def _add_delivery(tx: Transaction, task_id: TaskId, item: OutboxItem, due_at: Millis | None) -> None:
    row = {"task_id": task_id, "state": "pending", "attempts": 0, "due_at": due_at}
    tx.insert("outbox", mapper.columns(item) | row | {"kind": item.kind or "notice"})


def _end_batch(tx: Transaction, batch_id: TaskId, now: Millis) -> None:
    """Make due what the batch has waited for, and tell once of all that was not made."""
    release = """
        UPDATE outbox SET due_at = :now
        WHERE task_id IN (SELECT id FROM tasks INDEXED BY tasks_of_batch WHERE batch_id = :batch)
        AND due_at IS NULL AND +state = 'pending'
    """
    # A failure has more to say than a cancellation.
    missed = """
        SELECT id FROM tasks INDEXED BY tasks_of_batch
        WHERE batch_id = :batch AND state IN ('failed', 'expired', 'cancelled')
        ORDER BY state = 'cancelled', sequence LIMIT 1
    """
    tx.run(release, batch=batch_id, now=now)
    task_id = tx.value(missed, batch=batch_id)
    if task_id is not None:
        _add_delivery(tx, task_id, OutboxItem(kind=None), now)


def columns(task: Task) -> dict[str, object]:
    """Every column of a new task, with those of its request that are searched."""
    request = task.request
    searched = {
        "pack": str(request.operation.pack),
        "model": request.model,
        "mode": str(request.mode),
        "duration": task.timing_key[2],
    }
    return mapper.columns(task) | searched
