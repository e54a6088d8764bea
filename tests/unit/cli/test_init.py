"""`klingbot init`: each answer is tried at once, on a terminal, from a pipe and from options."""

import asyncio
import json
import os
import pty
import stat
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.cli import checks
from bot.cli.init import Answers, write
from bot.demo.kling import KlingStandIn
from bot.demo.telegram import TelegramStandIn
from bot.domain.people.access import AccessMode
from bot.i18n import for_language
from bot.settings.config import load
from tests.world.bot import KEY, World
from tests.world.kling import canned_video
from tests.world.telegram import ADA, TOKEN, XIAOLIN, complaint

ROOT = Path(__file__).parent.parent.parent.parent
NOWHERE = "http://127.0.0.1:9"
ANSWERS = f"123456:a-token-for-tests\n42\n{NOWHERE}\nsk-of-tests\nkling-v2-6, kling-v2-1\n"
TERMINAL_SECONDS = 60


@pytest.fixture
def run(kept_logging, monkeypatch):
    """Runs a command; Telegram is where nobody answers, unless a test says otherwise."""
    monkeypatch.setenv("KLINGBOT_TELEGRAM__BASE_URL", f"{NOWHERE}/bot")
    monkeypatch.setenv("LANG", "C.UTF-8")

    def invoke(*arguments, given=None):
        return CliRunner().invoke(main, [str(argument) for argument in arguments], input=given)

    return invoke


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    """Both stand-ins by the clock of this machine, and no settings."""
    kling = KlingStandIn(tmp_path / "kling", renderer=canned_video)
    opened = World(tmp_path, TelegramStandIn(tmp_path / "telegram", token=TOKEN), kling)
    async with opened.serving():
        opened.config.unlink()
        yield opened


# -- from a pipe -------------------------------------------------------------------------------------


def test_it_writes_settings_that_work_and_only_their_owner_can_read(run, tmp_path):
    path = tmp_path / "config.toml"
    result = run("init", "--config", path, given=ANSWERS)
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings = load(path, {})
    assert settings.telegram.admins == (42,)
    assert settings.telegram.base_file_url == f"{NOWHERE}/file/bot"
    assert settings.providers[0].models == ("kling-v2-6", "kling-v2-1")
    assert settings.providers[0].key.get_secret_value() == "sk-of-tests"
    # Nobody else spends the balance unless its owner says so.
    assert settings.access.mode is AccessMode.ALLOW_LIST
    assert "a-token-for-tests" not in result.output
    assert "sk-of-tests" not in result.output
    assert "The token is unverified" in result.output
    assert "The models below are unverified" in result.output


async def test_it_shows_what_the_key_can_use_and_suggests_models_of_it(run, world, monkeypatch):
    monkeypatch.setenv("KLINGBOT_TELEGRAM__BASE_URL", f"{world.telegram_url}/bot")
    given = f"{TOKEN}\n42\n{world.kling_url}\n{KEY}\n\n2\n7.5\n"
    result = await asyncio.to_thread(run, "init", "--config", world.config, given=given)
    assert result.exit_code == 0, result.output
    assert "ok    @kling_demo_bot" in result.output
    assert "100000 units left" in result.output
    assert "cannot be asked for" not in result.output
    shown = [line for line in result.output.splitlines() if "kling-v2-6 (video): " in line]
    settings = load(world.config, {"KLINGBOT_STORE__URL": f"sqlite:///{world.database}"})
    assert settings.providers[0].models == ("kling-v2-6", "kling-v2-5-turbo")
    assert (settings.access.mode, settings.spending.daily_units) == (AccessMode.REQUEST, 7.5)
    # `check` says the same of them.
    # An account that was asked a moment ago may be busy on a slow machine; `check` then says so, and is run again.
    for _ in range(3):
        told = {finding.text for finding in await checks.check(settings, world.config)}
        if not any(text.startswith("busy") for text in told):
            break
    assert [line.removeprefix("ok    ") in told for line in shown] == [True]
    assert KEY not in result.output


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("not a token\n", "123456"), "a bot token looks like 123456789:AA"),
        (("@ada\n", "42"), "A user id is a whole number"),
        (("gateway\n", NOWHERE), "must be an http or https address"),
        (("two keys\n", "sk-of"), "without spaces"),
        (("kling-v26\n", "kling-v2-6,"), "kling-v26 is not a known model. Did you mean kling-v2-6?"),
    ],
)
def test_it_asks_again_when_an_answer_cannot_be_right(run, tmp_path, wrong, words):
    answer, before = wrong
    given = ANSWERS.replace(before, answer + before, 1)
    result = run("init", "--config", tmp_path / "config.toml", given=given)
    assert result.exit_code == 0, result.output
    assert words in result.output
    assert load(tmp_path / "config.toml", {}).providers[0].base_url == NOWHERE


async def test_a_token_and_a_key_that_are_refused_are_asked_again_or_end_it(run, world, monkeypatch):
    monkeypatch.setenv("KLINGBOT_TELEGRAM__BASE_URL", f"{world.telegram_url}/bot")
    wrong = "demo-access|wrong-secret-but-long-enough-for-hs256"
    given = f"{ANSWERS.splitlines()[0]}\n{TOKEN}\n42\n{world.kling_url}\n{wrong}\n\n{KEY}\n"
    result = await asyncio.to_thread(run, "init", "--config", world.config, given=given)
    assert result.exit_code == 0, result.output
    assert "Telegram refuses the token" in result.output
    assert "The key is refused: Authorization is invalid (1002)" in result.output
    assert load(world.config, {}).providers[0].key.get_secret_value() == KEY
    world.config.unlink()
    for options, word in (
        (("--token", "1:wrong-token"), "token"),
        (("--token", TOKEN, "--admin", "-", "--kling-url", world.kling_url, "--key", wrong), "key"),
    ):
        result = await asyncio.to_thread(run, "init", "--config", world.config, *options, given="")
        assert (result.exit_code, result.stderr.startswith(f"Error: {word}: ")) == (1, True), result.output
        assert not world.config.exists()


def test_what_is_for_everyone_needs_a_limit(run, tmp_path):
    path = tmp_path / "config.toml"
    result = run("init", "--config", path, given=f"{ANSWERS}3\n0\n25\n")
    assert "A bot for everyone needs a limit" in result.output
    settings = load(path, {})
    assert (settings.access.mode, settings.spending.daily_units) == (AccessMode.PUBLIC, 25)
    assert not settings.is_public_without_cap


def test_it_keeps_a_file_that_exists_unless_it_is_forced(run, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("mine")
    result = run("init", "--config", path, given=ANSWERS)
    assert result.exit_code == 1
    assert "--force" in result.output
    assert path.read_text() == "mine"
    path.chmod(0o644)
    assert run("init", "--force", "--config", path, given=ANSWERS).exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_makes_the_directory_that_is_not_there(run, tmp_path):
    path = tmp_path / "etc" / "klingbot" / "config.toml"
    assert run("init", "--config", path, given=ANSWERS).exit_code == 0
    assert path.exists()


def test_without_an_answer_that_is_needed_nothing_is_written(run, tmp_path):
    result = run("init", "--config", tmp_path / "config.toml", given="123456:a-token-for-tests\n")
    assert result.exit_code == 1
    assert not (tmp_path / "config.toml").exists()


# -- from options and variables ----------------------------------------------------------------------


def test_what_options_and_variables_answer_is_not_asked(run, tmp_path, monkeypatch):
    path = tmp_path / "config.toml"
    for name, said in {
        "TELEGRAM__TOKEN": "123456:a-token-for-tests",
        "TELEGRAM__ADMINS": "[42]",
        "PROVIDERS__0__KEY": "sk-of-tests",
        "PROVIDERS__0__MODELS": json.dumps(["kling-v2-6", "kling-v2-1"]),
    }.items():
        monkeypatch.setenv(f"KLINGBOT_{name}", said)
    options = ("--language", "zh_Hans", "--kling-url", NOWHERE, "--access", "public", "--daily-units", "9")
    result = run("init", "--config", path, *options, "--proxy", "socks5://127.0.0.1:9")
    assert result.exit_code == 0, result.output
    assert "只有你能读取" in result.output
    settings = load(path, {})
    assert settings.providers[0].models == ("kling-v2-6", "kling-v2-1")
    assert (settings.telegram.admins, settings.spending.daily_units) == ((42,), 9)
    assert settings.telegram.proxy.get_secret_value() == "socks5://127.0.0.1:9"
    run("init", "--config", path, "--force", *options[:-1], "0")
    assert load(path, {}).spending.daily_units == 9


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize("secret", ['sk-"\\-tests', "sk-#{}-tests"])
def test_what_is_written_is_read_again_as_it_was(tmp_path, secret, language):
    path = tmp_path / "config.toml"
    answers = Answers("1:a-token", 0, NOWHERE, secret, ("kling-v2-6",), "request", 0.5, "http://a:b@p:1")
    write(path, answers, for_language(language))
    settings = load(path, {})
    assert settings.providers[0].key.get_secret_value() == secret
    assert (settings.telegram.admins, settings.spending.daily_units) == ((), 0.5)


def test_a_proxy_of_the_environment_that_is_none_is_one_line(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy.example")
    result = run("init", "--config", tmp_path / "config.toml", given=ANSWERS)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("Error: HTTPS_PROXY: must begin with http://")


# -- on a terminal -----------------------------------------------------------------------------------


class Terminal:
    """A command of the program that has a terminal; `shown` is everything that stands there."""

    def __init__(self, directory: Path, environment: dict[str, str], *arguments: str) -> None:
        self.shown = ""
        self._read = 0
        self._pid, self._handle = pty.fork()
        if self._pid == 0:
            os.chdir(directory)
            os.execve(sys.executable, [sys.executable, "-m", "bot", *arguments], environment)  # noqa: S606
        os.set_blocking(self._handle, False)

    async def expect(self, *words: str) -> None:
        """Wait until each of the words has come, one after the other, behind what was waited for before."""
        for each in words:
            end = time.monotonic() + TERMINAL_SECONDS
            while (at := self.shown.find(each, self._read)) < 0:
                assert time.monotonic() < end, f"no {each!r} in {self.shown[self._read :]}"
                await self._look()
            self._read = at + len(each)

    def type(self, line: str = "") -> None:
        os.write(self._handle, f"{line}\n".encode())

    async def end(self) -> int:
        """Wait for the end; the exit status."""
        while True:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            await self._look()
            if pid:
                os.close(self._handle)
                return os.waitstatus_to_exitcode(status)

    async def _look(self) -> None:
        await asyncio.sleep(0.02)
        with suppress(BlockingIOError, OSError):
            self.shown += os.read(self._handle, 65_536).decode(errors="replace")


async def test_on_a_terminal_everything_is_tried_and_the_admin_is_found_by_a_message(world):
    t = for_language("zh_Hans")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LC_")},
        "PYTHONPATH": str(ROOT),
        "TERM": "dumb",
        "LANG": "zh_CN.UTF-8",
        "KLINGBOT_TELEGRAM__BASE_URL": f"{world.telegram_url}/bot",
    }
    for person in (XIAOLIN, ADA):
        await world.telegram.say(person, "/start")
    terminal = Terminal(world.directory, environment, "init")
    await terminal.expect("Language / 语言", "[2]: ")
    terminal.type()
    await terminal.expect(t("init.token"))
    terminal.type("123456:another-token")
    await terminal.expect(t("init.token_refused"), t("init.token"))
    terminal.type(TOKEN)
    await terminal.expect("@kling_demo_bot", t("init.admin_or_start"))
    terminal.type()
    await terminal.expect(
        t("init.send_start", name="kling_demo_bot"), t("init.is_that_you", name="Ada (@ada)", id=ADA)
    )
    terminal.type("n")
    await terminal.expect(str(XIAOLIN))
    terminal.type("y")
    await terminal.expect(t("init.kling_url"))
    terminal.type(world.kling_url)
    await terminal.expect(t("init.key"))
    terminal.type(KEY)
    await terminal.expect("100000 units left", t("init.models"))
    terminal.type()
    await terminal.expect("请选择")
    terminal.type("3")
    await terminal.expect("[20]")
    terminal.type()
    assert await terminal.end() == 0, terminal.shown
    assert KEY not in terminal.shown
    assert TOKEN not in terminal.shown
    settings = load(world.directory / "config.toml", {})
    assert (settings.telegram.admins, settings.access.mode) == ((XIAOLIN,), AccessMode.PUBLIC)
    assert settings.telegram.language == "zh_Hans"
    # Nothing was confirmed: the bot answers them when it runs.
    assert len(world.telegram.state.updates.waiting) == 2


async def test_on_a_terminal_a_proxy_is_asked_for_where_telegram_is_not_reached(world):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    world.to_telegram.always(
        "getUpdates", complaint(409, "Conflict: can't use getUpdates while a webhook is active")
    )
    options = ("--language", "en", "--token", TOKEN, "--kling-url", world.kling_url, "--key", KEY)
    terminal = Terminal(world.directory, environment, "init", *options, "--telegram-url", f"{NOWHERE}/bot")
    await terminal.expect("connection refused", "Proxy to reach Telegram")
    terminal.type("127.0.0.1")
    await terminal.expect("must begin with http://", "Proxy to reach Telegram")
    terminal.type("http://127.0.0.1:9")
    await terminal.expect("FAIL", "Proxy to reach Telegram")
    terminal.type()
    await terminal.expect("The token is unverified", "Your Telegram user id")
    terminal.type("-")
    await terminal.expect("There is no admin", "Models")
    terminal.type()
    await terminal.expect("Your choice")
    terminal.type()
    await terminal.expect("0: no limit")
    terminal.type()
    assert await terminal.end() == 0, terminal.shown
    options = ("--telegram-url", f"{world.telegram_url}/bot", *options)
    terminal = Terminal(
        world.directory, environment, "init", *options, "--access", "allow-list", "--daily-units", "0"
    )
    await terminal.expect("config.toml exists. Replace it?")
    terminal.type("y")
    await terminal.expect("@kling_demo_bot", "Your Telegram user id")
    terminal.type()
    await terminal.expect("Messages cannot be read now: Conflict", "Your Telegram user id")
    terminal.type("42")
    await terminal.expect("Models")
    terminal.type()
    assert await terminal.end() == 0, terminal.shown
    assert load(world.directory / "config.toml", {}).telegram.admins == (42,)
