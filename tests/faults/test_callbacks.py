"""Kling tells of a video, and the bot brings it long before it would have asked by itself."""

import asyncio
import hashlib
import hmac
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager

import httpx
import pytest
from starlette.applications import Starlette

from bot.demo.kling.accounts import WEBHOOK_SECRET
from bot.demo.serving import serve
from tests.faults.test_database import without_room
from tests.world import proxy
from tests.world.process import BotProcess
from tests.world.proxy import ReverseProxy, bot_address, monitoring_address
from tests.world.telegram import ADA, TOKEN

CALLBACKS_OF_A_TASK = 3
"""Kling tells when a task was submitted, when it is worked on, and when it is done."""


def secret_of(provider: str) -> str:
    return hmac.new(TOKEN.encode(), f"callback:{provider}".encode(), hashlib.sha256).hexdigest()


async def post(world: BotProcess, secret: str, body: dict[str, object]) -> int:
    """Send the bot a callback past the proxy; the status of the answer."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        answer = await http.post(f"{bot_address(world)}/callback/stand-in/{secret}", json=body)
    return answer.status_code


def questions(world: BotProcess) -> list[str]:
    """What Kling was asked about tasks; submissions are not among it."""
    return [request.path for request in world.kling.requests if request.method == "GET"]


@asynccontextmanager
async def behind_a_proxy(world: BotProcess, **settings: str) -> AsyncIterator[ReverseProxy]:
    """As `proxy.behind_a_proxy`; no secret of callbacks may stand in the log afterwards."""
    async with proxy.behind_a_proxy(world, **settings) as opened:
        yield opened
    said = "\n".join(world.output)
    for secret in (secret_of("stand-in"), WEBHOOK_SECRET, *filter(None, opened.signatures)):
        assert secret not in said


@pytest.fixture(autouse=True)
def in_no_hurry(world, monkeypatch):
    """By itself the bot would look after five minutes: longer than any test waits."""
    monkeypatch.setenv("KLINGBOT_POLLING__MIN_INTERVAL", "300")
    monkeypatch.setenv("KLINGBOT_POLLING__MAX_INTERVAL", "300")
    world.kling.behaviour.render_seconds = 2


async def test_a_callback_brings_the_video_without_waiting_for_the_next_look(world):
    async with behind_a_proxy(world) as passed:
        await world.telegram.say(ADA, "/video a fox")
        await world.telegram.wait_video(ADA)
        await world.ended()
    assert 1 <= len(questions(world)) <= CALLBACKS_OF_A_TASK
    assert set(passed.answers) == {(f"/callback/stand-in/{secret_of('stand-in')}", 200)}
    assert world.balance(ADA) == (-15, 0)


async def test_a_signed_callback_of_the_newer_standard_does_so_too(world, monkeypatch):
    monkeypatch.setenv("KLINGBOT_PROVIDERS__0__WEBHOOK_SECRET", WEBHOOK_SECRET)
    async with behind_a_proxy(world, dialect="unified", key="demo-api-key") as passed:
        await world.telegram.say(ADA, "/video a fox")
        await world.telegram.wait_video(ADA)
        await world.ended()
    assert 1 <= len(questions(world)) <= CALLBACKS_OF_A_TASK
    assert {status for _, status in passed.answers} == {200}
    assert all(passed.signatures)


async def test_behind_a_gateway_our_own_id_is_the_link(world):
    """The gateway named the task itself; what Kling sends carries Kling's name for it."""
    world.kling.behaviour.render_seconds = 0
    async with behind_a_proxy(world, dialect="generic", key="sk-demo-newapi"):
        await world.telegram.say(ADA, "/video a fox")
        await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
        ((external_id, name),) = world.rows("SELECT external_task_id, provider_task_id FROM tasks")
        (task,) = world.kling.tasks.values()
        assert name != task.upstream_id
        await world.kling.rendered()
        told = {
            "task_id": task.upstream_id,
            "task_status": "succeed",
            "task_info": {"external_task_id": external_id},
        }
        assert questions(world) == []
        assert await post(world, secret_of("stand-in"), told) == 200
        await world.telegram.wait_video(ADA)
    assert len(questions(world)) == 1


async def test_a_callback_whose_signature_was_taken_away_causes_no_look(world, monkeypatch):
    monkeypatch.setenv("KLINGBOT_PROVIDERS__0__WEBHOOK_SECRET", WEBHOOK_SECRET)
    async with behind_a_proxy(world, dialect="unified", key="demo-api-key") as passed:
        passed.tamper = True
        await world.telegram.say(ADA, "/video a fox")
        refused = "a callback without a valid signature was refused"
        await world.wait_for(lambda: len(world.events(refused)) == CALLBACKS_OF_A_TASK)
        assert {status for _, status in passed.answers} == {401}
        assert questions(world) == []
        assert world.rows("SELECT state FROM tasks") == [("in_progress",)]


async def test_a_forged_callback_changes_nothing_but_the_time_of_the_next_look(world):
    world.kling.behaviour.render_seconds = 4
    async with behind_a_proxy(world):
        await world.telegram.say(ADA, "/video a fox")
        await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
        ((external_id,),) = world.rows("SELECT external_task_id FROM tasks")
        forged = {
            "task_id": "1",
            "task_status": "succeed",
            "task_info": {"external_task_id": external_id},
            "task_result": {"videos": [{"id": "1", "url": "https://evil.example/v.mp4", "duration": "5"}]},
        }
        assert await post(world, "guessed", forged) == 404
        assert await post(world, secret_of("stand-in"), forged) == 200
        await world.wait_for(lambda: world.events("a query was brought forward"))
        assert world.rows("SELECT state FROM tasks") == [("in_progress",)]
        await world.telegram.wait_video(ADA)
        await world.ended()
    ((provider_task_id, url),) = world.rows(
        "SELECT provider_task_id, url FROM tasks JOIN outbox ON task_id = tasks.id"
    )
    assert [provider_task_id] == list(world.kling.tasks)
    assert url.startswith(world.kling_url)


async def test_callbacks_that_come_twice_out_of_order_late_or_about_nobody_bring_one_video(world):
    async with behind_a_proxy(world):
        await world.telegram.say(ADA, "/video a fox")
        await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
        ((external_id, name),) = world.rows("SELECT external_task_id, provider_task_id FROM tasks")

        def told(word: str, task_id: str = name, own_id: str = external_id) -> dict[str, object]:
            return {"task_id": task_id, "task_status": word, "task_info": {"external_task_id": own_id}}

        early = [told(word) for word in ("succeed", "failed", "processing", "submitted") for _ in range(5)]
        strange = [told("succeed", "1", "klingbot-nobody"), told("failed", name, "klingbot-nobody")]
        answers = await asyncio.gather(
            *(post(world, secret_of("stand-in"), each) for each in early + strange)
        )
        assert set(answers) == {200}
        await world.telegram.wait_video(ADA)
        await world.ended()
        asked = len(questions(world))
        late = [told("failed"), told("succeed"), told("submitted")]
        for each in late:
            assert await post(world, secret_of("stand-in"), each) == 200
        # What is done for Ada next is done after whatever these could have caused.
        await world.telegram.say(ADA, "/quota")
        await world.telegram.wait_text(ADA, "Balance:")
        assert len(questions(world)) == asked
    assert len([reply for reply in world.telegram.replies(ADA) if "video" in reply]) == 1
    assert world.rows("SELECT state FROM tasks") == [("succeeded",)]
    assert world.balance(ADA) == (-15, 0)
    assert set(world.kling.submissions.values()) == {1}


async def test_a_callback_of_two_megabytes_is_refused_and_the_next_one_is_taken(world):
    async with behind_a_proxy(world):
        assert await post(world, secret_of("stand-in"), {"task_id": "x" * 2_000_000}) == 413
        await world.telegram.say(ADA, "/video a fox")
        await world.telegram.wait_video(ADA)
    assert world.balance(ADA) == (-15, 0)


@contextmanager
def locked(world: BotProcess) -> Iterator[None]:
    """Another program writes to the database, and does not come to its end."""
    with closing(sqlite3.connect(world.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("hindered", [locked, without_room], ids=["locked", "full"])
async def test_a_callback_waits_for_a_database_that_cannot_be_written_and_then_brings_the_video(
    world, hindered
):
    world.kling.behaviour.render_seconds = 1000
    async with behind_a_proxy(world):
        await world.telegram.say(ADA, "/video a fox")
        await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
        ((external_id, name),) = world.rows("SELECT external_task_id, provider_task_id FROM tasks")
        told = {"task_id": name, "task_status": "succeed", "task_info": {"external_task_id": external_id}}
        with hindered(world):
            world.kling.tasks[name].render_seconds = 0
            taking = asyncio.create_task(post(world, secret_of("stand-in"), told))
            async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
                # It is alive, and asked for after the callback was.
                assert (await http.get(f"{bot_address(world)}/healthz")).status_code == 200
            assert world.rows("SELECT state FROM tasks") == [("in_progress",)]
        assert await taking == 200
        await world.telegram.wait_video(ADA, timeout_seconds=60)
        await world.ended()
    assert world.balance(ADA) == (-15, 0)


async def test_monitoring_is_told_that_the_bot_is_alive_and_ready(world):
    async with behind_a_proxy(world), httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{bot_address(world)}/healthz")).status_code == 200
        # Nobody writes, and it is ready all the same, long before a long poll would end.
        async with asyncio.timeout(29):
            while (ready := await http.get(f"{monitoring_address(world)}/readyz")).status_code != 200:
                assert not ready.json()["ready"]
        assert ready.json()["ready"]


async def test_a_port_that_somebody_else_has_is_one_line_about_the_settings(world):
    async with serve(Starlette()) as taken:
        listen = taken.removeprefix("http://")
        world.configure(extra=f'[web]\nlisten = "{listen}"\npublic_url = "http://127.0.0.1"\n')
        code, said = await world.command("run")
        world.environment["KLINGBOT_MONITORING__LISTEN"] = listen
        other_code, of_monitoring = await world.command("run")
    assert code == other_code == 2
    assert f"Error: web.listen: {listen} cannot be used: Address already in use" in said
    assert f"Error: monitoring.listen: {listen} cannot be used: Address already in use" in of_monitoring


async def test_without_a_public_address_only_monitoring_listens_and_no_callback_is_asked_for(
    world, monkeypatch
):
    monkeypatch.setenv("KLINGBOT_POLLING__MIN_INTERVAL", "0.2")
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)
    assert world.events("web server ready") == []
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{monitoring_address(world)}/healthz")).text == "ok"
    assert "callback_url" not in world.kling.requests[0].body
