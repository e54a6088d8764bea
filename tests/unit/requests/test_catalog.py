import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.requests.catalog import load, read
from bot.domain.requests.operations import LIBRARY_OPERATIONS, VIDEO_MODEL_OPERATIONS, Operation
from bot.domain.requests.request import GenerationRequest, ImageRef
from bot.errors import UserError
from tests.operations import IMAGES, SOURCE, a_request_for

CATALOG = load()
OFFERED = tuple(model.id for model in CATALOG.known())
IMAGE = ImageRef(sha256="0" * 64, media_type="image/jpeg", width=1280, height=720)


def a_request(model="kling-v2-6", **changes) -> GenerationRequest:
    return GenerationRequest(**{"operation": "text2video", "model": model, "prompt": "a fox"} | changes)


def two_frames(model="kling-v2-6", **changes) -> GenerationRequest:
    frames = {"operation": "image2video", "aspect_ratio": None, "first_frame": IMAGE, "last_frame": IMAGE}
    return a_request(model, **frames | changes)


@pytest.mark.parametrize("model", CATALOG.known(), ids=lambda model: model.id)
def test_every_row_is_whole_and_says_where_it_is_from(model):
    assert model.source
    assert model.operations
    assert model.durations == tuple(sorted(model.durations))
    assert set(model.rate) == set(model.modes)
    assert set(model.sound_rate) == set(model.sound)
    assert set(model.sound) <= set(model.modes)
    assert set(model.end_frame) <= set(model.modes)
    assert set(model.end_frame_durations) <= set(model.durations)


@pytest.mark.parametrize("model", CATALOG.known(), ids=lambda model: model.id)
def test_what_a_row_offers_passes_and_has_a_price(model):
    for operation in model.operations:
        for mode in model.motion_rate if operation == "motion-control" else model.modes:
            for seconds in model.durations:
                request = a_request_for(operation, model=model.id, mode=mode, duration=seconds)
                CATALOG.check(request, OFFERED)
                assert CATALOG.price(request) > 0


@pytest.mark.parametrize("operation", sorted(set(Operation) - VIDEO_MODEL_OPERATIONS - LIBRARY_OPERATIONS))
def test_what_needs_no_model_of_the_operators_passes_and_has_a_price(operation):
    usual = CATALOG.without_choice(operation)[0]
    request = a_request_for(operation)
    assert request.model in {row.id for row in CATALOG.without_choice(operation)}
    assert usual.source
    CATALOG.check(request, OFFERED)
    assert CATALOG.price(request) > 0


@pytest.mark.parametrize(
    ("request_", "key", "params"),
    [
        (a_request("kling-v2-1"), "error.model.text2video", {"model": "kling-v2-1"}),
        (a_request(mode="4k"), "error.model.mode", {"value": "4k", "allowed": "std, pro"}),
        (a_request(duration=7), "error.model.duration", {"value": 7, "allowed": "5, 10", "nearest": 5}),
        (a_request(duration=7.5), "error.model.duration", {"value": 7.5, "allowed": "5, 10", "nearest": 5}),
        (a_request("kling-v3", duration=5.5), "error.model.duration", {"value": 5.5, "allowed": "3–15"}),
        (a_request("kling-v3", duration=20), "error.model.duration", {"allowed": "3–15", "nearest": 15}),
        (a_request(aspect_ratio="4:3"), "error.model.ratio", {"allowed": "16:9, 9:16, 1:1"}),
        (
            a_request(cfg_scale=0.5),
            "error.model.cfg",
            {"models": "kling-v1, kling-v1-5, kling-v1-6"},
        ),
        (
            a_request(sound=True),
            "error.model.sound",
            {
                "models": "kling-v2-6 (pro), kling-v3 (std/pro/4k), kling-v3-turbo, kling-v3-omni (std/pro/4k), kling-4.0, kling-4.0-flash"
            },
        ),
        (two_frames("kling-v2-master"), "error.model.end_frame", {"model": "kling-v2-master"}),
        (two_frames(), "error.model.end_frame", {"model": "kling-v2-6"}),
        (two_frames(mode="pro", sound=True), "error.model.end_frame", {"model": "kling-v2-6"}),
        (two_frames("kling-v1", duration=10), "error.model.end_frame", {"model": "kling-v1"}),
        (a_request("kling-v26"), "error.model.unknown", {"nearest": "kling-v2-6"}),
        (
            # Shots have prompts of their own, in which it cannot be said.
            a_request(
                "kling-v3", camera={"move": "forward_up"}, shots=({"prompt": "it runs", "duration": 5},)
            ),
            "error.model.camera",
            {"models": "kling-v1 (std), kling-v1-5 (pro)"},
        ),
        (a_request("kling-v1", duration=10, camera={"move": "forward_up"}), "error.model.camera", {}),
        (
            a_request_for("multi-image2video", model="kling-v2-6"),
            "error.model.multi-image2video",
            {"models": "kling-v1-6"},
        ),
        (
            a_request_for("video-extend", model="kling-v2-6"),
            "error.model.video-extend",
            {"models": "kling-v1, kling-v1-5, kling-v1-6"},
        ),
        (
            a_request(shots=[{"prompt": "one", "duration": 5}]),
            "error.model.shots",
            {"models": "kling-v3, kling-v3-turbo, kling-v3-omni"},
        ),
        (
            a_request(elements=(1,)),
            "error.model.elements",
            {"models": "kling-v3-omni, kling-video-o1, kling-4.0, kling-4.0-flash"},
        ),
        (
            a_request_for("image2video", elements=(1,)),
            "error.model.elements",
            {"models": "kling-v3, kling-v3-omni, kling-video-o1, kling-4.0, kling-4.0-flash"},
        ),
        (a_request(voices=("v",)), "error.model.voices", {}),
        (a_request_for("image", resolution="4k"), "error.model.resolution", {"allowed": "1k, 2k"}),
        (a_request_for("image", model="kling-v9"), "error.model.unknown", {"nearest": "kling-v2-1"}),
        (a_request_for("omni-video", model="kling-v9"), "error.model.unknown", {}),
    ],
)
def test_what_a_model_cannot_do_is_refused_with_what_can(request_, key, params):
    with pytest.raises(UserError) as caught:
        CATALOG.check(request_, OFFERED)
    assert caught.value.key == key
    assert params.items() <= caught.value.params.items()


def test_end_frames_pass_where_the_model_takes_them():
    for request in (
        two_frames(mode="pro"),
        two_frames("kling-v1"),
        two_frames("kling-v3", sound=True),
        two_frames("kling-v2-1", mode="pro", duration=10),
    ):
        CATALOG.check(request, OFFERED)


def test_only_models_on_offer_are_suggested():
    with pytest.raises(UserError) as caught:
        CATALOG.check(a_request("kling-v2-1"), ("kling-v2-1", "kling-v2-6"))
    assert caught.value.params["models"] == "kling-v2-6"


@pytest.mark.parametrize(
    ("request_", "credits"),
    [
        (a_request(), 15),
        (a_request(duration=10), 30),
        (a_request(mode="pro"), 25),
        (a_request(mode="pro", sound=True), 50),
        (a_request("kling-v2-5-turbo", mode="pro", duration=10), 50),
        (a_request("kling-v3", mode="4k", duration=3), 90),
        (a_request("kling-v3", duration=3, sound=True), 27),
        (a_request("kling-v2-5-turbo", count=4), 60),
        (a_request("kling-v9-unheard-of"), 25),
    ],
)
def test_prices(request_, credits):
    assert CATALOG.price(request_) == credits


def test_a_model_that_only_the_operator_knows_passes_with_careful_limits():
    offered = ("kling-v4",)
    CATALOG.check(a_request("kling-v4", mode="pro", duration=10, aspect_ratio="1:1"), offered)
    with pytest.raises(UserError) as caught:
        CATALOG.check(a_request("kling-v4", duration=60), offered)
    assert caught.value.key == "error.model.duration"


@given(
    rate=st.decimals(min_value="0.1", max_value=50, places=1),
    seconds=st.integers(1, 60),
    count=st.integers(1, 4),
)
def test_a_price_is_rounded_up_once_for_each_result(rate, seconds, count):
    row = {
        "operations": ["text2video"],
        "modes": ["std"],
        "durations": [seconds],
        "rate": {"std": float(rate)},
        "source": "here",
    }
    catalog = read({"models": {"x": row}})
    price = catalog.price(a_request("x", duration=seconds, count=count))
    assert price == math.ceil(rate * seconds) * count


def test_models_that_start_from_words_are_told_from_those_that_need_a_photo():
    offered = ("kling-v2-1", "kling-v2-6")
    assert CATALOG.able(offered, Operation.TEXT_TO_VIDEO) == ("kling-v2-6",)
    assert CATALOG.able(offered, Operation.IMAGE_TO_VIDEO) == offered


@pytest.mark.parametrize(
    ("request_", "credits"),
    [
        (a_request_for("video-extend"), 20),
        (a_request_for("lip-sync"), 6),
        (a_request_for("lip-sync", source=SOURCE | {"duration_ms": 10_040}), 11),
        (a_request_for("avatar", mode="pro"), 9),
        (a_request_for("motion-control", mode="pro"), 40),
        (a_request_for("image", count=3), 3),
        (a_request_for("image", references=IMAGES[:1]), 2),
        (a_request_for("multi-image2image"), 4),
        (a_request_for("omni-image", resolution="4k"), 4),
        (a_request_for("text2video", sound=True, voices=("v",), mode="pro"), 60),
    ],
)
def test_prices_follow_what_is_paid_for(request_, credits):
    assert CATALOG.price(request_) == credits


@pytest.mark.parametrize(
    ("model", "frames", "references", "operation"),
    [
        ("kling-v2-6", 0, 0, "text2video"),
        ("kling-v2-6", 2, 0, "image2video"),
        ("kling-v1-6", 0, 3, "multi-image2video"),
        ("kling-v3-omni", 0, 0, "omni-video"),
        ("kling-v3-omni", 1, 0, "omni-video"),
        ("kling-v3-omni", 0, 5, "omni-video"),
        ("kling-v2-1", 0, 0, "text2video"),
    ],
)
def test_what_is_given_decides_what_a_model_is_asked_for(model, frames, references, operation):
    assert CATALOG.operation_for(model, frames=frames, references=references) == operation


def test_operators_add_models_and_change_single_columns():
    catalog = load(
        {
            "models": {
                "kling-v9": {
                    "operations": ["text2video"],
                    "durations": [3, 6],
                    "every_second": True,
                    "rate": {"std": 1},
                },
                "kling-v2-6": {"rate": {"std": 7, "pro": 9}},
            }
        }
    )
    assert catalog.price(a_request("kling-v9", duration=4)) == 4
    assert catalog.price(a_request(mode="pro")) == 45
    catalog.check(a_request_for("motion-control", mode="pro"), ["kling-v2-6"])
    with pytest.raises(ValidationError):
        load({"models": {"kling-v2-6": {"speed": 9}}})
