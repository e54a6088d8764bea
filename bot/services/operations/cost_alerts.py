"""Tells the admins once of what Kling charged and nobody here asked for, and of each model whose price has changed."""

from collections import Counter

from pydantic import BaseModel

from bot.clock import Clock
from bot.domain.operations.charges import Drift
from bot.domain.types import HOUR, Millis
from bot.services.operations.accounting import CostReport, Costs
from bot.services.ports import Operators
from bot.store import Store

TOLD_KEY = "costs.told"
DAYS = 30
SETTLED = Millis(HOUR)
"""A charge that is younger may be for a task whose answer is still looked for."""


class _Told(BaseModel):
    """What the admins know: all charges of before `until`, and some drifts. `read` is what of each accounting was read then."""

    read: dict[str, int] = {}
    until: int = 0
    drifts: list[str] = []


class CostAlerts:
    """Looks at the charges when an accounting was read to its end, and tells what is new."""

    def __init__(self, *, store: Store, costs: Costs, operators: Operators, clock: Clock) -> None:
        self._store = store
        self._costs = costs
        self._operators = operators
        self._clock = clock

    async def tick(self) -> None:
        """Tell of what has come since the last reading."""
        kept = await self._store.operations.get_setting(TOLD_KEY)
        told = _Told() if kept is None else _Told.model_validate_json(kept)
        read = await self._costs.list_readings()
        if read == told.read:
            return
        report = await self._costs.report(DAYS)
        until = max(told.until, self._clock.now() - SETTLED)
        drifts = {_name(drift): drift for drift in report.drifts}
        # Kept first: an alert that is lost in a crash still stands in `/costs`, one that comes at each start is noise.
        await self._keep(_Told(read=read, until=until, drifts=list(drifts)))
        await self._tell_unmatched(report, told.until, until)
        for name in drifts.keys() - set(told.drifts):
            await self._tell_drift(name, drifts[name])

    async def _keep(self, told: _Told) -> None:
        await self._store.operations.set_setting(TOLD_KEY, told.model_dump_json())

    async def _tell_unmatched(self, report: CostReport, since: int, until: int) -> None:
        # The faces of a video are looked for before anybody decides to have it speak.
        numbers = Counter(
            charge.provider
            for charge in report.unmatched
            if since < charge.charged_at <= until and not charge.is_call
        )
        for provider, number in numbers.items():
            await self._operators.alert_once(
                "alert.costs.unmatched", str(until), provider=provider, number=number
            )

    async def _tell_drift(self, name: str, drift: Drift) -> None:
        await self._operators.alert_once(
            "alert.costs.drift",
            name,
            provider=drift.provider,
            model=f"{drift.model} ({drift.variant})",
            listed=f"{drift.listed:g}",
            charged=f"{drift.charged:g}",
        )


def _name(drift: Drift) -> str:
    """What tells a drift from the others; another price is another one."""
    return f"{drift.provider} {drift.operation} {drift.model} {drift.variant} {drift.charged:g}"
