"""How a film is directed in words: camera moves and shots, and camera moves as words of a prompt. Pure.

    --camera zoom-in            a name
    --camera zoom:-5            an axis with a value from -10 to 10
    --camera forward_up         one of Kling's presets
    --shots "2s a fox wakes | 4s it runs"
    --shots auto        the model cuts by itself

What the axes mean is Kling's choice (vendor API reference 2025, camera_control): a smaller `zoom` comes
nearer, `pan` looks up and down, `tilt` looks left and right.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import get_args

from pydantic import ValidationError

from bot.domain.requests.model import Model
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import (
    SHOT_LIMIT,
    Camera,
    CameraAxis,
    CameraMove,
    GenerationRequest,
    Shot,
)
from bot.errors import UserError

AXES: tuple[CameraAxis, ...] = get_args(CameraAxis)
PRESETS: tuple[CameraMove, ...] = tuple(move for move in get_args(CameraMove) if move != "simple")
USUAL_VALUE = 5.0

NAMED: Mapping[str, tuple[CameraAxis, float]] = {
    **dict.fromkeys(("zoom-in", "推近"), ("zoom", -USUAL_VALUE)),
    **dict.fromkeys(("zoom-out", "拉远"), ("zoom", USUAL_VALUE)),
    **dict.fromkeys(("move-left", "左移"), ("horizontal", -USUAL_VALUE)),
    **dict.fromkeys(("move-right", "右移"), ("horizontal", USUAL_VALUE)),
    **dict.fromkeys(("move-up", "上移"), ("vertical", USUAL_VALUE)),
    **dict.fromkeys(("move-down", "下移"), ("vertical", -USUAL_VALUE)),
    **dict.fromkeys(("look-up", "上摇"), ("pan", USUAL_VALUE)),
    **dict.fromkeys(("look-down", "下摇"), ("pan", -USUAL_VALUE)),
    **dict.fromkeys(("look-left", "左摇"), ("tilt", -USUAL_VALUE)),
    **dict.fromkeys(("look-right", "右摇"), ("tilt", USUAL_VALUE)),
    **dict.fromkeys(("roll", "旋转"), ("roll", USUAL_VALUE)),
}
"""Camera moves by names that people use."""

CAMERAS: Mapping[str, Camera] = {
    **{
        name: Camera(move="simple", axis=axis, value=value)
        for name, (axis, value) in NAMED.items()
        if name.isascii()
    },
    **{preset.partition("_")[0]: Camera(move=preset) for preset in PRESETS},
}
"""Camera moves by short names: those of commands, and the first words of Kling's presets."""

IN_WORDS = frozenset(
    {
        Operation.TEXT_TO_VIDEO,
        Operation.IMAGE_TO_VIDEO,
        Operation.REFERENCES_TO_VIDEO,
        Operation.OMNI_VIDEO,
    }
)
"""What a camera move can be asked for in the prompt: what makes a video anew by its words."""

_SLOW, _FAST = 3, 8
"""From and to which value a move is told as slow and as fast; values reach from -10 to 10."""

_AXES: Mapping[tuple[CameraAxis, bool], tuple[str, str]] = {
    ("zoom", False): ("zooms in", "推近"),
    ("zoom", True): ("zooms out", "拉远"),
    ("horizontal", False): ("moves to the left", "向左平移"),
    ("horizontal", True): ("moves to the right", "向右平移"),
    ("vertical", False): ("moves down", "下移"),
    ("vertical", True): ("moves up", "上移"),
    ("pan", False): ("tilts down", "向下摇"),
    ("pan", True): ("tilts up", "向上摇"),
    ("tilt", False): ("pans to the left", "向左摇"),
    ("tilt", True): ("pans to the right", "向右摇"),
    ("roll", False): ("rolls counterclockwise", "逆时针旋转"),
    ("roll", True): ("rolls clockwise", "顺时针旋转"),
}
"""What Kling reads of a move along an axis, by whether its value is positive; in English and Chinese."""

_PRESETS: Mapping[CameraMove, tuple[str, str]] = {
    "down_back": ("moves down and back", "下移并后退"),
    "forward_up": ("moves forward and up", "推进并上移"),
    "right_turn_forward": ("turns right while it moves forward", "右转并推进"),
    "left_turn_forward": ("turns left while it moves forward", "左转并推进"),
}

_HAN = re.compile(r"[\u3400-\u9fff]")
_ENDS = frozenset(".!?…。！？;；,，:：")

_AXIS = re.compile(r"([a-z]+)[:=]?([+-]?\d+(?:\.\d+)?)")
_SHOT = re.compile(r"\s*(\d{1,2})\s*(?:s|sec|seconds|秒)?[:：,，]?\s+(.+)", re.DOTALL | re.IGNORECASE)


def read_camera(text: str) -> Camera:
    """Read a camera move.

    Raises:
        UserError: there is none of that name, or its value is out of range.

    """
    word = text.strip().casefold().replace(" ", "-")
    if word in NAMED:
        axis, value = NAMED[word]
        return Camera(move="simple", axis=axis, value=value)
    preset = word.replace("-", "_")
    if preset in PRESETS:
        return Camera.model_validate({"move": preset})
    match = _AXIS.fullmatch(word)
    if match is not None:
        try:
            return Camera.model_validate({"move": "simple", "axis": match[1], "value": float(match[2])})
        except ValidationError:
            pass
    names = [name for name in NAMED if name.isascii()]
    close = get_close_matches(word, [*names, *PRESETS], 1, 0.0)
    raise UserError(
        "error.prompt.bad_value",
        option="--camera",
        value=text[:40],
        allowed=", ".join((*names, *PRESETS, *(f"{axis}:-10…10" for axis in AXES))),
        nearest=close[0],
    )


AUTOMATIC_SHOTS = ("auto", "automatic", "自动")
"""What leaves the shots to the model."""

MOST_SHOTS = 6
"""Shots in a video (Kling API, multi_prompt)."""


def are_automatic(text: str) -> bool:
    """Whether the shots are left to the model."""
    return text.strip().casefold() in AUTOMATIC_SHOTS


def read_shots(text: str) -> tuple[Shot, ...]:
    """Read shots, each with its seconds and its prompt, parted by bars.

    Raises:
        UserError: a part has no seconds or no prompt, one is too long, or there are more than six.

    """
    shots = []
    for part in re.split(r"\s*[|｜]\s*", text.strip()):
        match = _SHOT.fullmatch(part)
        if match is None or not 1 <= int(match[1]) <= 15 or len(match[2]) > SHOT_LIMIT:
            raise _bad_shots(part)
        shots.append(Shot(prompt=match[2].strip(), duration=int(match[1])))
    if len(shots) > MOST_SHOTS:
        raise _bad_shots(text)
    return tuple(shots)


def _bad_shots(text: str) -> UserError:
    return UserError("error.prompt.shots", value=text[:40], limit=MOST_SHOTS, letters=SHOT_LIMIT)


# -- in the prompt -----------------------------------------------------------------------------------


def has_field(row: Model, request: GenerationRequest) -> bool:
    """Whether a model has a field for the camera move of a request, whatever else that needs."""
    camera = request.camera
    moves = row.camera_moves
    return bool(row.camera.get(request.operation)) and (camera is None or not moves or camera.move in moves)


def can_be_words(request: GenerationRequest) -> bool:
    """Whether the camera move can be said in the prompt: shots have prompts of their own, a brush moves by itself."""
    return (
        request.operation in IN_WORDS
        and request.source is None
        and request.brush is None
        and not request.shots
    )


def tell_camera(request: GenerationRequest) -> str:
    """The camera move of a request as a sentence in the language of its prompt; empty without one."""
    camera = request.camera
    if camera is None:
        return ""
    value = camera.value or 0
    english, chinese = _PRESETS[camera.move] if camera.axis is None else _AXES[camera.axis, value > 0]
    is_slow, is_fast = 0 < abs(value) <= _SLOW, abs(value) >= _FAST
    if _HAN.search(request.prompt):
        return f"镜头{'缓慢' if is_slow else '快速' if is_fast else ''}{chinese}。"
    return f"The camera {'slowly ' if is_slow else 'quickly ' if is_fast else ''}{english}."


def direct(request: GenerationRequest) -> GenerationRequest:
    """The request with its camera move in the prompt, and not in a field."""
    said, prompt = tell_camera(request), request.prompt.rstrip()
    if prompt and prompt[-1] not in _ENDS:
        prompt += "。" if _HAN.search(prompt) else "."
    gap = " " if prompt and not _HAN.search(prompt) else ""
    return request.model_copy(update={"prompt": f"{prompt}{gap}{said}", "camera": None})
