"""What the ticks that speak with providers and chats share: bounded work, and the record of every exchange."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.domain.requests.operations import Pack
from bot.domain.requests.request import Resource
from bot.domain.tasks.task import Task
from bot.domain.types import ProviderName, megabytes
from bot.kling import errors
from bot.kling.pool import ProviderPool
from bot.services.learning import Learning
from bot.services.ports import Operators

log = structlog.get_logger(__name__)

_ALERTS: dict[type[errors.ProviderError], str] = {
    errors.Unauthorized: "alert.provider.unauthorized",
    errors.NotEnabled: "alert.provider.not_enabled",
    errors.AddressRefused: "alert.provider.address",
    errors.OutOfBalance: "alert.provider.balance",
    errors.NoSuchModel: "alert.provider.no_such_model",
    errors.NoChannel: "alert.provider.no_channel",
    errors.Untrusted: "alert.provider.certificate",
    errors.Throttled: "alert.provider.busy",
    errors.Misconfigured: "alert.provider.misconfigured",
    errors.WrongPath: "alert.provider.wrong_path",
    errors.NoPrice: "alert.provider.no_price",
    errors.TooLarge: "alert.provider.too_large",
}


_PACK_ALERTS = {
    Pack.VIDEO: "alert.provider.pack_video",
    Pack.IMAGE: "alert.provider.pack_image",
    Pack.AUDIO: "alert.provider.pack_audio",
    Pack.TRY_ON: "alert.provider.pack_try_on",
    Pack.LIBRARY: "alert.provider.pack_library",
}


REMEMBERED = 1_000
"""So many pieces of work, and so many causes, whose failures are remembered: the newest."""


class Faults:
    """Counts failures that nobody foresaw. Of each cause the traceback stands in the log once, then one line each."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, int] = OrderedDict()
        self._causes: OrderedDict[str, None] = OrderedDict()

    def record(self, what: str, error: Exception, **ids: object) -> int:
        """Log a failure of the piece of work `what`, with the ids it is about; how often it has failed in a row."""
        cause, times = cause_of(error), self._times.pop(what, 0) + 1
        self._times[what] = times
        is_new = cause not in self._causes
        self._causes[cause] = None
        log.error(
            "a piece of work failed; it will be tried again",
            piece=what,
            cause=cause,
            times=times,
            exc_info=error if is_new else None,
            **ids,
        )
        for remembered in (self._times, self._causes):
            while len(remembered) > REMEMBERED:
                remembered.popitem(last=False)
        return times

    def forget(self, what: str) -> None:
        """The piece of work succeeded: the next failure is its first."""
        self._times.pop(what, None)


def cause_of(error: Exception) -> str:
    """What failed and where; neither the message nor any value, which may be a person's or a secret."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    kind = type(error).__name__
    return kind if last is None else f"{kind} {Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}"


@dataclass(slots=True)
class Watched:
    """What became of some work about a task; `faults` is how often in a row it has failed unforeseen, 0: it has not."""

    faults: int = 0


class WorkerPool:
    """A set of running pieces of work, at most `limit` of them at once; the rest waits its turn.

    `begun` counts all that were ever started but routine ones. A piece that fails is logged, and counted until it
    succeeds; its task's lease brings it back later.
    """

    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._limit = limit
        self._running: set[asyncio.Task[None]] = set()
        self._faults = Faults()
        self.begun = 0

    @property
    def free(self) -> int:
        """How many pieces could begin at once."""
        return max(0, self._limit - len(self._running))

    def start(
        self, piece: Coroutine[object, object, object], *, of: str = "", is_routine: bool = False
    ) -> None:
        """Begin a piece of work; a routine one begins each time that somebody looks, whether anything changed or not.

        `of` is what it works on, such as a task's id.
        """
        self.begun += not is_routine
        running = asyncio.create_task(
            self._run(piece, f"{getattr(piece, '__qualname__', 'work')} {of}".strip())
        )
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        # One that is cancelled before its turn never begins.
        running.add_done_callback(lambda _: piece.close())

    async def _run(self, piece: Coroutine[object, object, object], what: str) -> None:
        async with self._slots:
            try:
                await piece
            except Exception as error:  # noqa: BLE001  it is logged there
                self._faults.record(what, error)
            else:
                self._faults.forget(what)

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


class FaultMonitor:
    """Keeps what fails unforeseen for one task from the others, and tells the operators of each cause once."""

    def __init__(self, operators: Operators) -> None:
        self.operators = operators
        self._faults = Faults()

    @asynccontextmanager
    async def watching(self, task: Task) -> AsyncIterator[Watched]:
        """Count what fails about a task and nobody foresaw, and tell the operators of its cause once; never raises."""
        watched = Watched()
        try:
            yield watched
        except Exception as error:  # noqa: BLE001  one task must not stop the others
            watched.faults = await self.unforeseen(task, error)
        else:
            self._faults.forget(task.id)

    async def unforeseen(self, task: Task, error: Exception) -> int:
        """Count such a failure, and tell of it; how often the task has failed so in a row. Never raises."""
        times = self._faults.record(task.id, error, task=task.id, provider=task.provider, state=task.state)
        async with self.aside("alert.task.fault"):
            await self.operators.alert_once(
                "alert.task.fault",
                cause_of(error),
                provider=task.provider or "–",
                id=task.id,
                detail=type(error).__name__,
            )
        return times

    @asynccontextmanager
    async def aside(self, what: str) -> AsyncIterator[None]:
        """Let what fails for one, such as a task's id, keep no other from its turn: it is logged, and comes again."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  one task must not stop the others
            self._faults.record(what, error)


class ProviderMonitor(FaultMonitor):
    """Tells the pool how every exchange with a provider ended, and the operators what they must know, once."""

    def __init__(self, *, pool: ProviderPool, operators: Operators, learning: Learning) -> None:
        super().__init__(operators)
        self.pool = pool
        self.learning = learning

    async def record(
        self, provider: ProviderName, error: errors.ProviderError | None, about: Resource | None = None
    ) -> None:
        """Remember how an exchange about something ended (None: well), and tell the operators where it is news."""
        running = 0
        if about is not None and isinstance(error, errors.TooManyAtOnce):
            running = await self.learning.count_refused(provider, about)
        is_news = self.pool.record(provider, error, about, running)
        await self.learning.save(provider)
        if is_news and error is not None:
            model = "" if about is None else about.model
            detail = error.reason if isinstance(error, errors.Untrusted) else error.message
            params: dict[str, object] = {"provider": provider, "model": model or "–", "detail": detail}
            if isinstance(error, errors.TooLarge):
                params["size"] = megabytes(error.size)
            if isinstance(error, (errors.Misconfigured, errors.NotEnabled, errors.NoSuchModel)):
                # It stays so until somebody does something: told once, and not with every request.
                await self.operators.alert_once(_alert(error, about), model, **params)
            else:
                await self.operators.alert_operators(_alert(error, about), **params)


def _alert(error: errors.ProviderError, about: Resource | None) -> str:
    """Which words tell of a fault: as precise as what is known of it."""
    match error:
        case errors.PackEmpty() if about is not None:
            return _PACK_ALERTS[about.pack]
        case errors.PackEmpty():
            return "alert.provider.balance"
        case errors.TooLarge() if error.size:
            return "alert.provider.pictures_too_large"
        case errors.NotEnabled() if about is None:
            return "alert.provider.unauthorized"
    return _ALERTS.get(type(error), "alert.provider.unavailable")
