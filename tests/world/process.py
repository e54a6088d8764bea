"""`klingbot run` as a process of its own between both stand-ins: for signals, kills and what only a process does."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bot.demo.kling import KlingStandIn
from bot.demo.kling.service import Renderer
from bot.demo.media.render import render_video
from bot.demo.run import one_address
from bot.demo.telegram import TelegramStandIn
from tests.world.bot import SECRETS, World
from tests.world.forking import ForkedProcess
from tests.world.kling import canned_video
from tests.world.telegram import TOKEN, telegram_front

START_SECONDS = 100
"""A busy machine may take long to start a process."""

LOOK_SECONDS = 0.05
"""How long the store of a running process may go unobserved while a test waits for it."""


class BotProcess(World):
    """The bot as a process. `output` collects every log line of every run of it.

    `runs` is the module that is the bot, with its command; `environment` is added to that of the tests.
    """

    def __init__(self, directory: Path, renderer: Renderer = canned_video) -> None:
        telegram = TelegramStandIn(directory / "telegram", token=TOKEN)
        super().__init__(directory, telegram, KlingStandIn(directory / "kling", renderer=renderer))
        self.kling.behaviour.render_seconds = 0.5
        self.output: list[str] = []
        self.runs: tuple[str, ...] = ("bot", "run")
        self.environment: dict[str, str] = {}
        self._process: ForkedProcess | None = None
        self._reader: asyncio.Task[None] | None = None
        self._said = asyncio.Condition()
        self._ready = asyncio.Event()
        self._wall: Path | None = None

    def set_clock(self, seconds: int) -> None:
        """Set the clock of the machine so many seconds ahead of (negative: behind) that of this one.

        Once it was set before a start, the processes go by it.
        """
        self._wall = self.directory / "wall"
        # Replaced at once, so that nobody reads half of it.
        written = self._wall.with_suffix(".new")
        written.write_text(str(seconds), "utf-8")
        written.replace(self._wall)

    async def start(self) -> None:
        """Start the bot and wait until it takes updates."""
        await self.begin()
        async with asyncio.timeout(START_SECONDS):
            await self._ready.wait()

    async def begin(self, name: str = "run", *arguments: str) -> None:
        """Start the bot, or another command, and wait for nothing."""
        self._ready.clear()
        self._process = await self._launch(name, *arguments)
        self._reader = asyncio.create_task(self._read(self._process))

    async def command(self, name: str, *arguments: str) -> tuple[int, str]:
        """Run another command of the program to its end; its exit status and what it printed."""
        process = await self._launch(name, *arguments)
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    async def kill(self) -> None:
        """End the bot as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """End the bot as an operator would; the exit status."""
        return await self._end(signal.SIGTERM)

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None
        return self._process.pid

    async def wait_for(self, predicate: Callable[[], object], timeout_seconds: float = 40) -> None:
        """Wait until something is so in the store, looking at every log line and in between.

        A line alone would not do: a commit may follow its line, or have none.
        """
        async with asyncio.timeout(timeout_seconds), self._said:
            while not predicate():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._said.wait(), LOOK_SECONDS)

    async def wait_said(self, words: str, timeout_seconds: float = 40) -> None:
        """Wait until a line that holds these words has been printed, in any run."""
        await self.wait_for(lambda: any(words in line for line in self.output), timeout_seconds)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, and wait for nothing."""
        assert self._process is not None
        self._process.send_signal(number)

    def ask_to_stop(self) -> None:
        """Send the signal of `stop`, and wait for nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    async def ended_by_itself(self, timeout_seconds: float = 40) -> int:
        """Wait until the process has ended without a signal from here; the exit status."""
        assert self._process is not None
        async with asyncio.timeout(timeout_seconds):
            code = await self._process.wait()
        await self._end(signal.SIGTERM)
        return code

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        found = []
        for line in self.output:
            with suppress(ValueError):
                record = json.loads(line)
                if record.get("event") == name:
                    found.append(record)
        return found

    async def _launch(self, name: str, *arguments: str) -> ForkedProcess:
        # The demo makes its own settings.
        config = () if name == "demo" else ("--config", str(self.config))
        program = [*(self.runs if name == "run" else ("bot", name)), *config, *arguments]
        if self._wall is not None and name == "run":
            program = ["tests.world.launch", *config, "--wall", str(self._wall)]
        return await ForkedProcess.start(program, os.environ | self.environment)

    async def _read(self, process: ForkedProcess) -> None:
        async for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            async with self._said:
                self.output.append(line)
                self._said.notify_all()
            if '"ready"' in line:
                self._ready.set()
        # A bot that ends before it is ready must not make the test wait for its time-out.
        self._ready.set()

    async def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        with suppress(ProcessLookupError):
            process.send_signal(number)
        code = await process.wait()
        if self._reader is not None:
            await self._reader
        return code


@asynccontextmanager
async def open_demo(directory: Path, **settings: Any) -> AsyncIterator[BotProcess]:
    """As the demo has it: started, with real films, and the chat page at `telegram_url`."""
    world = BotProcess(directory, render_video)
    world.to_telegram = telegram_front(one_address(world.telegram, world.kling))
    async with world.serving():
        world.configure(**settings)
        await world.start()
        try:
            yield world
        finally:
            await world.stop()


@asynccontextmanager
async def open_process(directory: Path) -> AsyncIterator[BotProcess]:
    """The world of a process, not yet started; at the end its output is searched for mishaps and secrets."""
    world = BotProcess(directory)
    async with world.serving():
        try:
            yield world
        finally:
            await world.stop()
    said = "\n".join(world.output)
    assert not any(secret in said for secret in SECRETS), "a secret is in the log"
    assert "Traceback" not in said, said
