"""An operator ends the bot: it is gone within ten seconds, whatever it is doing, and the next start goes on from there."""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.application import GRACE_SECONDS
from tests.world.process import BotProcess
from tests.world.telegram import ADA, XIAOLIN

MOST_SECONDS = 10
UNREACHABLE = "http://127.0.0.1:9"


async def never(request: Request) -> Response:
    """No answer, until whoever asked is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
    return Response()


@asynccontextmanager
async def in_time(world: BotProcess) -> AsyncIterator[None]:
    """Ask the bot to end after what is done here, and see that it does so in time and in order."""
    yield
    async with asyncio.timeout(MOST_SECONDS):
        assert await world.stop() == 0, world.output


async def test_it_ends_while_telegram_cannot_be_reached_at_the_start(world):
    reachable, world.telegram_url = world.telegram_url, UNREACHABLE
    world.configure()
    async with in_time(world):
        await world.begin()
        await world.wait_said("Telegram cannot be reached")
    world.telegram_url = reachable
    world.configure()
    await world.start()


async def test_it_ends_while_telegram_does_not_answer_at_the_start(world):
    world.to_telegram.always("getMe", never)
    async with in_time(world):
        await world.begin()
        await world.wait_for(lambda: world.to_telegram.of("getMe"))


async def test_it_ends_while_the_store_waits_for_another_at_the_start(world):
    await world.start()
    await world.stop()
    with closing(sqlite3.connect(world.database, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        world.output.clear()
        async with in_time(world):
            await world.begin()
            await world.wait_said("starting")


async def test_it_ends_during_a_long_poll(world):
    await world.start()
    async with in_time(world):
        await world.wait_for(lambda: world.to_telegram.of("getUpdates"))


async def test_it_ends_while_what_was_left_over_is_shown_again(world):
    world.kling.behaviour.render_seconds = 3
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    await world.kill()
    shown = len(world.to_telegram.of("editMessageText"))
    world.to_telegram.always("editMessageText", never)
    async with in_time(world):
        await world.begin()
        await world.wait_for(lambda: len(world.to_telegram.of("editMessageText")) > shown)
    world.to_telegram.forget("editMessageText")
    await world.start()
    await world.telegram.wait_video(ADA)


@pytest.mark.parametrize("slow", ["submit", "file", "editMessageMedia", "sendMessage"])
async def test_it_ends_under_load_and_everything_comes_once_after_the_next_start(world, slow):
    front = world.to_kling if slow in {"submit", "file"} else world.to_telegram
    front.always(slow, never)
    world.configure(daily=1000)
    await world.start()
    for number in range(3):
        for person in (ADA, XIAOLIN):
            await world.telegram.say(person, f"/video a fox {number}")
    async with in_time(world):
        await world.wait_for(lambda: len(front.of(slow)) >= 2)
    front.forget(slow)
    await world.start()
    await world.ended(6)
    assert world.rows("SELECT count(*), min(state), max(state) FROM tasks") == [(6, "succeeded", "succeeded")]
    assert [world.balance(person) for person in (ADA, XIAOLIN)] == [(-45, 0), (-45, 0)]
    assert world.rows("SELECT count(*) FROM inbox WHERE processed_at IS NULL") == [(0,)]
    assert set(world.kling.submissions.values()) == {1}


async def test_a_second_signal_ends_it_at_once(world):
    world.to_kling.always("submit", never)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.wait_for(lambda: world.to_kling.of("submit"))
    world.ask_to_stop()
    await world.wait_said("stopping")
    world.ask_to_stop()
    # Without the second one what runs would have its grace.
    async with asyncio.timeout(GRACE_SECONDS - 0.5):
        assert await world.stop() == 0


async def test_what_was_being_looked_at_is_looked_at_at_once_after_the_next_start(world):
    """A look holds its task for 90 s, so that nobody else looks: not beyond the end of the process."""
    world.to_kling.always("query", never)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    async with in_time(world):
        await world.wait_for(lambda: world.to_kling.of("query"))
    world.to_kling.forget("query")
    await world.start()
    await world.telegram.wait_video(ADA, timeout_seconds=20)


async def test_the_demo_ends_with_its_bot(world):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    await world.begin("demo", "--port", str(port), "--no-browser")
    await world.wait_said("The demo is at")
    async with in_time(world):
        pass


async def test_systemd_is_told_when_it_is_ready_alive_and_ending(world, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.setblocking(False)
        world.environment |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        heard: list[bytes] = []

        async def hear(state: bytes) -> None:
            while state not in heard:
                heard.append(await asyncio.get_running_loop().sock_recv(supervisor, 100))

        async with asyncio.timeout(40):
            await world.start()
            await hear(b"READY=1")
            heard.clear()
            await hear(b"WATCHDOG=1")
        async with in_time(world):
            world.ask_to_stop()
            await hear(b"STOPPING=1")
