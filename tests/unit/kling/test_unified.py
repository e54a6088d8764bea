from dataclasses import replace

import pytest

from bot.domain.requests.operations import Operation
from bot.domain.requests.rules import lacking
from bot.kling import dialects
from bot.kling.dialects.native import OFFICIAL
from bot.kling.dialects.unified import KEYED, MANY, UNIFIED
from bot.kling.wire import HttpRequest, SubmitContext, TaskRef
from tests.operations import BYTES, IMAGES, SOURCE, a_request_for
from tests.unit.kling.recorded import EXTERNAL_ID

CONTEXT = SubmitContext(EXTERNAL_ID)
REF = TaskRef(Operation.IMAGE_TO_VIDEO, "kling-v2-6", EXTERNAL_ID, "893605946402811985")


SOUND = TaskRef(Operation.TEXT_TO_AUDIO, "text-to-audio", EXTERNAL_ID, "893605946402811986")
TURBO = TaskRef(Operation.TEXT_TO_VIDEO, "kling-v3-turbo", EXTERNAL_ID, "893605946402811987")
FOURTH = TaskRef(Operation.OMNI_IMAGE, "kling-image-4.0", EXTERNAL_ID, "893605946402811990")
IMAGE = TaskRef(Operation.OMNI_IMAGE, "kling-v3-omni", EXTERNAL_ID, "893605946402811991")
OLD = TaskRef(Operation.IMAGE_TO_VIDEO, "kling-v1-6", EXTERNAL_ID, "893605946402811988")
IDS, OURS = "task_ids", "external_task_ids"


def asked(request: HttpRequest | None) -> tuple[str, dict[str, str]] | None:
    return None if request is None else (request.path, dict(request.query))


def at_tasks(ref: TaskRef, name: str = IDS) -> tuple[str, dict[str, str]]:
    return "/tasks", {name: (ref.external_task_id if name == OURS else ref.provider_task_id) or ""}


def own_path(ref: TaskRef, path: str, name: str = IDS) -> tuple[str, dict[str, str]]:
    return f"{path}/{ref.external_task_id if name == OURS else ref.provider_task_id}", {}


T2V, I2V, AUDIO = "/v1/videos/text2video", "/v1/videos/image2video", "/v1/audio/text-to-audio"
OMNI_IMAGE = "/v1/images/omni-image"


@pytest.mark.parametrize(
    ("dialect", "ref", "first", "then"),
    [
        (UNIFIED, REF, at_tasks(REF), [own_path(REF, I2V)]),
        (UNIFIED, TURBO, at_tasks(TURBO), []),
        (UNIFIED, OLD, own_path(OLD, I2V), [at_tasks(OLD)]),
        (UNIFIED, SOUND, own_path(SOUND, AUDIO), [at_tasks(SOUND)]),
        (KEYED, REF, own_path(REF, I2V), [at_tasks(REF)]),
        (KEYED, TURBO, at_tasks(TURBO), []),
        (KEYED, SOUND, own_path(SOUND, AUDIO), [at_tasks(SOUND)]),
        (UNIFIED, IMAGE, own_path(IMAGE, OMNI_IMAGE), [at_tasks(IMAGE)]),
        (UNIFIED, FOURTH, at_tasks(FOURTH), []),
        (KEYED, FOURTH, at_tasks(FOURTH), []),
    ],
)
def test_a_task_is_asked_for_where_its_standard_has_it_and_elsewhere_before_it_is_absent(
    dialect, ref, first, then
):
    assert asked(dialect.query(ref)) == first
    assert [asked(request) for request in dialect.elsewhere(ref)] == then


@pytest.mark.parametrize(
    ("dialect", "ref", "first", "then"),
    [
        (UNIFIED, REF, at_tasks(REF, OURS), [own_path(REF, I2V, OURS)]),
        (UNIFIED, TURBO, at_tasks(TURBO, OURS), []),
        (UNIFIED, SOUND, own_path(SOUND, AUDIO, OURS), []),
        (KEYED, REF, own_path(REF, I2V, OURS), []),
        (KEYED, TURBO, at_tasks(TURBO, OURS), []),
    ],
)
def test_our_own_id_is_asked_for_there_as_well(dialect, ref, first, then):
    assert asked(dialect.look_up(ref)) == first
    unsure = replace(ref, provider_task_id=None)
    assert [asked(request) for request in dialect.elsewhere(unsure)] == then


def test_one_question_is_about_twenty_tasks_of_the_newer_standard_at_most():
    refs = [TaskRef(Operation.TEXT_TO_VIDEO, "kling-v3", f"e{number}", f"t{number}") for number in range(30)]
    first, second = UNIFIED.query_many(refs)
    assert first.query["task_ids"].split(",") == [f"t{number}" for number in range(MANY)]
    assert second.query["task_ids"].split(",") == [f"t{number}" for number in range(MANY, len(refs))]
    assert UNIFIED.query_many([]) == ()


def test_tasks_of_both_standards_are_asked_for_at_once_each_in_its_own_place():
    refs = [TaskRef(Operation.TEXT_TO_VIDEO, model, "e", model) for model in ("kling-v3", "kling-v3-turbo")]
    paths = {
        dialect.name: [request.path for request in dialect.query_many(refs)] for dialect in (UNIFIED, KEYED)
    }
    assert paths == {"unified": ["/tasks"], "official": ["/tasks", T2V, T2V]}
    assert [request.path for request in UNIFIED.query_many([SOUND])] == [AUDIO, AUDIO]


def test_names_and_paths_of_the_newer_standard_are_those_of_the_settings():
    dialect = KEYED.renamed(
        {
            "kling-4.0/omni-video": "kling-4.0-omni",
            "kling-v3-turbo": "turbo-3",
            "kling-image-4.0": "image-4",
        },
        {
            "image2video": "/v2/{model}/image",
            "kling-4.0/text2video": "/omni-video/{model}",
            "kling-image-4.0/omni-image": "/image-generation/{model}",
            "effects": "/v1/all/effects",
        },
    )

    def sent(operation: str, model: str) -> tuple[str, list[str]]:
        request = a_request_for(operation, model=model)
        written = dialect.submit(request, SubmitContext(EXTERNAL_ID, BYTES))
        return written.path, list(written.json or {})

    assert sent("omni-video", "kling-4.0") == (
        "/omni-video/kling-4.0-omni",
        ["contents", "settings", "options"],
    )
    assert sent("image2video", "kling-v3-turbo")[0] == "/v2/turbo-3/image"
    # Where it is taken decides on the form of the body, too.
    assert sent("text2video", "kling-4.0") == ("/omni-video/kling-4.0", ["contents", "settings", "options"])
    assert sent("text2video", "kling-v3-turbo") == (
        "/text-to-video/turbo-3",
        ["prompt", "settings", "options"],
    )
    assert sent("effects", "effects")[0] == "/v1/all/effects"
    assert sent("omni-image", "kling-image-4.0")[0] == "/image-generation/image-4"
    assert sent("image2video", "kling-v2-6")[0] == I2V


def test_without_an_id_of_ours_no_word_of_it_is_sent():
    request = a_request_for("text2video", model="kling-4.0")
    written = KEYED.submit(request, SubmitContext("", BYTES)).json or {}
    assert list(written) == ["prompt", "settings"]
    marked = KEYED.submit(request.model_copy(update={"watermark": True}), SubmitContext("", BYTES)).json or {}
    assert marked["options"] == {"watermark_info": {"enabled": True}}


def test_a_key_pair_speaks_the_older_standard_alone_and_an_api_key_both():
    pair, single = dialects.get("official", "a|b"), dialects.get("official", "an-api-key")
    assert [dialect.has_model("kling-v3-turbo") for dialect in (pair, single)] == [False, True]
    assert [dialect.has_model("kling-4.0") for dialect in (pair, single)] == [False, True]
    assert [dialect.name for dialect in (pair, single)] == ["official", "official"]


def test_what_has_no_id_of_ours_cannot_be_looked_up():
    assert UNIFIED.look_up(TaskRef(Operation.EXTEND, "kling-v1-6", EXTERNAL_ID)) is None


@pytest.mark.parametrize(
    ("request_", "missing"),
    [
        (a_request_for("text2video", model="kling-v3-turbo", cfg_scale=0.5), ("cfg_scale",)),
        (a_request_for("text2video", model="kling-v3", camera={"move": "down_back"}), ("camera",)),
        (a_request_for("image2video", model="kling-v3-turbo", prompt=""), ("prompt",)),
        (
            a_request_for("image2video", model="kling-v3-turbo", first_frame=None, last_frame=IMAGES[0]),
            ("last_frame",),
        ),
        (
            a_request_for("text2video", model="kling-v3-turbo", voices=("v",), sound=True, mode="pro"),
            ("voices",),
        ),
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


OMNI = a_request_for("omni-video", model="kling-v3-omni", negative_prompt="blur")
ONLY_ELSEWHERE = [
    # What the older standard has no place for, though it is preferred.
    (KEYED, OMNI, "/omni-video/kling-3.0-omni", "negative_prompt"),
    (
        KEYED,
        a_request_for("omni-video", model="kling-video-o1", negative_prompt="blur"),
        "/omni-video/kling-o1",
        "negative_prompt",
    ),
    # What the newer has none for.
    (UNIFIED, a_request_for("image2video", prompt=""), I2V, "prompt"),
    (UNIFIED, a_request_for("image2video", first_frame=None, last_frame=IMAGES[0]), I2V, "last_frame"),
    (UNIFIED, a_request_for("text2video", voices=("v",), sound=True, mode="pro"), T2V, "voices"),
    (UNIFIED, a_request_for("text2video", negative_prompt="blur" * 622), T2V, "negative_prompt"),
]


@pytest.mark.parametrize(("dialect", "request_", "path", "field"), ONLY_ELSEWHERE)
def test_what_only_one_of_both_standards_has_a_place_for_goes_by_that_with_its_questions(
    dialect, request_, path, field
):
    written = dialect.submit(request_, SubmitContext(EXTERNAL_ID, BYTES))
    assert written.path == path
    assert lacking(dialect.limits, request_) == ()
    plain = request_.model_copy(
        update={field: "a fox" if field == "prompt" else type(request_).model_fields[field].default}
    )
    if field == "last_frame":
        plain = plain.model_copy(update={"first_frame": IMAGES[0]})
    usual = dialect.submit(plain, SubmitContext(EXTERNAL_ID, BYTES))
    assert usual.path != path
    ref = TaskRef(request_.operation, request_.model, EXTERNAL_ID, "893605946402811985", request=request_)
    is_newer = not path.startswith("/v1/")
    # Its questions go where it went, and elsewhere before it counts as absent.
    assert asked(dialect.query(ref)) == (at_tasks(ref) if is_newer else own_path(ref, path))
    assert asked(dialect.look_up(ref)) == (at_tasks(ref, OURS) if is_newer else own_path(ref, path, OURS))
    assert next(each.path for each in dialect.query_many([ref])) == ("/tasks" if is_newer else path)
    assert dialect.elsewhere(ref) != ()


def test_what_is_not_wanted_stands_in_the_prompt_of_the_newer_standard():
    written = KEYED.submit(OMNI, SubmitContext(EXTERNAL_ID, BYTES)).json or {}
    prompt = next(part["text"] for part in written["contents"] if part["type"] == "prompt")
    assert prompt.endswith("\nAvoid: blur")
    assert written["settings"]["multi_shot"] is False


@pytest.mark.parametrize("keep_sound", [True, False])
def test_a_video_that_is_edited_does_not_become_several_shots(keep_sound):
    """The vendor's example of a base_video says so; left out, it is true."""
    edit = a_request_for(
        "omni-video", model="kling-v3-omni", source=SOURCE, references=(), keep_sound=keep_sound
    )
    written = UNIFIED.submit(edit, CONTEXT).json or {}
    assert [part["type"] for part in written["contents"]] == ["prompt", "base_video"]
    assert written["settings"]["multi_shot"] is False


def test_a_camera_move_changes_nothing_about_the_standard():
    """It is said in words where there is no field for it, before the request is written."""
    request = a_request_for("text2video", model="kling-v3", camera={"move": "down_back"})
    plain = request.model_copy(update={"camera": None})
    sent = UNIFIED.submit(plain, SubmitContext(EXTERNAL_ID, BYTES)).path
    ref = TaskRef(request.operation, request.model, EXTERNAL_ID, "1", request=request)
    assert (sent, UNIFIED.query(ref).path) == ("/text-to-video/kling-3.0", "/tasks")


def test_what_neither_has_a_place_for_is_told_of_the_preferred_one():
    request = a_request_for("omni-video", model="kling-v3-omni", negative_prompt="blur", seed=7)
    assert lacking(KEYED.limits, request) == ("seed", "negative_prompt")
    assert KEYED.submit(request, SubmitContext(EXTERNAL_ID, BYTES)).path == "/v1/videos/omni-video"
