"""The one validated request that every dialect encodes.

A `GenerationRequest` says what is wanted in Kling's own terms and knows nothing of a wire format. What a
certain model can do is the catalog's business; here only what holds for every model is checked.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.domain.requests.operations import Operation, Pack, Prompt, Role
from bot.domain.types import SECOND

PROMPT_LIMIT = 50_000
"""Characters in a prompt, of whatever takes the longest (kling-image-4.0); what a model takes says its row."""

NEGATIVE_LIMIT = 2_500
"""Characters in a negative prompt (Kling API, text2video and image2video)."""

SHOT_LIMIT = 512
"""Characters in the prompt of one shot (Kling API, multi_prompt)."""

MOVES_LIMIT = 2_500
"""Characters that say how an avatar moves (Kling API, avatar/image2video)."""

SOUND_LIMIT = 200
"""Characters in the prompt of a sound effect, and in that of the music behind it (Kling API, audio/*)."""

FACES_LIMIT = 10
"""Faces of a video among which one is chosen."""

SPEECH_LIMIT = 1_000
"""Characters that are spoken (Kling API, audio/tts)."""

EXPANSION_LIMIT = 3.0
"""How many times its area a picture may have when it is expanded (Kling API, images/editing/expand)."""

MOST_MIDDLE_FRAMES, MOST_REFERENCES, MOST_ELEMENTS, MOST_VOICES, MOST_FEATURES = 8, 10, 7, 3, 5
"""Of one request, with the model that takes most; what a model takes is a matter of its row."""

FPS_LIMIT = 120
"""Frames a second that can be asked for; no document names a limit, and nobody makes more."""

NAME_LIMIT = 20
"""Characters in the name of an element or a voice (Kling API, "Element management", "Voice management", 2026-09)."""

MOST_STROKES, LONGEST_TRAJECTORY = 6, 77
"""Parts of a photo that a motion brush moves, and points of each one's way (Kling API, image2video, `dynamic_masks`)."""

MOST_MARKED_FRAMES, MOST_MARKS = 10, 10
"""Frames of a video in which something is marked, and points in each (Kling API, multi-elements/add-selection)."""

Mode = Literal["std", "pro", "4k"]
VideoRatio = Literal["16:9", "9:16", "1:1"]
AspectRatio = Literal[VideoRatio, "4:3", "3:4", "3:2", "2:3", "21:9"]
Resolution = Literal["1k", "2k", "4k", "8k"]
ReferenceType = Literal["subject", "face"]
Series = Annotated[int, Field(ge=2, le=10)] | Literal["auto"]
EditMode = Literal["addition", "swap", "removal"]
PhotoPart = Literal["object", "head", "face", "clothing"]
CameraMove = Literal["simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"]
CameraAxis = Literal["horizontal", "vertical", "pan", "tilt", "roll", "zoom"]

MODES: tuple[Mode, ...] = get_args(Mode)
VIDEO_RATIOS: tuple[VideoRatio, ...] = get_args(VideoRatio)
RATIOS: tuple[AspectRatio, ...] = get_args(AspectRatio)
"""Videos have those of `VIDEO_RATIOS`, images all of them."""
RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)
PHOTO_PARTS: tuple[PhotoPart, ...] = get_args(PhotoPart)
"""What is found in a photo and cut out of it; a head has its hair, a face has not (Kling API, videos/image-recognize)."""
EDIT_MODES: tuple[EditMode, ...] = get_args(EditMode)
EDIT_PHOTOS: Mapping[EditMode, tuple[int, int]] = {"addition": (1, 2), "swap": (1, 1), "removal": (0, 0)}
"""How many pictures each takes, at least and at most (Kling API, multi-elements, image_list)."""
REFERENCE_TYPES: tuple[ReferenceType, ...] = get_args(ReferenceType)

MAX_COUNT = 9
"""Results that one request brings at most (Kling API, `n` of images/generations and images/omni-image)."""

AUTO_SERIES = 10
"""Images that a series has at most, of the model that makes most (kling-image-4.0); so many are held where Kling chooses."""


class Resource(NamedTuple):
    """What Kling enables, limits and counts by itself: a model, within what it sells units of."""

    pack: Pack
    model: str


class Part(BaseModel):
    """A part of a request: closed and unchangeable."""

    # The first request builds them all together, in half the time that each by itself would take at every start.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ImageRef(Part):
    """A prepared image, kept in the store under the hash of its bytes."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    media_type: Literal["image/jpeg", "image/png"]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]


PLACEHOLDER = ImageRef(sha256="0" * 64, media_type="image/jpeg", width=1024, height=1024)
"""Stands for an image that is still to come, to show and price what it makes; it is never sent."""


class AudioRef(Part):
    """A prepared sound, kept in the store under the hash of its bytes. `duration_ms` in milliseconds."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    media_type: Literal["audio/mpeg"] = "audio/mpeg"
    duration_ms: Annotated[int, Field(ge=1)]


Attachment = ImageRef | AudioRef
"""What stands in the store; a video is a file beside it."""


class VideoRef(Part):
    """A person's own video, kept as a file under the hash of its bytes.

    `width` and `height` as it is shown, `duration_ms` in milliseconds, `size` in bytes, `frame_rate` in frames a second; 0: unknown.
    """

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    media_type: Literal["video/mp4", "video/quicktime"] = "video/mp4"
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    duration_ms: Annotated[int, Field(ge=1)]
    size: Annotated[int, Field(ge=0)] = 0
    frame_rate: Annotated[float, Field(ge=0)] = 0


class Camera(Part):
    """How the camera moves: a preset, or `simple` along one axis, from -10 to 10."""

    move: CameraMove
    axis: CameraAxis | None = None
    value: Annotated[float, Field(ge=-10, le=10)] | None = None

    @model_validator(mode="after")
    def _one_axis(self) -> "Camera":
        if (self.move == "simple") != (self.axis is not None and bool(self.value)):
            raise ValueError("simple needs one axis with a value that is not 0; presets take none")
        return self


class Shot(Part):
    """One of several shots in a video; `duration` in seconds."""

    prompt: Annotated[str, Field(min_length=1, max_length=SHOT_LIMIT)]
    duration: Annotated[int, Field(ge=1, le=15)]


class Point(Part):
    """A place in a picture in pixels; the origin is at the bottom left."""

    x: int
    y: int


class BrushStroke(Part):
    """A part of the picture and the way it goes."""

    mask: ImageRef
    trajectory: Annotated[tuple[Point, ...], Field(min_length=2, max_length=LONGEST_TRAJECTORY)]


class MotionBrush(Part):
    """What moves along given ways, and what stands still."""

    strokes: Annotated[tuple[BrushStroke, ...], Field(max_length=MOST_STROKES)] = ()
    still: ImageRef | None = None


BRUSH_PLACEHOLDER = MotionBrush(still=PLACEHOLDER)
"""Stands for a brush that is still to come, to find who takes one; it is never sent."""


class Mark(Part):
    """A point on what is to be changed in a video: in which of its frames, counted from 0, and where in it.

    `x` and `y` go from 0 to 1; the origin is at the top left.
    """

    frame: Annotated[int, Field(ge=0)]
    x: Annotated[float, Field(ge=0, le=1)]
    y: Annotated[float, Field(ge=0, le=1)]


class ElementEdit(Part):
    """What becomes of something in a video: it is added, swapped for what a picture shows, or removed."""

    mode: EditMode
    marks: Annotated[tuple[Mark, ...], Field(max_length=MOST_MARKED_FRAMES * MOST_MARKS)] = ()

    @model_validator(mode="after")
    def _marked(self) -> "ElementEdit":
        if self.mode == "addition" and self.marks:
            raise ValueError("what is added is not in the video yet")
        frames = Counter(mark.frame for mark in self.marks)
        if len(frames) > MOST_MARKED_FRAMES or any(number > MOST_MARKS for number in frames.values()):
            raise ValueError("too many marks")
        return self


class SourceVideo(Part):
    """A finished video that something is done with.

    `provider` is the one that made it: only there is `video_id` known. `operation` is what it was made by; None
    where that is not known. `url` may be signed: it is never logged. A person's own video is a `file`, which nobody has
    an id for.
    """

    provider: str = ""
    video_id: str = ""
    model: str = ""
    operation: Operation | None = None
    duration_ms: Annotated[int, Field(ge=1)] | None = None
    url: str | None = Field(default=None, repr=False)
    file: VideoRef | None = None

    @model_validator(mode="after")
    def _from_somewhere(self) -> "SourceVideo":
        if bool(self.provider and self.video_id) == (self.file is not None):
            raise ValueError("either a provider's video, or a file")
        return self

    @classmethod
    def of_file(cls, file: VideoRef) -> "SourceVideo":
        """A person's own video."""
        return cls(file=file, duration_ms=file.duration_ms)


class Continued(Part):
    """A video that another goes on from: its file, and the task that made it; a person's own has none."""

    file: VideoRef
    task: str = ""


SPOKEN_LETTERS = {"zh": 4, "en": 14}
"""Letters that are spoken in a second, to price a speech before it exists."""


class Speech(Part):
    """What a face says: a text with a voice, or a sound. `speed` from 0.8 to 2."""

    text: Annotated[str, Field(max_length=SPEECH_LIMIT)] = ""
    voice: str = ""
    language: Literal["zh", "en"] = "en"
    speed: Annotated[float, Field(ge=0.8, le=2)] = 1
    audio: AudioRef | None = None

    @model_validator(mode="after")
    def _something_to_say(self) -> "Speech":
        if bool(self.text and self.voice) == (self.audio is not None):
            raise ValueError("either a text with a voice, or a sound")
        return self

    @property
    def seconds(self) -> float:
        """How long it lasts; a text is estimated by its letters."""
        if self.audio is not None:
            return self.audio.duration_ms / SECOND
        return len(self.text) / SPOKEN_LETTERS[self.language] / self.speed


class Face(Part):
    """A face in a video by the provider's id, and when it is seen: from `begin` to `end` in milliseconds."""

    id: Annotated[str, Field(max_length=200)]
    begin: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class Faces(Part):
    """The faces that a provider found in a video, in its own order, and the session in which it knows them.

    `until` is the moment (milliseconds) from which on they must be looked for anew.
    """

    provider: str
    session: Annotated[str, Field(max_length=200)]
    until: int
    found: Annotated[tuple[Face, ...], Field(min_length=1, max_length=FACES_LIMIT)]


class Expansion(Part):
    """How far a picture grows on each side, as a part of its height or width (0 to 2)."""

    up: Annotated[float, Field(ge=0, le=2)] = 0
    down: Annotated[float, Field(ge=0, le=2)] = 0
    left: Annotated[float, Field(ge=0, le=2)] = 0
    right: Annotated[float, Field(ge=0, le=2)] = 0

    @model_validator(mode="after")
    def _some_but_not_too_much(self) -> "Expansion":
        area = (1 + self.up + self.down) * (1 + self.left + self.right)
        if not 1 < area <= EXPANSION_LIMIT + 1e-9:
            raise ValueError(f"the area may grow to {EXPANSION_LIMIT:g} times at most, and must grow")
        return self


class GenerationRequest(Part):
    """One generation as a person asked for it, defaults filled in.

    `duration` is in seconds, with a decimal for sounds only; 0 where the operation has none. `cfg_scale` is 0 (free) to 1 (close to the
    prompt). `fps` is frames a second, which only some gateways take. `auto_shots`: the model parts the prompt into
    shots. `count` is the number of results. `spoiler` covers
    them in the chat until they are tapped. `aspect_ratio` of None means that the picture decides.
    `source` is what a video is made of, where it is made of one; an omni model edits it as the prompt says.
    `features` are videos that it refers to for what is in them, how it moves or looks.
    `continues` is the video whose last frame is the first one here; both become one file when it is sent.
    `middle_frames` come between the first and the last, in their order.
    `references` are the pictures that are no frames, in the order in which the prompt numbers them; for
    a try-on the person, then the garment. `edit` is what of the source is added, swapped or removed. `keep_sound` keeps the sound of the source. `account` is the provider on whose
    account its elements and voices are; None: they are anybody's. `asset_names` are what the person calls them, by the
    provider's ids; `video_elements` are those of its elements that are characters of a video. `try_on` marks a first frame whose person changes clothes.
    `name` is what an element or a voice is called; its `prompt` describes it. `part` is the one that is cut out of a photo;
    None: whatever is found.
    `series` asks for so many images that belong together, or for as many as Kling finds right ("auto"); `count` is 1
    then. `scene` and `style` are the images of a place and of a style. `reference_type` says what of a reference is
    kept, `image_fidelity` and `face_fidelity` how closely (0 to 1).
    `music` is what is played behind a sound effect, `asmr` brings its details out.
    `face` is the number, from 1 on, of the face that speaks; None: the one that is seen longest. `faces` are those that
    were found. `volume` is that of the speech and `original_volume` that of the video, from 0 to 2; the speech begins
    `speech_at` seconds into the video, or None: as soon as the face is seen.
    A video may wait for its words: whoever accepts a request refuses it without (`Compose.check`).
    """

    operation: Operation
    model: Annotated[str, Field(min_length=1, max_length=80)]
    prompt: Annotated[str, Field(max_length=PROMPT_LIMIT)] = ""
    negative_prompt: Annotated[str, Field(max_length=NEGATIVE_LIMIT)] = ""
    mode: Mode = "std"
    duration: Annotated[int | float, Field(ge=0, le=60)] = 5
    aspect_ratio: AspectRatio | None = "16:9"
    resolution: Resolution = "1k"
    cfg_scale: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    fps: Annotated[int, Field(ge=1, le=FPS_LIMIT)] | None = None
    sound: bool = False
    watermark: bool = False
    spoiler: bool = False
    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 1
    series: Series | None = None
    first_frame: ImageRef | None = None
    last_frame: ImageRef | None = None
    middle_frames: Annotated[tuple[ImageRef, ...], Field(max_length=MOST_MIDDLE_FRAMES)] = ()
    references: Annotated[tuple[ImageRef, ...], Field(max_length=MOST_REFERENCES)] = ()
    scene: ImageRef | None = None
    style: ImageRef | None = None
    reference_type: ReferenceType | None = None
    image_fidelity: Annotated[float, Field(ge=0, le=1)] | None = None
    face_fidelity: Annotated[float, Field(ge=0, le=1)] | None = None
    camera: Camera | None = None
    shots: Annotated[tuple[Shot, ...], Field(max_length=6)] = ()
    auto_shots: bool = False
    brush: MotionBrush | None = None
    voices: Annotated[tuple[str, ...], Field(max_length=MOST_VOICES)] = ()
    elements: Annotated[tuple[int, ...], Field(max_length=MOST_ELEMENTS)] = ()
    effect: Annotated[str, Field(max_length=80)] | None = None
    features: Annotated[tuple[SourceVideo, ...], Field(max_length=MOST_FEATURES)] = ()
    source: SourceVideo | None = None
    continues: Continued | None = None
    keep_sound: bool = True
    edit: ElementEdit | None = None
    speech: Speech | None = None
    expansion: Expansion | None = None
    orientation: Literal["image", "video"] | None = None
    try_on: bool = False
    account: str | None = None
    asset_names: tuple[tuple[str, str], ...] = ()
    video_elements: tuple[int, ...] = ()
    music: Annotated[str, Field(max_length=SOUND_LIMIT)] = ""
    asmr: bool = False
    face: Annotated[int, Field(ge=1, le=FACES_LIMIT)] | None = None
    faces: Faces | None = None
    volume: Annotated[float, Field(ge=0, le=2)] = 1
    original_volume: Annotated[float, Field(ge=0, le=2)] = 1
    speech_at: Annotated[float, Field(ge=0, le=60)] | None = None
    name: Annotated[str, Field(max_length=NAME_LIMIT)] = ""
    part: PhotoPart | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "GenerationRequest":
        row = self.operation.row
        for role in Role:
            fewest, most = row.limits(role)
            if not fewest <= self.number(role) <= most:
                raise ValueError(f"{self.operation} takes {fewest} to {most} of {role}")
        if row.prompt is Prompt.REQUIRED and not (self.prompt or self.shots):
            raise ValueError(f"{self.operation} needs a prompt")
        if row.film is None and any(self.videos):
            raise ValueError(f"{self.operation} takes no video of a person's own")
        if self.continues is not None and self.first_frame is None:
            raise ValueError("what goes on from a video begins with its last frame")
        if self.shots and sum(shot.duration for shot in self.shots) != self.duration:
            raise ValueError("the shots together last as long as the video")
        return self

    def number(self, role: Role) -> int:
        """How many inputs there are in a role."""
        match role:
            case Role.FRAMES:
                ends = (self.first_frame, self.last_frame)
                return len(self.middle_frames) + sum(frame is not None for frame in ends)
            case Role.REFERENCES:
                return len(self.references)
            case _:
                return int(getattr(self, role) is not None)

    @property
    def has_others(self) -> bool:
        """Whether it refers to elements, voices or videos, beside pictures."""
        return bool(self.elements or self.voices or self.features)

    @property
    def words(self) -> str:
        """What a person wrote for it: what is said, where something is, else the prompt."""
        return (self.speech.text if self.speech is not None else "") or self.prompt

    @property
    def resource(self) -> Resource:
        """What of a provider's account it takes."""
        return Resource(self.operation.pack, self.model)

    @property
    def results(self) -> int:
        """How many results are ordered and paid for; the most where Kling chooses how many."""
        if self.series is None:
            return self.count
        return AUTO_SERIES if self.series == "auto" else self.series

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """Every image that it was given."""
        frames = (self.first_frame, *self.middle_frames, self.last_frame)
        return tuple(
            image for image in (*frames, *self.references, self.scene, self.style) if image is not None
        )

    @property
    def masks(self) -> tuple[ImageRef, ...]:
        """The masks of its brush, which were drawn for its first frame."""
        if self.brush is None:
            return ()
        masks = (self.brush.still, *(stroke.mask for stroke in self.brush.strokes))
        return tuple(mask for mask in masks if mask is not None)

    @property
    def videos(self) -> tuple[VideoRef, ...]:
        """Every video file that must be at hand while a provider fetches it."""
        given = (*self.features, *(() if self.source is None else (self.source,)))
        return tuple(video.file for video in given if video.file is not None)

    @property
    def named_assets(self) -> frozenset[str]:
        """The provider's ids of every element and voice that it uses."""
        spoken = "" if self.speech is None else self.speech.voice
        named = (*(str(element) for element in self.elements), *self.voices, spoken)
        return frozenset(filter(None, named))

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Everything that must be at hand when the request is sent."""
        audio = None if self.speech is None else self.speech.audio
        images = (*self.images, *self.masks)
        return images if audio is None else (*images, audio)
