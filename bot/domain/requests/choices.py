"""What a person can choose: once for all their videos, or for the request on the card. Pure.

A choice on the card brings with it what it needs (sound needs a mode that has it) and drops what no longer goes
with it; it never drops a picture or a shot. Whether somebody here can do what comes out is asked of `possible`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.requests.camera import CAMERAS
from bot.domain.requests.model import Model, widest
from bot.domain.requests.operations import CHOSEN_BY_MODEL
from bot.domain.requests.options import BY_FIELD, ON_CARDS, Option, OptionRow, is_set
from bot.domain.requests.request import AspectRatio, Camera, GenerationRequest, Mode, Resolution
from bot.domain.requests.rules import fit, fit_with
from bot.domain.types import short_hash

NONE = "none"
"""The key of the choice to have nothing of the kind."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: the request as it is with it, and whether it is the present one.

    `key` is short, holds no colon, and stays the same whatever else is on offer.
    """

    key: str
    request: GenerationRequest
    chosen: bool


Possible = Callable[[GenerationRequest], bool]


def choices(
    option: OptionRow,
    request: GenerationRequest,
    rows: Sequence[Model],
    offered: Sequence[Model],
    possible: Possible,
) -> tuple[Choice, ...]:
    """Everything that an option can be set to.

    `rows` are what the request's model can do with each provider, `offered` those of what can be chosen
    in its place.
    """
    present = getattr(request, option.field)
    found: dict[str, Choice] = {}
    for key, changed in _candidates(option, request, rows, offered):
        if key not in found and possible(changed):
            found[key] = Choice(key, changed, chosen=getattr(changed, option.field) == present)
    return tuple(found.values())


def list_choosable(
    request: GenerationRequest, rows: Sequence[Model], offered: Sequence[Model], possible: Possible
) -> tuple[Option, ...]:
    """The options of the card that there is something to choose with."""
    return tuple(option for option in ON_CARDS if is_choosable(option.row, request, rows, offered, possible))


def is_choosable(
    option: OptionRow,
    request: GenerationRequest,
    rows: Sequence[Model],
    offered: Sequence[Model],
    possible: Possible,
) -> bool:
    """Whether there is something to choose with an option."""
    if option.sample is None:
        return len(choices(option, request, rows, offered, possible)) > 1
    sample = option.sample(request)
    if sample is None or is_set(request, option.field):
        return is_set(request, option.field)
    ways = (fit_with(request, row, option.field, sample) for row in rows)
    return any(changed is not None and possible(changed) for changed in ways)


def _candidates(
    option: OptionRow, request: GenerationRequest, rows: Sequence[Model], offered: Sequence[Model]
) -> Iterator[tuple[str, GenerationRequest]]:
    if option is Option.MODEL.row:
        if request.operation in CHOSEN_BY_MODEL and request.source is None:
            for model in offered:
                changed = fit(request, model)
                if changed is not None:
                    yield short_hash(model.id), changed
        return
    for value in option.values(request, widest(rows)) if option.values else ():
        for row in rows:
            changed = fit_with(request, row, option.field, value)
            if changed is not None:
                yield _key_of(value), changed


def _key_of(value: object) -> str:
    if isinstance(value, Camera):
        return next(name for name, known in CAMERAS.items() if known == value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value).replace(":", "x") if value not in {None, "", ()} else NONE


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
    image_model: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    image_aspect_ratio: AspectRatio | None = None
    image_resolution: Resolution | None = None
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


_OF_IMAGES = "image_"


class Preference(StrEnum):
    """What can be preferred, in the order in which it is shown; the values are the fields of `Preferences`."""

    MODEL = "model"
    MODE = "mode"
    DURATION = "duration"
    RATIO = "aspect_ratio"
    IMAGE_MODEL = "image_model"
    IMAGE_RATIO = "image_aspect_ratio"
    IMAGE_RESOLUTION = "image_resolution"
    CONFIRM_FIRST = "confirm_first"
    CONFIRM_LARGE = "confirm_large"
    SILENT = "silent"
    SPOILER = "spoiler"

    @property
    def of_images(self) -> bool:
        """Whether it is about images."""
        return self.startswith(_OF_IMAGES)

    @property
    def option(self) -> OptionRow:
        """The option that it is about; a `KeyError` for switches."""
        return BY_FIELD[self.removeprefix(_OF_IMAGES)]


SWITCHES = frozenset(
    {Preference.CONFIRM_FIRST, Preference.CONFIRM_LARGE, Preference.SILENT, Preference.SPOILER}
)
"""These are on or off."""

MODEL_PREFERENCES = frozenset({Preference.MODEL, Preference.IMAGE_MODEL})
"""Models have long names, and what they cannot do is not preferred."""


def preference_choices(
    preferences: Preferences, which: Preference, offered: Sequence[Model]
) -> dict[str, Preferences]:
    """What the preferences are with each choice of one kind, by short keys without a colon.

    Only what the preferred model can do is offered, or what any can where none is preferred; `offered` are the models
    that it is about.
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
    model = preferences.image_model if which.of_images else preferences.model
    rows = [row for row in offered if row.id == model] or list(offered)
    if which in MODEL_PREFERENCES:
        known: dict[str, Any] = {short_hash(row.id): row.id for row in offered}
    else:
        values = dict.fromkeys(value for row in rows for value in getattr(row, which.option.column))
        ordered = sorted(values) if which is Preference.DURATION else values
        known = {_key_of(value): value for value in ordered}
    return ((AUTOMATIC, None), *known.items())


def _with(preferences: Preferences, which: Preference, value: Any, offered: Sequence[Model]) -> Preferences:
    """One preference changed; what a newly preferred model cannot do is left to the bot again."""
    changed = preferences.model_copy(update={which.value: value})
    row = next((row for row in offered if row.id == value), None)
    if which not in MODEL_PREFERENCES or row is None:
        return changed
    lost = {
        each.value: None
        for each in Preference
        if each not in SWITCHES and each.of_images is which.of_images and (column := each.option.column)
        if getattr(changed, each) not in getattr(row, column)
    }
    return changed.model_copy(update=lost)
