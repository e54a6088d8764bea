"""Time and chance as arguments: the system's, or those that a test drives."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.types import SECOND, Millis


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> Millis:
        """UTC milliseconds since the epoch."""
        ...


Sleep = Callable[[float], Awaitable[None]]


TOLERATED_STEP = Millis(2 * SECOND)
"""A machine's clock that is corrected by less changes nothing that anybody would notice: a leap second, a small slip."""

_RUN = f"{os.getpid()}.{time.time_ns()}"


class SystemClock:
    """The machine's clock as it was when this was made; from then on it goes evenly.

    Whoever sets the machine's clock does not move this one: a time that was noted stays as far away as it was.
    `wall` and `monotonic` tell nanoseconds.
    """

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._lead = wall() - monotonic()

    @property
    def run(self) -> str:
        """The process in which it goes: only clocks of one process can be compared by their leads."""
        return _RUN

    @property
    def lead(self) -> int:
        """How far it is ahead of the process's monotonic clock, in milliseconds."""
        return self._lead // 1_000_000

    def now(self) -> Millis:
        """UTC milliseconds since the epoch."""
        return Millis((self._lead + self._monotonic()) // 1_000_000)

    def step(self) -> int:
        """How far the machine's clock has been set since: milliseconds, negative where it was set back.

        The sleep of a machine, in which the monotonic clock stands still, is a step forward.
        """
        return round((self._wall() - self._monotonic() - self._lead) / 1_000_000)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a program cannot work out for itself: the time, random numbers, and waiting (`sleep`, seconds)."""

    clock: Clock = field(default_factory=SystemClock)
    rng: random.Random = field(default_factory=random.SystemRandom)
    sleep: Sleep = asyncio.sleep
