"""Time and chance as arguments: the system's, or those that a test drives."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.units import Millis


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> Millis:
        """UTC milliseconds since the epoch."""
        ...


Sleep = Callable[[float], Awaitable[None]]


class SystemClock:
    """The machine's clock."""

    def now(self) -> Millis:
        """UTC milliseconds since the epoch."""
        return Millis(time.time_ns() // 1_000_000)


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, start: int = 0) -> None:
        self._now = Millis(start)

    def now(self) -> Millis:
        """The moment that it was set to."""
        return self._now

    def advance(self, milliseconds: int) -> None:
        """Move forward."""
        self._now = Millis(self._now + milliseconds)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a program cannot work out for itself: the time, random numbers, and waiting (`sleep`, seconds)."""

    clock: Clock = field(default_factory=SystemClock)
    rng: random.Random = field(default_factory=random.SystemRandom)
    sleep: Sleep = asyncio.sleep
