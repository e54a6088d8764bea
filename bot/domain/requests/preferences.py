"""What a person has chosen once for all their videos: the defaults below what is said each time. Pure."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.requests.model import Model
from bot.domain.requests.request import AspectRatio, Mode
from bot.domain.units import short_hash

AUTOMATIC = "auto"
"""The key of the choice to leave something to the bot's own settings."""


class Preferences(BaseModel):
    """A person's choices; None leaves one to the bot's own settings. `duration` is in seconds.

    `confirm_first` asks before anything is spent, `silent` lets videos arrive without a sound, `spoiler`
    covers them until they are tapped.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    mode: Mode | None = None
    duration: Annotated[int, Field(ge=1, le=60)] | None = None
    aspect_ratio: AspectRatio | None = None
    confirm_first: bool = False
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
    SILENT = "silent"
    SPOILER = "spoiler"


SWITCHES = frozenset({Preference.CONFIRM_FIRST, Preference.SILENT, Preference.SPOILER})
"""These are on or off."""


def preference_choices(
    preferences: Preferences, which: Preference, offered: Sequence[Model]
) -> dict[str, Preferences]:
    """What the preferences are with each choice of one kind, by short keys without a colon.

    Only what the preferred model can do is offered, or what any can where none is preferred.
    """
    return {
        key: _with(preferences, which, value, offered) for key, value in _values(preferences, which, offered)
    }


def _values(
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
