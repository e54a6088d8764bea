"""What everything costs: the catalog of the settings, with the prices that admins changed while the bot ran."""

import json
from collections.abc import Mapping

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.domain.operations.actions import AuditRow
from bot.domain.requests import catalog as catalogs
from bot.domain.requests.catalog import Catalog, Overrides
from bot.domain.requests.model import FIXED, ChangedPrices, PriceColumns
from bot.domain.units import ProviderName
from bot.store import Store

log = structlog.get_logger(__name__)

PRICES_KEY = "prices"
"""Where the store keeps changed prices: a JSON object of columns by section and row."""

Changes = dict[str, dict[str, dict[str, object]]]
_CHANGES = TypeAdapter(dict[str, dict[str, PriceColumns]])


class Prices:
    """The catalog that holds now. What has not been changed follows the settings.

    `of_providers` are the prices that differ where a provider is asked; they hold whatever admins change.
    """

    def __init__(
        self,
        *,
        store: Store,
        configured: Overrides,
        of_providers: Mapping[ProviderName, ChangedPrices] | None = None,
    ) -> None:
        self._store = store
        self._changes: Changes = {}
        self._configured = self._catalog = catalogs.load(configured)
        self._of_providers = of_providers or {}
        self._catalogs: dict[ProviderName, Catalog] = {}
        self._settle({})

    @property
    def catalog(self) -> Catalog:
        """The models with the prices of this moment, where no provider has others."""
        return self._catalog

    def at(self, provider: ProviderName | None) -> Catalog:
        """The same with the prices of a provider."""
        return self._catalog if provider is None else self._catalogs.get(provider, self._catalog)

    def differing(self, section: str, model: str) -> dict[ProviderName, PriceColumns]:
        """The providers that have prices of their own for a row."""
        return {
            provider: prices[section][model]
            for provider, prices in self._of_providers.items()
            if model in prices.get(section, {})
        }

    def is_changed(self, section: str, model: str) -> bool:
        """Whether a row's prices differ from those of the settings."""
        return model in self._changes.get(section, {})

    async def refresh(self) -> None:
        """Take up what the store holds: another process, or an earlier one, may have changed it."""
        changes = json.loads(await self._store.operations.get_setting(PRICES_KEY) or "{}")
        if changes != self._changes:
            self._settle(changes)

    async def keep(
        self, section: str, model: str, column: str, key: str, price: float, audit: AuditRow
    ) -> None:
        """Change a price from now on; `fixed` has no key and is rounded."""
        await self._swap(section, model, (column, key, price), audit)

    async def reset(self, section: str, model: str, audit: AuditRow) -> None:
        """Charge what the settings say again."""
        await self._swap(section, model, None, audit)

    async def _swap(
        self, section: str, model: str, change: tuple[str, str, float] | None, audit: AuditRow
    ) -> None:
        while True:
            before = await self._store.operations.get_setting(PRICES_KEY)
            changes: Changes = json.loads(before or "{}")
            columns = changes.setdefault(section, {}).pop(model, {})
            if change is not None:
                changes[section][model] = _changed(columns, *change)
            if await self._store.operations.swap_setting(PRICES_KEY, before, json.dumps(changes), audit):
                self._settle(changes)
                return

    def _settle(self, changes: Changes) -> None:
        self._changes = changes
        try:
            self._catalog = self._configured.repriced(_CHANGES.validate_python(changes))
        except ValidationError:
            # Another version of the program wrote it: the settings are a safe answer.
            log.exception("the changed prices cannot be read")
            self._catalog = self._configured
        self._catalogs = {name: self._catalog.repriced(prices) for name, prices in self._of_providers.items()}


def _changed(columns: dict[str, object], column: str, key: str, price: float) -> dict[str, object]:
    if column == FIXED:
        return {**columns, column: round(price)}
    kept = columns.get(column)
    return {**columns, column: {**(kept if isinstance(kept, dict) else {}), key: price}}
