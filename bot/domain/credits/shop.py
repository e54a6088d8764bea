"""What can be bought for Telegram Stars, what was offered to whom, and what was paid."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from bot.domain.units import DAY, Credits, Millis, UserId
from bot.errors import UserError

CURRENCY = "XTR"
"""What Telegram calls its Stars."""

OFFER_HOLDS = DAY
"""How long an invoice can be paid: prices may change."""


TOKEN_BITS = 128


def new_token(rng: random.Random) -> str:
    """Draw the name of an offer, which nobody can guess: all that Telegram is told of it."""
    return f"{rng.getrandbits(TOKEN_BITS):032x}"


@dataclass(frozen=True, slots=True)
class Package:
    """So many credits for so many Stars."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,16}$")]
    credits: Annotated[Credits, Field(ge=1, le=10_000_000)]
    stars: Annotated[int, Field(ge=1, le=10_000)]


@dataclass(frozen=True, slots=True)
class Offer:
    """An invoice that was sent to somebody; its `token` is all that Telegram is told of it."""

    token: str
    user_id: UserId
    package: Package
    offered_at: Millis


class PaymentState(StrEnum):
    """What became of a payment."""

    PAID = "paid"
    REFUNDING = "refunding"
    """The credits are taken back; Telegram's answer is not known."""
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Payment:
    """Stars that arrived, under Telegram's own id.

    `taken` is how many credits a refund took back, `refunds` how often one was begun. A month of a
    `subscription` (its token) is `paid_until` then.
    """

    charge_id: str
    user_id: UserId
    credits: Credits
    stars: int
    paid_at: Millis
    state: PaymentState = PaymentState.PAID
    taken: Credits = Credits(0)
    refunds: int = 0
    subscription: str | None = None
    paid_until: Millis | None = None

    @property
    def is_understood(self) -> bool:
        """Whether anybody knows what the Stars were paid for."""
        return self.credits > 0 or self.subscription is not None

    @property
    def operation_id(self) -> str:
        """The name of the purchase in the ledger."""
        return f"stars:{self.charge_id}"


def check_payment(offer: Offer | None, user_id: UserId, currency: str, stars: int, now: Millis) -> None:
    """Let somebody pay what they were offered.

    Raises:
        UserError: it was offered to somebody else, or too long ago, or is not what was offered.

    """
    if offer is None or now - offer.offered_at > OFFER_HOLDS:
        raise UserError("error.buy.old")
    if offer.user_id != user_id:
        raise UserError("error.buy.not_yours")
    if currency != CURRENCY or stars != offer.package.stars:
        raise UserError("error.buy.old")
