"""What everything costs: the catalog of the settings, with the prices that admins changed while the bot ran."""

import json
from collections.abc import Callable, Mapping

import structlog
from pydantic import ValidationError

from bot.domain import catalog as catalogs
from bot.domain.catalog import FIXED, SECTIONS, Catalog, Model, Overrides, prices_of
from bot.domain.operating import AuditRow
from bot.store.operating import OperatingStore

log = structlog.get_logger(__name__)

PRICES_KEY = "prices"
"""Where the store keeps changed prices: a JSON object of columns by section and row, in the form of [catalog]."""

Columns = dict[str, dict[str, float]]
Changes = dict[str, dict[str, Columns]]


class Prices:
    """The catalog that holds now. What has not been changed follows the settings."""

    def __init__(self, store: OperatingStore, configured: Overrides) -> None:
        self._store = store
        self._configured = configured
        self._changes: Changes = {}
        self._usual = self._catalog = catalogs.load(configured)

    @property
    def catalog(self) -> Catalog:
        """The models with the prices of this moment."""
        return self._catalog

    def is_changed(self, section: str, model: str) -> bool:
        """Whether a row's prices differ from those of the settings."""
        return model in self._changes.get(section, {})

    async def refresh(self) -> None:
        """Take up what the store holds: another process, or an earlier one, may have changed it."""
        changes = json.loads(await self._store.setting(PRICES_KEY) or "{}")
        if changes != self._changes:
            self._settle(changes)

    async def keep(
        self, section: str, model: str, column: str, key: str, price: float, audit: AuditRow
    ) -> None:
        """Change a price from now on."""
        row = self._row(section, model)

        def change(columns: Columns) -> Columns:
            return {**columns, column: {**prices_of(row)[column], key: price}}

        await self._swap(section, model, change, audit)

    async def reset(self, section: str, model: str, audit: AuditRow) -> None:
        """Charge what the settings say again."""
        await self._swap(section, model, lambda _: {}, audit)

    def _row(self, section: str, model: str) -> Model:
        known = {row.id: row for row in self._catalog.section(section)}
        return known.get(model) or self._catalog.model(model)

    async def _swap(
        self, section: str, model: str, change: Callable[[Columns], Columns], audit: AuditRow
    ) -> None:
        while True:
            before = await self._store.setting(PRICES_KEY)
            changes: Changes = json.loads(before or "{}")
            rows = changes.setdefault(section, {})
            columns = change(rows.pop(model, {}))
            if columns:
                rows[model] = columns
            if await self._store.swap_setting(PRICES_KEY, before, json.dumps(changes), audit):
                self._settle(changes)
                return

    def _settle(self, changes: Changes) -> None:
        self._changes = changes
        try:
            self._catalog = catalogs.load(self._merged())
        except ValidationError:
            # Another version of the program wrote it: the settings are a safe answer.
            log.exception("the changed prices cannot be read")
            self._catalog = self._usual

    def _merged(self) -> Overrides:
        """The settings' changes of the catalog, with the changed prices on top."""
        merged = {section: dict(self._configured.get(section, {})) for section in SECTIONS}
        for section, models in self._changes.items():
            known = {row.id for row in self._usual.section(section)}
            for model, columns in models.items():
                prices = {name: _price_column(name, column) for name, column in columns.items()}
                # A model that no catalog knows gets a row of its own, with the careful limits that it has anyway.
                limits = {} if model in known else self._usual.model(model).model_dump(exclude={"id"})
                merged[section][model] = {**limits, **merged[section].get(model, {}), **prices}
        return merged


def _price_column(name: str, column: Mapping[str, float]) -> object:
    return round(column[""]) if name == FIXED else dict(column)
