"""The outbox: deliveries to chats, sent or still to send; `Tasks.apply` adds them."""

from dataclasses import dataclass

from bot.domain.tasks.task import Delivery, Task
from bot.domain.units import Millis, TaskId
from bot.store.engine import Row, Subject, Transaction, mapper


@dataclass(frozen=True, slots=True)
class SentRecord:
    """What is kept of a delivery that arrived."""

    message_id: int | None
    file_id: str | None = None
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    size_bytes: int | None = None


class Outbox(Subject):
    """Deliveries by their id."""

    async def claim(self, now: Millis, lease: Millis, limit: int) -> list[Delivery]:
        """Claim due rows: they become `sending`, with one more attempt."""
        any_due = "SELECT 1 FROM outbox WHERE state IN ('pending', 'sending') AND due_at <= :now LIMIT 1"
        claim = """
            UPDATE outbox SET state = 'sending', due_at = :until, attempts = attempts + 1
            WHERE id IN (
                SELECT id FROM outbox WHERE state IN ('pending', 'sending') AND due_at <= :now
                ORDER BY due_at LIMIT :limit
            )
            RETURNING *
        """

        def work(tx: Transaction) -> list[Delivery]:
            rows = tx.all(Row, claim, now=now, until=now + lease, limit=limit)
            return [with_task(tx, row) for row in sorted(rows, key=lambda row: int(row["id"]))]

        # Most ticks find nothing: a look by a reader costs no commit.
        if await self._read(lambda tx: tx.value(any_due, now=now)) is None:
            return []
        return await self._write(work)

    async def release(self, now: Millis) -> int:
        """Make due what was being sent when the process ended; how many rows."""
        statement = """
            UPDATE outbox SET state = 'pending', due_at = :now
            WHERE state IN ('pending', 'sending') AND due_at > :now AND +state = 'sending'
        """
        return await self._write(lambda tx: tx.run(statement, now=now))

    async def mark_delivered(self, delivery_id: int, sent: SentRecord, now: Millis) -> None:
        """Save that a delivery arrived, and as what."""
        statement = """
            UPDATE outbox SET
                state = 'delivered', due_at = NULL, failure = NULL, message_id = :message_id,
                file_id = coalesce(:file_id, file_id), width = :width, height = :height,
                duration_ms = :duration_ms, size_bytes = :size_bytes, finished_at = :now
            WHERE id = :id
        """
        await self._write(lambda tx: tx.run(statement, id=delivery_id, now=now, **mapper.columns(sent)))

    async def postpone(self, delivery_id: int, due_at: Millis, failure: str) -> None:
        """Set a delivery back to `pending` until `due_at`."""
        statement = "UPDATE outbox SET state = 'pending', due_at = :due_at, failure = :failure WHERE id = :id"
        await self._write(lambda tx: tx.run(statement, id=delivery_id, due_at=due_at, failure=failure))

    async def mark_undeliverable(self, delivery_id: int, failure: str, now: Millis) -> None:
        """Give a delivery up; the row stays, so that the user can ask for it."""
        statement = """
            UPDATE outbox SET state = 'undeliverable', due_at = NULL, failure = :failure, finished_at = :now
            WHERE id = :id
        """
        await self._write(lambda tx: tx.run(statement, id=delivery_id, failure=failure, now=now))

    async def list_of(self, task_id: TaskId) -> list[Delivery]:
        """A task's deliveries in order."""
        statement = "SELECT * FROM outbox WHERE task_id = :task ORDER BY id"

        def work(tx: Transaction) -> list[Delivery]:
            return [with_task(tx, row) for row in tx.all(Row, statement, task=task_id)]

        return await self._read(work)


def with_task(tx: Transaction, row: Row) -> Delivery:
    """A row as a delivery, with its task."""
    task = tx.one(Task, "SELECT * FROM tasks WHERE id = :task", task=row["task_id"])
    return mapper.load(Delivery, row | {"task": task})
