"""The outbox: deliveries to chats, sent or still to send; `Tasks.apply` adds them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.tasks.shortfall import Shortfall
from bot.domain.tasks.task import CHAT_GONE, Delivery, RemoteResult, Task
from bot.domain.types import Millis, TaskId
from bot.store.engine import Row, Subject, Transaction, mapper


@dataclass(frozen=True, slots=True)
class SentRecord:
    """What is kept of a delivery that arrived. Telegram's `file_unique_id` stays the same wherever the file goes."""

    message_id: int | None
    file_id: str | None = None
    file_unique_id: str | None = None
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    size_bytes: int | None = None
    copy_of: int | None = None


class Outbox(Subject):
    """Deliveries by their id."""

    async def claim(
        self,
        now: Millis,
        lease: Millis,
        limit: int,
        *,
        notices: bool | None = None,
        without: Sequence[str] = (),
    ) -> list[Delivery]:
        """Claim the `limit` rows that are due the longest: they become `sending`, with one more attempt.

        They are `notices` or bring files; None: both. With a row come the due ones of its task and batch: they are one
        album. No row is taken whose address begins as one in `without`, but for those of such an album; and none that
        waits for a smaller copy.
        """
        due = """
            SELECT task_id FROM outbox INDEXED BY outbox_due
            WHERE state IN ('pending', 'sending') AND due_at <= :now AND coalesce(copies_left, 0) = 0
            AND (:notices IS NULL OR (kind = 'notice') = :notices) AND NOT EXISTS (
                SELECT 1 FROM json_items(:without) AS other WHERE strpos(coalesce(url, ''), other.value) = 1
            )
            ORDER BY due_at LIMIT :limit
        """
        batches = """
            SELECT other.id FROM tasks AS chosen JOIN tasks AS other ON other.batch_id = chosen.batch_id
            WHERE chosen.id = ANY (:tasks)
        """
        claim = """
            UPDATE outbox SET state = 'sending', due_at = :until, attempts = attempts + 1,
                first_tried_at = coalesce(first_tried_at, :now)
            WHERE task_id = ANY (:tasks) AND (:notices IS NULL OR (kind = 'notice') = :notices)
            AND +state IN ('pending', 'sending') AND due_at <= :now AND coalesce(copies_left, 0) = 0
            RETURNING *
        """
        chosen = {"now": now, "notices": notices, "without": list(without), "limit": limit}

        def work(tx: Transaction) -> list[Delivery]:
            found = sorted(set(tx.values(due, **chosen)))
            tasks = sorted({*found, *tx.values(batches, tasks=found)})
            rows = tx.all(Row, claim, now=now, until=now + lease, tasks=tasks, notices=notices)
            return [with_task(tx, row) for row in sorted(rows, key=lambda row: int(row["id"]))]

        # Most ticks find nothing: a look by a reader costs no commit.
        if not await self._read(lambda tx: tx.values(due, **chosen)):
            return []
        return await self._write(work)

    async def want_copy(self, delivery_id: int, size: int | None, tries: int, now: Millis) -> None:
        """Set a row back until `claim_copy` takes it: its file, of so many bytes, is larger than the chat takes.

        With no tries it is `claim` that takes it: its address is left to be offered.
        """
        statement = """
            UPDATE outbox SET state = 'pending', due_at = :now, size_bytes = :size, copies_left = :tries WHERE id = :id
        """
        await self._write(lambda tx: tx.run(statement, id=delivery_id, size=size, tries=tries, now=now))

    async def claim_copy(self, now: Millis, lease: Millis) -> Delivery | None:
        """Claim the row that waits the longest for a smaller copy; it may be tried once less."""
        first = """
            SELECT id FROM outbox INDEXED BY outbox_due
            WHERE state IN ('pending', 'sending') AND due_at <= :now AND copies_left > 0 ORDER BY due_at LIMIT 1
        """
        claim = """
            UPDATE outbox SET state = 'sending', due_at = :until, attempts = attempts + 1, copies_left = copies_left - 1
            WHERE id = :id RETURNING *
        """

        def work(tx: Transaction) -> Delivery | None:
            found = tx.value(first, now=now)
            if found is None:
                return None
            row = tx.one(Row, claim, id=found, until=now + lease)
            return None if row is None else with_task(tx, row)

        if await self._read(lambda tx: tx.value(first, now=now)) is None:
            return None
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
                duration_ms = :duration_ms, size_bytes = :size_bytes, copy_of = :copy_of, finished_at = :now,
                copies_left = NULL, place = NULL, in_album = 0, sends = 0, failing_since = NULL,
                first_tried_at = NULL
            WHERE id = :id
        """
        add = """
            INSERT INTO result_files (file_unique_id, task_id, position)
            SELECT :file, task_id, position FROM outbox WHERE id = :id ON CONFLICT DO NOTHING
        """

        def work(tx: Transaction) -> None:
            tx.run(statement, id=delivery_id, now=now, **mapper.columns(sent))
            if sent.file_unique_id is not None:
                tx.run(add, id=delivery_id, file=sent.file_unique_id)

        await self._write(work)

    # -- where a result goes ------------------------------------------------------------------------------

    async def count_send(self, delivery_ids: Collection[int], change: int) -> None:
        """Count a message that is about to be sent for some rows (1), or that was surely not sent (-1)."""
        statement = "UPDATE outbox SET sends = sends + :change WHERE id = ANY (:ids)"
        await self._write(lambda tx: tx.run(statement, ids=sorted(delivery_ids), change=change))

    async def set_places(self, places: Mapping[int, int], *, in_album: bool) -> None:
        """Save which message each row's result is put into."""
        statement = "UPDATE outbox SET place = :place, in_album = :in_album WHERE id = :id"

        def work(tx: Transaction) -> None:
            for delivery_id, place in places.items():
                tx.run(statement, id=delivery_id, place=place, in_album=int(in_album))

        await self._write(work)

    async def forget_places(self, delivery_ids: Collection[int]) -> None:
        """The messages that results were to be put into are gone."""
        statement = "UPDATE outbox SET place = NULL, in_album = 0 WHERE id = ANY (:ids)"
        await self._write(lambda tx: tx.run(statement, ids=sorted(delivery_ids)))

    async def take_status(self, delivery_id: int, task_id: TaskId) -> int | None:
        """Make the status message of its task the place of a result; None: there is none."""
        find = "SELECT status_message_id FROM tasks WHERE id = :task"
        take = "UPDATE outbox SET place = :place, in_album = 0 WHERE id = :id"
        release = """
            UPDATE tasks SET status_message_id = NULL
            WHERE id = :task OR batch_id = (SELECT batch_id FROM tasks WHERE id = :task)
        """

        def work(tx: Transaction) -> int | None:
            place = tx.value(find, task=task_id)
            if place is None:
                return None
            tx.run(take, id=delivery_id, place=place)
            tx.run(release, task=task_id)
            return int(place)

        return await self._write(work)

    async def send_privately(self, task_id: TaskId) -> None:
        """Let a task go on in its person's private chat: its own can no longer be written to."""
        move = """
            UPDATE tasks SET asked_in = chat_id, chat_id = user_id, message_id = NULL, thread_id = NULL, is_private = 1,
                status_message_id = NULL
            WHERE id = :task
        """
        forget = "UPDATE outbox SET place = NULL, in_album = 0, sends = 0 WHERE task_id = :task"

        def work(tx: Transaction) -> None:
            tx.run(move, task=task_id)
            tx.run(forget, task=task_id)

        await self._write(work)

    async def set_less(self, delivery_id: int, less: Shortfall) -> None:
        """Save what a result lacks of what was ordered."""
        statement = "UPDATE outbox SET less = :less WHERE id = :id"
        await self._write(
            lambda tx: tx.run(statement, id=delivery_id, less=less.model_dump_json(exclude_defaults=True))
        )

    # -- what cannot be sent ------------------------------------------------------------------------------

    async def note_failing(self, delivery_id: int, now: Millis) -> Millis:
        """Note that the file of a row is missing or wrong; since when it is."""
        statement = """
            UPDATE outbox SET failing_since = coalesce(failing_since, :now) WHERE id = :id RETURNING failing_since
        """
        return Millis(await self._write(lambda tx: tx.value(statement, id=delivery_id, now=now)))

    async def take_late(self, before: Millis, limit: int) -> list[Delivery]:
        """What was first tried before then and whose file has not come, one row for each request, and each request once."""
        find = """
            SELECT task_id FROM outbox INDEXED BY outbox_due
            WHERE state IN ('pending', 'sending') AND first_tried_at <= :before AND late_told = 0
            AND kind != 'notice' AND copies_left IS NULL AND file_id IS NULL
            AND (failing_since IS NOT NULL OR failure IS NULL)
            ORDER BY due_at LIMIT :limit
        """
        of_batch = """
            SELECT other.id FROM tasks AS chosen JOIN tasks AS other ON other.batch_id = chosen.batch_id
            WHERE chosen.id = :task
        """
        mark = """
            UPDATE outbox SET late_told = 1 WHERE task_id = ANY (:tasks) AND kind != 'notice' AND late_told = 0
            RETURNING *
        """

        def work(tx: Transaction) -> list[Delivery]:
            late = []
            for task in dict.fromkeys(tx.values(find, before=before, limit=limit)):
                together = sorted({task, *tx.values(of_batch, task=task)})
                rows = [row for row in tx.all(Row, mark, tasks=together) if row["task_id"] == task]
                late += [with_task(tx, min(rows, key=lambda row: int(row["position"])))] if rows else []
            return late

        if not await self._read(lambda tx: tx.values(find, before=before, limit=limit)):
            return []
        return await self._write(work)

    async def renew(self, delivery_id: int, video: RemoteResult) -> None:
        """Save where a result can be fetched from now."""
        statement = """
            UPDATE outbox SET url = :url, other_urls = :other_urls, remote_id = :remote_id,
                remote_duration_ms = :remote_duration_ms
            WHERE id = :id
        """
        await self._write(lambda tx: tx.run(statement, id=delivery_id, **mapper.columns(video)))

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

    async def list_abandoned(self, before: Millis, limit: int) -> list[Delivery]:
        """What was paid for, could not be delivered before then, and whose person has not come back."""
        statement = """
            SELECT * FROM outbox INDEXED BY outbox_abandoned
            WHERE state = 'undeliverable' AND finished_at < :before AND failure LIKE :gone AND kind != 'notice'
            ORDER BY finished_at LIMIT :limit
        """

        def work(tx: Transaction) -> list[Delivery]:
            rows = tx.all(Row, statement, before=before, gone=f"{CHAT_GONE}%", limit=limit)
            return [with_task(tx, row) for row in rows]

        return await self._read(work)

    async def count_lost(self, since: Millis) -> int:
        """How many tasks have a result since then that its provider never handed out."""
        statement = """
            SELECT count(DISTINCT task_id) FROM outbox INDEXED BY outbox_abandoned
            WHERE state = 'undeliverable' AND finished_at >= :since AND kind != 'notice'
            AND (failure LIKE 'Download%' OR failure LIKE 'NotAVideo%' OR failure LIKE 'NotOffered%')
        """
        return await self._read(lambda tx: int(tx.value(statement, since=since)))

    async def list_undeliverable(self, since: Millis, limit: int) -> list[str]:
        """Why the results were given up that could not be sent since then, newest first."""
        statement = """
            SELECT coalesce(failure, '') FROM outbox INDEXED BY outbox_abandoned
            WHERE state = 'undeliverable' AND finished_at >= :since AND kind != 'notice'
            ORDER BY finished_at DESC LIMIT :limit
        """
        return await self._read(lambda tx: tx.values(statement, since=since, limit=limit))

    async def list_of(self, task_id: TaskId) -> list[Delivery]:
        """A task's deliveries in order."""
        statement = "SELECT * FROM outbox WHERE task_id = :task ORDER BY id"

        def work(tx: Transaction) -> list[Delivery]:
            return [with_task(tx, row) for row in tx.all(Row, statement, task=task_id)]

        return await self._read(work)


def with_task(tx: Transaction, row: Row) -> Delivery:
    """A row as a delivery, with its task."""
    task = tx.one(Task, "SELECT * FROM tasks WHERE id = :task", task=row["task_id"])
    kind = None if row["kind"] == "notice" else row["kind"]
    return mapper.load(Delivery, row | {"task": task, "kind": kind})
