"""A person's own data: what is kept of them, to take away as a file or to be forgotten for good."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from bot.clock import Clock
from bot.domain.tasks.task import ACTIVE_STATES
from bot.domain.types import UserId
from bot.services.tasks.status import Status
from bot.store import Store

log = structlog.get_logger(__name__)


class Privacy:
    """Exports and forgets.

    `retention_days` is how long what is not part of a history is kept; `sweep` deletes the files of what is forgotten.
    """

    def __init__(
        self,
        *,
        store: Store,
        status: Status,
        clock: Clock,
        retention_days: int,
        sweep: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._status = status
        self._clock = clock
        self.retention_days = retention_days
        self._sweep = sweep

    async def export(self, user_id: UserId) -> bytes:
        """Everything that is known of a person as one JSON file, for people and programs to read."""
        return await export_person(self._store, user_id)

    async def forget(self, user_id: UserId) -> None:
        """Delete everything of a person. What waits is cancelled, what runs is delivered to nobody."""
        for task in await self._store.tasks.list_of(user_id, sorted(ACTIVE_STATES), limit=1_000):
            await self._status.close(task)
        await self._store.privacy.forget(user_id, self._clock.now())
        await self._sweep()
        # Who it was is not for the log any more.
        log.info("somebody was forgotten")


async def export_person(store: Store, user_id: UserId) -> bytes:
    """Everything that is known of a person as one JSON file."""
    data = await store.privacy.export(user_id)
    readable = {name: [_with_moments(row) for row in rows] for name, rows in data.items()}
    return json.dumps(readable, ensure_ascii=False, indent=2).encode()


def _with_moments(row: dict[str, Any]) -> dict[str, Any]:
    """Times as people write them."""
    return {
        name: datetime.fromtimestamp(value / 1000, UTC).isoformat()
        if (name == "at" or name.endswith("_at")) and isinstance(value, int)
        else value
        for name, value in row.items()
    }
