"""The tables for those who run the bot: who may do what, what they did, and what they send to everybody."""

OPERATING_TABLES = (
    """
    CREATE TABLE standings (
        user_id INTEGER PRIMARY KEY,
        admission TEXT NOT NULL CHECK (admission IN ('undecided', 'asked', 'allowed', 'denied')),
        role TEXT CHECK (role IN ('admin', 'support')),
        ban TEXT,
        reachable INTEGER NOT NULL CHECK (reachable IN (0, 1)),
        paused_until INTEGER NOT NULL,
        version INTEGER NOT NULL,
        changed_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX standings_staff ON standings (role) WHERE role IS NOT NULL",
    "CREATE INDEX standings_waiting ON standings (changed_at) WHERE admission = 'asked'",
    """
    CREATE TABLE invite_codes (
        code TEXT PRIMARY KEY,
        uses INTEGER NOT NULL CHECK (uses > 0),
        used INTEGER NOT NULL CHECK (used BETWEEN 0 AND uses),
        ends_at INTEGER NOT NULL,
        plan TEXT,
        created_by INTEGER NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX invite_codes_ends ON invite_codes (ends_at)",
    """
    CREATE TABLE invite_uses (
        code TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (code, user_id)
    ) STRICT
    """,
    """
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        operation_id TEXT NOT NULL UNIQUE,
        at INTEGER NOT NULL,
        actor_id INTEGER,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        before TEXT NOT NULL,
        after TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX audit_of_subject ON audit (subject, id)",
    """
    CREATE TRIGGER audit_keeps_rows BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
    """
    CREATE TRIGGER audit_loses_nothing BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
    """
    CREATE TABLE broadcasts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        text TEXT NOT NULL,
        plan TEXT,
        language TEXT,
        state TEXT NOT NULL CHECK (state IN ('draft', 'sending', 'done', 'stopped')),
        reached INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        total INTEGER NOT NULL,
        created_by INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        message_id INTEGER
    ) STRICT
    """,
    "CREATE INDEX broadcasts_sending ON broadcasts (id) WHERE state = 'sending'",
    """
    CREATE TABLE strikes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        source TEXT NOT NULL CHECK (source IN ('words', 'hook', 'provider')),
        rule TEXT NOT NULL,
        prompt TEXT NOT NULL,
        operation_id TEXT NOT NULL UNIQUE
    ) STRICT
    """,
    "CREATE INDEX strikes_of_user ON strikes (user_id, at)",
    "CREATE INDEX strikes_since ON strikes (at)",
    "CREATE INDEX tasks_ended ON tasks (finished_at) WHERE finished_at IS NOT NULL",
)
