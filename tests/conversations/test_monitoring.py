"""What the operator's own address says while the bot works, and while what it needs is dead."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from starlette.responses import Response
from telegram.error import TelegramError

from bot.domain.types import MINUTE, SECOND
from bot.services.ports import Job
from tests.world.bot import BotInProcess

DEAD = Response(json.dumps({"ok": False, "error_code": 502, "description": "Bad Gateway"}), 502)


@asynccontextmanager
async def asked(bot: BotInProcess) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the operator's address."""
    async with (
        bot.app.monitoring.serving("127.0.0.1:0") as address,
        httpx.AsyncClient(trust_env=False, base_url=address) as http,
    ):
        yield http


async def late(http: httpx.AsyncClient) -> dict[str, dict[str, object]]:
    """What is late, with what is told of it."""
    answer = await http.get("/readyz")
    document = answer.json()
    parts = {name: part for name, part in document["parts"].items() if not part["ok"]}
    assert document["ready"] is (not parts) is (answer.status_code == 200)
    return parts


async def go_on(bot: BotInProcess, minutes: int, *, of: set[Job] | None = None) -> None:
    """Let so much time pass in which the bot asks for updates and runs these jobs (None: all)."""
    for _ in range(minutes * 2):
        bot.clock.advance(30 * SECOND)
        with suppress(TelegramError):
            await bot.app.inbox.fetch(0)
        for job in bot.app.jobs if of is None else of:
            await bot.app.tick(job)


async def test_a_bot_that_has_done_nothing_yet_is_alive_and_not_ready(world):
    world.configure()
    await world.start()
    async with asked(world) as http:
        assert (await http.get("/healthz")).text == "ok"
        unready = await late(http)
        assert unready["updates"] == {"ok": False, "age_seconds": None, "limit_seconds": 120}
        assert {f"job.{job}" for job in Job} <= unready.keys()


async def test_a_bot_without_work_is_ready_for_as_long_as_it_goes_on(bot):
    await go_on(bot, 30)
    async with asked(bot) as http:
        assert await late(http) == {}


async def test_a_bot_is_not_ready_while_telegram_is_dead_and_ready_again_when_it_answers(bot):
    await go_on(bot, 1)
    bot.to_telegram.always("getUpdates", DEAD)
    async with asked(bot) as http:
        await go_on(bot, 2)
        assert await late(http) == {}
        await go_on(bot, 1)
        assert await late(http) == {"updates": {"ok": False, "age_seconds": 180.0, "limit_seconds": 120}}
        assert (await http.get("/healthz")).status_code == 200
        bot.to_telegram.forget("getUpdates")
        await go_on(bot, 1)
        assert await late(http) == {}


async def test_a_job_that_no_longer_runs_is_named(bot):
    await go_on(bot, 1)
    await go_on(bot, 3, of=set(Job) - {Job.POLL})
    async with asked(bot) as http:
        assert list(await late(http)) == ["job.poll"]


async def test_a_database_that_is_not_written_any_more_is_named(bot):
    await go_on(bot, 1)
    idle = {Job.POLL, Job.DELIVER, Job.DISPATCH}
    async with asked(bot) as http:
        await go_on(bot, 4, of=idle)
        assert "store" in await late(http)


@pytest.mark.parametrize("ready", [False, True])
async def test_the_shell_asks_the_same(bot, ready):
    from bot.cli.health import ask

    await go_on(bot, 1)
    async with bot.app.monitoring.serving("127.0.0.1:0") as address:
        listen = address.removeprefix("http://")
        path = "readyz" if ready else "healthz"
        assert await asyncio.to_thread(ask, listen, ready=ready) == (True, f"ok: {address}/{path} answers")
        bot.clock.advance(6 * MINUTE)
        well, said = await asyncio.to_thread(ask, listen, ready=ready)
        assert well is not ready
        assert ("updates (last 360 s ago)" in said) is ready
    well, said = await asyncio.to_thread(ask, listen, ready=ready)
    assert (well, said) == (False, f"{address}/{path} does not answer: [Errno 111] Connection refused")


async def test_the_command_says_in_one_line_why_nobody_can_be_asked(bot):
    code, said = await bot.command("health")
    assert (code, len(said.splitlines())) == (1, 1)
    assert "monitoring.listen has port 0" in said
    bot.config.write_text("[telegram]\n", "utf-8")
    code, said = await bot.command("health")
    assert (code, len(said.splitlines())) == (1, 1)
    assert "telegram.token: is missing" in said
