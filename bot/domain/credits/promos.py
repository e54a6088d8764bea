"""Promo codes: whoever redeems one gets credits, once. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.types import DAY, Credits, Millis


@dataclass(frozen=True, slots=True)
class PromoCode:
    """A code that gives `credits` to so many people (`uses`), each once, until `ends_at`.

    What it gives can be spent for so many `days` from when it is redeemed; None: for good.
    """

    code: str
    credits: Credits
    uses: int
    used: int
    ends_at: Millis
    days: int | None
    created_at: Millis


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a person got by a code, and until when they can spend it; None: for good."""

    credits: Credits
    expires_at: Millis | None


class PromoProblem(StrEnum):
    """Why a code gives nothing."""

    UNKNOWN = "unknown"
    ENDED = "ended"
    USED_UP = "used_up"
    REDEEMED = "redeemed"
    """The same person has redeemed it before."""


def problem_with(promo: PromoCode | None, now: Millis) -> PromoProblem | None:
    """Why a code cannot be redeemed now by whoever has not; None where it can."""
    if promo is None:
        return PromoProblem.UNKNOWN
    if promo.ends_at <= now:
        return PromoProblem.ENDED
    return PromoProblem.USED_UP if promo.used >= promo.uses else None


def redeemed_at(promo: PromoCode, now: Millis) -> Redeemed:
    """What a code gives whoever redeems it now."""
    return Redeemed(promo.credits, None if promo.days is None else Millis(now + promo.days * DAY))
