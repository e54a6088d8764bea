"""Whose an account is: one type says it, and no other code tells it by the sign of an id."""

import ast
import re
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.types import AccountId, AccountKind, ChatId, is_private
from bot.store import migrate
from bot.store.engine.sqlite import open_connection
from tests.builders import ADA

ROOT = Path(__file__).parents[2]
HOME = ROOT / "bot/domain/types.py"
HISTORY = {ROOT / "bot/store/engine" / name for name in ("first_schema.py", "migrations.py")}
"""What was done to the files of earlier versions stays as it was."""

ID = re.compile(r"(^|_)(user|chat|account|person|owner|group)(_id)?$")
IN_SQL = re.compile(
    r"\b(user|chat|account)(_id)?\s*(<|>|<=|>=)\s*-?\d|\b(abs|least|greatest|sign)\((user|chat|account)_id"
)


def is_id(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return ID.search(name) is not None


def is_number(node: ast.expr) -> bool:
    node = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def reads_a_sign(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        sides = (node.left, node.comparators[0])
        return any(map(is_id, sides)) and any(map(is_number, sides))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return is_id(node.operand)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "abs":
        return is_id(node.args[0])
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and IN_SQL.search(node.value) is not None
    )


def signs_in(source: str) -> list[int]:
    return [node.lineno for node in ast.walk(ast.parse(source)) if reads_a_sign(node)]


@pytest.mark.parametrize(
    "source",
    [
        "task.user_id < 0",
        "0 >= chat_id",
        "-chat_id",
        "abs(self.account)",
        "'SELECT 1 WHERE user_id < 0'",
        "'SET chat_id = least(chat_id, 0)'",
    ],
)
def test_a_sign_that_is_read_is_found(source):
    assert signs_in(source) == [1]


def test_no_code_tells_by_the_sign_of_an_id_whose_it_is():
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for package in ("bot", "handlers")
        for path in (ROOT / package).rglob("*.py")
        if path not in {HOME, *HISTORY} and "demo" not in path.parts
        for line in signs_in(path.read_text("utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1, AccountKind.PERSON),
        (2**52, AccountKind.PERSON),
        (-1, AccountKind.GROUP),
        (-1_000_000_000_200, AccountKind.GROUP),
        (-4_000_000_000_000, AccountKind.GROUP),
        (-(2**62), AccountKind.FORGOTTEN),
    ],
)
def test_an_account_is_read_as_whose_it_is(number, kind):
    account = AccountId.read(number)
    assert (account.kind, account.number) == (kind, number)
    assert account.user_id == (number if kind is AccountKind.PERSON else None)


def test_a_private_chat_has_its_persons_account():
    assert AccountId.read(ADA) == AccountId.of_person(ADA)
    assert is_private(ADA)
    assert not is_private(ChatId(-100))


@given(st.integers(1, 2**52))
def test_a_pseudonym_is_the_account_of_somebody_forgotten(pseudonyms, user_id):
    assert AccountId.read(pseudonyms(user_id)).kind is AccountKind.FORGOTTEN


@pytest.fixture(scope="module")
def pseudonyms(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "klingbot.db"
    migrate(path)
    with closing(open_connection(path)) as db:

        def pseudonym(user_id: int) -> int:
            (value,) = db.execute("SELECT pseudonym(?)", (user_id,)).fetchone().values()
            return int(value)

        yield pseudonym
