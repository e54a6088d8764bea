"""The settings that hold now: those of the file with what admins have overridden, and what follows from them."""

import json
from collections.abc import Mapping

import structlog
from pydantic import ValidationError

from bot.domain.credits.quota import Plan
from bot.domain.operations.overrides import KeyPath, Override, override, read_key
from bot.domain.requests import catalog as catalogs
from bot.domain.requests.catalog import Catalog
from bot.domain.types import ProviderName
from bot.settings.config import Settings, contradictions
from bot.settings.sources import Gathered
from bot.store import Store

log = structlog.get_logger(__name__)


class LiveSettings:
    """The settings of this moment. What is not overridden follows the settings file."""

    def __init__(self, *, store: Store, configured: Settings) -> None:
        self._store = store
        ours = configured.catalog.model_dump()
        self._rows = catalogs.load(ours)
        self._rows_of = {
            provider.name: catalogs.load(ours, provider.catalog.model_dump(), dialect=provider.spoken)
            for provider in configured.providers
        }
        self.configured = configured
        """The settings as the file and the environment have them."""
        self.plans: dict[str, Plan] = {}
        """The plans of this moment, by name."""
        self._take_up({})

    @property
    def now(self) -> Settings:
        """The settings with what is overridden."""
        return self._now

    @property
    def overrides(self) -> Mapping[str, Override]:
        """What was ever overridden, by key; those that were reset included."""
        return self._overrides

    def catalog(self, provider: ProviderName | None = None) -> Catalog:
        """What models can do, and their prices at this moment, in general or where a provider is asked."""
        return self._catalogs.get(provider, self._catalogs[None])

    def catalog_of(self, settings: Settings) -> Catalog:
        """The models with the general prices of some settings."""
        return self._rows.repriced(settings.prices.columns())

    def is_paused(self, provider: ProviderName) -> bool:
        """Whether nothing new is sent to a provider."""
        return provider in self._paused

    async def refresh(self) -> None:
        """Take up what the store holds: another process, or an earlier one, may have changed it."""
        overrides = {row.key: row for row in await self._store.operations.list_overrides()}
        if overrides != self._overrides:
            self._take_up(overrides)

    def with_value(self, path: KeyPath, value: object) -> Settings:
        """The settings of this moment with another value.

        Raises:
            ValueError: it cannot have such a value, or this does not fit the other settings.

        """
        changed = override(self._now, path, value)
        before, after = (
            contradictions(Gathered(data=each.model_dump(mode="json"))) for each in (self._now, changed)
        )
        if problems := [problem for problem in after if problem not in before]:
            raise ValueError(problems[0])
        return changed

    def _take_up(self, overrides: Mapping[str, Override]) -> None:
        now = self.configured
        for key, row in overrides.items():
            try:
                if row.value is not None:
                    now = override(now, read_key(key), json.loads(row.value))
            except (KeyError, ValidationError):
                # Another version wrote it, or the file has changed: the configured value is a safe answer.
                log.warning("an override does not fit the settings", key=key)
        self._overrides, self._now = overrides, now
        self.plans.clear()
        self.plans.update({name: Plan(name=name, **dict(terms)) for name, terms in now.plans.items()})
        prices = now.prices.columns()
        self._catalogs: dict[ProviderName | None, Catalog] = {
            provider.name: self._rows_of[provider.name].repriced(prices).repriced(provider.prices.columns())
            for provider in now.providers
        }
        self._catalogs[None] = self.catalog_of(now)
        self._paused = frozenset(provider.name for provider in now.providers if provider.paused)
