"""What the operator's own address says while the bot works, and while what it needs is dead."""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import JSONResponse, Response
from telegram.error import TelegramError

from bot.domain.types import MINUTE, SECOND
from bot.metrics import METRICS
from bot.monitoring.site import Monitoring
from bot.services.operations.vitals import Vitals
from bot.services.ports import Job
from bot.store import Store
from tests.builders import NOW
from tests.world.bot import SECRETS, BotInProcess
from tests.world.telegram import ADA

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


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a page of metrics, by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_the_metrics_tell_what_was_done_and_what_waits(bot):
    await bot.telegram.say(ADA, "/video a fox in the snow")
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    async with asked(bot) as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = read(answer.text)

    def value(name: str, **labels: str) -> float:
        return found[f"klingbot_{name}", tuple(sorted(labels.items()))]

    assert value("updates_total", kind="message", outcome="done") == 1
    assert value("update_seconds_count") == 1
    assert value("fetches_total", outcome="ok") > 1
    assert value("tasks_ended_total", state="succeeded", failure="") == 1
    assert value("deliveries_total", outcome="delivered") == 1
    assert value("delivery_seconds_count") == 1
    assert value("provider_units_total", provider="stand-in") == 1.5
    assert value("provider_call_seconds_count", provider="stand-in", call="submit") == 1
    assert value("provider_call_seconds_count", provider="stand-in", call="poll") >= 1
    assert value("provider_open", provider="stand-in") == 1
    assert value("telegram_requests_total", outcome="ok") > 1
    assert value("database_seconds_count", what="commit") > 1
    assert value("database_seconds_count", what="read") > 1
    assert value("database_commit_group_count") > 1
    assert value("job_seconds_count", job="deliver") > 1
    assert value("tasks", state="queued") == value("outbox") == value("queue_oldest_seconds") == 0
    assert value("database_answers") == 1
    assert 0 < value("disk_free_ratio") < 1


async def test_the_metrics_tell_of_what_waits_and_of_what_fails(bot):
    busy = {"code": 1302, "message": "too many requests", "request_id": "r1"}
    bot.to_kling.always("submit", JSONResponse(busy, 429))
    await bot.telegram.say(ADA, "/video a fox in the snow")
    await bot.until(lambda: bot.to_kling.of("submit"), 10)
    bot.to_telegram.always("getUpdates", DEAD)
    bot.clock.advance(90 * SECOND)
    with suppress(TelegramError):
        await bot.app.inbox.fetch(0)
    found = read((await bot.app.monitoring.metrics()).decode())
    errors = {dict(labels)["error"] for (name, labels) in found if name == "klingbot_provider_errors_total"}
    assert "Throttled" in errors
    assert found["klingbot_tasks", (("state", "queued"),)] == 1
    assert found["klingbot_queue_oldest_seconds", ()] >= 90
    assert found["klingbot_fetches_total", (("outcome", "silent"),)] == 1


async def test_a_database_that_does_not_answer_leaves_the_other_metrics(world):
    world.given["store"] = await Store.open(str(world.database))
    await world.start()
    bot = world
    await bot.app.store.close()
    found = read((await bot.app.monitoring.metrics()).decode())
    assert found["klingbot_database_answers", ()] == 0
    assert math.isnan(found["klingbot_queue_oldest_seconds", ()])
    assert not [name for name, _ in found if name == "klingbot_tasks"]
    assert found["klingbot_provider_open", (("provider", "stand-in"),)] == 1


async def test_no_metric_tells_of_a_person_or_of_what_they_wrote(bot):
    await bot.telegram.say(ADA, "/video a fox in the snow")
    await bot.telegram.wait_video(ADA)
    told = (await bot.app.monitoring.metrics()).decode()
    ((task, external),) = bot.rows("SELECT id, external_task_id FROM tasks")
    values = {value for _, labels in read(told) for _, value in labels}
    for secret in ("fox", str(ADA), "Ada", task, external, *SECRETS):
        assert not [value for value in values if secret in value], secret
    declared = {metric.name: set(metric.labels) for metric in METRICS}
    for name, labels in read(told):
        base = re.sub("_(bucket|count|sum|created)$", "", name)
        if name.startswith("klingbot_"):
            found = next(declared[each] for each in (name, base, f"{base}_total") if each in declared)
            assert {label for label, _ in labels} - {"le"} == found, name


async def test_the_event_loop_is_measured_by_how_late_it_wakes_up():
    monitoring, times = Monitoring(Vitals(lambda: NOW)), iter([0.0, 1.0, 1.0, 4.5])

    async def sleep(seconds: float) -> None:
        assert seconds == 1.0

    with suppress(RuntimeError):  # the times have come to their end
        await monitoring.watch_loop(sleep, lambda: next(times))
    found = read((await monitoring.metrics()).decode())
    assert found["klingbot_event_loop_lag_seconds_count", ()] == 2
    assert found["klingbot_event_loop_lag_seconds_sum", ()] == 2.5
    assert found["klingbot_event_loop_lag_seconds_bucket", (("le", "0.001"),)] == 1
