from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.credits.quota import Plan, Usage, allowance_left, available, may_hold, resets_at, windows
from bot.domain.types import DAY, HOUR, Credits, Millis
from bot.errors import UserError
from tests.builders import NOW, a_window

# Clocks that change at midnight, by half an hour, or that have skipped a whole day, among others.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Havana",
    "America/Los_Angeles",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Shanghai",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
)
MOMENTS = st.integers(946_684_800_000, 4_102_444_800_000).map(Millis)
"""2000 to 2100."""

AMOUNTS = st.integers(0, 1000)
USAGES = st.builds(Usage, st.integers(-1000, 1000), AMOUNTS, AMOUNTS, AMOUNTS, running=st.integers(0, 9))
PLANS = st.builds(
    Plan,
    name=st.just("a plan"),
    daily_credits=st.none() | AMOUNTS,
    monthly_credits=st.none() | AMOUNTS,
    max_running=st.integers(1, 9),
    max_waiting=st.integers(0, 2),
)


def used(*, balance=0, held=0, day=0, month=0, running=0) -> Usage:
    return Usage(Credits(balance), Credits(held), Credits(day), Credits(month), running)


def local(moment: int, zone: str) -> datetime:
    return datetime.fromtimestamp(moment / 1000, ZoneInfo(zone))


# -- windows -----------------------------------------------------------------------------------------


@given(MOMENTS, st.sampled_from(ZONES))
def test_every_moment_lies_in_its_day_and_its_month(now, zone):
    window = windows(now, ZoneInfo(zone))
    assert window.month_start <= window.day_start <= now < window.day_end <= window.month_end


@given(MOMENTS, st.sampled_from(ZONES))
def test_the_day_is_the_one_that_the_calendar_on_the_wall_shows(now, zone):
    window = windows(now, ZoneInfo(zone))
    today = local(now, zone).date()
    assert local(window.day_start, zone).date() == today
    assert local(window.day_end - 1, zone).date() == today
    assert local(window.day_end, zone).date() > today
    assert local(window.month_start, zone).date() == today.replace(day=1)
    last = local(window.month_end - 1, zone).date()
    assert (last.month, (last + timedelta(days=1)).day) == (today.month, 1)


@given(MOMENTS, st.sampled_from(ZONES))
def test_days_follow_each_other_without_a_gap(now, zone):
    today = windows(now, ZoneInfo(zone))
    tomorrow = windows(today.day_end, ZoneInfo(zone))
    assert tomorrow.day_start == today.day_end
    assert windows(Millis(today.day_end - 1), ZoneInfo(zone)) == today


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 7, 1), 24)])
def test_a_day_has_23_or_25_hours_when_the_clocks_change(day, hours):
    noon = Millis(int(datetime(*day, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000))
    window = windows(noon, ZoneInfo("Europe/Berlin"))
    assert window.day_end - window.day_start == hours * HOUR


def test_a_leap_february_has_29_days():
    window = a_window(Millis(NOW + (365 * 2 + 31) * DAY))
    assert window.month_end - window.month_start == 29 * DAY


# -- allowances --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("daily", "monthly", "day", "month", "left"),
    [
        (None, None, 0, 0, 0),
        (10, None, 4, 400, 6),
        (None, 100, 4, 40, 60),
        (10, 100, 4, 40, 6),
        (10, 100, 4, 97, 3),
        (10, 100, 12, 40, 0),
        (0, 100, 0, 0, 0),
    ],
)
def test_the_tighter_window_decides(daily, monthly, day, month, left):
    assert (
        allowance_left(
            Plan(name="a plan", daily_credits=daily, monthly_credits=monthly), used(day=day, month=month)
        )
        == left
    )


def test_a_debt_takes_nothing_from_the_allowance():
    assert available(Plan(name="a plan", daily_credits=10), used(balance=-5)) == 10


@pytest.mark.parametrize(
    ("plan", "usage", "expected"),
    [
        (Plan(name="granted"), used(), None),
        (Plan(name="daily", daily_credits=10), used(day=10), "day"),
        (Plan(name="monthly", monthly_credits=10), used(month=3), "month"),
        (Plan(name="both", daily_credits=10, monthly_credits=100), used(day=10, month=50), "day"),
        (Plan(name="both", daily_credits=10, monthly_credits=100), used(day=10, month=100), "month"),
    ],
)
def test_more_can_be_spent_when_the_used_window_ends(plan, usage, expected):
    window = a_window()
    ends = {None: None, "day": window.day_end, "month": window.month_end}
    assert resets_at(plan, usage, window) == ends[expected]


# -- holding -----------------------------------------------------------------------------------------


@given(AMOUNTS, PLANS, USAGES)
def test_a_hold_never_exceeds_what_is_available(price, plan, usage):
    too_many = usage.running >= plan.max_running + plan.max_waiting
    if too_many or price > available(plan, usage):
        with pytest.raises(UserError) as refused:
            may_hold(Credits(price), plan, usage, a_window())
        assert refused.value.key == ("error.quota.line_full" if too_many else "error.quota.credits")
    else:
        from_allowance = may_hold(Credits(price), plan, usage, a_window())
        assert 0 <= from_allowance <= allowance_left(plan, usage)
        assert price - from_allowance <= max(0, usage.balance)


@given(AMOUNTS, PLANS, USAGES)
def test_granted_credits_are_touched_only_when_the_allowance_is_used_up(price, plan, usage):
    try:
        from_allowance = may_hold(Credits(price), plan, usage, a_window())
    except UserError:
        return
    assert from_allowance == min(price, allowance_left(plan, usage))


def test_the_last_credit_can_be_held():
    assert may_hold(Credits(10), Plan(name="a plan", daily_credits=10), used(), a_window()) == 10


def test_a_refusal_tells_the_figures_and_when_there_is_more():
    window = a_window()
    with pytest.raises(UserError) as refused:
        may_hold(Credits(20), Plan(name="a plan", daily_credits=10), used(balance=5, day=3), window)
    assert refused.value.key == "error.quota.credits"
    assert refused.value.params == {"price": 20, "available": 12, "resets_at": window.day_end}


def test_a_refusal_for_too_many_tells_how_many():
    with pytest.raises(UserError) as refused:
        may_hold(
            Credits(1),
            Plan(name="a plan", daily_credits=10, max_running=2, max_waiting=3),
            used(running=5),
            a_window(),
        )
    assert (refused.value.key, refused.value.params) == ("error.quota.line_full", {"limit": 5})
