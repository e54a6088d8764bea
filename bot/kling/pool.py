"""The providers together: who can take a request, who is unwell, and who is next."""

import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from bot.clock import Clock, Runtime
from bot.domain.requests.catalog import Catalog
from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation, Pack
from bot.domain.requests.request import GenerationRequest, Resource
from bot.domain.tasks.availability import Availability
from bot.domain.tasks.learned import Learned
from bot.domain.tasks.resource_packs import ResourcePack
from bot.domain.types import HOUR, Millis, ProviderName
from bot.kling import dialects, errors
from bot.kling.abilities import models_of, operations_of
from bot.kling.auth import Signer, scheme_of
from bot.kling.availability import availability, list_availability
from bot.kling.client import KlingClient
from bot.kling.health import About, Closed, Healths
from bot.kling.provider import Provider
from bot.kling.wire import Dialect
from bot.metrics import UNMEASURED, Meter
from bot.network import Network

REMEMBERED = 1_000
"""Exchanges of a provider that its condition is told from."""

Running = Mapping[tuple[ProviderName, Resource], int]
"""How many tasks of each model a provider has: Kling counts, and limits, each by itself."""


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """How a provider is, for operators. `open_until` in UTC milliseconds, in the past where it is open.

    `closed_for` is the kind of fault that closed it last; None: none since it last answered well.
    `closed` are the packs and models that are closed while the rest of it goes on.
    `answered` and `failed` count exchanges of the last hour; a refusal of content is an answer.
    `limits` is how many tasks at a time the models were found to run, where that is less than `max_concurrent`.
    """

    name: ProviderName
    dialect: str
    paused: bool
    half_open: bool
    open_until: Millis
    closed_for: type[errors.ProviderError] | None
    answered: int
    failed: int
    max_concurrent: int
    closed: tuple[Closed, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slots:
    """How many tasks of a model a provider takes at a time, and how many of these places are `free` now."""

    provider: ProviderName
    total: int
    free: int


def _in_order(offers: Iterable[tuple[Provider, tuple[str, ...]]]) -> tuple[str, ...]:
    """Every model that some provider offers, in order of preference: the greater priority first."""
    preferred = sorted(offers, key=lambda offer: -offer[0].priority)
    return tuple(dict.fromkeys(model for _, models in preferred for model in models))


class ProviderPool:
    """Chooses among the clients: the greater priority first, then the cheaper, then the freer."""

    def __init__(
        self,
        clients: Sequence[KlingClient],
        clock: Clock,
        rng: random.Random | None = None,
        is_paused: Callable[[ProviderName], bool] = lambda _: False,
        left: Sequence[KlingClient] = (),
    ) -> None:
        self._rng = rng or random.SystemRandom()
        self._clients = sorted(clients, key=lambda client: -client.config.priority)
        self._preferred = sorted(
            self._clients, key=lambda client: (-client.config.priority, client.config.cost)
        )
        # Nothing is sent to those that the settings have left, and nobody is offered them.
        self._by_name = {client.name: client for client in (*clients, *left)}
        self._health = {name: self._fresh(client) for name, client in self._by_name.items()}
        self._clock = clock
        self._is_paused = is_paused
        self._exchanges: dict[ProviderName, deque[tuple[Millis, bool]]] = {
            name: deque(maxlen=REMEMBERED) for name in self._by_name
        }

    # -- what is offered -----------------------------------------------------------------------------

    def known_models(self) -> tuple[str, ...]:
        """Every model that the settings name or that stands in for one, in order of preference."""
        named = (model for client in self._clients for model in (*client.config.models, *client.models))
        return tuple(dict.fromkeys(named))

    def models(self) -> tuple[str, ...]:
        """Every model that some provider offers now, in order of preference; all where none is left."""
        having = [(client, model) for client in self._clients for model in client.models]
        usable = [
            model for client, model in having if not self._is_at_fault(client, Resource(Pack.VIDEO, model))
        ]
        return tuple(dict.fromkeys(usable or (model for _, model in having))) or self.known_models()

    def operations(self) -> frozenset[Operation]:
        """What some provider offers now, beside elements and voices."""
        return frozenset(
            operation
            for client in self._clients
            for operation in client.operations - LIBRARY_OPERATIONS
            if not self._is_at_fault(client, Resource(operation.pack, ""))
        )

    def is_usable(self, operation: Operation, model: str) -> bool:
        """Whether somebody who offers an operation can do it with this model, however busy it is."""
        about = Resource(operation.pack, model)
        return any(
            operation in client.operations and not self._is_at_fault(client, about)
            for client in self._clients
        )

    def is_out(self, request: GenerationRequest) -> bool:
        """Whether all who could take the request are closed for a fault that does not pass by waiting."""
        able = [client for client in self._clients if self._able(client, request, ())]
        return bool(able) and all(self._is_at_fault(client, request.resource) for client in able)

    def _is_at_fault(self, client: KlingClient, about: Resource) -> bool:
        return self._health[client.name].is_at_fault(about, self._clock.now())

    def nearest(self, request: GenerationRequest) -> KlingClient | None:
        """The best that can do a request, however it is at the moment; else the one that lacks the least of it.

        It says what the request costs, or why it is refused: a price that changed with health and load could not be
        told beforehand. Who takes the request in the end is decided by `candidates`. None: nobody has the model.
        """
        lacking = [
            (client, lacks) for client in self._preferred if (lacks := client.lacks(request)) is not None
        ]
        # Where only another account will not do, that one says what it lacks itself.
        # Whoever has a field for a camera move goes before those to whom it is said in the prompt.
        return min(
            lacking,
            key=lambda each: (each[1] == ("account",), len(each[1]), bool(each[0].camera_words(request))),
            default=(None,),
        )[0]

    def with_model(self, model: str) -> tuple[KlingClient, ...]:
        """Those that have a video model, the best first."""
        return tuple(client for client in self._preferred if model in client.models)

    def with_operation(self, operation: Operation) -> tuple[KlingClient, ...]:
        """Those that can be asked for an operation, the best first."""
        return tuple(client for client in self._preferred if operation in client.operations)

    def max_images(self, request: GenerationRequest) -> int:
        """How many images whoever could take the request makes at once, at most; 1 where nobody could."""
        able = (client.config.max_images for client in self._clients if self._able(client, request, ()))
        return max(able, default=1)

    # -- who is next ---------------------------------------------------------------------------------

    def find(self, name: ProviderName) -> KlingClient | None:
        """The client of a provider, or None where the settings no longer have it."""
        return self._by_name.get(name)

    def client(self, name: ProviderName) -> KlingClient:
        """The client of a provider that is in the settings."""
        return self._by_name[name]

    def clients(self) -> tuple[KlingClient, ...]:
        """All of them, in order of priority."""
        return tuple(self._clients)

    def list_paused(self) -> frozenset[ProviderName]:
        """Those to whom nothing new is sent until an admin resumes them."""
        return frozenset(name for name in self._by_name if self._is_paused(name))

    def is_open(self, name: ProviderName, about: About = None) -> bool:
        """Whether something may be sent to a provider now."""
        return not self._is_paused(name) and self._health[name].open_until(about) <= self._clock.now()

    def can_ever(self, request: GenerationRequest, excluded: Sequence[ProviderName] = ()) -> bool:
        """Whether any provider that is not excluded could take the request, now or later."""
        return any(self._able(client, request, excluded) for client in self._clients)

    def ends_waiting(
        self, request: GenerationRequest, excluded: Sequence[ProviderName] = ()
    ) -> type[errors.ProviderError] | None:
        """Why a request is not kept waiting: all who could take it are closed for such a fault; None: it is.

        Whom an admin has paused is waited for.
        """
        now, first = self._clock.now(), None
        for client in self._preferred:
            fault = (
                None
                if self._is_paused(client.name)
                else self._health[client.name].ends_waiting(request.resource, now)
            )
            # Whether it could take the request takes longest to find out.
            if (fault is None or first is None) and self._able(client, request, excluded):
                if fault is None:
                    return None
                first = fault
        return first

    def takers(self, request: GenerationRequest) -> frozenset[ProviderName]:
        """Who could take the request, now or later."""
        return frozenset(client.name for client in self._clients if self._able(client, request, ()))

    def has_room(
        self,
        request: GenerationRequest,
        running: Running,
        excluded: Sequence[ProviderName] = (),
    ) -> bool:
        """Whether `candidates` would find somebody; nobody is put on trial by it."""
        return bool(self._ready(request, running, excluded))

    def slots(
        self,
        request: GenerationRequest,
        running: Running,
        excluded: Sequence[ProviderName] = (),
    ) -> list[Slots]:
        """What those have room for who take such requests; who is paused or closed for a fault is left out.

        Whoever last asked for a pause takes no more than what runs there already.
        """
        found = []
        for client in self._clients:
            health, runs = self._health[client.name], _runs(client, request, running)
            waits = health.open_until(request.resource) > self._clock.now()
            busy = health.is_busy(request.resource)
            if (
                self._able(client, request, excluded)
                and not self._is_paused(client.name)
                and (busy or not waits)
            ):
                most = health.limits.most(request.resource, self._clock.now())
                total = min(max(runs, 1), most) if busy else most
                found.append(Slots(client.name, total, 0 if busy else max(0, most - runs)))
        return found

    def candidates(
        self,
        request: GenerationRequest,
        running: Running,
        excluded: Sequence[ProviderName] = (),
    ) -> list[KlingClient]:
        """Who can take the request now, the best first.

        Of a provider that was closed for a fault, the first request after the pause is the trial: for
        the others it stays closed until that one has been noted.
        """
        able = self._ready(request, running, excluded)
        able.sort(
            key=lambda client: (
                self._health[client.name].is_unwell(request.resource, self._clock.now()),
                bool(client.camera_words(request)),
                -client.config.priority,
                client.config.cost,
                _runs(client, request, running) / client.config.max_concurrent,
            )
        )
        if able:
            first, now = self._health[able[0].name], self._clock.now()
            first.try_once(request.resource, now)
            first.limits.try_more(request.resource, _runs(able[0], request, running), now)
        return able

    def _ready(
        self,
        request: GenerationRequest,
        running: Running,
        excluded: Sequence[ProviderName],
    ) -> list[KlingClient]:
        now = self._clock.now()
        return [
            client
            for client in self._clients
            if self._able(client, request, excluded)
            and not self._is_paused(client.name)
            and self._health[client.name].open_until(request.resource) <= now
            and _runs(client, request, running) < self._health[client.name].limits.most(request.resource, now)
        ]

    def _fresh(self, client: KlingClient) -> Healths:
        return Healths(self._rng, client.config.max_concurrent)

    @staticmethod
    def _able(client: KlingClient, request: GenerationRequest, excluded: Sequence[ProviderName]) -> bool:
        return client.name not in excluded and client.lacks(request) == ()

    # -- health --------------------------------------------------------------------------------------

    def record(
        self,
        name: ProviderName,
        outcome: errors.ProviderError | None,
        about: About = None,
        running: int = 0,
    ) -> bool:
        """Remember how an exchange ended (None: well); True where the operators should be told of it.

        `about` is what was asked for; without it, nothing was that is sold or enabled by itself. `running` is how
        many tasks of it the provider has where it said that one more is too many.
        """
        health = self._health.get(name)
        if health is None or isinstance(outcome, errors.FormerUnavailable):
            return False
        now = self._clock.now()
        well = outcome is None or isinstance(outcome, (errors.Rejected, errors.NotFound))
        self._exchanges[name].append((now, well))
        return health.record(outcome, about, now, running)

    def is_limited(self, name: ProviderName, about: Resource) -> bool:
        """Whether fewer tasks of a model were found to run at a time than the settings say."""
        return name in self._health and self._health[name].limits.knows(about)

    def note_running(self, name: ProviderName, about: Resource, running: int) -> None:
        """Note that so many tasks of a model run at a provider."""
        self._health[name].limits.accepted(about, running, self._clock.now())

    def learned(self, name: ProviderName) -> tuple[Learned, ...]:
        """What the answers of a provider taught that holds for long."""
        return self._health[name].learned() if name in self._health else ()

    def restore(self, name: ProviderName, learned: Iterable[Learned]) -> None:
        """Take up what an earlier process had learned of a provider."""
        self._health[name].restore(learned)

    def note_packs(self, name: ProviderName, packs: Sequence[ResourcePack]) -> None:
        """Take up what a provider tells of its account's packs."""
        self._health[name].note_packs(packs, self._clock.now())

    def make_room(self, name: ProviderName, about: Resource) -> None:
        """A task of a provider has ended: if it was too busy for another one, it may be asked again now."""
        if name in self._health:
            self._health[name].make_room(about, self._clock.now())

    def is_busy(self, name: ProviderName, about: Resource) -> bool:
        """Whether a provider's last word about such a submission is that it is too busy."""
        return name in self._health and self._health[name].is_busy(about)

    # -- what an account can use ---------------------------------------------------------------------

    def availabilities(self, name: ProviderName) -> tuple[Availability, ...]:
        """What the account of a provider can do with each model and service (see `list_availability`)."""
        return list_availability(self._by_name[name], self._health[name], self._clock.now())

    def availability(self, request: GenerationRequest) -> Availability | None:
        """What whoever can take a request can do with its model: the best of them; None where nobody can take it."""
        found = []
        for client in self._preferred:
            if client.lacks(request) == ():
                row = client.catalog.row(request)
                about, health = request.resource, self._health[client.name]
                found.append(availability(client, health, about, row, self._clock.now()))
        return next((each for each in found if each.is_usable), found[0] if found else None)

    # -- what operators do and see --------------------------------------------------------------------

    def reopen(self, name: ProviderName) -> None:
        """Send to a provider again, at once, whatever had closed it."""
        self._by_name[name].forget()
        self._health[name] = self._fresh(self._by_name[name])

    def conditions(self) -> list[ProviderStatus]:
        """How every provider is, in order of priority."""
        since = self._clock.now() - HOUR
        found = []
        for client in self._clients:
            health = self._health[client.name]
            account = health.account
            recent = [well for at, well in self._exchanges[client.name] if at >= since]
            found.append(
                ProviderStatus(
                    client.name,
                    client.dialect.name,
                    self._is_paused(client.name),
                    account.half_open,
                    Millis(account.open_until),
                    account.closed_for,
                    sum(recent),
                    len(recent) - sum(recent),
                    client.config.max_concurrent,
                    tuple(health.closed(self._clock.now())),
                    {about.model: limit.most for about, limit in health.limits.found()},
                )
            )
        return found


def _runs(client: KlingClient, request: GenerationRequest, running: Running) -> int:
    return running.get((client.name, request.resource), 0)


@asynccontextmanager
async def open_pool(
    providers: Iterable[Provider],
    runtime: Runtime,
    network: Network,
    mask: Callable[[bytes], bytes] = bytes,
    is_paused: Callable[[ProviderName], bool] = lambda _: False,
    catalog: Callable[[ProviderName], Catalog] | None = None,
    former: Iterable[Provider] = (),
    meter: Meter = UNMEASURED,
) -> AsyncIterator[ProviderPool]:
    """One HTTP client for each enabled provider, closed again at the end; `mask` takes secrets out of answers.

    To those that are paused nothing new is sent; what runs there goes on. To those that are not enabled or `former`
    ones nothing is sent either, and they are not offered: they are asked for what runs there, where one of the same
    name is enabled when that does not know it. `catalog` is what the models of each can do and cost at this moment;
    without it, what the program knows.
    """
    async with AsyncExitStack() as stack:

        async def client(provider: Provider, before: KlingClient | None = None) -> KlingClient:
            # Plain httpx: its errors tell what was never sent from what may have arrived.
            http = await stack.enter_async_context(
                network.client(http2=True, proxies=network.proxies_for(provider.proxy))
            )
            key = provider.key.get_secret_value()
            scheme = scheme_of(provider.auth, key, provider.base_url, provider.spoken)
            return KlingClient(
                provider,
                _dialect(provider),
                Signer(scheme, key),
                http,
                runtime.clock,
                mask=mask,
                catalog=None if catalog is None else partial(catalog, provider.name),
                before=before,
                meter=meter,
            )

        configured = tuple(providers)
        left: dict[ProviderName, KlingClient] = {}
        # The newest are the first.
        for provider in reversed((*(each for each in configured if not each.enabled), *former)):
            left[provider.name] = await client(provider, left.get(provider.name))
        clients = [
            await client(provider, left.pop(provider.name, None))
            for provider in configured
            if provider.enabled
        ]
        yield ProviderPool(clients, runtime.clock, runtime.rng, is_paused, tuple(left.values()))


class ConfiguredOffer:
    """What the enabled providers offer, as the pool would tell it, told without opening any."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        enabled = [(provider, _dialect(provider)) for provider in providers if provider.enabled]
        self._models = _in_order((provider, models_of(provider, dialect)) for provider, dialect in enabled)
        self._operations: frozenset[Operation] = frozenset().union(
            *(operations_of(provider, dialect) - LIBRARY_OPERATIONS for provider, dialect in enabled)
        )

    def models(self) -> tuple[str, ...]:
        """See `ProviderPool.models`."""
        return self._models

    def operations(self) -> frozenset[Operation]:
        """See `ProviderPool.operations`."""
        return self._operations


def _dialect(provider: Provider) -> Dialect:
    spoken = dialects.get(provider.spoken, provider.key.get_secret_value())
    return spoken.renamed(provider.model_names, provider.paths)
