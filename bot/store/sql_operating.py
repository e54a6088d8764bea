"""Every statement of `bot.store.sqlite.operating`; see `bot.store.sql` for the rules."""

STANDING = "SELECT * FROM standings WHERE user_id = ?"

# The first change makes the row; from then on the version decides who was first.
SET_STANDING = """
    INSERT INTO standings (user_id, admission, role, ban, reachable, paused_until, version, changed_at)
    SELECT :user_id, :admission, :role, :ban, :reachable, :paused_until, :version + 1, :now
    WHERE :version = 0 OR EXISTS (SELECT 1 FROM standings WHERE user_id = :user_id)
    ON CONFLICT (user_id) DO UPDATE SET
        admission = excluded.admission, role = excluded.role, ban = excluded.ban,
        reachable = excluded.reachable, paused_until = excluded.paused_until,
        version = excluded.version, changed_at = excluded.changed_at
    WHERE standings.version = :version
"""

STAFF = "SELECT * FROM standings INDEXED BY standings_staff WHERE role IS NOT NULL"

WAITING = """
    SELECT users.* FROM standings INDEXED BY standings_waiting JOIN users ON users.id = standings.user_id
    WHERE standings.admission = 'asked' ORDER BY standings.changed_at LIMIT ?
"""

PEOPLE = """
    SELECT * FROM users
    WHERE NOT EXISTS (
        SELECT 1 FROM json_each(:words) AS word
        WHERE instr(casefold(users.name || ' ' || coalesce('@' || users.username, '')), word.value) = 0
    )
    ORDER BY seen_at DESC LIMIT :limit OFFSET :skip
"""

INVITES = "SELECT * FROM invite_codes WHERE ends_at > ? ORDER BY ends_at LIMIT ?"

INVITE = "SELECT * FROM invite_codes WHERE code = ?"

INVITE_OF_OPERATION = """
    SELECT invite_codes.* FROM audit JOIN invite_codes ON invite_codes.code = audit.subject
    WHERE audit.operation_id = ?
"""

REVOKE_INVITE = "UPDATE invite_codes SET ends_at = :now WHERE code = :code AND ends_at > :now"

USED_BEFORE = "SELECT 1 FROM invite_uses WHERE code = ? AND user_id = ?"

USE_INVITE = "UPDATE invite_codes SET used = used + 1 WHERE code = ?"

SET_PLAN_BY_INVITE = "UPDATE users SET plan = ?, plan_until = NULL WHERE id = ?"

AUDIT = "SELECT * FROM audit ORDER BY id DESC LIMIT :limit OFFSET :skip"

AUDIT_OF = """
    SELECT * FROM audit INDEXED BY audit_of_subject
    WHERE subject = :subject ORDER BY id DESC LIMIT :limit OFFSET :skip
"""

ENDED_SINCE = """
    SELECT * FROM tasks INDEXED BY tasks_ended
    WHERE finished_at >= :since AND state IN (SELECT value FROM json_each(:states))
    ORDER BY finished_at DESC LIMIT :limit
"""

FIGURES = """
    SELECT id, user_id, model, state, price, provider, real_cost, created_at, submitted_at, finished_at, failure
    FROM tasks INDEXED BY tasks_ended
    WHERE finished_at >= :since AND state IN ('succeeded', 'failed', 'cancelled', 'expired')
    ORDER BY finished_at DESC LIMIT :limit
"""

FIGURES_OF = """
    SELECT id, user_id, model, state, price, provider, real_cost, created_at, submitted_at, finished_at, failure
    FROM tasks INDEXED BY tasks_of_user
    WHERE user_id = :user AND state IN ('succeeded', 'failed', 'cancelled', 'expired') AND finished_at >= :since
    ORDER BY finished_at DESC LIMIT :limit
"""

ADD_BROADCAST = """
    INSERT INTO broadcasts (text, state, reached, sent, failed, total, created_by, created_at)
    VALUES (?, 'draft', 0, 0, 0, 0, ?, ?) RETURNING id
"""

BROADCAST = "SELECT * FROM broadcasts WHERE id = ?"

SENDING = "SELECT * FROM broadcasts INDEXED BY broadcasts_sending WHERE state = 'sending' ORDER BY id LIMIT 1"

CHANGE_BROADCAST = """
    UPDATE broadcasts SET
        plan = :plan, language = :language, state = :state, reached = :reached, sent = :sent, failed = :failed,
        total = :total, message_id = :message_id
    WHERE id = :id AND state = :before
"""

_AUDIENCE = """
    FROM users LEFT JOIN standings ON standings.user_id = users.id
    WHERE users.id > :reached
    AND coalesce(standings.reachable, 1) = 1 AND standings.ban IS NULL
    AND coalesce(standings.admission, 'undecided') NOT IN ('asked', 'denied')
    AND (:language IS NULL OR :language = coalesce(
        users.language, CASE WHEN users.telegram_language LIKE 'zh%' THEN 'zh_Hans' ELSE 'en' END
    ))
    AND (:plan IS NULL OR :plan = CASE
        WHEN users.plan != :default_plan AND (users.plan_until IS NULL OR users.plan_until > :now) THEN users.plan
        WHEN users.subscribed_until > :now THEN users.subscribed_plan
        ELSE :default_plan
    END)
"""

AUDIENCE = f"SELECT users.* {_AUDIENCE} ORDER BY users.id LIMIT :limit"

COUNT_AUDIENCE = f"SELECT count(*) {_AUDIENCE}"

COUNT_STRIKES = "SELECT count(*) FROM strikes INDEXED BY strikes_of_user WHERE user_id = ? AND at >= ?"

STRIKES = "SELECT * FROM strikes INDEXED BY strikes_since WHERE at > 0 ORDER BY at DESC LIMIT :limit"

STRIKES_OF = """
    SELECT * FROM strikes INDEXED BY strikes_of_user WHERE user_id = :user ORDER BY at DESC LIMIT :limit
"""

# -- settings ----------------------------------------------------------------------------------------

ADD_SETTING = "INSERT INTO settings (key, value) VALUES (:key, :after) ON CONFLICT (key) DO NOTHING"

SWAP_SETTING = "UPDATE settings SET value = :after WHERE key = :key AND value = :before"

WHOLE_HISTORY = {
    AUDIT: "it is read from its newest row on, and ends with the page",
    AUDIENCE: "a broadcast goes through everybody, once",
    COUNT_AUDIENCE: "how many a broadcast goes to is counted once",
    PEOPLE: "an admin searches everybody by words; people are few beside tasks",
}
"""The statements that may read a whole table, and why."""
