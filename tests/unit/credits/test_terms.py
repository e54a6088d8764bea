"""Plans as operators write them, and what they type in the panel."""

import pytest

from bot.domain.credits.plans import NUMBERS, PlanTerms, limits, read_name, read_number, read_price
from bot.domain.requests.request import Operation
from bot.errors import UserError


def test_a_plan_is_made_of_its_terms_and_no_rate_of_its_own_is_the_usual_one():
    plan = PlanTerms(daily_credits=10, operations=(Operation.TEXT_TO_VIDEO,)).plan("free")
    assert (plan.name, plan.daily_credits, plan.requests_per_minute) == ("free", 10, None)
    assert plan.operations == {Operation.TEXT_TO_VIDEO}
    assert PlanTerms(requests_per_minute=4).plan("fast").requests_per_minute == 4


def test_one_field_changes_and_the_others_stay():
    terms = PlanTerms(daily_credits=10, models=("kling-v2-6",))
    assert terms.changed("max_running", 5) == PlanTerms(
        daily_credits=10, models=("kling-v2-6",), max_running=5
    )
    assert terms.changed("daily_credits", None).daily_credits is None


@pytest.mark.parametrize("field", NUMBERS)
def test_every_number_has_limits_that_are_kept_and_named(field):
    low, high = limits(field)
    for value in (low, high):
        assert getattr(PlanTerms().changed(field, value), field) == value
    for value in (low - 1, high + 1):
        with pytest.raises(UserError) as refused:
            PlanTerms().changed(field, value)
        assert refused.value.params == {"low": low, "high": high}


@pytest.mark.parametrize(
    ("field", "text", "value"), [("max_running", " 7 ", 7), ("daily_credits", "–", None)]
)
def test_a_number_is_read(field, text, value):
    assert read_number(field, text) == value


@pytest.mark.parametrize(
    ("field", "text"), [("max_running", "-"), ("priority", "1.5"), ("priority", "-1"), ("priority", "٣")]
)
def test_what_is_no_number_is_refused(field, text):
    with pytest.raises(UserError, match=r"error\.terms\.number"):
        read_number(field, text)


@pytest.mark.parametrize(("text", "price"), [("4", 4.0), (" 0,5", 0.5), ("0.25", 0.25), ("0", 0.0)])
def test_a_price_is_read(text, price):
    assert read_price(text) == price


@pytest.mark.parametrize("text", ["", "-1", "1e3", "free", "100001", "0.00001", "1.2.3"])
def test_what_is_no_price_is_refused(text):
    with pytest.raises(UserError, match=r"error\.terms\.price"):
        read_price(text)


def test_a_name_is_read_in_small_letters():
    assert read_name(" Gold-2 ") == "gold-2"
    for text in ("", "gold plan", "金", "-gold", "g" * 33):
        with pytest.raises(UserError, match=r"error\.terms\.name"):
            read_name(text)
