"""The bot in this process, between both stand-ins: `message in, calls out`, at a clock that only the test moves.

    async def test_words_become_a_video(bot):
        await bot.telegram.say(ADA, "/video a fox in the snow")
        (video,) = await bot.telegram.wait_video(ADA)

Waiting drives the bot: it takes updates, runs every job until none finds anything to do, and moves the clock half a
second at a time until what is waited for has come. Tests that need another configuration call `world.configure(…)`
and `await world.start()` themselves.
"""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypeVar

from click.testing import CliRunner
from structlog.testing import capture_logs

from bot.__main__ import main
from bot.app import App, build
from bot.demo.kling import KlingStandIn
from bot.demo.serving import serve
from bot.demo.telegram import TelegramStandIn
from bot.settings.config import load
from tests.builders import NOW
from tests.clock import ManualClock
from tests.world.bot_api import CallChecker
from tests.world.front import Front
from tests.world.kling import canned_video, kling_front
from tests.world.telegram import TOKEN, telegram_front

STEP = 500
"""Milliseconds between two looks while something is waited for."""

KEY = "demo-access|demo-secret-that-signs-for-nothing"
SECRETS = (TOKEN, TOKEN.partition(":")[2], "demo-secret", "sk-demo-generic")
CONFIG = """
[telegram]
token = "{token}"
base_url = "{telegram}/bot"
base_file_url = "{telegram}/file/bot"
admins = [1000]

[store]
url = "sqlite:///{database}"

[storage]
directory = "{directory}/work"

[[providers]]
name = "stand-in"
dialect = "{dialect}"
base_url = "{kling}"
key = "{key}"
auth = "{auth}"
models = {models}
timeout = 10
rate = 1000
{provider}

[polling]
{polling}

[delivery]
allow_loopback = true
{delivery}

[plans.free]
daily_credits = {daily}
{plan}

[limits]
requests_per_minute = 1000
{limits}

[groups]
requests_per_minute = {group_rate}
{groups}

[monitoring]
listen = "127.0.0.1:0"

[logging]
format = "json"
{extra}
"""


class World:
    """Both stand-ins with a front before each, the bot's configuration, and its database."""

    def __init__(self, directory: Path, telegram: TelegramStandIn, kling: KlingStandIn) -> None:
        self.directory, self.telegram, self.kling = directory, telegram, kling
        self.to_telegram, self.to_kling = telegram_front(telegram.app), kling_front(kling.app)
        self.telegram_url = self.kling_url = ""
        self.config = directory / "config.toml"
        self.database = directory / "klingbot.db"

    def configure(
        self,
        *,
        dialect: str = "official",
        key: str = KEY,
        auth: str = "auto",
        daily: int = 200,
        models: str = '["kling-v2-6", "kling-v2-5-turbo"]',
        provider: str = "",
        extra: str = "",
        timeout: int = 60,
        groups: str = "",
        group_rate: int = 1000,
        polling: str = "",
        delivery: str = "",
        plan: str = "",
        limits: str = "confirm_credits = 0\nconfirm_percent = 0",
    ) -> None:
        """Write the settings that the next start reads; strings but for the first four are lines of TOML."""
        text = CONFIG.format(
            token=TOKEN,
            telegram=self.telegram_url,
            kling=self.kling_url,
            database=self.database,
            directory=self.directory,
            dialect=dialect,
            key=key,
            auth=auth,
            daily=daily,
            plan=plan,
            models=models,
            provider=provider,
            extra=extra,
            polling=polling or f"min_interval = 0.2\nmax_interval = 0.5\ntimeout = {timeout}",
            groups=groups,
            group_rate=group_rate,
            delivery=delivery,
            limits=limits,
        )
        if "[access]" not in extra:
            # Most tests are about people whom the bot takes as they come.
            text += '\n[access]\nmode = "public"\n'
        self.config.write_text(text, "utf-8")

    async def wait_for(self, predicate: Callable[[], object], timeout_seconds: float = 60) -> Any:
        """Wait until something is so; its value."""
        return await self.telegram.wait_for(predicate, timeout_seconds)

    def written(self, chat: int, words: str) -> list[dict[str, Any]]:
        """The texts of the bot in a chat that hold these words."""
        return [reply for reply in self.telegram.replies(chat) if words in str(reply.get("text"))]

    async def wait_written(self, chat: int, words: str, count: int) -> None:
        """Wait until the bot has written so many texts to a chat that hold these words."""
        await self.wait_for(lambda: len(self.written(chat, words)) == count)

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

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve both stand-ins, and write a configuration that names them."""
        async with serve(self.to_telegram) as self.telegram_url, serve(self.to_kling) as self.kling_url:
            self.configure()
            try:
                yield
            finally:
                await self.telegram.close()


class BotInProcess(World):
    """The bot here, driven by whoever waits for something. `output` are the records of its log.

    `given` is what `build` is given beside that, such as a store.
    """

    telegram: "DrivingTelegram"

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock(NOW)
        self.checker = CallChecker()
        telegram = DrivingTelegram(directory / "telegram", token=TOKEN, now=self.seconds, check=self.checker)
        telegram.world = self
        kling = KlingStandIn(directory / "kling", now=self.seconds, renderer=canned_video)
        super().__init__(directory, telegram, kling)
        self.app: App | None = None
        self.output: list[Any] = []
        self.images_on_loopback = False
        self.given: dict[str, Any] = {}
        self._running = AsyncExitStack()

    def seconds(self) -> float:
        """The time as the stand-ins tell it."""
        return self.clock.now() / 1000

    async def start(self) -> None:
        """Build the bot from the configuration, and do what it does first."""
        settings = load(self.config, {})
        rng = random.Random(7)
        self.app = await self._running.enter_async_context(
            build(
                settings,
                clock=self.clock,
                rng=rng,
                sleep=_no_waiting,
                images_on_loopback=self.images_on_loopback,
                **self.given,
            )
        )
        if settings.web.public_url:
            await self._running.enter_async_context(self.app.serving())
        await self.app.start()

    async def stop(self) -> None:
        """Close the bot, as a process ends; the database stays, and `start` builds it anew."""
        for work in () if self.app is None else self.app.work:
            await work.stop(grace_seconds=0)
        await self._running.aclose()
        self.app = None

    async def restart(self) -> None:
        """Build the bot anew on the same database."""
        await self.stop()
        await self.start()

    async def command(self, name: str, *arguments: str) -> tuple[int, str]:
        """Run another command of the program to its end; its exit status and what it printed."""
        line = [name, "--config", str(self.config), *arguments]
        result = await asyncio.to_thread(CliRunner().invoke, main, line)
        return result.exit_code, result.output

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log records of one event."""
        return [record for record in self.output if record["event"] == name]

    async def settle(self) -> None:
        """Do everything that is due now."""
        assert self.app is not None, "the bot has not been started"
        await self.app.settle()
        await self.kling.rendered()

    async def until(self, predicate: Callable[[], Any], seconds: float) -> Any:
        """Drive the bot until something is so, or the clock has moved so far; the last value."""
        end = self.clock.now() + seconds * 1000
        while True:
            await self.settle()
            value = predicate()
            if value or self.clock.now() >= end:
                return value
            self.clock.advance(STEP)


class DrivingTelegram(TelegramStandIn):
    """The stand-in for Telegram where waiting for the bot makes it work."""

    world: BotInProcess

    async def wait_for(self, predicate: Callable[[], Any], timeout_seconds: float = 20) -> Any:
        """Drive the bot until something is so; its value.

        Raises:
            TimeoutError: it did not come to be so.

        """
        value = await self.world.until(predicate, timeout_seconds)
        if not value:
            raise TimeoutError(self._last_words())
        return value

    def _last_words(self) -> str:
        chats = [chat for chat in self.state.messages if self.replies(chat)]
        return str({chat: self.replies(chat)[-1].get("text") for chat in chats})


async def _no_waiting(seconds: float) -> None:
    """An album is complete as soon as its photos are there; what repeats itself lets others go on."""
    await asyncio.sleep(0)


Bot = TypeVar("Bot", bound=BotInProcess)


@asynccontextmanager
async def open_bot(directory: Path, kind: type[Bot]) -> AsyncIterator[Bot]:
    """The world of a conversation, not yet started; at the end its calls and its log are looked through."""
    world = kind(directory)
    with capture_logs() as world.output:
        async with world.serving():
            try:
                yield world
            finally:
                await world.stop()
    mishaps = [record for record in world.output if record.get("exc_info")]
    assert not mishaps, mishaps
    assert not world.checker.faults, world.checker.faults
    # What Kling would take, charge, and do nothing with.
    assert not (unheeded := [each.warnings for each in world.kling.requests if each.warnings]), unheeded
    said = repr(world.output)
    assert not any(secret in said for secret in SECRETS), "a secret is in the log"


__all__ = ["BotInProcess", "Front", "World", "open_bot"]
