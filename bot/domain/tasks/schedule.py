"""When to do the next thing: looks timed by what was learned, retries with backoff and jitter. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bot.domain.types import SECOND, Millis

FIRST_LOOK_SHARE = 0.7
"""The first look comes at this share of the median that similar tasks took."""

ABSENCES_TO_PROVE = 2
"""How often a provider must not know our id before it is taken for absent (read-after-write, WIRE 10)."""

ABSENCE_PAUSE = Millis(10 * SECOND)
"""How long it is given to know it after all."""

SEARCHES = 4
"""How often a lost submission is looked for, `ABSENCE_PAUSE` apart, where not finding it proves nothing."""

ABSENCE_BELIEVED_AFTER = Millis(120 * SECOND)
"""So long after its submission, and for so long without another word, a provider must not know a task that it took."""

LOOKS_TO_BELIEVE = 3
"""So often at least in that time."""

LATE_INTERVAL = Millis(300 * SECOND)
LATE_LIMIT = Millis(86_400 * SECOND)
"""How long, and how rarely, a task is still looked for that was given up; its video is then delivered free."""

SUBMISSION_LEASE = Millis(180 * SECOND)
"""Longer than any submission may take, so that an expired lease means a crash."""

QUERY_LEASE = Millis(90 * SECOND)
"""The same for a query."""

DELIVERY_LEASE = Millis(1_800 * SECOND)
"""The same for a download and an upload on a slow line."""

IDS_ARE_UNIQUE_FOR = Millis(3_600 * SECOND)
"""How long an id of a finished task is no other task's: some providers count from 1 again when they begin anew."""

COPY_LEASE = Millis(7_200 * SECOND)
"""The same, with a smaller copy made in between."""

BACKOFF_CAP = 60 * SECOND


@dataclass(frozen=True, slots=True)
class PollingPolicy:
    """How often a running task is looked at (milliseconds), from the operator's settings.

    `deadline` is counted from each submission. A task waits `waiting` in line; then its owner has `answering`
    to say whether it goes on waiting. `retries` is how many times a submission that surely was not accepted is
    sent again.
    """

    min_interval: Millis
    max_interval: Millis
    deadline: Millis
    waiting: Millis
    answering: Millis
    retries: int


def learned_median(durations: Sequence[int]) -> Millis | None:
    """The median of what similar tasks took in milliseconds, or None where fewer than three are known."""
    return Millis(int(median(durations))) if len(durations) >= 3 else None


def first_look(now: Millis, expected: Millis | None, policy: PollingPolicy) -> Millis:
    """When to look for the first time at a task that was submitted at `now`."""
    wait = policy.min_interval if expected is None else int(expected * FIRST_LOOK_SHARE)
    return Millis(now + max(policy.min_interval, wait))


def next_poll_at(
    now: Millis, submitted_at: Millis, expected: Millis | None, policy: PollingPolicy, rng: random.Random
) -> Millis:
    """When to look again: steps of a tenth of the age, within the operator's bounds, with jitter.

    A step in proportion to the age keeps the expected lag behind the end small against the wait.
    """
    age = max(0, now - submitted_at)
    reference = min(age, expected) if expected is not None else age
    step = min(max(reference // 10, policy.min_interval), policy.max_interval)
    return Millis(now + int(step * rng.uniform(0.9, 1.1)))


def backoff(now: Millis, attempt: int, rng: random.Random, retry_after: Millis | None = None) -> Millis:
    """When to try for the (attempt + 1)th time: the server's word first, else 1, 2, 4 … s with jitter.

    `attempt` counts from 1. Without the server's word the wait is at most a minute.
    """
    if retry_after is not None:
        return Millis(now + max(retry_after, SECOND))
    wait = min(SECOND * 2 ** min(attempt - 1, 10), BACKOFF_CAP)
    return Millis(now + int(wait * rng.uniform(1.0, 1.3)))
