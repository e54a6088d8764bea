"""The bot as a whole, in this process: messages in, calls out, with the clock in the test's hand."""

import asyncio
import random
import stat
import subprocess
import sys
from dataclasses import replace

import httpx
import pytest
from structlog.testing import capture_logs

from bot import app
from bot.demo.kling import KlingStandIn
from bot.demo.telegram import TelegramStandIn
from bot.settings import config
from tests.builders import ADA, NOW
from tests.clock import ManualClock
from tests.world.kling import canned_video

TOKEN = "123456:a-token-of-the-tests"
CONFIG = """
[telegram]
token = "{token}"
base_url = "http://127.0.0.1:1/bot"
base_file_url = "http://127.0.0.1:1/file/bot"

[storage]
directory = "{directory}/work"

[store]
url = "sqlite:///{directory}/bot.db"

[[providers]]
name = "stand-in"
dialect = "official"
base_url = "http://127.0.0.1:2"
key = "demo-access|demo-secret-that-signs-for-nothing"
models = ["kling-v2-6"]

[delivery]
allow_loopback = true

[access]
mode = "public"
"""


class ByPort(httpx.AsyncBaseTransport):
    """Hands each request to the application that answers at its port."""

    def __init__(self, **applications: httpx.ASGITransport) -> None:
        self._applications = applications

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._applications[f"port_{request.url.port}"].handle_async_request(request)


@pytest.fixture
async def world(tmp_path):
    clock = ManualClock(NOW)

    def seconds() -> float:
        return clock.now() / 1000

    telegram = TelegramStandIn(tmp_path / "telegram", token=TOKEN, now=seconds)
    kling = KlingStandIn(tmp_path / "kling", now=seconds, renderer=canned_video)
    transport = ByPort(port_1=httpx.ASGITransport(telegram.app), port_2=httpx.ASGITransport(kling.app))
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(token=TOKEN, directory=tmp_path))
    settings = config.load(path, {})
    async with app.build(settings, clock=clock, rng=random.Random(1), transport=transport) as bot:
        await bot.start()
        yield bot, telegram, kling, clock
    await telegram.close()


def files(telegram: TelegramStandIn) -> list[str]:
    return [name for name, _ in telegram.calls if name == "editMessageMedia"]


async def rendered(kling: KlingStandIn) -> None:
    for task in kling.tasks.values():
        await asyncio.gather(*map(asyncio.wrap_future, task.rendering))


async def test_a_request_becomes_a_video_when_the_clock_is_moved_and_not_before(world):
    bot, telegram, kling, clock = world
    await telegram.say(ADA, "/video a fox in the snow")
    await bot.settle()
    assert files(telegram) == []
    await rendered(kling)
    clock.advance(10 * 60_000)
    await bot.settle()
    assert files(telegram) == ["editMessageMedia"]


async def test_an_update_that_a_test_hands_in_is_answered_as_one_from_telegram(world):
    bot, telegram, _, _ = world
    update = {
        "update_id": 77,
        "message": {
            "message_id": 5,
            "date": NOW // 1000,
            "chat": {"id": ADA, "type": "private", "first_name": "Ada"},
            "from": {"id": ADA, "is_bot": False, "first_name": "Ada"},
            "text": "/quota",
            "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
        },
    }
    await bot.process(update, update)
    assert [name for name, _ in telegram.calls if name == "sendMessage"] == ["sendMessage"]


async def test_menus_that_cannot_be_set_are_told_in_the_log_and_stop_nothing(world):
    bot, *_ = world
    stopping = asyncio.Event()

    async def fail() -> None:
        stopping.set()
        raise RuntimeError("a mistake of ours")

    with capture_logs() as logs:
        await asyncio.wait_for(replace(bot, prepare=fail).run(stopping), 20)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == [
        "the menus could not be set"
    ]
    assert logs[-1]["event"] == "stopped"


async def test_what_has_begun_is_finished_before_the_bot_stops_and_finds_the_store_open(world):
    bot, *_ = world
    stopping, ended = asyncio.Event(), []

    async def begun() -> None:
        await stopping.wait()
        ended.extend([await bot.store.check() for _ in range(10)])

    async def stop() -> None:
        stopping.set()

    bot.work[0].start(begun())
    await asyncio.wait_for(replace(bot, prepare=stop).run(stopping), 20)
    assert ended == ["ok"] * 10


RARELY_USED = ("av", "PIL", "pillow_heif", "babel", "starlette", "uvicorn", "h2", "sqlite_utils")


def test_the_program_starts_without_what_it_rarely_uses():
    shows = f"import sys, bot.app; print(*sorted(set({RARELY_USED}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", shows], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("before", "after"), [(None, 0o700), (0o755, 0o700), (0o700, 0o700), (0o1777, 0o1777)]
)
async def test_the_directory_of_peoples_files_is_private_unless_it_is_everybodys(tmp_path, before, after):
    directory = tmp_path / "work"
    if before is not None:
        directory.mkdir()
        directory.chmod(before)
    with capture_logs() as logs:
        app._keep_private(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == after
    warned = "others on this machine can read what people send"
    assert [entry["event"] for entry in logs] == [warned] * (after & 0o077 != 0)
