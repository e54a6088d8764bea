"""Everything about one user: to export it, and to forget it.

Forgotten rows of the ledger go on under a pseudonym, a negative number that is made of the user's id and a
secret of this database: sums stay right, and whoever comes back has what they had left, no less and no more.
"""

import json
from typing import Any

import structlog

from bot.domain.tasks.lifecycle import Settlement
from bot.domain.tasks.task import Task
from bot.domain.types import Millis, UserId
from bot.store.credits import settle
from bot.store.engine import Engine, Row, Subject, Transaction

log = structlog.get_logger(__name__)

EXPORT = {
    "profile": """
        SELECT id, name, username, telegram_language, language, plan, preferences, invited_by, created_at, seen_at,
            chat_open
        FROM users WHERE id = :user
    """,
    "tasks": """
        SELECT id, state, request, price, chat_id, language, provider, created_at, submitted_at, finished_at,
            failure, failure_detail, favourite, hidden
        FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user ORDER BY sequence
    """,
    "results": """
        SELECT outbox.task_id, outbox.kind, outbox.position, outbox.state, outbox.width, outbox.height,
            outbox.duration_ms, outbox.size_bytes, outbox.finished_at
        FROM tasks INDEXED BY tasks_of_user JOIN outbox ON outbox.task_id = tasks.id
        WHERE tasks.user_id = :user AND outbox.kind != 'notice' ORDER BY outbox.id
    """,
    "ledger": """
        SELECT at, kind, amount, held, allowance, task_id, note
        FROM ledger INDEXED BY ledger_of_user WHERE user_id = :user ORDER BY id
    """,
    "drafts": "SELECT chat_id, data, updated_at FROM drafts WHERE user_id = :user",
    "templates": "SELECT title, skeleton, created_at FROM templates WHERE user_id = :user ORDER BY created_at",
    "elements_and_voices": """
        SELECT kind, name, description, of_video, provider, made_at
        FROM assets INDEXED BY assets_of_user WHERE user_id = :user ORDER BY made_at
    """,
    "pictures": "SELECT sha256, media_type, used_at FROM attachments WHERE user_id = :user ORDER BY used_at",
    "videos": "SELECT sha256, media_type, size, used_at FROM videos WHERE user_id = :user ORDER BY used_at",
    "payments": """
        SELECT charge_id, credits, stars, paid_at, state, taken
        FROM payments INDEXED BY payments_of_user WHERE user_id = :user ORDER BY paid_at
    """,
    "subscriptions": """
        SELECT name, plan, credits, stars, paid_until, renews
        FROM subscriptions INDEXED BY subscriptions_of_user WHERE user_id = :user AND paid_until IS NOT NULL
    """,
    "promo_codes": "SELECT code, at FROM promo_uses INDEXED BY promo_uses_of_user WHERE user_id = :user ORDER BY at",
    "kept_words": "SELECT words, used_at FROM kept_words WHERE user_id = :user",
    "set_aside": "SELECT content, received_at FROM quarantine WHERE user_id = :user",
}
"""What a user gets of their own data, by its name in the exported file."""

DOCUMENTS = frozenset({"preferences", "request", "data", "settings"})
"""Columns that hold JSON."""

FORGET = (
    # What somebody else still needs of the same picture stays, as theirs.
    """
    DELETE FROM attachments WHERE user_id = :user AND sha256 NOT IN (
        SELECT part.atom FROM tasks, json_atoms(tasks.request) AS part
        WHERE tasks.state IN ('queued', 'submitting', 'unconfirmed') AND length(part.atom) = 64
        AND tasks.user_id != :user
        UNION ALL
        SELECT part.atom FROM drafts, json_atoms(drafts.data) AS part
        WHERE length(part.atom) = 64 AND drafts.user_id != :user
    )
    """,
    "UPDATE attachments SET user_id = NULL WHERE user_id = :user",
    # The files without a row go with the next sweep.
    """
    DELETE FROM videos WHERE user_id = :user AND sha256 NOT IN (
        SELECT part.atom FROM tasks, json_atoms(tasks.request) AS part
        WHERE tasks.state IN ('queued', 'submitting', 'unconfirmed', 'in_progress') AND length(part.atom) = 64
        AND tasks.user_id != :user
        UNION ALL
        SELECT part.atom FROM drafts, json_atoms(drafts.data) AS part
        WHERE length(part.atom) = 64 AND drafts.user_id != :user
    )
    """,
    "UPDATE videos SET user_id = NULL WHERE user_id = :user",
    """
    DELETE FROM task_messages
    WHERE task_id IN (SELECT id FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user)
    """,
    """
    DELETE FROM result_files
    WHERE task_id IN (SELECT id FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user)
    """,
    "DELETE FROM outbox WHERE task_id IN (SELECT id FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user)",
    # A bare row stays for the ledger, for a group's budget and for how long such tasks take.
    """
    UPDATE tasks INDEXED BY tasks_of_user SET
        user_id = :alias, chat_id = CASE chat_id WHEN :user THEN 0 ELSE chat_id END, message_id = NULL, thread_id = NULL,
        update_id = NULL, press = NULL, language = 'en',
        request = json_object('operation', CASE pack WHEN 'library' THEN model ELSE 'text2video' END, 'model', model),
        failure_detail = NULL, status_message_id = NULL, favourite = 0, hidden = 1
    WHERE user_id = :user
    """,
    """
    UPDATE ledger SET user_id = :alias, note = CASE WHEN kind = 'release' THEN note ELSE '' END
    WHERE user_id = :user
    """,
    "UPDATE ledger_parts INDEXED BY ledger_parts_of_account SET account_id = :alias WHERE account_id = :user",
    "DELETE FROM offers WHERE user_id = :user",
    "DELETE FROM subscriptions WHERE user_id = :user",
    # What was paid stays with its day and sum; the Stars can no longer be given back to nobody.
    "UPDATE payments INDEXED BY payments_of_user SET user_id = :alias WHERE user_id = :user",
    # Whoever comes back redeems no code again.
    """
    UPDATE promo_uses INDEXED BY promo_uses_of_user SET user_id = :alias, idempotency_key = '' WHERE user_id = :user
    """,
    "DELETE FROM drafts WHERE user_id = :user",
    "DELETE FROM kept_words WHERE user_id = :user",
    "DELETE FROM templates WHERE user_id = :user",
    "DELETE FROM questions WHERE user_id = :user",
    "DELETE FROM quarantine WHERE user_id = :user",
    "DELETE FROM notices WHERE user_id = :user",
    # What a provider may still have is deleted there, and then here, without anybody's name.
    """
    UPDATE assets INDEXED BY assets_of_user SET
        user_id = :alias, name = '', description = '', due_at = coalesce(due_at, 0)
    WHERE user_id = :user
    """,
    # That there was a strike still counts; what was asked for is gone.
    "UPDATE strikes SET prompt = '' WHERE user_id = :user",
    "UPDATE users SET invited_by = NULL WHERE invited_by = :user",
    "DELETE FROM users WHERE id = :user",
)
"""In this order: what points at a task goes before its owner's name does. `:alias` is the pseudonym."""


class Privacy(Subject):
    """A user's data as a whole."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._scrub = engine.scrub

    async def export(self, user_id: UserId) -> dict[str, list[Row]]:
        """All of a user's rows by what they are (`profile`, `tasks`, `ledger` …)."""

        def work(tx: Transaction) -> dict[str, list[Row]]:
            return {
                name: [_readable(row) for row in tx.all(Row, statement, user=user_id)]
                for name, statement in EXPORT.items()
            }

        return await self._read(work)

    async def forget(self, user_id: UserId, now: Millis) -> None:
        """Delete a user with all their content, so that no file holds any of it.

        What waits is cancelled with its hold. What runs ends without being told or delivered. Ledger rows stay
        under a pseudonym: usage and bookings go on counting them where the same user comes back.
        """
        queued = "SELECT * FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user AND state = 'queued'"

        def work(tx: Transaction) -> None:
            for task in tx.all(Task, queued, user=user_id):
                end_unwanted(tx, task, now)
            alias = tx.value("SELECT pseudonym(:user)", user=user_id)
            for statement in FORGET:
                tx.run(statement, user=user_id, alias=alias)

        await self._write(work)
        if not await self._scrub():
            log.warning("the journal was in use; what was forgotten leaves it with the next checkpoint")


def end_unwanted(tx: Transaction, task: Task, now: Millis) -> Task:
    """Cancel a queued task that nobody is to be told of, and release its credits."""
    statement = """
        UPDATE tasks SET state = 'cancelled', version = version + 1, due_at = NULL, finished_at = :now
        WHERE id = :task RETURNING *
    """
    (cancelled,) = tx.all(Task, statement, task=task.id, now=now)
    settle(tx, cancelled, Settlement.RELEASE, now)
    return cancelled


def _readable(row: Row) -> dict[str, Any]:
    return {
        name: json.loads(value) if name in DOCUMENTS and value is not None else value
        for name, value in row.items()
    }
