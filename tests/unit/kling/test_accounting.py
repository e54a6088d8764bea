"""What Kling's accounting answers is read as documented, and nothing else becomes a charge."""

import json

import pytest

from bot.domain.operations.charges import Book
from bot.domain.types import Millis, ProviderName
from bot.kling import errors
from bot.kling.dialects import accounting
from bot.kling.dialects.accounting import Page
from bot.kling.wire import HttpResponse

NAME = ProviderName("official")
UNITS, MONEY = Page(Book.UNITS, Millis(1_000), Millis(2_000)), Page(Book.MONEY, Millis(1_000), Millis(2_000))
ROW = {
    "package_id": "p-1",
    "product_type": "video",
    "task_id": "8319",
    "api_key_name": "bot",
    "product_function": "Image to Video",
    "model_name": "kling-v2-6",
    "resolution": "720p",
    "duration": "5.04",
    "video_sound": "off",
    "deduction_time": "1779549455861",
    "unit_before_deduction": 13037.3,
    "deduction_amount": 5.0,
    "unit_after_deduction": 13032.3,
}
PAID = {
    "task_id": "8320",
    "product_function": "Text to Video",
    "model_name": "kling-v3",
    "deduction_time": "1779549455862",
    "cash_type": "balance",
    "balance_before_deduction": 12.5,
    "deduction_amount": "0.21",
    "currency": "USD",
}


def answer(*rows, status=200, code=0, **more):
    data = {"result": {"detail": list(rows), "count": len(rows)}, "next_cursor": "", "has_more": False} | more
    return HttpResponse(status, {}, json.dumps({"code": code, "message": "m", "data": data}).encode())


def test_the_question_names_a_time_or_a_cursor_and_never_both():
    asked = accounting.ask(UNITS)
    assert (asked.method, asked.path) == ("POST", "/account/billing/package")
    assert asked.json == {"start_time": 1_000, "end_time": 2_000, "limit": 500}
    asked = accounting.ask(Page(Book.MONEY, Millis(1), Millis(2), "next"))
    assert (asked.path, asked.json) == ("/account/billing/balance", {"cursor": "next"})


def test_a_row_of_units_and_one_of_money_are_charges():
    (charge,) = accounting.parse(answer(ROW), UNITS, NAME).rows
    assert (charge.remote_id, charge.book, charge.product, charge.amount) == (
        "8319",
        Book.UNITS,
        "video",
        5.0,
    )
    assert (charge.function, charge.model, charge.resolution) == ("Image to Video", "kling-v2-6", "720p")
    assert (charge.seconds, charge.currency, charge.charged_at) == (5.04, "", 1779549455861)
    (charge,) = accounting.parse(answer(PAID), MONEY, NAME).rows
    assert (charge.book, charge.product, charge.amount, charge.currency) == (Book.MONEY, "", 0.21, "USD")
    assert charge.seconds is None


@pytest.mark.parametrize(
    "change",
    [
        {"task_id": "8321"},
        {"package_id": "p-2"},
        {"deduction_time": "1779549455999"},
        {"deduction_amount": 5.5},
        {"unit_before_deduction": 13032.3},
    ],
)
def test_a_row_has_the_same_key_whenever_it_is_read_and_every_other_has_another(change):
    first, again, other = accounting.parse(answer(ROW, ROW, ROW | change), UNITS, NAME).rows
    assert first.charge_key == again.charge_key != other.charge_key


@pytest.mark.parametrize(
    "row",
    [
        {**ROW, "task_id": None},
        {**ROW, "deduction_amount": None},
        {**ROW, "deduction_amount": "much"},
        {**ROW, "deduction_amount": True},
        "a row",
        None,
    ],
)
def test_what_names_no_task_or_amount_is_no_charge(row):
    assert accounting.parse(answer(row), UNITS, NAME).rows == ()


def test_a_row_without_a_time_counts_for_the_time_that_was_asked_for():
    (charge,) = accounting.parse(answer(ROW | {"deduction_time": None}), UNITS, NAME).rows
    assert charge.charged_at == 1_000


@pytest.mark.parametrize(
    ("more", "cursor"),
    [
        ({"has_more": True, "next_cursor": "abc"}, "abc"),
        ({"has_more": False, "next_cursor": "abc"}, ""),
        ({"has_more": True, "next_cursor": None}, ""),
        ({"has_more": True, "next_cursor": "a" * 5_000}, ""),
        ({"has_more": "yes", "next_cursor": "abc"}, ""),
    ],
)
def test_there_is_a_next_page_only_where_the_answer_says_so(more, cursor):
    assert accounting.parse(answer(ROW, **more), UNITS, NAME).cursor == cursor


@pytest.mark.parametrize("data", [None, [], {}, {"result": []}, {"result": {"detail": "none"}}])
def test_what_is_no_accounting_is_no_answer(data):
    body = json.dumps({"code": 0, "message": "m", "data": data}).encode()
    with pytest.raises(errors.Unavailable):
        accounting.parse(HttpResponse(200, {}, body), UNITS, NAME)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(401, 1002, errors.Unauthorized), (429, 1302, errors.Throttled), (400, 1201, errors.Rejected)],
)
def test_a_refusal_is_told_apart(status, code, kind):
    with pytest.raises(kind):
        accounting.parse(answer(status=status, code=code), UNITS, NAME)
