"""The outbox: what is still to be sent to a chat, and what arrived."""

import sqlite3

from bot.domain.tasks.task import Delivery
from bot.domain.units import Millis, TaskId
from bot.store import sql
from bot.store.base import SentRecord
from bot.store.rows import delivery_of, task_of
from bot.store.sqlite.file import SqliteFile


class Deliveries(SqliteFile):
    """See `bot.store.base.deliveries`."""

    async def claim_deliveries(self, now: Millis, lease: Millis, limit: int) -> list[Delivery]:
        values = {"now": now, "until": now + lease, "limit": limit}
        if await self._row(sql.ANY_DELIVERY_DUE, values) is None:
            return []

        def work(db: sqlite3.Connection) -> list[Delivery]:
            rows = db.execute(sql.CLAIM_DELIVERIES, values).fetchall()
            return [with_task(db, row) for row in sorted(rows, key=lambda row: int(row["id"]))]

        return await self._writer.do(work)

    async def release_deliveries(self, now: Millis) -> int:
        return await self._writer.do(lambda db: db.execute(sql.RELEASE_DELIVERIES, {"now": now}).rowcount)

    async def delivered(self, delivery_id: int, sent: SentRecord, now: Millis) -> None:
        values = (
            sent.message_id,
            sent.file_id,
            sent.width,
            sent.height,
            sent.duration_ms,
            sent.size_bytes,
            now,
            delivery_id,
        )
        await self._write(sql.DELIVERED, values)

    async def retry_delivery(self, delivery_id: int, due_at: Millis, failure: str) -> None:
        await self._write(sql.RETRY_DELIVERY, (due_at, failure, delivery_id))

    async def undeliverable(self, delivery_id: int, failure: str, now: Millis) -> None:
        await self._write(sql.UNDELIVERABLE, (failure, now, delivery_id))

    async def deliveries_of(self, task_id: TaskId) -> list[Delivery]:
        def work(db: sqlite3.Connection) -> list[Delivery]:
            rows = db.execute(sql.DELIVERIES_OF, (task_id,)).fetchall()
            return [with_task(db, row) for row in rows]

        return await self._read(work)


def with_task(db: sqlite3.Connection, row: sqlite3.Row) -> Delivery:
    """Read an outbox row together with its task."""
    return delivery_of(row, task_of(db.execute(sql.TASK, (row["task_id"],)).fetchone()))
