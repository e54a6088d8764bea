import pytest

from bot.domain.request import ImageRef, Operation, VideoRequest
from bot.kling.dialects.prefixed import PREFIXED
from bot.kling.wire import TaskRef
from tests.unit.recorded import PICTURES, hold_answer, hold_request, names

REF = TaskRef(Operation.IMAGE_TO_VIDEO, "kling-v2-6", "klingbot-K7Q29F-0123456789ab", "task_1")
PICTURE = ImageRef(sha256=next(iter(PICTURES)), media_type="image/jpeg", width=1280, height=720)


@pytest.mark.parametrize("name", names("prefixed", "submit"))
def test_a_request_is_encoded_as_recorded(name):
    hold_request(PREFIXED, name)


@pytest.mark.parametrize(
    "name", [name for kind in ("submitted", "queried", "probed") for name in names("prefixed", kind)]
)
def test_an_answer_means_what_was_recorded_for_it(name):
    hold_answer(PREFIXED, name)


def test_a_task_can_only_be_asked_for_by_its_own_id():
    assert PREFIXED.query(REF).path == "/kling/v1/videos/image2video/task_1"
    assert not PREFIXED.can_look_up
    assert PREFIXED.look_up(REF) is None
    assert PREFIXED.query_many([REF]) == ()


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"prompt": ""}, ("prompt",)),
        ({"seed": 7, "count": 2}, ("seed", "count")),
        ({"aspect_ratio": "4:3"}, ("aspect_ratio",)),
        ({"last_frame": PICTURE, "mode": "pro"}, ()),
    ],
)
def test_what_cannot_be_expressed_is_named(changes, missing):
    wanted = {
        "operation": "image2video",
        "model": "kling-v1-6",
        "prompt": "it runs",
        "aspect_ratio": None,
        "first_frame": PICTURE,
    }
    assert PREFIXED.unsupported(VideoRequest(**wanted | changes)) == missing
