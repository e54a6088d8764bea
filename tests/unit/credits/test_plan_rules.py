"""What a plan holds, what it carries over, and until when something holds."""

from zoneinfo import ZoneInfo

import pytest

from bot.domain.credits.plans import check, clamp
from bot.domain.credits.quota import Plan, Usage, allowance_left, read_until, windows
from bot.domain.requests.choices import Preferences
from bot.domain.requests.operations import Operation
from bot.domain.types import DAY, HOUR, Credits, Millis
from bot.errors import UserError
from tests.builders import NOW, a_request

PLAN = Plan(name="pro", models=("kling-v2-6",), max_duration=5)
PHOTOS = PLAN.model_copy(update={"operations": (Operation.IMAGE_TO_VIDEO,)})
UTC_ZONE = ZoneInfo("UTC")


def test_what_a_plan_holds_is_let_through():
    check(PLAN, a_request(model="kling-v2-6", duration=5))


@pytest.mark.parametrize(
    ("plan", "changes", "key", "told"),
    [
        (PLAN, {"model": "kling-v1"}, "error.plan.model", ("models", "kling-v2-6")),
        (PLAN, {"duration": 10}, "error.plan.duration", ("limit", 5)),
        (PHOTOS, {}, "error.plan.operation", None),
    ],
)
def test_what_a_plan_does_not_hold_is_refused_with_what_it_holds(plan, changes, key, told):
    with pytest.raises(UserError) as raised:
        check(plan, a_request(**changes))
    assert raised.value.key == key
    assert told is None or told in raised.value.params.items()


def test_who_says_nothing_gets_what_their_plan_holds():
    wanted = Preferences(model="kling-v1", duration=10)
    assert clamp(PLAN, wanted) == Preferences(model="kling-v2-6", duration=5)
    assert clamp(Plan(name="free"), wanted) == wanted


@pytest.mark.parametrize(
    ("before", "left"), [(None, 10), (Credits(0), 20), (Credits(4), 16), (Credits(10), 10), (Credits(15), 10)]
)
def test_what_yesterday_left_over_comes_on_top_once(before, left):
    usage = Usage(Credits(0), Credits(0), Credits(0), Credits(0), 0, spent_day_before=before)
    assert allowance_left(Plan(name="a plan", daily_credits=10, carry_over=True), usage) == left
    assert allowance_left(Plan(name="a plan", daily_credits=10), usage) == 10


def test_the_windows_before_end_where_these_begin_on_every_hour_of_a_year_with_clock_changes():
    zone = ZoneInfo("Europe/Berlin")
    for hour in range(0, 366 * 24, 3):
        now = Millis(NOW + hour * HOUR)
        window = windows(now, zone)
        yesterday = windows(Millis(window.day_start - 1), zone)
        last_month = windows(Millis(window.month_start - 1), zone)
        assert (yesterday.day_start, yesterday.day_end) == (window.day_before, window.day_start)
        assert (last_month.month_start, last_month.month_end) == (window.month_before, window.month_start)


def test_a_day_or_a_number_of_days_is_read():
    assert read_until("30d", NOW, UTC_ZONE) == NOW + 30 * DAY
    assert read_until("2026-01-03", NOW, UTC_ZONE) == NOW + 2 * DAY
    assert read_until("2026-01-03", NOW, ZoneInfo("Asia/Shanghai")) == NOW + 2 * DAY - 8 * HOUR


@pytest.mark.parametrize("text", ["tomorrow", "2026-02-30", "2025-12-31", "0d", "", "１２d"])
def test_what_is_no_day_in_the_future_is_refused(text):
    with pytest.raises(UserError) as raised:
        read_until(text, NOW, UTC_ZONE)
    assert raised.value.key == "error.admin.until"
