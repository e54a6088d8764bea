"""The prices in force, and what admins change of plans and prices while the bot runs; changes are audited."""

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.domain.credits.plans import LISTS, SWITCH, changed, read_name, read_number, read_price
from bot.domain.credits.quota import Plan
from bot.domain.operations.records import AuditRow
from bot.domain.people.access import Permission
from bot.domain.requests import catalog as catalogs
from bot.domain.requests.catalog import Catalog, Overrides
from bot.domain.requests.model import FIXED, ChangedPrices, Model, PriceColumns, prices_of
from bot.domain.requests.operations import Operation
from bot.domain.units import ProviderName, UserId
from bot.errors import UserError
from bot.services.credits.plans import Origin, Plans
from bot.services.people.access import Access
from bot.services.people.accounts import Audit
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


MOST_PLANS = 30


class Offer(Protocol):
    """What this bot makes: the pool of its providers knows, and so do the settings."""

    def models(self) -> tuple[str, ...]:
        """The video models, in order of preference."""
        ...

    def operations(self) -> frozenset[Operation]:
        """What some provider does."""
        ...


class Pricing:
    """The service for plans and prices, of the panel and of the shell (an `actor` of None)."""

    def __init__(self, *, plans: Plans, prices: Prices, offer: Offer, access: Access, audit: Audit) -> None:
        self.plans = plans
        self.prices = prices
        self._offer = offer
        self._access = access
        self._audit = audit

    async def refresh(self) -> None:
        """Take up what was changed earlier, or from a shell meanwhile."""
        await self.plans.refresh()
        await self.prices.refresh()

    # -- prices --------------------------------------------------------------------------------------

    def rows(self) -> list[tuple[str, Model]]:
        """Everything on offer that has a price, with the section of the catalog that it stands in."""
        offered, catalog = self._offer.operations(), self.prices.catalog
        videos = [("models", catalog.model(model)) for model in self._offer.models()]
        beside = [
            (section, row)
            for section in ("images", "services")
            for row in catalog.section(section)
            if offered.intersection(row.operations)
        ]
        return videos + beside

    async def set_price(
        self, actor: UserId | None, place: tuple[str, Model], column: str, key: str, text: str, operation: str
    ) -> None:
        """Charge what was typed from now on; what was accepted before keeps its price.

        Raises:
            UserError: the actor may not, the row has no such price, or what was typed is none.

        """
        await self._access.require(actor, Permission.OPERATE)
        section, row = place
        before = prices_of(row).get(column, {}).get(key)
        if before is None:
            raise UserError("error.button.stale")
        price = read_price(text)
        name = f"{column} {key}".strip()
        audit = self._audit.row(operation, actor, "price", row.id, f"{name} {before:g}", f"{name} {price:g}")
        await self.prices.keep(section, row.id, column, key, price, audit)
        log.info("a price was changed", by=actor, model=row.id, column=column, key=key, price=price)

    async def reset_prices(self, actor: UserId | None, place: tuple[str, Model], operation: str) -> None:
        """Charge what the settings say for a row again.

        Raises:
            UserError: the actor may not.

        """
        await self._access.require(actor, Permission.OPERATE)
        section, row = place
        audit = self._audit.row(operation, actor, "price", row.id, "", Origin.SETTINGS)
        await self.prices.reset(section, row.id, audit)
        log.info("prices are those of the settings again", by=actor, model=row.id)

    # -- plans ---------------------------------------------------------------------------------------

    def choices(self, field: str) -> Sequence[str]:
        """What a list of a plan may hold: `models`, or `operations`."""
        return self._offer.models() if field == "models" else sorted(self._offer.operations())

    async def set_number(
        self, actor: UserId | None, plan: str, field: str, text: str, operation: str
    ) -> None:
        """Put what was typed in the place of a plan's number.

        Raises:
            UserError: the actor may not, there is no such plan, or what was typed cannot be.

        """
        await self._change(actor, plan, field, read_number(field, text), operation)

    async def flip(self, actor: UserId | None, plan: str, field: str, value: str, operation: str) -> None:
        """Turn the switch of a plan, or put a value into one of its lists or out of it; an empty list holds all.

        Raises:
            UserError: the actor may not, or there is no such plan, field or value.

        """
        now = self.find_plan(plan)
        if field == SWITCH:
            await self.set_switch(actor, plan, not now.carry_over, operation)
            return
        if field not in LISTS or value not in self.choices(field):
            raise UserError("error.button.stale")
        held = [str(each) for each in getattr(now, field)]
        wanted = [each for each in held if each != value] if value in held else [*held, value]
        await self.set_list(actor, plan, field, wanted, operation)

    async def set_switch(self, actor: UserId | None, plan: str, on: bool, operation: str) -> None:
        """Say whether what a plan's people do not spend is carried over.

        Raises:
            UserError: the actor may not, or there is no such plan.

        """
        await self._change(actor, plan, SWITCH, on, operation)

    async def set_list(
        self, actor: UserId | None, plan: str, field: str, values: Sequence[str], operation: str
    ) -> None:
        """Say what a list of a plan holds; an empty one holds all. The values are among `choices`, or were in it.

        Raises:
            UserError: the actor may not, or there is no such plan.

        """
        await self._change(actor, plan, field, list(values), operation)

    async def add(self, actor: UserId | None, text: str, operation: str) -> str:
        """Add a plan without any credits of its own; its name.

        Raises:
            UserError: the actor may not, the name is none or taken, or there are enough plans.

        """
        await self._access.require(actor, Permission.OPERATE)
        name = read_name(text)
        if name in self.plans:
            raise UserError("error.terms.taken", plan=name)
        if len(self.plans) >= MOST_PLANS:
            raise UserError("error.terms.too_many", limit=MOST_PLANS)
        audit = self._audit.row(operation, actor, "terms", name, "", Origin.ADDED)
        await self.plans.keep(name, Plan(name=name), audit)
        log.info("a plan was added", by=actor, plan=name)
        return name

    async def reset(self, actor: UserId | None, plan: str, operation: str) -> None:
        """Make a plan what the settings say again; one that they do not have goes, and its people get the default.

        Raises:
            UserError: the actor may not, or there is no such plan.

        """
        await self._access.require(actor, Permission.OPERATE)
        self.find_plan(plan)
        after = "" if self.plans.origin(plan) is Origin.ADDED else Origin.SETTINGS
        audit = self._audit.row(operation, actor, "terms", plan, self.plans.origin(plan), after)
        await self.plans.keep(plan, None, audit)
        log.info("a plan is as in the settings again", by=actor, plan=plan)

    def find_plan(self, plan: str) -> Plan:
        """The plan of a name.

        Raises:
            UserError: there is no such plan any more.

        """
        if plan not in self.plans:
            raise UserError("error.button.stale")
        return self.plans[plan]

    async def _change(
        self, actor: UserId | None, plan: str, field: str, value: object, operation: str
    ) -> None:
        await self._access.require(actor, Permission.OPERATE)
        # Another process may have changed another field of it a moment ago.
        await self.plans.refresh()
        before = self.find_plan(plan)
        after = changed(before, field, value)
        audit = self._audit.row(operation, actor, "terms", plan, _named(before, field), _named(after, field))
        await self.plans.keep(plan, after, audit)
        log.info("a plan was changed", by=actor, plan=plan, field=field)


def _named(plan: Plan, field: str) -> str:
    value = getattr(plan, field)
    words = ", ".join(value) if isinstance(value, tuple) else value
    return f"{field} {'-' if words in (None, '') else words}"
