"""When each thing that has to go on last succeeded: updates, commits and jobs. Whoever asks judges by the age."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.types import MINUTE, SECOND, Millis
from bot.services.ports import Job

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


def job_part(job: Job) -> str:
    """The name of a job among the parts."""
    return f"job.{job}"
