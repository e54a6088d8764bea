"""A numbered log of everything a client would notice; pages and tests wait on it instead of asking again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class EventLog:
    """Events with growing numbers, and a condition that is signalled at each.

    `latest` is the number of the last event, 0 before the first.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def latest(self) -> int:
        """The number of the last event."""
        return len(self.events)

    def add(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Append an event and wake everyone who waits."""
        event = {"number": self.latest + 1, "kind": kind, **fields}
        self.events.append(event)
        self._wake()
        return event

    def close(self) -> None:
        """Let every waiter go; later waits return at once."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        # A new Event for the next wait: each waiter holds the one that it began with.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def after(self, number: int, *, seconds: float) -> list[dict[str, Any]]:
        """Give the events after `number`, waiting up to `seconds` for the first of them."""
        await self.until(lambda: self.latest > number, seconds=seconds)
        return self.events[max(number, 0) :]

    async def until(self, holds: Callable[[], Any], *, seconds: float) -> Any:
        """Wait until `holds()` is true after some event and give its value; the last value after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not (value := holds()) and not self.closed:
                    await self._changed.wait()
                return value
        except TimeoutError:
            return holds()
