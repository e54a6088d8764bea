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

# The one place where refunds of a task are booked: what is left of its charge bounds each of them.
REFUND_TASK = """
    WITH paid AS (
        SELECT hold.user_id AS account, -hold.amount - (
            SELECT coalesce(sum(refund.amount), 0) FROM ledger AS refund INDEXED BY ledger_refunds
            WHERE refund.task_id = :task AND refund.kind = 'refund'
        ) AS remaining
        FROM ledger AS hold
        WHERE hold.task_id = :task AND hold.kind = 'hold'
        AND EXISTS (SELECT 1 FROM ledger AS charge WHERE charge.task_id = :task AND charge.kind = 'charge')
    )
    INSERT INTO ledger (
        user_id, kind, amount, held, allowance, at, counted_at, operation_id, task_id, actor_id, note
    )
    SELECT account, 'refund', CASE WHEN :amount < remaining THEN :amount ELSE remaining END,
        0, 0, :now, :now, :operation, :task, :actor, :note
    FROM paid WHERE remaining > 0 AND (:amount IS NULL OR :amount > 0)
    ON CONFLICT (operation_id) DO NOTHING
    RETURNING *
"""

LEDGER_ROW = "SELECT * FROM ledger WHERE operation_id = ?"

# A pool is booked under the id that its chat had first.
FIRST_CHAT = "SELECT id FROM chats INDEXED BY chats_moved WHERE moved_to = ?"

POOL_SPENDERS = """
    SELECT users.name, -sum(ledger.amount) AS spent
    FROM ledger INDEXED BY ledger_of_user
    JOIN tasks ON tasks.id = ledger.task_id LEFT JOIN users ON users.id = tasks.user_id
    WHERE ledger.user_id = :account AND ledger.counted_at >= :since AND ledger.kind IN ('hold', 'release')
    GROUP BY tasks.user_id HAVING spent > 0 ORDER BY spent DESC, users.id LIMIT :limit
"""

# What is spent at Kling, in its own units: as told, else by the price. What failed cost nothing; what waits
# counts already, so that a cap holds whatever comes next.
SPENT_UNITS = """
    WITH spent AS (
        SELECT provider, created_at, price, iif(state = 'succeeded', real_cost, NULL) AS told,
            iif(real_cost IS NULL, price * :units, CAST(real_cost AS REAL)) AS units
        FROM tasks INDEXED BY tasks_spent
        WHERE created_at >= :month AND created_at < :end AND state NOT IN ('failed', 'cancelled')
        AND NOT (state = 'expired' AND provider IS NULL)
    )
    SELECT provider, coalesce(sum(units) FILTER (WHERE created_at >= :day), 0) AS day, sum(units) AS month,
        coalesce(sum(CAST(told AS REAL)), 0) AS told,
        coalesce(sum(price) FILTER (WHERE told IS NOT NULL), 0) AS told_credits
    FROM spent GROUP BY provider
"""

OFFER = "SELECT * FROM offers WHERE token = ?"

SUBSCRIPTION = "SELECT * FROM subscriptions WHERE token = ?"

SUBSCRIPTION_OF_USER = """
    SELECT * FROM subscriptions INDEXED BY subscriptions_of_user WHERE user_id = ? AND paid_until > ?
    ORDER BY paid_until DESC LIMIT 1
"""

EXTEND_SUBSCRIPTION = """
    UPDATE subscriptions SET charge_id = coalesce(charge_id, :charge), renews = 1,
        paid_until = max(coalesce(paid_until, 0), :until)
    WHERE token = :token
"""

END_SUBSCRIPTION = """
    UPDATE subscriptions SET paid_until = :ended, renews = 0 WHERE token = :token AND paid_until = :until
"""

SET_RENEWAL = "UPDATE subscriptions SET renews = :renews WHERE token = :token AND renews != :renews"

SUBSCRIBED = """
    UPDATE users SET (subscribed_plan, subscribed_until) = (
        SELECT plan, paid_until + :grace FROM subscriptions INDEXED BY subscriptions_of_user
        WHERE user_id = :user AND paid_until IS NOT NULL ORDER BY paid_until DESC LIMIT 1
    ) WHERE id = :user
"""

PAYMENT = "SELECT * FROM payments WHERE charge_id = ?"

SET_PAYMENT = "UPDATE payments SET state = :state, taken = :taken, refunds = :refunds WHERE charge_id = :id"
