"""What Kling takes of a person's own video, beside its length. Pure.

A limit is a row of `FILM_CHECKS`; what an operation or a model allows is its `FilmLimits`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

MEGABYTE = 1_000_000

RATE_SLACK = 0.5
"""Frames a second by which a rate may differ: 23.976 counts as 24."""

RATIO_SLACK = 0.02
"""The part by which a ratio may differ: 1928 x 1076, as Kling makes it, counts as 16:9."""


class FilmFigures(Protocol):
    """What is known of a video file: bytes, pixels, frames a second (0: unknown)."""

    @property
    def size(self) -> int: ...  # noqa: D102  see above

    @property
    def width(self) -> int: ...  # noqa: D102

    @property
    def height(self) -> int: ...  # noqa: D102

    @property
    def frame_rate(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmLimits:
    """What is taken, bounds included: megabytes, pixels of each side and of a frame, frames a second, width to height.

    `rates` are the only frames a second that are taken; empty: all within `rate`. So are `shapes`, of width and height,
    the only ones within `ratio`.
    """

    megabytes: int = 100
    side: tuple[int, int] = (1, 10_000)
    area: int = 100_000_000
    rate: tuple[float, float] = (0, 1_000)
    rates: tuple[int, ...] = ()
    ratio: tuple[float, float] = (0, 1_000)
    shapes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FilmCheck:
    """One limit: the key of the text that refuses a video, when it does, and the parameters of the text."""

    error: str
    is_beyond: Callable[[FilmLimits, FilmFigures], bool]
    details: Callable[[FilmLimits], Mapping[str, object]]


FILM_CHECKS = (
    FilmCheck(
        "error.video.size",
        lambda limits, film: film.size > limits.megabytes * MEGABYTE,
        lambda limits: {"limit": limits.megabytes},
    ),
    FilmCheck(
        "error.video.sides",
        lambda limits, film: (
            not limits.side[0] <= min(film.width, film.height)
            or not max(film.width, film.height) <= limits.side[1]
        ),
        lambda limits: {"least": limits.side[0], "most": limits.side[1]},
    ),
    FilmCheck(
        "error.video.area",
        lambda limits, film: film.width * film.height > limits.area,
        lambda limits: {"limit": f"{limits.area / 1_000_000:.1f}"},
    ),
    FilmCheck(
        "error.video.ratio",
        lambda limits, film: not limits.ratio[0] <= film.width / film.height <= limits.ratio[1],
        lambda limits: {"least": f"{limits.ratio[0]:g}", "most": f"{limits.ratio[1]:g}"},
    ),
    FilmCheck(
        "error.video.shapes",
        lambda limits, film: (
            bool(limits.shapes)
            and all(
                abs(film.width * high / (film.height * wide) - 1) > RATIO_SLACK
                for wide, high in limits.shapes
            )
        ),
        lambda limits: {"allowed": ", ".join(f"{wide}:{high}" for wide, high in limits.shapes)},
    ),
    FilmCheck(
        "error.video.frame_rate",
        lambda limits, film: (
            film.frame_rate > 0
            and not limits.rate[0] - RATE_SLACK <= film.frame_rate <= limits.rate[1] + RATE_SLACK
        ),
        lambda limits: {"least": f"{limits.rate[0]:g}", "most": f"{limits.rate[1]:g}"},
    ),
    FilmCheck(
        "error.video.frame_rates",
        lambda limits, film: (
            film.frame_rate > 0
            and bool(limits.rates)
            and all(abs(film.frame_rate - rate) > RATE_SLACK for rate in limits.rates)
        ),
        lambda limits: {"allowed": ", ".join(map(str, limits.rates))},
    ),
)

FRAME_LIMITS = FilmLimits(megabytes=300, side=(300, 10_000), ratio=(0.4, 2.5))
"""Of a video whose last frame is the first of another: a picture's (Kling API, image2video)."""


def find_excess(film: FilmFigures, limits: FilmLimits) -> FilmCheck | None:
    """The first limit that a video goes beyond; None where it keeps to all."""
    return next((check for check in FILM_CHECKS if check.is_beyond(limits, film)), None)
