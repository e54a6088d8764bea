"""A clock that only the test moves."""

from bot.domain.types import Millis


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
