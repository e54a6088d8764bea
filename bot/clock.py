"""The time as an argument: the system's, or one that a test drives."""

import time
from typing import Protocol

from bot.domain.units import Millis


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> Millis:
        """UTC milliseconds since the epoch."""
        ...


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
