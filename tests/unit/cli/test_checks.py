"""What `check` finds, one thing wrong at a time, with the real files, servers and stand-ins."""

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from bot.__main__ import main
from bot.cli import checks
from bot.cli.checks.findings import Finding, Level
from bot.clock import Runtime
from bot.demo.kling import KlingStandIn
from bot.demo.serving import serve
from bot.demo.telegram import TelegramStandIn
from bot.settings.config import load
from bot.store import Store, migrate
from tests.clock import ManualClock
from tests.world.bot import World
from tests.world.kling import canned_video
from tests.world.telegram import TOKEN, complaint


@pytest.fixture
async def world(tmp_path, kept_logging) -> AsyncIterator[World]:
    """Both stand-ins, by the clock of this machine, and settings that name them; no bot runs."""
    kling = KlingStandIn(tmp_path / "kling", renderer=canned_video)
    opened = World(tmp_path, TelegramStandIn(tmp_path / "telegram", token=TOKEN), kling)
    async with opened.serving():
        opened.configure(extra='[access]\nmode = "request"\n')
        opened.config.chmod(0o600)
        yield opened


async def command(world: World, *arguments: str) -> tuple[int, str]:
    """What a command of the shell ends with, and prints."""
    line = [arguments[0], "--config", str(world.config), *arguments[1:]]
    result = await asyncio.to_thread(CliRunner().invoke, main, line)
    return result.exit_code, result.stdout


async def findings(world: World, **more) -> dict[str, Finding]:
    """What is found by subject: of several the gravest."""
    told = await checks.check(load(world.config, {}), world.config, **more)
    levels = list(Level)
    return {each.subject: each for each in sorted(told, key=lambda each: levels.index(each.level))}


async def test_nothing_is_wrong_and_nothing_is_changed(world):
    told = await findings(world)
    assert {each.subject for each in told.values() if each.level is not Level.OK} - {"fonts"} == set()
    assert {"config", "store", "disk", "access", "telegram", "groups", "callbacks", "clock"} <= told.keys()
    assert "is made at the first start" in told["store"].text
    assert not world.database.exists()


async def test_twice_in_a_row_is_no_failure_though_the_account_answers_once_a_second(world):
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    for _ in range(2):
        assert (await findings(world))["provider stand-in"].level is Level.OK
    world.to_kling.always("query", complaint(429, "too many requests"))
    told = (await findings(world, sleep=wait))["provider stand-in"]
    assert (told.level, told.text.startswith("busy: the key was not refused")) == (Level.WARN, True)
    assert len(waited) == 2


@pytest.mark.parametrize(
    ("settings", "subject", "level", "words"),
    [
        ({"extra": "[access]"}, "access", Level.OK, "people ask, and admins approve"),
        ({"extra": ""}, "access", Level.WARN, "set spending.daily_units"),
        ({"extra": "[spending]\ndaily_units = 5"}, "access", Level.OK, "everyone may use the bot"),
        ({"provider": "enabled = false"}, "providers", Level.FAIL, "none of them is enabled"),
        ({"key": "demo-access|wrong-secret-but-long-enough-for-hs256"}, "provider stand-in", Level.FAIL, "Unauthorized"),
        ({"extra": "[alerts]\ndisk_free_percent = 90"}, "disk", Level.WARN, "make room"),
        (
            {"provider": 'retired_models = "replace"', "extra": '[catalog.models.kling-v2-6]\nretired = "2020-01-01"'},
            "provider stand-in",
            Level.WARN,
            "was ended by Kling",
        ),
    ],
    ids=["request", "public", "capped", "disabled", "key", "disk", "retired"],
)  # fmt: skip
async def test_what_the_settings_bring_about_is_told(world, settings, subject, level, words):
    world.configure(**settings)
    told = (await findings(world))[subject]
    assert (told.level, words in told.text) == (level, True), told.line


async def test_a_bot_without_admins_is_told(world):
    world.config.write_text(world.config.read_text("utf-8").replace("admins = [1000]", ""), "utf-8")
    told = (await findings(world))["admins"]
    assert (told.level, "telegram.admins" in told.text) == (Level.WARN, True)


async def test_what_an_admin_overrides_counts(world):
    code, _ = await command(world, "admin", "access", "public")
    assert code == 0
    assert (await findings(world))["access"].level is Level.WARN


@pytest.mark.parametrize(("mode", "level"), [(0o600, Level.OK), (0o640, Level.WARN), (0o604, Level.WARN)])
async def test_secrets_that_others_can_read_are_told(world, mode, level):
    world.config.chmod(mode)
    assert (await findings(world))["config"].level is level


async def test_a_database_in_use_or_of_an_earlier_version_is_a_note(world):
    migrate(world.database)
    with closing(sqlite3.connect(world.database)) as db:
        db.execute("DELETE FROM _sqlite_migrations WHERE name = (SELECT max(name) FROM _sqlite_migrations)")
        db.commit()
    store = (await findings(world))["store"]
    assert (store.level, store.text.endswith("brought to this version at the next start")) == (Level.OK, True)
    world.database.unlink()
    Path(f"{world.database}.lock").unlink()
    opened = await Store.open(f"sqlite:///{world.database}", serving=asyncio.sleep)
    store = (await findings(world))["store"]
    await opened.close()
    assert (store.level, f"in use by process {os.getpid()}" in store.text) == (Level.OK, True)


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, Level.OK), (-20, Level.WARN), (20, Level.WARN), (100, Level.FAIL)]
)
async def test_a_clock_that_is_off_is_told_and_fails_what_is_signed(world, seconds, level):
    now = Runtime().clock.now() + seconds * 1000
    told = (await findings(world, runtime=Runtime(ManualClock(now))))["clock"]
    assert told.level is level
    assert level is Level.OK or ("ahead" if seconds > 0 else "behind") in told.text


@asynccontextmanager
async def a_public_server(*, is_ours: bool) -> AsyncIterator[str]:
    """What answers at a public address: our own, or another."""

    async def healthz(_):
        return PlainTextResponse("ok" if is_ours else "welcome")

    async with serve(Starlette(routes=[Route("/healthz", healthz)])) as address:
        yield address


async def test_a_public_address_that_cannot_be_reached_is_told(world):
    def public(address: str) -> None:
        world.configure(extra=f'[access]\n[web]\npublic_url = "{address}"')

    public("https://bot.invalid")
    told = (await findings(world))["callbacks"]
    assert (told.level, "start it, and check again" in told.text) == (Level.WARN, True)
    async with a_public_server(is_ours=True) as address:
        public(address)
        told = (await findings(world))["callbacks"]
        assert (told.level, "only this machine reaches it" in told.text) == (Level.WARN, True)


async def test_a_server_that_never_answers_is_one_failure_and_holds_up_no_other(world):
    async def never(_):
        await asyncio.Event().wait()

    async with serve(Starlette(routes=[Route("/{rest:path}", never)])) as address:
        text = world.config.read_text("utf-8").replace(f"{world.telegram_url}/bot", f"{address}/bot")
        world.config.write_text(text, "utf-8")
        told = await findings(world, seconds=1.0)
    assert (told["telegram"].level, "no answer within 1 s" in told["telegram"].text) == (Level.FAIL, True)
    assert told["provider stand-in"].level is Level.OK


@pytest.mark.parametrize(
    ("me", "groups", "level", "words"),
    [
        ({"can_join_groups": False}, "", Level.OK, "nobody can add the bot"),
        ({"can_join_groups": False}, "groups = [-5]", Level.WARN, "access.groups names some"),
        ({"can_read_all_group_messages": True}, "", Level.OK, "sees every message"),
    ],
)
async def test_what_botfather_was_told_of_groups_is_told(world, me, groups, level, words):
    world.configure(extra=f"[access]\n{groups}")
    world.to_telegram.always("getMe", JSONResponse({"ok": True, "result": {"username": "a_bot", **me}}))
    told = (await findings(world))["groups"]
    assert (told.level, words in told.text) == (level, True)


@pytest.mark.parametrize(
    ("key", "status"), [("demo-access|demo-secret-that-signs-for-nothing", 0), ("wrong", 1)]
)
async def test_warnings_are_no_failures_and_json_says_the_same(world, key, status):
    world.configure(key=key, extra="")
    code, said = await command(world, "check", "--json")
    told = json.loads(said)
    assert code == status
    assert {each["level"] for each in told} == {"ok", "warn", *(["fail"] if status else [])}
    lines = (await command(world, "check"))[1].splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"{each['level'].replace('fail', 'FAIL'):4}  {each['subject']}" for each in told
    ]


def test_settings_that_are_wrong_are_another_failure(tmp_path, kept_logging):
    (tmp_path / "config.toml").write_text("[telegram]\n")
    assert CliRunner().invoke(main, ["check", "--config", str(tmp_path / "config.toml")]).exit_code == 2
