"""An index of what was refunded of a task."""

from sqlite_utils import Database


def apply(db: Database) -> None:
    """Create the index."""
    db.execute(
        "CREATE INDEX ledger_refunds ON ledger (task_id) WHERE kind = 'refund' AND task_id IS NOT NULL"
    )
