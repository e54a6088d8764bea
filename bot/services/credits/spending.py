"""Hold what the bot spends at Kling below the operator's caps, warn the admins before, and tell what it was."""

from collections.abc import Mapping

import structlog

from bot.clock import Clock
from bot.domain.credits.caps import (
    NO_CAPS,
    NOTHING,
    Caps,
    Spent,
    Window,
    left,
    level,
    too_little_left,
    total,
    within,
)
from bot.domain.credits.quota import windows
from bot.domain.requests.request import GenerationRequest
from bot.domain.types import Credits, ProviderName
from bot.kling.pool import ProviderPool
from bot.services.people.accounts import Accounts
from bot.services.ports import Operators
from bot.settings import sections
from bot.store import Store

log = structlog.get_logger(__name__)

EVERYTHING = ""
"""The scope of the caps for the whole bot; the others are providers' names."""


class Spending:
    """Knows the caps of the whole bot and of each provider, and what was spent of them."""

    def __init__(
        self,
        *,
        store: Store,
        pool: ProviderPool,
        accounts: Accounts,
        clock: Clock,
        settings: sections.SpendingSettings,
        provider_caps: Mapping[ProviderName, Caps],
    ) -> None:
        self._store = store
        self._pool = pool
        self._accounts = accounts
        self._clock = clock
        self.caps = settings.caps
        self._provider_caps = {name: some for name, some in provider_caps.items() if some}
        self._warn_percent = settings.warn_percent

    async def at(self, provider: ProviderName) -> tuple[Spent, Caps]:
        """What was spent at a provider, and its caps."""
        spent = await self._spent()
        return spent.get(provider, NOTHING), self._provider_caps.get(provider, NO_CAPS)

    async def left(self) -> dict[ProviderName, float]:
        """What can still be spent at each provider that has caps, in Kling's units."""
        if not self._provider_caps:
            return {}
        spent = await self._spent()
        return {name: left(caps, spent.get(name, NOTHING)) for name, caps in self._provider_caps.items()}

    async def check(self, request: GenerationRequest, price: Credits) -> None:
        """Refuse what only such providers could do whose caps no longer hold it.

        The caps of the whole bot are checked by the store, in the transaction that accepts a task.

        Raises:
            UserError: with the moment when there is more.

        """
        out = too_little_left(price, await self.left())
        if not out or not self._pool.can_ever(request) or self._pool.can_ever(request, out):
            return
        spent = await self._spent()
        window = windows(self._clock.now(), self._accounts.zone)
        for name in out:
            within(self._provider_caps[name], spent.get(name, NOTHING), price, window)

    async def tick(self, operators: Operators) -> None:
        """Tell the admins once when a cap is near, and once when it is reached."""
        if not (self.caps or self._provider_caps):
            return
        spent = await self._spent()
        if self.caps:
            await self._tell(operators, EVERYTHING, self.caps, total(spent.values()))
        for name, caps in self._provider_caps.items():
            await self._tell(operators, name, caps, spent.get(name, NOTHING))

    async def _tell(self, operators: Operators, scope: str, caps: Caps, spent: Spent) -> None:
        now = windows(self._clock.now(), self._accounts.zone)
        for window, start in ((Window.DAY, now.day_start), (Window.MONTH, now.month_start)):
            limit = caps.of(window)
            reached = None if limit is None else level(limit, spent.of(window), self._warn_percent)
            if limit is None or reached is None:
                continue
            key, value = f"spending.{scope}.{window}", f"{start} {reached}"
            if await self._store.operations.get_setting(key) in {value, f"{start} stopped"}:
                continue
            await self._store.operations.set_setting(key, value)
            log.warning("a cap is near", scope=scope or "all", window=window, level=reached)
            whose = "bot" if scope == EVERYTHING else "provider"
            await operators.alert_operators(
                f"alert.spending.{whose}_{window}_{reached}",
                provider=scope,
                spent=f"{spent.of(window):g}",
                limit=f"{limit:g}",
            )

    async def _spent(self) -> Mapping[ProviderName | None, Spent]:
        return await self._store.credits.sum_spent_units(windows(self._clock.now(), self._accounts.zone))
