"""The scheduler: APScheduler runs each job in turn; what is due is in the store, nothing is kept here.

A job that is still running is not started twice, and one that was missed runs once, not many times.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.services.ports import Job
from bot.services.tasks.workers import Faults

log = structlog.get_logger(__name__)

Run = Callable[[], Awaitable[None]]


class Scheduler:
    """Runs jobs at intervals (seconds), and at once when they are woken.

    `woken` holds the jobs that were woken while it was stopped, for whoever runs the jobs by hand.
    """

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        )
        self._running: set[Job] = set()
        self._again: set[Job] = set()
        self._faults = Faults()
        self.woken: set[Job] = set()

    def start(self, jobs: Mapping[Job, tuple[float, Run]]) -> None:
        """Begin to run each job at its interval, the first time at once."""
        now = datetime.now(UTC)
        for job, (seconds, run) in jobs.items():
            self._scheduler.add_job(
                self._run, "interval", seconds=seconds, id=job, args=(job, run), next_run_time=now
            )
        self._scheduler.start()

    def wake(self, job: Job) -> None:
        """Run a job now; while it is running, once more when it is done."""
        if job in self._running:
            self._again.add(job)
        elif self._scheduler.running and self._scheduler.get_job(job) is not None:
            self._scheduler.modify_job(job, next_run_time=datetime.now(UTC))
        else:
            self.woken.add(job)

    def stop(self) -> None:
        """Run nothing any more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _run(self, job: Job, run: Run) -> None:
        self._running.add(job)
        try:
            self._again.add(job)
            # A wake that comes while the job runs must not be lost: it may have looked already.
            while job in self._again:
                self._again.discard(job)
                await run()
        except asyncio.CancelledError:
            # Only the end of the program does this; what the job had claimed comes back with its lease.
            log.debug("a job was cut short", job=job)
        except Exception as error:  # noqa: BLE001  it is logged there
            self._faults.record(job, error)
        else:
            self._faults.forget(job)
        finally:
            self._running.discard(job)
            self._again.discard(job)
