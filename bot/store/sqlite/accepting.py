"""How a task begins: with its attachments and a hold of its price."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from bot.domain.credits.quota import Plan, PoolUse, Windows, may_hold, within_group_budget
from bot.domain.credits.spending import NO_CAPS, Caps, total, within
from bot.domain.requests.request import Attachment
from bot.domain.tasks.task import LedgerRow, Task
from bot.domain.units import Credits, Millis
from bot.store import lots, sql
from bot.store.base import StoredAttachment, TaskIdTaken
from bot.store.rows import insert, task_of, task_values
from bot.store.sqlite import money
from bot.store.sqlite.file import SqliteFile


class Accepting(SqliteFile):
    """See `bot.store.base.accepting`."""

    async def accept(
        self,
        task: Task,
        attachments: Sequence[StoredAttachment],
        plan: Plan,
        window: Windows,
        group_budget: int | None = None,
        pool: PoolUse = PoolUse.OFF,
        caps: Caps = NO_CAPS,
    ) -> Task:
        def work(db: sqlite3.Connection) -> Task:
            if task.origin.update_id is not None:
                known = db.execute(sql.TASK_OF_UPDATE, (task.origin.update_id,)).fetchone()
                if known is not None:
                    return task_of(known)
            if db.execute(sql.TASK, (task.id,)).fetchone() is not None:
                raise TaskIdTaken(task.id)
            usage = money.usage(db, task.user_id, window)
            payer = money.pool_that_pays(db, task, pool)
            # Where a pool pays, who asks is still bound to how much may run at a time.
            allowance = may_hold(task.price if payer is None else Credits(0), plan, usage, window)
            hold = LedgerRow.hold(task, allowance, payer)
            if group_budget is not None:
                spent = money.spent_in(db, task.origin.chat_id, window.day_start)
                within_group_budget(task.price, group_budget, spent, window)
            if caps:
                within(caps, total(money.spent_units(db, window).values()), task.price, window)
            for attachment in attachments:
                _keep_attachment(db, attachment, task.created_at)
            insert(db, "tasks", task_values(task))
            lots.book(db, hold)
            return task

        return await self._writer.do(work)

    async def attachments(self, refs: Sequence[Attachment]) -> Mapping[str, bytes]:
        hashes = [ref.sha256 for ref in refs]
        rows = await self._rows(sql.ATTACHMENTS, (json.dumps(hashes),))
        return {row["sha256"]: row["content"] for row in rows}

    async def keep_attachment(self, attachment: StoredAttachment, now: Millis) -> None:
        await self._writer.do(lambda db: _keep_attachment(db, attachment, now))


def _keep_attachment(db: sqlite3.Connection, attachment: StoredAttachment, now: Millis) -> None:
    ref = attachment.ref
    db.execute(sql.KEEP_ATTACHMENT, (ref.sha256, ref.media_type, attachment.content, attachment.owner, now))
