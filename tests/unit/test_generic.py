import pytest

from bot.domain.request import ImageRef, Operation, VideoRequest
from bot.kling.dialects.generic import GENERIC
from bot.kling.wire import TaskRef
from tests.unit.recorded import PICTURES, hold_answer, hold_request, names

REF = TaskRef(Operation.TEXT_TO_VIDEO, "kling-v2-6", "klingbot-K7Q29F-0123456789ab", "task_1")
PICTURE = ImageRef(sha256=next(iter(PICTURES)), media_type="image/jpeg", width=1280, height=720)


@pytest.mark.parametrize("name", names("generic", "submit"))
def test_a_request_is_encoded_as_recorded(name):
    hold_request(GENERIC, name)


@pytest.mark.parametrize(
    "name", [name for kind in ("submitted", "queried", "probed") for name in names("generic", kind)]
)
def test_an_answer_means_what_was_recorded_for_it(name):
    hold_answer(GENERIC, name)


def test_nobody_can_be_asked_by_our_own_id_or_for_a_list():
    assert GENERIC.query(REF).path == "/v1/video/generations/task_1"
    assert not GENERIC.can_look_up
    assert GENERIC.look_up(REF) is None
    assert GENERIC.query_many([REF]) == ()


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"prompt": ""}, ("prompt",)),
        ({"last_frame": PICTURE}, ("last_frame",)),
        ({"sound": True, "mode": "pro"}, ("sound",)),
        ({"mode": "4k"}, ("mode",)),
        ({"aspect_ratio": "21:9"}, ("aspect_ratio",)),
        ({"seed": 7, "count": 4, "cfg_scale": 1, "negative_prompt": "blur"}, ()),
    ],
)
def test_what_gateways_drop_without_a_word_is_named(changes, missing):
    wanted = {
        "operation": "image2video",
        "model": "kling-v1-6",
        "prompt": "it runs",
        "aspect_ratio": None,
        "first_frame": PICTURE,
    }
    assert GENERIC.unsupported(VideoRequest(**wanted | changes)) == missing
