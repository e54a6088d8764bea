"""Plans as operators write them, and what they type in the panel."""

import pytest

from bot.domain.credits.plans import NUMBERS, changed, limits, read_name, read_number, read_price
from bot.domain.credits.quota import Plan
from bot.errors import UserError

PLAN = Plan(name="pro", daily_credits=10, models=("kling-v2-6",))


def test_one_field_changes_and_the_others_stay():
    assert changed(PLAN, "max_running", 5) == PLAN.model_copy(update={"max_running": 5})
    assert changed(PLAN, "daily_credits", None).daily_credits is None


@pytest.mark.parametrize("field", NUMBERS)
def test_every_number_has_limits_that_are_kept_and_named(field):
    low, high = limits(field)
    for value in (low, high):
        assert getattr(changed(PLAN, field, value), field) == value
    for value in (low - 1, high + 1):
        with pytest.raises(UserError) as refused:
            changed(PLAN, field, value)
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
