"""Plans that people pay for every month in Telegram Stars, and what becomes of each subscription. Pure."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import ConfigDict, Field

from bot.domain.credits.shop import CURRENCY, OFFER_HOLDS
from bot.domain.units import DAY, SECOND, Credits, Millis, UserId
from bot.errors import UserError

PERIOD_SECONDS = 2_592_000
"""30 days: the only period that Telegram takes (Bot API, createInvoiceLink, subscription_period)."""

PERIOD = Millis(PERIOD_SECONDS * SECOND)

GRACE = DAY
"""How long after its end a subscription still counts: the next payment may be told late."""


@dataclass(frozen=True, slots=True)
class MonthlyPlan:
    """What can be subscribed to: a plan, with some credits each month that end with it, for so many Stars."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,16}$")]
    plan: str
    credits: Annotated[Credits, Field(ge=0, le=10_000_000)] = Credits(0)
    stars: Annotated[int, Field(ge=1, le=10_000)] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One person's subscription, from the moment it was offered; its `token` is all that Telegram is told of it.

    `charge_id` is Telegram's id of the first payment, `paid_until` the end of what is paid (None: nothing yet).
    Whether it `renews` is what Telegram or the person said last.
    """

    token: str
    user_id: UserId
    monthly: MonthlyPlan
    offered_at: Millis
    charge_id: str | None = None
    paid_until: Millis | None = None
    renews: bool = False

    def is_active(self, now: Millis) -> bool:
        """Whether the person has what they subscribed to."""
        return self.paid_until is not None and self.paid_until + GRACE > now


def check_subscribing(
    subscription: Subscription,
    current: Subscription | None,
    user_id: UserId,
    currency: str,
    stars: int,
    now: Millis,
) -> None:
    """Let somebody pay for what they were offered, or for the next month of it.

    Raises:
        UserError: it was offered to somebody else or too long ago, it is not what was offered, or the
            person has another subscription.

    """
    if subscription.user_id != user_id:
        raise UserError("error.buy.not_yours")
    if currency != CURRENCY or stars != subscription.monthly.stars:
        raise UserError("error.buy.old")
    if current is not None and current.token != subscription.token:
        raise UserError("error.buy.subscribed")
    if subscription.paid_until is None and now - subscription.offered_at > OFFER_HOLDS:
        raise UserError("error.buy.old")
