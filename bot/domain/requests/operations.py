"""What can be asked of Kling: one row per operation, from which commands, checks, prices and buttons are derived. Pure.

A new operation needs its row here, a writer in `bot/kling/dialects`, rows of the catalog and two texts:
`operation.<id>`, and `command.<name>` where its command is new.
"""

import re
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum, auto
from typing import Self

from bot.domain.requests.films import FilmLimits


@dataclass(frozen=True, slots=True)
class MediaRow:
    """What is known of a kind of media without a file of it; how Telegram shows it: `handlers/sending/media.py`.

    Its files begin as `beginning` says, and their names end with `suffix`. `has_size` says that it has a width and a
    height, `has_duration` that it lasts.
    """

    suffix: str
    beginning: re.Pattern[bytes]
    _: KW_ONLY
    has_size: bool = False
    has_duration: bool = False
    in_album: bool = False


class Product(StrEnum):
    """What comes out; media have a row."""

    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"
    ASSET = "asset"
    """An element or a voice: an id that later requests name, and nothing to be sent."""

    @property
    def row(self) -> MediaRow:
        """What is known of such media."""
        return MEDIA[self]

    @property
    def is_film(self) -> bool:
        """Whether it is made of frames: each of them is a picture, and more can be made of the whole."""
        return self in MEDIA and self.row.has_size and self.row.has_duration


MEDIA = {
    Product.VIDEO: MediaRow(
        ".mp4", re.compile(rb"....ftyp", re.DOTALL), has_size=True, has_duration=True, in_album=True
    ),
    Product.IMAGE: MediaRow(
        ".png",
        re.compile(
            rb"\x89PNG|\xff\xd8\xff|RIFF....WEBP|GIF8[79]a|....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)",
            re.DOTALL,
        ),
        has_size=True,
        in_album=True,
    ),
    Product.AUDIO: MediaRow(
        ".mp3",
        re.compile(rb"ID3|\xff[\xe0-\xff]|RIFF....WAVE|....ftyp|OggS|fLaC", re.DOTALL),
        has_duration=True,
    ),
}


class Pack(StrEnum):
    """What Kling sells units of, each kind by itself; an account may have units of one and none of another."""

    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"
    TRY_ON = "try_on"
    LIBRARY = "library"
    """Elements and voices, which no document names a pack for."""


class Role(StrEnum):
    """What an input is for; the values are fields of a request, but for the frames, which count together."""

    FRAMES = "frames"
    REFERENCES = "references"
    SOURCE = "source"
    SPEECH = "speech"
    EFFECT = "effect"
    EXPANSION = "expansion"
    ORIENTATION = "orientation"
    EDIT = "edit"

    @property
    def kind(self) -> Product | None:
        """The kind of file that can be sent for it; None where it is typed, or follows from the rest."""
        return _KINDS.get(self)


_KINDS = {
    Role.FRAMES: Product.IMAGE,
    Role.REFERENCES: Product.IMAGE,
    Role.SOURCE: Product.VIDEO,
    Role.SPEECH: Product.AUDIO,
}


@dataclass(frozen=True, slots=True)
class Input:
    """Something that an operation is given, at least `minimum` and at most `maximum` times.

    `seconds` is how long a source video may be, but for what is longer and shorter than the ends of a `gap`; the length
    of others is not limited here. `film` is what else a person's own video must be like; None: it must be one that was
    made here.
    """

    role: Role
    minimum: int = 1
    maximum: int = 1
    seconds: tuple[float, float] = (0, float("inf"))
    film: FilmLimits | None = None
    gap: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask for an operation: a command, what comes with it, and the options that are read (None: all).

    The command is empty where none asks for it. The values of `preferred` options are those of the person or the operator where nothing is typed.
    """

    command: str
    inputs: tuple[Input, ...] = ()
    options: frozenset[str] | None = frozenset()
    preferred: frozenset[str] = frozenset()

    def limits(self, role: Role) -> tuple[int, int]:
        """How many inputs it takes in a role, at least and at most."""
        return next(((each.minimum, each.maximum) for each in self.inputs if each.role is role), (0, 0))

    def takes(self, option: str) -> bool:
        """Whether an option that was typed is read, by its field."""
        return self.options is None or option in self.options

    def needs(self, role: Role) -> bool:
        """Whether it is nothing without an input in this role."""
        return self.limits(role)[0] > 0

    @property
    def kinds(self) -> frozenset[Product]:
        """The kinds of files that can come with it."""
        return frozenset(kind for each in self.inputs if (kind := each.role.kind) is not None)


class Prompt(StrEnum):
    """What a prompt is to an operation."""

    NONE = auto()
    """It takes none."""
    OPTIONAL = auto()
    AWAITED = auto()
    """A request may wait for it, and is nothing without."""
    REQUIRED = auto()


class ChargedFor(StrEnum):
    """Which seconds are charged."""

    DURATION = auto()
    """Those that were ordered."""
    SOURCE = auto()
    """Those of the video that it is made of; those that were ordered where there is none."""
    SPEECH = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRow:
    """Everything that is known of an operation without asking a provider.

    `on_video_model` says that it runs on a video model that the operator offers, `on_image_model` on an image model; the
    others bring their own. `several_at_once` makes several results of one submission.
    `like_source` takes model and mode from the video that it is made of, `duration_from_source` its length;
    `from_maker` needs the provider that made it, but for a person's own video.
    `seconds` is what it lasts where nothing is typed; None: as preferred, or what the model has first.
    `charged_block` is the seconds that are charged together, and `charged_slack` those that are not counted.
    `is_extendable` says whether its videos can be extended. `made_of` are the kinds of results with a button
    for it. `answers_at_once`: the answer to the request is the result; no task is made that could be asked for.
    `as_files`: its pictures are sent as files, so that what is transparent in them stays so.
    """

    ways: tuple[Way, ...]
    product: Product = Product.VIDEO
    pack: Pack | None = None
    on_video_model: bool = False
    on_image_model: bool = False
    several_at_once: bool = False
    like_source: bool = False
    duration_from_source: bool = False
    from_maker: bool = False
    prompt: Prompt = Prompt.NONE
    seconds: int | None = None
    charged_for: ChargedFor = ChargedFor.DURATION
    charged_block: int = 1
    charged_slack: float = 0.1
    is_extendable: bool = False
    made_of: frozenset[Product] = frozenset()
    answers_at_once: bool = False
    as_files: bool = False

    @property
    def takes_duration(self) -> bool:
        """Whether its length can be ordered."""
        return self.ways[0].takes("duration")

    def limits(self, role: Role) -> tuple[int, int]:
        """How many inputs it takes in a role, at least and at most, in whatever way it is asked for."""
        limits = [way.limits(role) for way in self.ways]
        return min(fewest for fewest, _ in limits), max(most for _, most in limits)

    @property
    def source_seconds(self) -> tuple[float, float]:
        """How long a video may be that it is made of."""
        return next((each.seconds for each in self._sources()), (0, float("inf")))

    @property
    def source_gap(self) -> tuple[float, float] | None:
        """Between which seconds it may not be; None: there are none."""
        return next((each.gap for each in self._sources()), None)

    @property
    def film(self) -> FilmLimits | None:
        """What a person's own video must be like that it is made of; None: it takes none."""
        return next((each.film for each in self._sources()), None)

    def _sources(self) -> Iterator[Input]:
        return (each for way in self.ways for each in way.inputs if each.role is Role.SOURCE)


PREFERRED = frozenset({"mode", "duration", "aspect_ratio"})
IMAGE_OPTIONS = frozenset(
    {
        *(
            "model",
            "negative_prompt",
            "aspect_ratio",
            "resolution",
            "count",
            "series",
            "elements",
            "scene",
            "style",
        ),
        *("reference_type", "image_fidelity", "face_fidelity", "watermark", "spoiler"),
    }
)

MOST_FRAMES = 10
"""A first, a last and up to eight between them (Kling 4.0); what a model takes of them says its row."""

MOST_REFERENCES = 10
"""As many as any model takes (Kling 4.0)."""

ONE_IMAGE = Input(Role.REFERENCES)
SPEECH = Input(Role.SPEECH)
OF_VIDEOS = frozenset({Product.VIDEO})

FULL_HD = FilmLimits(megabytes=200, side=(1060, 1940), shapes=((16, 9), (9, 16)))
"""1080p, give or take the pixels by which encoders round (Kling API, advanced-custom-elements, `element_video_list`)."""


def _video(*inputs: Input, outfits: bool = False) -> tuple[Way, ...]:
    """`/video`, and `/tryon` where a person's picture can be dressed by words."""
    way = Way("video", inputs, None, PREFERRED)
    return (way, Way("tryon", inputs, None, PREFERRED)) if outfits else (way,)


def _image(*inputs: Input) -> tuple[Way, ...]:
    return (Way("image", inputs, IMAGE_OPTIONS, frozenset({"aspect_ratio", "resolution"})),)


def _source(
    shortest: float,
    longest: float,
    film: FilmLimits | None = None,
    gap: tuple[float, float] | None = None,
) -> Input:
    return Input(Role.SOURCE, seconds=(shortest, longest), film=film, gap=gap)


class Operation(StrEnum):
    """What is asked of Kling, each with its row. Each has its own endpoint in the official API.

    What sources may be is Kling's (identify-face, video-to-audio, motion-control, omni-video, multi-elements; an extended video has 180
    seconds at most). An extension lasts 4 to 5 s (video-extend), lip-sync is
    paid for in blocks of 5 s (vendor pricing 2026), and what made a video decides whether it can be extended (vendor
    API reference 2025).
    """

    row: OperationRow

    def __new__(cls, value: str, row: OperationRow) -> Self:
        """Make a member whose value is only the id, which requests are stored with."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.row = row
        return member

    TEXT_TO_VIDEO = (
        "text2video",
        OperationRow(ways=_video(), on_video_model=True, prompt=Prompt.AWAITED, is_extendable=True),
    )
    IMAGE_TO_VIDEO = (
        "image2video",
        OperationRow(
            ways=_video(Input(Role.FRAMES, 1, MOST_FRAMES), outfits=True),
            on_video_model=True,
            prompt=Prompt.OPTIONAL,
            is_extendable=True,
        ),
    )
    REFERENCES_TO_VIDEO = (
        "multi-image2video",
        OperationRow(
            ways=_video(Input(Role.REFERENCES, 1, 4), outfits=True),
            on_video_model=True,
            prompt=Prompt.AWAITED,
        ),
    )
    OMNI_VIDEO = (
        "omni-video",
        OperationRow(
            ways=(
                *_video(
                    Input(Role.FRAMES, 0, MOST_FRAMES),
                    Input(Role.REFERENCES, 0, MOST_REFERENCES),
                    outfits=True,
                ),
                Way(
                    "edit",
                    (_source(3, 10, FilmLimits(megabytes=200, side=(720, 2160), rate=(24, 60))),),
                    frozenset({"model", "negative_prompt", "mode", "elements", "keep_sound"}),
                    frozenset({"mode"}),
                ),
            ),
            on_video_model=True,
            prompt=Prompt.AWAITED,
            charged_for=ChargedFor.SOURCE,
        ),
    )
    MULTI_ELEMENTS = (
        "multi-elements",
        OperationRow(
            ways=(
                Way(
                    "edit",
                    (
                        _source(2, 10, FilmLimits(side=(720, 2160), rates=(24, 30, 60)), gap=(5, 7)),
                        Input(Role.REFERENCES, 0, 2),
                        Input(Role.EDIT),
                    ),
                    frozenset({"negative_prompt", "mode", "edit_mode"}),
                    frozenset({"mode"}),
                ),
            ),
            duration_from_source=True,
            from_maker=True,
            seconds=5,
            prompt=Prompt.OPTIONAL,
            charged_for=ChargedFor.SOURCE,
            charged_block=5,
            charged_slack=0.5,
        ),
    )
    MOTION_CONTROL = (
        "motion-control",
        OperationRow(
            ways=(
                Way(
                    "motion",
                    (ONE_IMAGE, _source(3, 30, FilmLimits(side=(340, 3850))), Input(Role.ORIENTATION)),
                    frozenset({"model", "mode", "elements", "keep_sound", "orientation"}),
                ),
            ),
            on_video_model=True,
            duration_from_source=True,
            seconds=5,
            prompt=Prompt.OPTIONAL,
            charged_for=ChargedFor.SOURCE,
        ),
    )
    EXTEND = (
        "video-extend",
        OperationRow(
            ways=(Way("extend", (_source(1, 175),), frozenset({"negative_prompt", "cfg_scale"})),),
            on_video_model=True,
            like_source=True,
            duration_from_source=True,
            from_maker=True,
            seconds=5,
            prompt=Prompt.OPTIONAL,
            is_extendable=True,
            made_of=OF_VIDEOS,
        ),
    )
    LIP_SYNC = (
        "lip-sync",
        OperationRow(
            ways=(
                Way(
                    "lipsync",
                    (_source(2, 60, FilmLimits(side=(512, 2160))), SPEECH),
                    frozenset({"face", "volume", "original_volume", "speech_at"}),
                ),
            ),
            from_maker=True,
            prompt=Prompt.OPTIONAL,
            charged_for=ChargedFor.SOURCE,
            charged_block=5,
            charged_slack=0.25,
            made_of=OF_VIDEOS,
        ),
    )
    EFFECT = (
        "effects",
        OperationRow(
            ways=(Way("effect", (Input(Role.REFERENCES, 1, 2), Input(Role.EFFECT))),),
            made_of=frozenset({Product.VIDEO, Product.IMAGE}),
        ),
    )
    AVATAR = (
        "avatar",
        OperationRow(
            ways=(Way("avatar", (ONE_IMAGE, SPEECH), frozenset({"mode", "moves"})),),
            prompt=Prompt.OPTIONAL,
            charged_for=ChargedFor.SPEECH,
        ),
    )
    TEXT_TO_AUDIO = (
        "text-to-audio",
        OperationRow(
            ways=(Way("sound", (), frozenset({"duration"})),),
            product=Product.AUDIO,
            prompt=Prompt.REQUIRED,
            seconds=5,
        ),
    )
    VIDEO_TO_AUDIO = (
        "video-to-audio",
        OperationRow(
            ways=(Way("sound", (_source(3, 20, FilmLimits()),), frozenset({"music", "asmr"})),),
            product=Product.AUDIO,
            from_maker=True,
            prompt=Prompt.OPTIONAL,
        ),
    )
    IMAGE = (
        "image",
        OperationRow(
            ways=_image(Input(Role.REFERENCES, 0, 1)),
            product=Product.IMAGE,
            on_image_model=True,
            several_at_once=True,
            prompt=Prompt.AWAITED,
        ),
    )
    REFERENCES_TO_IMAGE = (
        "multi-image2image",
        OperationRow(
            ways=_image(Input(Role.REFERENCES, 1, 4)),
            product=Product.IMAGE,
            on_image_model=True,
            several_at_once=True,
            prompt=Prompt.AWAITED,
        ),
    )
    OMNI_IMAGE = (
        "omni-image",
        OperationRow(
            ways=_image(Input(Role.REFERENCES, 0, 10)),
            product=Product.IMAGE,
            on_image_model=True,
            several_at_once=True,
            prompt=Prompt.AWAITED,
        ),
    )
    EXPAND = (
        "expand",
        OperationRow(
            ways=(Way("expand", (ONE_IMAGE, Input(Role.EXPANSION)), frozenset({"count", "spoiler"})),),
            product=Product.IMAGE,
            several_at_once=True,
            prompt=Prompt.OPTIONAL,
        ),
    )
    TRY_ON = (
        "try-on",
        OperationRow(
            ways=(Way("tryon", (Input(Role.REFERENCES, 2, 2),)),), product=Product.IMAGE, pack=Pack.TRY_ON
        ),
    )
    VIEWS = (
        "ai-multi-shot",
        OperationRow(ways=(Way("", (ONE_IMAGE,)),), product=Product.IMAGE, several_at_once=True),
    )
    # The vendor's price list has it among the videos ("Pricing", video: Image Recognition, 2026-09).
    CUTOUT = (
        "image-recognize",
        OperationRow(
            ways=(Way("cutout", (ONE_IMAGE,), frozenset({"part"})),),
            product=Product.IMAGE,
            pack=Pack.VIDEO,
            answers_at_once=True,
            as_files=True,
        ),
    )
    # What is left of one whose owner was forgotten has no input.
    ELEMENT = (
        "element",
        OperationRow(
            ways=(
                Way(
                    "element",
                    (
                        Input(Role.REFERENCES, 0, 4),
                        Input(Role.SOURCE, 0, 1, seconds=(3, 8), film=FULL_HD),
                    ),
                ),
            ),
            product=Product.ASSET,
            pack=Pack.LIBRARY,
            prompt=Prompt.OPTIONAL,
        ),
    )
    VOICE = (
        "voice",
        OperationRow(
            ways=(Way("voice", (Input(Role.SOURCE, 0, 1), Input(Role.SPEECH, 0, 1))),),
            product=Product.ASSET,
            pack=Pack.LIBRARY,
        ),
    )

    @property
    def product(self) -> Product:
        """What comes out of it."""
        return self.row.product

    @property
    def pack(self) -> Pack:
        """Which units it takes."""
        return self.row.pack or Pack(self.product)


def made_by(command: str) -> tuple[tuple[Operation, Way], ...]:
    """The operations that a command can ask for, each with its way, in the order in which they are tried."""
    return tuple(
        (operation, way) for operation in Operation for way in operation.row.ways if way.command == command
    )


VIDEO_MODEL_OPERATIONS = frozenset(operation for operation in Operation if operation.row.on_video_model)
LIBRARY_OPERATIONS = frozenset(operation for operation in Operation if operation.product is Product.ASSET)
"""These make what later requests name. They are free, and count neither as videos nor as running."""

ANSWERED_AT_ONCE = frozenset(operation for operation in Operation if operation.row.answers_at_once)
"""Of these a provider knows nothing later: an answer that is lost cannot be asked for."""

SPEAKING_OPERATIONS = frozenset(operation for operation in Operation if operation.row.limits(Role.SPEECH)[0])
COMPOSED = frozenset(operation for operation, _ in made_by("video"))
"""Videos from a prompt and pictures: several models can make them."""

IMAGE_MODEL_OPERATIONS = frozenset(operation for operation in Operation if operation.row.on_image_model)
CHOSEN_BY_MODEL = COMPOSED | IMAGE_MODEL_OPERATIONS
"""What is asked for follows from the model and the inputs."""
