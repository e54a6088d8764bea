"""Who may spend what: windows, allowances, whether a hold is possible, and what a grant says. Pure."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.requests.operations import Operation
from bot.domain.types import DAY, Credits, Millis, to_millis
from bot.errors import UserError


class PlanConfig(BaseModel):
    """What users of a plan may spend without being granted anything, and ask for; None: no such limit.

    A plan without both credits has no allowance: only granted and bought credits can be spent. With `carry_over`
    what was not spent of a window's credits comes on top of the next one's, once. `max_running` is how many
    tasks run at a time; `max_waiting` more may wait for these. `max_duration` is in seconds; no `models` or `operations` means all. In line the greater
    `priority` goes first. `requests_per_minute` of 0 is the rate that holds for everybody.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily_credits: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    monthly_credits: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    max_running: Annotated[int, Field(ge=1, le=1000)] = 3
    max_waiting: Annotated[int, Field(ge=0, le=1000)] = 10
    carry_over: bool = False
    max_duration: Annotated[int, Field(ge=1, le=60)] = 60
    models: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    priority: Annotated[int, Field(ge=0, le=1000)] = 0
    requests_per_minute: Annotated[int, Field(ge=0, le=1000)] = 0


class Plan(PlanConfig):
    """The same under its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Windows:
    """The day and the month around the moment `now` in the operator's time zone, as half-open UTC intervals.

    `day_before` and `month_before` are where the windows begin that end where these begin.
    """

    day_start: Millis
    day_end: Millis
    month_start: Millis
    month_end: Millis
    day_before: Millis
    month_before: Millis
    now: Millis = field(compare=False)


class PoolUse(StrEnum):
    """Who pays for a video that is made in a group."""

    FIRST = "first"
    """The group's own pool where it holds the whole price, else the person."""
    ONLY = "only"
    """The pool alone."""
    OFF = "off"
    """The person alone."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Credits of one grant or purchase: how many are `left`, and until when they can be spent; None: for good."""

    left: Credits
    expires_at: Millis | None
    id: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What the ledger says of a user at a moment.

    `balance` is the granted credits left, `held` what is reserved for tasks that are `running` or wait; `day_spent` and
    `month_spent` are the allowance used in the current windows, holds included; `spent_day_before` and
    `spent_month_before` in the windows before these, None where the user was not there yet.
    """

    balance: Credits
    held: Credits
    day_spent: Credits
    month_spent: Credits
    running: int
    spent_day_before: Credits | None = None
    spent_month_before: Credits | None = None


def windows(now: Millis, zone: ZoneInfo) -> Windows:
    """Find the day and the month that `now` lies in; a day may have 23 or 25 hours."""
    local = datetime.fromtimestamp(now / 1000, zone)
    day = datetime(local.year, local.month, local.day, tzinfo=zone)
    following = day.date() + timedelta(days=1)
    month = day.replace(day=1)
    next_month = (month.date().replace(day=28) + timedelta(days=4)).replace(day=1)
    previous = day.date() - timedelta(days=1)
    last_month = (month.date() - timedelta(days=1)).replace(day=1)
    return Windows(
        day_start=to_millis(day),
        day_end=to_millis(datetime(following.year, following.month, following.day, tzinfo=zone)),
        month_start=to_millis(month),
        month_end=to_millis(datetime(next_month.year, next_month.month, next_month.day, tzinfo=zone)),
        day_before=to_millis(datetime(previous.year, previous.month, previous.day, tzinfo=zone)),
        month_before=to_millis(datetime(last_month.year, last_month.month, last_month.day, tzinfo=zone)),
        now=now,
    )


def day_limit(plan: Plan, usage: Usage) -> int | None:
    """What may be spent of the plan today, with what yesterday left over; None where there is no such limit."""
    return _with_rest(plan, plan.daily_credits, usage.spent_day_before)


def month_limit(plan: Plan, usage: Usage) -> int | None:
    """The same for this month."""
    return _with_rest(plan, plan.monthly_credits, usage.spent_month_before)


def _with_rest(plan: Plan, limit: int | None, spent_before: Credits | None) -> int | None:
    if limit is None or not plan.carry_over or spent_before is None:
        return limit
    return limit + max(0, limit - spent_before)


def allowance_left(plan: Plan, usage: Usage) -> Credits:
    """What of the plan's windows can still be spent today."""
    day, month = day_limit(plan, usage), month_limit(plan, usage)
    left = []
    if day is not None:
        left.append(day - usage.day_spent)
    if month is not None:
        left.append(month - usage.month_spent)
    return Credits(max(0, min(left))) if left else Credits(0)


def available(plan: Plan, usage: Usage) -> Credits:
    """Everything that can be spent now: the allowance left and the granted balance."""
    return Credits(allowance_left(plan, usage) + max(0, usage.balance))


def resets_at(plan: Plan, usage: Usage, window: Windows) -> Millis | None:
    """When more can be spent without anybody's grant, or None where the plan has no window."""
    day, month = day_limit(plan, usage), month_limit(plan, usage)
    if day is None:
        return None if month is None else window.month_end
    if month is None:
        return window.day_end
    # What is scarcer decides: another day brings nothing where the month is nearly used up.
    month_is_scarcer = month - usage.month_spent <= day - usage.day_spent
    return window.month_end if month_is_scarcer else window.day_end


LINE_FULL = "error.quota.line_full"
"""The error of whoever has as many tasks under way as their plan lets run and wait."""


def may_hold(price: Credits, plan: Plan, usage: Usage, window: Windows, number: int = 1) -> Credits:
    """Decide whether `price` of so many tasks can be held, and say how much of it the plan's allowance bears.

    The allowance is spent first, for it lapses; granted credits stay.

    Raises:
        UserError: too many tasks run and wait (`LINE_FULL`), or too little is left; with the figures and the
            moment of the next reset.

    """
    if usage.running + number > plan.max_running + plan.max_waiting:
        raise UserError(LINE_FULL, limit=plan.max_running + plan.max_waiting)
    from_allowance = min(price, allowance_left(plan, usage))
    if price - from_allowance > max(0, usage.balance):
        raise UserError(
            "error.quota.credits",
            price=price,
            available=available(plan, usage),
            resets_at=resets_at(plan, usage, window),
        )
    return Credits(from_allowance)


def pool_pays(price: Credits, use: PoolUse, left: Credits) -> bool:
    """Decide whether a group's pool, with so much left, pays the whole of a price; it never pays a part.

    Raises:
        UserError: nobody else may, and it is too little.

    """
    if use is PoolUse.OFF:
        return False
    if left >= price:
        return True
    if use is PoolUse.ONLY:
        raise UserError("error.group.pool", price=price, available=left)
    return False


def within_group_budget(price: Credits, limit: int, spent: Credits, window: Windows) -> None:
    """Let pass what everybody in a group may still spend together today.

    Raises:
        UserError: it is more than that; with what is left and the moment of the next day.

    """
    left = max(0, limit - spent)
    if price > left:
        raise UserError("error.group.budget", price=price, available=left, resets_at=window.day_end)


LONGEST_DAYS = 36_500


def read_until(text: str, now: Millis, zone: ZoneInfo) -> Millis:
    """Read until when something holds: `30d` from now, or `2027-01-31`, the beginning of that day in `zone`.

    Raises:
        UserError: it is neither, or not in the future.

    """
    moment = _moment(text, now, zone)
    if moment is None or moment <= now:
        raise UserError("error.admin.until", text=text)
    return moment


def _moment(text: str, now: Millis, zone: ZoneInfo) -> Millis | None:
    days = re.fullmatch(r"(\d{1,5})d", text, re.ASCII)
    if days is not None:
        return Millis(now + min(int(days[1]), LONGEST_DAYS) * DAY)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        return None
    return to_millis(local)
