"""What a person has chosen once for all their videos: the defaults below what is said each time. Pure."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.request import AspectRatio, Mode


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
