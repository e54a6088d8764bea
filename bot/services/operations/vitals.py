"""How the bot is, for the operator's tools: when each thing that has to go on last succeeded, and what waits."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.clock import Clock
from bot.domain.tasks.task import ACTIVE_STATES
from bot.domain.types import MINUTE, SECOND, Millis
from bot.kling.pool import ProviderPool
from bot.metrics import (
    DISK_FREE,
    OUTBOX,
    OUTBOX_AGE,
    PROVIDER_OPEN,
    QUARANTINE,
    QUEUE_AGE,
    READY,
    STORE_ANSWERS,
    SUCCESS_AGE,
    TASKS,
    Metric,
)
from bot.services.ports import Job
from bot.store import Store

log = structlog.get_logger(__name__)

UPDATES = "updates"
STORE = "store"

UPDATES_LIMIT = Millis(2 * MINUTE)
"""Telegram answers at least twice a minute where it is asked for updates; without an answer for so long, none come."""

STORE_LIMIT = Millis(3 * MINUTE)
"""`Recover` notes the time once a minute, so that a bot without work commits as well."""

LEAST_JOB_LIMIT = Millis(2 * MINUTE)
"""How long a job may take, or fail, that runs every few seconds."""

MISSED_RUNS = 5
"""So many intervals of a job may pass without a run that succeeds."""

PATIENCE_SECONDS = 5.0
"""How long the database may take to tell."""

OF_THE_STORE = (TASKS, QUEUE_AGE, OUTBOX, OUTBOX_AGE, QUARANTINE)

Value = tuple[Metric, dict[str, str], float | None]
"""A gauge, its labels, and its value; None: it could not be read."""


@dataclass(frozen=True, slots=True)
class Sign:
    """How long ago something last succeeded, and how long ago at most; milliseconds. `age` None: it never has.

    `trouble` is what it waits for.
    """

    age: Millis | None
    limit: Millis
    trouble: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether it goes on."""
        return self.trouble is None and self.age is not None and self.age <= self.limit


@dataclass(frozen=True, slots=True)
class _Part:
    limit: Millis
    trouble: Callable[[], str | None]


class Vitals:
    """Remembers when each part last succeeded; `now` tells milliseconds and is never set. Any thread may note."""

    def __init__(self, now: Callable[[], Millis]) -> None:
        self._now = now
        self._parts: dict[str, _Part] = {}
        self._last: dict[str, Millis] = {}

    def expect(self, part: str, limit: Millis, trouble: Callable[[], str | None] = lambda: None) -> None:
        """Ask of a part that it succeeds as often as this, milliseconds; `trouble` tells what it waits for now."""
        self._parts[part] = _Part(limit, trouble)

    def expect_job(self, job: Job, interval_seconds: float) -> None:
        """Ask of a job that its runs succeed as often as its interval makes likely."""
        limit = max(LEAST_JOB_LIMIT, round(MISSED_RUNS * interval_seconds * SECOND))
        self.expect(job_part(job), Millis(limit))

    def note(self, part: str) -> None:
        """A part succeeded now."""
        self._last[part] = self._now()

    def signs(self) -> Mapping[str, Sign]:
        """Every part that is expected, and how it is."""
        now = self._now()
        return {
            name: Sign(
                Millis(now - self._last[name]) if name in self._last else None, part.limit, part.trouble()
            )
            for name, part in self._parts.items()
        }


def is_ready(signs: Mapping[str, Sign]) -> bool:
    """Whether updates come, the database is written and every job does its work.

    A bot that is still starting has done nothing yet.
    """
    return {UPDATES, STORE} <= signs.keys() and all(sign.is_good for sign in signs.values())


def job_part(job: Job) -> str:
    """The name of a job among the parts."""
    return f"job.{job}"


class Gauges:
    """Reads every gauge; `free_share` is how much of the disk is free, from 0 to 1."""

    def __init__(
        self,
        *,
        store: Store,
        pool: ProviderPool,
        vitals: Vitals,
        clock: Clock,
        free_share: Callable[[], float],
    ) -> None:
        self._store = store
        self._pool = pool
        self._vitals = vitals
        self._clock = clock
        self._free_share = free_share

    async def read(self) -> list[Value]:
        """Every gauge with its value now."""
        values = [*self._of_process(), *self._of_providers()]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return [*values, (STORE_ANSWERS, {}, 1.0), *await self._of_store()]
        except Exception as error:  # noqa: BLE001  whatever is wrong with it, the rest is told
            log.warning("the database does not tell what waits", kind=type(error).__name__)
            return [*values, (STORE_ANSWERS, {}, 0.0), *((metric, {}, None) for metric in OF_THE_STORE)]

    def providers(self) -> list[dict[str, Any]]:
        """How each provider is, for whoever asks from outside: what is closed, why, and for how many seconds still."""
        now = self._clock.now()
        return [
            {
                "name": each.name,
                "paused": each.paused,
                "closed": [
                    {"what": what, "why": why.__name__, "seconds": round((until - now) / SECOND)}
                    for what, why, until in (
                        ("", each.closed_for, each.open_until),
                        *(
                            (closed.scope.model or closed.scope.pack or "", closed.closed_for, closed.until)
                            for closed in each.closed
                        ),
                    )
                    if why is not None and until > now
                ],
            }
            for each in self._pool.conditions()
        ]

    def _of_process(self) -> Iterator[Value]:
        signs = self._vitals.signs()
        yield READY, {}, float(is_ready(signs))
        for part, sign in signs.items():
            if sign.age is not None:
                yield SUCCESS_AGE, {"part": part}, sign.age / SECOND
        try:
            yield DISK_FREE, {}, self._free_share()
        except OSError:
            yield DISK_FREE, {}, None

    def _of_providers(self) -> Iterator[Value]:
        for client in self._pool.clients():
            yield PROVIDER_OPEN, {"provider": client.name}, float(self._pool.is_open(client.name))

    async def _of_store(self) -> list[Value]:
        found = await self._store.operations.take_census()
        return [
            *((TASKS, {"state": str(state)}, found.tasks.get(state, 0)) for state in sorted(ACTIVE_STATES)),
            (QUEUE_AGE, {}, self._age(found.queued_since)),
            (OUTBOX, {}, found.outbox),
            (OUTBOX_AGE, {}, self._age(found.outbox_due)),
            (QUARANTINE, {}, found.quarantined),
        ]

    def _age(self, since: Millis | None) -> float:
        return 0.0 if since is None else max(0, self._clock.now() - since) / SECOND
