"""Models that stand in for the one that somebody has chosen or prefers: why, and the way back.

Pictures, elements and voices may need another model than the person's own. A card says so, for as long as it is so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from bot.domain.requests.model import Model
from bot.domain.requests.operations import CHOSEN_BY_MODEL, Operation
from bot.domain.requests.request import GenerationRequest
from bot.services.compose import Compose


@dataclass(frozen=True, slots=True)
class Swap:
    """`model` is the one that was left, and `why` what it can't do, as the key of a text ends.

    `back` is the request with it again, as much of it as it can do; None: there is no way back.
    """

    model: str
    why: str
    back: GenerationRequest | None = None

    def dump(self) -> dict[str, Any]:
        """It as JSON."""
        back = None if self.back is None else self.back.model_dump(mode="json")
        return {"model": self.model, "why": self.why, "back": back}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Read it from JSON.

        Raises:
            KeyError, ValueError: another version of the program wrote it.

        """
        back = data["back"]
        return cls(data["model"], data["why"], back and GenerationRequest.model_validate(back))


GONE = "gone"
SETTINGS = "settings"

_OF_WORDS = frozenset({Operation.TEXT_TO_VIDEO, Operation.OMNI_VIDEO, Operation.IMAGE, Operation.OMNI_IMAGE})

REASONS: Mapping[str, Callable[[Model, GenerationRequest], bool]] = {
    "references": lambda row, request: len(request.references) > row.references,
    "features": lambda row, request: len(request.features) > row.features,
    "middle_frames": lambda row, request: len(request.middle_frames) > row.middle_frames,
    "last_frame": lambda row, request: request.last_frame is not None and not row.end_frame,
    "brush": lambda row, request: request.brush is not None and not row.brush,
    "words": lambda row, request: not request.images and not _OF_WORDS.intersection(row.operations),
    "elements": lambda row, request: bool(request.elements) and not row.elements,
    "voices": lambda row, request: bool(request.voices) and request.operation not in row.voices,
}
"""What a model can't do, in the order in which it is said; where it is none of these, it is `SETTINGS`."""


def find_swap(
    compose: Compose, wanted: str, request: GenerationRequest, before: GenerationRequest | None = None
) -> Swap | None:
    """What stands in for the `wanted` model in a request; None where it is that model. `before` is what was there."""
    if request.model == wanted or request.operation not in CHOSEN_BY_MODEL:
        return None
    rows = [row for row in compose.offers_for(request) if row.id == wanted]
    ways = (way for each in _fewer(request, before, wanted) if (way := compose.fit(each, wanted)) is not None)
    return Swap(wanted, _why(rows, request), next(ways, None) if rows else None)


def _why(rows: Sequence[Model], request: GenerationRequest) -> str:
    """What no row of a model can do of a request."""
    if not rows:
        return GONE
    found = (name for name, is_beyond in REASONS.items() if all(is_beyond(row, request) for row in rows))
    return next(found, SETTINGS)


def _fewer(
    request: GenerationRequest, before: GenerationRequest | None, wanted: str
) -> Iterator[GenerationRequest]:
    """What was there before, then the same with fewer inputs."""
    if before is not None and before.model == wanted:
        yield before
    without: dict[str, object] = {"elements": (), "voices": (), "brush": None}
    yield request.model_copy(update=without)
    images = request.references if request.operation.row.on_image_model else request.images
    if images:
        fewer: dict[str, object] = {"references": images[:1]}
        if not request.operation.row.on_image_model:
            frames = {"first_frame": images[0], "middle_frames": (), "last_frame": None}
            fewer = {**frames, "references": (), "aspect_ratio": None}
        yield request.model_copy(update={**without, **fewer})
