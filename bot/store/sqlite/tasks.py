"""The life of a task: who looks at it next, and each step that it takes."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from bot.domain.tasks.lifecycle import Settlement, Transition
from bot.domain.tasks.task import Task, TaskState
from bot.domain.units import Millis, ProviderName, TaskId, UserId
from bot.store import sql
from bot.store.base import Conflict
from bot.store.rows import changing_values, insert, task_of
from bot.store.sqlite import money, privacy
from bot.store.sqlite.file import SqliteFile


class Tasks(SqliteFile):
    """See `bot.store.base.tasks`."""

    # -- reading -------------------------------------------------------------------------------------

    async def task(self, task_id: TaskId) -> Task | None:
        row = await self._row(sql.TASK, (task_id,))
        return None if row is None else task_of(row)

    async def tasks_of(self, user_id: UserId, states: Sequence[TaskState], limit: int = 20) -> list[Task]:
        rows = await self._rows(sql.TASKS_OF, (user_id, _states(states), limit))
        return [task_of(row) for row in rows]

    async def tasks_in(self, states: Sequence[TaskState], limit: int = 1000) -> list[Task]:
        rows = await self._rows(sql.TASKS_IN, (_states(states), limit))
        return [task_of(row) for row in rows]

    async def count_running(self) -> Mapping[ProviderName, int]:
        rows = await self._rows(sql.COUNT_RUNNING)
        return {ProviderName(row[0]): row[1] for row in rows}

    async def queue_position(self, task: Task) -> int:
        row = await self._row(sql.QUEUE_POSITION, (task.id,))
        return 0 if row is None else int(row[0])

    async def has_other_success(self, task: Task) -> bool:
        return await self._row(sql.OTHER_SUCCESS, (task.user_id, task.id)) is not None

    async def overdue(self, now: Millis, limit: int) -> list[Task]:
        rows = await self._rows(sql.OVERDUE, (now, limit))
        return [task_of(row) for row in rows]

    async def ended_with_status(self, limit: int) -> list[Task]:
        rows = await self._rows(sql.ENDED_WITH_STATUS, (limit,))
        return [task_of(row) for row in rows]

    async def durations(
        self, provider: ProviderName, key: tuple[str, str, int], limit: int = 50
    ) -> list[int]:
        rows = await self._rows(sql.DURATIONS, (provider, *key, limit))
        return [row[0] for row in rows]

    async def durations_at(self, provider: ProviderName, limit: int = 50) -> list[int]:
        rows = await self._rows(sql.LATELY_TOOK, (provider, limit))
        return [row[0] for row in rows]

    # -- claiming ------------------------------------------------------------------------------------

    async def due_queued(self, now: Millis, limit: int) -> list[Task]:
        rows = await self._rows(sql.DUE_QUEUED, {"now": now, "limit": limit})
        return [task_of(row) for row in rows]

    async def postpone(self, task_ids: Sequence[TaskId], until: Millis) -> None:
        values = {"ids": json.dumps(list(task_ids)), "until": until}
        await self._writer.do(lambda db: db.execute(sql.POSTPONE, values))

    async def claim_due(
        self, now: Millis, lease: Millis, states: Sequence[TaskState], limit: int
    ) -> list[Task]:
        values = {"now": now, "until": now + lease, "states": _states(states), "limit": limit}
        # Most ticks find nothing: a look by a reader costs no commit.
        if await self._row(sql.ANY_DUE, values) is None:
            return []
        rows = await self._writer.do(lambda db: db.execute(sql.CLAIM_DUE, values).fetchall())
        return sorted((task_of(row) for row in rows), key=lambda task: task.created_at)

    async def hasten(
        self,
        provider: ProviderName,
        external_task_id: str | None,
        provider_task_id: str | None,
        now: Millis,
        pause: Millis,
    ) -> Task | None:
        ids = {
            "provider": provider,
            "external_task_id": external_task_id,
            "provider_task_id": provider_task_id,
        }
        # A callback about a task that nobody waits for costs no commit.
        found = await self._row(sql.TASK_TO_HASTEN, ids)
        if found is None or found["due_at"] is None or found["due_at"] <= now:
            return None
        values = {"id": found["id"], "now": now, "pause": pause}
        row = await self._writer.do(lambda db: db.execute(sql.HASTEN, values).fetchone())
        return None if row is None else task_of(row)

    # -- changing ------------------------------------------------------------------------------------

    async def apply(self, transition: Transition, now: Millis) -> Task:
        before, after = transition.before, transition.after

        def work(db: sqlite3.Connection) -> Task:
            values = {**changing_values(after), "id": before.id, "before": before.version}
            row = db.execute(sql.APPLY, values).fetchone()
            if row is None:
                raise Conflict(f"task {before.id} is no longer at version {before.version}")
            if transition.settlement is not Settlement.KEEP:
                money.settle(db, after, transition.settlement, now)
            if task_of(row).is_forgotten:
                # There is nobody to tell, and nothing to send once more.
                return (
                    privacy.end_forgotten(db, row, now) if after.state is TaskState.QUEUED else task_of(row)
                )
            for item in transition.outbox:
                video = item.video
                insert(
                    db,
                    "outbox",
                    {
                        "task_id": after.id,
                        "kind": str(item.kind),
                        "position": item.position,
                        "state": "pending",
                        "attempts": 0,
                        "due_at": now,
                        "url": None if video is None else video.url,
                        "remote_id": None if video is None else video.id,
                        "remote_duration_ms": None if video is None else video.duration_ms,
                    },
                )
            return task_of(row)

        return await self._writer.do(work)

    async def set_status_message(self, task_id: TaskId, message_id: int | None) -> None:
        await self._write(sql.SET_STATUS_MESSAGE, (message_id, task_id))


def _states(states: Sequence[TaskState]) -> str:
    return json.dumps([str(state) for state in states])
