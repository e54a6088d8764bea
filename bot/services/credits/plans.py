"""The plans that people are on: those of the settings, with what admins changed and added while the bot ran."""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import structlog
from pydantic import ValidationError

from bot.domain.credits.plans import as_json, with_fields
from bot.domain.credits.quota import Plan, PlanTerms
from bot.domain.operations.records import AuditRow
from bot.store import Store

log = structlog.get_logger(__name__)

PLANS_KEY = "plans"
"""Where the store keeps what differs from the settings: a JSON object of the fields that were changed, by plan."""

Changes = dict[str, dict[str, Any]]


class Origin(StrEnum):
    """Where a plan is from."""

    SETTINGS = "settings"
    CHANGED = "changed"
    """The settings have it, and admins changed it."""
    ADDED = "added"


class Plans(Mapping[str, Plan]):
    """A mapping of the plans that hold now, by name. What has not been changed follows the settings."""

    def __init__(self, *, store: Store, configured: Mapping[str, PlanTerms], default: str) -> None:
        self._store = store
        self._configured = {name: Plan(name=name, **dict(terms)) for name, terms in configured.items()}
        self._default = default
        self._changes: Changes = {}
        self._plans: dict[str, Plan] = dict(self._configured)
        self._settle({})

    def __getitem__(self, name: str) -> Plan:
        return self._plans[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plans)

    def __len__(self) -> int:
        return len(self._plans)

    @property
    def default(self) -> str:
        """The plan of everybody who has no other."""
        return self._default

    def origin(self, name: str) -> Origin:
        """Where a plan is from."""
        if name not in self._configured:
            return Origin.ADDED
        return Origin.CHANGED if name in self._changes else Origin.SETTINGS

    async def refresh(self) -> None:
        """Take up what the store holds: another process, or an earlier one, may have changed it."""
        changes = json.loads(await self._store.operations.get_setting(PLANS_KEY) or "{}")
        if changes != self._changes:
            self._settle(changes)

    async def keep(self, name: str, plan: Plan | None, audit: AuditRow) -> None:
        """Change or add a plan from now on; None: as it is in the settings, or, of an added one, not at all."""
        while True:
            before = await self._store.operations.get_setting(PLANS_KEY)
            changes: Changes = json.loads(before or "{}")
            changes.pop(name, None)
            if plan is not None:
                usual = as_json(self._configured.get(name, Plan(name=name)))
                changed = {field: value for field, value in as_json(plan).items() if value != usual[field]}
                if changed or name not in self._configured:
                    changes[name] = changed
            if await self._store.operations.swap_setting(PLANS_KEY, before, json.dumps(changes), audit):
                self._settle(changes)
                return

    def _settle(self, changes: Changes) -> None:
        plans = dict(self._configured)
        for name, changed in changes.items():
            try:
                plans[name] = with_fields(self._configured.get(name, Plan(name=name)), changed)
            except ValidationError:
                # Another version of the program wrote it: the settings are a safe answer.
                log.exception("the change of a plan cannot be read", plan=name)
        self._changes, self._plans = changes, plans
