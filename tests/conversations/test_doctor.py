"""What `klingbot doctor` finds, beside the running bot and without it."""

import sqlite3
from contextlib import asynccontextmanager, closing

import pytest
from starlette.responses import JSONResponse

from bot.cli import checks
from bot.cli.checks.findings import Finding, Level
from bot.clock import Runtime
from bot.domain.types import HOUR, MINUTE
from bot.settings.config import load
from tests.conversations.test_monitoring import DEAD, go_on
from tests.world.bot import BotInProcess
from tests.world.telegram import ADA

BUSY = JSONResponse({"code": 1302, "message": "too many requests", "request_id": "r1"}, 429)
NO_KEY = JSONResponse({"code": 1002, "message": "access key not found", "request_id": "r1"}, 401)


@asynccontextmanager
async def listening(bot: BotInProcess):
    """The address at which the bot tells how it is."""
    async with bot.app.monitoring.serving("127.0.0.1:0") as address:
        yield address.removeprefix("http://")


async def told(bot: BotInProcess, listen: str = "127.0.0.1:9") -> dict[str, list[Finding]]:
    """What the doctor finds, by subject."""
    settings = load(bot.config, {"KLINGBOT_MONITORING__LISTEN": listen})
    found: dict[str, list[Finding]] = {}
    for finding in await checks.diagnose(settings, bot.config, runtime=Runtime(bot.clock)):
        found.setdefault(finding.subject, []).append(finding)
    return found


def grave(found: dict[str, list[Finding]]) -> dict[str, str]:
    """What is not well, each in its line."""
    return {
        subject: " ".join(each.line for each in findings)
        for subject, findings in found.items()
        if any(each.level is not Level.OK for each in findings)
    }


async def test_a_bot_that_does_its_work_needs_nothing(bot):
    await bot.telegram.say(ADA, "/video a fox in the snow")
    await bot.telegram.wait_video(ADA)
    await go_on(bot, 1)
    async with listening(bot) as listen:
        found = await told(bot, listen)
    assert grave(found) == {}
    assert found["bot"][0].text.startswith("runs, and does its work; Telegram last answered 0 s ago")
    assert found["updates"][0].text.startswith("the last one came ")
    assert {"store", "disk", "telegram", "queue", "tasks", "deliveries", "provider stand-in"} <= found.keys()


async def test_without_the_bot_the_database_is_looked_at_all_the_same(bot):
    await go_on(bot, 1)
    await bot.stop()
    found = await told(bot)
    assert grave(found) == {"bot": "FAIL  bot: does not run: start it with `klingbot run`"}
    assert {"store", "queue", "tasks"} <= found.keys()


async def test_where_there_is_no_database_none_is_made(world):
    assert "bot" in grave(await told(world))
    assert not world.database.exists()


async def test_a_bot_that_hangs_is_told_from_one_that_does_not_run(bot):
    said = grave(await told(bot))["bot"]
    assert "serves with the database, but http://127.0.0.1:9/status does not answer" in said


async def test_a_telegram_that_is_dead_is_named_with_when_it_answered_last(bot):
    await go_on(bot, 1)
    bot.to_telegram.always("getUpdates", DEAD)
    await go_on(bot, 5)
    async with listening(bot) as listen:
        said = grave(await told(bot, listen))
    assert said["updates"].startswith("FAIL  updates: last succeeded 5 min ago: see the log")


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [(BUSY, "warn", "is too busy: nothing to do"), (NO_KEY, "FAIL", "refuses the key: correct it")],
    ids=["busy", "key"],
)
async def test_a_provider_that_takes_nothing_is_named_with_why(bot, answer, level, words):
    bot.to_kling.always("submit", answer)
    await bot.telegram.say(ADA, "/video a fox in the snow")
    await bot.until(lambda: bot.to_kling.of("submit"), 10)
    async with listening(bot) as listen:
        said = grave(await told(bot, listen))
    assert said["provider stand-in"].startswith(f"{level}  provider stand-in: ")
    assert words in said["provider stand-in"]


async def test_a_queue_that_waits_too_long_is_told(bot):
    bot.to_kling.always("submit", BUSY)
    await bot.telegram.say(ADA, "/video a fox in the snow")
    await bot.until(lambda: bot.to_kling.of("submit"), 10)
    bot.clock.advance(20 * MINUTE)
    said = grave(await told(bot))
    assert said["queue"].startswith("FAIL  queue: 1 tasks wait, the oldest for 20 min")


STUCK = {
    "tasks": "UPDATE tasks SET deadline_at = :past, state = 'in_progress', provider = 'stand-in'",
    "unconfirmed": "UPDATE tasks SET state = 'unconfirmed', submitted_at = :past, provider = 'stand-in'",
    "deliveries": """
        INSERT INTO outbox (task_id, kind, position, state, attempts, due_at)
        SELECT id, 'notice', 0, 'pending', 1, :past FROM tasks
    """,
    "undeliverable": """
        INSERT INTO outbox (task_id, kind, position, state, attempts, finished_at, failure)
        SELECT id, 'video', 0, 'undeliverable', 1, :past, 'chat refused: no' FROM tasks
    """,
    "quarantine": "INSERT INTO quarantine (content, error, received_at, digest) VALUES ('{}', 'odd', :past, 'd')",
}


@pytest.mark.parametrize("subject", STUCK)
async def test_what_is_stuck_is_told_in_a_line_with_what_to_do(bot, subject):
    bot.to_kling.always("submit", BUSY)
    await bot.telegram.say(ADA, "/video a fox in the snow")
    await bot.until(lambda: bot.to_kling.of("submit"), 10)
    await bot.stop()
    with closing(sqlite3.connect(bot.database)) as db, db:
        db.execute(STUCK[subject], {"past": bot.clock.now() - HOUR})
    found = await told(bot)
    lines = [each.line for each in found[subject]]
    assert set(grave(found)) == {"bot", subject}
    assert len(lines) == 1
    assert "\n" not in lines[0]


async def test_the_command_ends_with_1_where_something_is_to_be_done(bot):
    code, said = await bot.command("doctor")
    assert code == 1
    assert "FAIL  bot: " in said
    assert "name a port" in said
    code, said = await bot.command("doctor", "--json")
    assert (code, said.lstrip()[0]) == (1, "[")
