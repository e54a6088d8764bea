"""The outbox: what is still to be sent to a chat, and what arrived."""

from dataclasses import dataclass
from typing import Protocol

from bot.domain.tasks.task import Delivery
from bot.domain.units import Millis, TaskId


@dataclass(frozen=True, slots=True)
class SentRecord:
    """What is kept of a delivery that arrived."""

    message_id: int | None
    file_id: str | None = None
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    size_bytes: int | None = None


class Deliveries(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    async def claim_deliveries(self, now: Millis, lease: Millis, limit: int) -> list[Delivery]:
        """Take outbox rows that wait or whose lease ran out; state `sending`, `attempts` one more."""
        ...

    async def release_deliveries(self, now: Millis) -> int:
        """Make due what was being sent when the process ended; return how many rows."""
        ...

    async def delivered(self, delivery_id: int, sent: SentRecord, now: Millis) -> None:
        """A delivery arrived."""
        ...

    async def retry_delivery(self, delivery_id: int, due_at: Millis, failure: str) -> None:
        """Not now: back to `pending` until `due_at`."""
        ...

    async def undeliverable(self, delivery_id: int, failure: str, now: Millis) -> None:
        """It cannot be delivered; the row stays, so that the user can still ask for it."""
        ...

    async def deliveries_of(self, task_id: TaskId) -> list[Delivery]:
        """A task's outbox rows in order."""
        ...
