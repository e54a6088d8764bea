"""Keeps the pool informed of how exchanges with providers end, and tells the operators what they must know."""

from bot.domain.units import ProviderName
from bot.kling import outcomes
from bot.kling.pool import Pool
from bot.services.ports import Operators

_ALERTS: dict[type[outcomes.ProviderError], str] = {
    outcomes.Unauthorized: "alert.provider.unauthorized",
    outcomes.OutOfBalance: "alert.provider.balance",
}


class Watch:
    """Notes every exchange, whoever made it, so that a fault is told once and not forgotten."""

    def __init__(self, pool: Pool, operators: Operators) -> None:
        self._pool = pool
        self._operators = operators

    async def note(self, provider: ProviderName, error: outcomes.ProviderError | None) -> None:
        """Remember how an exchange ended (None: well), and tell the operators where it is news."""
        if self._pool.note(provider, error) and error is not None:
            key = _ALERTS.get(type(error), "alert.provider.unavailable")
            await self._operators.alert_operators(key, provider=provider, detail=error.message)
