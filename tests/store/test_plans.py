"""No statement reads a whole history: SQLite's own planner says so."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.tasks.task import FINAL_STATES
from bot.store import lots, payments, sql, sql_assets, sql_money, sql_operating, sql_privacy, sqlite
from bot.store.sqlite.pseudonyms import know_pseudonyms

GROWING = frozenset(
    {
        "tasks",
        "ledger",
        "inbox",
        "attachments",
        "outbox",
        "users",
        "task_messages",
        "kept_words",
        "audit",
        "standings",
        "strikes",
        "ledger_parts",
        "payments",
        "offers",
        "assets",
    }
)
UNDER_WAY = frozenset(
    {"inbox_waiting", "tasks_queued", "tasks_shown", "outbox_due", "standings_waiting", "assets_due"}
)
"""Partial indexes that hold nothing but what is not done yet: they may be read from end to end."""


def statements() -> Iterator[tuple[str, str]]:
    for module in (sql, sql_assets, sql_money, sql_operating, sql_privacy):
        for name, value in vars(module).items():
            if name.isupper() and name[0] != "_" and name != "WHOLE_HISTORY":
                for number, statement in enumerate(value if isinstance(value, tuple) else (value,), 1):
                    yield f"{name}-{number}", statement


def plan_of(db: sqlite3.Connection, statement: str) -> list[str]:
    names = re.findall(r":(\w+)", statement)
    values = dict.fromkeys(names, 1) if names else (1,) * statement.count("?")
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


def reads_a_history(step: str, statement: str) -> bool:
    """Whether one line of a plan goes through everything that a growing table holds."""
    found = re.match(
        r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+)| USING INTEGER PRIMARY KEY)?", step
    )
    if found is None or found[2] not in GROWING:
        return False
    if found[1] == "SCAN":
        return found[3] not in UNDER_WAY
    if "(rowid<?)" in step or "(rowid>?)" in step:
        return True
    # All that ever succeeded, failed, … is a history as well.
    return found[3] == "tasks_by_state" and any(f"'{state}'" in statement for state in FINAL_STATES)


@pytest.fixture(scope="module")
def db(tmp_path_factory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("plans") / "bot.db"
    sqlite.migrate(path)
    connection = sqlite3.connect(path)
    connection.create_function("casefold", 1, str.casefold)
    know_pseudonyms(connection)
    yield connection
    connection.close()


@pytest.mark.parametrize("statement", [pytest.param(text, id=name) for name, text in statements()])
def test_no_statement_reads_a_whole_history(db, statement):
    steps = [step for step in plan_of(db, statement) if reads_a_history(step, statement)]
    assert (steps != []) == (statement in {*sql.WHOLE_HISTORY, *sql_operating.WHOLE_HISTORY}), steps


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM tasks",
        "SELECT count(*) FROM tasks WHERE provider = ?",
        "SELECT user_id, count(*) FROM tasks GROUP BY user_id",
        "SELECT count(*) FROM tasks WHERE sequence < ?",
        "SELECT * FROM tasks WHERE state IN ('failed', 'expired')",
        "DELETE FROM attachments WHERE EXISTS (SELECT 1 FROM tasks WHERE instr(tasks.request, attachments.sha256))",
    ],
)
def test_a_statement_that_reads_a_whole_history_is_seen(db, statement):
    assert [step for step in plan_of(db, statement) if reads_a_history(step, statement)] != []


def test_the_indexes_of_what_is_under_way_are_partial(db):
    partial = {
        row[1]
        for table in GROWING
        for row in db.execute(f"PRAGMA index_list({table})")
        if row[4]  # the column `partial`
    }
    assert partial >= UNDER_WAY


def test_the_store_has_no_statement_of_its_own():
    """A statement outside sql.py would escape the tests above."""
    modules = [*Path(sqlite.__file__).parent.glob("*.py"), Path(lots.__file__), Path(payments.__file__)]
    assert len(modules) > 2
    for module in modules:
        source = module.read_text("utf-8")
        assert re.findall(r"\b(?:SELECT|UPDATE|DELETE FROM|INSERT)\b .*", source) == [], module
