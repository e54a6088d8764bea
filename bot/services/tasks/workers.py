"""What the ticks that speak with providers and chats share: bounded work, and the record of every exchange."""

import asyncio
from collections.abc import Coroutine

import structlog

from bot.domain.requests.request import Pack, Resource
from bot.domain.units import ProviderName
from bot.kling import outcomes
from bot.kling.pool import Pool
from bot.services.ports import Operators

log = structlog.get_logger(__name__)

_ALERTS: dict[type[outcomes.ProviderError], str] = {
    outcomes.Unauthorized: "alert.provider.unauthorized",
    outcomes.NotEnabled: "alert.provider.not_enabled",
    outcomes.AddressRefused: "alert.provider.address",
    outcomes.OutOfBalance: "alert.provider.balance",
    outcomes.NoSuchModel: "alert.provider.no_such_model",
    outcomes.NoChannel: "alert.provider.no_channel",
    outcomes.Untrusted: "alert.provider.certificate",
}


_PACK_ALERTS = {
    Pack.VIDEO: "alert.provider.pack_video",
    Pack.IMAGE: "alert.provider.pack_image",
    Pack.AUDIO: "alert.provider.pack_audio",
    Pack.TRY_ON: "alert.provider.pack_try_on",
    Pack.LIBRARY: "alert.provider.pack_library",
}


class WorkerPool:
    """A set of running pieces of work, at most `limit` of them at once; the rest waits its turn.

    `begun` counts all that were ever started but routine ones. A piece that fails is logged with its traceback; its
    task's lease brings it back later.
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

    def start(self, piece: Coroutine[object, object, object], *, is_routine: bool = False) -> None:
        """Begin a piece of work; a routine one begins each time that somebody looks, whether anything changed or not."""
        self.begun += not is_routine
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
        try:
            if self._running:
                await asyncio.wait(set(self._running), timeout=grace_seconds)
        finally:
            for piece in self._running:
                piece.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)


class ProviderMonitor:
    """Tells the pool how every exchange with a provider ended, and the operators what they must know, once."""

    def __init__(self, pool: Pool, operators: Operators) -> None:
        self.pool = pool
        self.operators = operators

    async def note(
        self, provider: ProviderName, error: outcomes.ProviderError | None, about: Resource | None = None
    ) -> None:
        """Remember how an exchange about something ended (None: well), and tell the operators where it is news."""
        if self.pool.note(provider, error, about) and error is not None:
            model = "" if about is None else about.model
            detail = error.reason if isinstance(error, outcomes.Untrusted) else error.message
            await self.operators.alert_operators(
                _alert(error, about), provider=provider, model=model, detail=detail
            )


def _alert(error: outcomes.ProviderError, about: Resource | None) -> str:
    """Which words tell of a fault: as precise as what is known of it."""
    match error:
        case outcomes.PackEmpty() if about is not None:
            return _PACK_ALERTS[about.pack]
        case outcomes.PackEmpty():
            return "alert.provider.balance"
        case outcomes.NotEnabled() if about is None:
            return "alert.provider.unauthorized"
    return _ALERTS.get(type(error), "alert.provider.unavailable")
