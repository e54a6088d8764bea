"""What can be asked for beside the prompt: one row per option, from which words, cards, lists and documents follow. Pure.

A new option of videos needs its row here, its field in `GenerationRequest`, a writer in `bot/kling/dialects/bodies.py`, and its
texts: `field.<field>`, `knob.<key>` where it is on the card, and where only some models can do it `models.<ability>` and
`error.model.<ability>`, with a column of `Model`.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Self

from bot.domain.requests.camera import CAMERAS, are_automatic, can_be_words, read_camera, read_shots
from bot.domain.requests.model import BRUSH_SECONDS, Model
from bot.domain.requests.operations import Operation, Product
from bot.domain.requests.request import (
    FACES_LIMIT,
    FPS_LIMIT,
    MAX_COUNT,
    MOVES_LIMIT,
    PLACEHOLDER,
    REFERENCE_TYPES,
    RESOLUTIONS,
    SOUND_LIMIT,
    Camera,
    GenerationRequest,
    MotionBrush,
    Shot,
)
from bot.domain.requests.values import (
    FEWEST_OF_SERIES,
    LANGUAGES,
    MAX_IMAGES,
    MODE_WORDS,
    QUOTED_LENGTH,
    RATIO_WORDS,
    SEED_LIMIT,
    SPEEDS,
    Instead,
    Reader,
    Taken,
    Vocabulary,
    normalize_word,
    number,
    one_of,
    read_duration,
    read_elements,
    read_mode,
    read_model,
    read_part,
    read_ratio,
    read_series,
    read_text,
    read_voice,
    short_model,
    short_ratio,
    short_seconds,
    text_up_to,
    whole,
)
from bot.errors import UserError

Options = Mapping[str, Any]
"""What was asked for in words, by the field of its option; what was not said is not in it. `duration` in seconds."""

LONGEST_SHOT = 15
"""Seconds of one shot."""

DUBBING = frozenset({Operation.LIP_SYNC})
SCORING = frozenset({Operation.VIDEO_TO_AUDIO})
CUTTING = frozenset({Operation.CUTOUT})
VOLUMES = (0, 2)
SHOWN_VOLUMES = (0.0, 0.5, 1.0, 1.5, 2.0)
"""Times as loud as it is; the silent one is no use to a speech."""

LONGEST_DUBBED = 60
"""Seconds of a video whose lips are moved, and of what is said in it (Kling API, advanced-lip-sync)."""

MODEL_LETTERS = 24
NEGATIVE_LETTERS = 12
_SHARES = (0.25, 0.5, 0.75, 1.0)
MOVES_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Wording:
    """A text by its key, its parameters being values or wordings; without a key, what is written in every language.

    `letters` is how many UTF-16 units of it are shown; 0: all.
    """

    key: str = ""
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)
    written: str = ""
    letters: int = 0


def name_value(value: object) -> Wording:
    """What a value is called that has no better name."""
    if isinstance(value, bool):
        return Wording("value.on" if value else "value.off")
    return Wording("value.none") if value in {None, ""} else Wording(written=str(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRow:
    """Everything that is known of an option.

    It sets `field`. `words` are followed by a value, which `read` reads; `flags` stand alone, by what each sets, those of
    `bare` also without dashes; `short` finds other words without dashes. One that `continues` goes on after a comma.
    `values` are those that a card can set it to; None: it is not on cards. One with a `sample` is set by a message, and
    buttons only take it away; it is on offer where it could be set to the sample. `name` says what a value is called,
    `line` what of it stands among a request's settings.
    `column` of `Model` holds the values that a model has. `ability` is the column that says whether, or in which modes, a
    model can do it, `seconds` in videos of which length; empty: of any. It is for some `operations` only; None: for all
    that have a place for it.
    """

    field: str
    words: tuple[str, ...] = ()
    flags: Mapping[Any, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    bare: frozenset[str] = frozenset()
    short: Callable[[str, str, Vocabulary], Taken] = lambda *_: None
    read: Reader = read_text
    continues: bool = False
    values: Callable[[GenerationRequest, Model], Iterable[Any]] | None = None
    sample: Callable[[GenerationRequest], Any] | None = None
    name: Callable[[Any], Wording] = name_value
    line: Callable[[GenerationRequest], Wording | None] = lambda _: None
    column: str = ""
    ability: str = ""
    seconds: Callable[[Model], Sequence[int]] = lambda _: ()
    operations: frozenset[Operation] | None = None

    @property
    def name_in_words(self) -> str:
        """What it is called without dashes."""
        return self.words[0] if self.words else next(iter(self.flags.values()))[0]

    @property
    def has_switch(self) -> bool:
        """Whether it can be turned off."""
        return False in self.flags


def is_set(request: GenerationRequest, field: str) -> bool:
    """Whether a request has a field, and asks for something in it."""
    known = type(request).model_fields.get(field)
    return known is not None and getattr(request, field) != known.default


def name_camera(camera: Camera | None) -> Wording:
    """What a camera move is called: by its name, or by its axis with the value."""
    if camera is None:
        return Wording("value.none")
    name = next((name for name, known in CAMERAS.items() if known == camera), None)
    return Wording(f"camera.{name}") if name else Wording(written=f"{camera.axis} {camera.value:g}")


def name_brush(brush: MotionBrush) -> Wording:
    """How many parts of a photo move, and whether others stay still."""
    moving, still = len(brush.strokes), "" if brush.still is None else "_still"
    return Wording(f"option.brush{still}" if moving else "option.brush_only_still", {"areas": moving})


def name_seconds(seconds: float) -> Wording:
    """How a length is written."""
    return Wording("unit.seconds", {"seconds": seconds})


def _sample_shots(seconds: int) -> tuple[Shot, ...]:
    """Shots that last so long together."""
    lengths = (min(LONGEST_SHOT, seconds - start) for start in range(0, seconds, LONGEST_SHOT))
    return tuple(Shot(prompt="x", duration=length) for length in lengths)


def _is_dubbed(request: GenerationRequest) -> bool:
    return request.operation is Operation.LIP_SYNC


def _has_model(request: GenerationRequest) -> bool:
    return request.operation.row.on_video_model or request.operation.row.on_image_model


def _written(is_shown: bool, text: str) -> Wording | None:
    return Wording(written=text) if is_shown else None


def name_series(series: int | str | None) -> Wording:
    """How many images a series has."""
    if series is None:
        return Wording("value.none")
    return Wording("value.automatic") if series == "auto" else Wording(written=str(series))


def name_share(share: float | None) -> Wording:
    """A share or a volume in percent."""
    return Wording("value.automatic") if share is None else Wording(written=f"{share:.0%}")


def _ratios(request: GenerationRequest, row: Model) -> Sequence[str | None]:
    """Where an image gives the shape, there is nothing to choose."""
    if request.operation.row.on_image_model:
        return (None, *row.ratios) if row.finds_ratio(len(request.references)) else row.ratios
    return () if request.aspect_ratio is None or request.first_frame is not None else row.ratios


def _image_option(field: str, words: tuple[str, ...]) -> OptionRow:
    """One of the photos for a purpose of its own: named by its number, or sent by itself to the card."""
    return OptionRow(
        field=field,
        words=words,
        read=whole(f"--{field}", 1, MAX_IMAGES),
        values=lambda *_: (None,),
        sample=lambda request: next(iter(request.references), None),
        name=lambda image: Wording("value.none" if image is None else "value.photo"),
        line=lambda request: Wording(f"option.{field}") if getattr(request, field) is not None else None,
        ability=field,
    )


def _share_option(field: str, words: tuple[str, ...], line: str) -> OptionRow:
    """How closely something is kept, from 0 to 1."""
    return OptionRow(
        field=field,
        words=words,
        read=number(f"--{words[0]}", 0, 1),
        values=lambda request, _: (None, *_SHARES) if request.references else (),
        name=name_share,
        line=lambda request: (
            None
            if getattr(request, field) is None
            else Wording(line, {"share": name_share(getattr(request, field))})
        ),
        ability=field,
    )


class Option(StrEnum):
    """What can be asked for, each with its row, in the order in which it is shown."""

    row: OptionRow

    def __new__(cls, value: str, row: OptionRow) -> Self:
        """Make a member whose value is its key in texts and buttons."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.row = row
        return member

    MODEL = (
        "model",
        OptionRow(
            field="model",
            words=("model", "m", "模型"),
            short=short_model,
            read=read_model,
            values=lambda *_: (),
            name=lambda model: Wording(written=model.removeprefix("kling-"), letters=MODEL_LETTERS),
            line=lambda request: _written(_has_model(request), request.model),
        ),
    )
    MODE = (
        "mode",
        OptionRow(
            field="mode",
            words=("mode", "quality", "模式", "质量"),
            flags=MODE_WORDS,
            # `4k` is praise in so many prompts, and so dear, that it must be meant: `--4k`.
            bare=frozenset({"pro", "hd", "std", "高品质", "高质量", "高清", "标准"}),
            read=read_mode,
            column="modes",
            values=lambda _, row: row.modes,
            name=lambda mode: Wording(f"mode.{mode}"),
            line=lambda request: (
                Wording(f"mode.{request.mode}")
                if request.operation.row.on_video_model or request.operation is Operation.AVATAR
                else None
            ),
        ),
    )
    DURATION = (
        "duration",
        OptionRow(
            field="duration",
            words=("duration", "length", "seconds", "time", "时长"),
            short=short_seconds,
            read=read_duration,
            column="durations",
            values=lambda request, row: (
                () if request.shots or request.operation.row.duration_from_source else row.durations
            ),
            name=name_seconds,
            line=lambda request: (
                name_seconds(request.duration)
                if request.duration and not request.operation.row.duration_from_source
                else None
            ),
        ),
    )
    RATIO = (
        "ratio",
        OptionRow(
            field="aspect_ratio",
            words=("ratio", "aspect", "aspect-ratio", "ar", "比例"),
            flags=RATIO_WORDS,
            # `portrait` is too often part of a sentence.
            bare=frozenset({"横屏", "竖屏", "方形"}),
            short=short_ratio,
            read=read_ratio,
            column="ratios",
            values=_ratios,
            name=lambda ratio: Wording("value.automatic") if ratio is None else Wording(written=ratio),
            line=lambda request: _written(request.aspect_ratio is not None, request.aspect_ratio or ""),
        ),
    )
    RESOLUTION = (
        "resolution",
        OptionRow(
            field="resolution",
            words=("size", "resolution", "分辨率"),
            read=one_of("--size", RESOLUTIONS),
            column="resolutions",
            values=lambda request, row: row.resolutions if request.operation.product is Product.IMAGE else (),
            line=lambda request: _written(
                request.operation.product is Product.IMAGE and request.resolution != "1k", request.resolution
            ),
        ),
    )
    SOUND = (
        "sound",
        OptionRow(
            field="sound",
            flags={
                True: ("sound", "audio", "有声", "声音"),
                False: ("silent", "mute", "no-sound", "无声"),
            },
            bare=frozenset({"有声", "无声"}),
            values=lambda _, row: (False, True) if row.sound else (),
            line=lambda request: Wording("option.sound") if request.sound else None,
            ability="sound",
        ),
    )
    KEEP_SOUND = (
        "keep_sound",
        OptionRow(
            field="keep_sound",
            flags={
                True: ("keep-sound", "original-sound", "原声"),
                False: ("drop-sound", "no-original-sound", "去原声"),
            },
            line=lambda request: None if request.keep_sound else Wording("option.muted"),
        ),
    )
    ORIENTATION = (
        "orientation",
        OptionRow(
            field="orientation",
            words=("orientation", "facing", "朝向"),
            read=one_of("--orientation", ("image", "video")),
        ),
    )
    EDIT = (
        "edit",
        OptionRow(
            field="edit_mode",
            flags={
                "addition": ("add", "添加"),
                "swap": ("swap", "replace", "替换"),
                "removal": ("remove", "删除"),
            },
            line=lambda request: None if request.edit is None else Wording(f"edit.{request.edit.mode}"),
        ),
    )
    CAMERA = (
        "camera",
        OptionRow(
            field="camera",
            words=("camera", "cam", "运镜", "镜头"),
            read=lambda text, _: read_camera(text),
            values=lambda request, row: (
                (None, *CAMERAS.values()) if row.camera or can_be_words(request) else ()
            ),
            name=name_camera,
            line=lambda request: (
                Wording("option.camera", {"camera": name_camera(request.camera)}) if request.camera else None
            ),
            ability="camera",
            seconds=lambda row: row.camera_durations,
        ),
    )
    BRUSH = (
        "brush",
        OptionRow(
            field="brush",
            flags={True: ("brush", "motion-brush", "笔刷", "运动笔刷")},
            line=lambda request: None if request.brush is None else name_brush(request.brush),
            ability="brush",
            seconds=lambda _: BRUSH_SECONDS,
        ),
    )
    SHOTS = (
        "shots",
        OptionRow(
            field="shots",
            words=("shots", "分镜"),
            read=lambda text, _: Instead("auto_shots", True) if are_automatic(text) else read_shots(text),
            values=lambda *_: ((),),
            sample=lambda request: _sample_shots(int(request.duration)) or None,
            name=lambda shots: Wording(written=str(len(shots))) if shots else Wording("value.none"),
            line=lambda request: (
                Wording("option.shots", {"shots": len(request.shots)}) if request.shots else None
            ),
            ability="shots",
        ),
    )
    AUTO_SHOTS = (
        "cuts",
        OptionRow(
            field="auto_shots",
            flags={
                True: ("auto-shots", "multi-shot", "自动分镜"),
                False: ("one-shot", "single-shot", "单镜头"),
            },
            values=lambda _, row: (False, True) if row.auto_shots else (),
            line=lambda request: Wording("option.auto_shots") if request.auto_shots else None,
            ability="auto_shots",
        ),
    )
    END_FRAME = (
        "end",
        OptionRow(
            field="last_frame",
            values=lambda *_: (None,),
            # A model that takes a last frame alone needs no first one.
            sample=lambda request: request.first_frame or PLACEHOLDER,
            name=lambda frame: Wording("value.none" if frame is None else "value.photo"),
            ability="end_frame",
            seconds=lambda row: row.end_frame_durations,
        ),
    )
    SERIES = (
        "series",
        OptionRow(
            field="series",
            words=("series", "组图"),
            read=read_series,
            values=lambda _, row: (None, *range(FEWEST_OF_SERIES, row.series + 1), "auto"),
            name=name_series,
            line=lambda request: (
                Wording("option.series", {"series": name_series(request.series)}) if request.series else None
            ),
            ability="series",
        ),
    )
    SCENE = ("scene", _image_option("scene", ("scene", "场景")))
    STYLE = ("style", _image_option("style", ("style", "风格")))
    REFERENCE_TYPE = (
        "reference_type",
        OptionRow(
            field="reference_type",
            words=("reference", "reference-type", "参考"),
            read=one_of("--reference", REFERENCE_TYPES),
            values=lambda request, _: (None, *REFERENCE_TYPES) if request.references else (),
            name=lambda kind: Wording(f"reference.{kind}" if kind else "value.none"),
            line=lambda request: (
                Wording(f"reference.{request.reference_type}") if request.reference_type else None
            ),
            ability="reference_type",
        ),
    )
    IMAGE_FIDELITY = (
        "image_fidelity",
        _share_option("image_fidelity", ("fidelity", "image-fidelity", "参考强度"), "option.image_fidelity"),
    )
    FACE_FIDELITY = (
        "face_fidelity",
        _share_option("face_fidelity", ("face", "face-fidelity", "人脸强度"), "option.face_fidelity"),
    )
    NEGATIVE = (
        "negative",
        OptionRow(
            field="negative_prompt",
            words=("no", "negative", "negative-prompt", "neg", "不要", "反向"),
            continues=True,
            values=lambda *_: ("",),
            sample=lambda _: "x",
            name=lambda text: (
                Wording(written=" ".join(text.split()), letters=NEGATIVE_LETTERS)
                if text
                else Wording("value.none")
            ),
        ),
    )
    SEED = (
        "seed",
        OptionRow(
            field="seed",
            words=("seed", "种子"),
            read=whole("--seed", 0, SEED_LIMIT),
            values=lambda *_: (None,),
            sample=lambda _: 1,
            name=lambda seed: Wording("value.random") if seed is None else Wording(written=str(seed)),
            line=lambda request: (
                None if request.seed is None else Wording("option.seed", {"seed": str(request.seed)})
            ),
        ),
    )
    COUNT = (
        "count",
        OptionRow(
            field="count",
            words=("n", "count", "数量"),
            read=whole("--n", 1, MAX_COUNT),
            values=lambda _, row: range(1, row.count + 1),
            line=lambda request: _written(request.count > 1, f"×{request.count}"),
        ),
    )
    CFG = (
        "cfg",
        OptionRow(
            field="cfg_scale",
            words=("cfg", "cfg-scale", "相关性"),
            read=number("--cfg", 0, 1),
            ability="cfg",
        ),
    )
    FPS = (
        "fps",
        OptionRow(
            field="fps",
            words=("fps", "帧率"),
            read=whole("--fps", 1, FPS_LIMIT),
            line=lambda request: _written(request.fps is not None, f"{request.fps} fps"),
            ability="fps",
        ),
    )
    VOICE = ("voice", OptionRow(field="voice", words=("voice", "音色"), read=read_voice, ability="voices"))
    ELEMENTS = (
        "elements",
        OptionRow(field="elements", words=("element", "elements", "主体"), read=read_elements),
    )
    WATERMARK = ("watermark", OptionRow(field="watermark", flags={True: ("watermark", "水印")}))
    SPOILER = ("spoiler", OptionRow(field="spoiler", flags={True: ("spoiler", "遮挡")}))
    LANGUAGE = (
        "language",
        OptionRow(field="language", words=("lang", "language", "语言"), read=one_of("--lang", LANGUAGES)),
    )
    SPEED = ("speed", OptionRow(field="speed", words=("speed", "语速"), read=number("--speed", *SPEEDS)))
    MOVES = (
        "moves",
        OptionRow(
            field="moves",
            words=("moves", "acting", "动作"),
            read=text_up_to("--moves", MOVES_LIMIT),
            continues=True,
            line=lambda request: (
                Wording("option.moves", {"moves": Wording(written=request.prompt, letters=MOVES_LETTERS)})
                if request.operation is Operation.AVATAR and request.prompt
                else None
            ),
            operations=frozenset({Operation.AVATAR}),
        ),
    )
    FACE = (
        "speaker",
        OptionRow(
            field="face",
            words=("speaker", "说话人"),
            read=whole("--speaker", 1, FACES_LIMIT),
            values=lambda request, _: range(1, 1 + len(request.faces.found if request.faces else ())),
            name=lambda face: Wording("value.automatic") if face is None else Wording(written=str(face)),
            line=lambda request: Wording("option.face", {"face": request.face}) if request.face else None,
            operations=DUBBING,
        ),
    )
    VOLUME = (
        "volume",
        OptionRow(
            field="volume",
            words=("volume", "音量"),
            read=number("--volume", *VOLUMES),
            values=lambda request, _: SHOWN_VOLUMES[1:] if _is_dubbed(request) else (),
            name=name_share,
            line=lambda request: (
                Wording("option.volume", {"volume": name_share(request.volume)})
                if request.volume != 1
                else None
            ),
            operations=DUBBING,
        ),
    )
    ORIGINAL_VOLUME = (
        "original",
        OptionRow(
            field="original_volume",
            words=("original", "original-volume", "原声"),
            read=number("--original", *VOLUMES),
            values=lambda request, _: SHOWN_VOLUMES if _is_dubbed(request) else (),
            name=name_share,
            line=lambda request: (
                Wording("option.original", {"volume": name_share(request.original_volume)})
                if request.original_volume != 1
                else None
            ),
            operations=DUBBING,
        ),
    )
    SPEECH_AT = (
        "at",
        OptionRow(
            field="speech_at",
            words=("at", "起点"),
            read=number("--at", 0, LONGEST_DUBBED),
            line=lambda request: (
                None
                if request.speech_at is None
                else Wording("option.at", {"seconds": f"{request.speech_at:g}"})
            ),
            operations=DUBBING,
        ),
    )
    MUSIC = (
        "music",
        OptionRow(
            field="music",
            words=("music", "bgm", "配乐"),
            read=text_up_to("--music", SOUND_LIMIT),
            continues=True,
            line=lambda request: Wording("option.music") if request.music else None,
            operations=SCORING,
        ),
    )
    ASMR = (
        "asmr",
        OptionRow(
            field="asmr",
            flags={True: ("asmr",), False: ("no-asmr",)},
            values=lambda request, _: (False, True) if request.operation in SCORING else (),
            line=lambda request: _written(request.asmr, "ASMR"),
            operations=SCORING,
        ),
    )
    PART = (
        "part",
        OptionRow(
            field="part",
            words=("part", "部位"),
            read=read_part,
            line=lambda request: Wording(f"part.{request.part}") if request.part else None,
            operations=CUTTING,
        ),
    )


PHOTO_OPTIONS = (Option.END_FRAME, Option.SCENE, Option.STYLE)
"""These are set by a photo that is sent to the card."""

ROWS = tuple(option.row for option in Option)
BY_FIELD: Mapping[str, OptionRow] = {row.field: row for row in ROWS}
ON_CARDS = tuple(option for option in Option if option.row.values is not None)


class Words:
    """Every word for some options. Words and names are given in their plain form."""

    def __init__(self, rows: Sequence[OptionRow] = ROWS) -> None:
        self._rows = rows
        self.valued = {word: row for row in rows for word in row.words}
        self.flags = {
            word: (row, value) for row in rows for value, words in row.flags.items() for word in words
        }

    def find_short(self, word: str, unit: str, vocabulary: Vocabulary) -> tuple[OptionRow, Any, int] | None:
        """What a word that stands without dashes asks for; `unit` is the one after it.

        Returns its option, its value (texts are still to be read, and may be out of range) and how many of the two
        words it takes, or None where it is text.
        """
        for row in self._rows:
            if word in row.bare:
                return row, self.flags[word][1], 1
            if (taken := row.short(word, unit, vocabulary)) is not None:
                return row, *taken
        return None

    def unknown(self, name: str) -> UserError:
        """The error for a long option that does not exist, with the one that was perhaps meant."""
        known = [*self.valued, *self.flags]
        close = get_close_matches(normalize_word(name), known, 1, 0.4)
        return UserError(
            "error.prompt.unknown_option",
            option=f"--{name[:QUOTED_LENGTH]}",
            nearest=f"--{close[0] if close else 'mode'}",
            allowed=", ".join(f"--{option}" for option in known if option.isascii() and len(option) > 1),
        )

    def resembles(self, name: str) -> bool:
        """Whether a word is, or is nearly, the name of a long option; "not" is no `no`."""
        return bool(get_close_matches(normalize_word(name), [*self.valued, *self.flags], 1, 0.85))


WORDS = Words()


def list_settings(request: GenerationRequest, rows: Iterable[OptionRow] = ROWS) -> list[Wording]:
    """What a request is made with, in a few words each."""
    return [wording for row in rows if (wording := row.line(request)) is not None]


def list_abilities(
    model: Model, rows: Iterable[OptionRow] = ROWS
) -> Iterator[tuple[OptionRow, Sequence[str], Sequence[int]]]:
    """The options that not every model has and this one has, each with the modes and seconds it needs.

    Both are empty where all of the model's will do.
    """
    for row in rows:
        modes = model.modes_for(row.ability) if row.ability else None
        if modes is not None:
            needed = [mode for mode in model.modes if mode in modes]
            seconds = row.seconds(model)
            yield (
                row,
                () if set(needed) == set(model.modes) else needed,
                () if set(seconds) == set(model.durations) else seconds,
            )
