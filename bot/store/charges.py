"""What Kling's accounting says that it took, row by row, and which task each row is for."""

import json
from collections.abc import Sequence
from typing import Any

from bot.domain.operations.charges import Charge, ChargedTask, ChargeSum
from bot.domain.types import Millis, ProviderName
from bot.store.engine import Subject, Transaction

_MATCH = """
    UPDATE charges SET task_id = (
        SELECT id FROM tasks INDEXED BY tasks_known_as WHERE provider_task_id = charges.remote_id LIMIT 1
    )
    WHERE task_id IS NULL AND charged_at >= :since
"""

_MATCH_CALLS = """
    UPDATE charges SET task_id = coalesce(
        (
            SELECT id FROM tasks INDEXED BY tasks_spent
            WHERE created_at BETWEEN charges.charged_at - 120000 AND charges.charged_at + 0
            AND provider = charges.provider AND model IN ('lip-sync', 'avatar')
            ORDER BY created_at DESC LIMIT 1
        ),
        (
            SELECT id FROM tasks INDEXED BY tasks_spent
            WHERE created_at BETWEEN charges.charged_at + 0 AND charges.charged_at + 600000
            AND provider = charges.provider AND model IN ('lip-sync', 'avatar')
            ORDER BY created_at ASC LIMIT 1
        ),
        (
            SELECT id FROM tasks INDEXED BY tasks_spent
            WHERE created_at BETWEEN charges.charged_at - 3600000 AND charges.charged_at + 0
            AND provider = charges.provider AND model IN ('lip-sync', 'avatar')
            ORDER BY created_at DESC LIMIT 1
        )
    )
    WHERE task_id IS NULL AND charged_at >= :since
    AND (function LIKE '%face%' OR function LIKE '%speech%' OR function LIKE '%tts%')
"""
"""Faces are found and speech is made by calls that are no tasks, as a task is sent or shortly before it is asked for.

Each belongs to the one of up to two minutes before, of up to ten minutes after, or that waited longest, in this order.
"""


class Charges(Subject):
    """The rows of all providers, each once, and how far each accounting has been read."""

    async def get_reading(self, provider: ProviderName) -> dict[str, Any]:
        """How far a provider's accounting has been read, as `save` kept it; empty: never."""
        statement = "SELECT reading FROM accountings WHERE provider = :provider"
        kept: str | None = await self._read(lambda tx: tx.value(statement, provider=provider))
        return dict(json.loads(kept)) if kept else {}

    async def save(
        self, provider: ProviderName, reading: dict[str, Any], rows: Sequence[Charge], since: Millis
    ) -> int:
        """Keep the rows that are new, match to tasks what has none since then, and keep how far that is.

        Returns how many rows are new. A row that was read before, also through another provider, is not kept again.
        """

        def work(tx: Transaction) -> int:
            new = sum(tx.insert("charges", row, ignore=True) for row in rows)
            tx.run(_MATCH, since=since)
            tx.run(_MATCH_CALLS, since=since)
            row = {"provider": provider, "reading": json.dumps(reading)}
            tx.insert("accountings", row, replace=("provider",))
            return new

        return await self._write(work)

    async def sum_charges(self, since: Millis) -> list[ChargeSum]:
        """What was charged since then, by provider and kind of unit."""
        statement = """
            SELECT provider, product, currency, sum(amount) AS amount, count(*) AS number,
                sum(CASE WHEN task_id IS NULL THEN 1 ELSE 0 END) AS unmatched
            FROM charges INDEXED BY charges_by_time WHERE charged_at >= :since
            GROUP BY provider, product, currency ORDER BY provider, currency, product
        """
        return await self._read(lambda tx: tx.all(ChargeSum, statement, since=since))

    async def list_unmatched(self, since: Millis, limit: int) -> list[Charge]:
        """The newest charges since then that no task of ours is known for."""
        statement = """
            SELECT * FROM charges INDEXED BY charges_unmatched WHERE task_id IS NULL AND charged_at >= :since
            ORDER BY charged_at DESC LIMIT :limit
        """
        return await self._read(lambda tx: tx.all(Charge, statement, since=since, limit=limit))

    async def list_charged_tasks(self, since: Millis, limit: int) -> list[ChargedTask]:
        """Tasks that were charged since then, the newest first, each with the sum of its charges of one kind."""
        statement = """
            SELECT tasks.id, tasks.provider, tasks.request, tasks.price, tasks.state, tasks.failure,
                one.product, one.currency, one.amount, one.charged_at
            FROM (
                SELECT task_id, product, currency, sum(amount) AS amount, max(charged_at) AS charged_at
                FROM charges INDEXED BY charges_by_time
                WHERE charged_at >= :since AND task_id IS NOT NULL
                GROUP BY task_id, product, currency
            ) AS one JOIN tasks ON tasks.id = one.task_id
            ORDER BY one.charged_at DESC LIMIT :limit
        """
        return await self._read(lambda tx: tx.all(ChargedTask, statement, since=since, limit=limit))

    async def list_told_tasks(self, since: Millis, limit: int) -> list[ChargedTask]:
        """Tasks that ended since then whose provider told their cost by itself, and whose accounting is not known.

        What it told is in units of video.
        """
        statement = """
            SELECT id, provider, request, price, state, failure, 'video' AS product, '' AS currency,
                CAST(real_cost AS REAL) AS amount, finished_at AS charged_at
            FROM tasks INDEXED BY tasks_ended
            WHERE finished_at >= :since AND state = 'succeeded' AND pack != 'library' AND real_cost IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM charges INDEXED BY charges_of_task WHERE task_id = tasks.id)
            ORDER BY finished_at DESC LIMIT :limit
        """
        return await self._read(lambda tx: tx.all(ChargedTask, statement, since=since, limit=limit))
