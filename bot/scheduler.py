"""The ticks: APScheduler calls each chore in turn; what is due stands in the store, nothing in here.

A tick that is still running is not started twice, and one that was missed runs once, not many times.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger(__name__)

Tick = Callable[[], Awaitable[None]]


class Ticks:
    """Calls named functions at intervals (seconds), and at once when they are woken."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        )
        self._running: set[str] = set()
        self._again: set[str] = set()

    def start(self, ticks: Mapping[str, tuple[float, Tick]]) -> None:
        """Begin to call each tick at its interval, the first time at once."""
        now = datetime.now(UTC)
        for name, (seconds, tick) in ticks.items():
            self._scheduler.add_job(
                self._run, "interval", seconds=seconds, id=name, args=(name, tick), next_run_time=now
            )
        self._scheduler.start()

    def wake(self, tick: str) -> None:
        """Call a tick now; while it is running, once more when it is done. Unknown or stopped: no effect."""
        if tick in self._running:
            self._again.add(tick)
        elif self._scheduler.running and self._scheduler.get_job(tick) is not None:
            self._scheduler.modify_job(tick, next_run_time=datetime.now(UTC))

    def stop(self) -> None:
        """Call nothing any more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _run(self, name: str, tick: Tick) -> None:
        self._running.add(name)
        try:
            self._again.add(name)
            # A wake that comes while the tick runs must not be lost: the tick may have looked already.
            while name in self._again:
                self._again.discard(name)
                await tick()
        except asyncio.CancelledError:
            # Only the end of the program does this; what the tick had claimed comes back with its lease.
            log.debug("a tick was cut short", tick=name)
        except Exception:
            log.exception("a tick failed; the next one goes on", tick=name)
        finally:
            self._running.discard(name)
            self._again.discard(name)
