"""From the settings of the providers to the pool that the services use."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from bot.clock import Clock
from bot.config import Settings
from bot.domain.units import ProviderName
from bot.kling.auth import Signer, scheme_of
from bot.kling.client import KlingClient, ProviderConfig
from bot.kling.dialects import registry
from bot.kling.pool import Pool
from bot.sections import Provider


@asynccontextmanager
async def open_pool(settings: Settings, clock: Clock) -> AsyncIterator[Pool]:
    """One HTTP client for each enabled provider, closed again at the end."""
    async with AsyncExitStack() as stack:
        clients = []
        for provider in settings.providers:
            if provider.enabled:
                # Plain httpx: its errors tell what was never sent from what may have arrived.
                # No proxy of the environment: keys go nowhere that the settings do not name.
                http = await stack.enter_async_context(httpx.AsyncClient(http2=True, trust_env=False))
                clients.append(_client(provider, http, clock))
        yield Pool(clients, clock)


def _client(provider: Provider, http: httpx.AsyncClient, clock: Clock) -> KlingClient:
    key = provider.key.get_secret_value()
    dialect = provider.dialect if provider.dialect != "auto" else registry.detect(provider.base_url, key)
    config = ProviderConfig(
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
    signer = Signer(scheme_of(provider.auth, key, provider.base_url, dialect), key)
    spoken = registry.get(dialect).renamed(provider.model_names, provider.paths)
    return KlingClient(config, spoken, signer, http, clock)
