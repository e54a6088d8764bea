"""What Stars bring in, what credits move and what Kling takes: sums by day, provider, model or user. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.domain.operations.charges import CREDITS_OF_UNIT, VIDEO
from bot.domain.operations.records import start_of
from bot.domain.types import MINUTE, Millis

STEP = Millis(15 * MINUTE)
"""Clocks are put forward and back at whole quarters of an hour."""

_EPOCH = date(1970, 1, 1)


class Grouping(StrEnum):
    """What the lines of a report are for."""

    DAY = "day"
    PROVIDER = "provider"
    MODEL = "model"
    USER = "user"

    @property
    def has_stars(self) -> bool:
        """Whether what people pay belongs to a line: nobody pays for one provider or model."""
        return self in {Grouping.DAY, Grouping.USER}


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which the clocks were the same: from `since` to before `until` (UTC), `offset` ahead of UTC (ms)."""

    since: Millis
    until: Millis
    offset: Millis


def spans(days: Sequence[date], zone: ZoneInfo) -> list[Span]:
    """Split days that follow each other where the clocks of their zone are put forward or back."""
    starts: list[int] = []
    for day in days:
        start, end = start_of(day, zone), start_of(day + timedelta(days=1), zone)
        changes = _offset(start, zone) != _offset(end, zone)
        starts += range(start, end, STEP) if changes else [start]
    end = start_of(days[-1] + timedelta(days=1), zone)
    found: list[Span] = []
    for since, until in zip(starts, [*starts[1:], end], strict=True):
        offset = _offset(since, zone)
        goes_on = bool(found) and found[-1].offset == offset
        found.append(Span(found.pop().since if goes_on else Millis(since), Millis(until), offset))
    return found


def _offset(moment: int, zone: ZoneInfo) -> Millis:
    offset = datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone).utcoffset() or timedelta()
    return Millis(offset // timedelta(milliseconds=1))


@dataclass(frozen=True, slots=True)
class Sum:
    """What one table adds to a line: of a `day` (days since 1970), a `name` that is grouped by, and a provider.

    `untold` are the units of tasks that the accounting says nothing about. `amount` is what the accounting says, in
    units of a `product` or in a `currency`.
    """

    day: int
    name: str
    provider: str = ""
    stars_packages: int = 0
    stars_subscriptions: int = 0
    stars_refunded: int = 0
    credits_sold: int = 0
    credits_taken_back: int = 0
    credits_granted: int = 0
    credits_charged: int = 0
    credits_refunded: int = 0
    tasks: int = 0
    units: float = 0
    units_estimated: float = 0
    untold: float = 0
    product: str = ""
    currency: str = ""
    amount: float = 0


@dataclass(frozen=True, slots=True)
class Worth:
    """What a Star brings (0: not known) and what a unit costs by provider, in one currency."""

    currency: str
    star_value: float = 0
    unit_costs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BusinessLine:
    """Sums of one day, provider, model or user, or of all.

    `units` are of video, as told of the tasks or, in part (`units_estimated`), by their price. `charged_units` and
    `charged_money` (by currency) are what the accounts of the providers say. `revenue` and `cost` are in the currency
    of the settings; None: not known.
    """

    name: str
    stars_packages: int = 0
    stars_subscriptions: int = 0
    stars_refunded: int = 0
    credits_sold: int = 0
    credits_taken_back: int = 0
    credits_granted: int = 0
    credits_charged: int = 0
    credits_refunded: int = 0
    tasks: int = 0
    units: float = 0
    units_estimated: float = 0
    charged_units: float = 0
    charged_money: Mapping[str, float] = field(default_factory=dict)
    revenue: float | None = None
    cost: float | None = None

    @property
    def stars_net(self) -> int:
        """Stars that stay."""
        return self.stars_packages + self.stars_subscriptions - self.stars_refunded

    @property
    def margin(self) -> float | None:
        """What is left of the revenue."""
        return None if self.revenue is None or self.cost is None else self.revenue - self.cost

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened."""
        return self == BusinessLine(self.name, revenue=self.revenue, cost=self.cost)


@dataclass(frozen=True, slots=True)
class BusinessReport:
    """The lines of some days: of days all, the oldest first; else of what there is, the greatest first."""

    by: Grouping
    days: int
    lines: Sequence[BusinessLine]
    total: BusinessLine
    currency: str


_SUMMED = tuple({each.name for each in fields(Sum)} & {each.name for each in fields(BusinessLine)} - {"name"})


def put_together(sums: Sequence[Sum], by: Grouping, days: Sequence[date], worth: Worth) -> BusinessReport:
    """Sum up what the tables say."""
    named: dict[str, list[Sum]] = defaultdict(list)
    if by is Grouping.DAY:
        named |= {day.isoformat(): [] for day in days}
    for one in sums:
        day = _EPOCH + timedelta(days=one.day)
        named[day.isoformat() if by is Grouping.DAY else one.name].append(one)
    lines = [_line(name, some, worth, has_stars=by.has_stars) for name, some in named.items()]
    if by is not Grouping.DAY:
        lines.sort(key=lambda line: (-line.stars_net, -line.units, -line.charged_units, line.name))
    return BusinessReport(by, len(days), lines, _line("", sums, worth, has_stars=True), worth.currency)


def _line(name: str, sums: Sequence[Sum], worth: Worth, *, has_stars: bool) -> BusinessLine:
    money: dict[str, float] = defaultdict(float)
    for one in sums:
        if one.currency:
            money[one.currency] += one.amount
    summed = {key: sum(getattr(one, key) for one in sums) for key in _SUMMED}
    line = BusinessLine(
        name,
        charged_units=sum(_units(one) for one in sums),
        charged_money=dict(sorted(money.items())),
        cost=_cost(sums, money, worth),
        **summed,
    )
    is_known = has_stars and worth.star_value > 0
    return replace(line, revenue=line.stars_net * worth.star_value) if is_known else line


def _units(one: Sum) -> float:
    """Units of video that an accounting took; those of other packs by what they are worth, if that is known."""
    return 0 if one.currency else one.amount * CREDITS_OF_UNIT.get(one.product, 0) / CREDITS_OF_UNIT[VIDEO]


def _cost(sums: Iterable[Sum], money: Mapping[str, float], worth: Worth) -> float | None:
    """What Kling took, in money; None: it took what nobody knows the price of."""
    if any(amount and currency != worth.currency for currency, amount in money.items()):
        return None
    cost = money.get(worth.currency, 0.0)
    units: dict[str, float] = defaultdict(float)
    for one in sums:
        if one.amount and not one.currency and one.product not in CREDITS_OF_UNIT:
            return None
        units[one.provider] += one.untold + _units(one)
    for provider, number in units.items():
        price = worth.unit_costs.get(provider, 0)
        if number and not price:
            return None
        cost += number * price
    return cost
