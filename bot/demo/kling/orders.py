"""What was asked for, in one form for all dialects, and what is to be rendered for it."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bot.demo.media.render import RenderSpec
from bot.demo.media.stills import StillSpec

MEGABYTE = 1_000_000
FORBIDDEN_WORD = "forbidden"
FAILING_WORD = "[fail]"
UNSAFE_WORD = "[unsafe]"
"""Words that work wonders: a prompt with the first is refused as unsafe (400/1301), one with the second is
accepted and fails, one with the third is accepted and fails for its content."""

Product = Literal["video", "image", "audio", "element", "voice"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was sent: an address or Base64. `heaviest` is in bytes."""

    name: str
    value: str = field(repr=False)
    heaviest: int = 10 * MEGABYTE


@dataclass(frozen=True, slots=True)
class Film:
    """A video as it was sent: an address, or, with `made_here`, the id of a result.

    `seconds`, `side` (pixels), `rate` (frames a second) and `ratio` (width to height) are the least and the most that are
    allowed, `shapes` (width to height; empty for any) the only ones, `area` (pixels) is the most, `heaviest` is in bytes. `models` and `operations` are those that may have made it; empty for any.
    """

    name: str
    value: str
    made_here: bool
    seconds: tuple[float, float]
    side: tuple[int, int] = (1, 10_000)
    heaviest: int = 100 * MEGABYTE
    rate: tuple[float, float] = (0, 1_000)
    ratio: tuple[float, float] = (0, 100)
    shapes: tuple[float, ...] = ()
    area: int = 100 * MEGABYTE
    models: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound as it was sent: an address or Base64, or, with `made_here`, the id of a spoken text."""

    name: str
    value: str = field(repr=False)
    made_here: bool
    seconds: tuple[float, float]
    heaviest: int = 5 * MEGABYTE


@dataclass(frozen=True, slots=True)
class Face:
    """A face found earlier, and where in its video it is to speak. Times are in milliseconds."""

    session: str
    face: str
    sound_starts: int
    sound_ends: int
    inserted_at: int


@dataclass(frozen=True, slots=True)
class Edited:
    """A video that was opened and marked earlier, what becomes of what is marked, and the seconds of the result."""

    session: str
    mode: Literal["addition", "swap", "removal"]
    seconds: int


@dataclass(frozen=True, slots=True)
class Characters:
    """How many elements may be characters of a video, how much may come `beside` them, and how many `images` do.

    Only omni models limit them (the pages of Kling 3.0 Omni and O1).
    """

    most: int
    beside: int
    images: int

    @classmethod
    def of_omni(cls, images: int, *, filmed: bool, o1: bool) -> "Characters":
        """What an omni model takes; `filmed`: with a video."""
        return cls(0 if o1 else 1 if filmed else 3, 0 if filmed else 4, images)


@dataclass(frozen=True, slots=True)
class Order:
    """A request that passed.

    `more_films` are videos beside the one that it goes on from. `images` are the loaded `pictures`, of which only the first `shown` appear; `source` is the video that
    it goes on from. `length` tells whose seconds count: its own, those of its film, those of its film and
    five more, or those of its recording. `definition` is what a new element or voice is to be. `unnamed` are the
    voices and elements that the prompt does not name: they are charged, and have no effect. `characters` is how many of
    its elements may be those of a video (None: all).
    """

    operation: str
    model: str = ""
    prompt: str = ""
    mode: str = "std"
    seconds: float = 5
    ratio: str = "16:9"
    sound: bool = False
    pictures: tuple[Picture, ...] = ()
    shown: int | None = None
    images: tuple[bytes, ...] = field(default=(), repr=False)
    closing: bool = False
    film: Film | None = None
    more_films: tuple[Film, ...] = ()
    recording: Recording | None = None
    face: Face | None = None
    edited: Edited | None = None
    elements: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    length: Literal["own", "film", "extended", "recording"] = "own"
    external_id: str | None = None
    callback_url: str | None = None
    watermark: bool = False
    product: Product = "video"
    count: int = 1
    series: bool = False
    seed: int | None = None
    source: RenderSpec | None = None
    parent: str | None = None
    still: StillSpec | None = None
    definition: dict[str, Any] = field(default_factory=dict, hash=False)
    characters: Characters | None = None
    unnamed: tuple[str, ...] = ()

    @property
    def slots(self) -> int:
        """How many running tasks it counts for: a video is one, of images each."""
        return self.count if self.product == "image" else 1

    def video(self, *, watermark: bool = False) -> RenderSpec:
        """The video to render."""
        label = f"{self.model} · {self.mode} · {self.seconds:g} s"
        label = f"Kling demo · {label}" if watermark else label
        if self.source is not None and not self.images:
            return replace(
                self.source,
                prompt=self.prompt or self.source.prompt,
                seconds=self.seconds,
                sound=self.sound or self.source.sound,
                label=label,
            )
        return RenderSpec(
            prompt=self.prompt,
            seconds=self.seconds,
            mode=self.mode,
            ratio=self.ratio,
            sound=self.sound,
            images=self.images[: self.shown],
            closing=self.closing,
            label=label,
        )

    def stills(self) -> list[StillSpec]:
        """The pictures to make, `count` of them."""
        still = self.still or StillSpec(prompt=self.prompt, ratio=self.ratio)
        return [replace(still, images=self.images, number=number) for number in range(self.count)]
