"""The tables for money: which credits a movement of the ledger concerns, and what was bought."""

MONEY_TABLES = (
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
)
