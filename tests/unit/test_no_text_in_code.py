"""No text for people in the code: what a chat shows stands in the locale files, and nowhere else.

Every string of bot/ (but the demo) and handlers/ is looked at. Left out by what they are: docstrings, lines for
the log, the messages of exceptions, SQL, and patterns. What else reads like a sentence needs a reason below.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

OTHER_READERS = {
    "bot/__main__.py": "the operator's terminal",
    "bot/cli/operations.py": "the operator's terminal",
    "bot/cli/actions.py": "the operator's terminal",
    "bot/services/operations/actions_on_invites.py": "what the shell says of its arguments",
    "bot/services/operations/actions_on_people.py": "what the shell says of its arguments",
    "bot/services/operations/actions_on_promos.py": "what the shell says of its arguments",
    "bot/services/operations/actions_on_standings.py": "what the shell says of its arguments and prints",
    "bot/cli/backup.py": "the operator's terminal",
    "bot/cli/checks/__init__.py": "the operator's terminal",
    "bot/cli/checks/accounts.py": "the operator's terminal",
    "bot/cli/checks/machine.py": "the operator's terminal",
    "bot/cli/checks/stuck.py": "the operator's terminal",
    "bot/cli/checks/telegram.py": "the operator's terminal",
    "bot/cli/availability.py": "the operator's terminal",
    "bot/cli/health.py": "the operator's terminal",
    "bot/cli/proxies.py": "the operator's terminal",
    "bot/cli/reload.py": "the operator's terminal",
    "bot/cli/providers.py": "the operator's terminal",
    "bot/cli/init.py": "the file that it writes, and what it reads of `klingbot check`",
    "bot/settings/config.py": "mistakes in the settings, told in the operator's terminal",
    "bot/settings/places.py": "mistakes in the settings, told in the operator's terminal",
    "bot/settings/schema.py": "descriptions that editors show",
    "bot/settings/sources.py": "mistakes in the settings, told in the operator's terminal",
    "bot/network.py": "why a server was not reached: `klingbot check` prints it, and the log",
    "bot/tunnels.py": "why a server was not reached: `klingbot check` prints it, and the log",
    "bot/web.py": "answers to machines",
    "bot/monitoring/site.py": "the log itself, and answers to machines",
    "bot/metrics.py": "what metrics tell, for Prometheus and docs/monitoring.md",
    "bot/log.py": "the log itself",
    "bot/cli/catalog_table.py": "the tables of docs/models.md",
    "bot/domain/requests/references.py": "words that Kling reads in a prompt",
    "bot/kling/dialects/multi_elements.py": "words that Kling reads in a prompt",
    "bot/domain/requests/camera.py": "words that people type, and that Kling reads in a prompt",
    "bot/domain/requests/naming.py": "words that people type",
    "bot/domain/requests/options.py": "words that people type",
    "bot/domain/requests/prompt.py": "words that people type",
    "bot/domain/requests/values.py": "words that people type",
    "bot/domain/tasks/advice.py": "words that providers say",
    "bot/kling/dialects/classes.py": "what operators are told where a provider gives no reason",
    "bot/kling/dialects/words.py": "words that providers say",
    "bot/store/engine/condition.py": "what the log says of the database",
    "bot/store/engine/lock.py": "what the log says of the database",
    "bot/store/engine/sqlite.py": "what the log says of the database",
    "handlers/sending/refusals.py": "the document of Telegram's refusals",
    "handlers/sending/wordings.py": "words that Telegram says, and the document of them",
    "bot/store/people.py": "SQL that is put together",
}
"""Files whose strings no chat shows."""

ALLOWED = {
    "简体中文": "languages are named in themselves",
    "Logged out": "Telegram says so",
    "the key is accepted": "`klingbot check` prints it",
    "the key is accepted; no resource pack in use": "`klingbot check` prints it",
    "the answer is not a JSON object": "`klingbot check` prints it, and the log",
    "an unknown amount": "`klingbot check` prints it",
    "the picture is no longer kept": "kept beside the task for operators",
    "the chat has a new id": "kept beside the delivery for operators",
    "given up after a day: ": "kept beside the delivery for operators",
    "not reached": "`klingbot check` prints it, and the log",
    "chat refused: ": "kept beside the delivery for operators",
    "not in the catalog": "where a row is from, for operators",
    "the operator's settings": "where a row is from, for operators",
    "You improve prompts": "instructions to a language model",
    " The video begins with": "instructions to a language model",
}
"""Single strings by how they begin, and why each is no text for a chat."""

LOGGERS = frozenset({"log", "logger"})
CHINESE = re.compile(r"[\u3400-\u9fff]")
WORDS = re.compile(r"[A-Za-z][a-z']+ [A-Za-z][a-z']*")
LABEL = re.compile(r"[A-Z][a-z]{2,}[!?….:]?")
SQL = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER TABLE|PRAGMA|BEGIN|SAVEPOINT|RELEASE|ROLLBACK)\b"
)
MARKUP = re.compile(r"<[^<>]*>?")
SHOWN_BY = {
    "View": 0,
    "Button": 0,
    "InlineKeyboardButton": 0,
    "edit_message_text": 0,
    "send_message": 1,
    "notify": 0,
    "answer_press": 1,
}
"""Which argument a person gets to see: there even a single word is a text."""

SHOWN_AS = frozenset({"text", "html", "caption", "copy"})
"""The same by name."""


def files() -> Iterator[str]:
    for package in ("bot", "handlers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith("bot/demo/"):
                yield name


def texts_in(source: str, *, labels: bool = True) -> list[str]:
    """Every string of a module that reads like a text for people; with `labels` a capitalised word is one, too."""
    tree = ast.parse(source)
    unseen = {id(part) for node in ast.walk(tree) for part in _not_for_people(node)}
    shown = {id(part) for node in ast.walk(tree) for part in _shown_by(node)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unseen:
            text = node.value
            label = labels and LABEL.fullmatch(MARKUP.sub("", text))
            if _reads_like_a_sentence(text) or label or (id(node) in shown and re.search(r"\w{2,}", text)):
                found.append(text)
    return found


def _not_for_people(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that no chat shows."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value  # a docstring
    elif isinstance(node, ast.Raise) and node.exc is not None:
        yield from ast.walk(node.exc)
    elif isinstance(node, ast.Call):
        called = _name(node.func)
        if called.partition(".")[0] in {*LOGGERS, "re"} or called == "super.__init__":
            yield from ast.walk(node)


def _shown_by(node: ast.AST) -> Iterator[ast.AST]:
    """What a call hands to a person."""
    if not isinstance(node, ast.Call):
        return
    called = _name(node.func).rpartition(".")[2]
    if called in SHOWN_BY:
        yield from node.args[SHOWN_BY[called] :][:1]
        yield from (keyword.value for keyword in node.keywords if keyword.arg in SHOWN_AS)


def _name(func: ast.AST) -> str:
    """`log.info` of `log.info`, `super.__init__` of `super().__init__`."""
    if isinstance(func, ast.Name):
        return func.id
    if isinstance(func, ast.Attribute):
        return f"{_name(func.value)}.{func.attr}"
    return _name(func.func) if isinstance(func, ast.Call) else ""


def _reads_like_a_sentence(text: str) -> bool:
    bare = MARKUP.sub("", text)
    if SQL.match(text):
        return False
    return bool(CHINESE.search(bare) or WORDS.search(bare))


@cache
def found_in(name: str) -> tuple[str, ...]:
    # Outside the handlers a capitalised word is a header or a type.
    return tuple(texts_in((ROOT / name).read_text("utf-8"), labels=name.startswith("handlers/")))


@pytest.mark.parametrize("name", [name for name in files() if name not in OTHER_READERS])
def test_a_module_holds_no_text_for_people(name):
    assert [text for text in found_in(name) if not text.startswith(tuple(ALLOWED))] == []


def test_every_exception_is_still_needed():
    assert [name for name in OTHER_READERS if not found_in(name)] == []
    others = [text for name in files() if name not in OTHER_READERS for text in found_in(name)]
    assert [known for known in ALLOWED if not any(text.startswith(known) for text in others)] == []


@pytest.mark.parametrize(
    "line",
    [
        'await answer(update, context, View("Done"))',
        'Button("OK", "generate")',
        'await bot.send_video(chat, file, caption="Your video is here")',
        'await bot.send_message(chat, text="hello")',
        'await bot.send_message(chat, "hello")',
        'text = "Your video is ready."',
        'text = f"You have {credits} credits left"',
        'text = "<b>Cancel it</b>"',
        'text = "视频已完成"',
        'LABELS = {"cancel": "Cancel"}',
        'def f(question="Shall I?"): pass',
    ],
)
def test_a_text_for_people_is_seen(line):
    assert len(texts_in(f"async def handler():\n    {line}")) >= 1


@pytest.mark.parametrize(
    "line",
    [
        '"""A docstring for programmers."""',
        'log.info("task accepted", task=task.id)',
        'raise ValueError("the answer is too long")',
        'raise UserError("error.draft.gone")',
        'text = t("draft.ready")',
        'View(t("draft.ready"))',
        'Button(t("button.cancel"), "cancel", task.id)',
        'db.execute("SELECT * FROM tasks WHERE id = ?")',
        're.compile("this is a pattern")',
        'html = f"<blockquote expandable>{quoted}</blockquote>"',
        'method = "POST"',
        'header = "Content-Type"',
    ],
)
def test_what_nobody_in_a_chat_reads_is_let_through(line):
    assert texts_in(f"async def handler():\n    {line}") == []
