"""What each model takes together, as Kling's pages say it; which models are named to a person who asks for more."""

import pytest

from bot.domain.requests.catalog import load, read
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import durations_of, fit, lacking
from bot.errors import UserError
from bot.kling.dialects import DIALECTS
from bot.kling.wire import SubmitContext
from tests.operations import BYTES, IMAGES, SOURCE, a_request_for

CATALOG = load()
OFFERED = tuple(row.id for row in CATALOG.known())
FIRST = {"first_frame": IMAGES[0], "aspect_ratio": None}
BOTH = FIRST | {"last_frame": IMAGES[1]}
SHOTS = {"shots": ({"prompt": "one", "duration": 2}, {"prompt": "two", "duration": 3}), "duration": 5}
FEATURE = {"features": (SOURCE,)}
MOTION = {"model": "kling-v3", "orientation": "video"}


def omni(model: str, **fields: object) -> GenerationRequest:
    return a_request_for("omni-video", **{"model": model, "references": (), **fields})


def refusal(request: GenerationRequest) -> str | None:
    try:
        CATALOG.check(request, OFFERED)
    except UserError as error:
        return error.key.removeprefix("error.")
    return None


def lasting(seconds: float) -> dict[str, object]:
    return SOURCE | {"duration_ms": int(seconds * 1000)}


def elements(number: int) -> dict[str, object]:
    return {"elements": tuple(range(160, 160 + number))}


def filmed(number: int, others: int = 0) -> dict[str, object]:
    """So many characters of a video, and so many elements that are made of images."""
    ids = tuple(range(160, 160 + number + others))
    return {"elements": ids, "video_elements": ids[:number]}


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        (omni("kling-v3-omni", **elements(7)), None),
        (omni("kling-v3-omni", references=IMAGES[:4], **elements(3)), None),
        (omni("kling-v3-omni", references=IMAGES[:5], **elements(3)), "model.together"),
        (omni("kling-v3-omni", references=IMAGES[:8]), "model.too_many_pictures"),
        (omni("kling-v3-omni", source=SOURCE, references=(), **elements(4)), None),
        (omni("kling-v3-omni", source=SOURCE, **elements(5)), "model.together"),
        (omni("kling-v3-omni", **BOTH, **elements(3)), None),
        (omni("kling-v3-omni", **FIRST, **elements(4)), "model.together"),
        (omni("kling-v3-omni", **SHOTS, **BOTH), None),
        (omni("kling-v3-omni", source=SOURCE, **SHOTS), "model.apart"),
        (omni("kling-v3-omni", source=SOURCE, auto_shots=True), "model.apart"),
        (omni("kling-v3-omni", **FEATURE, **BOTH, auto_shots=True), None),
        (omni("kling-v3-omni", **FEATURE, references=IMAGES[:2], **elements(2)), None),
        (omni("kling-v3-omni", **FEATURE, references=IMAGES[:3], **elements(2)), "model.together"),
        (omni("kling-v3-omni", **FEATURE, sound=True), "model.apart"),
        (omni("kling-v3-omni", **FEATURE, source=SOURCE), "model.together"),
        (omni("kling-v3-omni", features=(SOURCE, SOURCE)), "model.too_many_features"),
        (omni("kling-v3-omni", features=(lasting(15.5),)), None),
        (omni("kling-v3-omni", features=(lasting(17),)), "request.source_length"),
        (omni("kling-video-o1", **FEATURE, **FIRST, duration=7, **elements(3)), None),
        (omni("kling-video-o1", **FEATURE, **BOTH), "model.apart"),
        (omni("kling-video-o1", features=(lasting(12),)), "request.source_length"),
        (omni("kling-4.0", features=(lasting(6),) * 5), None),
        (omni("kling-4.0", features=(lasting(6),) * 4, source=lasting(6)), None),
        (omni("kling-4.0", features=(lasting(20), lasting(14))), "model.videos_seconds"),
        (omni("kling-4.0", features=(SOURCE,) * 5, source=SOURCE), "model.together"),
        (a_request_for("image2video", model="kling-4.0", **FEATURE), "model.features"),
        (a_request_for("text2video", model="kling-v3", **FEATURE), "model.features"),
        (omni("kling-v3-omni", **filmed(3)), None),
        (omni("kling-v3-omni", **filmed(4)), "model.together"),
        (omni("kling-v3-omni", references=IMAGES[:2], **filmed(2, 2)), None),
        (omni("kling-v3-omni", references=IMAGES[:3], **filmed(1, 2)), "model.together"),
        (omni("kling-v3-omni", source=SOURCE, **filmed(1)), None),
        (omni("kling-v3-omni", source=SOURCE, **filmed(2)), "model.together"),
        (omni("kling-v3-omni", source=SOURCE, **filmed(1, 1)), "model.apart"),
        (omni("kling-v3-omni", **FEATURE, references=IMAGES[:1], **filmed(1)), "model.apart"),
        (omni("kling-video-o1", **filmed(1)), "model.none_of"),
        (omni("kling-4.0", **filmed(5, 2)), None),
        (a_request_for("image2video", model="kling-v3", **filmed(3)), None),
        (omni("kling-video-o1", duration=3, references=IMAGES[:1]), None),
        (omni("kling-video-o1", duration=7, **elements(1)), None),
        (omni("kling-video-o1", duration=9, **BOTH), None),
        (omni("kling-video-o1", duration=3, **FIRST), "model.duration"),
        (omni("kling-video-o1", duration=7, **FIRST, **elements(2)), None),
        (omni("kling-video-o1", duration=3), "model.duration"),
        (omni("kling-video-o1", duration=10), None),
        (omni("kling-video-o1", duration=11, references=IMAGES[:1]), "model.duration"),
        (omni("kling-video-o1", **BOTH, **elements(1)), "model.apart"),
        (omni("kling-video-o1", **SHOTS), "model.shots"),
        (omni("kling-video-o1", auto_shots=True), "model.auto_shots"),
        (a_request_for("image2video", model="kling-v3", **elements(3)), None),
        (a_request_for("image2video", model="kling-v3", **elements(4)), "model.too_many_elements"),
        (a_request_for("image2video", model="kling-v2-6", **elements(1)), "model.elements"),
        (a_request_for("text2video", model="kling-v3", **elements(1)), "model.elements"),
        (a_request_for("image2video", model="kling-v3", last_frame=IMAGES[1], mode="4k", **SHOTS), None),
        (a_request_for("image2video", model="kling-v3", last_frame=IMAGES[1], auto_shots=True), None),
        (a_request_for("text2video", model="kling-v3", auto_shots=True, **SHOTS), "model.auto_shots"),
        (a_request_for("text2video", model="kling-v3-turbo", **SHOTS), None),
        (a_request_for("text2video", model="kling-v3-turbo", auto_shots=True), "model.auto_shots"),
        (a_request_for("image2video", voices=("v",), sound=True, mode="pro"), None),
        (a_request_for("image2video", voices=("v", "w", "x"), sound=True, mode="pro"), "model.together"),
        (a_request_for("image2video", voices=("v",), mode="pro"), "model.voices"),
        (a_request_for("text2video", voices=("v",), sound=True, mode="pro"), "model.voices"),
        # Kling's pages know no voices of 3.0: there an element has one.
        (a_request_for("image2video", model="kling-v3", voices=("v",), sound=True), "model.voices"),
        (a_request_for("motion-control", **MOTION, **elements(1)), None),
        (a_request_for("motion-control", **MOTION, **elements(2)), "model.together"),
        (
            a_request_for("motion-control", **(MOTION | {"orientation": "image"}), **elements(1)),
            "request.element_orientation",
        ),
        (
            a_request_for("motion-control", **(MOTION | {"model": "kling-v2-6"}), **elements(1)),
            "model.elements",
        ),
    ],
)
def test_a_model_takes_together_what_its_page_says(request_, refused):
    assert refusal(request_) == refused


def test_with_the_fourth_series_a_character_of_a_video_counts_as_a_video():
    plain, filmed_ = omni("kling-4.0", **elements(1)), omni("kling-4.0", **filmed(1))
    assert (CATALOG.price(plain), CATALOG.price(filmed_)) == (56, 67)


def test_who_asks_for_too_much_hears_which_models_take_it():
    with pytest.raises(UserError) as caught:
        CATALOG.check(omni("kling-video-o1", **BOTH, **elements(1)), OFFERED)
    assert caught.value.params["models"] == "kling-v3, kling-v3-omni, kling-4.0"
    assert (caught.value.params["inputs"], caught.value.params["others"]) == ("elements", "last_frame")


def test_seconds_that_depend_on_the_rest_are_changed_to_fit():
    row = CATALOG.model("kling-video-o1")
    request = omni("kling-video-o1", duration=6, references=IMAGES[:1])
    assert durations_of(row, request) == list(range(3, 11))
    alone = request.model_copy(update={"references": ()})
    assert durations_of(row, alone) == [5, 10]
    fitted = fit(alone, row)
    assert fitted is not None
    assert fitted.duration == 5


@pytest.mark.parametrize("also", [elements(1), {"last_frame": IMAGES[1]}])
def test_a_disputed_limit_counts_where_it_is_said_to(also):
    request = omni("kling-video-o1", duration=7, **FIRST, **also)
    assert CATALOG.lacks(request) == ()
    narrow = CATALOG.strictly({"kling-video-o1"})
    assert narrow.lacks(request) == ("duration",)
    assert narrow.lacks(request.model_copy(update={"duration": 5})) == ()
    assert narrow.lacks(omni("kling-video-o1", duration=7, **FIRST, references=IMAGES[1:2])) == ()
    assert narrow.section("images") == CATALOG.section("images")


def test_operators_may_say_of_a_model_what_they_know_better():
    """The vendor's page and its map disagree about words alone with O1: a setting decides otherwise."""
    changed = load({"models": {"kling-video-o1": {"inputs": []}}})
    changed.check(omni("kling-video-o1", duration=3), OFFERED)
    older = read({"models": {"mine": {"operations": ["text2video"], "sound": ["pro"], "voices": True}}})
    assert {str(operation) for operation in older.model("mine").voices} == {"text2video", "image2video"}


@pytest.mark.parametrize("name", ["official", "unified", "prefixed"])
def test_shots_and_automatic_shots_are_written_as_the_standard_reads_them(name):
    dialect, context = DIALECTS[name], SubmitContext("klingbot-1", BYTES, None, {})
    model = "kling-v3-turbo" if name == "unified" else "kling-v3"
    custom = a_request_for("text2video", model=model, prompt="", **SHOTS)
    assert not lacking(dialect.limits, custom) or name == "prefixed"
    automatic = a_request_for("image2video", model="kling-v3", last_frame=IMAGES[1], auto_shots=True)
    body, sent = dialect.submit(automatic, context).json, dialect.submit(custom, context).json
    assert not lacking(dialect.limits, automatic)
    if name == "unified":
        assert body["settings"]["multi_shot"] is True
        assert sent["prompt"] == "shot 1, 2, one; shot 2, 3, two;"
        assert "multi_shot" not in sent["settings"]
    else:
        assert (body["multi_shot"], body["shot_type"]) == (True, "intelligence")
        assert body["prompt"] == "it jumps"
        assert [shot["duration"] for shot in sent["multi_prompt"]] == ["2", "3"]


def test_a_semicolon_of_a_person_ends_no_shot():
    shots = ({"prompt": "it stops; it waits；it runs", "duration": 5},)
    request = a_request_for("text2video", model="kling-v3-turbo", prompt="", shots=shots)
    sent = DIALECTS["unified"].submit(request, SubmitContext("klingbot-1", {}, None, {})).json
    assert sent["prompt"] == "shot 1, 5, it stops, it waits，it runs;"
