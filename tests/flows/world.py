"""A world for the real bot: both stand-ins on loopback, and `klingbot run` as a process of its own."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.demo.kling import KlingStandIn
from bot.demo.telegram import TelegramStandIn
from tests.serving import serve

TOKEN = "123456:flow-tests-token"
ROOT = Path(__file__).parent.parent.parent


@dataclass
class World:
    """What a flow test works with. `output` collects every log line of every run of the bot."""

    directory: Path
    telegram: TelegramStandIn
    kling: KlingStandIn
    telegram_url: str
    kling_url: str
    settings: dict[str, object] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    output: list[str] = field(default_factory=list)
    _reader: asyncio.Task[None] | None = None
    said: asyncio.Condition = field(default_factory=asyncio.Condition)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def config(self) -> Path:
        return self.directory / "config.toml"

    @property
    def database(self) -> Path:
        return self.directory / "klingbot.db"

    def write_config(
        self,
        *,
        dialect: str = "official",
        key: str = "demo-access|demo-secret-that-signs-for-nothing",
        auth: str = "auto",
        daily: int = 200,
        models: str = '["kling-v2-6", "kling-v2-5-turbo"]',
        extra: str = "",
        timeout: int = 60,
        groups: str = "",
    ) -> None:
        self.config.write_text(
            f"""
[telegram]
token = "{TOKEN}"
base_url = "{self.telegram_url}/bot"
base_file_url = "{self.telegram_url}/file/bot"
admins = [1000]

[store]
url = "sqlite:///{self.database}"

[storage]
directory = "{self.directory / "work"}"

[[providers]]
name = "stand-in"
dialect = "{dialect}"
base_url = "{self.kling_url}"
key = "{key}"
auth = "{auth}"
models = {models}
timeout = 10

[polling]
min_interval = 0.2
max_interval = 0.5
timeout = {timeout}

[delivery]
allow_loopback = true

[plans.free]
daily_credits = {daily}

[limits]
requests_per_minute = 1000

[groups]
requests_per_minute = 1000
{groups}

[logging]
format = "json"
{extra}
"""
        )

    async def start(self) -> None:
        """Start the bot and wait until it takes updates."""
        self._ready.clear()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            "--config",
            str(self.config),
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read(self.process))
        async with asyncio.timeout(30):
            await self._ready.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            async with self.said:
                self.output.append(line)
                self.said.notify_all()
            with suppress(ValueError):
                if json.loads(line).get("event") == "ready":
                    self._ready.set()
        # A bot that ends before it is ready must not make the test wait for its time-out.
        self._ready.set()

    async def command(self, name: str, *arguments: str) -> tuple[int, str]:
        """Run another command of the program to its end; its exit status and what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            name,
            "--config",
            str(self.config),
            *arguments,
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    async def kill(self) -> None:
        """End the bot as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """End the bot as an operator would; the exit status."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        if self.process is None:
            return 0
        process, self.process = self.process, None
        with suppress(ProcessLookupError):
            process.send_signal(number)
        code = await process.wait()
        if self._reader is not None:
            await self._reader
        return code

    async def wait_for(self, predicate: Callable[[], object], timeout_seconds: float = 40) -> None:
        """Wait until something is so in the store, looking whenever the bot logs a line."""
        async with asyncio.timeout(timeout_seconds), self.said:
            await self.said.wait_for(predicate)

    def written(self, chat: int, words: str) -> list[dict[str, Any]]:
        """The texts of the bot in a chat that hold these words."""
        return [reply for reply in self.telegram.replies(chat) if words in str(reply.get("text"))]

    async def wait_written(self, chat: int, words: str, count: int) -> None:
        """Wait until the bot has written so many texts to a chat that hold these words."""
        await self.telegram.wait_for(lambda: len(self.written(chat, words)) == count)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What stands in the bot's own database."""
        with closing(sqlite3.connect(self.database)) as db:
            return db.execute(statement, values).fetchall()

    async def ended(self, count: int = 1) -> None:
        """Wait until so many tasks are settled and nothing waits to be delivered."""

        def settled() -> bool:
            ((done,),) = self.rows(
                "SELECT count(*) FROM tasks WHERE state IN ('succeeded', 'failed', 'cancelled', 'expired')"
            )
            ((waiting,),) = self.rows("SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')")
            return done >= count and waiting == 0

        await self.wait_for(settled)

    def balance(self, user: int) -> tuple[int, int]:
        """A user's ledger: the sum of the amounts, and what is held."""
        ((amount, held),) = self.rows(
            "SELECT coalesce(sum(amount), 0), coalesce(sum(held), 0) FROM ledger WHERE user_id = ?", user
        )
        return amount, held

    def events(self, name: str) -> list[dict[str, object]]:
        """The log lines of one event."""
        found = []
        for line in self.output:
            with suppress(ValueError):
                record = json.loads(line)
                if record.get("event") == name:
                    found.append(record)
        return found


@asynccontextmanager
async def open_world(directory: Path) -> AsyncIterator[World]:
    """Start both stand-ins; at the end the bot is stopped, and its output searched for secrets."""
    telegram = TelegramStandIn(directory / "telegram", token=TOKEN)
    kling = KlingStandIn(directory / "kling")
    async with serve(telegram.app) as telegram_url, serve(kling.app) as kling_url:
        world = World(directory, telegram, kling, telegram_url, kling_url)
        world.write_config()
        try:
            yield world
        finally:
            await world.stop()
            await telegram.close()
        said = "\n".join(world.output)
        for secret in (TOKEN, TOKEN.split(":")[1], "demo-secret", "sk-demo-generic"):
            assert secret not in said, "a secret is in the log"
        assert "Traceback" not in said, said
