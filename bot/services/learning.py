"""Keeps what the answers of providers taught over restarts: what an account has, and how many tasks run at a time.

It is forgotten when an admin resumes the provider, and when its settings change.
"""

from collections.abc import Sequence

from bot.domain.requests.request import Resource
from bot.domain.tasks.learned import Learned
from bot.domain.tasks.resource_packs import ResourcePack
from bot.domain.types import ProviderName
from bot.kling.pool import ProviderPool
from bot.store import Store


class Learning:
    """Stands between the pool, which learns, and the store."""

    def __init__(self, *, store: Store, pool: ProviderPool) -> None:
        self._store = store
        self._pool = pool
        self._settings = {client.name: client.config.fingerprint for client in pool.clients()}
        self._saved: dict[ProviderName, tuple[Learned, ...]] = {}
        self._paused: frozenset[ProviderName] = frozenset()

    async def restore(self) -> None:
        """Take up what earlier processes had learned; before anything is sent."""
        for provider, settings in self._settings.items():
            self._pool.restore(provider, await self._store.providers.list_learned(provider, settings))
            self._saved[provider] = self._pool.learned(provider)
        self._paused = self._pool.list_paused()

    async def count_refused(self, provider: ProviderName, about: Resource) -> int:
        """How many tasks of a model run at a provider that has just said that these are too many."""
        return await self._store.tasks.count_taken(provider, about)

    async def note_taken(self, provider: ProviderName, about: Resource) -> None:
        """Note that a task was taken and written as such: of several at the same time the last sees all of them."""
        if self._pool.is_limited(provider, about):
            self._pool.note_running(provider, about, await self._store.tasks.count_taken(provider, about))
            await self.save(provider)

    async def note_packs(self, provider: ProviderName, packs: Sequence[ResourcePack]) -> None:
        """Take up what a provider tells of its account's packs."""
        self._pool.note_packs(provider, packs)
        await self.save(provider)

    async def save(self, provider: ProviderName) -> None:
        """Keep what a provider taught, where that is new."""
        learned = self._pool.learned(provider)
        if provider in self._settings and learned != self._saved.get(provider, ()):
            self._saved[provider] = learned
            await self._store.providers.save_learned(provider, self._settings[provider], learned)

    async def forget(self, provider: ProviderName) -> None:
        """Send to a provider again, at once, as if nothing were known of it."""
        self._pool.reopen(provider)
        await self.save(provider)

    async def take_up(self) -> None:
        """Forget what was learned of providers that somebody has resumed, perhaps in another process."""
        before, self._paused = self._paused, self._pool.list_paused()
        for provider in before - self._paused:
            await self.forget(provider)
