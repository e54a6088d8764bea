"""Promo codes for those who redeem them; admins make them by `bot.services.operations.actions_on_promos`."""

import structlog

from bot.clock import Clock
from bot.domain.credits.promos import PromoCode, PromoProblem, Redeemed
from bot.domain.types import HOUR, UserId
from bot.errors import UserError
from bot.services.people.limits import Rate
from bot.store import PromoRefused, Store

log = structlog.get_logger(__name__)

WRONG_CODES = 5
"""So many codes that there are not, and a person waits for an hour: codes cannot be guessed."""

LONGEST_CODE = 64
"""Characters of what may be a code; what admins make is shorter."""


class Promos:
    """Lists promo codes, and gives people their credits."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._wrong_codes: Rate[UserId] = Rate(clock, HOUR)

    async def list_valid(self, limit: int = 20) -> list[PromoCode]:
        """The codes that have not ended."""
        return await self._store.promos.list_valid(self._clock.now(), limit)

    async def redeem(self, user_id: UserId, code: str, idempotency_key: str) -> Redeemed:
        """Give a person the credits of a code, once; whether they may use the bot is asked before.

        Raises:
            UserError: the code gives them nothing, or they tried too many wrong ones.

        """
        if seconds := self._wrong_codes.wait(user_id, WRONG_CODES):
            raise UserError("error.promo.too_many", minutes=-(-seconds // 60))
        cleaned, now = code.strip().casefold()[:LONGEST_CODE], self._clock.now()
        try:
            redeemed = await self._store.promos.redeem(cleaned, user_id, now, idempotency_key)
        except PromoRefused as refused:
            if refused.problem is PromoProblem.UNKNOWN:
                self._wrong_codes.count(user_id)
            raise UserError(f"error.promo.{refused.problem}") from None
        log.info("a promo code was redeemed", user=user_id, credits=redeemed.credits)
        return redeemed
