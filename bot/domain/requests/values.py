"""Values of options: reading each from what was typed, and every word that people use for them. Pure.

A word is compared in its plain form (`normalize_word`): full-width characters as ordinary ones, capitals as small
letters, so that `１０Ｓ` is `10s` and `：` is `:`. The readers raise a `UserError` with what is allowed and the nearest
match where a value is out of range or unknown.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Self

from bot.domain.requests.request import (
    AUTO_SERIES,
    MODES,
    MOST_ELEMENTS,
    RATIOS,
    AspectRatio,
    Mode,
    PhotoPart,
)
from bot.errors import UserError

MAX_IMAGES = 10
"""Photos that a prompt can number."""

FEWEST_OF_SERIES = 2
AUTOMATIC_WORDS = frozenset({"auto", "automatic", "adaptive", "自动"})
SEED_LIMIT = 2**31 - 1
DURATIONS = (1, 60)
LANGUAGES = ("zh", "en")
"""The languages that Kling's voices speak."""

SPEEDS = (0.8, 2.0)

QUOTED_LENGTH = 40
"""Characters of a person's own words that an error repeats."""

MODE_WORDS: Mapping[Mode, tuple[str, ...]] = {
    "pro": ("pro", "hd", "high", "高品质", "高质量", "高清"),
    "std": ("std", "standard", "标准"),
    "4k": ("4k",),
}
RATIO_WORDS: Mapping[AspectRatio, tuple[str, ...]] = {
    "16:9": ("landscape", "横屏"),
    "9:16": ("portrait", "vertical", "竖屏"),
    "1:1": ("square", "方形"),
}
PART_WORDS: Mapping[PhotoPart, tuple[str, ...]] = {
    "object": ("object", "subject", "thing", "person", "主体", "物体", "人物"),
    "head": ("head", "hair", "头部", "头"),
    "face": ("face", "脸部", "脸", "人脸"),
    "clothing": ("clothing", "clothes", "outfit", "服装", "衣服"),
}
SWITCH_WORDS: Mapping[bool, tuple[str, ...]] = {
    True: ("on", "yes", "true", "开"),
    False: ("off", "no", "false", "关"),
}
"""What may follow an option that can be turned off, such as `--sound`."""

_SECONDS = re.compile(r"(\d{1,3}(?:[.,]\d)?)\s?(?:s|secs?|seconds?|秒钟?)")
_PLAIN_SECONDS = re.compile(r"\d{1,12}(?:[.,]\d0*)?|\d{1,12}\.0*")
_UNITS = frozenset({"s", "sec", "secs", "seconds", "秒", "秒钟"})
_RATIO = re.compile(r"(\d{1,2})[:x×](\d{1,2})|(\d{3,4})[x×](\d{3,4})")
_MODEL = re.compile(r"(?:kling-)?v\d.*|kling-\d.*")
_COLONS = str.maketrans("∶꞉ː", ":::")


def normalize_word(word: str) -> str:
    """A word as it is compared."""
    return unicodedata.normalize("NFKC", word).casefold().translate(_COLONS)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What has names: models, elements and voices, the ids of all by their plain names; `presets` are names of Kling's own."""

    models: Mapping[str, str]
    elements: Mapping[str, int] = field(default_factory=dict)
    voices: Mapping[str, str] = field(default_factory=dict)
    presets: frozenset[str] = frozenset()

    @classmethod
    def of_models(cls, ids: Sequence[str]) -> Self:
        """Derive the names: `kling-v2-6` is also `v2-6`, `v2.6`, `2.6` and `kling-2.6`.

        A name that leaves something out (`v2.5` for `kling-v2-5-turbo`) goes to the first model that it
        could mean, unless it is another one's full name.
        """
        names = {normalize_word(model): model for model in ids}
        for forms in (_full_names, _short_names):
            for model in ids:
                for form in forms(normalize_word(model).removeprefix("kling-")):
                    names.setdefault(form, model)
        return cls(names)


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


# -- words that count without dashes -----------------------------------------------------------------

Taken = tuple[str, int] | None
"""The value that was found, still to be read, and how many of the two words it takes; None: it is text."""


def short_seconds(word: str, unit: str, _: Vocabulary) -> Taken:
    """Find `10s`, `5.5s`, or a number before a unit."""
    if unit in _UNITS and _SECONDS.fullmatch(f"{word}s"):
        return word, 2
    match = _SECONDS.fullmatch(word)
    return (match[1], 1) if match else None


def short_ratio(word: str, _: str, __: Vocabulary) -> Taken:
    """Find `9:16`, or `720x1280`."""
    ratio = _ratio_in(word)
    return (ratio, 1) if ratio in RATIOS else None


def short_model(word: str, _: str, vocabulary: Vocabulary) -> Taken:
    """Find `v2.6`."""
    known = word in vocabulary.models and _MODEL.fullmatch(word)
    return (vocabulary.models[word], 1) if known else None


Reader = Callable[[str, Vocabulary], object]


@dataclass(frozen=True, slots=True)
class Instead:
    """What was typed for one option, and sets the field of another."""

    field: str
    value: object


# -- readers -----------------------------------------------------------------------------------------


def switch(option: str, text: str) -> bool:
    """Read what was put behind a flag: on or off."""
    for value, words in SWITCH_WORDS.items():
        if normalize_word(text) in words:
            return value
    raise _bad(option, text, "on, off", "on")


def read_model(text: str, vocabulary: Vocabulary) -> str:
    """Read a model by any of its names."""
    found = vocabulary.models.get(normalize_word(text))
    if found is None:
        offered = list(dict.fromkeys(vocabulary.models.values()))
        nearest = get_close_matches(normalize_word(text), list(vocabulary.models), 1, 0.3)
        raise UserError(
            "error.model.unknown",
            model=text[:QUOTED_LENGTH],
            nearest=vocabulary.models[nearest[0]] if nearest else next(iter(offered), "–"),
            models=", ".join(sorted(offered)),
        )
    return found


def read_mode(text: str, _: Vocabulary) -> str:
    """Read a mode by any of its words."""
    value = _named(MODE_WORDS, text)
    if value not in MODES:
        close = get_close_matches(normalize_word(text), MODES, 1, 0.0)
        raise _bad("--mode", text, ", ".join(MODES), close[0] if close else MODES[0])
    return value


def read_duration(text: str, _: Vocabulary) -> int | float:
    """Read seconds; a fraction has one decimal."""
    word = normalize_word(text)
    low, high = DURATIONS
    match = _SECONDS.fullmatch(word)
    plain = match[1] if match else word if _PLAIN_SECONDS.fullmatch(word) else ""
    seconds = float(plain.replace(",", ".")) if plain else None
    if seconds is None or not low <= seconds <= high:
        raise _bad(
            "--duration", text, f"{low}–{high}", f"{max(low, min(high, 5 if seconds is None else seconds)):g}"
        )
    return int(seconds) if seconds.is_integer() else seconds


def read_ratio(text: str, _: Vocabulary) -> str | None:
    """Read a ratio, as numbers or by a word; None where the model is to find it."""
    if normalize_word(text) in AUTOMATIC_WORDS:
        return None
    ratio = _named(RATIO_WORDS, text) or _ratio_in(normalize_word(text))
    if ratio not in RATIOS:
        allowed = ", ".join(RATIOS)
        raise _bad("--ratio", text, allowed, _nearest_ratio(ratio, RATIOS))
    return ratio


def _named(words: Mapping[Any, tuple[str, ...]], text: str) -> str:
    """The value that a word stands for; empty where it is none of them."""
    return next((value for value, known in words.items() if normalize_word(text) in known), "")


def _ratio_in(word: str) -> str:
    """The ratio that is written as such (`16:9`), or as a width and a height in pixels (`1280x720`)."""
    match = _RATIO.fullmatch(word)
    if match is None:
        return ""
    width, height = (int(part) for part in match.groups() if part is not None)
    shared = math.gcd(width, height) if match[3] else 1
    return f"{width // shared}:{height // shared}" if shared else ""


def _nearest_ratio(ratio: str, ratios: Sequence[str]) -> str:
    wanted = _quotient(ratio) if ratio else 0.0
    return min(ratios, key=lambda known: abs(_quotient(known) - wanted)) if wanted else ratios[0]


def _quotient(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return int(width) / int(height) if int(height) else 0.0


def number(option: str, low: float, high: float) -> Reader:
    """Make a reader of numbers in a range."""

    def read(text: str, _: Vocabulary) -> float:
        try:
            value = float(normalize_word(text).replace(",", "."))
        except ValueError:
            raise _bad(option, text, f"{low:g}–{high:g}", f"{(low + high) / 2:g}") from None
        if not low <= value <= high:
            raise _bad(option, text, f"{low:g}–{high:g}", f"{low if value < low else high:g}")
        return value

    return read


def whole(option: str, low: int, high: int) -> Reader:
    """Make a reader of whole numbers in a range."""

    def read(text: str, _: Vocabulary) -> int:
        match = re.fullmatch(r"-?\d{1,12}", normalize_word(text))
        if match is None or not low <= int(match[0]) <= high:
            below = match is None or int(match[0]) < low
            raise _bad(option, text, f"{low}–{high}", str(low if below else high))
        return int(match[0])

    return read


def read_part(text: str, _: Vocabulary) -> str:
    """Read a part of a photo by any of its words."""
    value = _named(PART_WORDS, text)
    if not value:
        words = [word for known in PART_WORDS.values() for word in known]
        close = get_close_matches(normalize_word(text), words, 1, 0.0)
        raise _bad("--part", text, ", ".join(PART_WORDS), _named(PART_WORDS, close[0] if close else "object"))
    return value


def read_series(text: str, _: Vocabulary) -> int | str:
    """Read how many images belong together, or that Kling chooses ("auto")."""
    word = normalize_word(text)
    if word in AUTOMATIC_WORDS:
        return "auto"
    match = re.fullmatch(r"\d{1,12}", word)
    if match is None or not FEWEST_OF_SERIES <= int(word) <= AUTO_SERIES:
        above = match is not None and int(word) > AUTO_SERIES
        allowed = f"{FEWEST_OF_SERIES}–{AUTO_SERIES}, auto"
        raise _bad("--series", text, allowed, str(AUTO_SERIES if above else 4))
    return int(word)


def one_of(option: str, allowed: Sequence[str]) -> Reader:
    """Make a reader of some words."""

    def read(text: str, _: Vocabulary) -> str:
        word = normalize_word(text)
        if word not in allowed:
            close = get_close_matches(word, allowed, 1, 0.0)
            raise _bad(option, text, ", ".join(allowed), close[0] if close else allowed[0])
        return word

    return read


def read_text(text: str, _: Vocabulary) -> str:
    """Take a text as it is."""
    return text


def text_up_to(option: str, limit: int) -> Reader:
    """Make a reader of texts of so many characters at most."""

    def read(text: str, _: Vocabulary) -> str:
        if len(text) > limit:
            raise UserError("error.prompt.option_too_long", option=option, count=len(text), limit=limit)
        return text

    return read


def read_voice(text: str, vocabulary: Vocabulary) -> str:
    """Read a voice: the id of one's own by its name, any other as it is named."""
    return vocabulary.voices.get(normalize_word(text.strip()), text)


def read_elements(text: str, vocabulary: Vocabulary) -> tuple[int, ...]:
    """Names of one's own, or ids, between commas, `MOST_ELEMENTS` at most."""
    parts = [part for part in re.split(r"[,，、\s]+", text) if part]
    if not 1 <= len(parts) <= MOST_ELEMENTS:
        raise _bad("--element", text, f"1–{MOST_ELEMENTS}", str(MOST_ELEMENTS))
    return tuple(_element(part, vocabulary) for part in parts)


def _element(part: str, vocabulary: Vocabulary) -> int:
    word = normalize_word(part)
    if word in vocabulary.elements:
        return vocabulary.elements[word]
    if re.fullmatch(r"\d{1,20}", word):
        return int(word)
    raise UserError(
        "error.element.unknown", element=part[:QUOTED_LENGTH], elements=", ".join(vocabulary.elements) or "–"
    )


def _bad(option: str, value: str, allowed: str, nearest: str) -> UserError:
    return UserError(
        "error.prompt.bad_value",
        option=option,
        value=value[:QUOTED_LENGTH],
        allowed=allowed,
        nearest=nearest,
    )
