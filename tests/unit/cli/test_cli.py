import asyncio
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.__main__ import main
from bot.cli import admin, checks
from bot.cli.checks.findings import Level
from bot.cli.init import Answers, write
from bot.demo.serving import serve
from bot.i18n import for_language
from bot.settings.config import load

ROOT = Path(__file__).parent.parent.parent.parent
BROKEN = '[telegram]\ntoken = "no-token-at-all"\ncolour = "red"\n'


@pytest.fixture
def run(kept_logging):
    def invoke(*arguments, given=None):
        return CliRunner().invoke(main, [str(argument) for argument in arguments], input=given)

    return invoke


def a_config(path, **changes):
    answers = {
        "token": "123456:a-token-for-tests",
        "admin": 42,
        "base_url": "http://127.0.0.1:9",
        "key": "sk-of-tests",
        "models": ("kling-v2-6",),
    }
    write(path, Answers(**{**answers, **changes}), for_language("en"))
    return path


# -- help --------------------------------------------------------------------------------------------


def test_the_help_tells_a_newcomer_where_to_begin(run):
    said = " ".join(run("--help").output.split())
    assert said.index("klingbot demo") < said.index("klingbot init") < said.index("klingbot check")


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_and_each_of_its_options_is_explained(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert main.commands[command].get_short_help_str(200)
    options = [option for option in main.commands[command].params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("command", sorted(admin.commands))
def test_every_command_of_the_shell_and_each_of_its_options_is_explained(run, command):
    result = run("admin", command, "--help")
    assert result.exit_code == 0
    assert admin.commands[command].get_short_help_str(70).endswith(".")
    options = [option for option in admin.commands[command].params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_the_version_is_that_of_the_package(run):
    assert run("--version").output.startswith("klingbot, version ")


# -- problems of the settings ------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "check", "migrate"])
def test_broken_settings_are_a_list_and_not_a_traceback(run, tmp_path, command):
    path = tmp_path / "config.toml"
    path.write_text(BROKEN)
    result = run(command, "--config", path)
    assert result.exit_code == 2
    assert "3 problems" in result.stderr
    for key in ("telegram.token", "telegram.colour", "providers"):
        assert f"  - {key}" in result.stderr
    assert "Traceback" not in result.output
    assert "no-token-at-all" not in result.output


@pytest.mark.parametrize("command", ["run", "check", "migrate"])
def test_settings_that_are_not_there_lead_to_init(run, tmp_path, command):
    result = run(command, "--config", tmp_path / "nowhere.toml")
    assert result.exit_code == 2
    assert "klingbot init" in result.stderr


@pytest.mark.parametrize("command", ["run", "check", "migrate"])
def test_settings_of_the_environment_are_enough_without_a_file(run, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KLINGBOT_TELEGRAM__TOKEN", "no-token-at-all")
    result = run(command)
    assert "in the environment" in result.stderr
    assert "no such file" not in result.stderr
    assert "There is no config.toml here; `klingbot init` writes one." in result.stderr
    # A file that was named must be there.
    assert "nowhere.toml: there is no such file" in run(command, "--config", "nowhere.toml").stderr
    monkeypatch.setenv("KLINGBOT_CONFIG", "elsewhere.toml")
    assert "elsewhere.toml: there is no such file" in run(command).stderr


@pytest.mark.parametrize("command", ["run", "check", "migrate"])
def test_a_database_that_can_be_made_nowhere_is_one_line(run, tmp_path, monkeypatch, command):
    (tmp_path / "file").write_text("no directory")
    monkeypatch.setenv("KLINGBOT_STORE__URL", f"sqlite:///{tmp_path / 'file' / 'bot.db'}")
    result = run(command, "--config", a_config(tmp_path / "config.toml"))
    assert result.exit_code == (1 if command == "check" else 2)
    assert f"store.url: {tmp_path / 'file' / 'bot.db'} cannot be made there: " in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [("users",), ("plan", "@ada", "pro"), ("maintenance", "on")])
def test_a_command_of_the_shell_tells_of_broken_settings_in_one_line(run, tmp_path, arguments):
    path = tmp_path / "config.toml"
    path.write_text(BROKEN)
    result = run("admin", "--config", path, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "telegram.token" in result.stderr


# -- admin -------------------------------------------------------------------------------------------


@pytest.fixture
def admin_of(run, tmp_path, monkeypatch):
    """The shell on a store that nobody has written to yet."""
    monkeypatch.setenv("KLINGBOT_STORE__URL", f"sqlite:///{tmp_path / 'bot.db'}")
    path = a_config(tmp_path / "config.toml")

    def invoke(*arguments, given=None):
        return run("admin", "--config", path, *arguments, given=given)

    return invoke


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("user", "@nobody"),
            "No user @nobody has written to this bot yet. Ask them to send /start first. (error.admin.no_user)",
        ),
        (("grant", "@nobody", "5"), "error.admin.no_user"),
        (("task", "fox"), "fox is no id of a task"),
        (("refund", "K7Q2-9F"), "(error.task.unknown)"),
        (("revoke", "abc"), "error.invite.ended"),
        (("invite", "--uses", "0"), "(error.invite.range)"),
        (("invite", "--plan", "gold"), "(error.access.no_plan)"),
        (("settings", "list", "plans.gold"), "(error.setting.unknown)"),
        (("settings", "get", "telegram.token"), "(error.setting.unknown)"),
        (("settings", "set", "plans.free.priority", "high"), "(error.setting.integer)"),
        (("settings", "set", "plans.free.carry_over", "maybe"), "(error.setting.switch)"),
        (
            ("settings", "set", "plans.free.models", "kling-v9"),
            "kling-v9 is no model of a provider: kling-v2-6",
        ),
        (("settings", "set", "plans.no name.priority", "1"), "error.setting.unknown"),
        (("settings", "set", "prices.models.kling-v2-6.rate.8k", "1"), "error.setting.unknown"),
        (
            ("settings", "set", "prices.models.kling-v2-6.rate.std", "free"),
            "(error.setting.number)",
        ),
        (("settings", "reset", "plans.gold"), "(error.setting.unknown)"),
        (("broadcast", " "), "(error.broadcast.length)"),
        (("broadcast", "news", "--plan", "gold"), "there is no plan gold"),
        (("broadcast-send", "7"), "there is no broadcast 7"),
        (("notice", "hello", "--clear"), "and not both"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_no_trace(admin_of, arguments, words):
    result = admin_of(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert admin_of("audit").output == ""


def test_a_store_that_cannot_be_opened_is_one_line(admin_of, tmp_path):
    (tmp_path / "bot.db").write_bytes(b"this is no database" * 100)
    result = admin_of("users")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the store cannot be used: ")
    assert result.stderr.count("\n") == 1


def test_a_reader_that_has_enough_ends_a_command_quietly(admin_of, tmp_path):
    admin_of("settings", "list")
    command = [sys.executable, "-m", "bot", "admin", "--config", tmp_path / "config.toml", "settings", "list"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


def test_the_text_of_a_broadcast_can_come_from_the_input(admin_of):
    assert admin_of("broadcast", "-", given="Good news\n").output == "1\tdraft\t0\t0\t0\n"
    assert admin_of("broadcast-send", "1").output == "1\tsending\t0\t0\t0\n"
    again = admin_of("broadcast-send", "1")
    assert (again.exit_code, again.stderr) == (1, "Error: broadcast 1 is sending, and not draft\n")


def test_a_name_in_two_sections_of_the_catalog_has_prices_in_both(admin_of, tmp_path):
    # An API key at Kling's own host offers pictures as well, and one model of theirs is called as a video model is.
    a_config(tmp_path / "config.toml", base_url="https://api.klingai.com", models=("kling-v2-1",))
    changed = admin_of("settings", "set", "prices.images.kling-v2-1.each.1k", "3").output.split("\t")
    assert (changed[0], changed[1], changed[3]) == ("prices.images.kling-v2-1.each.1k", "3", "overridden\n")
    listed = admin_of("settings", "list", "prices.models.kling-v2-1").output
    assert {line.split("\t")[3] for line in listed.splitlines()} == {"settings"}
    reset = admin_of("settings", "reset", "prices.images.kling-v2-1")
    assert reset.output == "prices.images.kling-v2-1\tsettings\n"


# -- migrate, run, check -----------------------------------------------------------------------------


def test_migrate_says_what_it_did_and_then_that_nothing_is_left(run, tmp_path, monkeypatch):
    monkeypatch.setenv("KLINGBOT_STORE__URL", f"sqlite:///{tmp_path / 'data' / 'bot.db'}")
    path = a_config(tmp_path / "config.toml")
    assert "applied " in run("migrate", "--config", path).output
    assert run("migrate", "--config", path).output == "the store is up to date\n"


def test_an_error_that_ends_the_bot_comes_with_what_to_try_and_without_secrets(run, tmp_path, monkeypatch):
    monkeypatch.setenv("KLINGBOT_STORE__URL", f"sqlite:///{tmp_path / 'bot.db'}")
    monkeypatch.setenv("KLINGBOT_MONITORING__LISTEN", "127.0.0.1:0")
    (tmp_path / "sk-of-tests").write_text("a file where the directory should be, called like a key")
    monkeypatch.setenv("KLINGBOT_STORAGE__DIRECTORY", str(tmp_path / "sk-of-tests"))
    path = a_config(tmp_path / "config.toml")
    result = run("run", "--config", path)
    assert result.exit_code == 1
    assert f"klingbot check --config {path}" in result.stderr
    assert "FileExistsError" in result.stderr
    assert "sk-of-tests" not in result.output


async def test_a_token_that_telegram_refuses_ends_the_bot_with_one_line(tmp_path):
    async def refuse(_):
        return JSONResponse({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)

    path = a_config(tmp_path / "config.toml")
    async with serve(Starlette(routes=[Route("/{token}/getMe", refuse, methods=["GET", "POST"])])) as address:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", "run", "--config", str(path)),
            cwd=ROOT,
            env={
                **os.environ,
                "KLINGBOT_TELEGRAM__BASE_URL": f"{address}/bot",
                "KLINGBOT_STORE__URL": f"sqlite:///{tmp_path / 'bot.db'}",
                "KLINGBOT_STORAGE__DIRECTORY": str(tmp_path / "videos"),
                "KLINGBOT_MONITORING__LISTEN": "127.0.0.1:0",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    assert process.returncode == 2
    assert b"Error: telegram.token: " in said
    assert b"Traceback" not in said
    assert b"a-token-for-tests" not in said


def test_check_has_a_line_for_everything_and_fails_when_one_does(run, tmp_path, monkeypatch):
    monkeypatch.setenv("KLINGBOT_STORE__URL", f"sqlite:///{tmp_path / 'bot.db'}")
    monkeypatch.setenv("KLINGBOT_TELEGRAM__BASE_URL", "http://127.0.0.1:9/bot")
    result = run("check", "--config", a_config(tmp_path / "config.toml"))
    assert result.exit_code == 1
    lines = [line.split(":")[0] for line in result.stdout.splitlines()]
    assert [line.replace("warn  fonts", "ok    fonts") for line in lines] == [
        "ok    config",
        "ok    store",
        "ok    disk",
        "ok    fonts",
        "ok    access",
        "FAIL  telegram",
        "ok    callbacks",
        "FAIL  provider kling",
    ]
    assert "a-token-for-tests" not in result.output


def test_a_store_that_cannot_be_opened_is_a_line_of_check(run, tmp_path, monkeypatch):
    (tmp_path / "bot.db").write_bytes(b"this is no database" * 100)
    monkeypatch.setenv("KLINGBOT_STORE__URL", f"sqlite:///{tmp_path / 'bot.db'}")
    monkeypatch.setenv("KLINGBOT_TELEGRAM__BASE_URL", "http://127.0.0.1:9/bot")
    result = run("check", "--config", a_config(tmp_path / "config.toml"))
    assert "FAIL  store: " in result.stdout


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        ({"ok": True, "result": {"username": "my_bot"}}, Level.OK, "@my_bot"),
        ({"ok": False, "description": "Unauthorized"}, Level.FAIL, "the token was refused: Unauthorized"),
        (["something", "else"], Level.FAIL, "not as a Bot API does"),
        ({"ok": True, "result": True}, Level.FAIL, "but tells no bot"),
    ],
)
async def test_check_tells_what_telegram_says_of_the_token(tmp_path, monkeypatch, answer, level, words):
    async def get_me(_):
        return JSONResponse(answer)

    async with serve(Starlette(routes=[Route("/{token}/getMe", get_me)])) as address:
        settings = load(
            a_config(tmp_path / "config.toml"),
            {
                "KLINGBOT_TELEGRAM__BASE_URL": f"{address}/bot",
                "KLINGBOT_STORE__URL": f"sqlite:///{tmp_path / 'bot.db'}",
                "KLINGBOT_PROVIDERS__0__ENABLED": "false",
            },
        )
        results = {result.subject: result for result in await checks.check(settings)}
    assert (results["telegram"].level, results["telegram"].text.endswith(words)) == (level, True)
    assert results["providers"].text.startswith("none of them is enabled")
