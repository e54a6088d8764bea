"""From the settings of the providers to the pool that the services use, and to what it will offer."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from bot.clock import Clock
from bot.domain.requests.request import Operation
from bot.domain.units import ProviderName
from bot.kling.auth import Signer, scheme_of
from bot.kling.client import KlingClient, ProviderConfig, operations_of
from bot.kling.dialects import registry
from bot.kling.pool import Pool, models_of
from bot.kling.wire import Dialect
from bot.network import Network
from bot.settings.config import Settings
from bot.settings.sections import Provider


@asynccontextmanager
async def open_pool(settings: Settings, clock: Clock, network: Network) -> AsyncIterator[Pool]:
    """One HTTP client for each enabled provider, closed again at the end."""
    async with AsyncExitStack() as stack:
        clients = []
        for provider in settings.providers:
            if provider.enabled:
                # Plain httpx: its errors tell what was never sent from what may have arrived.
                http = await stack.enter_async_context(network.client(http2=True))
                clients.append(_client(provider, http, clock))
        yield Pool(clients, clock)


class ConfiguredOffer:
    """What the enabled providers offer, as the pool would tell it, told without opening any."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        enabled = [provider for provider in providers if provider.enabled]
        self._models = models_of([_config(provider) for provider in enabled])
        self._operations: frozenset[Operation] = frozenset().union(
            *(operations_of(_config(provider), _dialect(provider)) for provider in enabled)
        )

    def models(self) -> tuple[str, ...]:
        """See `Pool.models`."""
        return self._models

    def operations(self) -> frozenset[Operation]:
        """See `Pool.operations`."""
        return self._operations


def _client(provider: Provider, http: httpx.AsyncClient, clock: Clock) -> KlingClient:
    key = provider.key.get_secret_value()
    signer = Signer(scheme_of(provider.auth, key, provider.base_url, _dialect_name(provider)), key)
    return KlingClient(_config(provider), _dialect(provider), signer, http, clock)


def _config(provider: Provider) -> ProviderConfig:
    return ProviderConfig(
        name=ProviderName(provider.name),
        base_url=provider.base_url,
        models=provider.models,
        max_concurrent=provider.max_concurrent,
        priority=provider.priority,
        timeout=provider.timeout,
        rate=provider.rate,
        operations=frozenset(provider.operations) or None,
        cost=provider.cost,
    )


def _dialect(provider: Provider) -> Dialect:
    return registry.get(_dialect_name(provider)).renamed(provider.model_names, provider.paths)


def _dialect_name(provider: Provider) -> str:
    if provider.dialect != "auto":
        return provider.dialect
    return registry.detect(provider.base_url, provider.key.get_secret_value())
