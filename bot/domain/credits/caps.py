"""How much of Kling's own units may be spent, by the whole bot and at a provider, by day and month. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from bot.domain.credits.quota import Windows
from bot.domain.requests.operations import Pack
from bot.domain.types import Credits, ProviderName
from bot.errors import UserError

UNITS_PER_CREDIT = 0.1
"""What a credit is taken to cost while the provider has not told."""

IMAGE_UNITS = 40
"""Units of the pack for pictures that are worth one of video (kling.ai/document-api, pricing of images, 2026)."""

TOLERANCE = 1e-9

NEAR_UNITS = 0.05
"""Units by which a provider's deduction may differ from the price: half a credit is a matter of rounding."""


class Window(StrEnum):
    """What a cap is for."""

    DAY = "day"
    MONTH = "month"


class Level(StrEnum):
    """How near spending is to a cap."""

    WARNED = "warned"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that may be spent, in Kling's units; None: no limit."""

    daily: float | None = None
    monthly: float | None = None

    def __bool__(self) -> bool:
        """Whether there is a limit."""
        return self.daily is not None or self.monthly is not None

    def of(self, window: Window) -> float | None:
        """The cap of a day or a month."""
        return self.daily if window is Window.DAY else self.monthly


NO_CAPS = Caps()


class Capped(BaseModel):
    """Settings of what is capped, in Kling's own units; absent: no limit."""

    daily_units: Annotated[float, Field(ge=0, le=10_000_000)] | None = None
    monthly_units: Annotated[float, Field(ge=0, le=100_000_000)] | None = None

    @property
    def caps(self) -> Caps:
        """The limits of a day and a month."""
        return Caps(self.daily_units, self.monthly_units)


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent in Kling's units in the day and the month of some windows, what runs included.

    `told` is the part of the month whose cost the provider told, `told_credits` what was charged for that; of these
    `told_tasks` the provider took something else than the price stands for in `differing`.
    """

    day: float = 0
    month: float = 0
    told: float = 0
    told_credits: int = 0
    told_tasks: int = 0
    differing: int = 0

    def of(self, window: Window) -> float:
        """What was spent in a day or a month."""
        return self.day if window is Window.DAY else self.month

    @property
    def drift(self) -> float | None:
        """How much more the provider took than the credits stand for: 0.1 is ten percent; None: not known."""
        charged = self.told_credits * UNITS_PER_CREDIT
        return None if not charged else self.told / charged - 1


NOTHING = Spent()


def total(spent: Iterable[Spent]) -> Spent:
    """Everything together."""
    parts = list(spent)
    return Spent(
        sum(part.day for part in parts),
        sum(part.month for part in parts),
        sum(part.told for part in parts),
        sum(part.told_credits for part in parts),
        sum(part.told_tasks for part in parts),
        sum(part.differing for part in parts),
    )


def video_units(cost: str | None, pack: Pack) -> str | None:
    """What a provider says that something cost, in units of video: pictures are told in their own, 40 to one."""
    if cost is None or pack is not Pack.IMAGE:
        return cost
    return f"{float(cost) / IMAGE_UNITS:.6g}"


def estimate(price: Credits) -> float:
    """What something of this price is likely to cost, in Kling's units."""
    return price * UNITS_PER_CREDIT


def deductions(told: Iterable[tuple[Credits, float]]) -> Spent:
    """Prices beside what a provider took for each (Kling's units), summed up."""
    pairs = list(told)
    return Spent(
        told=sum(units for _, units in pairs),
        told_credits=sum(price for price, _ in pairs),
        told_tasks=len(pairs),
        differing=sum(abs(units - estimate(price)) > NEAR_UNITS for price, units in pairs),
    )


def left(caps: Caps, spent: Spent) -> float:
    """What can still be spent, in Kling's units."""
    rest = [limit - spent.of(window) for window in Window if (limit := caps.of(window)) is not None]
    return min(rest, default=float("inf"))


def within(caps: Caps, spent: Spent, price: Credits, window: Windows) -> None:
    """Let pass what the caps still hold.

    Raises:
        UserError: it is more than that; with the moment when there is more.

    """
    for kind, resets_at in ((Window.MONTH, window.month_end), (Window.DAY, window.day_end)):
        limit = caps.of(kind)
        if limit is not None and spent.of(kind) + estimate(price) > limit + TOLERANCE:
            raise UserError("error.spending", resets_at=resets_at)


def level(limit: float, spent: float, warn_percent: int) -> Level | None:
    """How near spending is to a cap; None: far enough."""
    if spent >= limit - TOLERANCE:
        return Level.STOPPED
    return Level.WARNED if spent * 100 >= limit * warn_percent - TOLERANCE else None


def too_little_left(price: Credits, left_at: Mapping[ProviderName, float]) -> tuple[ProviderName, ...]:
    """The providers whose caps no longer hold something of this price."""
    return tuple(name for name, units in left_at.items() if units + TOLERANCE < estimate(price))
