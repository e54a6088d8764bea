import pytest

from bot.domain.request import ImageRef, Operation, VideoRequest
from bot.kling.dialects.omnimaas import OMNIMAAS
from bot.kling.wire import TaskRef
from tests.unit.recorded import PICTURES, hold_answer, hold_request, names

REF = TaskRef(Operation.IMAGE_TO_VIDEO, "kling-v2-6", "klingbot-K7Q29F-0123456789ab", "task_1")
PICTURE = ImageRef(sha256=next(iter(PICTURES)), media_type="image/jpeg", width=1280, height=720)


@pytest.mark.parametrize("name", names("omnimaas", "submit"))
def test_a_request_is_encoded_as_recorded(name):
    hold_request(OMNIMAAS, name)


@pytest.mark.parametrize(
    "name", [name for kind in ("submitted", "queried", "probed") for name in names("omnimaas", kind)]
)
def test_an_answer_means_what_was_recorded_for_it(name):
    hold_answer(OMNIMAAS, name)


def test_a_task_can_only_be_asked_for_by_its_own_id():
    assert OMNIMAAS.query(REF).path == "/v1/video/generations/task_1"
    assert not OMNIMAAS.can_look_up
    assert OMNIMAAS.look_up(REF) is None
    assert OMNIMAAS.query_many([REF]) == ()


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"prompt": ""}, ("prompt",)),
        ({"seed": 7, "count": 2}, ("seed", "count")),
        ({"last_frame": PICTURE}, ("last_frame",)),
        ({"mode": "4k", "sound": True}, ("mode", "sound")),
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
    assert OMNIMAAS.unsupported(VideoRequest(**wanted | changes)) == missing
