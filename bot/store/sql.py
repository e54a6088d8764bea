"""The statements that are longer than a line, with the reasons for their shape."""

TASK = "SELECT * FROM tasks"

IN_STATES = "state IN (SELECT value FROM json_each(?))"

SEE_USER = """
    INSERT INTO users (id, name, username, telegram_language, created_at, seen_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        name = excluded.name,
        username = excluded.username,
        telegram_language = coalesce(excluded.telegram_language, telegram_language),
        seen_at = excluded.seen_at
    RETURNING *
"""

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
# goes before age, so that a thousand tasks of one user do not delay another's first.
DUE_QUEUED = """
    WITH running AS (
        SELECT user_id, count(*) AS number FROM tasks
        WHERE state IN ('submitting', 'unconfirmed', 'in_progress')
        GROUP BY user_id
    ),
    waiting AS (
        SELECT sequence, user_id, row_number() OVER (PARTITION BY user_id ORDER BY sequence) AS place
        FROM tasks WHERE state = 'queued' AND due_at <= :now
    )
    SELECT tasks.* FROM waiting
    JOIN tasks USING (sequence)
    LEFT JOIN running ON running.user_id = waiting.user_id
    ORDER BY waiting.place + coalesce(running.number, 0), waiting.sequence
    LIMIT :limit
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

OVERDUE = """
    SELECT * FROM tasks
    WHERE state IN ('queued', 'unconfirmed', 'in_progress') AND deadline_at <= ?
    ORDER BY deadline_at LIMIT ?
"""

APPLY = """
    UPDATE tasks SET
        state = :state, version = :version, due_at = :due_at, provider = :provider,
        provider_task_id = :provider_task_id, attempts = :attempts, looks = :looks, excluded = :excluded,
        submitted_at = :submitted_at, finished_at = :finished_at, progress = :progress, failure = :failure,
        failure_detail = :failure_detail, real_cost = :real_cost
    WHERE id = :id AND version = :before
    RETURNING *
"""

ENDED_WITH_STATUS = """
    SELECT * FROM tasks
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

# The allowance counts in the window of the hold; a release has the hold's moment and the opposite sign.
USAGE = """
    SELECT
        coalesce(sum(amount - allowance), 0),
        coalesce(sum(held), 0),
        coalesce(-sum(allowance) FILTER (WHERE counted_at >= :day AND counted_at < :end), 0),
        coalesce(-sum(allowance) FILTER (WHERE counted_at >= :month AND counted_at < :end), 0),
        (SELECT count(*) FROM tasks
         WHERE user_id = :user AND state IN ('queued', 'submitting', 'unconfirmed', 'in_progress'))
    FROM ledger WHERE user_id = :user
"""

KEEP_IMAGE = """
    INSERT INTO images (sha256, media_type, width, height, content, used_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (sha256) DO UPDATE SET used_at = excluded.used_at
"""

CLEAN = (
    "DELETE FROM inbox WHERE processed_at < ? AND update_id < (SELECT max(update_id) FROM inbox)",
    "DELETE FROM drafts WHERE updated_at < ?",
    """
    DELETE FROM images WHERE used_at < ?
    AND NOT EXISTS (
        SELECT 1 FROM tasks
        WHERE state IN ('queued', 'submitting', 'unconfirmed') AND instr(tasks.request, images.sha256)
    )
    AND NOT EXISTS (SELECT 1 FROM drafts WHERE instr(drafts.data, images.sha256))
    """,
)
"""What retention forgets. The newest inbox row stays, so that the next offset is known."""
