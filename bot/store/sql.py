"""Every statement of the SQLite store, with the reasons for its shape.

None reads a whole history: what it costs depends on what is under way, or on one user, not on how long
the bot has been running. The exceptions stand in `WHOLE_HISTORY`; a test asks SQLite's planner. The planner
knows nothing of how the rows are spread, so `INDEXED BY` names an index where it would choose a wider one.
"""

# -- inbox -------------------------------------------------------------------------------------------

UNPROCESSED = "SELECT * FROM inbox WHERE processed_at IS NULL ORDER BY update_id"

# What was acted on need not be known any more; its id is, so that it is not acted on again.
MARK_PROCESSED = "UPDATE inbox SET processed_at = ?, payload = '{}' WHERE update_id = ?"

LAST_UPDATE = """
    SELECT update_id, received_at FROM inbox WHERE received_at = (SELECT max(received_at) FROM inbox)
    ORDER BY update_id DESC LIMIT 1
"""

# -- people and chats --------------------------------------------------------------------------------

USER = "SELECT * FROM users WHERE id = ?"

USER_BY_NAME = "SELECT * FROM users WHERE lower(username) = lower(?) ORDER BY seen_at DESC LIMIT 1"

SET_LANGUAGE = "UPDATE users SET language = ? WHERE id = ?"

SET_PLAN = "UPDATE users SET plan = ?, plan_until = ? WHERE id = ?"

SET_PREFERENCES = "UPDATE users SET preferences = ? WHERE id = ?"

SET_INVITER = """
    UPDATE users SET invited_by = :inviter
    WHERE id = :user AND id != :inviter AND invited_by IS NULL
    AND EXISTS (SELECT 1 FROM users AS known WHERE known.id = :inviter)
    AND NOT EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user)
"""

SEE_USER = """
    INSERT INTO users (id, name, username, telegram_language, created_at, seen_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        name = excluded.name,
        username = excluded.username,
        telegram_language = coalesce(excluded.telegram_language, telegram_language),
        seen_at = excluded.seen_at
    RETURNING *
"""

MOVE_CHAT = (
    "INSERT OR REPLACE INTO chats (moved_to, id) VALUES (?, ?)",
    "UPDATE tasks SET chat_id = ? WHERE chat_id = ?",
    "UPDATE inbox INDEXED BY inbox_waiting SET chat_id = ? WHERE chat_id = ? AND processed_at IS NULL",
    "UPDATE OR REPLACE drafts SET chat_id = ? WHERE chat_id = ?",
    "UPDATE OR REPLACE task_messages SET chat_id = ? WHERE chat_id = ?",
)
"""Each takes the new id and the old one. Updates that were acted on stay as they came."""

# -- attachments ------------------------------------------------------------------------------------------

ATTACHMENTS = "SELECT sha256, content FROM attachments WHERE sha256 IN (SELECT value FROM json_each(?))"

KEEP_ATTACHMENT = """
    INSERT INTO attachments (sha256, media_type, content, user_id, used_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (sha256) DO UPDATE SET
        used_at = max(used_at, excluded.used_at), user_id = coalesce(user_id, excluded.user_id)
"""

# -- tasks -------------------------------------------------------------------------------------------

TASK = "SELECT * FROM tasks WHERE id = ?"

TASK_OF_UPDATE = "SELECT * FROM tasks WHERE update_id = ?"

TASKS_OF = """
    SELECT * FROM tasks
    WHERE user_id = ? AND state IN (SELECT value FROM json_each(?))
    ORDER BY sequence DESC LIMIT ?
"""

TASKS_IN = """
    SELECT * FROM tasks
    WHERE state IN (SELECT value FROM json_each(?))
    ORDER BY sequence LIMIT ?
"""

SET_STATUS_MESSAGE = "UPDATE tasks SET status_message_id = ? WHERE id = ?"

COUNT_RUNNING = """
    SELECT provider, count(*) FROM tasks
    WHERE state IN ('submitting', 'unconfirmed', 'in_progress') AND provider IS NOT NULL
    GROUP BY provider
"""

QUEUE_POSITION = """
    SELECT count(*) FROM tasks
    WHERE state = 'queued' AND sequence < (SELECT sequence FROM tasks WHERE id = ?)
"""

# Everybody's turn comes round: the place in one's own queue, counted on from what is running already,
# goes before age, so that a thousand tasks of one user do not delay another's first. A plan's priority is
# worth so many places: enough to overtake, never to keep anybody out for good. Whole rows are read of the
# chosen only.
DUE_QUEUED = """
    WITH running AS (
        SELECT user_id, count(*) AS number FROM tasks
        WHERE state IN ('submitting', 'unconfirmed', 'in_progress')
        GROUP BY user_id
    ),
    waiting AS (
        SELECT sequence, user_id, priority, row_number() OVER (PARTITION BY user_id ORDER BY sequence) AS place
        FROM tasks INDEXED BY tasks_queued WHERE state = 'queued' AND due_at <= :now AND deadline_at > :now
    ),
    chosen AS (
        SELECT waiting.sequence, waiting.place + coalesce(running.number, 0) - waiting.priority AS turn
        FROM waiting LEFT JOIN running USING (user_id)
        ORDER BY turn, waiting.sequence LIMIT :limit
    )
    SELECT tasks.* FROM chosen JOIN tasks USING (sequence) ORDER BY chosen.turn, chosen.sequence
"""

POSTPONE = """
    UPDATE tasks SET due_at = max(due_at, :until)
    WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'queued'
"""

ANY_DUE = """
    SELECT 1 FROM tasks
    WHERE state IN (SELECT value FROM json_each(:states)) AND due_at <= :now
    LIMIT 1
"""

CLAIM_DUE = """
    UPDATE tasks SET due_at = :until
    WHERE sequence IN (
        SELECT sequence FROM tasks
        WHERE state IN (SELECT value FROM json_each(:states)) AND due_at <= :now
        ORDER BY due_at LIMIT :limit
    )
    RETURNING *
"""

# Two searches by index; our own id goes before the provider's.
TASK_TO_HASTEN = """
    SELECT id, due_at, 0 AS place FROM tasks WHERE external_task_id = :external_task_id AND provider = :provider
    UNION ALL
    SELECT id, due_at, 1 FROM tasks INDEXED BY tasks_at_provider
    WHERE provider = :provider AND provider_task_id = :provider_task_id AND due_at IS NOT NULL
    ORDER BY place LIMIT 1
"""

# The moment that a callback asked for stays beside the due time: while both are the same, nobody has
# looked since.
HASTEN = """
    UPDATE tasks SET
        due_at = max(:now, coalesce(hastened_at + :pause, 0)),
        hastened_at = max(:now, coalesce(hastened_at + :pause, 0))
    WHERE id = :id AND due_at > max(:now, coalesce(hastened_at + :pause, 0))
    AND state IN ('in_progress', 'expired', 'unconfirmed') AND looks = 0
    RETURNING *
"""

OVERDUE = """
    SELECT * FROM tasks INDEXED BY tasks_deadline
    WHERE state IN ('queued', 'unconfirmed', 'in_progress') AND deadline_at <= ?
    ORDER BY deadline_at LIMIT ?
"""

APPLY = """
    UPDATE tasks SET
        state = :state, version = :version, provider = :provider,
        due_at = CASE
            WHEN due_at = hastened_at AND :looks = 0 AND :state IN ('in_progress', 'expired')
            THEN min(due_at, :due_at)
            ELSE :due_at
        END,
        provider_task_id = :provider_task_id, attempts = :attempts, looks = :looks, excluded = :excluded,
        submitted_at = :submitted_at, finished_at = :finished_at, progress = :progress, failure = :failure,
        failure_detail = iif(user_id < 0, NULL, :failure_detail), real_cost = :real_cost
    WHERE id = :id AND version = :before
    RETURNING *
"""

OTHER_SUCCESS = """
    SELECT 1 FROM tasks INDEXED BY tasks_of_user WHERE user_id = ? AND state = 'succeeded' AND id != ? LIMIT 1
"""

ENDED_WITH_STATUS = """
    SELECT * FROM tasks INDEXED BY tasks_shown
    WHERE status_message_id IS NOT NULL
    AND state IN ('succeeded', 'failed', 'cancelled', 'expired')
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE task_id = tasks.id AND outbox.state IN ('pending', 'sending'))
    ORDER BY sequence LIMIT ?
"""

DURATIONS = """
    SELECT finished_at - submitted_at FROM tasks
    WHERE state = 'succeeded' AND provider = ? AND model = ? AND mode = ? AND duration = ?
    ORDER BY finished_at DESC LIMIT ?
"""

LATELY_TOOK = """
    SELECT finished_at - submitted_at FROM tasks INDEXED BY tasks_took_lately
    WHERE state = 'succeeded' AND provider = ? ORDER BY finished_at DESC LIMIT ?
"""

# -- history -----------------------------------------------------------------------------------------

# `casefold` is Python's: SQLite's own knows the letters of English only. The words are compared with one
# person's tasks, as they stand in the requests, so that nothing is kept of a prompt beside the request.
SEARCH_TASKS = """
    SELECT * FROM tasks INDEXED BY tasks_of_person
    WHERE user_id = :user AND hidden = 0 AND NOT EXISTS (
        SELECT 1 FROM json_each(:words) AS word WHERE instr(
            casefold(coalesce(tasks.request ->> '$.prompt', '') || ' ' || coalesce(tasks.request ->> '$.effect', '')),
            word.value
        ) = 0
    )
    ORDER BY sequence DESC LIMIT :limit OFFSET :skip
"""

FAVOURITES = """
    SELECT * FROM tasks INDEXED BY tasks_favourite
    WHERE user_id = :user AND favourite = 1 AND hidden = 0
    ORDER BY sequence DESC LIMIT :limit OFFSET :skip
"""

SEARCH_RESULTS = """
    SELECT outbox.* FROM tasks INDEXED BY tasks_of_person CROSS JOIN outbox ON outbox.task_id = tasks.id
    WHERE tasks.user_id = :user AND tasks.hidden = 0
    AND outbox.kind IN ('video', 'image') AND outbox.file_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM json_each(:words) AS word WHERE instr(
            casefold(coalesce(tasks.request ->> '$.prompt', '') || ' ' || coalesce(tasks.request ->> '$.effect', '')),
            word.value
        ) = 0
    )
    ORDER BY tasks.sequence DESC, outbox.position LIMIT :limit OFFSET :skip
"""

SET_FAVOURITE = "UPDATE tasks SET favourite = ? WHERE id = ?"

HIDE_TASK = "UPDATE tasks SET hidden = 1, favourite = 0 WHERE id = ?"

NOTE_MESSAGE = """
    INSERT OR REPLACE INTO task_messages (chat_id, message_id, task_id, position, purpose) VALUES (?, ?, ?, ?, ?)
"""

NOTED_MESSAGE = """
    SELECT tasks.*, task_messages.position, task_messages.purpose
    FROM task_messages JOIN tasks ON tasks.id = task_messages.task_id
    WHERE task_messages.message_id = ? AND task_messages.chat_id = ?
"""

RESULT_MESSAGE = """
    SELECT tasks.*, outbox.position, NULL AS purpose FROM outbox JOIN tasks ON tasks.id = outbox.task_id
    WHERE outbox.message_id = ? AND tasks.chat_id = ?
    ORDER BY outbox.id DESC LIMIT 1
"""

MESSAGES_OF = """
    SELECT tasks.chat_id, outbox.message_id FROM outbox JOIN tasks ON tasks.id = outbox.task_id
    WHERE outbox.task_id = :task AND outbox.message_id IS NOT NULL
    UNION
    SELECT chat_id, message_id FROM task_messages WHERE task_id = :task
"""

TASK_OF_REQUEST = """
    SELECT * FROM tasks INDEXED BY tasks_of_request
    WHERE chat_id = ? AND message_id = ? AND hidden = 0 ORDER BY sequence DESC LIMIT 1
"""

# -- deliveries --------------------------------------------------------------------------------------

ANY_DELIVERY_DUE = "SELECT 1 FROM outbox WHERE state IN ('pending', 'sending') AND due_at <= :now LIMIT 1"

CLAIM_DELIVERIES = """
    UPDATE outbox SET state = 'sending', due_at = :until, attempts = attempts + 1
    WHERE id IN (
        SELECT id FROM outbox WHERE state IN ('pending', 'sending') AND due_at <= :now
        ORDER BY due_at LIMIT :limit
    )
    RETURNING *
"""

DELIVERED = """
    UPDATE outbox SET
        state = 'delivered', due_at = NULL, failure = NULL, message_id = ?, file_id = coalesce(?, file_id),
        width = ?, height = ?, duration_ms = ?, size_bytes = ?, finished_at = ?
    WHERE id = ?
"""

RELEASE_DELIVERIES = """
    UPDATE outbox SET state = 'pending', due_at = :now
    WHERE state IN ('pending', 'sending') AND due_at > :now AND +state = 'sending'
"""

RETRY_DELIVERY = "UPDATE outbox SET state = 'pending', due_at = ?, failure = ? WHERE id = ?"

UNDELIVERABLE = """
    UPDATE outbox SET state = 'undeliverable', due_at = NULL, failure = ?, finished_at = ? WHERE id = ?
"""

DELIVERIES_OF = "SELECT * FROM outbox WHERE task_id = ? ORDER BY id"

# -- ledger ------------------------------------------------------------------------------------------

BOOKED = "SELECT 1 FROM ledger WHERE operation_id = ?"

# Whoever was forgotten and comes back has spent what they had spent (see `bot.store.sqlite.privacy`). The
# allowance counts in the window of the hold; a release has the hold's moment and the opposite sign.
USAGE = """
    SELECT
        (SELECT coalesce(sum(amount), 0) FROM ledger_parts INDEXED BY ledger_parts_of_account
         WHERE account_id IN (:user, pseudonym(:user)) AND (expires_at IS NULL OR expires_at > :now)),
        coalesce(sum(held), 0),
        coalesce(-sum(allowance) FILTER (WHERE counted_at >= :day AND counted_at < :end), 0),
        coalesce(-sum(allowance) FILTER (WHERE counted_at >= :month AND counted_at < :end), 0),
        coalesce(-sum(allowance) FILTER (WHERE counted_at >= :day_before AND counted_at < :day), 0),
        coalesce(-sum(allowance) FILTER (WHERE counted_at >= :month_before AND counted_at < :month), 0),
        (SELECT created_at FROM users WHERE id = :user),
        (SELECT count(*) FROM tasks
         WHERE user_id = :user AND state IN ('queued', 'submitting', 'unconfirmed', 'in_progress'))
    FROM ledger WHERE user_id IN (:user, pseudonym(:user))
"""

SPENT_IN = """
    SELECT coalesce(sum(price), 0) FROM tasks INDEXED BY tasks_of_chat
    WHERE chat_id = ? AND created_at >= ? AND state NOT IN ('failed', 'cancelled', 'expired')
"""

HOLD_OF = "SELECT * FROM ledger WHERE task_id = ? AND kind = 'hold'"

LEDGER = "SELECT * FROM ledger WHERE user_id = ? ORDER BY id DESC LIMIT ?"

LEDGER_TOTALS = "SELECT kind, count(*), sum(amount) FROM ledger GROUP BY kind"

# -- drafts ------------------------------------------------------------------------------------------

DRAFT = "SELECT * FROM drafts WHERE user_id = ? AND chat_id = ?"

DELETE_DRAFT = "DELETE FROM drafts WHERE user_id = ? AND chat_id = ?"

KEEP_WORDS = "INSERT OR REPLACE INTO kept_words (user_id, token, words, used_at) VALUES (?, ?, ?, ?)"

KEPT_WORDS = "SELECT words FROM kept_words WHERE user_id = ? AND token = ?"

AWAITED = "SELECT * FROM awaited WHERE user_id = ? AND chat_id = ?"

CLEAR_AWAITED = "DELETE FROM awaited WHERE user_id = ? AND chat_id = ?"

# -- recipes -----------------------------------------------------------------------------------------

RECIPE = "SELECT * FROM recipes WHERE token = ?"

RECIPES_OF = "SELECT * FROM recipes WHERE user_id = ? ORDER BY created_at DESC, token"

RECIPE_OF_NAME = "SELECT 1 FROM recipes WHERE user_id = ? AND folded_name = ? AND token != ?"

COUNT_RECIPES = "SELECT count(*) FROM recipes WHERE user_id = ? AND token != ?"

DELETE_RECIPE = "DELETE FROM recipes WHERE token = ? AND user_id = ?"

# -- settings ----------------------------------------------------------------------------------------

SETTING = "SELECT value FROM settings WHERE key = ?"

SET_SETTING = """
    INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""

# -- chores ------------------------------------------------------------------------------------------

# Which attachments are needed is gathered once, not once each: every text as long as a SHA-256 in a
# request that may still be sent, or in a draft, keeps the attachment of that name.
CLEAN = (
    """
    DELETE FROM inbox WHERE processed_at < ? AND update_id != (
        SELECT update_id FROM inbox WHERE received_at = (SELECT max(received_at) FROM inbox)
        ORDER BY update_id DESC LIMIT 1
    )
    """,
    "DELETE FROM drafts WHERE updated_at < ?",
    "DELETE FROM awaited WHERE asked_at < ?",
    "DELETE FROM assets WHERE state = 'failed' AND made_at < ?",
    "DELETE FROM offers WHERE offered_at < ?",
    "DELETE FROM subscriptions INDEXED BY subscriptions_never_paid WHERE paid_until IS NULL AND offered_at < ?",
    "DELETE FROM kept_words WHERE used_at < ?",
    "DELETE FROM strikes WHERE at < ?",
    """
    DELETE FROM attachments WHERE used_at < ? AND sha256 NOT IN (
        SELECT part.atom FROM tasks, json_tree(tasks.request) AS part
        WHERE tasks.state IN ('queued', 'submitting', 'unconfirmed') AND length(part.atom) = 64
        UNION ALL
        SELECT part.atom FROM drafts, json_tree(drafts.data) AS part WHERE length(part.atom) = 64
    )
    """,
)
"""What retention forgets. The newest inbox row stays, so that the next offset is known."""

WHOLE_HISTORY = {LEDGER_TOTALS: "a sum over everything is what an audit asks for"}
"""The statements that may read a whole table, and why."""
