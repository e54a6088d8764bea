"""No statement reads a whole history: SQLite's own planner says so."""

import ast
import importlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import store
from bot.domain.tasks.task import FINAL_STATES
from bot.store.engine.sqlite import migrate, open_connection, translate

WHOLE_HISTORY = {
    "operations.list_audit.of_all": "it is read from its newest row on, and ends with the page",
    "people.AUDIENCE": "it is a part of the two that follow",
    "people.list_audience": "a broadcast goes through everybody, once",
    "people.count_audience": "how many a broadcast goes to is counted once",
    "people.search": "an admin searches everybody by words; people are few beside tasks",
}
"""The statements that may read a whole table, and why."""

SQL = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b")
GROWING = frozenset(
    {
        "tasks",
        "ledger",
        "inbox",
        "attachments",
        "outbox",
        "users",
        "task_messages",
        "result_files",
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
    {
        "inbox_waiting",
        "tasks_queued",
        "tasks_shown",
        "outbox_due",
        "standings_waiting",
        "assets_due",
        "tasks_due",
    }
)
"""Partial indexes that hold nothing but what is not done yet: they may be read from end to end."""


class Statements(ast.NodeVisitor):
    """Every statement of a module, by the function that it stands in and the name that it is given there."""

    def __init__(self, name: str) -> None:
        self.module = importlib.import_module(f"bot.store.{name}")
        self.path = [name]
        self.found: list[tuple[str, str]] = []
        self.visit(ast.parse(Path(self.module.__file__).read_text("utf-8")))

    def generic_visit(self, node: ast.AST) -> None:
        name = getattr(node, "name", None)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        inner = (
            [name] if name not in {None, "work", "statement"} and not isinstance(node, ast.ClassDef) else []
        )
        self.path += inner
        super().generic_visit(node)
        del self.path[len(self.path) - len(inner) :]

    def visit_Constant(self, node: ast.Constant) -> None:
        self.take(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        if SQL.match(str(getattr(node.values[0], "value", ""))):
            self.take(eval(compile(ast.Expression(node), "", "eval"), vars(self.module)))  # noqa: S307  our own

    def take(self, text: object) -> None:
        if isinstance(text, str) and SQL.match(text):
            self.found.append((".".join(self.path), text))


STATEMENTS = [
    statement
    for path in sorted(Path(store.__file__).parent.glob("*.py"))
    for statement in Statements(path.stem).found
    if path.stem != "__init__"
]


def plan_of(db: sqlite3.Connection, statement: str) -> list[str]:
    values = dict.fromkeys(re.findall(r":(\w+)", statement), 1)
    return [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {translate(statement)}", values)]


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
    migrate(path)
    connection = open_connection(path)
    # A plan also shows the search for violated foreign keys, which runs only where there are some.
    connection.execute("PRAGMA foreign_keys = OFF")
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("name", "statement"), [pytest.param(*row, id=f"{row[0]}-{n}") for n, row in enumerate(STATEMENTS)]
)
def test_no_statement_reads_a_whole_history(db, name, statement):
    steps = [step for step in plan_of(db, statement) if reads_a_history(step, statement)]
    assert (steps != []) == (name in WHOLE_HISTORY), steps


def test_every_statement_is_found():
    assert len(STATEMENTS) > 150
    assert set(WHOLE_HISTORY) <= {name for name, _ in STATEMENTS}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM tasks",
        "SELECT count(*) FROM tasks WHERE provider = :provider",
        "SELECT user_id, count(*) FROM tasks GROUP BY user_id",
        "SELECT count(*) FROM tasks WHERE sequence < :sequence",
        "SELECT * FROM tasks WHERE state IN ('failed', 'expired')",
        "DELETE FROM attachments WHERE EXISTS (SELECT 1 FROM tasks WHERE instr(tasks.request, attachments.sha256))",
    ],
)
def test_a_statement_that_reads_a_whole_history_is_seen(db, statement):
    assert [step for step in plan_of(db, statement) if reads_a_history(step, statement)] != []


def test_the_indexes_of_what_is_under_way_are_partial(db):
    partial = {
        row["name"]
        for table in GROWING
        for row in db.execute(f"PRAGMA index_list({table})")
        if row["partial"]
    }
    assert partial >= UNDER_WAY
