"""When spending is too near a cap, and how far the provider's word is from the credits."""

import pytest

from bot.domain.credits.caps import (
    Caps,
    Level,
    Spent,
    deductions,
    left,
    level,
    too_little_left,
    total,
    within,
)
from bot.domain.types import Credits, ProviderName
from bot.errors import UserError
from tests.builders import a_window

A, B = ProviderName("a"), ProviderName("b")


def test_up_to_the_cap_everything_passes():
    within(Caps(daily=2, monthly=2), Spent(day=0.7, month=0.7), Credits(13), a_window())
    within(Caps(), Spent(day=1e9, month=1e9), Credits(13), a_window())


@pytest.mark.parametrize(("caps", "end"), [(Caps(daily=2), "day_end"), (Caps(monthly=2), "month_end")])
def test_what_is_more_than_the_cap_holds_is_refused_until_there_is_more(caps, end):
    window = a_window()
    with pytest.raises(UserError) as raised:
        within(caps, Spent(day=0.7, month=0.7), Credits(14), window)
    assert (raised.value.key, raised.value.params["resets_at"]) == ("error.spending", getattr(window, end))


@pytest.mark.parametrize(
    ("spent", "reached"), [(7.99, None), (8, Level.WARNED), (9.99, Level.WARNED), (10, Level.STOPPED)]
)
def test_a_cap_is_near_from_the_percent_on_that_the_operator_chose(spent, reached):
    assert level(10, spent, 80) is reached


def test_what_is_left_is_what_the_scarcer_window_holds():
    assert left(Caps(daily=5, monthly=20), Spent(day=1, month=18)) == 2
    assert left(Caps(), Spent(day=1, month=18)) == float("inf")


def test_a_provider_with_too_little_left_is_known():
    assert too_little_left(Credits(10), {A: 0.9, B: 1.0}) == (A,)


def test_the_drift_sets_what_the_provider_told_against_the_credits():
    assert Spent(told=1.1, told_credits=10).drift == pytest.approx(0.1)
    assert Spent().drift is None


def test_what_several_providers_took_comes_together():
    assert total([Spent(1, 2, 3, 4), Spent(10, 20, 30, 40)]) == Spent(11, 22, 33, 44)


def test_a_deduction_differs_from_its_price_by_more_than_rounding():
    spent = deductions([(Credits(10), 1.0), (Credits(10), 1.04), (Credits(10), 0.5), (Credits(15), 3.0)])
    assert (spent.told_tasks, spent.differing, spent.told_credits) == (4, 2, 45)
    assert spent.drift == pytest.approx(5.54 / 4.5 - 1)
