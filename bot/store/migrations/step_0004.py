"""A table for the elements and voices that people made."""

from sqlite_utils import Database

STATEMENTS = (
    """
    CREATE TABLE assets (
        id TEXT PRIMARY KEY,
        user_id INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('element', 'voice')),
        name TEXT NOT NULL,
        folded_name TEXT NOT NULL,
        description TEXT NOT NULL,
        pictures TEXT NOT NULL,
        sound TEXT,
        video TEXT,
        provider TEXT NOT NULL,
        external_id TEXT NOT NULL UNIQUE,
        task_id TEXT,
        remote_id TEXT,
        chat_id INTEGER NOT NULL,
        message_id INTEGER,
        update_id INTEGER UNIQUE,
        language TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'unconfirmed', 'making', 'ready', 'failed',
                                             'deleting')),
        version INTEGER NOT NULL,
        due_at INTEGER,
        attempts INTEGER NOT NULL,
        looks INTEGER NOT NULL,
        failure TEXT,
        failure_detail TEXT,
        told INTEGER NOT NULL CHECK (told IN (0, 1)),
        made_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX assets_due ON assets (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX assets_of_user ON assets (user_id, kind, made_at)",
    "CREATE INDEX assets_known_as ON assets (remote_id) WHERE remote_id IS NOT NULL",
    "CREATE INDEX assets_failed ON assets (made_at) WHERE state = 'failed'",
    """
    CREATE UNIQUE INDEX assets_named ON assets (user_id, kind, folded_name)
    WHERE state NOT IN ('failed', 'deleting')
    """,
)


def apply(db: Database) -> None:
    """Create the table and its indexes."""
    for statement in STATEMENTS:
        db.execute(statement)
