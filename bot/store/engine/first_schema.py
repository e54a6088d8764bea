"""The first schema of a SQLite file, which `migrations` changes; never edit it.

Times are UTC milliseconds, credits integers; documents are JSON text.
"""

FIRST_SCHEMA = (
    """
    CREATE TABLE inbox (
        update_id INTEGER PRIMARY KEY,
        chat_id INTEGER,
        payload TEXT NOT NULL,
        sent_at INTEGER,
        received_at INTEGER NOT NULL,
        processed_at INTEGER
    ) STRICT
    """,
    "CREATE INDEX inbox_newest ON inbox (received_at, update_id)",
    "CREATE INDEX inbox_waiting ON inbox (update_id) WHERE processed_at IS NULL",
    "CREATE INDEX inbox_done ON inbox (processed_at) WHERE processed_at IS NOT NULL",
    """
    CREATE TABLE users (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        username TEXT,
        telegram_language TEXT,
        language TEXT,
        plan TEXT,
        plan_until INTEGER,
        preferences TEXT,
        invited_by INTEGER,
        created_at INTEGER NOT NULL,
        seen_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX users_username ON users (lower(username))",
    "CREATE INDEX users_invited ON users (invited_by) WHERE invited_by IS NOT NULL",
    """
    CREATE TABLE chats (
        id INTEGER PRIMARY KEY,
        moved_to INTEGER,
        changed_at INTEGER
    ) STRICT
    """,
    "CREATE UNIQUE INDEX chats_moved ON chats (moved_to) WHERE moved_to IS NOT NULL",
    """
    CREATE TABLE attachments (
        sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
        media_type TEXT NOT NULL,
        content BLOB NOT NULL,
        user_id INTEGER,
        used_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX attachments_used ON attachments (used_at)",
    "CREATE INDEX attachments_of_user ON attachments (user_id) WHERE user_id IS NOT NULL",
    """
    CREATE TABLE tasks (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        user_id INTEGER NOT NULL,
        chat_id INTEGER NOT NULL,
        message_id INTEGER,
        thread_id INTEGER,
        update_id INTEGER UNIQUE,
        language TEXT NOT NULL,
        is_private INTEGER NOT NULL CHECK (is_private IN (0, 1)),
        request TEXT NOT NULL,
        model TEXT NOT NULL,
        mode TEXT NOT NULL,
        duration INTEGER NOT NULL,
        price INTEGER NOT NULL CHECK (price >= 0),
        priority INTEGER NOT NULL DEFAULT 0,
        external_task_id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL CHECK (state IN ('queued', 'submitting', 'unconfirmed', 'in_progress',
                                             'succeeded', 'failed', 'cancelled', 'expired')),
        version INTEGER NOT NULL,
        due_at INTEGER,
        hastened_at INTEGER,
        deadline_at INTEGER NOT NULL,
        provider TEXT,
        provider_task_id TEXT,
        attempts INTEGER NOT NULL,
        looks INTEGER NOT NULL,
        excluded TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        submitted_at INTEGER,
        finished_at INTEGER,
        progress INTEGER,
        failure TEXT,
        failure_detail TEXT,
        real_cost TEXT,
        status_message_id INTEGER,
        favourite INTEGER NOT NULL DEFAULT 0 CHECK (favourite IN (0, 1)),
        hidden INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1))
    ) STRICT
    """,
    "CREATE INDEX tasks_due ON tasks (state, due_at) WHERE due_at IS NOT NULL",
    """
    CREATE INDEX tasks_at_provider ON tasks (provider, provider_task_id)
    WHERE provider_task_id IS NOT NULL AND due_at IS NOT NULL
    """,
    # Each index ends with the sequence by itself: "before this one in the same state" is one range of it.
    "CREATE INDEX tasks_by_state ON tasks (state)",
    "CREATE INDEX tasks_queued ON tasks (user_id, sequence, due_at, deadline_at, priority) WHERE state = 'queued'",
    """
    CREATE INDEX tasks_deadline ON tasks (deadline_at)
    WHERE state IN ('queued', 'unconfirmed', 'in_progress')
    """,
    "CREATE INDEX tasks_spent ON tasks (created_at, state, provider, price, real_cost)",
    "CREATE INDEX tasks_of_user ON tasks (user_id, state, sequence)",
    "CREATE INDEX tasks_of_chat ON tasks (chat_id, created_at)",
    "CREATE INDEX tasks_of_person ON tasks (user_id, sequence) WHERE hidden = 0",
    "CREATE INDEX tasks_favourite ON tasks (user_id, sequence) WHERE favourite = 1",
    "CREATE INDEX tasks_of_request ON tasks (chat_id, message_id) WHERE message_id IS NOT NULL",
    "CREATE INDEX tasks_shown ON tasks (sequence) WHERE status_message_id IS NOT NULL",
    """
    CREATE INDEX tasks_took ON tasks (provider, model, mode, duration, finished_at)
    WHERE state = 'succeeded'
    """,
    """
    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('grant', 'hold', 'charge', 'release', 'purchase', 'refund', 'adjust')),
        amount INTEGER NOT NULL,
        held INTEGER NOT NULL,
        allowance INTEGER NOT NULL,
        at INTEGER NOT NULL,
        counted_at INTEGER NOT NULL,
        operation_id TEXT NOT NULL UNIQUE,
        task_id TEXT REFERENCES tasks (id),
        actor_id INTEGER,
        expires_at INTEGER,
        note TEXT NOT NULL,
        CHECK (kind NOT IN ('hold', 'charge', 'release') OR task_id IS NOT NULL),
        CHECK (expires_at IS NULL OR (kind IN ('grant', 'purchase') AND amount > 0)),
        CHECK (kind != 'hold' OR (amount <= 0 AND held = -amount AND allowance BETWEEN amount AND 0)),
        CHECK (kind != 'charge' OR (amount = 0 AND held <= 0)),
        CHECK (kind != 'release' OR (amount >= 0 AND held = -amount))
    ) STRICT
    """,
    "CREATE INDEX ledger_of_user ON ledger (user_id, counted_at, amount, held, allowance)",
    "CREATE UNIQUE INDEX ledger_hold ON ledger (task_id) WHERE kind = 'hold'",
    # A task is settled once: with a charge or with a release.
    "CREATE UNIQUE INDEX ledger_settlement ON ledger (task_id) WHERE kind IN ('charge', 'release')",
    """
    CREATE TRIGGER ledger_keeps_rows BEFORE UPDATE ON ledger
    WHEN new.user_id >= 0 OR new.note NOT IN ('', old.note)
    OR (new.id, new.kind, new.amount, new.held, new.allowance, new.at, new.counted_at, new.operation_id)
        IS NOT (old.id, old.kind, old.amount, old.held, old.allowance, old.at, old.counted_at, old.operation_id)
    OR (new.task_id, new.actor_id, new.expires_at) IS NOT (old.task_id, old.actor_id, old.expires_at)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER ledger_loses_nothing BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        task_id TEXT NOT NULL REFERENCES tasks (id),
        kind TEXT NOT NULL CHECK (kind IN ('video', 'image', 'audio', 'notice')),
        position INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'delivered', 'undeliverable')),
        attempts INTEGER NOT NULL,
        due_at INTEGER,
        url TEXT,
        remote_id TEXT,
        remote_duration_ms INTEGER,
        file_id TEXT,
        message_id INTEGER,
        width INTEGER,
        height INTEGER,
        duration_ms INTEGER,
        size_bytes INTEGER,
        failure TEXT,
        finished_at INTEGER,
        UNIQUE (task_id, kind, position)
    ) STRICT
    """,
    "CREATE INDEX outbox_sent ON outbox (message_id) WHERE message_id IS NOT NULL",
    "CREATE INDEX outbox_due ON outbox (due_at) WHERE state IN ('pending', 'sending')",
    """
    CREATE TABLE task_messages (
        chat_id INTEGER NOT NULL,
        message_id INTEGER NOT NULL,
        task_id TEXT NOT NULL REFERENCES tasks (id),
        position INTEGER NOT NULL,
        purpose TEXT NOT NULL CHECK (purpose IN ('copy', 'beside', 'extend', 'lip_sync', 'effect')),
        PRIMARY KEY (chat_id, message_id)
    ) STRICT
    """,
    "CREATE INDEX task_messages_of_task ON task_messages (task_id)",
    """
    CREATE TABLE kept_words (
        user_id INTEGER NOT NULL,
        token TEXT NOT NULL,
        words TEXT NOT NULL,
        used_at INTEGER NOT NULL,
        PRIMARY KEY (user_id, token)
    ) STRICT
    """,
    "CREATE INDEX kept_words_used ON kept_words (used_at)",
    """
    CREATE TABLE settings (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT
    """,
    "INSERT INTO settings (key, value) VALUES ('pseudonyms', hex(randomblob(32)))",
    """
    CREATE TABLE drafts (
        user_id INTEGER NOT NULL,
        chat_id INTEGER NOT NULL,
        data TEXT NOT NULL,
        message_id INTEGER,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (user_id, chat_id)
    ) STRICT
    """,
    "CREATE INDEX drafts_updated ON drafts (updated_at)",
    """
    CREATE TABLE recipes (
        token TEXT PRIMARY KEY,
        user_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        folded_name TEXT NOT NULL,
        settings TEXT NOT NULL,
        frame_count INTEGER NOT NULL CHECK (frame_count BETWEEN 0 AND 2),
        picture_count INTEGER NOT NULL CHECK (picture_count BETWEEN 0 AND 7),
        created_at INTEGER NOT NULL,
        UNIQUE (user_id, folded_name)
    ) STRICT
    """,
    """
    CREATE TABLE awaited (
        user_id INTEGER NOT NULL,
        chat_id INTEGER NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        PRIMARY KEY (user_id, chat_id)
    ) STRICT
    """,
    "CREATE INDEX awaited_since ON awaited (asked_at)",
    # -- credits: the lots that a movement of the ledger concerns, and what was bought
    # Each row says what a movement added to or took from one lot: the credits of one grant or purchase, which
    # expire together. Of every movement the parts sum up to what concerns the granted balance of it.
    """
    CREATE TABLE ledger_parts (
        operation_id TEXT NOT NULL REFERENCES ledger (operation_id),
        account_id INTEGER NOT NULL,
        lot TEXT NOT NULL REFERENCES ledger (operation_id),
        expires_at INTEGER,
        amount INTEGER NOT NULL CHECK (amount != 0),
        PRIMARY KEY (operation_id, lot)
    ) STRICT
    """,
    "CREATE INDEX ledger_parts_of_account ON ledger_parts (account_id, expires_at, lot, amount)",
    """
    CREATE TRIGGER ledger_parts_keep BEFORE UPDATE ON ledger_parts
    WHEN new.account_id >= 0 OR (new.operation_id, new.lot, new.expires_at, new.amount)
        IS NOT (old.operation_id, old.lot, old.expires_at, old.amount)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER ledger_parts_lose_nothing BEFORE DELETE ON ledger_parts
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TABLE offers (
        token TEXT PRIMARY KEY,
        user_id INTEGER NOT NULL,
        package TEXT NOT NULL,
        credits INTEGER NOT NULL CHECK (credits > 0),
        stars INTEGER NOT NULL CHECK (stars > 0),
        offered_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX offers_since ON offers (offered_at)",
    "CREATE INDEX offers_of_user ON offers (user_id)",
    """
    CREATE TABLE payments (
        charge_id TEXT PRIMARY KEY,
        user_id INTEGER NOT NULL,
        credits INTEGER NOT NULL CHECK (credits >= 0),
        stars INTEGER NOT NULL CHECK (stars > 0),
        paid_at INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('paid', 'refunding', 'refunded')),
        taken INTEGER NOT NULL CHECK (taken BETWEEN 0 AND credits),
        refunds INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX payments_of_user ON payments (user_id, paid_at)",
    # -- operations: who may do what, what they did, and what they send to everybody
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
