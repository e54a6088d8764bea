"""What the ticks that speak with providers and chats share: bounded work, and the record of every exchange."""

import asyncio
from collections.abc import Coroutine

import structlog

from bot.domain.units import ProviderName
from bot.kling import outcomes
from bot.kling.pool import Pool
from bot.services.ports import Operators

log = structlog.get_logger(__name__)

_ALERTS: dict[type[outcomes.ProviderError], str] = {
    outcomes.Unauthorized: "alert.provider.unauthorized",
    outcomes.OutOfBalance: "alert.provider.balance",
}


class WorkerPool:
    """A set of running pieces of work, at most `limit` of them at once; the rest waits its turn.

    `begun` counts all that were ever started. A piece that fails is logged with its traceback; its task's lease brings it back later.
    """

    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._limit = limit
        self._running: set[asyncio.Task[None]] = set()
        self.begun = 0

    @property
    def free(self) -> int:
        """How many pieces could begin at once."""
        return max(0, self._limit - len(self._running))

    def start(self, piece: Coroutine[object, object, object]) -> None:
        """Begin a piece of work."""
        self.begun += 1
        running = asyncio.create_task(self._run(piece))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        # One that is cancelled before its turn never begins.
        running.add_done_callback(lambda _: piece.close())

    async def _run(self, piece: Coroutine[object, object, object]) -> None:
        async with self._slots:
            try:
                await piece
            except Exception:
                log.exception("a piece of work failed; it will be tried again when its lease ends")

    async def drain(self) -> None:
        """Wait until nothing runs."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def stop(self, grace_seconds: float) -> None:
        """Let what runs finish within the grace, then cancel it: the leases bring it back at the next start."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=grace_seconds)
        for piece in self._running:
            piece.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


class ProviderMonitor:
    """Tells the pool how every exchange with a provider ended, and the operators what they must know, once."""

    def __init__(self, pool: Pool, operators: Operators) -> None:
        self.pool = pool
        self.operators = operators

    async def note(self, provider: ProviderName, error: outcomes.ProviderError | None) -> None:
        """Remember how an exchange ended (None: well), and tell the operators where it is news."""
        if self.pool.note(provider, error) and error is not None:
            key = _ALERTS.get(type(error), "alert.provider.unavailable")
            await self.operators.alert_operators(key, provider=provider, detail=error.message)
