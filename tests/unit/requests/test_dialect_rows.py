"""What models can do depends on the dialect, the operator and the provider, each of which has the word after the other."""

import tomllib
from importlib import resources

import pytest
from pydantic import ValidationError

from bot.domain.requests.catalog import EVERY, SECTIONS, load
from bot.domain.requests.model import PriceColumns, widest
from bot.domain.requests.request import GenerationRequest
from bot.kling.dialects import DIALECTS
from tests.operations import a_request_for

PLAIN = load()
DOCUMENT = tomllib.loads(resources.files("bot.domain.requests").joinpath("dialects.toml").read_text("utf-8"))
CHANGED = [
    (dialect, section, name)
    for dialect, sections in DOCUMENT.items()
    for section, rows in sections.items()
    for name in rows
]


def a_request(model: str, **changes) -> GenerationRequest:
    return GenerationRequest(**{"operation": "text2video", "model": model, "prompt": "a fox"} | changes)


@pytest.mark.parametrize(("dialect", "section", "name"), CHANGED)
def test_every_changed_row_is_of_a_dialect_and_a_model_that_exist(dialect, section, name):
    assert dialect in DIALECTS
    assert section in SECTIONS
    assert name == EVERY or name in {row.id for row in PLAIN.section(section)}


@pytest.mark.parametrize("dialect", sorted(DOCUMENT))
def test_what_a_row_of_a_dialect_offers_passes_and_has_a_price(dialect):
    catalog = load(dialect=dialect)
    offered = [row.id for row in catalog.known()]
    for row in catalog.known():
        assert set(row.rate) == set(row.modes)
        assert set(row.end_frame) <= set(row.modes)
        for operation in row.operations:
            for mode in row.motion_rate if operation == "motion-control" else row.modes:
                for seconds in row.durations:
                    request = a_request_for(operation, model=row.id, mode=mode, duration=seconds)
                    catalog.check(request, offered)
                    assert catalog.lacks(request) == ()
                    assert catalog.price(request) > 0


def test_each_word_goes_over_the_one_before():
    ours = {"models": {"kling-v2-1": {"ratios": ["16:9"]}, "kling-v9": {"operations": ["text2video"]}}}
    theirs = {"models": {"kling-v2-1": {"durations": [5]}}}
    catalog = load(ours, theirs, dialect="flat")
    row = catalog.model("kling-v2-1")
    assert (row.ratios, row.durations, row.cfg) == (("16:9",), (5,), True)
    assert catalog.model("kling-v1-6").ratios[3] == "3:2"
    assert load(ours).model("kling-v2-1").cfg is False


def test_a_column_of_every_row_is_also_one_of_models_that_nobody_knows():
    assert "4:3" in load(dialect="flat").model("kling-v77").ratios
    every = {"models": {EVERY: {"durations": [4]}, "kling-v2-6": {"durations": [6]}}}
    catalog = load(every)
    assert catalog.model("kling-v3").durations == catalog.model("anything").durations == (4,)
    assert catalog.model("kling-v2-6").durations == (6,)
    prices = {"models": {"anything": PriceColumns(fixed=3)}}
    assert catalog.repriced(prices).model("anything").durations == (4,)
    assert catalog.repriced(prices).model("something").durations == (4,)


def test_a_column_that_does_not_exist_is_refused():
    with pytest.raises(ValidationError, match="wings"):
        load({"models": {EVERY: {"wings": True}}})


def test_what_is_lacking_is_named_by_its_field():
    flat = load(dialect="flat")
    assert PLAIN.lacks(a_request("kling-v1-6", aspect_ratio="3:2")) == ("aspect_ratio",)
    assert flat.lacks(a_request("kling-v1-6", aspect_ratio="3:2")) == ()
    assert PLAIN.lacks(a_request("kling-v2-1")) == ("operation",)
    assert flat.lacks(a_request("kling-v2-1")) == ()
    assert PLAIN.lacks(a_request("kling-v2-1", operation="image", duration=0, resolution="4k")) == (
        "resolution",
    )
    assert PLAIN.lacks(a_request("nothing", operation="image", duration=0)) == ("model",)
    assert PLAIN.lacks(a_request_for("element")) == ()


def test_the_widest_row_can_do_what_any_can_at_the_first_ones_price():
    flat, official = load(dialect="flat").model("kling-v2-master"), PLAIN.model("kling-v2-master")
    both = widest((official, flat))
    assert both.modes == ("std", "pro")
    assert both.references == 4
    assert both.cfg
    assert both.camera_durations == ()
    assert set(both.ratios) == set(flat.ratios)
    assert both.rate == {"std": 20, "pro": 20}
    assert widest((official,)) is official
