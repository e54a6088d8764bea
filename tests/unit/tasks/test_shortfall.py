"""What counts as less than was ordered, and what is refunded for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.requests.catalog import load
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import SourceVideo
from bot.domain.tasks.shortfall import compare, missing
from bot.domain.types import Credits
from tests.builders import a_request, an_image

CATALOG = load()


def refund(request, duration_ms, size=None):
    """What is refunded of the price of a request."""
    less = compare(request, CATALOG.price(request), CATALOG.price, duration_ms, size)
    return 0 if less is None else less.credits


@pytest.mark.parametrize(
    ("ordered", "made", "refunded"),
    [
        (5, 5_040, 0),
        (5, 4_900, 0),
        (5, 4_500, 0),
        (10, 9_600, 0),
        (10, 5_040, 15),
        (10, 2_000, 24),
        (5, 2_000, 9),
        (5, 100, 12),
        (5, 10_000, 0),
        (5, None, 0),
        (5, 0, 0),
    ],
)
def test_a_shorter_video_is_paid_at_the_price_of_its_length_and_rounding_is_nobodys_loss(
    ordered, made, refunded
):
    assert refund(a_request(duration=ordered), made) == refunded


@pytest.mark.parametrize(
    ("mode", "size", "made"),
    [
        ("std", (1280, 720), None),
        ("std", (640, 360), None),
        ("pro", (1920, 1080), None),
        ("pro", (1080, 1920), None),
        ("pro", (1440, 1440), None),
        ("pro", (2277, 911), None),
        ("pro", (1280, 720), "std"),
        ("pro", (720, 1280), "std"),
        ("pro", (960, 960), "std"),
        ("pro", None, None),
    ],
)
def test_a_smaller_video_is_paid_at_the_price_of_the_mode_that_makes_such(mode, size, made):
    request = a_request(mode=mode, model="kling-v2-6")
    less = compare(request, CATALOG.price(request), CATALOG.price, 5_000, size)
    assert (None if less is None else less.mode) == made
    if less is not None:
        assert less.credits == CATALOG.price(request) - CATALOG.price(a_request(model="kling-v2-6"))


def test_the_oldest_model_makes_both_modes_in_one_size():
    assert refund(a_request(mode="pro", model="kling-v1"), 5_000, (1280, 720)) == 0


def test_what_is_as_long_as_its_source_is_not_measured():
    source = SourceVideo(provider="a", video_id="v", model="kling-v2-6", duration_ms=9_000)
    made = {"source": source, "duration": 5}
    assert refund(a_request(operation=Operation.EXTEND, **made), 1_000) == 0
    assert refund(a_request(operation=Operation.OMNI_VIDEO, model="kling-video-o1", **made), 1_000) == 0


@pytest.mark.parametrize(
    ("resolution", "size", "made"),
    [
        ("2k", (2048, 2048), None),
        ("2k", (2720, 1530), None),
        ("2k", (1024, 1024), "1k"),
        ("2k", (1360, 768), "1k"),
        ("1k", (300, 300), None),
    ],
)
def test_a_smaller_image_is_told(resolution, size, made):
    request = a_request(operation=Operation.IMAGE, model="kling-v3", resolution=resolution, duration=0)
    prices = {"1k": Credits(3), "2k": Credits(5), "4k": Credits(9)}
    less = compare(request, Credits(5), lambda each: prices[each.resolution], None, size)
    assert (None if less is None else less.resolution) == made
    assert (0 if less is None else less.credits) == (0 if made is None else 2)


@given(
    share=st.integers(0, 10_000),
    ordered=st.integers(1, 60),
    made=st.integers(0, 10**9),
    width=st.integers(1, 20_000),
    height=st.integers(1, 20_000),
    mode=st.sampled_from(["std", "pro", "4k"]),
    model=st.sampled_from(["kling-v1", "kling-v2-6", "kling-v3-omni", "kling-v2-master", "of-a-gateway"]),
)
def test_a_refund_is_never_negative_and_never_more_than_was_paid(
    share, ordered, made, width, height, mode, model
):
    request = a_request(duration=ordered, mode=mode, model=model)
    less = compare(request, Credits(share), CATALOG.price, made, (width, height))
    assert less is None or 0 < less.credits <= share


@given(total=st.integers(0, 10_000), count=st.integers(1, 4), results=st.integers(0, 9))
def test_missing_results_never_cost_more_than_all(total, count, results):
    assert 0 <= missing(a_request(count=count), Credits(total), results) <= total


def test_a_frame_is_no_shortfall():
    assert refund(a_request(an_image(), mode="pro"), 5_000, (1920, 1080)) == 0
