"""Numbered steps to the present schema of a SQLite file; they are only added to."""

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.store.engine.first_schema import FIRST_SCHEMA

if TYPE_CHECKING:
    from sqlite_utils import Database

_SET = "klingbot"

_STATEMENTS = {
    "0001_first_schema": FIRST_SCHEMA,
    "0002_newest_of_a_provider": (
        "CREATE INDEX tasks_took_lately ON tasks (provider, finished_at) WHERE state = 'succeeded'",
    ),
    "0003_subscriptions": (
        """
        CREATE TABLE subscriptions (
            token TEXT PRIMARY KEY,
            user_id INTEGER NOT NULL,
            name TEXT NOT NULL,
            plan TEXT NOT NULL,
            credits INTEGER NOT NULL CHECK (credits >= 0),
            stars INTEGER NOT NULL CHECK (stars > 0),
            offered_at INTEGER NOT NULL,
            charge_id TEXT,
            paid_until INTEGER,
            renews INTEGER NOT NULL CHECK (renews IN (0, 1))
        ) STRICT
        """,
        "CREATE INDEX subscriptions_of_user ON subscriptions (user_id, paid_until)",
        "CREATE INDEX subscriptions_never_paid ON subscriptions (offered_at) WHERE paid_until IS NULL",
        "ALTER TABLE payments ADD COLUMN subscription TEXT",
        "ALTER TABLE payments ADD COLUMN paid_until INTEGER",
        "ALTER TABLE users ADD COLUMN subscribed_plan TEXT",
        "ALTER TABLE users ADD COLUMN subscribed_until INTEGER",
    ),
    "0004_elements_and_voices": (
        """
        CREATE TABLE assets (
            id TEXT PRIMARY KEY,
            user_id INTEGER NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('element', 'voice')),
            name TEXT NOT NULL,
            folded_name TEXT NOT NULL,
            description TEXT NOT NULL,
            pictures TEXT NOT NULL,
            sound TEXT,
            video TEXT,
            provider TEXT NOT NULL,
            external_id TEXT NOT NULL UNIQUE,
            task_id TEXT,
            remote_id TEXT,
            chat_id INTEGER NOT NULL,
            message_id INTEGER,
            update_id INTEGER UNIQUE,
            language TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'unconfirmed', 'making', 'ready', 'failed',
                                                 'deleting')),
            version INTEGER NOT NULL,
            due_at INTEGER,
            attempts INTEGER NOT NULL,
            looks INTEGER NOT NULL,
            failure TEXT,
            failure_detail TEXT,
            told INTEGER NOT NULL CHECK (told IN (0, 1)),
            made_at INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX assets_due ON assets (due_at) WHERE due_at IS NOT NULL",
        "CREATE INDEX assets_of_user ON assets (user_id, kind, made_at)",
        "CREATE INDEX assets_known_as ON assets (remote_id) WHERE remote_id IS NOT NULL",
        "CREATE INDEX assets_failed ON assets (made_at) WHERE state = 'failed'",
        """
        CREATE UNIQUE INDEX assets_named ON assets (user_id, kind, folded_name)
        WHERE state NOT IN ('failed', 'deleting')
        """,
    ),
    "0005_refunds_of_a_task": (
        "CREATE INDEX ledger_refunds ON ledger (task_id) WHERE kind = 'refund' AND task_id IS NOT NULL",
    ),
    "0006_waiting_in_line": (
        "ALTER TABLE tasks ADD COLUMN max_running INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE tasks ADD COLUMN waits_until INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE tasks ADD COLUMN answer_by INTEGER",
        # Six hours, as the settings say where nothing else is said.
        """
        UPDATE tasks SET waits_until = created_at + 21600000
        WHERE state IN ('queued', 'submitting', 'unconfirmed', 'in_progress')
        """,
        "UPDATE tasks SET deadline_at = waits_until WHERE state = 'queued'",
        "DROP INDEX tasks_queued",
        "CREATE INDEX tasks_queued ON tasks (sequence, id, version) WHERE state = 'queued'",
    ),
    "0007_packs_of_units": ("ALTER TABLE tasks ADD COLUMN pack TEXT NOT NULL DEFAULT 'video'",),
    "0008_batches": (
        "ALTER TABLE tasks ADD COLUMN batch_id TEXT",
        "CREATE INDEX tasks_of_batch ON tasks (batch_id, state) WHERE batch_id IS NOT NULL",
    ),
    "0009_quarantine": (
        "ALTER TABLE inbox ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0",
        """
        CREATE TABLE quarantine (
            digest TEXT PRIMARY KEY,
            update_id INTEGER,
            chat_id INTEGER,
            user_id INTEGER,
            content TEXT NOT NULL,
            error TEXT NOT NULL,
            received_at INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX quarantine_newest ON quarantine (received_at)",
        "CREATE INDEX quarantine_of_user ON quarantine (user_id)",
    ),
    "0010_presses": (
        "ALTER TABLE tasks ADD COLUMN press TEXT",
        "CREATE INDEX tasks_of_press ON tasks (press, created_at) WHERE press IS NOT NULL",
    ),
    "0011_lost_answers": (
        """
        CREATE TABLE lost_answers (
            external_task_id TEXT PRIMARY KEY,
            provider TEXT NOT NULL,
            price INTEGER NOT NULL,
            at INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX lost_answers_since ON lost_answers (at, provider, price)",
    ),
    "0012_places_of_deliveries": (
        "ALTER TABLE outbox ADD COLUMN place INTEGER",
        "ALTER TABLE outbox ADD COLUMN in_album INTEGER NOT NULL DEFAULT 0 CHECK (in_album IN (0, 1))",
        "ALTER TABLE outbox ADD COLUMN sends INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE outbox ADD COLUMN failing_since INTEGER",
    ),
    "0013_private_chats": (
        "ALTER TABLE users ADD COLUMN chat_open INTEGER CHECK (chat_open IN (0, 1))",
        # Of the others it is not known: a broadcast tries them once.
        """
        UPDATE users SET chat_open = 1 WHERE id IN (
            SELECT user_id FROM tasks WHERE is_private = 1 UNION SELECT chat_id FROM inbox WHERE chat_id > 0
        )
        """,
        # Telegram's own users: its notifications, and those who write in the name of a group or a channel.
        "DELETE FROM users WHERE id IN (777000, 1087968824, 136817688)",
    ),
    "0014_files_of_results": (
        # A result has several: as it was delivered, as the original, and uploaded once more.
        """
        CREATE TABLE result_files (
            file_unique_id TEXT NOT NULL,
            task_id TEXT NOT NULL REFERENCES tasks (id),
            position INTEGER NOT NULL,
            PRIMARY KEY (file_unique_id, task_id, position)
        ) STRICT
        """,
        "CREATE INDEX result_files_of_task ON result_files (task_id)",
        "CREATE INDEX tasks_of_person_in_chat ON tasks (user_id, chat_id, sequence) WHERE hidden = 0",
    ),
    "0015_lots_of_a_payment": ("CREATE INDEX ledger_parts_of_lot ON ledger_parts (lot, expires_at, amount)",),
    "0016_moved_to_private_chats": (
        "ALTER TABLE tasks ADD COLUMN asked_in INTEGER",
        "ALTER TABLE outbox ADD COLUMN renewed_at INTEGER",
        "CREATE INDEX outbox_abandoned ON outbox (finished_at) WHERE state = 'undeliverable'",
        "CREATE INDEX tasks_asked_in ON tasks (asked_in, created_at) WHERE asked_in IS NOT NULL",
    ),
    "0017_smaller_copies": (
        "ALTER TABLE outbox ADD COLUMN copies_left INTEGER",
        "ALTER TABLE outbox ADD COLUMN copy_of INTEGER",
    ),
    "0018_more_addresses_of_results": (
        "ALTER TABLE outbox ADD COLUMN other_urls TEXT",
        "ALTER TABLE outbox ADD COLUMN first_tried_at INTEGER",
        "ALTER TABLE outbox ADD COLUMN late_told INTEGER NOT NULL DEFAULT 0 CHECK (late_told IN (0, 1))",
    ),
    "0019_less_than_ordered": ("ALTER TABLE outbox ADD COLUMN less TEXT",),
    "0020_templates": (
        """
        CREATE TABLE templates (
            token TEXT PRIMARY KEY,
            user_id INTEGER NOT NULL,
            title TEXT NOT NULL,
            folded_title TEXT NOT NULL,
            skeleton TEXT NOT NULL,
            frame_count INTEGER NOT NULL CHECK (frame_count BETWEEN 0 AND 2),
            reference_count INTEGER NOT NULL CHECK (reference_count BETWEEN 0 AND 7),
            created_at INTEGER NOT NULL,
            UNIQUE (user_id, folded_title)
        ) STRICT
        """,
        """
        INSERT INTO templates
        SELECT token, user_id, name, folded_name, settings, frame_count, picture_count, created_at FROM recipes
        """,
        "DROP TABLE recipes",
    ),
    "0021_overrides": (
        """
        CREATE TABLE overrides (
            key TEXT PRIMARY KEY,
            value TEXT,
            version INTEGER NOT NULL CHECK (version > 0),
            changed_by INTEGER,
            changed_at INTEGER NOT NULL
        ) STRICT
        """,
        """
        INSERT INTO overrides (key, value, version, changed_at)
        SELECT
            'plans.' || iif(plan.key GLOB '*[^A-Za-z0-9_-]*', json_quote(plan.key), plan.key) || '.' || field.key,
            CASE
                WHEN field.type IN ('true', 'false', 'null') THEN field.type
                WHEN field.type = 'array' THEN field.value
                ELSE json_quote(field.value)
            END,
            1, 0
        FROM settings, json_each(settings.value) AS plan, json_each(plan.value) AS field
        WHERE settings.key = 'plans'
        """,
        # A plan that was added and had nothing but defaults: one of them keeps it.
        """
        INSERT INTO overrides (key, value, version, changed_at)
        SELECT
            'plans.' || iif(plan.key GLOB '*[^A-Za-z0-9_-]*', json_quote(plan.key), plan.key) || '.carry_over',
            'false', 1, 0
        FROM settings, json_each(settings.value) AS plan WHERE settings.key = 'plans' AND plan.value = '{}'
        """,
        # `fixed` is a number and no table of prices, whose only row has no key.
        """
        INSERT INTO overrides (key, value, version, changed_at)
        SELECT
            'prices.' || section.key || '.'
            || iif(model.key GLOB '*[^A-Za-z0-9_-]*', json_quote(model.key), model.key)
            || '.' || part.key || coalesce('.' || price.key, ''),
            json_quote(price.value), 1, 0
        FROM
            settings, json_each(settings.value) AS section, json_each(section.value) AS model,
            json_each(model.value) AS part, json_each(part.value) AS price
        WHERE settings.key = 'prices'
        """,
        """
        INSERT INTO overrides (key, value, version, changed_at)
        SELECT
            CASE key WHEN 'text.notice' THEN 'access.notice' ELSE key END,
            CASE key WHEN 'access.maintenance' THEN iif(value = 'on', 'true', 'false') ELSE json_quote(value) END,
            1, 0
        FROM settings WHERE key IN ('access.mode', 'access.maintenance', 'text.notice')
        """,
        """
        INSERT INTO overrides (key, value, version, changed_at)
        SELECT 'providers' || substr(key, 9), 'true', 1, 0
        FROM settings WHERE key GLOB 'provider.*.paused' AND value = 'yes'
        """,
        """
        DELETE FROM settings WHERE key GLOB 'provider.*.paused'
        OR key IN ('plans', 'prices', 'access.mode', 'access.maintenance', 'text.notice')
        """,
    ),
    "0022_questions": (
        """
        CREATE TABLE questions (
            chat_id INTEGER NOT NULL,
            message_id INTEGER NOT NULL,
            user_id INTEGER NOT NULL,
            kind TEXT NOT NULL,
            payload TEXT NOT NULL,
            accepts INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            PRIMARY KEY (chat_id, message_id, user_id)
        ) STRICT
        """,
        "CREATE INDEX questions_of_user ON questions (user_id)",
        "CREATE INDEX questions_until ON questions (expires_at)",
        # What the next message answers: with a text, a photo or a sound. Of a suggestion no message is known.
        """
        INSERT INTO questions
        SELECT chat_id, 0, user_id,
            CASE kind
                WHEN 'recipe_photo' THEN 'template_run'
                WHEN 'idea_photo' THEN 'template_run'
                WHEN 'template_photo' THEN 'template_run'
                WHEN 'recipe_name' THEN 'template_name'
                WHEN 'template_title' THEN 'template_name'
                ELSE kind
            END,
            subject,
            CASE
                WHEN kind IN ('recipe_photo', 'idea_photo', 'template_photo', 'element_photos') THEN 2
                WHEN kind = 'voice_sound' THEN 4
                ELSE 1
            END,
            asked_at + 900000
        FROM awaited WHERE kind != 'suggestion'
        """,
        "DROP TABLE awaited",
        # What a reply answers, for thirty days after the end of the task.
        """
        INSERT INTO questions
        SELECT task_messages.chat_id, task_messages.message_id, tasks.user_id,
            CASE purpose WHEN 'extend' THEN 'extend' WHEN 'lip_sync' THEN 'speak' ELSE 'effects' END,
            task_messages.task_id || '.' || task_messages.position,
            CASE purpose WHEN 'lip_sync' THEN 5 ELSE 1 END,
            coalesce(tasks.finished_at, tasks.created_at) + 2592000000
        FROM task_messages JOIN tasks ON tasks.id = task_messages.task_id
        WHERE purpose IN ('extend', 'lip_sync', 'effect')
        """,
        "ALTER TABLE task_messages DROP COLUMN purpose",
        # What a card asks for: its last frame by a photo, else a text.
        """
        INSERT INTO questions
        SELECT chat_id, message_id, user_id, 'card',
            json_extract(data, '$.name') || '.' || json_extract(data, '$.awaits'),
            CASE json_extract(data, '$.awaits') WHEN 'end' THEN 2 ELSE 1 END,
            updated_at + 2592000000
        FROM drafts WHERE message_id IS NOT NULL AND json_extract(data, '$.awaits') IS NOT NULL
        """,
    ),
    "0023_elements_and_voices_as_tasks": (
        # Whatever is not ready, or not told, becomes a task in the same state: one that is ready is seen once more.
        # What is deleted before it is there is a hidden task. Six hours are what the settings say for waiting.
        """
        INSERT INTO tasks (
            id, user_id, chat_id, message_id, update_id, language, is_private, request, pack, model, mode, duration,
            price, external_task_id, state, version, due_at, deadline_at, waits_until, provider, provider_task_id,
            attempts, looks, excluded, created_at, submitted_at, finished_at, failure, failure_detail, hidden
        )
        SELECT
            id, user_id, chat_id, message_id,
            CASE WHEN update_id NOT IN (SELECT update_id FROM tasks WHERE update_id IS NOT NULL) THEN update_id END,
            language, 1,
            json_object(
                'operation', kind, 'model', kind, 'name', name, 'prompt', description, 'duration', 0,
                'aspect_ratio', NULL, 'account', provider, 'references', json(pictures),
                'speech', CASE WHEN sound IS NOT NULL THEN json_object('audio', json(sound)) END,
                'source', CASE WHEN video IS NOT NULL
                    THEN json_object('provider', provider, 'video_id', video, 'model', '') END
            ),
            'library', kind, 'std', 0, 0, external_id,
            CASE
                WHEN state = 'failed' THEN 'failed'
                WHEN state = 'waiting' THEN 'queued'
                WHEN state = 'sending' THEN 'submitting'
                WHEN task_id IS NULL THEN 'unconfirmed'
                ELSE 'in_progress'
            END,
            0, CASE WHEN state != 'failed' THEN made_at END, made_at + 21600000, made_at + 21600000,
            CASE WHEN state != 'waiting' THEN provider END, task_id, attempts, 0, '[]', made_at,
            CASE WHEN task_id IS NOT NULL THEN made_at END, CASE WHEN state = 'failed' THEN made_at END,
            failure, failure_detail, state = 'deleting'
        FROM assets
        WHERE state IN ('waiting', 'sending', 'unconfirmed', 'making') OR (state = 'deleting' AND remote_id IS NULL)
        OR (state IN ('ready', 'failed') AND told = 0)
        """,
        """
        INSERT INTO ledger (user_id, kind, amount, held, allowance, at, counted_at, operation_id, task_id, note)
        SELECT user_id, step.kind, 0, 0, 0, created_at, created_at, 'task:' || id || ':' || step.kind, id, ''
        FROM tasks, (SELECT 'hold' AS kind UNION ALL SELECT 'release') AS step
        WHERE pack = 'library' AND (step.kind = 'hold' OR state = 'failed') ORDER BY step.kind
        """,
        """
        INSERT INTO outbox (task_id, kind, position, state, attempts, due_at)
        SELECT id, 'notice', 0, 'pending', 0, created_at FROM tasks WHERE pack = 'library' AND state = 'failed'
        """,
        "ALTER TABLE assets RENAME TO earlier_assets",
        "DROP INDEX assets_due",
        "DROP INDEX assets_of_user",
        "DROP INDEX assets_known_as",
        """
        CREATE TABLE assets (
            id TEXT PRIMARY KEY,
            user_id INTEGER NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('element', 'voice')),
            name TEXT NOT NULL,
            description TEXT NOT NULL,
            provider TEXT NOT NULL,
            remote_id TEXT NOT NULL,
            made_at INTEGER NOT NULL,
            due_at INTEGER,
            attempts INTEGER NOT NULL
        ) STRICT
        """,
        """
        INSERT INTO assets (id, user_id, kind, name, description, provider, remote_id, made_at, due_at, attempts)
        SELECT id, user_id, kind, name, description, provider, remote_id, made_at,
            CASE WHEN state = 'deleting' THEN coalesce(due_at, 0) END, attempts
        FROM earlier_assets
        WHERE remote_id IS NOT NULL AND (state = 'deleting' OR (state = 'ready' AND told = 1))
        """,
        "DROP TABLE earlier_assets",
        "CREATE INDEX assets_due ON assets (due_at) WHERE due_at IS NOT NULL",
        "CREATE INDEX assets_of_user ON assets (user_id, made_at)",
        "CREATE INDEX assets_known_as ON assets (remote_id)",
    ),
    "0024_notices": (
        """
        CREATE TABLE notices (
            id INTEGER PRIMARY KEY,
            user_id INTEGER NOT NULL,
            key TEXT NOT NULL,
            params TEXT NOT NULL,
            sender INTEGER,
            due_at INTEGER NOT NULL,
            attempts INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX notices_due ON notices (due_at)",
    ),
    "0025_names": (
        "ALTER TABLE ledger RENAME COLUMN operation_id TO idempotency_key",
        "ALTER TABLE ledger_parts RENAME COLUMN operation_id TO idempotency_key",
        "ALTER TABLE audit RENAME COLUMN operation_id TO idempotency_key",
        "ALTER TABLE strikes RENAME COLUMN operation_id TO idempotency_key",
        "ALTER TABLE tasks RENAME COLUMN looks TO not_found_count",
    ),
    "0026_what_answers_taught": (
        """
        CREATE TABLE learned (
            provider TEXT NOT NULL,
            settings TEXT NOT NULL,
            pack TEXT NOT NULL,
            model TEXT NOT NULL,
            lesson TEXT NOT NULL CHECK (lesson IN ('not_enabled', 'missing', 'parallel')),
            number INTEGER NOT NULL CHECK (number >= 0),
            believed_until INTEGER NOT NULL,
            PRIMARY KEY (provider, pack, model, lesson)
        ) STRICT
        """,
        # Of each model that its provider no longer has, the admins are told once.
        """
        CREATE TABLE retirements (
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            told_at INTEGER NOT NULL,
            PRIMARY KEY (provider, model)
        ) STRICT
        """,
    ),
    "0027_charges": (
        """
        CREATE TABLE charges (
            charge_key TEXT PRIMARY KEY,
            provider TEXT NOT NULL,
            remote_id TEXT NOT NULL,
            book TEXT NOT NULL CHECK (book IN ('units', 'money')),
            product TEXT NOT NULL,
            function TEXT NOT NULL,
            model TEXT NOT NULL,
            resolution TEXT NOT NULL,
            seconds REAL,
            amount REAL NOT NULL,
            currency TEXT NOT NULL,
            charged_at INTEGER NOT NULL,
            task_id TEXT
        ) STRICT
        """,
        "CREATE TABLE accountings (provider TEXT PRIMARY KEY, reading TEXT NOT NULL) STRICT",
        "CREATE INDEX charges_by_time ON charges (charged_at)",
        "CREATE INDEX charges_unmatched ON charges (charged_at) WHERE task_id IS NULL",
        "CREATE INDEX charges_of_task ON charges (task_id) WHERE task_id IS NOT NULL",
        "CREATE INDEX tasks_known_as ON tasks (provider_task_id) WHERE provider_task_id IS NOT NULL",
    ),
    "0028_videos": (
        """
        CREATE TABLE videos (
            sha256 TEXT PRIMARY KEY,
            media_type TEXT NOT NULL,
            size INTEGER NOT NULL,
            user_id INTEGER,
            used_at INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX videos_of_user ON videos (user_id, used_at)",
    ),
    # That an account has no units left of a pack is remembered as well.
    "0029_empty_packs": (
        "ALTER TABLE learned RENAME TO earlier_learned",
        """
        CREATE TABLE learned (
            provider TEXT NOT NULL,
            settings TEXT NOT NULL,
            pack TEXT NOT NULL,
            model TEXT NOT NULL,
            lesson TEXT NOT NULL CHECK (lesson IN ('not_enabled', 'missing', 'empty', 'parallel')),
            number INTEGER NOT NULL CHECK (number >= 0),
            believed_until INTEGER NOT NULL,
            PRIMARY KEY (provider, pack, model, lesson)
        ) STRICT
        """,
        """
        INSERT INTO learned (provider, settings, pack, model, lesson, number, believed_until)
        SELECT provider, settings, pack, model, lesson, number, believed_until FROM earlier_learned
        """,
        "DROP TABLE earlier_learned",
    ),
    # Models take less of elements that are characters of a video.
    "0030_video_elements": (
        "ALTER TABLE assets ADD COLUMN of_video INTEGER NOT NULL DEFAULT 0 CHECK (of_video IN (0, 1))",
    ),
    # A status says in which model's place another one stands, and why.
    "0031_left_models": (
        "ALTER TABLE tasks ADD COLUMN left_model TEXT",
        "ALTER TABLE tasks ADD COLUMN left_why TEXT",
    ),
    # Codes that give credits to whoever redeems them, once each.
    "0032_promo_codes": (
        """
        CREATE TABLE promo_codes (
            code TEXT PRIMARY KEY,
            credits INTEGER NOT NULL CHECK (credits > 0),
            uses INTEGER NOT NULL CHECK (uses > 0),
            used INTEGER NOT NULL CHECK (used BETWEEN 0 AND uses),
            ends_at INTEGER NOT NULL,
            days INTEGER CHECK (days > 0),
            created_at INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX promo_codes_ends ON promo_codes (ends_at)",
        """
        CREATE TABLE promo_uses (
            code TEXT NOT NULL,
            user_id INTEGER NOT NULL,
            at INTEGER NOT NULL,
            idempotency_key TEXT NOT NULL,
            PRIMARY KEY (code, user_id)
        ) STRICT
        """,
        "CREATE INDEX promo_uses_of_user ON promo_uses (user_id)",
    ),
    # What was earned is summed up by day: of a refund the day is kept, which so far only its row in the ledger tells.
    "0033_business": (
        "ALTER TABLE payments ADD COLUMN refunded_at INTEGER",
        """
        UPDATE payments SET refunded_at = coalesce(
            (
                SELECT at FROM ledger
                WHERE idempotency_key = 'stars:' || payments.charge_id || ':refund:' || (payments.refunds - 1)
            ),
            paid_at
        )
        WHERE state = 'refunded'
        """,
        "CREATE INDEX payments_by_time ON payments (paid_at)",
        "CREATE INDEX payments_refunded ON payments (refunded_at) WHERE refunded_at IS NOT NULL",
        "CREATE INDEX ledger_given ON ledger (at) WHERE kind IN ('grant', 'refund')",
    ),
    "0034_broadcast_versions": (
        "ALTER TABLE broadcasts ADD COLUMN versions TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE broadcasts ADD COLUMN tested INTEGER NOT NULL DEFAULT 0 CHECK (tested IN (0, 1))",
    ),
    "0035_broadcasts_later": ("ALTER TABLE broadcasts ADD COLUMN starts_at INTEGER NOT NULL DEFAULT 0",),
}

STEPS = frozenset(_STATEMENTS)
"""The name of every step that this version of the program knows."""


def applied(connection: sqlite3.Connection) -> set[str]:
    """The names of the steps that a file has been through."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone():
        return set()
    names = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ?", (_SET,))
    return {name for (name,) in names}


def is_foreign(connection: sqlite3.Connection) -> bool:
    """Whether a file has tables, and none of them is ours."""
    others = "SELECT 1 FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    return not applied(connection) and connection.execute(others).fetchone() is not None


def apply(connection: sqlite3.Connection) -> list[str]:
    """Apply the steps that are pending, each in a transaction with the record of it; their names."""
    if applied(connection) >= STEPS:
        return []
    from sqlite_utils import Database, Migrations  # most starts have nothing to migrate

    migrations = Migrations(_SET)
    for name, statements in _STATEMENTS.items():
        migrations(name=name)(_step(statements))
    database = Database(connection)
    steps = [step.name for step in migrations.pending(database)]
    migrations.apply(database)
    return steps


def _step(statements: tuple[str, ...]) -> "Callable[[Database], None]":
    def apply(database: "Database") -> None:
        for statement in statements:
            database.execute(statement)

    return apply
