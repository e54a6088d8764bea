"""One row of the catalog: what a model can do, and what it costs. Pure."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.domain.requests.films import FilmLimits
from bot.domain.requests.operations import Operation, Product
from bot.domain.requests.request import (
    AUTO_SERIES,
    MAX_COUNT,
    MOST_ELEMENTS,
    MOST_FEATURES,
    MOST_REFERENCES,
    PROMPT_LIMIT,
    VIDEO_RATIOS,
    AspectRatio,
    CameraMove,
    Mode,
    Resolution,
)
from bot.domain.types import Credits

BRUSH_SECONDS = (5,)
"""The motion brush exists for videos of this length only (vendor API reference 2025)."""

VOICED = (Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO)
"""What takes voices where it is only said that a model does (Kling API, voice_list)."""

UNKNOWN_RATE = 5.0
"""Credits a second of a model that the catalog has no price for; operators set their own under [catalog]."""

DEAREST = 100_000
"""Credits that a second or a result may cost at most."""

Modes = tuple[Mode, ...]
Rates = Mapping[str, Annotated[float, Field(ge=0, le=DEAREST)]]


class PriceColumns(BaseModel):
    """What a row costs. `rate` is credits a second by mode, `each` credits a result by resolution, `fixed` comes on top.

    `sound_rate`, `voice_rate`, `motion_rate` and `video_rate` stand in for `rate` with sound, with chosen
    voices, for motion control and where a video is given; `pictures_each` (by operation) for `each` where
    pictures are given, `effect_each` (by name) for effects that cost otherwise than the rest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: Rates = Field(default_factory=dict)
    sound_rate: Rates = Field(default_factory=dict)
    voice_rate: Rates = Field(default_factory=dict)
    motion_rate: Rates = Field(default_factory=dict)
    video_rate: Rates = Field(default_factory=dict)
    each: Rates = Field(default_factory=dict)
    pictures_each: Rates = Field(default_factory=dict)
    effect_each: Rates = Field(default_factory=dict)
    fixed: Annotated[int, Field(ge=0, le=DEAREST)] = 0


Counted = Literal[
    "first_frame",
    "last_frame",
    "frames",
    "references",
    "elements",
    "image_elements",
    "video_elements",
    "voices",
    "features",
    "source",
    "shots",
    "auto_shots",
    "sound",
]
"""What a joint limit counts: fields of a request, `frames` for all frames together, and elements by what they are made of."""


class JointLimit(BaseModel):
    """What a model takes together: `most` of everything that `of` counts, and of seconds only `durations`.

    It holds for an `operation` (None: for all) that is asked for with something of each of `when` and nothing of
    `unless`. Without durations: all that the model has; without `of`, nothing is counted. One is `disputed` where the
    vendor's texts can be read otherwise: it counts where an account has refused the other reading.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: Operation | None = None
    when: tuple[Counted, ...] = ()
    unless: tuple[Counted, ...] = ()
    of: tuple[Counted, ...] = ()
    most: Annotated[int, Field(ge=0)] = 0
    durations: tuple[int, ...] = ()
    disputed: bool = False


class Model(PriceColumns):
    """One row. `end_frame`, `sound`, `brush` and, by operation, `camera` and `voices` name the modes that can do it.

    `end_frame_durations` and `camera_durations` are the seconds (empty: all), `references` is how many pictures it takes that are
    no frames, `strict` whether joint limits count that are disputed, `features` how many videos it refers to, `inputs` what it takes of everything together. `auto_shots`: it parts a prompt into shots by itself.
    `middle_frames` is how many come between the first and the last frame; `frames_alone`: these need no first one.
    `always_sounds`: there is no video without sound. `prompt_length` is how many characters a prompt may have,
    `prompt_length_other` one that is not English (0: as many). `counts_input`: with a video the seconds of what is given
    count as well. `draft_of` is the model whose videos it is good for drafts of.
    `every_tenth`: it lasts any tenth of a second between the first and the last of its durations.
    `series` is how many images it makes that belong together (0: none), `auto_ratio` says whether it finds the ratio of an image itself,
    `auto_ratio_alone` whether it does so of words alone;
    `scene`, `style`, `reference_type`, `image_fidelity` and `face_fidelity` whether it takes what a request has of that name.
    `source_seconds` is how long a video may be that it edits or refers to, `videos_seconds` how long all are together, `film`
    what else a person's own must be like (None: as with every model). `retired` is the day (UTC) on which Kling ended it, `replaced_by` what stands in for it, the best first.
    `source` says where the facts are from.
    """

    id: str
    operations: tuple[Operation, ...]
    modes: Modes = ("std",)
    durations: tuple[Annotated[int, Field(ge=0, le=60)], ...] = (0,)
    every_second: bool = False
    every_tenth: bool = False
    ratios: tuple[AspectRatio, ...] = VIDEO_RATIOS
    resolutions: tuple[Resolution, ...] = ("1k",)
    cfg: bool = False
    fps: bool = False
    sound: Modes = ()
    always_sounds: bool = False
    end_frame: Modes = ()
    end_frame_durations: tuple[int, ...] = ()
    end_frame_sound: bool = False
    middle_frames: Annotated[int, Field(ge=0, le=8)] = 0
    frames_alone: bool = False
    camera: Mapping[Operation, Modes] = Field(default_factory=dict)
    camera_moves: tuple[CameraMove, ...] = ()
    camera_durations: tuple[int, ...] = (5,)
    brush: Modes = ()
    shots: bool = False
    auto_shots: bool = False
    voices: Mapping[Operation, Modes] = Field(default_factory=dict)
    elements: Annotated[int, Field(ge=0, le=MOST_ELEMENTS)] = 0
    features: Annotated[int, Field(ge=0, le=MOST_FEATURES)] = 0
    references: Annotated[int, Field(ge=0, le=MOST_REFERENCES)] = 0
    inputs: tuple[JointLimit, ...] = ()
    strict: bool = False
    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 4
    series: Annotated[int, Field(ge=0, le=AUTO_SERIES)] = 0
    auto_ratio: bool = False
    auto_ratio_alone: bool = True
    scene: bool = False
    style: bool = False
    reference_type: bool = False
    image_fidelity: bool = False
    face_fidelity: bool = False
    source_seconds: Annotated[int, Field(ge=1)] | None = None
    videos_seconds: Annotated[int, Field(ge=1)] | None = None
    film: FilmLimits | None = None
    counts_input: bool = False
    prompt_length: Annotated[int, Field(ge=1, le=PROMPT_LIMIT)] = 2_500
    prompt_length_other: Annotated[int, Field(ge=0, le=PROMPT_LIMIT)] = 0
    draft_of: str = ""
    retired: date | None = None
    replaced_by: tuple[str, ...] = ()
    source: str = ""

    @model_validator(mode="before")
    @classmethod
    def _between(cls, row: Any) -> Any:
        """`every_second` turns the first and last duration into all between them, and plain voices into all modes'."""
        if isinstance(row, dict) and isinstance(row.get("voices"), bool):
            # As settings said it before operations and modes were told apart.
            modes = row.get("sound", ()) if row["voices"] else ()
            row = {**row, "voices": dict.fromkeys(VOICED, modes) if modes else {}}
        if isinstance(row, dict) and row.get("every_second") and len(row.get("durations", ())) == 2:
            low, high = row["durations"]
            row = {**row, "durations": tuple(range(low, high + 1))}
        return row

    @property
    def product(self) -> Product:
        """What comes out of it."""
        return self.operations[0].product

    def operation_for(self, *, frames: int, references: int, others: bool = False) -> Operation:
        """What the model is asked for, given how many pictures there are; omni models do it all in one.

        `others`: there are elements, voices or videos to refer to as well.
        """
        wanted = Operation.TEXT_TO_VIDEO
        if others and Operation.OMNI_VIDEO in self.operations:
            return Operation.OMNI_VIDEO
        if references:
            wanted = Operation.REFERENCES_TO_VIDEO
        elif frames:
            wanted = Operation.IMAGE_TO_VIDEO
        if wanted not in self.operations and Operation.OMNI_VIDEO in self.operations:
            return Operation.OMNI_VIDEO
        return wanted

    def finds_ratio(self, references: int) -> bool:
        """Whether it finds the ratio of an image itself that is made of so many others."""
        return self.auto_ratio and (self.auto_ratio_alone or references > 0)

    def most_characters(self, prompt: str) -> int:
        """How many a prompt may have; one with letters beyond ASCII counts as not English."""
        return self.prompt_length if is_english(prompt) else self.prompt_length_other or self.prompt_length

    def image_operation_for(self, *, references: int, extras: bool = False) -> Operation:
        """What an image model is asked for; `extras`: it is given a scene or a style."""
        if Operation.OMNI_IMAGE in self.operations:
            return Operation.OMNI_IMAGE
        several = references > 1 or extras
        return Operation.REFERENCES_TO_IMAGE if several else Operation.IMAGE

    @property
    def takes_characters(self) -> bool:
        """Whether it takes elements that are characters of a video."""
        barred = (limit for limit in self.inputs if not (limit.most or limit.when or limit.unless))
        return self.elements > 0 and all("video_elements" not in limit.of for limit in barred)

    def modes_for(self, ability: str) -> tuple[str, ...] | None:
        """The modes that an ability, a column of the row, needs; none for any, None where the model has it not."""
        if ability == "sound" and self.always_sounds:
            return ()
        has = getattr(self, ability)
        if isinstance(has, Mapping):
            return tuple(dict.fromkeys(mode for modes in has.values() for mode in modes)) or None
        return (has or None) if isinstance(has, tuple) else (() if has else None)

    def price_of(self, seconds: float, rate: float) -> Credits:
        """What so many seconds cost at a rate, rounded up."""
        return Credits(self.fixed + math.ceil(rate * seconds - 1e-9))


def is_english(text: str) -> bool:
    """Whether a text has no letters beyond ASCII."""
    return all(letter.isascii() for letter in text if letter.isalpha())


def prices_of(row: Model) -> PriceColumns:
    """The prices of a row; one without any has the price of what the catalog does not know."""
    prices = {column: getattr(row, column) for column in PriceColumns.model_fields}
    if not any(prices.values()):
        prices["rate"] = dict.fromkeys(row.modes, UNKNOWN_RATE)
    return PriceColumns.model_construct(**prices)


ChangedPrices = Mapping[str, Mapping[str, PriceColumns]]
"""Prices that differ, by section and row; only what is set of them counts."""


def repriced(row: Model, prices: PriceColumns) -> Model:
    """A row with what is set of some other prices."""
    changed: dict[str, object] = {}
    for column in prices.model_fields_set:
        value = getattr(prices, column)
        changed[column] = {**getattr(row, column), **value} if isinstance(value, Mapping) else value
    return row.model_copy(update=changed)


def unknown(model: str) -> Model:
    """The row of a video model that no catalog has: careful limits."""
    return Model(
        id=model,
        operations=(Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO),
        modes=("std", "pro"),
        durations=(5, 10),
        source="not in the catalog",
    )


_ALL_WHERE_EMPTY = frozenset({"end_frame_durations", "camera_durations", "camera_moves"})
"""Columns that limit nothing while they are empty."""


def widest(rows: Sequence[Model]) -> Model:
    """Everything that at least one of the rows of a model can do, for lists; prices are those of the first.

    No provider need be able to do all of it in one request.
    """
    first, *others = rows
    if not others:
        return first
    columns = {name: getattr(first, name) for name in Model.model_fields}
    for other in others:
        for name, value in columns.items():
            columns[name] = _wider(name, value, getattr(other, name))
    return first.model_copy(update=columns)


def _wider(column: str, value: Any, other: Any) -> Any:
    if isinstance(value, Mapping):
        return {**other, **value}
    if isinstance(value, tuple):
        if column in _ALL_WHERE_EMPTY and not (value and other):
            return ()
        united = tuple(dict.fromkeys((*value, *other)))
        return tuple(sorted(united)) if all(isinstance(each, int) for each in united) else united
    if isinstance(value or other, FilmLimits):
        return value or other
    if column in PriceColumns.model_fields or isinstance(value, str):
        return value
    return max((each for each in (value, other) if each is not None), default=None)
