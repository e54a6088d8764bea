"""Every metric of the bot, declared once: its name, its labels with what they may be, and what it says.

Labels take words of the program, or names of the settings: never a person, a chat, a task, or a text of anybody.
Whoever measures is given a `Meter`; docs/monitoring.md, the dashboard and the alert rules are checked against this.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What a metric is to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `labels` maps each label to what its values are; `buckets` are upper ends, of a histogram."""

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, str]
    buckets: tuple[float, ...] = ()


SHORT = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)
"""Seconds of what should take no time."""

CALLS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds of what waits for somebody else."""

WAITS = (1, 2, 5, 10, 30, 60, 120, 300, 900, 3600)
"""Seconds of what people wait for."""

PROVIDER = {"provider": "a provider's name in the settings"}


def _declare(
    name: str, kind: Kind, help: str, labels: Mapping[str, str] | None = None, buckets: tuple[float, ...] = ()
) -> Metric:
    return Metric(f"klingbot_{name}", kind, help, labels or {}, buckets)


# -- updates -----------------------------------------------------------------------------------------------

UPDATES = _declare(
    "updates_total",
    Kind.COUNTER,
    "Updates that were acted on, or not",
    {
        "kind": "what Telegram calls it, such as `message`; `other`",
        "outcome": "`done`, `failed`, `set_aside`, `flood`",
    },
)
UPDATE_SECONDS = _declare("update_seconds", Kind.HISTOGRAM, "How long an update was acted on", buckets=CALLS)
FETCHES = _declare(
    "fetches_total",
    Kind.COUNTER,
    "Times that Telegram was asked for updates",
    {"outcome": "`ok`, or why none come: `taken`, `token`, `silent`, `certificate`"},
)
TELEGRAM_REQUESTS = _declare(
    "telegram_requests_total",
    Kind.COUNTER,
    "Requests to Telegram for a chat",
    {"outcome": "`ok`, `throttled` (429), or the kind of error"},
)

# -- tasks -------------------------------------------------------------------------------------------------

TASKS = _declare("tasks", Kind.GAUGE, "Tasks that have not ended", {"state": "as in ARCHITECTURE.md"})
TASKS_ENDED = _declare(
    "tasks_ended_total",
    Kind.COUNTER,
    "Tasks that came to their end",
    {"state": "`succeeded`, `failed`, `cancelled`, `expired`", "failure": "why it failed, or nothing"},
)
QUEUE_AGE = _declare("queue_oldest_seconds", Kind.GAUGE, "Age of the task that waits in line the longest")
UNITS = _declare(
    "provider_units_total",
    Kind.COUNTER,
    "Kling units that videos took: as the provider tells, else by the price",
    PROVIDER,
)
DELIVERIES = _declare(
    "deliveries_total",
    Kind.COUNTER,
    "Results that were sent, or not",
    {"outcome": "`delivered`, `postponed`, `undeliverable`"},
)
DELIVERY_SECONDS = _declare(
    "delivery_seconds",
    Kind.HISTOGRAM,
    "From a finished video at the provider to the chat",
    buckets=WAITS,
)
OUTBOX = _declare("outbox", Kind.GAUGE, "Results and notices that wait to be sent")
OUTBOX_AGE = _declare(
    "outbox_oldest_seconds", Kind.GAUGE, "For how long the oldest of them could have been sent"
)

WORK_SECONDS = _declare(
    "work_seconds",
    Kind.HISTOGRAM,
    "How long a piece of work on a task took, with all that it waits for",
    {"work": "`submit`, `poll`, `deliver`"},
    CALLS,
)

# -- providers ---------------------------------------------------------------------------------------------

PROVIDER_SECONDS = _declare(
    "provider_call_seconds",
    Kind.HISTOGRAM,
    "How long a provider took to answer",
    {**PROVIDER, "call": "`submit`, `poll`, `account`, `other`"},
    CALLS,
)
PROVIDER_ERRORS = _declare(
    "provider_errors_total",
    Kind.COUNTER,
    "Calls that a provider refused, or did not answer",
    {**PROVIDER, "error": "a class of `bot/kling/errors.py`"},
)
PROVIDER_OPEN = _declare(
    "provider_open",
    Kind.GAUGE,
    "1 while new tasks may go to a provider, 0 while it is paused or closed",
    PROVIDER,
)

# -- the process -------------------------------------------------------------------------------------------

READY = _declare("ready", Kind.GAUGE, "1 while `/readyz` says 200")
SUCCESS_AGE = _declare(
    "success_age_seconds",
    Kind.GAUGE,
    "Since when a part of the bot has not succeeded; missing before the first time",
    {"part": "`updates`, `store`, `job.…`"},
)
JOB_SECONDS = _declare(
    "job_seconds", Kind.HISTOGRAM, "How long a run of a job took", {"job": "a job"}, (0.01, 0.1, 1, 10, 60)
)
JOB_FAILURES = _declare("job_failures_total", Kind.COUNTER, "Runs of jobs that failed", {"job": "a job"})
LOOP_LAG = _declare(
    "event_loop_lag_seconds",
    Kind.HISTOGRAM,
    "How much later than due the event loop woke up, once a second",
    buckets=SHORT,
)
DATABASE_SECONDS = _declare(
    "database_seconds",
    Kind.HISTOGRAM,
    "How long the database took for a commit, or a read",
    {"what": "`commit`, `read`"},
    SHORT,
)
COMMIT_GROUP = _declare(
    "database_commit_group",
    Kind.HISTOGRAM,
    "Pieces of work that shared a commit",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
STORE_ANSWERS = _declare("database_answers", Kind.GAUGE, "1 where the gauges above were read, 0 where not")
QUARANTINE = _declare("quarantined_updates", Kind.GAUGE, "Updates that were set aside")
DISK_FREE = _declare("disk_free_ratio", Kind.GAUGE, "How much of the disk is free, from 0 to 1")
BUILD = _declare("build_info", Kind.GAUGE, "Always 1", {"version": "of klingbot"})

METRICS = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))


class Meter(Protocol):
    """What is given to those who measure. Nothing of it raises, and any thread may call it."""

    def count(self, metric: Metric, amount: float = 1, /, **labels: str) -> None:
        """Add to a counter."""
        ...

    def observe(self, metric: Metric, value: float, /, **labels: str) -> None:
        """Add a value to a histogram."""
        ...

    def timed(self, metric: Metric, /, **labels: str) -> AbstractContextManager[None]:
        """Add to a histogram how many seconds a block takes, however it ends."""
        ...


class _Unmeasured:
    def count(self, metric: Metric, amount: float = 1, /, **labels: str) -> None:
        del metric, amount, labels

    def observe(self, metric: Metric, value: float, /, **labels: str) -> None:
        del metric, value, labels

    @contextmanager
    def timed(self, metric: Metric, /, **labels: str) -> Iterator[None]:
        del metric, labels
        yield


UNMEASURED: Meter = _Unmeasured()
"""Measures nothing: for shells, and for whoever has no use for it."""
