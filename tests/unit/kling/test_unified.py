import pytest

from bot.domain.requests.operations import Operation
from bot.domain.requests.rules import lacking
from bot.kling.dialects.native import OFFICIAL
from bot.kling.dialects.unified import MANY, UNIFIED
from bot.kling.wire import SubmitContext, TaskRef
from tests.operations import IMAGES, a_request_for
from tests.unit.kling.recorded import EXTERNAL_ID

CONTEXT = SubmitContext(EXTERNAL_ID)
REF = TaskRef(Operation.IMAGE_TO_VIDEO, "kling-v2-6", EXTERNAL_ID, "893605946402811985")


def test_tasks_are_asked_for_in_one_place_by_either_id():
    assert (UNIFIED.query(REF).path, UNIFIED.query(REF).query) == (
        "/tasks",
        {"task_ids": "893605946402811985"},
    )
    asked = UNIFIED.look_up(REF)
    assert asked is not None
    assert asked.query == {"external_task_ids": EXTERNAL_ID}


def test_one_question_is_about_twenty_tasks_at_most_of_any_operation():
    refs = [
        TaskRef(operation, "m", f"e{number}", f"t{number}")
        for number, operation in enumerate([*Operation] * 2)
    ]
    first, second = UNIFIED.query_many(refs)
    assert first.query["task_ids"].split(",") == [f"t{number}" for number in range(MANY)]
    assert second.query["task_ids"].split(",") == [f"t{number}" for number in range(MANY, len(refs))]
    assert UNIFIED.query_many([]) == ()


def test_what_has_no_id_of_ours_cannot_be_looked_up():
    assert UNIFIED.look_up(TaskRef(Operation.EXTEND, "kling-v1-6", EXTERNAL_ID)) is None


@pytest.mark.parametrize(
    ("request_", "missing"),
    [
        (a_request_for("text2video", model="kling-v3", cfg_scale=0.5), ("cfg_scale",)),
        (a_request_for("text2video", model="kling-v3", camera={"move": "down_back"}), ("camera",)),
        (a_request_for("image2video", prompt=""), ("prompt",)),
        (a_request_for("image2video", first_frame=None, last_frame=IMAGES[0]), ("last_frame",)),
        (a_request_for("text2video", voices=("v",), sound=True, mode="pro"), ("voices",)),
        (a_request_for("text2video", seed=7, count=2), ("seed",)),
        (a_request_for("text2video", model="kling-v1-6", seed=7), ("seed",)),
        (a_request_for("text2video", model="kling-v1-6", cfg_scale=0.5), ()),
    ],
)
def test_what_the_standard_has_no_field_for_is_named(request_, missing):
    assert lacking(UNIFIED.limits, request_) == missing


@pytest.mark.parametrize("operation", Operation)
def test_whatever_the_older_standard_can_do_is_done_there(operation):
    assert operation in UNIFIED.operations
    assert UNIFIED.preparations(a_request_for(operation), CONTEXT) == OFFICIAL.preparations(
        a_request_for(operation), CONTEXT
    )
