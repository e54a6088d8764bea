"""Statistics: days in the operator's time zone, shares, percentiles and sums; and pictures of them."""

import io
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from bot.domain.operations.records import StatRow, days_before, percentile, report, start_of
from bot.domain.tasks.task import TaskState
from bot.domain.types import DAY, HOUR, Credits, Millis, TaskId, UserId
from bot.media.charts import COLOURS, Bars, Columns, Shares, draw

BERLIN = ZoneInfo("Europe/Berlin")
NOON = Millis(1_774_782_000_000)  # 2026-03-29 13:00 in Berlin, the day that lost an hour


def a_figure(**changes) -> StatRow:
    values = {
        "id": TaskId("K7Q29F"),
        "user_id": UserId(1001),
        "model": "kling-v2-6",
        "state": TaskState.SUCCEEDED,
        "price": Credits(15),
        "provider": "official",
        "real_cost": "1.5",
        "created_at": Millis(NOON - 60_000),
        "submitted_at": Millis(NOON - 50_000),
        "finished_at": NOON,
        "failure": None,
    }
    return StatRow(**(values | changes))


def test_days_are_those_of_the_operators_zone_also_where_one_has_23_hours():
    days = days_before(NOON, 2, BERLIN)
    assert days == [date(2026, 3, 28), date(2026, 3, 29)]
    assert start_of(date(2026, 3, 30), BERLIN) - start_of(days[1], BERLIN) == 23 * HOUR


def test_what_succeeded_is_counted_by_day_model_person_and_provider():
    figures = [
        a_figure(),
        a_figure(finished_at=Millis(NOON - DAY), created_at=Millis(NOON - DAY - 90_000)),
        a_figure(state=TaskState.FAILED, real_cost=None),
        a_figure(model="effects", user_id=UserId(7), price=Credits(20)),
        a_figure(state=TaskState.CANCELLED),
        a_figure(finished_at=Millis(NOON - 9 * DAY)),
    ]
    found = report(figures, days_before(NOON, 2, BERLIN), BERLIN)
    assert found.tasks == {"kling-v2-6": [1, 2], "effects": [0, 1]}
    assert found.credits == {"kling-v2-6": [15, 15], "effects": [0, 20]}
    assert found.success == [1.0, 2 / 3]
    assert found.times["kling-v2-6"] == (60_000, 90_000)
    assert found.people == [(UserId(1001), 30), (UserId(7), 20)]
    assert found.spend == {"official": Decimal("4.5")}
    assert (found.succeeded, found.asked) == (3, 4)


@pytest.mark.parametrize("cost", ["", "free", "NaN", None])
def test_a_cost_that_is_no_number_counts_as_none(cost):
    assert report([a_figure(real_cost=cost)], days_before(NOON, 1, BERLIN), BERLIN).spend == {}


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_one_of_the_values(share, value):
    assert percentile(list(range(1, 101)), share) == value


def test_a_chart_is_a_picture_with_a_column_as_tall_as_its_number():
    labels = ["a", "b"]
    png = draw("h", [[Columns("t", labels, {"m": [4, 2]}), Shares("s", labels, [1.0, None])]], "nothing")
    image = Image.open(io.BytesIO(png)).convert("RGB")
    blue = tuple(int(COLOURS[0][place : place + 2], 16) for place in (1, 3, 5))
    left = image.crop((0, 160, image.width // 2 - 30, image.height))
    rows: dict[int, int] = {}
    for x in range(left.width):
        rows[x] = sum(left.getpixel((x, y)) == blue for y in range(left.height))
    tall = sorted({count for count in rows.values() if count > 20})
    assert len(tall) == 2
    assert abs(tall[1] - 2 * tall[0]) <= 2


def test_a_chart_of_nothing_says_so_and_of_many_models_has_enough_colours():
    empty = draw("h", [[Bars("b", []), Shares("s", ["a"], [None])]], "nothing")
    many = draw("h", [[Columns("t", ["a"], {f"model-{n}": [n + 1] for n in range(12)})]], "nothing")
    assert Image.open(io.BytesIO(empty)).size[0] == Image.open(io.BytesIO(many)).size[0]
