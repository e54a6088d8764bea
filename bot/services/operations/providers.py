"""The providers as admins see and steer them: how each one does, what its account says, pause and resume."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.clock import Clock
from bot.domain.credits.caps import NO_CAPS, NOTHING, Caps, Spent, estimate
from bot.domain.requests.operations import Pack
from bot.domain.tasks.availability import Availability
from bot.domain.tasks.schedule import learned_median
from bot.domain.types import DAY, Credits, Millis, ProviderName, UserId, short_hash
from bot.errors import UserError
from bot.kling import errors
from bot.kling.client import KlingClient
from bot.kling.pool import ProviderPool, ProviderStatus, Running
from bot.services.credits.spending import Spending
from bot.services.learning import Learning
from bot.services.operations.balances import Balances
from bot.services.operations.overrides import Overrides
from bot.store import Store

ANSWER_SECONDS = 10.0
"""How long a provider may take to tell of its account while an admin waits."""

LOST_SINCE = 30 * DAY


class Trouble(StrEnum):
    """What is wrong with a provider."""

    KEY = "key"
    BALANCE = "balance"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    SLOW = "slow"
    EMPTY = "empty"
    NOT_ENABLED = "not_enabled"
    MISSING = "missing"
    ADDRESS = "address"
    CERTIFICATE = "certificate"
    PATH = "path"
    PRICE = "price"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Outage:
    """What is closed at a provider whose other things go on: a pack, or a model of it; `until` in UTC milliseconds."""

    pack: Pack
    model: str | None
    until: Millis
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class AccountAnswer:
    """What a provider said when it was asked for its account, in its own words, or what was wrong.

    Where something was wrong, `words` is the provider's code, if it gave one.
    """

    words: str
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """How a provider does. `handle` is its name in the data of buttons.

    `busy` is how many tasks of each model run, where any do; `max_concurrent` limits each of these.
    `lost` is how many answers to submissions were lost for good in 30 days, and what these probably cost (units).
    `outages` are the packs and models that are closed by themselves. `limits` is how many tasks at a time the models
    were found to run, where that is less than `max_concurrent`. `availabilities` are what its account can use.

    `open_until` in UTC milliseconds, None where it is open. `answered` and `failed` count exchanges of
    the last hour. `spent` is in Kling's units. `median` is how long its newest tasks took (milliseconds), None while there are too few.
    """

    name: ProviderName
    handle: str
    dialect: str
    paused: bool
    open_until: Millis | None
    closed_for: Trouble | None
    running: int
    max_concurrent: int
    answered: int
    failed: int
    median: Millis | None
    account: AccountAnswer | None
    spent: Spent = NOTHING
    caps: Caps = NO_CAPS
    lost: tuple[int, float] = (0, 0)
    busy: Mapping[str, int] = field(default_factory=dict)
    outages: tuple[Outage, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    availabilities: tuple[Availability, ...] = ()


class Providers:
    """Reports on the providers of the pool, and pauses and resumes them, which overrides `providers.<name>.paused`."""

    def __init__(
        self,
        *,
        store: Store,
        pool: ProviderPool,
        overrides: Overrides,
        clock: Clock,
        learning: Learning,
        balances: Balances,
        answer_seconds: float = ANSWER_SECONDS,
        spending: Spending | None = None,
    ) -> None:
        self._store = store
        self._learning = learning
        self._balances = balances
        self._pool = pool
        self._overrides = overrides
        self._clock = clock
        self._answer_seconds = answer_seconds
        self._spending = spending
        self._accounts: dict[ProviderName, AccountAnswer] = {}

    async def reports(self) -> list[ProviderReport]:
        """How every provider does, in order of priority; all accounts are asked for at the same time."""
        await self._ask(self._pool.clients())
        return await self._reports()

    async def report(self, name: ProviderName, *, ask: bool) -> ProviderReport:
        """How one provider does; without `ask` its account is as it was last told."""
        if ask:
            await self._ask([self._pool.client(name)])
        return next(report for report in await self._reports() if report.name == name)

    def find(self, handle: str) -> ProviderName:
        """The provider behind the data of a button.

        Raises:
            UserError: the settings no longer have it.

        """
        for client in self._pool.clients():
            if short_hash(client.name) == handle:
                return client.name
        raise UserError("error.button.stale")

    async def pause(self, name: ProviderName, actor: UserId | None, idempotency_key: str) -> None:
        """Send nothing new to a provider until it is resumed; what runs there goes on."""
        await self._overrides.set(actor, f"providers.{name}.paused", True, idempotency_key)

    async def resume(self, name: ProviderName, actor: UserId | None, idempotency_key: str) -> None:
        """Send to a provider again, at once, also where a fault had closed it; what it taught is forgotten."""
        await self._overrides.set(actor, f"providers.{name}.paused", False, idempotency_key)
        await self._learning.forget(name)

    async def _ask(self, clients: Sequence[KlingClient]) -> None:
        answers = await asyncio.gather(*(self._account(client) for client in clients))
        self._accounts |= {client.name: answer for client, answer in zip(clients, answers, strict=True)}

    async def _account(self, client: KlingClient) -> AccountAnswer:
        try:
            async with asyncio.timeout(self._answer_seconds):
                return AccountAnswer((await self._balances.ask(client)).words)
        except TimeoutError:
            return AccountAnswer("", Trouble.SLOW)
        except errors.ProviderError as error:
            return AccountAnswer(error.code, _trouble(type(error)))

    async def _reports(self) -> list[ProviderReport]:
        running = await self._store.tasks.count_running()
        lost = await self._store.operations.sum_lost_answers(Millis(self._clock.now() - LOST_SINCE))
        return [await self._told(condition, running, lost) for condition in self._pool.conditions()]

    async def _told(
        self, condition: ProviderStatus, running: Running, lost: Mapping[ProviderName, tuple[int, Credits]]
    ) -> ProviderReport:
        spent, caps = NOTHING, NO_CAPS
        if self._spending is not None:
            spent, caps = await self._spending.at(condition.name)
        lost_number, lost_price = lost.get(condition.name, (0, Credits(0)))
        closed = condition.open_until > self._clock.now()
        fault = condition.closed_for
        busy: Counter[str] = Counter()
        for (name, resource), number in running.items():
            if name == condition.name:
                busy[resource.model] += number
        return ProviderReport(
            name=condition.name,
            handle=short_hash(condition.name),
            dialect=condition.dialect,
            paused=condition.paused,
            open_until=condition.open_until if closed else None,
            closed_for=_trouble(fault) if closed and fault is not None else None,
            running=busy.total(),
            max_concurrent=condition.max_concurrent,
            answered=condition.answered,
            failed=condition.failed,
            median=learned_median(await self._store.tasks.list_recent_durations(condition.name)),
            account=self._accounts.get(condition.name),
            spent=spent,
            caps=caps,
            lost=(lost_number, estimate(lost_price)),
            busy=busy,
            outages=tuple(
                Outage(closed.scope.pack, closed.scope.model, closed.until, _trouble(closed.closed_for))
                for closed in condition.closed
                if closed.scope.pack is not None
            ),
            limits=condition.limits,
            availabilities=self._pool.availabilities(condition.name),
        )


_PRECISELY: dict[type[errors.ProviderError], Trouble] = {
    errors.PackEmpty: Trouble.EMPTY,
    errors.NotEnabled: Trouble.NOT_ENABLED,
    errors.AddressRefused: Trouble.ADDRESS,
    errors.NoSuchModel: Trouble.MISSING,
    errors.Untrusted: Trouble.CERTIFICATE,
    errors.WrongPath: Trouble.PATH,
    errors.NoPrice: Trouble.PRICE,
    errors.Misconfigured: Trouble.SETTINGS,
}


def _trouble(kind: type[errors.ProviderError]) -> Trouble:
    for precise, trouble in _PRECISELY.items():
        if issubclass(kind, precise):
            return trouble
    if issubclass(kind, errors.Unauthorized):
        return Trouble.KEY
    if issubclass(kind, errors.OutOfBalance):
        return Trouble.BALANCE
    if issubclass(kind, errors.Throttled):
        return Trouble.BUSY
    return Trouble.UNREACHABLE
