"""What comes with a request beside its prompt, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bot.domain.requests.operations import Role, Way
from bot.domain.requests.options import Options
from bot.domain.requests.request import (
    AudioRef,
    EditMode,
    ElementEdit,
    Expansion,
    GenerationRequest,
    ImageRef,
    Mark,
    SourceVideo,
)
from bot.domain.requests.rules import LONGEST_FOR_AN_IMAGE, SOURCE_SLACK
from bot.domain.types import SECOND
from bot.errors import UserError

LARGEST_RATIO = 3.0
"""How many times its area a picture may get (see `Expansion`)."""

EVEN_EXPANSION = 0.25
"""How far a picture grows on every side where no shape was asked for: 1.5 × 1.5 of it."""

UNMARKED = Mark(frame=0, x=0.5, y=0.5)
"""Stands for the marks that are still to come, to check and price what they are for; it is never sent."""

PLACES = ("scene", "style")
"""Purposes of one of several images, by the fields of a request."""


@dataclass(frozen=True, slots=True)
class Images:
    """The pictures that come with a request, by what they are for."""

    first: ImageRef | None = None
    last: ImageRef | None = None
    references: tuple[ImageRef, ...] = ()
    middle: tuple[ImageRef, ...] = ()

    @classmethod
    def in_order(cls, images: Sequence[ImageRef]) -> Self:
        """Two images or more as the frames of a video: the first, those between, and the last."""
        return cls(first=images[0], middle=tuple(images[1:-1]), last=images[-1])

    @classmethod
    def of(cls, request: GenerationRequest) -> Self:
        """Those of a request."""
        return cls(request.first_frame, request.last_frame, request.references, request.middle_frames)

    @property
    def frames(self) -> int:
        """How many of them are frames."""
        return len(self.middle) + sum(frame is not None for frame in (self.first, self.last))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.frames or self.references)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that comes with a request beside its prompt. `source_mode` is the mode that made the source."""

    images: Images = Images()
    sound: AudioRef | None = None
    source: SourceVideo | None = None
    source_mode: str = ""

    def suit(self, way: Way) -> bool:
        """Whether a way takes exactly these files; a sound can stand in for a text, so it does not matter."""
        numbers = {
            Role.FRAMES: self.images.frames,
            Role.REFERENCES: len(self.images.references),
            Role.SOURCE: int(self.source is not None),
        }
        limits = {role: way.limits(role) for role in numbers}
        return all(limits[role][0] <= number <= limits[role][1] for role, number in numbers.items())


def places_of(references: Sequence[ImageRef], said: Options) -> dict[str, ImageRef]:
    """The images of those that were given whose numbers were typed for a purpose of their own."""
    found: dict[str, ImageRef] = {}
    for place in PLACES:
        if place in said:
            if said[place] > len(references):
                raise UserError("error.request.no_such_photo", number=said[place], given=len(references))
            found[place] = references[said[place] - 1]
    if found and len(set(found.values())) == len(set(references)):
        raise UserError("error.request.no_subject")
    return found


def expansion_of(image: ImageRef, ratio: str | None) -> Expansion:
    """How far a picture grows to get a shape; the whole shape only as far as the area may grow."""
    if ratio is None:
        return Expansion(up=EVEN_EXPANSION, down=EVEN_EXPANSION, left=EVEN_EXPANSION, right=EVEN_EXPANSION)
    width, _, height = ratio.partition(":")
    factor = min(int(width) / int(height) * image.height / image.width, LARGEST_RATIO)
    if abs(factor - 1) < 0.01:
        raise UserError("error.request.same_shape", ratio=ratio)
    if factor > 1:
        side = min((factor - 1) / 2, 1.0)
        return Expansion(left=side, right=side)
    side = min((1 / factor - 1) / 2, 1.0)
    return Expansion(up=side, down=side)


def orientation_of(source: SourceVideo | None, said: Options) -> str:
    """How a person turns where it was not typed: as in the picture, where the video is short enough and there is no element."""
    if "orientation" in said:
        return str(said["orientation"])
    long = source is not None and (source.duration_ms or 0) > (LONGEST_FOR_AN_IMAGE + SOURCE_SLACK) * SECOND
    return "video" if long or said.get("elements") else "image"


def edit_of(images: Sequence[ImageRef], said: Options) -> ElementEdit:
    """What becomes of something in a video: what was typed, or what so many pictures are good for.

    What is marked is still to come.
    """
    mode: EditMode = said.get("edit_mode") or (
        "addition" if len(images) > 1 else "swap" if images else "removal"
    )
    return ElementEdit(mode=mode, marks=() if mode == "addition" else (UNMARKED,))
