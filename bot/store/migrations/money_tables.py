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
)
