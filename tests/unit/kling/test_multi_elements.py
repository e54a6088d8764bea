import json

import pytest

from bot.domain.requests.request import ElementEdit, Mark
from bot.kling import errors
from bot.kling.dialects.native import OFFICIAL, PREFIXED
from bot.kling.wire import HttpResponse, SubmitContext
from tests.operations import BYTES, IMAGES, a_request_for

CONTEXT = SubmitContext("x", BYTES, prepared={"session_id": "847570360458960960", "duration_ms": "5000"})
OPENED = {
    "status": 0,
    "session_id": "847570360458960960",
    "fps": 30.0,
    "original_duration": 1000,
    "width": 720,
    "height": 1280,
    "total_frame": 300,
    "normalized_video": "https://v.example/1.mp4",
}


def answer(data, status=200, code=0, message="SUCCEED"):
    body = {"code": code, "message": message, "request_id": "r-1", "data": data}
    return HttpResponse(status, {}, json.dumps(body).encode())


def an_edit(mode: str, *marks: Mark, **changes):
    return a_request_for("multi-elements", edit=ElementEdit(mode=mode, marks=marks), **changes)


def test_a_video_is_opened_then_marked_frame_by_frame_then_changed():
    marks = (Mark(frame=0, x=0.25, y=0.5), Mark(frame=60, x=0.5, y=0.5), Mark(frame=0, x=0.75, y=0.5))
    request = an_edit("swap", *marks)
    steps = OFFICIAL.preparations(request, CONTEXT)
    written = [step.write(CONTEXT.prepared) for step in steps]
    root, session = "/v1/videos/multi-elements", "847570360458960960"
    assert [(each.method, each.path, each.json) for each in written] == [
        ("POST", f"{root}/init-selection", {"video_id": "video-1"}),
        (
            "POST",
            f"{root}/add-selection",
            {
                "session_id": session,
                "frame_index": 0,
                "points": [{"x": 0.25, "y": 0.5}, {"x": 0.75, "y": 0.5}],
            },
        ),
        (
            "POST",
            f"{root}/add-selection",
            {"session_id": session, "frame_index": 60, "points": [{"x": 0.5, "y": 0.5}]},
        ),
    ]
    assert steps[0].parse(answer(OPENED)) == {"session_id": session, "duration_ms": "10000"}
    assert steps[1].parse(answer({"status": 0, "session_id": session, "res": {}})) == {}
    sent = OFFICIAL.submit(request, CONTEXT)
    assert sent.path == root
    assert sent.json is not None
    assert {name: value for name, value in sent.json.items() if name != "image_list"} == {
        "session_id": session,
        "edit_mode": "swap",
        "prompt": "Swap in <<<video_1>>>, using <<<image_1>>>: the cat for the fox",
        "mode": "std",
        "duration": "5",
        "external_task_id": "x",
    }
    assert len(sent.json["image_list"]) == 1


def test_a_gateway_has_it_under_its_prefix():
    steps = PREFIXED.preparations(an_edit("swap", Mark(frame=0, x=0, y=1)), CONTEXT)
    assert {step.write(CONTEXT.prepared).path.partition("/v1/")[0] for step in steps} == {"/kling"}


@pytest.mark.parametrize(
    ("mode", "images", "words", "prompt"),
    [
        ("removal", 0, "", "Delete the marked element from <<<video_1>>>"),
        ("removal", 0, "the chick", "Delete from <<<video_1>>>: the chick"),
        ("swap", 1, "", "Swap the marked element of <<<video_1>>> for what <<<image_1>>> shows"),
        (
            "addition",
            2,
            "",
            "Using the context of <<<video_1>>>, seamlessly add the content of <<<image_1>>> and <<<image_2>>>",
        ),
        ("swap", 1, "the hat", "Swap in <<<video_1>>>, using <<<image_1>>>: the hat"),
    ],
)
def test_a_prompt_names_the_video_and_every_picture(mode, images, words, prompt):
    request = an_edit(mode, references=IMAGES[:images], prompt=words)
    sent = OFFICIAL.submit(request, CONTEXT)
    assert sent.json is not None
    assert sent.json["prompt"] == prompt
    assert ("image_list" in sent.json) is bool(images)


@pytest.mark.parametrize(
    ("milliseconds", "told", "seconds"),
    [
        (5_100, "", "5"),
        (2_000, "", "5"),
        (7_000, "", "10"),
        (10_040, "5000", "10"),
        (None, "10000", "10"),
        (None, "", "5"),
    ],
)
def test_a_result_is_as_long_as_what_it_is_made_of(milliseconds, told, seconds):
    request = an_edit("removal", Mark(frame=0, x=0.5, y=0.5), references=())
    assert request.source is not None
    source = request.source.model_copy(update={"duration_ms": milliseconds})
    context = SubmitContext("x", BYTES, prepared={"session_id": "1", "duration_ms": told})
    sent = OFFICIAL.submit(request.model_copy(update={"source": source}), context)
    assert sent.json is not None
    assert sent.json["duration"] == seconds


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer({**OPENED, "status": 1}), errors.Rejected),
        (answer({**OPENED, "session_id": ""}), errors.Unavailable),
        (answer(None, 400, 1201, "Task not found by id/external id"), errors.Rejected),
        (answer(None, 400, 1201, "video_url is not valid"), errors.Rejected),
        (answer(None, 429, 1302, "slow down"), errors.Throttled),
    ],
)
def test_what_cannot_be_opened_is_told_from_what_cannot_be_now(response, error):
    (opening, *_) = OFFICIAL.preparations(an_edit("addition"), CONTEXT)
    with pytest.raises(error):
        opening.parse(response)
