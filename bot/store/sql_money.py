"""The statements about granted credits and purchases. As in `bot.store.sql`, none reads a whole history."""

LOTS = """
    SELECT lot, expires_at, sum(amount) AS left FROM ledger_parts INDEXED BY ledger_parts_of_account
    WHERE account_id IN (:account, pseudonym(:account)) AND (expires_at IS NULL OR expires_at > :since)
    GROUP BY lot, expires_at HAVING sum(amount) > 0
    ORDER BY expires_at IS NULL, expires_at, lot
"""

GIVE_BACK = """
    INSERT INTO ledger_parts (operation_id, account_id, lot, expires_at, amount)
    SELECT :release, account_id, lot, expires_at, -amount FROM ledger_parts WHERE operation_id = :hold
"""
