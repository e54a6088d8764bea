"""What people make for use in later prompts: elements out of pictures or a video, voices out of speech. Pure.

Making one is a task (`Operation.ELEMENT`, `Operation.VOICE`); what it has made belongs to one person and to one
provider's account, until it is deleted.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from bot.domain.requests.films import find_excess
from bot.domain.requests.operations import FULL_HD, SPEAKING_OPERATIONS, Operation
from bot.domain.requests.request import NAME_LIMIT, GenerationRequest, SourceVideo, VideoRef
from bot.domain.requests.rules import SOURCE_SLACK
from bot.domain.requests.values import normalize_word
from bot.domain.tasks.task import Task
from bot.domain.types import SECOND, Millis, ProviderName, UserId
from bot.errors import UserError

MOST_ASSETS = 20
"""Elements of one person, and as many voices: making them is free, but they stay with the operator's account."""

DESCRIPTION_LIMIT = 100
"""Characters that describe an element (kling.ai/document-api, "Element management", 2026-09)."""

MOST_IMAGES = 4
"""Of an element: one from the front, and up to three from other sides or from nearer (the same)."""

SHORTEST_SPEECH, LONGEST_SPEECH = 5_000, 30_000
"""Milliseconds of speech that a voice is made of ("Voice management", 2026-09)."""

SPEAKING_MODELS = frozenset({"kling-v2-6"})
"""Models whose videos with sound a voice can be made of (the same)."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One element or voice; `id` is that of the task that made it.

    `remote_id` is what the provider calls it; None: it is being made. Nobody can use it any more from when it has a
    `due_at`: then it is to be deleted at the provider, which was tried `attempts` times. `of_video`: an element that is
    the character of a video, which models take less of.
    """

    id: str
    user_id: UserId
    kind: Operation
    name: str
    description: str
    provider: ProviderName
    made_at: Millis
    remote_id: str | None = None
    due_at: Millis | None = None
    attempts: int = 0
    of_video: bool = False


@dataclass(frozen=True, slots=True)
class Preset:
    """An element or a voice of Kling's own, which everybody may use; `preview` is where a picture or sound of it is.

    `of_video`: an element that is the character of a video, which models take less of.
    """

    kind: Operation
    remote_id: str
    name: str
    description: str
    provider: ProviderName
    preview: str = field(default="", repr=False)
    of_video: bool = False

    @property
    def called(self) -> str:
        """Its name as it is typed: one word."""
        return re.sub(r"[^\w]+", "-", self.name).strip("-_")


@dataclass(frozen=True, slots=True)
class Names:
    """What a person may call by name: the provider's ids by the plain name.

    `preset_voices` speak in videos only: a text is spoken with one of another list, or with a voice of one's own. `presets`
    are the names of all that is Kling's own.
    """

    elements: Mapping[str, int] = field(default_factory=dict)
    voices: Mapping[str, str] = field(default_factory=dict)
    preset_voices: Mapping[str, str] = field(default_factory=dict)
    presets: frozenset[str] = frozenset()

    def for_speech(self) -> "Names":
        """What may be called where a text is spoken."""
        return Names(self.elements, self.voices, presets=self.presets)

    def without(self, names: Collection[str]) -> "Names":
        """The same without what is called by some plain names."""
        return Names(
            {name: id for name, id in self.elements.items() if name not in names},
            {name: id for name, id in self.voices.items() if name not in names},
            {name: id for name, id in self.preset_voices.items() if name not in names},
            self.presets - frozenset(names),
        )

    def speaks_in_videos_only(self, voice: str) -> bool:
        """Whether a voice is one of Kling's own for videos, by its name or its id."""
        return folded(voice) in self.preset_voices or voice in self.preset_voices.values()


NO_NAMES = Names()


def folded(name: str) -> str:
    """A name as it is compared: as any other word that people type."""
    return normalize_word(name)


def asset_of(task: Task, remote_id: str | None = None, due_at: Millis | None = None) -> Asset:
    """What a task makes, or has made; of one whose owner was forgotten only where it is."""
    return Asset(
        id=task.id,
        user_id=task.user_id,
        kind=task.request.operation,
        name=task.request.name,
        description=task.request.prompt,
        provider=ProviderName(task.provider or task.request.account or ""),
        made_at=task.created_at,
        remote_id=remote_id,
        due_at=due_at,
        of_video=task.request.operation is Operation.ELEMENT and task.request.source is not None,
    )


def check_new(request: GenerationRequest, owned: Iterable[Asset]) -> None:
    """Refuse one more beside those that its owner has or will have soon.

    Raises:
        UserError: its name is taken, or there are too many.

    """
    alike = {folded(asset.name) for asset in owned if asset.kind is request.operation}
    if folded(request.name) in alike:
        raise UserError(f"error.asset.{request.operation}_taken", name=request.name)
    if len(alike) >= MOST_ASSETS:
        raise UserError(f"error.asset.{request.operation}_too_many", limit=MOST_ASSETS)


def read_name(kind: Operation, words: str) -> tuple[str, str]:
    """Read `Fox a small red fox` into the name, which is one word, and the description that follows.

    Raises:
        UserError: the name is missing, too long, or could be taken for an id or an option; the description is
            too long.

    """
    name, *others = words.split() or [""]
    description = " ".join(others)
    if not name:
        raise UserError(f"error.asset.{kind}_unnamed")
    if len(name) > NAME_LIMIT or not re.fullmatch(r"\w[\w-]*", name) or normalize_word(name).isdecimal():
        raise UserError("error.asset.name", name=name[:60], limit=NAME_LIMIT)
    if len(description) > DESCRIPTION_LIMIT:
        raise UserError("error.asset.description", count=len(description), limit=DESCRIPTION_LIMIT)
    return name, description


def split_voice(description: str, names: Names) -> tuple[str, str]:
    """The description of an element without the person's own voice that it names (`@Ada`), and that voice's id; else empty."""
    words, voice = description.split(), ""
    for word in words:
        if word[0] in "@＠" and folded(word[1:]) in names.voices:
            voice = names.voices[folded(word[1:])]
    if not voice:
        return description, ""
    own = {name for name, id in names.voices.items() if id == voice}
    return " ".join(word for word in words if word[0] not in "@＠" or folded(word[1:]) not in own), voice


def check_images(number: int) -> None:
    """Refuse what no element can be made of.

    Raises:
        UserError: there is no picture, or there are too many.

    """
    if not 1 <= number <= MOST_IMAGES:
        raise UserError("error.asset.pictures", number=number, limit=MOST_IMAGES)


def check_film(source: SourceVideo, sides: tuple[int, int] | None = None) -> None:
    """Refuse a video that no element can be made of; `sides` are the pixels of one that was made here (None: unknown).

    Raises:
        UserError: it is too short or too long, too heavy, or not of 1080p in 16:9 or 9:16.

    """
    film = source.file
    if film is None and sides is not None:
        film = VideoRef(sha256="0" * 64, width=sides[0], height=sides[1], duration_ms=1)
    shortest, longest = Operation.ELEMENT.row.source_seconds
    seconds = None if source.duration_ms is None else source.duration_ms / SECOND
    lasts = seconds is None or shortest - SOURCE_SLACK <= seconds <= longest + SOURCE_SLACK
    if not lasts or (film is not None and find_excess(film, FULL_HD) is not None):
        limits = {"low": f"{shortest:g}", "high": f"{longest:g}", "size": FULL_HD.megabytes}
        raise UserError("error.asset.film", **limits)


def voice_source(request: GenerationRequest, source: SourceVideo) -> SourceVideo:
    """A finished video of that request, if a voice can be made of it (Kling API, custom-voices, `video_id`).

    Raises:
        UserError: nobody speaks in it, or for too short or too long.

    """
    speaks = request.operation in SPEAKING_OPERATIONS or (request.sound and request.model in SPEAKING_MODELS)
    if not speaks:
        raise UserError("error.asset.silent_video", models=", ".join(sorted(SPEAKING_MODELS)))
    if source.duration_ms is not None and not SHORTEST_SPEECH <= source.duration_ms <= LONGEST_SPEECH:
        raise UserError("error.asset.speech_length", low=SHORTEST_SPEECH // 1000, high=LONGEST_SPEECH // 1000)
    return source
