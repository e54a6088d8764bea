"""What can be bought for Telegram Stars, once or every month, what was offered to whom, and what was paid. Pure."""

import random
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from bot.domain.types import DAY, SECOND, AccountId, Credits, Millis, UserId
from bot.errors import UserError

_PURCHASE = "stars:"
_UNDONE = ":undone:"
_LOT = re.compile(rf"{_PURCHASE}(.+?)(?:{_UNDONE}\d+)?", re.DOTALL)

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
    `subscription` (its token) is `paid_until` then. It was surely refunded at `refunded_at`.
    """

    charge_id: str
    account: AccountId
    credits: Credits
    stars: int
    paid_at: Millis
    state: PaymentState = PaymentState.PAID
    taken: Credits = Credits(0)
    refunds: int = 0
    subscription: str | None = None
    paid_until: Millis | None = None
    refunded_at: Millis | None = None

    @property
    def is_understood(self) -> bool:
        """Whether anybody knows what the Stars were paid for."""
        return self.credits > 0 or self.subscription is not None

    @property
    def idempotency_key(self) -> str:
        """The name of the purchase in the ledger."""
        return f"{_PURCHASE}{self.charge_id}"

    @property
    def lots(self) -> tuple[str, ...]:
        """The lots of its credits: its own, and one for each refund that was begun, which undoing that makes."""
        return (
            self.idempotency_key,
            *(f"{self.idempotency_key}{_UNDONE}{number}" for number in range(1, self.refunds + 1)),
        )


def charge_of(lot: str) -> str | None:
    """The charge id of the payment that a lot is of (see `Payment.lots`); None: it was not bought."""
    found = _LOT.fullmatch(lot)
    return None if found is None else found[1]


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund that Telegram reports: the payment as it is now, and its state before; None: it was not known.

    `actor` is the admin who began the refund here; None: nobody did.
    """

    payment: Payment
    before: PaymentState | None
    actor: UserId | None = None

    @property
    def is_news(self) -> bool:
        """Whether it was not known before."""
        return self.before is not PaymentState.REFUNDED


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
