"""What was paid, given, made and charged, summed up by day: all that the business view asks for."""

from collections.abc import Sequence

from bot.domain.credits.caps import UNITS_PER_CREDIT
from bot.domain.operations.business import Grouping, Span, Sum
from bot.store.engine import Subject

# Days are those of the clocks: within a span these are always as far ahead of UTC. Credits that move with a group were
# granted before.
PAID = """
    SELECT (paid_at + :offset) / 86400000 AS day,
        CASE :by WHEN 'user' THEN CAST(user_id AS TEXT) ELSE '' END AS name,
        sum(CASE WHEN subscription IS NULL THEN stars ELSE 0 END) AS stars_packages,
        sum(CASE WHEN subscription IS NULL THEN 0 ELSE stars END) AS stars_subscriptions,
        sum(credits) AS credits_sold
    FROM payments INDEXED BY payments_by_time
    WHERE paid_at >= :since AND paid_at < :until
    GROUP BY day, name
"""

REFUNDED = """
    SELECT (refunded_at + :offset) / 86400000 AS day,
        CASE :by WHEN 'user' THEN CAST(user_id AS TEXT) ELSE '' END AS name,
        sum(stars) AS stars_refunded, sum(taken) AS credits_taken_back
    FROM payments INDEXED BY payments_refunded
    WHERE refunded_at >= :since AND refunded_at < :until
    GROUP BY day, name
"""

GIVEN = """
    SELECT (at + :offset) / 86400000 AS day,
        CASE :by
            WHEN 'user' THEN CAST(coalesce(tasks.user_id, ledger.user_id) AS TEXT)
            WHEN 'provider' THEN coalesce(tasks.provider, '')
            WHEN 'model' THEN coalesce(tasks.model, '')
            ELSE ''
        END AS name,
        sum(CASE WHEN kind = 'grant' AND substr(idempotency_key, 1, 6) != 'moved:' THEN amount ELSE 0 END)
            AS credits_granted,
        sum(CASE WHEN kind = 'refund' AND task_id IS NOT NULL THEN amount ELSE 0 END) AS credits_refunded
    FROM ledger INDEXED BY ledger_given LEFT JOIN tasks ON tasks.id = ledger.task_id
    WHERE at >= :since AND at < :until AND kind IN ('grant', 'refund')
    GROUP BY day, name
"""

MADE = """
    WITH made AS (
        SELECT (finished_at + :offset) / 86400000 AS day,
            CASE :by
                WHEN 'user' THEN CAST(user_id AS TEXT)
                WHEN 'provider' THEN coalesce(provider, '')
                WHEN 'model' THEN model
                ELSE ''
            END AS name,
            coalesce(provider, '') AS provider, price, real_cost,
            CASE WHEN real_cost IS NULL THEN price * :units ELSE CAST(real_cost AS REAL) END AS units,
            EXISTS (SELECT 1 FROM charges INDEXED BY charges_of_task WHERE task_id = tasks.id) AS is_told
        FROM tasks INDEXED BY tasks_ended
        WHERE finished_at >= :since AND finished_at < :until AND state = 'succeeded'
    )
    SELECT day, name, provider, count(*) AS tasks, sum(price) AS credits_charged, sum(units) AS units,
        sum(CASE WHEN real_cost IS NULL THEN units ELSE 0 END) AS units_estimated,
        sum(CASE WHEN is_told THEN 0 ELSE units END) AS untold
    FROM made GROUP BY day, name, provider
"""

CHARGED = """
    SELECT (charged_at + :offset) / 86400000 AS day,
        CASE :by
            WHEN 'user' THEN coalesce(CAST(tasks.user_id AS TEXT), '')
            WHEN 'provider' THEN charges.provider
            WHEN 'model' THEN coalesce(tasks.model, charges.model)
            ELSE ''
        END AS name,
        charges.provider AS provider, product, currency, sum(amount) AS amount
    FROM charges INDEXED BY charges_by_time LEFT JOIN tasks ON tasks.id = charges.task_id
    WHERE charged_at >= :since AND charged_at < :until
    GROUP BY day, name, charges.provider, product, currency
"""


class Business(Subject):
    """Sums over payments, the ledger, tasks and charges."""

    async def list_sums(self, by: Grouping, spans: Sequence[Span]) -> list[Sum]:
        """What each table says of each day of the spans, by what is grouped by."""
        return await self._read(
            lambda tx: [
                found
                for span in spans
                for statement in (PAID, REFUNDED, GIVEN, MADE, CHARGED)
                for found in tx.all(
                    Sum,
                    statement,
                    by=str(by),
                    since=span.since,
                    until=span.until,
                    offset=span.offset,
                    units=UNITS_PER_CREDIT,
                )
            ]
        )
