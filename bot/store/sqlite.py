"""The store on one SQLite file: WAL, full synchronisation, one writer thread with group commit.

`SqliteStore` fulfils `bot.store.base.Store`; its docstrings hold the contract and are not repeated here.
"""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog
from sqlite_utils import Database

from bot.domain.lifecycle import Settlement, Transition
from bot.domain.preferences import Preferences
from bot.domain.quota import (
    Lot,
    Plan,
    PoolUse,
    Usage,
    Windows,
    may_hold,
    pool_pays,
    within_group_budget,
)
from bot.domain.recipe import Recipe
from bot.domain.request import Attachment
from bot.domain.shop import Offer, Payment
from bot.domain.spending import NO_CAPS, UNITS_PER_CREDIT, Caps, Spent, total, within
from bot.domain.task import (
    Delivery,
    LedgerKind,
    LedgerRow,
    MessagePurpose,
    NotedMessage,
    Task,
    TaskState,
)
from bot.domain.units import ChatId, Credits, Millis, ProviderName, TaskId, UserId
from bot.errors import ConfigError
from bot.store import lots, payments, sql, sql_money, sql_privacy, sqlite_privacy
from bot.store.base import (
    Awaited,
    Conflict,
    Draft,
    InboxRow,
    RecipeRefused,
    SentRecord,
    Spender,
    StoredAttachment,
    TaskIdTaken,
    User,
)
from bot.store.migrations import STEPS, migrations
from bot.store.rows import (
    awaited_of,
    changing_values,
    delivery_of,
    inbox_row_of,
    insert,
    ledger_row_of,
    recipe_of,
    recipe_values,
    task_of,
    task_values,
    user_of,
)
from bot.store.sqlite_privacy import know_pseudonyms
from bot.store.writer import LARGEST_GROUP, Writer

log = structlog.get_logger(__name__)

T = TypeVar("T")

BUSY_TIMEOUT_MS = 10_000
READERS = 2
URL_PREFIX = "sqlite:///"


def path_of(url: str) -> Path:
    """The file behind `sqlite:///relative.db`, `sqlite:////absolute.db` or a plain path."""
    return Path(url.removeprefix(URL_PREFIX))


def _connect(path: Path) -> sqlite3.Connection:
    # With isolation_level None nothing but our own BEGIN begins a transaction.
    connection = sqlite3.connect(
        path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    # What is deleted is overwritten, so that it is gone.
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _connect_migrated(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    know_pseudonyms(connection)
    return connection


def migrate(path: Path) -> list[str]:
    """Bring the file to the present schema, creating it if need be; the names of the steps applied.

    Raises:
        ConfigError: a newer version of the program has changed the file, in ways unknown to this one.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    connection = _connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        database = Database(connection)
        unknown = {step.name for step in migrations.applied(database)} - STEPS
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ConfigError(
                [f"store.url: {path} was changed by a newer version ({names}): update the program"]
            )
        steps = [step.name for step in migrations.pending(database)]
        migrations.apply(database)
        return steps
    finally:
        connection.close()


class SqliteStore:
    """See `bot.store.base.Store`. `group` is how many intents one commit may hold."""

    def __init__(self, path: Path, *, group: int = LARGEST_GROUP) -> None:
        self.path = path
        self._writer = Writer(_connect_migrated(path), group=group)
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._read_connections: list[sqlite3.Connection] = []

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open the file, creating and migrating it if need be."""
        path = path_of(url)
        await asyncio.to_thread(migrate, path)
        return cls(path)

    async def close(self) -> None:
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._read_connections:
            connection.close()

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_here, work)

    def _read_here(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connect_migrated(self.path)
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._read_connections.append(connection)
        return work(connection)

    async def _rows(
        self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[sqlite3.Row]:
        return await self._read(lambda db: db.execute(statement, values).fetchall())

    async def _row(
        self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> sqlite3.Row | None:
        rows = await self._rows(statement, values)
        return rows[0] if rows else None

    async def _write(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        await self._writer.do(lambda db: db.execute(statement, values).rowcount)

    async def quick_check(self) -> str:
        """`ok`, or what SQLite finds wrong with the file."""
        row = await self._row("PRAGMA quick_check(1)")
        return str(row[0]) if row is not None else "no answer"

    # -- inbox ---------------------------------------------------------------------------------------

    async def receive(self, rows: Sequence[InboxRow]) -> list[InboxRow]:
        def work(db: sqlite3.Connection) -> list[InboxRow]:
            new = []
            for row in sorted(rows, key=lambda row: row.update_id):
                values = {
                    "update_id": row.update_id,
                    "chat_id": row.chat_id,
                    "payload": json.dumps(row.payload, ensure_ascii=False),
                    "sent_at": row.sent_at,
                    "received_at": row.received_at,
                }
                if insert(db, "inbox", values, conflict="IGNORE"):
                    new.append(row)
            return new

        return await self._writer.do(work)

    async def unprocessed(self) -> list[InboxRow]:
        rows = await self._rows(sql.UNPROCESSED)
        return [inbox_row_of(row) for row in rows]

    async def mark_processed(self, update_id: int, now: Millis) -> None:
        await self._write(sql.MARK_PROCESSED, (now, update_id))

    async def last_update(self) -> tuple[int, Millis] | None:
        row = await self._row(sql.LAST_UPDATE)
        return None if row is None else (row["update_id"], Millis(row["received_at"]))

    # -- people and chats ----------------------------------------------------------------------------

    async def see_user(
        self, user_id: UserId, name: str, username: str | None, telegram_language: str | None, now: Millis
    ) -> User:
        values = (user_id, name, username, telegram_language, now, now)
        return await self._writer.do(lambda db: user_of(db.execute(sql.SEE_USER, values).fetchone()))

    async def user(self, user_id: UserId) -> User | None:
        row = await self._row(sql.USER, (user_id,))
        return None if row is None else user_of(row)

    async def find_user(self, text: str) -> User | None:
        wanted = text.strip().removeprefix("@")
        if wanted.isascii() and wanted.isdigit():
            return await self.user(UserId(int(wanted))) if len(wanted) <= 18 else None
        row = await self._row(sql.USER_BY_NAME, (wanted,))
        return None if row is None else user_of(row)

    async def set_language(self, user_id: UserId, language: str | None) -> None:
        await self._write(sql.SET_LANGUAGE, (language, user_id))

    async def set_preferences(self, user_id: UserId, preferences: Preferences) -> None:
        await self._write(sql.SET_PREFERENCES, (preferences.write(), user_id))

    async def set_plan(self, user_id: UserId, plan: str | None, until: Millis | None) -> None:
        await self._write(sql.SET_PLAN, (plan, until, user_id))

    async def set_inviter(self, user_id: UserId, inviter: UserId) -> bool:
        values = {"user": user_id, "inviter": inviter}
        return await self._writer.do(lambda db: db.execute(sql.SET_INVITER, values).rowcount > 0)

    async def move_chat(self, old: ChatId, new: ChatId) -> None:
        def work(db: sqlite3.Connection) -> None:
            for step in sql.MOVE_CHAT:
                db.execute(step, (new, old))

        await self._writer.do(work)

    # -- privacy -------------------------------------------------------------------------------------

    async def export(self, user_id: UserId) -> dict[str, list[dict[str, Any]]]:
        return await self._read(lambda db: sqlite_privacy.export(db, user_id))

    async def forget(self, user_id: UserId, now: Millis) -> None:
        def work(db: sqlite3.Connection) -> None:
            for row in db.execute(sql_privacy.QUEUED_OF, {"user": user_id}).fetchall():
                _end_forgotten(db, row, now)
            sqlite_privacy.forget(db, user_id)

        await self._writer.do(work)
        if not await asyncio.to_thread(
            sqlite_privacy.take_out_of_the_journal, self.path, BUSY_TIMEOUT_MS / 1000
        ):
            log.warning("the journal was in use; what was forgotten leaves it with the next checkpoint")

    # -- accepting -----------------------------------------------------------------------------------

    async def accept(
        self,
        task: Task,
        attachments: Sequence[StoredAttachment],
        plan: Plan,
        window: Windows,
        group_budget: int | None = None,
        pool: PoolUse = PoolUse.OFF,
        caps: Caps = NO_CAPS,
    ) -> Task:
        def work(db: sqlite3.Connection) -> Task:
            if task.origin.update_id is not None:
                known = db.execute(sql.TASK_OF_UPDATE, (task.origin.update_id,)).fetchone()
                if known is not None:
                    return task_of(known)
            if db.execute(sql.TASK, (task.id,)).fetchone() is not None:
                raise TaskIdTaken(task.id)
            usage = _usage(db, task.user_id, window)
            payer = _pool_that_pays(db, task, pool)
            # Where a pool pays, who asks is still bound to how much may run at a time.
            allowance = may_hold(task.price if payer is None else Credits(0), plan, usage, window)
            hold = LedgerRow.hold(task, allowance, payer)
            if group_budget is not None:
                spent = _spent_in(db, task.origin.chat_id, window.day_start)
                within_group_budget(task.price, group_budget, spent, window)
            if caps:
                within(caps, total(_spent_units(db, window).values()), task.price, window)
            for attachment in attachments:
                _keep_attachment(db, attachment, task.created_at)
            insert(db, "tasks", task_values(task))
            lots.book(db, hold)
            return task

        return await self._writer.do(work)

    async def spent_in(self, chat_id: ChatId, since: Millis) -> Credits:
        return await self._read(lambda db: _spent_in(db, chat_id, since))

    async def attachments(self, refs: Sequence[Attachment]) -> Mapping[str, bytes]:
        hashes = [ref.sha256 for ref in refs]
        rows = await self._rows(sql.ATTACHMENTS, (json.dumps(hashes),))
        return {row["sha256"]: row["content"] for row in rows}

    async def keep_attachment(self, attachment: StoredAttachment, now: Millis) -> None:
        await self._writer.do(lambda db: _keep_attachment(db, attachment, now))

    # -- tasks ---------------------------------------------------------------------------------------

    async def task(self, task_id: TaskId) -> Task | None:
        row = await self._row(sql.TASK, (task_id,))
        return None if row is None else task_of(row)

    async def task_of_message(self, chat_id: ChatId, message_id: int) -> Task | None:
        noted = await self.noted_message(chat_id, message_id)
        return None if noted is None else noted.task

    async def task_of_request(self, chat_id: ChatId, message_id: int) -> Task | None:
        row = await self._row(sql.TASK_OF_REQUEST, (chat_id, message_id))
        return None if row is None else task_of(row)

    async def tasks_of(self, user_id: UserId, states: Sequence[TaskState], limit: int = 20) -> list[Task]:
        rows = await self._rows(sql.TASKS_OF, (user_id, _states(states), limit))
        return [task_of(row) for row in rows]

    async def tasks_in(self, states: Sequence[TaskState], limit: int = 1000) -> list[Task]:
        rows = await self._rows(sql.TASKS_IN, (_states(states), limit))
        return [task_of(row) for row in rows]

    async def count_running(self) -> Mapping[ProviderName, int]:
        rows = await self._rows(sql.COUNT_RUNNING)
        return {ProviderName(row[0]): row[1] for row in rows}

    async def queue_position(self, task: Task) -> int:
        row = await self._row(sql.QUEUE_POSITION, (task.id,))
        return 0 if row is None else int(row[0])

    async def due_queued(self, now: Millis, limit: int) -> list[Task]:
        rows = await self._rows(sql.DUE_QUEUED, {"now": now, "limit": limit})
        return [task_of(row) for row in rows]

    async def postpone(self, task_ids: Sequence[TaskId], until: Millis) -> None:
        values = {"ids": json.dumps(list(task_ids)), "until": until}
        await self._writer.do(lambda db: db.execute(sql.POSTPONE, values))

    async def claim_due(
        self, now: Millis, lease: Millis, states: Sequence[TaskState], limit: int
    ) -> list[Task]:
        values = {"now": now, "until": now + lease, "states": _states(states), "limit": limit}
        # Most ticks find nothing: a look by a reader costs no commit.
        if await self._row(sql.ANY_DUE, values) is None:
            return []
        rows = await self._writer.do(lambda db: db.execute(sql.CLAIM_DUE, values).fetchall())
        return sorted((task_of(row) for row in rows), key=lambda task: task.created_at)

    async def hasten(
        self,
        provider: ProviderName,
        external_task_id: str | None,
        provider_task_id: str | None,
        now: Millis,
        pause: Millis,
    ) -> Task | None:
        ids = {
            "provider": provider,
            "external_task_id": external_task_id,
            "provider_task_id": provider_task_id,
        }
        # A callback about a task that nobody waits for costs no commit.
        found = await self._row(sql.TASK_TO_HASTEN, ids)
        if found is None or found["due_at"] is None or found["due_at"] <= now:
            return None
        values = {"id": found["id"], "now": now, "pause": pause}
        row = await self._writer.do(lambda db: db.execute(sql.HASTEN, values).fetchone())
        return None if row is None else task_of(row)

    async def overdue(self, now: Millis, limit: int) -> list[Task]:
        rows = await self._rows(sql.OVERDUE, (now, limit))
        return [task_of(row) for row in rows]

    async def apply(self, transition: Transition, now: Millis) -> Task:
        before, after = transition.before, transition.after

        def work(db: sqlite3.Connection) -> Task:
            values = {**changing_values(after), "id": before.id, "before": before.version}
            row = db.execute(sql.APPLY, values).fetchone()
            if row is None:
                raise Conflict(f"task {before.id} is no longer at version {before.version}")
            if transition.settlement is not Settlement.KEEP:
                _settle(db, after, transition.settlement, now)
            if task_of(row).is_forgotten:
                # There is nobody to tell, and nothing to send once more.
                return _end_forgotten(db, row, now) if after.state is TaskState.QUEUED else task_of(row)
            for item in transition.outbox:
                video = item.video
                insert(
                    db,
                    "outbox",
                    {
                        "task_id": after.id,
                        "kind": str(item.kind),
                        "position": item.position,
                        "state": "pending",
                        "attempts": 0,
                        "due_at": now,
                        "url": None if video is None else video.url,
                        "remote_id": None if video is None else video.id,
                        "remote_duration_ms": None if video is None else video.duration_ms,
                    },
                )
            return task_of(row)

        return await self._writer.do(work)

    async def has_other_success(self, task: Task) -> bool:
        return await self._row(sql.OTHER_SUCCESS, (task.user_id, task.id)) is not None

    async def set_status_message(self, task_id: TaskId, message_id: int | None) -> None:
        await self._write(sql.SET_STATUS_MESSAGE, (message_id, task_id))

    async def ended_with_status(self, limit: int) -> list[Task]:
        rows = await self._rows(sql.ENDED_WITH_STATUS, (limit,))
        return [task_of(row) for row in rows]

    async def durations(
        self, provider: ProviderName, key: tuple[str, str, int], limit: int = 50
    ) -> list[int]:
        rows = await self._rows(sql.DURATIONS, (provider, *key, limit))
        return [row[0] for row in rows]

    async def durations_at(self, provider: ProviderName, limit: int = 50) -> list[int]:
        rows = await self._rows(sql.LATELY_TOOK, (provider, limit))
        return [row[0] for row in rows]

    # -- history -------------------------------------------------------------------------------------

    async def search_tasks(self, user_id: UserId, words: str, skip: int, limit: int) -> list[Task]:
        rows = await self._rows(sql.SEARCH_TASKS, _search(user_id, words, skip, limit))
        return [task_of(row) for row in rows]

    async def favourites(self, user_id: UserId, skip: int, limit: int) -> list[Task]:
        rows = await self._rows(sql.FAVOURITES, {"user": user_id, "skip": skip, "limit": limit})
        return [task_of(row) for row in rows]

    async def search_results(self, user_id: UserId, words: str, skip: int, limit: int) -> list[Delivery]:
        def work(db: sqlite3.Connection) -> list[Delivery]:
            rows = db.execute(sql.SEARCH_RESULTS, _search(user_id, words, skip, limit)).fetchall()
            return [_with_task(db, row) for row in rows]

        return await self._read(work)

    async def set_favourite(self, task_id: TaskId, favourite: bool) -> None:
        await self._write(sql.SET_FAVOURITE, (int(favourite), task_id))

    async def hide_task(self, task_id: TaskId) -> None:
        await self._write(sql.HIDE_TASK, (task_id,))

    async def note_message(
        self, chat_id: ChatId, message_id: int, task_id: TaskId, position: int, purpose: MessagePurpose
    ) -> None:
        await self._write(sql.NOTE_MESSAGE, (chat_id, message_id, task_id, position, str(purpose)))

    async def noted_message(self, chat_id: ChatId, message_id: int) -> NotedMessage | None:
        row = await self._row(sql.RESULT_MESSAGE, (message_id, chat_id))
        row = row or await self._row(sql.NOTED_MESSAGE, (message_id, chat_id))
        if row is None:
            return None
        purpose = row["purpose"]
        return NotedMessage(
            task_of(row), row["position"], None if purpose is None else MessagePurpose(purpose)
        )

    async def messages_of(self, task_id: TaskId) -> list[tuple[ChatId, int]]:
        rows = await self._rows(sql.MESSAGES_OF, {"task": task_id})
        return [(ChatId(row["chat_id"]), int(row["message_id"])) for row in rows]

    async def keep_words(self, user_id: UserId, token: str, words: str, now: Millis) -> None:
        await self._write(sql.KEEP_WORDS, (user_id, token, words, now))

    async def kept_words(self, user_id: UserId, token: str) -> str | None:
        row = await self._row(sql.KEPT_WORDS, (user_id, token))
        return None if row is None else str(row["words"])

    # -- deliveries ----------------------------------------------------------------------------------

    async def claim_deliveries(self, now: Millis, lease: Millis, limit: int) -> list[Delivery]:
        values = {"now": now, "until": now + lease, "limit": limit}
        if await self._row(sql.ANY_DELIVERY_DUE, values) is None:
            return []

        def work(db: sqlite3.Connection) -> list[Delivery]:
            rows = db.execute(sql.CLAIM_DELIVERIES, values).fetchall()
            return [_with_task(db, row) for row in sorted(rows, key=lambda row: int(row["id"]))]

        return await self._writer.do(work)

    async def release_deliveries(self, now: Millis) -> int:
        return await self._writer.do(lambda db: db.execute(sql.RELEASE_DELIVERIES, {"now": now}).rowcount)

    async def delivered(self, delivery_id: int, sent: SentRecord, now: Millis) -> None:
        values = (
            sent.message_id,
            sent.file_id,
            sent.width,
            sent.height,
            sent.duration_ms,
            sent.size_bytes,
            now,
            delivery_id,
        )
        await self._write(sql.DELIVERED, values)

    async def retry_delivery(self, delivery_id: int, due_at: Millis, failure: str) -> None:
        await self._write(sql.RETRY_DELIVERY, (due_at, failure, delivery_id))

    async def undeliverable(self, delivery_id: int, failure: str, now: Millis) -> None:
        await self._write(sql.UNDELIVERABLE, (failure, now, delivery_id))

    async def deliveries_of(self, task_id: TaskId) -> list[Delivery]:
        def work(db: sqlite3.Connection) -> list[Delivery]:
            rows = db.execute(sql.DELIVERIES_OF, (task_id,)).fetchall()
            return [_with_task(db, row) for row in rows]

        return await self._read(work)

    # -- ledger --------------------------------------------------------------------------------------

    async def usage(self, user_id: UserId, window: Windows) -> Usage:
        return await self._read(lambda db: _usage(db, user_id, window))

    async def book(self, row: LedgerRow) -> bool:
        if row.kind in {LedgerKind.HOLD, LedgerKind.CHARGE, LedgerKind.RELEASE}:
            raise ValueError(f"a {row.kind} is booked by accept or apply only")

        def work(db: sqlite3.Connection) -> bool:
            if db.execute(sql.BOOKED, (row.operation_id,)).fetchone() is not None:
                return False
            lots.book(db, row)
            return True

        return await self._writer.do(work)

    async def lots(self, account: UserId, since: Millis) -> list[Lot]:
        return await self._read(lambda db: lots.lots(db, account, since))

    async def keep_offer(self, offer: Offer) -> None:
        await self._writer.do(lambda db: payments.keep_offer(db, offer))

    async def offer(self, token: str) -> Offer | None:
        return await self._read(lambda db: payments.offer(db, token))

    async def pay(self, payment: Payment) -> bool:
        return await self._writer.do(lambda db: payments.pay(db, payment))

    async def payment(self, charge_id: str) -> Payment | None:
        return await self._read(lambda db: payments.payment(db, charge_id))

    async def begin_refund(self, charge_id: str, actor: UserId, now: Millis) -> Payment | None:
        return await self._writer.do(lambda db: payments.begin_refund(db, charge_id, actor, now))

    async def end_refund(self, charge_id: str, actor: UserId, now: Millis, *, done: bool) -> Payment | None:
        return await self._writer.do(lambda db: payments.end_refund(db, charge_id, actor, now, done=done))

    async def spent_units(self, window: Windows) -> Mapping[ProviderName | None, Spent]:
        return await self._read(lambda db: _spent_units(db, window))

    async def pool_account(self, chat_id: ChatId) -> UserId:
        return await self._read(lambda db: lots.pool_account(db, chat_id))

    async def pool_spenders(self, account: UserId, since: Millis, limit: int) -> list[Spender]:
        values = {"account": account, "since": since, "limit": limit}
        rows = await self._rows(sql_money.POOL_SPENDERS, values)
        return [Spender(row["name"], Credits(row["spent"])) for row in rows]

    async def ledger(self, user_id: UserId, limit: int = 20) -> list[LedgerRow]:
        rows = await self._rows(sql.LEDGER, (user_id, limit))
        return [ledger_row_of(row) for row in rows]

    async def ledger_totals(self) -> Mapping[LedgerKind, tuple[int, Credits]]:
        rows = await self._rows(sql.LEDGER_TOTALS)
        return {LedgerKind(row[0]): (row[1], Credits(row[2])) for row in rows}

    # -- drafts --------------------------------------------------------------------------------------

    async def save_draft(self, draft: Draft) -> None:
        values = {
            "user_id": draft.user_id,
            "chat_id": draft.chat_id,
            "data": json.dumps(draft.data, ensure_ascii=False),
            "message_id": draft.message_id,
            "updated_at": draft.updated_at,
        }
        await self._writer.do(lambda db: insert(db, "drafts", values, conflict="REPLACE"))

    async def draft(self, user_id: UserId, chat_id: ChatId) -> Draft | None:
        row = await self._row(sql.DRAFT, (user_id, chat_id))
        if row is None:
            return None
        return Draft(user_id, chat_id, json.loads(row["data"]), row["message_id"], Millis(row["updated_at"]))

    async def delete_draft(self, user_id: UserId, chat_id: ChatId) -> None:
        await self._write(sql.DELETE_DRAFT, (user_id, chat_id))

    # -- recipes -------------------------------------------------------------------------------------

    async def keep_recipe(self, recipe: Recipe, most: int) -> None:
        values = recipe_values(recipe)
        owner, token = recipe.user_id, recipe.token

        def work(db: sqlite3.Connection) -> None:
            if db.execute(sql.RECIPE_OF_NAME, (owner, values["folded_name"], token)).fetchone() is not None:
                raise RecipeRefused(name_taken=True)
            (others,) = db.execute(sql.COUNT_RECIPES, (owner, token)).fetchone()
            if others >= most:
                raise RecipeRefused(name_taken=False)
            db.execute(sql.DELETE_RECIPE, (token, owner))
            insert(db, "recipes", values)

        await self._writer.do(work)

    async def recipe(self, token: str) -> Recipe | None:
        row = await self._row(sql.RECIPE, (token,))
        return None if row is None else recipe_of(row)

    async def recipes_of(self, user_id: UserId) -> list[Recipe]:
        return [recipe_of(row) for row in await self._rows(sql.RECIPES_OF, (user_id,))]

    async def delete_recipe(self, user_id: UserId, token: str) -> bool:
        return bool(
            await self._writer.do(lambda db: db.execute(sql.DELETE_RECIPE, (token, user_id)).rowcount)
        )

    async def set_awaited(self, awaited: Awaited) -> None:
        values = {
            "user_id": awaited.user_id,
            "chat_id": awaited.chat_id,
            "kind": awaited.kind,
            "subject": awaited.subject,
            "asked_at": awaited.asked_at,
        }
        await self._writer.do(lambda db: insert(db, "awaited", values, conflict="REPLACE"))

    async def awaited(self, user_id: UserId, chat_id: ChatId) -> Awaited | None:
        row = await self._row(sql.AWAITED, (user_id, chat_id))
        return None if row is None else awaited_of(row)

    async def clear_awaited(self, user_id: UserId, chat_id: ChatId) -> None:
        await self._write(sql.CLEAR_AWAITED, (user_id, chat_id))

    # -- settings ------------------------------------------------------------------------------------

    async def setting(self, key: str) -> str | None:
        row = await self._row(sql.SETTING, (key,))
        return None if row is None else str(row["value"])

    async def set_setting(self, key: str, value: str) -> None:
        await self._write(sql.SET_SETTING, (key, value))

    # -- chores --------------------------------------------------------------------------------------

    async def clean(self, before: Millis) -> int:
        return await self._writer.do(
            lambda db: sum(db.execute(step, (before,)).rowcount for step in sql.CLEAN)
        )


def _states(states: Sequence[TaskState]) -> str:
    return json.dumps([str(state) for state in states])


def _search(user_id: UserId, words: str, skip: int, limit: int) -> dict[str, Any]:
    wanted = json.dumps(words.casefold().split())
    return {"user": user_id, "words": wanted, "skip": skip, "limit": limit}


def _usage(db: sqlite3.Connection, user_id: UserId, window: Windows) -> Usage:
    values = {
        "user": user_id,
        "day": window.day_start,
        "month": window.month_start,
        "end": window.day_end,
        "day_before": window.day_before,
        "month_before": window.month_before,
        "now": window.now,
    }
    balance, held, day, month, day_before, month_before, since, running = db.execute(
        sql.USAGE, values
    ).fetchone()
    return Usage(
        balance=Credits(balance),
        held=Credits(held),
        day_spent=Credits(day),
        month_spent=Credits(month),
        running=running,
        spent_day_before=_if_there(day_before, since, window.day_start),
        spent_month_before=_if_there(month_before, since, window.month_start),
    )


def _spent_units(db: sqlite3.Connection, window: Windows) -> dict[ProviderName | None, Spent]:
    values = {
        "day": window.day_start,
        "month": window.month_start,
        "end": window.day_end,
        "units": UNITS_PER_CREDIT,
    }
    rows = db.execute(sql_money.SPENT_UNITS, values)
    return {
        row["provider"]: Spent(row["day"], row["month"], row["told"], row["told_credits"]) for row in rows
    }


def _pool_that_pays(db: sqlite3.Connection, task: Task, use: PoolUse) -> UserId | None:
    """The account of the group's pool that pays for a task; None: its owner does."""
    if use is PoolUse.OFF:
        return None
    account = lots.pool_account(db, task.origin.chat_id)
    left = lots.balance(db, account, task.created_at)
    return account if pool_pays(task.price, use, left) else None


def _if_there(spent: int, since: int | None, until: Millis) -> Credits | None:
    """What was spent in a window that ended at `until`, by somebody who is here since then."""
    return Credits(spent) if since is not None and since < until else None


def _spent_in(db: sqlite3.Connection, chat_id: ChatId, since: Millis) -> Credits:
    return Credits(db.execute(sql.SPENT_IN, (chat_id, since)).fetchone()[0])


def _keep_attachment(db: sqlite3.Connection, attachment: StoredAttachment, now: Millis) -> None:
    ref = attachment.ref
    db.execute(sql.KEEP_ATTACHMENT, (ref.sha256, ref.media_type, attachment.content, attachment.owner, now))


def _with_task(db: sqlite3.Connection, row: sqlite3.Row) -> Delivery:
    return delivery_of(row, task_of(db.execute(sql.TASK, (row["task_id"],)).fetchone()))


def _end_forgotten(db: sqlite3.Connection, row: sqlite3.Row, now: Millis) -> Task:
    """End what waits of somebody who is forgotten; its credits go back to where they came from."""
    cancelled = task_of(db.execute(sql_privacy.CANCEL_FORGOTTEN, {"id": row["id"], "now": now}).fetchone())
    _settle(db, cancelled, Settlement.RELEASE, now)
    return cancelled


def _settle(db: sqlite3.Connection, task: Task, settlement: Settlement, now: Millis) -> None:
    """Book the opposite of the task's hold: the credits are spent, or back where they came from."""
    held = db.execute(sql.HOLD_OF, (task.id,)).fetchone()
    if held is None:
        raise ValueError(f"task {task.id} holds nothing that could be settled")
    hold = ledger_row_of(held)
    released = settlement is Settlement.RELEASE
    kind = LedgerKind.RELEASE if released else LedgerKind.CHARGE
    row = LedgerRow(
        user_id=hold.user_id,
        kind=kind,
        amount=Credits(-hold.amount if released else 0),
        held=Credits(-hold.held),
        allowance=Credits(-hold.allowance if released else 0),
        at=now,
        counted_at=hold.counted_at,
        operation_id=f"task:{task.id}:{kind}",
        task_id=task.id,
        note=str(task.failure or task.state) if released else "",
    )
    if released:
        lots.give_back(db, row, hold)
    else:
        lots.book(db, row)
