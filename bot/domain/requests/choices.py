"""What a person can choose: once for all their videos, or for the request on the card. Pure.

A choice on the card brings with it what it needs (sound needs a mode that has it) and drops what no longer goes
with it; it never drops a picture or a shot. Whether somebody here can do what comes out is asked of `possible`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.requests.camera import NAMED, PRESETS
from bot.domain.requests.model import Model
from bot.domain.requests.operations import COMPOSED, Product
from bot.domain.requests.request import AspectRatio, Camera, Mode, VideoRequest
from bot.domain.requests.rules import fit, fit_with
from bot.domain.units import short_hash

NONE = "none"
"""The key of the choice to have nothing of the kind."""


class Knob(StrEnum):
    """What can be set, in the order in which it is shown."""

    MODEL = "model"
    MODE = "mode"
    DURATION = "duration"
    RATIO = "ratio"
    RESOLUTION = "resolution"
    SOUND = "sound"
    CAMERA = "camera"
    END_FRAME = "end"
    NEGATIVE = "negative"
    SEED = "seed"
    COUNT = "count"


ANSWERED = frozenset({Knob.NEGATIVE, Knob.SEED, Knob.END_FRAME})
"""These are set by a message; the buttons only take them away."""

CAMERAS: Mapping[str, Camera] = {
    **{
        name: Camera(move="simple", axis=axis, value=value)
        for name, (axis, value) in NAMED.items()
        if name.isascii()
    },
    **{preset.partition("_")[0]: Camera(move=preset) for preset in PRESETS},
}
"""Camera moves by short names: those of commands, and the first words of Kling's presets."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: the request as it is with it, and whether it is the present one.

    `key` is short, holds no colon, and stays the same whatever else is on offer.
    """

    key: str
    request: VideoRequest
    chosen: bool


Possible = Callable[[VideoRequest], bool]


def choices(
    knob: Knob, request: VideoRequest, row: Model, offered: Sequence[Model], possible: Possible
) -> tuple[Choice, ...]:
    """Everything that a knob can be set to. `row` is what the request is for, `offered` the video models."""
    return tuple(
        Choice(key, changed, chosen=_same(knob, changed, request))
        for key, changed in _candidates(knob, request, row, offered)
        if possible(changed)
    )


def knobs(
    request: VideoRequest, row: Model, offered: Sequence[Model], possible: Possible
) -> tuple[Knob, ...]:
    """The knobs that there is something to choose with."""
    return tuple(knob for knob in Knob if _is_of_use(knob, request, row, offered, possible))


def _is_of_use(
    knob: Knob, request: VideoRequest, row: Model, offered: Sequence[Model], possible: Possible
) -> bool:
    match knob:
        case Knob.NEGATIVE:
            return bool(request.negative_prompt) or _possible_with(request, possible, negative_prompt="x")
        case Knob.SEED:
            return request.seed is not None or _possible_with(request, possible, seed=1)
        case Knob.END_FRAME:
            if request.first_frame is None:
                return False
            changed = fit_with(request, row, "last_frame", request.first_frame)
            return changed is not None and possible(changed)
        case _:
            return len(choices(knob, request, row, offered, possible)) > 1


def _possible_with(request: VideoRequest, possible: Possible, **values: Any) -> bool:
    return possible(request.model_copy(update=values))


def _same(knob: Knob, one: VideoRequest, other: VideoRequest) -> bool:
    field = _FIELDS[knob]
    return bool(getattr(one, field) == getattr(other, field))


_FIELDS: Mapping[Knob, str] = {
    Knob.MODEL: "model",
    Knob.MODE: "mode",
    Knob.DURATION: "duration",
    Knob.RATIO: "aspect_ratio",
    Knob.RESOLUTION: "resolution",
    Knob.SOUND: "sound",
    Knob.CAMERA: "camera",
    Knob.COUNT: "count",
    Knob.NEGATIVE: "negative_prompt",
    Knob.SEED: "seed",
    Knob.END_FRAME: "last_frame",
}


# -- candidates --------------------------------------------------------------------------------------

Candidates = Iterator[tuple[str, VideoRequest]]


def _candidates(knob: Knob, request: VideoRequest, row: Model, offered: Sequence[Model]) -> Candidates:
    if knob is Knob.MODEL:
        if request.operation in COMPOSED and request.source is None:
            for model in offered:
                changed = fit(request, model)
                if changed is not None:
                    yield short_hash(model.id), changed
        return
    field = _FIELDS[knob]
    for key, value in _values(knob, request, row):
        changed = fit_with(request, row, field, value)
        if changed is not None:
            yield key, changed


def _values(knob: Knob, request: VideoRequest, row: Model) -> Iterable[tuple[str, Any]]:
    match knob:
        case Knob.MODE:
            return ((mode, mode) for mode in row.modes)
        case Knob.DURATION if not request.shots and not request.operation.row.duration_from_source:
            return ((str(seconds), seconds) for seconds in row.durations)
        case Knob.RATIO if _has_ratio(request):
            return ((ratio.replace(":", "x"), ratio) for ratio in row.ratios)
        case Knob.RESOLUTION if request.operation.product is Product.IMAGE:
            return ((resolution, resolution) for resolution in row.resolutions)
        case Knob.SOUND if row.sound:
            return (("off", False), ("on", True))
        case Knob.CAMERA if row.camera:
            return ((NONE, None), *CAMERAS.items())
        case Knob.COUNT:
            return ((str(number), number) for number in range(1, row.count + 1))
        case Knob.NEGATIVE:
            return ((NONE, ""),)
        case Knob.SEED:
            return ((NONE, None),)
        case Knob.END_FRAME:
            return ((NONE, None),)
        case _:
            return ()


def _has_ratio(request: VideoRequest) -> bool:
    """Where a picture gives the shape, there is nothing to choose."""
    return request.aspect_ratio is not None and request.first_frame is None


# -- preferences -------------------------------------------------------------------------------------


AUTOMATIC = "auto"
"""The key of the choice to leave something to the bot's own settings."""


class Preferences(BaseModel):
    """A person's choices; None leaves one to the bot's own settings. `duration` is in seconds.

    `confirm_first` asks before anything is spent, `confirm_large` before much is, `silent` lets videos arrive without a sound, `spoiler`
    covers them until they are tapped.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    mode: Mode | None = None
    duration: Annotated[int, Field(ge=1, le=60)] | None = None
    aspect_ratio: AspectRatio | None = None
    confirm_first: bool = False
    confirm_large: bool = True
    silent: bool = False
    spoiler: bool = False

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Read what was stored; what another version of the program wrote, and this one cannot read, counts as nothing."""
        if text is None:
            return cls()
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return cls()

    def write(self) -> str:
        """The form in which it is stored."""
        return self.model_dump_json(exclude_defaults=True)


class Preference(StrEnum):
    """What can be preferred, in the order in which it is shown; the values are the fields of `Preferences`."""

    MODEL = "model"
    MODE = "mode"
    DURATION = "duration"
    RATIO = "aspect_ratio"
    CONFIRM_FIRST = "confirm_first"
    CONFIRM_LARGE = "confirm_large"
    SILENT = "silent"
    SPOILER = "spoiler"


SWITCHES = frozenset(
    {Preference.CONFIRM_FIRST, Preference.CONFIRM_LARGE, Preference.SILENT, Preference.SPOILER}
)
"""These are on or off."""


def preference_choices(
    preferences: Preferences, which: Preference, offered: Sequence[Model]
) -> dict[str, Preferences]:
    """What the preferences are with each choice of one kind, by short keys without a colon.

    Only what the preferred model can do is offered, or what any can where none is preferred.
    """
    return {
        key: _with(preferences, which, value, offered)
        for key, value in _preference_values(preferences, which, offered)
    }


def _preference_values(
    preferences: Preferences, which: Preference, offered: Sequence[Model]
) -> Iterable[tuple[str, Any]]:
    if which in SWITCHES:
        return (("off", False), ("on", True))
    rows = [row for row in offered if row.id == preferences.model] or list(offered)
    known: dict[str, Any]
    match which:
        case Preference.MODEL:
            known = {short_hash(row.id): row.id for row in offered}
        case Preference.MODE:
            known = {mode: mode for row in rows for mode in row.modes}
        case Preference.DURATION:
            known = {str(seconds): seconds for seconds in sorted({s for row in rows for s in row.durations})}
        case _:
            known = {ratio.replace(":", "x"): ratio for row in rows for ratio in row.ratios}
    return ((AUTOMATIC, None), *known.items())


def _with(preferences: Preferences, which: Preference, value: Any, offered: Sequence[Model]) -> Preferences:
    """One preference changed; what a newly preferred model cannot do is left to the bot again."""
    changed = preferences.model_copy(update={which.value: value})
    row = next((row for row in offered if row.id == changed.model), None)
    if which is not Preference.MODEL or row is None:
        return changed
    can = {Preference.MODE: row.modes, Preference.DURATION: row.durations, Preference.RATIO: row.ratios}
    lost = {kind.value: None for kind, able in can.items() if getattr(changed, kind) not in able}
    return changed.model_copy(update=lost)
