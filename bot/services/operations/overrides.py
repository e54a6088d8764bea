"""What admins change of the settings while the bot runs, from the chat and from a shell (an `actor` of None)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from pydantic import ValidationError
from pydantic_core import to_json

from bot.clock import Clock
from bot.domain.operations.overrides import (
    Override,
    Setting,
    find_setting,
    list_settings,
    read_key,
    read_value,
    write_key,
    write_value,
)
from bot.domain.people.access import Permission
from bot.domain.requests.model import prices_of
from bot.domain.requests.operations import Operation
from bot.domain.types import UserId
from bot.errors import UserError
from bot.kling.provider import PriceTables
from bot.services.live_settings import LiveSettings
from bot.services.people.access import Access
from bot.services.people.accounts import Audit
from bot.settings.config import Settings
from bot.store import OverrideChanged, Store

log = structlog.get_logger(__name__)


class Offer(Protocol):
    """What this bot makes: the pool of its providers knows, and so do the settings."""

    def models(self) -> tuple[str, ...]:
        """The video models, in order of preference."""
        ...

    def operations(self) -> frozenset[Operation]:
        """What some provider does."""
        ...


@dataclass(frozen=True, slots=True)
class SettingState:
    """An overridable setting: its value now and the configured one, as people read them.

    `version` is that of its last change, 0 where there was none.
    """

    setting: Setting
    value: str
    default: str
    is_overridden: bool
    version: int

    @property
    def key(self) -> str:
        """Its dotted key."""
        return write_key(self.setting.path)


_Change = tuple[str, str, Sequence[tuple[str, str | None]]]
"""What the log says was before and is after, and the values by key, as JSON; None: the configured one."""


class Overrides:
    """Lists, sets and resets the settings that can be overridden; each change is in the audit log."""

    def __init__(
        self,
        *,
        live: LiveSettings,
        offer: Offer,
        store: Store,
        access: Access,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._live = live
        self._offer = offer
        self._store = store
        self._access = access
        self._audit = audit
        self._clock = clock

    def list(self, prefix: str = "") -> list[SettingState]:
        """The settings, or those of a section or table.

        Raises:
            UserError: there is none.

        """
        path = read_key(prefix)
        configured = self._priced(self._live.configured)
        found = [
            self._state(setting, configured)
            for setting in list_settings(self._priced(self._live.now))
            if setting.path[: len(path)] == path
        ]
        if not found or (prefix and not path):
            raise UserError("error.setting.unknown", setting=prefix)
        return found

    def get(self, key: str) -> SettingState:
        """One setting, also of a table's entry that its first setting would add.

        Raises:
            UserError: there is none.

        """
        return self._state(self._find(key), self._priced(self._live.configured))

    async def set(
        self,
        actor: UserId | None,
        key: str,
        value: object,
        idempotency_key: str,
        version: int | None = None,
    ) -> SettingState:
        """Override a setting from now on; what was accepted before keeps its price. `version`: only where it is at it.

        Raises:
            UserError: there is no such setting, it cannot have such a value, or somebody else has changed it.

        """
        await self._access.require(actor, Permission.OPERATE)

        def change() -> _Change:
            state = self.get(key)
            if version is not None and state.version != version:
                raise UserError("error.setting.changed", setting=key, value=state.value)
            after = self._validated(state, value)
            return state.value, write_value(after), [(key, to_json(after).decode())]

        await self._change(actor, key, change, idempotency_key)
        return self.get(key)

    async def set_text(
        self, actor: UserId | None, key: str, text: str, idempotency_key: str, version: int | None = None
    ) -> SettingState:
        """Override a setting with what somebody typed.

        Raises:
            UserError: as `set` does.

        """
        form = self._find(key).form
        try:
            value = read_value(form, text)
        except ValueError:
            raise form.error from None
        return await self.set(actor, key, value, idempotency_key, version)

    async def reset(self, actor: UserId | None, prefix: str, idempotency_key: str) -> None:
        """Give a setting, or all of a section or table, the configured value again; an entry that was added goes.

        Raises:
            UserError: there is no such setting.

        """
        await self._access.require(actor, Permission.OPERATE)

        def change() -> _Change:
            changed = [state for state in self.list(prefix) if state.is_overridden]
            before = ", ".join(f"{state.key.removeprefix(prefix + '.')} {state.value}" for state in changed)
            if [state.key for state in changed] == [prefix]:
                before = changed[0].value
            return before, "settings", [(state.key, None) for state in changed]

        await self._change(actor, prefix, change, idempotency_key)

    async def _change(
        self,
        actor: UserId | None,
        key: str,
        change: Callable[[], _Change],
        idempotency_key: str,
    ) -> None:
        while True:
            # Another process may have changed it a moment ago.
            await self._live.refresh()
            before, after, values = change()
            if not values:
                return
            rows = [
                Override(each, value, self._version(each) + 1, actor, self._clock.now())
                for each, value in values
            ]
            audit = self._audit.row(idempotency_key, actor, "setting", key, before, after)
            try:
                await self._store.operations.swap_overrides(rows, audit)
            except OverrideChanged:
                continue
            await self._live.refresh()
            log.info("a setting was changed", key=key, by=actor)
            return

    # -- looking -------------------------------------------------------------------------------------

    def _priced(self, settings: Settings) -> Settings:
        """The same with all prices of what is on offer, wherever they are from."""
        catalog, offered = self._live.catalog_of(settings), self._offer.operations()
        rows = {"models": [catalog.model(model) for model in self._offer.models()]}
        for section in ("images", "services"):
            rows[section] = [row for row in catalog.section(section) if offered.intersection(row.operations)]
        tables = {name: {row.id: prices_of(row) for row in section} for name, section in rows.items()}
        return settings.model_copy(update={"prices": PriceTables().model_copy(update=tables)})

    def _find(self, key: str) -> Setting:
        found = find_setting(self._priced(self._live.now), read_key(key))
        if found is None:
            raise UserError("error.setting.unknown", setting=key)
        return found

    def _state(self, setting: Setting, configured: Settings) -> SettingState:
        key = write_key(setting.path)
        default = find_setting(configured, setting.path)
        override = self._live.overrides.get(key)
        return SettingState(
            setting=setting,
            value=write_value(setting.value),
            default=write_value(None if default is None else default.value),
            is_overridden=override is not None and override.value is not None,
            version=self._version(key),
        )

    def _version(self, key: str) -> int:
        override = self._live.overrides.get(key)
        return 0 if override is None else override.version

    def _validated(self, state: SettingState, value: object) -> object:
        path = read_key(state.key)
        try:
            changed = find_setting(self._live.with_value(path, value), path)
        except ValidationError:
            raise state.setting.form.error from None
        except ValueError as error:
            raise UserError("error.setting.unfit", problem=str(error)) from None
        return None if changed is None else changed.value
