"""What operators get wrong, and what each command of the shell says of it: one line, and what to do."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.network import Network, why_unreachable
from bot.store.engine.sqlite import migrate
from tests.world.sockets import tcp_server

ROOT = Path(__file__).parent.parent.parent.parent
CONFIG = """
[telegram]
token = "123456:a-token-for-tests"
base_url = "http://127.0.0.1:9/bot"
admins = [42]
[store]
url = "sqlite:///{directory}/{store}"
[storage]
directory = "{directory}/work"
[[providers]]
name = "kling"
base_url = "http://127.0.0.1:9"
key = "sk-of-tests"
models = ["kling-v2-6"]
{rest}
"""


def a_file_for_a_directory(directory: Path) -> None:
    (directory / "data").write_text("no directory")


def noise(directory: Path) -> None:
    (directory / "bot.db").write_bytes(b"this is no database" * 100)


def of_another_program(directory: Path) -> None:
    with closing(sqlite3.connect(directory / "bot.db")) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")


def of_another_program_with_steps(directory: Path) -> None:
    """As the library keeps the steps of whoever uses it."""
    with closing(sqlite3.connect(directory / "bot.db")) as db:
        db.execute("CREATE TABLE _sqlite_migrations (migration_set TEXT, name TEXT)")
        db.execute("CREATE TABLE recipes (name TEXT)")


def of_a_newer_version(directory: Path) -> None:
    migrate(directory / "bot.db")
    with closing(sqlite3.connect(directory / "bot.db")) as db:
        db.execute("INSERT INTO _sqlite_migrations VALUES (NULL, 'klingbot', '9999_later', '2030-01-01')")
        db.commit()


FILES = {
    "a file for a directory": (a_file_for_a_directory, "data/bot.db", "cannot be made there"),
    "no database": (noise, "bot.db", "is damaged"),
    "of another program": (of_another_program, "bot.db", "is the database of another program"),
    "of another program, with steps": (of_another_program_with_steps, "bot.db", "of another program"),
    "of a newer version": (of_a_newer_version, "bot.db", "changed by a newer version (9999_later)"),
}
SETTINGS = {
    "a key that is not": ("[alert]\nsummary = true", "alert", "did you mean alerts?"),
    "a model that is not": (
        '[[providers]]\nname = "b"\nbase_url = "https://b.example"\nkey = "k"\nmodels = ["kling-v26"]',
        "providers[1].models[0]",
        "did you mean kling-v2-6?",
    ),
    "a row that is wrong": (
        '[catalog.models.kling-v9]\noperations = ["text2video"]\ndurations = "ten"',
        "catalog.models.kling-v9.durations",
        "must be a list",
    ),
    "a value that is not": ('[access]\nmode = "publik"', "access.mode", "did you mean public?"),
}
COMMANDS = (("run",), ("check",), ("migrate",), ("admin", "users"), ("admin", "maintenance", "on"))
PEOPLE = (
    *(("user", "@nobody"), ("user", "77"), ("plan", "@nobody", "free"), ("grant", "@nobody", "5")),
    *(("ban", "@nobody"), ("unban", "77"), ("role", "@nobody", "admin")),
)


@pytest.fixture
def shell(tmp_path, kept_logging):
    """Runs a command with settings that may be mistaken."""

    def run(command: tuple[str, ...], *, store: str = "bot.db", rest: str = ""):
        path = tmp_path / "config.toml"
        path.write_text(CONFIG.format(directory=tmp_path, store=store, rest=rest), "utf-8")
        return CliRunner().invoke(main, [command[0], "--config", str(path), *command[1:]])

    return run


def the_line(result, *statuses: int) -> str:
    """The only line of the error output; without a traceback, and with no text that is not translated."""
    assert result.exit_code in statuses, result.output
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Traceback" not in result.output
    # The key of a sentence stands in parentheses behind it, for scripts.
    assert not re.search(r"(?<!\()\b(?:error|notice|admin|access)\.[a-z_]+\.[a-z_]+", result.stderr)
    return str(result.stderr)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command[0] not in {"run", "check"}])
@pytest.mark.parametrize("mistake", FILES)
def test_a_database_that_cannot_be_used_is_one_line(shell, tmp_path, mistake, command):
    prepare, store, words = FILES[mistake]
    prepare(tmp_path)
    before = (tmp_path / "bot.db").read_bytes() if (tmp_path / "bot.db").exists() else b""
    assert words in the_line(shell(command, store=store), 1, 2, 4)
    if before:
        assert (tmp_path / "bot.db").read_bytes() == before


@pytest.mark.parametrize("mistake", FILES)
def test_a_database_that_cannot_be_used_is_one_line_of_check(shell, tmp_path, mistake):
    prepare, store, words = FILES[mistake]
    prepare(tmp_path)
    result = shell(("check",), store=store)
    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("FAIL  store: ")]
    assert words in line
    assert all(re.match(r"(ok  |warn|FAIL)  \w", line) for line in result.stdout.splitlines())


@pytest.mark.parametrize("mistake", ["a file for a directory", "of another program", "of a newer version"])
def test_a_bot_that_cannot_use_its_database_ends_with_one_line(shell, tmp_path, mistake):
    prepare, store, words = FILES[mistake]
    prepare(tmp_path)
    result = shell(("run",), store=store)
    assert result.exit_code == 2
    # Before it stands what the bot logs of its start.
    (line,) = [line for line in result.stderr.splitlines() if "[info " not in line]
    assert words in line


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("mistake", SETTINGS)
def test_a_mistake_in_the_settings_is_one_line_with_its_place(shell, tmp_path, mistake, command):
    rest, place, words = SETTINGS[mistake]
    line = the_line(shell(command, rest=rest), 1 if command[0] == "admin" else 2)
    assert line.startswith(f"Error: {place} ({tmp_path / 'config.toml'}, line ")
    assert words in line


@pytest.mark.parametrize("command", PEOPLE)
def test_somebody_whom_the_bot_does_not_know_is_one_line(shell, command):
    assert "(error.admin.no_user)" in the_line(shell(("admin", *command)), 1)


@pytest.mark.parametrize("command", [("example",), ("schema",), ("admin", "--help"), ("check",)])
def test_a_reader_that_has_enough_hears_no_complaint(tmp_path, command):
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(directory=tmp_path, store="bot.db", rest=""), "utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "bot", *command],
        cwd=ROOT,
        env={**os.environ, "KLINGBOT_CONFIG": str(path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


async def test_servers_that_refuse_and_servers_that_are_silent_are_told_apart():
    async def never_answers(reader, writer):
        del reader, writer
        await asyncio.Event().wait()

    told = {}
    async with tcp_server(never_answers) as silent:
        for place in ("127.0.0.1:9", silent):
            async with Network().client(timeout=0.5) as http:
                with pytest.raises(httpx.HTTPError) as caught:
                    await http.get(f"http://{place}")
            told[place] = why_unreachable(caught.value)
    assert told == {"127.0.0.1:9": "connection refused", silent: "no answer in time"}
