"""What can be asked for beside the prompt: the options, every word that people use for them, their values. Pure.

A word is compared in its plain form (`plain`): full-width characters as ordinary ones, capitals as small
letters, so that `１０Ｓ` is `10s` and `：` is `:`.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Self

from bot.domain.requests.camera import read_camera, read_shots
from bot.domain.requests.request import Camera, Resolution, Shot
from bot.errors import UserError

MAX_COUNT = 4
MAX_ELEMENTS = 3
SEED_LIMIT = 2**31 - 1
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
MODES = ("std", "pro", "4k")
DURATIONS = (1, 60)
RESOLUTIONS: tuple[Resolution, ...] = ("1k", "2k", "4k")
LANGUAGES = ("zh", "en")
"""The languages that Kling's voices speak."""

SPEEDS = (0.8, 2.0)

QUOTED_LENGTH = 40
"""Characters of a person's own words that an error repeats."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for in words; None where nothing was said. `duration` in seconds."""

    model: str | None = None
    mode: str | None = None
    duration: int | None = None
    aspect_ratio: str | None = None
    negative_prompt: str | None = None
    cfg_scale: float | None = None
    seed: int | None = None
    sound: bool | None = None
    count: int | None = None
    camera: Camera | None = None
    shots: tuple[Shot, ...] | None = None
    watermark: bool | None = None
    spoiler: bool | None = None
    resolution: Resolution | None = None
    elements: tuple[int, ...] | None = None
    voice: str | None = None
    language: str | None = None
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What may be asked for: models by every plain name, modes, ratios, and the shortest and longest seconds.

    What one model can do is the catalog's business; this is what can be said at all. `elements` and `voices` are
    the person's own, the provider's ids by their plain names.
    """

    models: Mapping[str, str]
    modes: Sequence[str] = MODES
    ratios: Sequence[str] = RATIOS
    durations: tuple[int, int] = DURATIONS
    elements: Mapping[str, int] = field(default_factory=dict)
    voices: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_models(
        cls,
        ids: Sequence[str],
        *,
        modes: Sequence[str] = MODES,
        ratios: Sequence[str] = RATIOS,
        durations: tuple[int, int] = DURATIONS,
    ) -> Self:
        """Derive the names: `kling-v2-6` is also `v2-6`, `v2.6`, `2.6` and `kling-2.6`.

        A name that leaves something out (`v2.5` for `kling-v2-5-turbo`) goes to the first model that it
        could mean, unless it is another one's full name.
        """
        names = {plain(model): model for model in ids}
        for forms in (_full_names, _short_names):
            for model in ids:
                for form in forms(plain(model).removeprefix("kling-")):
                    names.setdefault(form, model)
        return cls(names, modes, ratios, durations)


_VERSION = re.compile(r"v(\d+)(?:-(\d+))?(-.*)?")


def _full_names(bare: str) -> list[str]:
    match = _VERSION.fullmatch(bare)
    if match is None:
        return [bare]
    number = f"{match[1]}.{match[2]}" if match[2] else match[1]
    rest = match[3] or ""
    names = [bare, f"v{number}{rest}", f"kling-v{number}{rest}", f"kling-{number}{rest}"]
    # A bare `1` or `2` is too little to name a model by.
    return [*names, f"{number}{rest}"] if match[2] or rest else names


def _short_names(bare: str) -> list[str]:
    match = _VERSION.fullmatch(bare)
    if match is None or not (match[2] and match[3]):
        return []
    number = f"{match[1]}.{match[2]}"
    return [f"v{number}", f"v{match[1]}-{match[2]}", f"kling-{number}", number]


# -- words -------------------------------------------------------------------------------------------

VALUED: Mapping[str, str] = {
    **dict.fromkeys(("model", "m", "模型"), "model"),
    **dict.fromkeys(("mode", "quality", "模式", "质量"), "mode"),
    **dict.fromkeys(("duration", "length", "seconds", "time", "时长"), "duration"),
    **dict.fromkeys(("ratio", "aspect", "aspect-ratio", "ar", "比例"), "aspect_ratio"),
    **dict.fromkeys(("no", "negative", "negative-prompt", "neg", "不要", "反向"), "negative_prompt"),
    **dict.fromkeys(("cfg", "cfg-scale", "相关性"), "cfg_scale"),
    **dict.fromkeys(("seed", "种子"), "seed"),
    **dict.fromkeys(("n", "count", "数量"), "count"),
    **dict.fromkeys(("camera", "cam", "运镜", "镜头"), "camera"),
    **dict.fromkeys(("shots", "分镜"), "shots"),
    **dict.fromkeys(("size", "resolution", "分辨率"), "resolution"),
    **dict.fromkeys(("voice", "音色"), "voice"),
    **dict.fromkeys(("element", "elements", "主体"), "elements"),
    **dict.fromkeys(("lang", "language", "语言"), "language"),
    **dict.fromkeys(("speed", "语速"), "speed"),
}
"""Long options that take a value, and the field that each sets."""

FLAGS: Mapping[str, tuple[str, object]] = {
    **dict.fromkeys(("pro", "hd", "high", "高品质", "高质量", "高清"), ("mode", "pro")),
    **dict.fromkeys(("std", "standard", "标准"), ("mode", "std")),
    **dict.fromkeys(("4k",), ("mode", "4k")),
    **dict.fromkeys(("sound", "audio", "有声", "声音"), ("sound", True)),
    **dict.fromkeys(("silent", "mute", "no-sound", "无声"), ("sound", False)),
    **dict.fromkeys(("watermark", "水印"), ("watermark", True)),
    **dict.fromkeys(("spoiler", "遮挡"), ("spoiler", True)),
    **dict.fromkeys(("landscape", "横屏"), ("aspect_ratio", "16:9")),
    **dict.fromkeys(("portrait", "vertical", "竖屏"), ("aspect_ratio", "9:16")),
    **dict.fromkeys(("square", "方形"), ("aspect_ratio", "1:1")),
}
"""Long options that stand alone, and what each sets."""

SWITCH: Mapping[str, bool] = {
    **dict.fromkeys(("on", "yes", "true", "开"), True),
    **dict.fromkeys(("off", "no", "false", "关"), False),
}
"""What may follow `--sound`."""

_SHORT_FLAGS = frozenset(
    {"pro", "hd", "std", "高品质", "高质量", "高清", "标准", "横屏", "竖屏", "方形", "有声", "无声"}
)
"""Flags that count without dashes. `portrait` or `sound` are too often part of a sentence, and `4k` is praise
in so many prompts, and so dear, that it must be meant: `--4k`."""

_SECONDS = re.compile(r"(\d{1,3})\s?(?:s|secs?|seconds?|秒钟?)")
_UNITS = frozenset({"s", "sec", "secs", "seconds", "秒", "秒钟"})
_RATIO = re.compile(r"(\d{1,2})[:x×](\d{1,2})")
_MODEL = re.compile(r"(?:kling-)?v\d.*|kling-\d.*")


_COLONS = str.maketrans("∶꞉ː", ":::")


def plain(word: str) -> str:
    """A word as it is compared."""
    return unicodedata.normalize("NFKC", word).casefold().translate(_COLONS)


def short_option(word: str, unit: str, vocabulary: Vocabulary) -> tuple[str, object, int] | None:
    """What a word that stands without dashes asks for; both words are plain, `unit` is the one after it.

    Returns its field, its value (a duration may be out of range; `value_of` says so) and how many of the
    two words it takes, or None where it is text.
    """
    if word.isdecimal() and unit in _UNITS and len(word) <= 3:
        return "duration", word, 2
    if word in _SHORT_FLAGS:
        return (*FLAGS[word], 1)
    if match := _SECONDS.fullmatch(word):
        return "duration", match[1], 1
    if (ratio := _ratio_in(word)) in vocabulary.ratios:
        return "aspect_ratio", ratio, 1
    if word in vocabulary.models and _MODEL.fullmatch(word):
        return "model", vocabulary.models[word], 1
    return None


def unknown_option(name: str) -> UserError:
    """The error for a long option that does not exist, with the one that was perhaps meant."""
    known = [*VALUED, *FLAGS]
    close = get_close_matches(plain(name), known, 1, 0.4)
    return UserError(
        "error.prompt.unknown_option",
        option=f"--{name[:QUOTED_LENGTH]}",
        nearest=f"--{close[0] if close else 'mode'}",
        allowed=", ".join(f"--{option}" for option in known if option.isascii() and len(option) > 1),
    )


def resembles_option(name: str) -> bool:
    """Whether a word is, or is nearly, the name of a long option; "not" is no `no`."""
    return bool(get_close_matches(plain(name), [*VALUED, *FLAGS], 1, 0.85))


# -- values ------------------------------------------------------------------------------------------


def value_of(field: str, text: str, vocabulary: Vocabulary) -> object:
    """Read the value of a field of `Options`.

    Raises:
        UserError: it is out of range or unknown; with what is allowed and the nearest match.

    """
    readers: Mapping[str, Callable[[str, Vocabulary], object]] = {
        "model": _model,
        "mode": _mode,
        "duration": _duration,
        "aspect_ratio": _ratio,
        "cfg_scale": lambda text, _: _number("--cfg", text, 0, 1),
        "seed": lambda text, _: _whole("--seed", text, 0, SEED_LIMIT),
        "count": lambda text, _: _whole("--n", text, 1, MAX_COUNT),
        "camera": lambda text, _: read_camera(text),
        "shots": lambda text, _: read_shots(text),
        "elements": _elements,
        "voice": lambda text, vocabulary: vocabulary.voices.get(plain(text.strip()), text),
        "resolution": lambda text, _: _one_of("--size", text, RESOLUTIONS),
        "language": lambda text, _: _one_of("--lang", text, LANGUAGES),
        "speed": lambda text, _: _number("--speed", text, *SPEEDS),
    }
    return readers[field](text, vocabulary) if field in readers else text


def switch(option: str, text: str) -> bool:
    """Read what was put behind a flag: on or off."""
    known = SWITCH.get(plain(text))
    if known is None:
        raise _bad(option, text, "on, off", "on")
    return known


def _model(text: str, vocabulary: Vocabulary) -> str:
    found = vocabulary.models.get(plain(text))
    if found is None:
        offered = list(dict.fromkeys(vocabulary.models.values()))
        nearest = get_close_matches(plain(text), list(vocabulary.models), 1, 0.3)
        raise UserError(
            "error.model.unknown",
            model=text[:QUOTED_LENGTH],
            nearest=vocabulary.models[nearest[0]] if nearest else next(iter(offered), "–"),
            models=", ".join(sorted(offered)),
        )
    return found


def _mode(text: str, vocabulary: Vocabulary) -> str:
    field, value = FLAGS.get(plain(text), ("", ""))
    if field != "mode" or value not in vocabulary.modes:
        close = get_close_matches(plain(text), vocabulary.modes, 1, 0.0)
        raise _bad("--mode", text, ", ".join(vocabulary.modes), close[0] if close else vocabulary.modes[0])
    return str(value)


def _duration(text: str, vocabulary: Vocabulary) -> int:
    word = plain(text)
    low, high = vocabulary.durations
    match = _SECONDS.fullmatch(word) or re.fullmatch(r"(\d{1,12})(?:\.0*)?", word)
    if match is None or not low <= int(match[1]) <= high:
        nearest = max(low, min(high, 5 if match is None else int(match[1])))
        raise _bad("--duration", text, f"{low}–{high}", str(nearest))
    return int(match[1])


def _ratio(text: str, vocabulary: Vocabulary) -> str:
    field, value = FLAGS.get(plain(text), ("", ""))
    ratio = str(value) if field == "aspect_ratio" else _ratio_in(plain(text))
    if ratio not in vocabulary.ratios:
        allowed = ", ".join(vocabulary.ratios)
        raise _bad("--ratio", text, allowed, _nearest_ratio(ratio, vocabulary.ratios))
    return ratio


def _ratio_in(word: str) -> str:
    match = _RATIO.fullmatch(word)
    return f"{int(match[1])}:{int(match[2])}" if match else ""


def _nearest_ratio(ratio: str, ratios: Sequence[str]) -> str:
    wanted = _quotient(ratio) if ratio else 0.0
    return min(ratios, key=lambda known: abs(_quotient(known) - wanted)) if wanted else ratios[0]


def _quotient(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return int(width) / int(height) if int(height) else 0.0


def _number(option: str, text: str, low: float, high: float) -> float:
    try:
        value = float(plain(text).replace(",", "."))
    except ValueError:
        raise _bad(option, text, f"{low:g}–{high:g}", f"{(low + high) / 2:g}") from None
    if not low <= value <= high:
        raise _bad(option, text, f"{low:g}–{high:g}", f"{low if value < low else high:g}")
    return value


def _one_of(option: str, text: str, allowed: Sequence[str]) -> str:
    word = plain(text)
    if word not in allowed:
        close = get_close_matches(word, allowed, 1, 0.0)
        raise _bad(option, text, ", ".join(allowed), close[0] if close else allowed[0])
    return word


def _elements(text: str, vocabulary: Vocabulary) -> tuple[int, ...]:
    """Names of one's own, or ids, between commas, at most three of them."""
    parts = [part for part in re.split(r"[,，、\s]+", text) if part]
    if not 1 <= len(parts) <= MAX_ELEMENTS:
        raise _bad("--element", text, f"1–{MAX_ELEMENTS}", str(MAX_ELEMENTS))
    return tuple(_element(part, vocabulary) for part in parts)


def _element(part: str, vocabulary: Vocabulary) -> int:
    word = plain(part)
    if word in vocabulary.elements:
        return vocabulary.elements[word]
    if re.fullmatch(r"\d{1,20}", word):
        return int(word)
    raise UserError(
        "error.element.unknown", element=part[:QUOTED_LENGTH], elements=", ".join(vocabulary.elements) or "–"
    )


def _whole(option: str, text: str, low: int, high: int) -> int:
    match = re.fullmatch(r"-?\d{1,12}", plain(text))
    if match is None or not low <= int(match[0]) <= high:
        below = match is None or int(match[0]) < low
        raise _bad(option, text, f"{low}–{high}", str(low if below else high))
    return int(match[0])


def _bad(option: str, value: str, allowed: str, nearest: str) -> UserError:
    return UserError(
        "error.prompt.bad_value",
        option=option,
        value=value[:QUOTED_LENGTH],
        allowed=allowed,
        nearest=nearest,
    )
