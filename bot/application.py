"""The bot as a whole: running by itself, or driven step by step."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import structlog

from bot.scheduler import Run, Scheduler
from bot.services.container import Services
from bot.services.inbox import Intake
from bot.services.ports import Job, RawUpdate, UnreadUpdate
from bot.services.tasks.workers import WorkerPool
from bot.store import Store

log = structlog.get_logger(__name__)

GRACE_SECONDS = 20.0

LONGEST_SETTLING = 200
"""Rounds of jobs, after which work that still begets work is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The bot, put together and not yet running.

    `run` serves until it is told to stop. Without it nothing happens by itself, and whoever built the bot drives it:
    `start`, then `process`, `tick` and `settle`.
    """

    store: Store
    services: Services
    inbox: Intake
    scheduler: Scheduler
    jobs: Mapping[Job, tuple[float, Run]]
    work: tuple[WorkerPool, ...]
    read_update: Callable[[Mapping[str, object]], RawUpdate | UnreadUpdate]
    restore: Callable[[], Awaitable[None]]
    prepare: Callable[[], Awaitable[None]]
    serving: Callable[[], AbstractAsyncContextManager[object]]

    async def run(self, stopping: asyncio.Event) -> None:
        """Take updates and run the jobs until `stopping` is set, then finish what has begun.

        Raises:
            ConfigError: the web server cannot listen where the settings say.

        """
        async with self.serving():
            await self.restore()
            self.scheduler.start(self.jobs)
            # Nobody waits for the menus, whose calls take seconds.
            preparing: list[asyncio.Future[None]] = []

            def ready() -> None:
                log.info("ready")
                preparing.append(asyncio.ensure_future(self._prepare()))

            try:
                await self.inbox.run(stopping, ready)
            finally:
                self.scheduler.stop()
                for task in preparing:
                    task.cancel()
                await asyncio.gather(*preparing, return_exceptions=True)
                for work in self.work:
                    await work.stop(GRACE_SECONDS)
                log.info("stopped")

    async def _prepare(self) -> None:
        try:
            await self.prepare()
        except Exception:
            log.exception("the menus could not be set")

    async def start(self) -> None:
        """Do what `run` does first: restore the state, set the menus, act on the updates that were left over."""
        await self.restore()
        await self.prepare()
        await self.inbox.replay()
        await self.inbox.drain()

    async def process(self, *updates: Mapping[str, object]) -> None:
        """Store updates, each as the Bot API's JSON, and act on every one to its end."""
        await self.inbox.take_in([self.read_update(update) for update in updates])
        await self.inbox.drain()

    async def tick(self, job: Job) -> None:
        """Run one job once, and the work that it begins to its end. Raises what the job raises."""
        _, run = self.jobs[job]
        await run()
        for work in self.work:
            await work.drain()

    async def settle(self) -> None:
        """Do everything that is due now by the clock: fetch and process updates, run the jobs until they find nothing.

        What is due later (the next poll of a task, a retry) waits until the clock is moved.

        Raises:
            RuntimeError: the jobs begin new work without an end.

        """
        for _ in range(LONGEST_SETTLING):
            await self.inbox.fetch(timeout_seconds=0)
            await self.inbox.drain()
            self.scheduler.woken.clear()
            before = sum(work.begun for work in self.work)
            for job in self.jobs:
                await self.tick(job)
            if not self.scheduler.woken and sum(work.begun for work in self.work) == before:
                return
        raise RuntimeError(f"still busy: {sorted(self.scheduler.woken)}")
