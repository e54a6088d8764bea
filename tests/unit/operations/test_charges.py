"""Where the catalog has a price, what was charged in its place, and the settings that make it right."""

import tomllib

import pytest

from bot.domain.operations.charges import Book, Charge, ChargedTask, drifts, price_place, suggestion
from bot.domain.requests.catalog import load
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import SourceVideo, Speech
from bot.domain.tasks.task import TaskState
from bot.domain.types import Credits, Millis, ProviderName, TaskId
from tests.builders import a_request
from tests.operations import a_request_for

NAME = ProviderName("official")
CATALOG = load()


def charged(request, amount, *, product="video", state=TaskState.SUCCEEDED, currency="", provider=NAME):
    return ChargedTask(
        TaskId("K7Q29F"),
        provider,
        request,
        Credits(10),
        state,
        None,
        product,
        currency,
        amount,
        Millis(0),
    )


def found(*tasks, catalog=CATALOG):
    return drifts(tasks, {NAME: catalog})


def settings(*tasks, catalog=CATALOG):
    return suggestion(found(*tasks, catalog=catalog), {NAME: catalog})


SILENT = a_request(model="kling-v2-6", mode="std", duration=5)
LOUD = a_request(model="kling-v2-6", mode="pro", duration=10, sound=True)
IMAGE = a_request(operation=Operation.IMAGE, model="kling-v3", duration=0, count=3)


@pytest.mark.parametrize(
    ("request_", "column", "key", "price"),
    [
        (SILENT, "rate", "std", 3),
        (LOUD, "sound_rate", "pro", 10),
        (IMAGE, "each", "1k", 2),
        (a_request(model="kling-v9", mode="pro"), "rate", "pro", 5),
    ],
    ids=["a second", "a second with sound", "a result", "a model without a row"],
)
def test_the_price_is_found_that_decides_what_a_request_costs(request_, column, key, price):
    place = price_place(CATALOG, request_)
    assert (place.column, place.key, place.price) == (column, key, pytest.approx(price))
    assert place.base + place.slope * place.price == pytest.approx(CATALOG.price(request_) / request_.count)


def test_what_costs_as_the_catalog_says_does_not_differ():
    assert found(charged(SILENT, 1.5), charged(LOUD, 10), charged(IMAGE, 24, product="image")) == []
    assert found(charged(SILENT, 0.21, product="", currency="USD")) == []


def test_a_price_that_differs_is_told_with_its_place_and_how_many_tasks_tell_so():
    longer = SILENT.model_copy(update={"duration": 10})
    (drift,) = found(charged(SILENT, 2), charged(longer, 4), charged(LOUD, 10))
    assert (drift.operation, drift.model, drift.variant) == (Operation.TEXT_TO_VIDEO, "kling-v2-6", "std")
    assert (drift.listed, drift.charged, drift.tasks) == (3, 4, 2)


def test_the_furthest_apart_comes_first():
    assert [drift.variant for drift in found(charged(SILENT, 2), charged(LOUD, 40))] == ["pro + sound", "std"]


def test_what_failed_what_nobody_can_value_and_what_is_gone_tells_nothing_of_prices():
    gone = a_request(operation=Operation.IMAGE, model="gone", duration=0)
    assert not found(charged(SILENT, 9, state=TaskState.FAILED))
    assert not found(charged(SILENT, 9, product="try-on"))
    assert not found(charged(SILENT, 9, product="", currency="CNY"))
    assert not found(charged(SILENT, 9, provider=ProviderName("gone")))
    assert not found(charged(gone, 9))


def test_one_strange_charge_among_many_is_no_other_price():
    assert not found(*[charged(SILENT, 1.5)] * 4, charged(SILENT, 30))


def test_the_settings_keep_the_prices_beside_those_that_change():
    told = settings(charged(SILENT, 2), charged(LOUD, 12), charged(IMAGE, 48, product="image"))
    changes = tomllib.loads(told)["catalog"]
    row = CATALOG.model("kling-v2-6")
    assert changes["models"]["kling-v2-6"] == {
        "rate": {**row.rate, "std": 4},
        "sound_rate": {**row.sound_rate, "pro": 12},
    }
    assert changes["images"]["kling-v3"]["each"]["1k"] == 4


def test_with_the_suggested_settings_everything_agrees():
    tasks = charged(SILENT, 2), charged(LOUD, 12), charged(IMAGE, 48, product="image")
    changed = load(tomllib.loads(settings(*tasks))["catalog"])
    assert not found(*tasks, catalog=changed)
    assert settings(*tasks, catalog=changed) == ""


def test_a_name_with_a_dot_is_quoted():
    told = settings(charged(a_request(model="kling-4.0", mode="pro"), 10))
    assert told.startswith('[catalog.models."kling-4.0"]')
    assert tomllib.loads(told)["catalog"]["models"]["kling-4.0"]["rate"]["pro"] == 20


def test_what_is_charged_by_its_source_is_compared_by_the_second():
    source = SourceVideo(provider=NAME, video_id="v", model="kling-v2-6", duration_ms=8_000)
    speech = Speech(text="hello", voice="oversea_male1")
    request = a_request(
        operation=Operation.LIP_SYNC,
        model="lip-sync",
        source=source,
        speech=speech,
        duration=0,
        aspect_ratio=None,
    )
    told = CATALOG.price(request)
    assert not found(charged(request, told / 10))
    (drift,) = found(charged(request, told / 5))
    assert drift.place is not None


SERIES = a_request(operation=Operation.OMNI_IMAGE, model="kling-v3-omni", duration=0, series=4)
AUTOMATIC = SERIES.model_copy(update={"series": "auto"})
ONE = SERIES.model_copy(update={"series": None})


def test_images_of_a_series_are_compared_one_by_one_and_one_image_beside_them_as_well():
    assert found(*(charged(each, 8 * each.results, product="image") for each in (SERIES, ONE))) == []
    (drift,) = found(charged(SERIES, 64, product="image"), charged(ONE, 16, product="image"))
    assert (drift.listed, drift.charged, drift.tasks) == (2, 4, 2)


def spoken(**said):
    return a_request_for("avatar", speech=Speech(**said))


@pytest.mark.parametrize("request_", [AUTOMATIC, spoken(text="Hello there", voice="oversea_male1")])
def test_what_nobody_knows_the_amount_of_tells_nothing_of_prices(request_):
    assert found(charged(request_, 3)) == []


@pytest.mark.parametrize(
    ("function", "is_call"),
    [
        ("Face Recognition", True),
        ("Image Recognition", True),
        ("Text to Speech", True),
        ("TTS", True),
        ("Text to Video", False),
        ("Lip Sync", False),
    ],
)
def test_what_is_answered_at_once_has_no_task_that_could_be_missing(function, is_call):
    row = Charge("k", NAME, "1", Book.UNITS, "video", function, "", "", None, 0.1, "", Millis(0))
    assert row.is_call is is_call
