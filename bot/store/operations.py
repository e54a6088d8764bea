"""What admins use: audit log, settings, broadcasts, reports; and the upkeep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bot.domain.operations.overrides import Override
from bot.domain.operations.records import AuditRow, Broadcast, BroadcastContent, BroadcastState, StatRow
from bot.domain.tasks.task import Task
from bot.domain.types import Credits, Millis, ProviderName, UserId
from bot.store.engine import Row, Subject, Transaction, mapper
from bot.store.engine.backups import COPIED_AT

RESTORED_AT = "restored_at"
"""The key in the settings for when the store was put back from a copy (milliseconds)."""

NO_KINDS: Mapping[str, Millis] = MappingProxyType({})
NOBODY = 0
"""Stands for a shell in a column of authors, which has no NULL; no user has this id."""


def author_of(user_id: UserId | None) -> int:
    """An author as the column holds them."""
    return NOBODY if user_id is None else user_id


def save_audit_row(tx: Transaction, audit: AuditRow) -> None:
    """Add to the audit log in a transaction of another subject, once per operation."""
    tx.insert("audit", audit, ignore=True)


@dataclass(frozen=True, slots=True)
class Census:
    """How many things wait now, and since when the oldest of them does; None: there is none."""

    tasks: Mapping[str, int]
    queued_since: Millis | None
    outbox: int
    outbox_due: Millis | None
    quarantined: int


class OverrideChanged(Exception):
    """The override was changed since it was read: read it again."""


class Operations(Subject):
    """Audit, settings, broadcasts, reports, upkeep."""

    # -- audit ---------------------------------------------------------------------------------------

    async def save_audit_row(self, audit: AuditRow) -> None:
        """Add to the audit log, once per operation."""
        await self._write(lambda tx: save_audit_row(tx, audit))

    async def list_audit(self, subject: str | None, skip: int, limit: int) -> list[AuditRow]:
        """The audit log of one subject or (None) of all, newest first."""
        of_all = "SELECT * FROM audit ORDER BY id DESC LIMIT :limit OFFSET :skip"
        of_subject = """
            SELECT * FROM audit INDEXED BY audit_of_subject
            WHERE subject = :subject ORDER BY id DESC LIMIT :limit OFFSET :skip
        """
        statement = of_all if subject is None else of_subject
        return await self._read(
            lambda tx: tx.all(AuditRow, statement, subject=subject, skip=skip, limit=limit)
        )

    # -- answers that were lost ----------------------------------------------------------------------

    async def save_lost_answer(self, task: Task, now: Millis) -> None:
        """Remember a submission whose answer was lost for good, once."""
        row = {
            "external_task_id": task.external_task_id,
            "provider": task.provider or "",
            "price": task.price,
            "at": now,
        }
        await self._write(lambda tx: tx.insert("lost_answers", row, ignore=True))

    async def sum_lost_answers(self, since: Millis) -> Mapping[ProviderName, tuple[int, Credits]]:
        """How many answers were lost for good per provider, and what these tasks would have cost."""
        statement = """
            SELECT provider, count(*) AS number, sum(price) AS price FROM lost_answers
            WHERE at >= :since GROUP BY provider
        """
        rows = await self._read(lambda tx: tx.all(Row, statement, since=since))
        return {ProviderName(row["provider"]): (row["number"], Credits(int(row["price"]))) for row in rows}

    # -- settings ------------------------------------------------------------------------------------

    async def get_setting(self, key: str) -> str | None:
        """What the bot remembers under a key; None: nothing."""
        statement = "SELECT value FROM settings WHERE key = :key"
        value: str | None = await self._read(lambda tx: tx.value(statement, key=key))
        return value

    async def set_setting(self, key: str, value: str) -> None:
        """Remember something under a key."""
        row = {"key": key, "value": value}
        await self._write(lambda tx: tx.insert("settings", row, replace=("key",)))

    async def list_settings(self, prefix: str) -> Mapping[str, str]:
        """What the bot remembers under the keys that begin with a text, by the rest of the key."""
        statement = "SELECT key, value FROM settings WHERE substr(key, 1, :length) = :prefix ORDER BY key"
        rows = await self._read(lambda tx: tx.all(Row, statement, prefix=prefix, length=len(prefix)))
        return {str(row["key"])[len(prefix) :]: str(row["value"]) for row in rows}

    async def keep_setting(self, key: str, value: str | None, audit: AuditRow) -> None:
        """Remember something under a key, or nothing any more (None), with the audit row."""

        def work(tx: Transaction) -> None:
            if value is None:
                tx.run("DELETE FROM settings WHERE key = :key", key=key)
            else:
                tx.insert("settings", {"key": key, "value": value}, replace=("key",))
            save_audit_row(tx, audit)

        await self._write(work)

    async def list_overrides(self) -> list[Override]:
        """The settings that were ever overridden, those that were reset included."""
        return await self._read(lambda tx: tx.all(Override, "SELECT * FROM overrides ORDER BY key"))

    async def swap_overrides(self, changed: Sequence[Override], audit: AuditRow) -> None:
        """Save changes, all or none, each in place of the version before it, with the audit row.

        Raises:
            OverrideChanged: one of them was changed meanwhile.

        """
        statement = """
            INSERT INTO overrides (key, value, version, changed_by, changed_at)
            SELECT :key, :value, :version, :changed_by, :changed_at
            WHERE :version = 1 OR EXISTS (SELECT 1 FROM overrides WHERE key = :key)
            ON CONFLICT (key) DO UPDATE SET
                value = excluded.value, version = excluded.version,
                changed_by = excluded.changed_by, changed_at = excluded.changed_at
            WHERE overrides.version = excluded.version - 1
        """

        def work(tx: Transaction) -> None:
            for row in changed:
                if not tx.run(statement, **mapper.columns(row)):
                    raise OverrideChanged(row.key)
            save_audit_row(tx, audit)

        await self._write(work)

    # -- copies --------------------------------------------------------------------------------------

    async def take_up_copy(self, now: Millis) -> Millis:
        """When the store was last put back from a copy: now, where this is a copy that nobody has settled; 0: never."""

        def work(tx: Transaction) -> None:
            tx.insert("settings", {"key": RESTORED_AT, "value": str(now)}, replace=("key",))

        if await self.get_setting(COPIED_AT) is not None:
            await self._write(work)
        return Millis(int(await self.get_setting(RESTORED_AT) or 0))

    async def is_unsettled_copy(self) -> bool:
        """Whether what was open when the store was copied may have been done since, and is yet to be settled."""
        return await self.get_setting(COPIED_AT) is not None

    async def settle_copy(self, now: Millis) -> int:
        """Leave alone what was surely done since the store was copied; how many presses of buttons.

        That are the presses that were not yet acted on, and broadcasts that were being sent. It is no copy then.
        """

        def work(tx: Transaction) -> int:
            presses = """
                UPDATE inbox SET payload = '{}', processed_at = :now
                WHERE processed_at IS NULL AND strpos(payload, '"callback_query":') > 0
            """
            pressed = tx.run(presses, now=now)
            tx.run("UPDATE broadcasts SET state = 'stopped' WHERE state = 'sending'")
            tx.run("DELETE FROM settings WHERE key = :key", key=COPIED_AT)
            return pressed

        return await self._write(work)

    # -- broadcasts ----------------------------------------------------------------------------------

    async def add_broadcast(self, content: BroadcastContent, author: UserId | None, now: Millis) -> int:
        """Save the draft of a broadcast; its id."""
        statement = """
            INSERT INTO broadcasts (text, versions, state, reached, sent, failed, total, created_by, created_at)
            VALUES (:text, :versions, 'draft', 0, 0, 0, 0, :author, :now) RETURNING id
        """
        versions = f"[{content.model_dump_json(exclude_defaults=True)}]"
        values = {"text": content.text, "versions": versions, "author": author_of(author), "now": now}
        return await self._write(lambda tx: int(tx.value(statement, **values)))

    async def get_broadcast(self, broadcast_id: int) -> Broadcast | None:
        """One broadcast."""
        statement = "SELECT *, nullif(created_by, 0) AS created_by FROM broadcasts WHERE id = :id"
        return await self._read(lambda tx: tx.one(Broadcast, statement, id=broadcast_id))

    async def list_sending_broadcasts(self) -> list[Broadcast]:
        """The broadcasts that are being sent or will be, by when they start."""
        statement = """
            SELECT *, nullif(created_by, 0) AS created_by FROM broadcasts INDEXED BY broadcasts_sending
            WHERE state = 'sending' ORDER BY starts_at, id
        """
        return await self._read(lambda tx: tx.all(Broadcast, statement))

    async def get_due_broadcast(self, now: Millis) -> Broadcast | None:
        """The broadcast that is to be sent now: of those that have started, the one that did so first."""
        statement = """
            SELECT *, nullif(created_by, 0) AS created_by FROM broadcasts INDEXED BY broadcasts_sending
            WHERE state = 'sending' AND starts_at <= :now ORDER BY starts_at, id LIMIT 1
        """
        return await self._read(lambda tx: tx.one(Broadcast, statement, now=now))

    async def update_broadcast(self, broadcast: Broadcast, before: BroadcastState) -> bool:
        """Save the changes of a broadcast; False: it is no longer in state `before`."""
        statement = """
            UPDATE broadcasts SET
                plan = :plan, language = :language, state = :state, reached = :reached, sent = :sent,
                failed = :failed, total = :total, message_id = :message_id, versions = :versions, tested = :tested,
                starts_at = :starts_at
            WHERE id = :id AND state = :before
        """
        values = mapper.columns(broadcast) | {"before": str(before)}
        return await self._write(lambda tx: tx.run(statement, **values) > 0)

    # -- reports -------------------------------------------------------------------------------------

    async def list_figures(self, since: Millis, user_id: UserId | None, limit: int) -> list[StatRow]:
        """The newest tasks ended since then, of a user or (None) of all."""
        of_all = """
            SELECT id, user_id, model, state, price, provider, real_cost, created_at, submitted_at, finished_at,
                failure
            FROM tasks INDEXED BY tasks_ended
            WHERE finished_at >= :since AND state IN ('succeeded', 'failed', 'cancelled', 'expired') AND pack != 'library'
            ORDER BY finished_at DESC LIMIT :limit
        """
        of_user = """
            SELECT id, user_id, model, state, price, provider, real_cost, created_at, submitted_at, finished_at,
                failure
            FROM tasks INDEXED BY tasks_of_user
            WHERE user_id = :user AND state IN ('succeeded', 'failed', 'cancelled', 'expired')
            AND finished_at >= :since AND pack != 'library'
            ORDER BY finished_at DESC LIMIT :limit
        """
        statement = of_all if user_id is None else of_user
        return await self._read(lambda tx: tx.all(StatRow, statement, since=since, user=user_id, limit=limit))

    # -- what waits ----------------------------------------------------------------------------------

    async def take_census(self) -> Census:
        """Count what is under way: tasks by state, deliveries, updates that were set aside."""
        by_state = """
            SELECT state, count(*) AS number FROM tasks INDEXED BY tasks_by_state
            WHERE state IN ('queued', 'submitting', 'unconfirmed', 'in_progress') GROUP BY state
        """
        queued = "SELECT min(created_at) FROM tasks INDEXED BY tasks_by_state WHERE state = 'queued'"
        waiting = """
            SELECT count(*) AS number, min(due_at) AS due FROM outbox INDEXED BY outbox_due
            WHERE state IN ('pending', 'sending')
        """

        def work(tx: Transaction) -> Census:
            states = {row["state"]: int(row["number"]) for row in tx.all(Row, by_state)}
            (outbox,) = tx.all(Row, waiting)
            set_aside = tx.value("SELECT count(*) FROM quarantine")
            return Census(states, tx.value(queued), outbox["number"], outbox["due"], set_aside)

        return await self._read(work)

    # -- upkeep --------------------------------------------------------------------------------------

    async def clean(self, before: Millis, kinds: Mapping[str, Millis] = NO_KINDS) -> int:
        """Delete what is done or unused since `before`, or since what `kinds` says of a kind; how many rows.

        The kinds are those of `CLEAN`, and `tasks`, of which nothing goes unless `kinds` names them.
        """

        def work(tx: Transaction) -> int:
            return sum(
                tx.run(statement, before=kinds.get(kind, before))
                for kind, statements in CLEAN.items()
                for statement in statements
            )

        number = await self._write(work)
        if (of_tasks := kinds.get("tasks")) is not None:
            # Each piece by itself: nobody waits for a long history.
            while emptied := await self._write(lambda tx: _empty_tasks(tx, of_tasks)):
                number += emptied
        return number


def _empty_tasks(tx: Transaction, before: Millis) -> int:
    """Delete what some of the oldest tasks hold that ended before then, but those that their owners marked.

    As where their owner is forgotten, a bare row stays for the ledger and for figures. How far this has come is
    remembered, so that no task is looked at twice; 0: nothing was left.
    """
    done = int(tx.value("SELECT value FROM settings WHERE key = :key", key=EMPTIED_KEY) or 0)
    oldest = """
        SELECT id, finished_at FROM tasks INDEXED BY tasks_ended
        WHERE finished_at > :done AND finished_at < :before ORDER BY finished_at LIMIT :most
    """
    rows = tx.all(Row, oldest, done=done, before=before, most=EMPTIED_AT_ONCE)
    if not rows:
        return 0
    # Several may have ended at the same moment: all of them belong to the same piece.
    last = rows[-1]["finished_at"]
    ended = tx.values(_ENDED, done=done, last=last)
    for statement in EMPTY:
        tx.run(statement, tasks=ended)
    tx.insert("settings", {"key": EMPTIED_KEY, "value": str(last)}, replace=("key",))
    return len(rows)


EMPTIED_KEY = "retention.tasks"
"""The key in the settings for the end of the last task that was emptied (milliseconds)."""

EMPTIED_AT_ONCE = 500

_ENDED = """
    SELECT id FROM tasks INDEXED BY tasks_ended
    WHERE finished_at > :done AND finished_at <= :last AND due_at IS NULL AND favourite = 0 AND pack != 'library'
    AND state IN ('succeeded', 'failed', 'cancelled', 'expired')
    AND NOT EXISTS (
        SELECT 1 FROM outbox WHERE outbox.task_id = tasks.id AND outbox.state IN ('pending', 'sending')
    )
"""

EMPTY = (
    "DELETE FROM task_messages WHERE task_id = ANY (:tasks)",
    "DELETE FROM result_files WHERE task_id = ANY (:tasks)",
    "DELETE FROM outbox WHERE task_id = ANY (:tasks)",
    """
    UPDATE tasks SET
        message_id = NULL, thread_id = NULL, update_id = NULL, press = NULL, failure_detail = NULL, hidden = 1,
        request = json_object('operation', 'text2video', 'model', model), status_message_id = NULL
    WHERE id = ANY (:tasks)
    """,
)
"""What goes of ended tasks."""

CLEAN: Mapping[str, tuple[str, ...]] = {
    "updates": (
        # The newest row stays, so that the next offset is known.
        """
        DELETE FROM inbox WHERE processed_at < :before AND update_id != (
            SELECT update_id FROM inbox WHERE received_at = (SELECT max(received_at) FROM inbox)
            ORDER BY update_id DESC LIMIT 1
        )
        """,
        "DELETE FROM quarantine WHERE received_at < :before",
    ),
    "drafts": (
        "DELETE FROM drafts WHERE updated_at < :before",
        "DELETE FROM questions WHERE expires_at < :before",
        "DELETE FROM offers WHERE offered_at < :before",
        """
        DELETE FROM subscriptions INDEXED BY subscriptions_never_paid
        WHERE paid_until IS NULL AND offered_at < :before
        """,
        "DELETE FROM kept_words WHERE used_at < :before",
    ),
    "strikes": ("DELETE FROM strikes WHERE at < :before",),
    "charges": (
        "DELETE FROM lost_answers WHERE at < :before",
        "DELETE FROM charges INDEXED BY charges_by_time WHERE charged_at < :before",
    ),
    # Which attachments are needed is gathered once, not once each: every text as long as a SHA-256 in a
    # request that may still be sent, or in a draft, keeps the attachment of that name.
    "photos": (
        """
        DELETE FROM attachments WHERE used_at < :before AND sha256 NOT IN (
            SELECT part.atom FROM tasks, json_atoms(tasks.request) AS part
            WHERE tasks.state IN ('queued', 'submitting', 'unconfirmed') AND length(part.atom) = 64
            UNION ALL
            SELECT part.atom FROM drafts, json_atoms(drafts.data) AS part WHERE length(part.atom) = 64
        )
        """,
    ),
    # A provider may fetch a video again while it works on it.
    "videos": (
        """
        DELETE FROM videos WHERE used_at < :before AND sha256 NOT IN (
            SELECT part.atom FROM tasks, json_atoms(tasks.request) AS part
            WHERE tasks.state IN ('queued', 'submitting', 'unconfirmed', 'in_progress') AND length(part.atom) = 64
            UNION ALL
            SELECT part.atom FROM drafts, json_atoms(drafts.data) AS part WHERE length(part.atom) = 64
        )
        """,
    ),
}
"""What retention forgets, by its kind."""
