"""Every statement of `bot.store.sqlite.privacy`; see `bot.store.sql` for the rules.

Each takes `:user`, who is forgotten or asks for their data, and those of `FORGET` `:alias`, the pseudonym that
the ledger goes on with.
"""

PSEUDONYM = "SELECT pseudonym(?)"

SALT = "SELECT value FROM settings WHERE key = 'pseudonyms'"

# -- forgetting --------------------------------------------------------------------------------------

QUEUED_OF = "SELECT * FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user AND state = 'queued'"

CANCEL_FORGOTTEN = """
    UPDATE tasks SET state = 'cancelled', version = version + 1, due_at = NULL, finished_at = :now
    WHERE id = :id RETURNING *
"""

FORGET = (
    # What somebody else still needs of the same picture stays, as theirs.
    """
    DELETE FROM attachments WHERE user_id = :user AND sha256 NOT IN (
        SELECT part.atom FROM tasks, json_tree(tasks.request) AS part
        WHERE tasks.state IN ('queued', 'submitting', 'unconfirmed') AND length(part.atom) = 64
        AND tasks.user_id != :user
        UNION ALL
        SELECT part.atom FROM drafts, json_tree(drafts.data) AS part
        WHERE length(part.atom) = 64 AND drafts.user_id != :user
    )
    """,
    "UPDATE attachments SET user_id = NULL WHERE user_id = :user",
    """
    DELETE FROM task_messages
    WHERE task_id IN (SELECT id FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user)
    """,
    "DELETE FROM outbox WHERE task_id IN (SELECT id FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user)",
    # A bare row stays for the ledger, for a group's budget and for how long such tasks take.
    """
    UPDATE tasks INDEXED BY tasks_of_user SET
        user_id = :alias, chat_id = min(chat_id, 0), message_id = NULL, thread_id = NULL,
        update_id = NULL, language = 'en', request = json_object('operation', 'text2video', 'model', model),
        failure_detail = NULL, status_message_id = NULL, favourite = 0, hidden = 1
    WHERE user_id = :user
    """,
    """
    UPDATE ledger SET user_id = :alias, note = iif(kind = 'release', note, '') WHERE user_id = :user
    """,
    "UPDATE ledger_parts INDEXED BY ledger_parts_of_account SET account_id = :alias WHERE account_id = :user",
    "DELETE FROM offers WHERE user_id = :user",
    "DELETE FROM subscriptions WHERE user_id = :user",
    # What was paid stays with its day and sum; the Stars can no longer be given back to nobody.
    "UPDATE payments INDEXED BY payments_of_user SET user_id = :alias WHERE user_id = :user",
    "DELETE FROM drafts WHERE user_id = :user",
    "DELETE FROM kept_words WHERE user_id = :user",
    "DELETE FROM recipes WHERE user_id = :user",
    "DELETE FROM awaited WHERE user_id = :user",
    # What a provider may still have is deleted there, and then here, without anybody's name.
    """
    UPDATE assets INDEXED BY assets_of_user SET
        user_id = :alias, chat_id = 0, message_id = NULL, update_id = NULL, language = 'en', name = '',
        folded_name = '', description = '', pictures = '[]', sound = NULL, video = NULL, failure_detail = NULL,
        state = 'deleting', version = version + 1, due_at = iif(state = 'sending', due_at, 0), attempts = 0, told = 1
    WHERE user_id = :user AND state != 'failed'
    """,
    "DELETE FROM assets WHERE user_id = :user",
    # That there was a strike still counts; what was asked for is gone.
    "UPDATE strikes SET prompt = '' WHERE user_id = :user",
    "UPDATE users SET invited_by = NULL WHERE invited_by = :user",
    "DELETE FROM users WHERE id = :user",
)
"""In this order: what points at a task goes before its owner's name does."""

# -- exporting ---------------------------------------------------------------------------------------

PROFILE_OF_PERSON = """
    SELECT id, name, username, telegram_language, language, plan, preferences, invited_by, created_at, seen_at
    FROM users WHERE id = :user
    """

TASKS_OF_PERSON = """
    SELECT id, state, request, price, chat_id, language, provider, created_at, submitted_at, finished_at,
        failure, failure_detail, favourite, hidden
    FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user ORDER BY sequence
    """

RESULTS_OF_PERSON = """
    SELECT outbox.task_id, outbox.kind, outbox.position, outbox.state, outbox.width, outbox.height,
        outbox.duration_ms, outbox.size_bytes, outbox.finished_at
    FROM tasks INDEXED BY tasks_of_user JOIN outbox ON outbox.task_id = tasks.id
    WHERE tasks.user_id = :user AND outbox.kind != 'notice' ORDER BY outbox.id
    """

LEDGER_OF_PERSON = """
    SELECT at, kind, amount, held, allowance, task_id, note
    FROM ledger INDEXED BY ledger_of_user WHERE user_id = :user ORDER BY id
    """

DRAFTS_OF_PERSON = "SELECT chat_id, data, updated_at FROM drafts WHERE user_id = :user"

RECIPES_OF_PERSON = "SELECT name, settings, created_at FROM recipes WHERE user_id = :user ORDER BY created_at"

PICTURES_OF_PERSON = (
    "SELECT sha256, media_type, used_at FROM attachments WHERE user_id = :user ORDER BY used_at"
)

PAYMENTS_OF_PERSON = """
    SELECT charge_id, credits, stars, paid_at, state, taken
    FROM payments INDEXED BY payments_of_user WHERE user_id = :user ORDER BY paid_at
    """

SUBSCRIPTIONS_OF_PERSON = """
    SELECT name, plan, credits, stars, paid_until, renews
    FROM subscriptions INDEXED BY subscriptions_of_user WHERE user_id = :user AND paid_until IS NOT NULL
    """

KEPT_WORDS_OF_PERSON = "SELECT words, used_at FROM kept_words WHERE user_id = :user"

ASSETS_OF_PERSON = """
    SELECT kind, name, description, provider, state, made_at
    FROM assets INDEXED BY assets_of_user WHERE user_id = :user ORDER BY made_at
    """
