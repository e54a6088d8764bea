"""Who may spend what: windows, allowances, and the decision whether a hold is possible. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.units import Credits, Millis
from bot.errors import UserError


@dataclass(frozen=True, slots=True)
class Plan:
    """What a user gets without being granted anything. None means that there is no allowance of the kind.

    A plan without any window has no allowance: only granted credits can be spent. `max_running` counts
    tasks that are not at their end.
    """

    name: str
    daily_credits: int | None = None
    monthly_credits: int | None = None
    max_running: int = 3


@dataclass(frozen=True, slots=True)
class Windows:
    """The day and the month around a moment in the operator's time zone, as half-open UTC intervals."""

    day_start: Millis
    day_end: Millis
    month_start: Millis
    month_end: Millis


@dataclass(frozen=True, slots=True)
class Usage:
    """What the ledger says of a user at a moment.

    `balance` is the granted credits left, `held` what is reserved for running tasks; `day_spent` and
    `month_spent` are the allowance used in the current windows, holds included.
    """

    balance: Credits
    held: Credits
    day_spent: Credits
    month_spent: Credits
    running: int


def windows(now: Millis, zone: ZoneInfo) -> Windows:
    """Find the day and the month that `now` lies in; a day may have 23 or 25 hours."""
    local = datetime.fromtimestamp(now / 1000, zone)
    day = datetime(local.year, local.month, local.day, tzinfo=zone)
    following = day.date() + timedelta(days=1)
    month = day.replace(day=1)
    next_month = (month.date().replace(day=28) + timedelta(days=4)).replace(day=1)
    return Windows(
        day_start=_millis(day),
        day_end=_millis(datetime(following.year, following.month, following.day, tzinfo=zone)),
        month_start=_millis(month),
        month_end=_millis(datetime(next_month.year, next_month.month, next_month.day, tzinfo=zone)),
    )


def _millis(moment: datetime) -> Millis:
    return Millis(int(moment.astimezone(UTC).timestamp() * 1000))


def allowance_left(plan: Plan, usage: Usage) -> Credits:
    """What of the plan's windows can still be spent today."""
    left = []
    if plan.daily_credits is not None:
        left.append(plan.daily_credits - usage.day_spent)
    if plan.monthly_credits is not None:
        left.append(plan.monthly_credits - usage.month_spent)
    return Credits(max(0, min(left))) if left else Credits(0)


def available(plan: Plan, usage: Usage) -> Credits:
    """Everything that can be spent now: the allowance left and the granted balance."""
    return Credits(allowance_left(plan, usage) + max(0, usage.balance))


def resets_at(plan: Plan, usage: Usage, window: Windows) -> Millis | None:
    """When more can be spent without anybody's grant, or None where the plan has no window."""
    if plan.daily_credits is None:
        return None if plan.monthly_credits is None else window.month_end
    if plan.monthly_credits is None:
        return window.day_end
    # What is scarcer decides: another day brings nothing where the month is nearly used up.
    month_is_scarcer = plan.monthly_credits - usage.month_spent <= plan.daily_credits - usage.day_spent
    return window.month_end if month_is_scarcer else window.day_end


def may_hold(price: Credits, plan: Plan, usage: Usage, window: Windows) -> Credits:
    """Decide whether `price` can be held, and say how much of it the plan's allowance bears.

    The allowance is spent first, for it lapses; granted credits stay.

    Raises:
        UserError: too many tasks are running, or too little is left; with the figures and the moment
            of the next reset.

    """
    if usage.running >= plan.max_running:
        raise UserError("error.quota.running", running=usage.running, limit=plan.max_running)
    from_allowance = min(price, allowance_left(plan, usage))
    if price - from_allowance > max(0, usage.balance):
        raise UserError(
            "error.quota.credits",
            price=price,
            available=available(plan, usage),
            resets_at=resets_at(plan, usage, window),
        )
    return Credits(from_allowance)


def within_group_budget(price: Credits, limit: int, spent: Credits, window: Windows) -> None:
    """Let pass what everybody in a group may still spend together today.

    Raises:
        UserError: it is more than that; with what is left and the moment of the next day.

    """
    left = max(0, limit - spent)
    if price > left:
        raise UserError("error.group.budget", price=price, available=left, resets_at=window.day_end)
