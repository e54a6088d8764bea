"""The bot as a whole: a process that runs by itself, or driven step by step."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.clock import TOLERATED_STEP, SystemClock
from bot.errors import ConfigError, StoreError
from bot.monitoring.site import Monitoring
from bot.scheduler import Run, Scheduler
from bot.services.container import Services
from bot.services.inbox import Intake
from bot.services.operations.watch import Watchdog
from bot.services.ports import Job, StoredUpdate, UnreadUpdate
from bot.services.tasks.workers import WorkerPool
from bot.store import Store
from bot.supervisor import Supervisor

log = structlog.get_logger(__name__)

GRACE_SECONDS = 4.0
"""How long what has begun may go on at the end. What is cut short then comes back at the next start."""

STOP_SECONDS = 9.0
"""After a signal the process is ended by force: what a thread is doing cannot be cut short otherwise. That is safe
at any moment, as a power cut is."""

WATCH_SECONDS = 1.0
"""How often it is looked whether the machine's clock was set."""

CLOSING_SECONDS = 10.0
"""How long the bot may take to end where it begins anew; after that, whatever it waits for is cut short."""

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
    watch: Watchdog
    scheduler: Scheduler
    jobs: Mapping[Job, tuple[float, Run]]
    work: tuple[WorkerPool, ...]
    read_update: Callable[[Mapping[str, object]], StoredUpdate | UnreadUpdate]
    restore: Callable[[], Awaitable[None]]
    prepare: Callable[[], Awaitable[None]]
    serving: Callable[[], AbstractAsyncContextManager[object]]
    monitoring: Monitoring

    async def run(self, stopping: asyncio.Event, on_ready: Callable[[], None] = lambda: None) -> None:
        """Take updates and run the jobs until `stopping` is set, then finish what has begun.

        `on_ready` is called when updates are taken.

        Raises:
            ConfigError: the web server cannot listen where the settings say.

        """
        async with self.serving(), _beside(self.watch.run(_end_lost)):
            if not await _unless(stopping, self.restore()):
                return
            self.scheduler.start(self.jobs)
            # Nobody waits for the menus, whose calls take seconds.
            preparing: list[asyncio.Future[None]] = []

            def ready() -> None:
                log.info("ready")
                on_ready()
                preparing.append(asyncio.ensure_future(self._prepare()))

            finishing = asyncio.create_task(self._finish(stopping))
            try:
                await self.inbox.run(stopping, ready, GRACE_SECONDS)
                await finishing
            except asyncio.CancelledError:
                finishing.cancel()
                raise
            finally:
                stopping.set()
                for task in preparing:
                    task.cancel()
                await asyncio.gather(finishing, *preparing, return_exceptions=True)
                log.info("stopped")

    async def _finish(self, stopping: asyncio.Event) -> None:
        """Begin nothing more once the end is asked for, and give what runs its grace."""
        await stopping.wait()
        self.scheduler.stop()
        await asyncio.gather(*(work.stop(GRACE_SECONDS) for work in self.work))

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


@asynccontextmanager
async def _beside(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Do something for as long as the block runs."""
    doing = asyncio.create_task(work)
    try:
        yield
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)


def _end_lost(error: StoreError) -> None:
    """End the process where its database is lost: whatever it still did would be lost as well."""
    log.critical("the bot cannot go on", reason=str(error))
    sys.stderr.flush()
    os._exit(error.exit_status)


async def _unless(stopping: asyncio.Event, work: Awaitable[None]) -> bool:
    """Do something to its end, or until `stopping` is set; whether it was done. Raises what the work raises."""
    doing = asyncio.ensure_future(work)
    asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
        return doing.done()
    finally:
        asked.cancel()
        doing.cancel()
        await asyncio.gather(doing, asked, return_exceptions=True)


class Reload(Protocol):
    """The settings, which can be read again while the process runs; see `bot.reloading.Reloading`."""

    asked: asyncio.Event
    """Set by whoever wants them to be read."""

    async def take_up(self) -> bool:
        """Read them; whether the bot is to be built anew."""
        ...

    def done(self) -> None:
        """The bot runs on what was read last."""
        ...

    def undo(self, error: ConfigError) -> bool:
        """The bot cannot be built on them: whether to build it on those before."""
        ...


Building = Callable[[SystemClock], AbstractAsyncContextManager[App]]
"""Puts the bot together, with a clock."""


async def run(
    opening: AbstractAsyncContextManager[Building],
    *,
    wall: Callable[[], int] = time.time_ns,
    closing_seconds: float = CLOSING_SECONDS,
    supervisor: Supervisor | None = None,
    reload: Reload | None = None,
) -> None:
    """Be the process: open what stays open, build the bot and serve until a signal asks for the end (SIGINT or SIGTERM).

    It ends within seconds whatever it is doing; a second signal ends also what is still being finished. When the
    machine's clock (`wall`, nanoseconds) is set, the bot ends within `closing_seconds` and is built anew: nothing of
    it then knows a time of the old clock but the store, which moves them. The same happens when SIGHUP asks for the
    settings to be read again (`reload`) and they have changed. The `supervisor` is told how it is.

    Raises:
        ConfigError: the settings do not fit what is there, see `bot.app.opened`, `bot.app.build` and `App.run`.

    """
    stopping = _Stopping(supervisor or Supervisor())
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(_serve(opening, wall, closing_seconds, stopping, reload))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.ask, serving)
    if reload is not None:
        has_terminal = sys.stderr.isatty()

        def hang_up() -> None:
            # A terminal that was closed says the same, and then nobody is there who could end the process.
            if has_terminal and not os.isatty(2):
                stopping.ask(serving)
            else:
                reload.asked.set()

        loop.add_signal_handler(signal.SIGHUP, hang_up)
    log.info("starting")
    try:
        async with _beside(stopping.supervisor.show_alive()):
            await serving
    except asyncio.CancelledError:
        if not stopping.is_asked:
            raise
        log.info("stopped")


class _Stopping:
    """What is known of the end: whether it is asked for. `ending` is set where the bot that is built now is to end."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.is_asked = False
        self.is_built = False
        self.ending = asyncio.Event()

    def ask(self, serving: asyncio.Task[None]) -> None:
        """Let what has begun finish; at the start, or when asked again, let nothing finish."""
        if self.is_asked or not self.is_built:
            serving.cancel()
        if not self.is_asked:
            log.info("stopping")
            self.supervisor.tell("STOPPING=1")
            self.is_asked = True
            self.ending.set()
            last = threading.Timer(STOP_SECONDS, _end)
            last.daemon = True
            last.start()


async def _serve(
    opening: AbstractAsyncContextManager[Building],
    wall: Callable[[], int],
    closing_seconds: float,
    stopping: _Stopping,
    reload: Reload | None,
) -> None:
    """Serve until the end is asked for; begin anew each time that the machine's clock is set, or the settings change."""
    async with opening as building:
        while not stopping.is_asked:
            stopping.is_built, stopping.ending = False, asyncio.Event()
            clock = SystemClock(wall)
            serving = asyncio.create_task(_serve_by(clock, building, stopping, reload))
            changing = asyncio.create_task(_wait_for_change(clock, stopping, reload))
            try:
                await asyncio.wait({serving, changing}, return_when=asyncio.FIRST_COMPLETED)
                if serving.done():
                    error = serving.exception()
                    if isinstance(error, ConfigError) and reload is not None and reload.undo(error):
                        continue
                    serving.result()
                    return
                changing.result()
                await _close(serving, stopping, closing_seconds)
            finally:
                for task in (changing, serving):
                    task.cancel()
                await asyncio.gather(changing, serving, return_exceptions=True)


async def _serve_by(
    clock: SystemClock, building: Building, stopping: _Stopping, reload: Reload | None
) -> None:
    def ready() -> None:
        if reload is not None:
            reload.done()
        stopping.supervisor.tell("READY=1")

    async with building(clock) as app:
        stopping.is_built = True
        await app.run(stopping.ending, ready)


async def _wait_for_change(clock: SystemClock, stopping: _Stopping, reload: Reload | None) -> None:
    """Wait until the bot has to begin anew."""
    while True:
        waiting = [asyncio.create_task(wait_until_set(clock))]
        if reload is not None:
            waiting.append(asyncio.create_task(reload.asked.wait()))  # type: ignore[arg-type]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if reload is None or not reload.asked.is_set():
            seconds = round(clock.step() / 1000, 1)
            log.warning("the machine's clock was set; beginning anew", seconds=seconds)
            return
        reload.asked.clear()
        stopping.supervisor.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        if await reload.take_up():
            return
        if stopping.is_built:
            stopping.supervisor.tell("READY=1")


async def wait_until_set(clock: SystemClock, every_seconds: float = WATCH_SECONDS) -> None:
    """Wait until the machine's clock has been set since `clock` was made, by more than is tolerated."""
    while abs(clock.step()) <= TOLERATED_STEP:  # noqa: ASYNC110  nothing tells of it
        await asyncio.sleep(every_seconds)


async def _close(serving: asyncio.Task[None], stopping: _Stopping, seconds: float) -> None:
    """Let what has begun finish, but not for long. Raises what the bot ends with."""
    stopping.ending.set()
    if stopping.is_built:
        await asyncio.wait({serving}, timeout=seconds)
    while not serving.done():
        serving.cancel()
        await asyncio.wait({serving}, timeout=WATCH_SECONDS)
    if not serving.cancelled():
        serving.result()


def _end() -> None:
    log.warning("ended before everything was finished; it goes on at the next start")
    sys.stderr.flush()
    os._exit(0)
