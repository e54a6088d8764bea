"""Tells the admins, once for each provider, of models that Kling has ended and that are no longer offered."""

from bot.clock import Clock
from bot.domain.operations.records import PersonNotice
from bot.domain.requests import retirement
from bot.kling.client import KlingClient
from bot.kling.pool import ProviderPool
from bot.services.people.accounts import Accounts
from bot.store import Store


class Retirements:
    """Looks whether a model of the settings has come to its end, as the clock has it."""

    def __init__(self, *, store: Store, pool: ProviderPool, accounts: Accounts, clock: Clock) -> None:
        self._store = store
        self._pool = pool
        self._accounts = accounts
        self._clock = clock

    async def tick(self) -> None:
        """Announce what has ended since the last look."""
        for client in self._pool.clients():
            for model in client.retired():
                await self._announce(client, model)

    async def _announce(self, client: KlingClient, model: str) -> None:
        row_of, has = client.catalog.model, client.models
        others = [other for other in retirement.replacements(row_of, model) if other in has]
        key = "notice.model_retired" if others else "notice.model_retired_alone"
        params = {
            "provider": client.name,
            "model": model,
            "day": str(row_of(model).retired),
            "others": ", ".join(others),
        }
        notices = [PersonNotice(admin, key, params, None) for admin in self._accounts.admins]
        await self._store.providers.announce_retirement(client.name, model, notices, self._clock.now())
