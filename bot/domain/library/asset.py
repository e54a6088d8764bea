"""What people make for use in later prompts: elements out of pictures, voices out of speech. Pure.

    waiting ──▶ sending ──▶ making ──▶ ready ──▶ deleting ──▶ (gone)
       ▲           │ ▲         │                    ▲
       └───────────┘ │         ▼                    │
       ▲             ▼       failed          from every state but failed
       └──────── unconfirmed

An asset is kept before anything is sent, and belongs to one provider's account from then on. After a crash, or
an answer that was lost, the provider is asked by our own id; only what it surely does not have is sent again.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.requests.operations import SPEAKING_OPERATIONS
from bot.domain.requests.request import AudioRef, ImageRef, SourceVideo, VideoRequest
from bot.domain.requests.values import plain
from bot.domain.tasks.task import FailureKind
from bot.domain.units import ChatId, Millis, ProviderName, UserId, draw_id
from bot.errors import UserError

MOST_ASSETS = 20
"""Elements of one person, and as many voices: making them is free, but they stay with the operator's account."""

NAME_LIMIT = 20
"""Characters in a name (kling.ai/document-api, "Element management" and "Voice management", 2026-09)."""

DESCRIPTION_LIMIT = 100
"""Characters that describe an element (the same)."""

MOST_PICTURES = 4
"""Of an element: one from the front, and up to three from other sides or from nearer (the same)."""

SHORTEST_SPEECH, LONGEST_SPEECH = 5_000, 30_000
"""Milliseconds of speech that a voice is made of (the same)."""

SPEAKING_MODELS = frozenset({"kling-v2-6"})
"""Models whose videos with sound a voice can be made of (the same)."""

_ID_LENGTH = 10


class AssetKind(StrEnum):
    """What it is."""

    ELEMENT = "element"
    VOICE = "voice"


class AssetState(StrEnum):
    """How far it is."""

    WAITING = "waiting"
    """Not sent, or surely not accepted: it is sent when it is due."""
    SENDING = "sending"
    """It is being sent; with an old lease, it was when the process ended."""
    UNCONFIRMED = "unconfirmed"
    """Nobody knows whether the provider has it: it is asked by our own id."""
    MAKING = "making"
    """The provider has it and is not done."""
    READY = "ready"
    """It can be used."""
    FAILED = "failed"
    """It could not be made; the row stays for a while, so that a repeated update makes nothing anew."""
    DELETING = "deleting"
    """Nobody can use it any more; it is still to be deleted at the provider."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One element or voice. `remote_id` is what the provider calls it once it is ready.

    `pictures` are an element's, prepared and kept, the one from the front first. A voice is made of a kept `sound`
    or of a finished `video`, by the provider's id of it. `told`: its owner knows how
    it ended. `chat_id` and `message_id` say where it was asked for.
    """

    id: str
    user_id: UserId
    kind: AssetKind
    name: str
    provider: ProviderName
    external_id: str
    chat_id: ChatId
    language: str
    made_at: Millis
    description: str = ""
    pictures: tuple[ImageRef, ...] = ()
    sound: AudioRef | None = None
    video: str | None = None
    message_id: int | None = None
    update_id: int | None = None
    state: AssetState = AssetState.WAITING
    version: int = 0
    due_at: Millis | None = None
    attempts: int = 0
    looks: int = 0
    task_id: str | None = None
    remote_id: str | None = None
    failure: FailureKind | None = None
    failure_detail: str | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to have made, before it is known where. Fields as in `Asset`."""

    kind: AssetKind
    name: str
    description: str = ""
    pictures: tuple[ImageRef, ...] = ()
    sound: AudioRef | None = None
    video: SourceVideo | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What a person may call by a name of their own: the provider's ids by the plain name."""

    elements: Mapping[str, int] = field(default_factory=dict)
    voices: Mapping[str, str] = field(default_factory=dict)


NO_NAMES = Names()


def new_id(rng: random.Random) -> str:
    """Draw an id; the store's primary key decides whether it is free."""
    return draw_id(rng, _ID_LENGTH)


def folded(name: str) -> str:
    """A name as it is compared: as any other word that people type."""
    return plain(name)


def read_name(kind: AssetKind, words: str) -> tuple[str, str]:
    """Read `Fox a small red fox` into the name, which is one word, and the description that follows.

    Raises:
        UserError: the name is missing, too long, or could be taken for an id or an option; the description is
            too long.

    """
    name, *others = words.split() or [""]
    description = " ".join(others)
    if not name:
        raise UserError(f"error.asset.{kind}_unnamed")
    if len(name) > NAME_LIMIT or not re.fullmatch(r"\w[\w-]*", name) or plain(name).isdecimal():
        raise UserError("error.asset.name", name=name[:60], limit=NAME_LIMIT)
    if len(description) > DESCRIPTION_LIMIT:
        raise UserError("error.asset.description", count=len(description), limit=DESCRIPTION_LIMIT)
    return name, description


def check_pictures(number: int) -> None:
    """Refuse what no element can be made of.

    Raises:
        UserError: there is no picture, or there are too many.

    """
    if not 1 <= number <= MOST_PICTURES:
        raise UserError("error.asset.pictures", number=number, limit=MOST_PICTURES)


def voice_source(request: VideoRequest, source: SourceVideo) -> SourceVideo:
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
