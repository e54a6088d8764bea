"""What admins did, in one transaction with its audit entry and a notice; and the notices still to send."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.operations.records import AuditRow, PersonNotice
from bot.domain.types import Millis
from bot.store.engine import Row, Subject, Transaction
from bot.store.operations import save_audit_row


@dataclass(frozen=True, slots=True)
class DueNotice:
    """A notice that is to be sent now, for the `attempts`th time."""

    id: int
    attempts: int
    notice: PersonNotice


class Notices(Subject):
    """Notices to people, until they are sent."""

    async def commit(
        self,
        audit: AuditRow,
        change: Callable[[Transaction], tuple[str, str] | None],
        notice: PersonNotice | None,
    ) -> bool:
        """Change something, with audit of what was before and after, and enqueue a notice.

        False: this operation was done before, or there was nothing to change.
        """
        known = "SELECT 1 FROM audit WHERE idempotency_key = :operation"

        def work(tx: Transaction) -> bool:
            if tx.value(known, operation=audit.idempotency_key) is not None:
                return False
            changed = change(tx)
            if changed is None:
                return False
            before, after = changed
            save_audit_row(tx, replace(audit, before=before, after=after))
            if notice is not None:
                enqueue(tx, notice, audit.at)
            return True

        return await self._write(work)

    async def claim(self, now: Millis, lease: Millis, limit: int) -> list[DueNotice]:
        """Claim the notices that are due; each has one attempt more, and is due again after the lease."""
        due = (
            "SELECT id FROM notices INDEXED BY notices_due WHERE due_at <= :now ORDER BY due_at LIMIT :limit"
        )
        claim = (
            "UPDATE notices SET attempts = attempts + 1, due_at = :until WHERE id = ANY (:ids) RETURNING *"
        )

        def work(tx: Transaction) -> list[DueNotice]:
            ids = tx.values(due, now=now, limit=limit)
            rows = tx.all(Row, claim, ids=sorted(ids), until=now + lease)
            return [_read(row) for row in sorted(rows, key=lambda row: int(row["id"]))]

        if not await self._read(lambda tx: tx.values(due, now=now, limit=limit)):
            return []
        return await self._write(work)

    async def postpone(self, notice_id: int, due_at: Millis) -> None:
        """Set a notice back that was surely not sent."""
        statement = "UPDATE notices SET attempts = attempts - 1, due_at = :due_at WHERE id = :id"
        await self._write(lambda tx: tx.run(statement, id=notice_id, due_at=due_at))

    async def end(self, notice_id: int) -> None:
        """Delete a notice that was sent, or cannot be."""
        await self._write(lambda tx: tx.run("DELETE FROM notices WHERE id = :id", id=notice_id))


def enqueue(tx: Transaction, notice: PersonNotice, now: Millis) -> None:
    """Enqueue a notice in a transaction of another subject."""
    row: dict[str, Any] = {
        "user_id": notice.user_id,
        "key": notice.key,
        "params": json.dumps(dict(notice.params)),
        "sender": notice.sender,
        "due_at": now,
        "attempts": 0,
    }
    tx.insert("notices", row)


def _read(row: Row) -> DueNotice:
    notice = PersonNotice(row["user_id"], row["key"], json.loads(row["params"]), row["sender"])
    return DueNotice(row["id"], row["attempts"], notice)
