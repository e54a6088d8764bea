import pytest

from bot.domain.request import ImageRef, Operation, VideoRequest
from bot.kling.dialects.flat import FLAT
from bot.kling.wire import TaskRef
from tests.unit.recorded import PICTURES, hold_answer, hold_request, names

REF = TaskRef(Operation.IMAGE_TO_VIDEO, "kling-v2-6", "klingbot-K7Q29F-0123456789ab", "task_1")
PICTURE = ImageRef(sha256=next(iter(PICTURES)), media_type="image/jpeg", width=1280, height=720)


@pytest.mark.parametrize("name", names("flat", "submit"))
def test_a_request_is_encoded_as_recorded(name):
    hold_request(FLAT, name)


@pytest.mark.parametrize("name", [name for kind in ("submitted", "queried") for name in names("flat", kind)])
def test_an_answer_means_what_was_recorded_for_it(name):
    hold_answer(FLAT, name)


def test_a_task_can_only_be_asked_for_by_its_own_id():
    assert FLAT.query(REF).path == "/v1/videos/image2video/task_1"
    assert not FLAT.can_look_up
    assert FLAT.look_up(REF) is None
    assert FLAT.query_many([REF]) == ()


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"prompt": ""}, ()),
        ({"aspect_ratio": "2:3"}, ()),
        ({"aspect_ratio": "21:9"}, ("aspect_ratio",)),
        ({"sound": True, "mode": "4k"}, ("mode", "sound")),
        ({"seed": 7}, ("seed",)),
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
    assert FLAT.unsupported(VideoRequest(**wanted | changes)) == missing
