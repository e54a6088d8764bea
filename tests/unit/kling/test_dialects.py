"""Every dialect against its recorded samples, and what the gateways' own cannot do."""

from collections.abc import Iterator

import pytest

from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest, ImageRef
from bot.domain.requests.rules import lacking
from bot.kling import dialects
from bot.kling.wire import TaskRef
from tests.unit.kling.recorded import EXTERNAL_ID, IMAGES, hold_answer, hold_request, names

IMAGE = ImageRef(sha256=next(iter(IMAGES)), media_type="image/jpeg", width=1280, height=720)
ANSWERS = {
    "official": ("submitted", "queried", "looked_up", "listed", "probed"),
    "unified": ("submitted", "queried", "looked_up", "listed"),
    "generic": ("submitted", "queried", "probed"),
    "prefixed": ("submitted", "queried", "probed"),
    "omnimaas": ("submitted", "queried", "probed"),
    "flat": ("submitted", "queried"),
}
"""The kinds of answers of which there are samples."""


def samples(dialect: str, *kinds: str) -> Iterator[object]:
    for kind in kinds:
        for name in names(dialect, kind):
            yield pytest.param(dialects.get(dialect), name, id=f"{dialect}-{name}")


@pytest.mark.parametrize(
    ("dialect", "name"), [sample for dialect in ANSWERS for sample in samples(dialect, "submit")]
)
def test_a_request_is_encoded_as_recorded(dialect, name):
    hold_request(dialect, name)


@pytest.mark.parametrize(
    ("dialect", "name"), [sample for dialect, kinds in ANSWERS.items() for sample in samples(dialect, *kinds)]
)
def test_an_answer_means_what_was_recorded_for_it(dialect, name):
    hold_answer(dialect, name)


@pytest.mark.parametrize(
    ("name", "operation", "path"),
    [
        ("generic", Operation.TEXT_TO_VIDEO, "/v1/video/generations/task_1"),
        ("prefixed", Operation.IMAGE_TO_VIDEO, "/kling/v1/videos/image2video/task_1"),
        ("omnimaas", Operation.IMAGE_TO_VIDEO, "/v1/video/generations/task_1"),
        ("flat", Operation.IMAGE_TO_VIDEO, "/v1/videos/image2video/task_1"),
    ],
)
def test_gateways_are_asked_for_a_task_by_its_own_id_alone_and_for_no_list(name, operation, path):
    dialect = dialects.get(name)
    ref = TaskRef(operation, "kling-v2-6", EXTERNAL_ID, "task_1")
    assert dialect.query(ref).path == path
    assert dialect.look_up(ref) is None
    assert dialect.query_many([ref]) == ()


@pytest.mark.parametrize(
    ("name", "changes", "missing"),
    [
        ("generic", {"prompt": ""}, ("prompt",)),
        ("generic", {"last_frame": IMAGE, "sound": True, "mode": "4k", "fps": 30}, ()),
        ("generic", {"operation": "omni-video"}, ("operation",)),
        ("generic", {"seed": 7, "count": 4, "cfg_scale": 1, "negative_prompt": "blur"}, ()),
        ("prefixed", {"prompt": ""}, ("prompt",)),
        ("prefixed", {"seed": 7, "count": 2, "fps": 30}, ("seed", "fps")),
        (
            "prefixed",
            {"operation": "multi-image2video", "first_frame": None, "references": (IMAGE,), "cfg_scale": 1},
            ("cfg_scale",),
        ),
        ("prefixed", {"last_frame": IMAGE, "mode": "pro"}, ()),
        ("omnimaas", {"prompt": ""}, ("prompt",)),
        ("omnimaas", {"seed": 7, "count": 2, "fps": 30}, ("seed", "fps")),
        ("omnimaas", {"last_frame": IMAGE, "sound": True}, ()),
        ("flat", {"prompt": ""}, ()),
        ("flat", {"aspect_ratio": "2:3"}, ()),
        ("flat", {"sound": True, "mode": "4k"}, ("mode", "sound")),
        ("flat", {"seed": 7}, ("seed",)),
    ],
)
def test_what_a_gateway_cannot_express_or_drops_without_a_word_is_named(name, changes, missing):
    wanted = {
        "operation": "image2video",
        "model": "kling-v1-6",
        "prompt": "it runs",
        "aspect_ratio": None,
        "first_frame": IMAGE,
    }
    assert lacking(dialects.get(name).limits, GenerationRequest(**wanted | changes)) == missing
