"""What was made of a request, held against what was ordered: shorter, smaller or fewer than it was paid for. Pure.

A little is nobody's loss: a video of 5 s may have 4.9 s or 5.04 s, and the sides of a picture follow its ratio. Only what
a cheaper order would have brought as well is less than what was ordered.
"""

from collections.abc import Callable, Mapping

from pydantic import BaseModel, ConfigDict

from bot.domain.requests.operations import Operation, Product
from bot.domain.requests.request import GenerationRequest, Mode, Resolution
from bot.domain.types import SECOND, Credits

Price = Callable[[GenerationRequest], Credits]

ROUNDING = 0.5
"""Seconds that a result may be shorter than a whole number of them."""

OLDEST = frozenset({"kling-v1"})
"""Models whose modes differ in quality, and not in size."""

_NEAR = 0.9
_SIDES: Mapping[Mode, tuple[int, int]] = {"pro": (1920, 1080), "4k": (2560, 1440)}
"""Pixels of what a mode makes at least at 16:9; a picture of another ratio has as many in all. What Kling calls 4k has more."""

_LOWER: Mapping[Mode, tuple[Mode, ...]] = {"pro": ("std",), "4k": ("pro", "std")}
_PIXELS: Mapping[Resolution, int] = {"2k": 1_500_000, "4k": 4_500_000, "8k": 18_000_000}
"""Pixels in all from which on an image is of a resolution, at any ratio."""

_SMALLER: Mapping[Resolution, tuple[Resolution, ...]] = {
    "2k": ("1k",),
    "4k": ("2k", "1k"),
    "8k": ("4k", "2k", "1k"),
}


class Shortfall(BaseModel):
    """How a result is less than what was ordered, None where it is not, and what is refunded for it.

    `seconds`, `mode` and `resolution` are what was made; `results` how many came of those that were ordered. `credits`
    are for this result, `credits_missing` for those that did not come.
    """

    model_config = ConfigDict(frozen=True)

    seconds: int | None = None
    mode: Mode | None = None
    resolution: Resolution | None = None
    results: int | None = None
    credits: int = 0
    credits_missing: int = 0

    @property
    def is_lesser(self) -> bool:
        """Whether the result itself is less than was ordered, and not only that others did not come."""
        return self.seconds is not None or self.mode is not None or self.resolution is not None

    @property
    def refunded(self) -> Credits:
        """All that is refunded for it."""
        return Credits(self.credits + self.credits_missing)


def compare(
    request: GenerationRequest,
    share: Credits,
    price: Price,
    duration_ms: int | None,
    size: tuple[int, int] | None,
) -> Shortfall | None:
    """What a result lacks of what was ordered for `share` credits; None where nothing is to be refunded for it.

    `duration_ms` and `size` (pixels) are of the result, None where they are not known. What is refunded is between 0
    and `share`: the part of it by which the price table has a cheaper price for what was made.
    """
    changes: dict[str, object] = {}
    seconds = _seconds(request, duration_ms)
    if seconds is not None:
        changes["duration"] = seconds
        changes["shots"] = ()
    mode = None if size is None else _mode(request, *size)
    if mode is not None:
        changes["mode"] = mode
    resolution = None if size is None else _resolution(request, *size)
    if resolution is not None:
        changes["resolution"] = resolution
    if not changes:
        return None
    one: dict[str, object] = {"count": 1, "series": None}
    full = price(request.model_copy(update=one))
    made = price(request.model_copy(update=one | changes))
    if not 0 <= made < full:
        return None
    # Rounded in favour of whoever paid; at the prices of the order it is the exact difference.
    credits = share - share * made // full
    if credits <= 0:
        return None
    return Shortfall(seconds=seconds, mode=mode, resolution=resolution, credits=min(credits, share))


def missing(request: GenerationRequest, total: Credits, results: int) -> Credits:
    """What is refunded of `total` credits where so few results came of those that were ordered."""
    return Credits(total // request.results * max(0, request.results - max(results, 1)))


def _seconds(request: GenerationRequest, duration_ms: int | None) -> int | None:
    edits = request.operation is Operation.OMNI_VIDEO and request.source is not None
    if not request.operation.row.takes_duration or edits or not duration_ms:
        return None
    seconds = int(duration_ms / SECOND + ROUNDING)
    return max(seconds, 1) if seconds < request.duration else None


def _mode(request: GenerationRequest, width: int, height: int) -> Mode | None:
    """The mode that such a size is of, where it is a lower one than was ordered."""
    made_of_another = request.source is not None or not request.operation.row.takes_duration
    if made_of_another or request.model in OLDEST:
        return None
    if _is_of(request.mode, width, height):
        return None
    return next((mode for mode in _LOWER[request.mode] if _is_of(mode, width, height)), None)


def _is_of(mode: Mode, width: int, height: int) -> bool:
    least = _SIDES.get(mode)
    if least is None:
        return True
    pixels = least[0] * least[1]
    return min(width, height) >= _NEAR * least[1] or width * height >= _NEAR * _NEAR * pixels


def _resolution(request: GenerationRequest, width: int, height: int) -> Resolution | None:
    if request.operation.product is not Product.IMAGE or request.resolution not in _PIXELS:
        return None
    pixels = width * height
    if pixels >= _PIXELS[request.resolution]:
        return None
    return next(each for each in _SMALLER[request.resolution] if pixels >= _PIXELS.get(each, 0))
