"""Reads what Kling's accounting says that it took, matches it to the tasks, and tells where the two differ."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import structlog

from bot.clock import Clock, Sleep
from bot.domain.credits.caps import estimate
from bot.domain.operations.charges import (
    Book,
    Charge,
    ChargedTask,
    ChargeSum,
    Drift,
    drifts,
    suggestion,
)
from bot.domain.requests.catalog import Catalog
from bot.domain.tasks.task import TaskState
from bot.domain.types import DAY, HOUR, MINUTE, SECOND, Millis, ProviderName
from bot.kling import errors
from bot.kling.client import KlingClient
from bot.kling.dialects.accounting import Page
from bot.kling.pool import ProviderPool
from bot.services.ports import Job, Wake
from bot.store import Store

log = structlog.get_logger(__name__)

BACK = Millis(30 * DAY)
"""How far back an accounting is read at first; Kling keeps results for as long."""

OVERLAP = Millis(2 * DAY)
"""Rows are found by when a task was made, and written when it is done: what was read last is read again for so long."""

AHEAD = Millis(HOUR)
"""How far Kling's clock may be ahead of ours."""

INTERVAL = Millis(2 * SECOND)
"""Between two questions: one a second is answered, also to whoever else asks with the key."""

PAUSE = Millis(15 * MINUTE)
"""Between two readings of an accounting."""

FRESH = Millis(30 * SECOND)
"""What was read so lately is good enough for an admin who asks."""

PATIENCE_SECONDS = 12
"""How long an admin waits at most for what is new."""

UNREACHED = Millis(MINUTE)
REFUSED = Millis(6 * HOUR)
"""Until what has no accounting, or does not show it to us, is asked again."""

MOST_PAGES = 2000
"""In one reading: a million rows."""

MOST_TASKS, MOST_SHOWN = 5000, 50


@dataclass(frozen=True, slots=True)
class Reading:
    """How far an accounting has been read (UTC milliseconds).

    All that was made until `read_until` was read once (0: nothing). `start`, `end` and `cursor` are of the reading
    that is going on, of one `book` after the other; `end` 0: none is. The next one begins at `due_at`.
    """

    read_until: int = 0
    due_at: int = 0
    book: Book = Book.UNITS
    start: int = 0
    end: int = 0
    cursor: str = ""
    pages: int = 0


class Accounting:
    """Reads one page of each provider's accounting at a time, so that nobody is asked twice within a second.

    What was read is kept with how far that is, in one transaction: a crash repeats a page, and no row counts twice.
    Whoever has no accounting, or does not show it, is left alone for hours.
    """

    def __init__(self, *, store: Store, pool: ProviderPool, clock: Clock) -> None:
        self._store = store
        self._pool = pool
        self._clock = clock

    async def tick(self) -> None:
        """Read one page of each accounting that is due."""
        asked: set[tuple[str, str]] = set()
        for client in self._pool.clients():
            account = client.config.base_url, client.config.key.get_secret_value()
            # Two entries of the settings with one key have one accounting, and one limit.
            if client.has_accounting and account not in asked:
                asked.add(account)
                await self._read_page(client)

    async def _read_page(self, client: KlingClient) -> None:
        now = self._clock.now()
        kept = await self._store.charges.get_reading(client.name)
        reading = _read(kept)
        # A clock that was set back must not make a pause of a year.
        if now < reading.due_at <= now + REFUSED:
            return
        if not reading.end:
            start = max(now - BACK, reading.read_until - OVERLAP)
            reading = replace(reading, book=Book.UNITS, start=start, end=now + AHEAD, cursor="", pages=0)
        page = Page(reading.book, Millis(reading.start), Millis(reading.end), reading.cursor)
        try:
            found = await client.charges(page)
        except errors.ProviderError as error:
            await self._put_off(client, reading, error)
            return
        after = _after(reading, found.cursor, now)
        new = await self._store.charges.save(client.name, asdict(after), found.rows, Millis(now - BACK))
        if new:
            log.info("charges read", provider=client.name, book=reading.book, new=new)

    async def _put_off(self, client: KlingClient, reading: Reading, error: errors.ProviderError) -> None:
        """Ask again later; an answer that says no ends this reading, which then begins anew."""
        now = self._clock.now()
        if isinstance(error, errors.Throttled):
            wait = error.retry_after or UNREACHED
        elif isinstance(error, errors.Unavailable | errors.Ambiguous) and not isinstance(
            error, errors.Misconfigured
        ):
            wait = UNREACHED
        elif reading.cursor and isinstance(error, errors.Rejected):
            wait, reading = INTERVAL, replace(reading, end=0)  # the cursor is too old
        else:
            log.info("no accounting to read", provider=client.name, code=error.code)
            wait, reading = REFUSED, replace(reading, end=0)
        due = replace(reading, due_at=now + min(wait, REFUSED))
        await self._store.charges.save(client.name, asdict(due), (), Millis(now - BACK))


def _read(kept: dict[str, object]) -> Reading:
    known = {name: value for name, value in kept.items() if name in Reading.__slots__}
    if "book" in known:
        known["book"] = Book(str(known["book"]))
    return Reading(**known)  # type: ignore[arg-type]


def _after(reading: Reading, cursor: str, now: Millis) -> Reading:
    """How far it is after a page: the next page, the other book, or the end."""
    if cursor and cursor != reading.cursor and reading.pages < MOST_PAGES:
        return replace(reading, cursor=cursor, pages=reading.pages + 1, due_at=now + INTERVAL)
    if reading.book is Book.UNITS:
        return replace(reading, book=Book.MONEY, cursor="", pages=0, due_at=now + INTERVAL)
    return Reading(read_until=reading.end - AHEAD, due_at=now + PAUSE)


# -- what admins see -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadUntil:
    """When a provider's accounting was last read to its end (UTC milliseconds)."""

    provider: ProviderName
    moment: Millis


@dataclass(frozen=True, slots=True)
class LostAnswers:
    """Submissions of a provider whose answers were lost for good, and what these probably cost (units of video)."""

    provider: ProviderName
    number: int
    units: float


@dataclass(frozen=True, slots=True)
class CostReport:
    """What was charged in the last `days`, and where that differs from our tasks and prices.

    `unmatched` and `failed` are the
    newest; `failed` are tasks that came to no result and were charged. `settings` is TOML that makes the prices right.
    """

    days: int
    sums: tuple[ChargeSum, ...]
    read_until: tuple[ReadUntil, ...]
    unmatched: tuple[Charge, ...]
    lost: tuple[LostAnswers, ...]
    failed: tuple[ChargedTask, ...]
    drifts: tuple[Drift, ...]
    settings: str


class Costs:
    """Tells what Kling charged. `prices` is the catalog where a provider is asked, `providers` those of the settings."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        prices: Callable[[ProviderName | None], Catalog],
        providers: tuple[ProviderName, ...],
        wake: Wake,
        sleep: Sleep,
    ) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake
        self._sleep = sleep
        self._prices = prices
        self._providers = providers

    async def list_readings(self) -> dict[str, int]:
        """When the accounting of each provider was last read to its end (UTC milliseconds), of those that were."""
        read = {
            name: _read(await self._store.charges.get_reading(name)).read_until for name in self._providers
        }
        return {name: until for name, until in read.items() if until}

    async def refresh(self) -> None:
        """Read what is new in the accountings that were read before, as far as that takes `PATIENCE_SECONDS` at most."""
        now, charges = self._clock.now(), self._store.charges
        awaited = set()
        for name in self._providers:
            reading = _read(await charges.get_reading(name))
            if reading.end:
                awaited.add(name)
            elif reading.read_until and reading.read_until + FRESH < now:
                await charges.save(name, asdict(replace(reading, due_at=now)), (), Millis(now - BACK))
                awaited.add(name)
        for _ in range(PATIENCE_SECONDS):
            if not awaited:
                return
            self._wake(Job.ACCOUNTING)
            await self._sleep(1)
            now = self._clock.now()
            for name in tuple(awaited):
                reading = _read(await charges.get_reading(name))
                if not reading.end and reading.due_at > now + INTERVAL:
                    awaited.remove(name)

    async def report(self, days: int) -> CostReport:
        """Compare the last days; without an accounting, by what the answers about the tasks told."""
        since = Millis(self._clock.now() - days * DAY)
        charges = self._store.charges
        charged = await charges.list_charged_tasks(since, MOST_TASKS)
        told = await charges.list_told_tasks(since, MOST_TASKS)
        catalogs = {name: self._prices(name) for name in self._providers}
        drifted = drifts([*charged, *told], catalogs)
        read = await self.list_readings()
        lost = await self._store.operations.sum_lost_answers(since)
        failed = [task for task in charged if task.state.is_final and task.state is not TaskState.SUCCEEDED]
        return CostReport(
            days=days,
            sums=tuple(await charges.sum_charges(since)),
            read_until=tuple(ReadUntil(ProviderName(name), Millis(until)) for name, until in read.items()),
            unmatched=tuple(await charges.list_unmatched(since, MOST_SHOWN)),
            lost=tuple(LostAnswers(name, number, estimate(price)) for name, (number, price) in lost.items()),
            failed=tuple(failed),
            drifts=tuple(drifted),
            settings=suggestion(drifted, catalogs),
        )
