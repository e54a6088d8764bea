"""Subscriptions that are paid in Stars every month, and the plan that a person has by one."""

from sqlite_utils import Database

STATEMENTS = (
    """
    CREATE TABLE subscriptions (
        token TEXT PRIMARY KEY,
        user_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        plan TEXT NOT NULL,
        credits INTEGER NOT NULL CHECK (credits >= 0),
        stars INTEGER NOT NULL CHECK (stars > 0),
        offered_at INTEGER NOT NULL,
        charge_id TEXT,
        paid_until INTEGER,
        renews INTEGER NOT NULL CHECK (renews IN (0, 1))
    ) STRICT
    """,
    "CREATE INDEX subscriptions_of_user ON subscriptions (user_id, paid_until)",
    "CREATE INDEX subscriptions_never_paid ON subscriptions (offered_at) WHERE paid_until IS NULL",
    "ALTER TABLE payments ADD COLUMN subscription TEXT",
    "ALTER TABLE payments ADD COLUMN paid_until INTEGER",
    "ALTER TABLE users ADD COLUMN subscribed_plan TEXT",
    "ALTER TABLE users ADD COLUMN subscribed_until INTEGER",
)


def apply(db: Database) -> None:
    """Create them."""
    for statement in STATEMENTS:
        db.execute(statement)
