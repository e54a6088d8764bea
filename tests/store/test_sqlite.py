"""What only the SQLite engine promises: the file, its migrations, and what SQLite itself refuses."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.credits.promos import PromoCode
from bot.domain.credits.shop import Offer, Payment, Subscription
from bot.domain.library.asset import Asset
from bot.domain.library.template import Template
from bot.domain.operations.records import AuditRow, Broadcast, StatRow
from bot.domain.people.access import InviteCode, Membership
from bot.domain.people.moderation import Strike
from bot.domain.requests.question import Content, Question
from bot.domain.requests.request import AudioRef
from bot.domain.tasks.task import LedgerRow, OutboxItem, Task, TaskState
from bot.errors import ConfigError, StoreLost, StoreTaken
from bot.store import Draft, InboxRow, Store, User, migrate, path_of
from bot.store.engine import mapper, migrations
from bot.store.engine.migrations import STEPS
from handlers import ROUTES
from handlers.chat.routes import QUESTION_TTL, REPLY_TTL
from tests.builders import LEASE, NOW, a_grant, stored
from tests.stored import book

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "data" / "bot.db"


@pytest.fixture
async def store(path):
    opened = await Store.open(str(path))
    yield opened
    await opened.close()


def schema(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/bot.db", "data/bot.db"),
        ("sqlite:////srv/bot.db", "/srv/bot.db"),
        ("bot.db", "bot.db"),
    ],
)
def test_an_address_names_a_file(url, path):
    assert path_of(url) == Path(path)


def test_migrating_again_changes_nothing(path):
    assert migrate(path) == sorted(STEPS)
    once = schema(path)
    assert migrate(path) == []
    assert schema(path) == once


@pytest.mark.parametrize("version", range(1, len(STEPS)))
def test_a_file_of_an_earlier_version_becomes_like_a_new_one(path, tmp_path, monkeypatch, version):
    names = sorted(STEPS)
    with monkeypatch.context() as earlier:
        earlier.setattr(
            migrations, "_STATEMENTS", {name: migrations._STATEMENTS[name] for name in names[:version]}
        )
        earlier.setattr(migrations, "STEPS", frozenset(names[:version]))
        path.parent.mkdir()
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            assert migrations.apply(db) == names[:version]
        before = schema(path)
    assert migrate(path) == names[version:]
    migrate(tmp_path / "new.db")
    assert schema(path) == schema(tmp_path / "new.db")
    # What it was is kept.
    (copy,) = (path.parent / "backups").iterdir()
    assert copy.name.startswith(f"{path.stem}-{names[version - 1][:4]}-")
    assert schema(copy) == before


def test_of_earlier_users_those_with_a_private_chat_are_known_and_telegrams_own_are_none(path):
    migrate(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for user in (1, 2, 3, 777000, 1087968824, 136817688):
            db.execute("INSERT INTO users (id, name, created_at, seen_at) VALUES (?, '', 0, 0)", (user,))
        for update, chat in ((1, 1), (2, -3)):
            db.execute(
                "INSERT INTO inbox (update_id, chat_id, payload, received_at) VALUES (?, ?, '{}', 0)",
                (update, chat),
            )
        for statement in migrations._STATEMENTS["0013_private_chats"][1:]:
            db.execute(statement)
        known = db.execute("SELECT id, chat_open FROM users ORDER BY id").fetchall()
    assert known == [(1, 1), (2, None), (3, None)]


def test_payments_that_an_earlier_version_refunded_know_when(path):
    migrate(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for charge, state, refunds in (("a", "refunded", 2), ("unknown", "refunded", 0), ("kept", "paid", 1)):
            db.execute(
                """
                INSERT INTO payments (charge_id, user_id, credits, stars, paid_at, state, taken, refunds)
                VALUES (?, 1, 5, 5, 1000, ?, 0, ?)
                """,
                (charge, state, refunds),
            )
        for number, at in ((0, 4000), (1, 5000)):
            db.execute(
                """
                INSERT INTO ledger (user_id, kind, amount, held, allowance, at, counted_at, idempotency_key, note)
                VALUES (1, 'refund', -5, 0, 0, ?, ?, ?, '')
                """,
                (at, at, f"stars:a:refund:{number}"),
            )
        db.execute(migrations._STATEMENTS["0033_business"][1])
        known = db.execute("SELECT charge_id, refunded_at FROM payments ORDER BY charge_id").fetchall()
    assert known == [("a", 5000), ("kept", None), ("unknown", 1000)]


def test_saved_templates_of_earlier_versions_go_over(path):
    migrate(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(
            """
            CREATE TABLE recipes (
                token, user_id, name, folded_name, settings, frame_count, picture_count, created_at
            )
            """
        )
        db.execute("INSERT INTO recipes VALUES ('F0X', 1, 'Fox', 'fox', '{}', 1, 0, 7)")
        for statement in migrations._STATEMENTS["0020_templates"][1:]:
            db.execute(statement)
        db.row_factory = sqlite3.Row
        (row,) = db.execute("SELECT * FROM templates")
    assert mapper.load(Template, dict(row)) == Template("F0X", 1, "Fox", {}, 1, 0, 7)


def test_open_questions_of_earlier_versions_stay_open():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE awaited (user_id, chat_id, kind, subject, asked_at)")
        db.execute("CREATE TABLE tasks (id, user_id, created_at, finished_at)")
        db.execute("CREATE TABLE task_messages (chat_id, message_id, task_id, position, purpose)")
        for user, (kind, subject) in enumerate(
            (
                ("recipe_photo", "F0X.15"),
                ("idea_photo", "fly.0"),
                ("recipe_name", "F0X"),
                ("element_photos", "Mia red hair"),
                ("voice_sound", "Mia"),
                ("panel", "grant.7"),
                ("suggestion", "a better fox"),
            )
        ):
            db.execute("INSERT INTO awaited VALUES (?, ?, ?, ?, 1000)", (user, user, kind, subject))
        db.execute("INSERT INTO tasks VALUES ('K7Q29F', 1001, 1, 5)")
        for message, purpose in enumerate(("copy", "extend", "lip_sync", "effect"), 40):
            db.execute("INSERT INTO task_messages VALUES (9, ?, 'K7Q29F', 1, ?)", (message, purpose))
        db.execute("CREATE TABLE drafts (user_id, chat_id, data, message_id, updated_at)")
        for user, (message, awaits) in enumerate(((60, "end"), (61, "seed"), (62, None), (None, "seed"))):
            data = json.dumps({"name": "c1", "awaits": awaits})
            db.execute("INSERT INTO drafts VALUES (?, 9, ?, ?, 5)", (user, data, message))
        for statement in migrations._STATEMENTS["0022_questions"]:
            db.execute(statement)
        db.row_factory = sqlite3.Row
        rows = [mapper.load(Question, dict(row)) for row in db.execute("SELECT * FROM questions")]
        assert len(list(db.execute("SELECT * FROM task_messages"))) == 4
    known = {
        question.kind: (question.message_id, question.payload, question.accepts, question.expires_at)
        for question in rows
        if question.payload != "fly.0" and question.message_id != 60
    }
    next_until, reply_until = 1000 + QUESTION_TTL, 5 + REPLY_TTL
    assert len(rows) == 11
    assert known == {
        "template_run": (0, "F0X.15", Content.PHOTO, next_until),
        "template_name": (0, "F0X", Content.TEXT, next_until),
        "element_photos": (0, "Mia red hair", Content.PHOTO, next_until),
        "voice_sound": (0, "Mia", Content.SOUND, next_until),
        "panel": (0, "grant.7", Content.TEXT, next_until),
        "extend": (41, "K7Q29F.1", Content.TEXT, reply_until),
        "speak": (42, "K7Q29F.1", Content.TEXT | Content.SOUND, reply_until),
        "effects": (43, "K7Q29F.1", Content.TEXT, reply_until),
        "card": (61, "c1.seed", Content.TEXT, reply_until),
    }
    assert [(row.payload, row.accepts) for row in rows if row.message_id == 60] == [("c1.end", Content.PHOTO)]
    assert known.keys() - {"panel"} <= ROUTES.questions.keys()


EARLIER_ASSET = """
    INSERT INTO assets (id, user_id, kind, name, folded_name, description, pictures, provider, external_id, task_id,
        remote_id, chat_id, language, state, version, due_at, attempts, looks, told, made_at, sound)
    VALUES (:id, 1, :kind, :id, :id, 'a fox', '[]', 'official', :id, :task, :remote, 1, 'en', :state, 0, 5, 1, 0, :told,
        7, :sound)
"""


async def test_earlier_elements_and_voices_become_tasks_or_stay_in_the_library(path):
    sound = AudioRef(sha256="5" * 64, duration_ms=6_000)
    earlier = {
        "WA1T": ("waiting", None, None, 0),
        "SEND": ("sending", None, None, 0),
        "L0ST": ("unconfirmed", None, None, 0),
        "MAKE": ("making", "kling-1", None, 0),
        "NEWS": ("ready", "kling-2", "72", 0),
        "READY": ("ready", "kling-3", "73", 1),
        "FA1L": ("failed", None, None, 0),
        "0LD": ("failed", None, None, 1),
        "G0NE": ("deleting", "kling-4", "74", 1),
        "EARLY": ("deleting", "kling-5", None, 1),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        names = list(migrations._STATEMENTS)
        step = next(name for name in names if name.endswith("_elements_and_voices_as_tasks"))
        for name in names[: names.index(step)]:
            for statement in migrations._STATEMENTS[name]:
                db.execute(statement)
        for name, (state, task, remote, told) in earlier.items():
            kind, kept = ("voice", sound.model_dump_json()) if name == "MAKE" else ("element", None)
            row = {"id": name, "state": state, "task": task, "remote": remote, "told": told}
            db.execute(EARLIER_ASSET, row | {"kind": kind, "sound": kept})
        for statement in migrations._STATEMENTS[step]:
            db.execute(statement)
        db.row_factory = sqlite3.Row
        tasks = [mapper.load(Task, dict(row)) for row in db.execute("SELECT * FROM tasks")]
        assets = [mapper.load(Asset, dict(row)) for row in db.execute("SELECT * FROM assets")]
        booked = db.execute("SELECT task_id, kind, amount FROM ledger").fetchall()
        notices = db.execute("SELECT task_id FROM outbox").fetchall()
    assert {task.id: (task.state, task.provider_task_id, task.hidden) for task in tasks} == {
        "WA1T": ("queued", None, False),
        "SEND": ("submitting", None, False),
        "L0ST": ("unconfirmed", None, False),
        "MAKE": ("in_progress", "kling-1", False),
        "NEWS": ("in_progress", "kling-2", False),
        "FA1L": ("failed", None, False),
        "EARLY": ("in_progress", "kling-5", True),
    }
    made = next(task for task in tasks if task.id == "MAKE")
    assert (made.request.operation, made.request.name, made.request.account) == ("voice", "MAKE", "official")
    assert made.request.attachments == (sound,)
    assert {(asset.id, asset.remote_id, asset.due_at) for asset in assets} == {
        ("READY", "73", None),
        ("G0NE", "74", 5),
    }
    holds = {task for task, kind, _ in booked if kind == "hold"}
    assert holds == {task.id for task in tasks}
    assert [(task, amount) for task, kind, amount in booked if kind == "release"] == [("FA1L", 0)]
    assert [task for (task,) in notices] == ["FA1L"]


def test_every_step_has_a_number_and_they_are_in_order(path):
    names = migrate(path)
    assert names == sorted(STEPS)
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_every_table_is_strict(path):
    migrate(path)
    with closing(sqlite3.connect(path)) as db:
        tables = db.execute("PRAGMA table_list").fetchall()
    ours = {row[1]: row[5] for row in tables if not row[1].startswith(("sqlite_", "_sqlite_"))}
    assert {"tasks", "ledger", "inbox", "outbox", "attachments", "users", "drafts"} <= set(ours)
    assert set(ours.values()) == {1}


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (Asset, "assets"),
        (AuditRow, "audit"),
        (Broadcast, "broadcasts"),
        (Draft, "drafts"),
        (StatRow, "tasks"),
        (InboxRow, "inbox"),
        (InviteCode, "invite_codes"),
        (LedgerRow, "ledger"),
        (Offer, "offers"),
        (OutboxItem, "outbox"),
        (Payment, "payments"),
        (PromoCode, "promo_codes"),
        (Question, "questions"),
        (Membership, "standings"),
        (Strike, "strikes"),
        (Subscription, "subscriptions"),
        (Task, "tasks"),
        (Template, "templates"),
        (User, "users"),
    ],
)
def test_every_field_of_a_record_has_its_column(path, kind, table):
    """A field without one would be read as its default, whatever was written."""
    migrate(path)
    with closing(sqlite3.connect(path)) as db:
        columns = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    fields = mapper._fields(kind)
    parts = [part for field in fields if field.part for part in mapper._fields(field.part)]
    assert {field.column for field in [*fields, *parts] if not field.part} <= columns


def test_a_new_file_is_for_its_owner_only(path):
    migrate(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_of_a_newer_version_is_refused_and_left_alone(path):
    migrate(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('klingbot', '9999_the_future', '2099-01-01')"
        )
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="newer version") as refused:
        await Store.open(str(path))
    assert "9999_the_future" in refused.value.problems[0]
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_told(path):
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreLost, match="is damaged: file is not a database"):
        await Store.open(str(path))


async def test_who_serves_does_so_alone_and_waits_a_moment_for_another_to_end(path):
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    first = await Store.open(str(path), serving=wait)
    assert waited == []
    with pytest.raises(StoreTaken, match=f"in use by process {os.getpid()} on"):
        await Store.open(str(path), serving=wait)
    assert 10 < sum(waited) <= 20
    beside = await Store.open(str(path))
    assert await beside.check() == "ok"
    await beside.close()
    waited.clear()

    async def end_the_first(seconds: float) -> None:
        await wait(seconds)
        await first.close()

    second = await Store.open(str(path), serving=end_the_first)
    assert len(waited) == 1
    await second.close()


async def test_the_schema_is_not_changed_while_another_serves(path):
    async def never(seconds: float) -> None:
        raise AssertionError("nobody holds the lock")

    serving = await Store.open(str(path), serving=never)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM _sqlite_migrations WHERE name = ?", (max(STEPS),))
    with pytest.raises(StoreTaken):
        migrate(path)
    await serving.close()


async def test_a_file_that_could_not_be_opened_is_not_kept_from_others(path):
    async def never(seconds: float) -> None:
        raise AssertionError("nobody holds the lock")

    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 100)
    for _ in range(2):
        with pytest.raises(StoreLost, match="is damaged: file is not a database"):
            await Store.open(str(path), serving=never)


async def test_what_waits_in_a_journal_without_its_file_is_not_thrown_away(path):
    path.parent.mkdir()
    journal = path.with_name("bot.db-wal")
    journal.write_bytes(b"what was committed")
    with pytest.raises(StoreLost, match="is gone: put it back"):
        await Store.open(str(path))
    assert (path.exists(), journal.read_bytes()) == (False, b"what was committed")


async def test_a_connection_that_is_opened_later_makes_no_new_file(store, path):
    path.unlink()
    with pytest.raises(StoreLost, match="was deleted"):
        await store.inbox.get_last()
    assert not path.exists()


async def test_damage_that_a_statement_meets_is_told(store, path):
    await book(store, a_grant(10))
    assert await store.engine.scrub()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    with pytest.raises(StoreLost, match="is damaged: database disk image is malformed"):
        await store.credits.list_ledger(1001)
    with pytest.raises(StoreLost, match="is damaged"):
        await store.look(NOW)


async def test_a_sound_file_is_ok(store):
    await stored(store, TaskState.SUCCEEDED)
    assert await store.check() == "ok"


@pytest.mark.parametrize("statement", ["UPDATE ledger SET amount = 99", "DELETE FROM ledger"])
async def test_the_ledger_can_be_neither_changed_nor_emptied(store, path, statement):
    await book(store, a_grant(10))
    with closing(sqlite3.connect(path)) as other:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(statement)
        assert other.execute("SELECT amount FROM ledger").fetchall() == [(10,)]


@pytest.mark.parametrize(
    ("kind", "amount", "held"),
    [("charge", 0, -10), ("release", 10, -10), ("hold", -10, 10)],
)
async def test_a_task_cannot_be_settled_twice_even_by_hand(store, path, kind, amount, held):
    task = await stored(store, TaskState.SUCCEEDED)
    row = ("1001", kind, amount, held, 0, NOW, NOW, "by hand", task.id, "")
    with closing(sqlite3.connect(path)) as other, pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        other.execute(
            "INSERT INTO ledger (user_id, kind, amount, held, allowance, at, counted_at, idempotency_key,"
            " task_id, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )


async def test_the_file_can_be_read_with_other_tools_while_the_bot_writes(store, path):
    task = await stored(store)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM tasks").fetchone() == (1,)
        await stored(store)
        (request,) = other.execute("SELECT request FROM tasks WHERE id = ?", (task.id,)).fetchone()
    assert json.loads(request)["prompt"] == "a fox in the snow"


async def test_an_idle_tick_writes_nothing(store, path):
    await stored(store, TaskState.IN_PROGRESS)
    with closing(sqlite3.connect(path)) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        assert await store.tasks.claim_due(NOW, LEASE, [TaskState.IN_PROGRESS], 10) == []
        assert await store.outbox.claim(NOW, LEASE, 10) == []
        assert other.execute("PRAGMA data_version").fetchone() == before


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1), ("secure_delete", 1)],
)
async def test_what_is_committed_is_on_the_disk_whole_and_what_is_deleted_is_not(store, pragma, value):
    """No test can cut the power, so that this holds what SQLite promises where the power is cut."""
    for work in (store.engine.write, store.engine.read):
        assert await work(lambda tx: tx.value(f"PRAGMA {pragma}")) == value


async def test_what_was_acknowledged_survives_a_kill(path):
    program = textwrap.dedent("""
        import asyncio, os, signal, sys
        from bot.store import Store
        from tests.builders import stored

        async def main():
            store = await Store.open(sys.argv[1])
            for _ in range(20):
                await stored(store)
            os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(main())
    """)
    command = [sys.executable, "-c", program, str(path)]
    ended = subprocess.run(command, check=False, cwd=ROOT, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    store = await Store.open(str(path))
    assert len(await store.tasks.list_in([TaskState.QUEUED])) == 20
    assert await store.check() == "ok"
    await store.close()
