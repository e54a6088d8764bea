import pytest

from bot.domain.requests import catalog, presets
from bot.domain.requests.camera import (
    AXES,
    CAMERAS,
    NAMED,
    PRESETS,
    direct,
    has_field,
    read_camera,
    read_shots,
    tell_camera,
)
from bot.domain.requests.prompt import parse
from bot.domain.requests.request import PLACEHOLDER, Camera, GenerationRequest
from bot.domain.requests.values import Vocabulary
from bot.errors import UserError

MODELS = Vocabulary.of_models(["kling-v1", "kling-v3"])


@pytest.mark.parametrize(
    ("text", "camera"),
    [
        ("zoom-in", {"move": "simple", "axis": "zoom", "value": -5}),
        ("Zoom In", {"move": "simple", "axis": "zoom", "value": -5}),
        ("推近", {"move": "simple", "axis": "zoom", "value": -5}),
        ("zoom:-2.5", {"move": "simple", "axis": "zoom", "value": -2.5}),
        ("pan=10", {"move": "simple", "axis": "pan", "value": 10}),
        ("forward_up", {"move": "forward_up"}),
        ("down-back", {"move": "down_back"}),
    ],
)
def test_a_camera_move_has_many_names(text, camera):
    assert read_camera(text) == Camera.model_validate(camera)


@pytest.mark.parametrize("text", ["zoom:11", "zoom:0", "spin:3", "zom-in", "", "simple"])
def test_a_move_that_the_camera_cannot_make_is_refused_with_those_that_it_can(text):
    with pytest.raises(UserError) as caught:
        read_camera(text)
    assert caught.value.key == "error.prompt.bad_value"
    assert all(name in caught.value.params["allowed"] for name in (*PRESETS, *AXES, "zoom-in"))
    assert caught.value.params["nearest"] in {*NAMED, *PRESETS}


def test_shots_are_read_with_their_seconds():
    shots = read_shots("2s a fox wakes | 4: it runs｜3秒 它停下")
    assert [(shot.duration, shot.prompt) for shot in shots] == [
        (2, "a fox wakes"),
        (4, "it runs"),
        (3, "它停下"),
    ]


@pytest.mark.parametrize(
    "text", ["a fox", "2s", "2s a fox | it runs", "99s a fox", "|".join(["1s a"] * 7), "0s a"]
)
def test_shots_without_seconds_or_prompt_are_refused(text):
    with pytest.raises(UserError) as caught:
        read_shots(text)
    assert caught.value.key == "error.prompt.shots"


def test_camera_and_shots_are_typed_as_options():
    parsed = parse(
        'a fox --camera zoom:-5 --shots "2s a fox wakes | 4s it runs" --watermark --size 2k', MODELS
    )
    assert parsed.prompt == "a fox"
    assert parsed.options["camera"] == Camera(move="simple", axis="zoom", value=-5)
    assert len(parsed.options["shots"]) == 2
    assert (parsed.options["watermark"], parsed.options["resolution"]) == (True, "2k")


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("hi --speed 3", "2"), ("hi --lang de", "zh"), ("hi --size 9k", "8k"), ("hi --speed x", "1.4")],
)
def test_how_somebody_speaks_is_checked(text, nearest):
    with pytest.raises(UserError) as caught:
        parse(text, MODELS)
    assert (
        caught.value.params["nearest"] == nearest
        or caught.value.params["nearest"] in caught.value.params["allowed"]
    )


def test_voices_are_found_by_name_in_their_language():
    known = presets.load_voices()
    assert known.find("melody", "en").id == "girlfriend_4_speech02"
    assert known.find("温柔姐姐", "zh").id == known.find("Tender", "en").id
    assert known.find("", "zh") in known.of("zh")
    assert known.find("my_own-voice", "en").id == "my_own-voice"
    with pytest.raises(UserError) as caught:
        known.find("Melody", "zh")
    assert "Tender" in caught.value.params["voices"]


@pytest.mark.parametrize(("text", "language"), [("hello", "en"), ("你好 there", "zh"), ("123", "en")])
def test_the_language_of_a_speech_is_seen_in_its_letters(text, language):
    assert presets.language_of(text) == language


# -- in the prompt -----------------------------------------------------------------------------------


def a_move(name: str, prompt: str = "a fox", **changes) -> GenerationRequest:
    fields = {"operation": "text2video", "model": "kling-v2-6", "prompt": prompt, "camera": read_camera(name)}
    return GenerationRequest.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("name", "prompt", "words"),
    [
        ("zoom-in", "a fox", "a fox. The camera zooms in."),
        ("zoom:2", "a fox!", "a fox! The camera slowly zooms out."),
        ("horizontal:-9", "a fox", "a fox. The camera quickly moves to the left."),
        ("look-up", "a fox", "a fox. The camera tilts up."),
        ("look-left", "a fox", "a fox. The camera pans to the left."),
        ("down_back", "a fox", "a fox. The camera moves down and back."),
        ("zoom-in", "雪中的狐狸", "雪中的狐狸。镜头推近。"),
        ("zoom:9", "雪中的狐狸。", "雪中的狐狸。镜头快速拉远。"),
        ("forward_up", "狐狸", "狐狸。镜头推进并上移。"),
        ("move-down", "", "The camera moves down."),
    ],
)
def test_a_move_is_said_in_the_language_of_the_prompt(name, prompt, words):
    request = a_move(
        name, prompt, **({} if prompt else {"operation": "image2video", "first_frame": PLACEHOLDER})
    )
    directed = direct(request)
    assert (directed.prompt, directed.camera) == (words, None)


def test_every_move_has_words_of_its_own_in_both_languages():
    moves = [*CAMERAS.values(), *(read_camera(f"{axis}:{value}") for axis in AXES for value in (-5, 5))]
    for prompt in ("a fox", "狐狸"):
        told = {tell_camera(a_move("zoom-in", prompt).model_copy(update={"camera": move})) for move in moves}
        assert len(told) == len(PRESETS) + 2 * len(AXES)


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"operation": "omni-video", "model": "kling-v3-omni"}, True),
        ({"duration": 10, "mode": "pro"}, True),
        ({"model": "kling-v3", "shots": ({"prompt": "it runs", "duration": 5},)}, False),
        ({"model": "kling-v1"}, True),
        # A model with a field for it takes it there, or not at all.
        ({"model": "kling-v1", "duration": 10}, False),
    ],
)
def test_a_model_without_a_field_for_it_takes_any_move(changes, allowed):
    request = a_move("down_back", **changes)
    row = catalog.load().model(request.model)
    assert ("camera" not in catalog.load().lacks(request)) is allowed
    assert has_field(row, request) is (request.model == "kling-v1")
