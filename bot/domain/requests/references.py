"""What a prompt refers to, in the one form that requests are stored with. Pure.

`<<<image_2>>>` is the second of `references`, `<<<element_1>>>` the first of `elements`, `<<<voice_1>>>` the first of
`voices`, `<<<video_1>>>` the first video that the request is about. Kling uses nothing of this kind that its prompt
does not name, and charges for it (Kling API, omni-video and image2video, 2026-09); `bot/kling/dialects/references.py`
writes the names as each standard reads them.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.requests.operations import Operation
from bot.domain.requests.request import SHOT_LIMIT, GenerationRequest


class Kind(StrEnum):
    """What can be named."""

    IMAGE = "image"
    ELEMENT = "element"
    VIDEO = "video"
    VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Reference:
    """The `number`th, from 1, of what a request has of a kind."""

    kind: Kind
    number: int

    @property
    def token(self) -> str:
        """How a stored prompt names it."""
        return f"<<<{self}>>>"

    def __str__(self) -> str:
        """Its name in Kling's own examples: `image_1`."""
        return f"{self.kind}_{self.number}"


CAST = (Kind.VOICE, Kind.ELEMENT)
"""These are nothing without their names, whatever is asked for."""

NAMED: Mapping[Operation, tuple[Kind, ...]] = {
    Operation.OMNI_VIDEO: (Kind.IMAGE, *CAST, Kind.VIDEO),
    Operation.OMNI_IMAGE: (Kind.IMAGE, *CAST),
    # The voice of an element is bound to it; its prompt only describes it.
    Operation.ELEMENT: (),
}
"""Where images and videos have names, too. Elsewhere they are used as they are."""


def kinds_of(operation: Operation) -> tuple[Kind, ...]:
    """What the prompt of an operation names."""
    return NAMED.get(operation, CAST)


_TYPED = re.compile(rf"<<<({'|'.join(Kind)})_(\d{{1,9}})>>>")
"""Whatever Kling could take for a name in a prompt that somebody typed so."""

TOKEN = re.compile(rf"<<<({'|'.join(Kind)})_([1-9]\d?)>>>")
"""A name in a stored prompt."""


def count_of(request: GenerationRequest) -> Mapping[Kind, int]:
    """How many of each kind a request has."""
    return {
        Kind.IMAGE: len(request.references),
        Kind.ELEMENT: len(request.elements),
        Kind.VIDEO: len(request.features) + (request.source is not None),
        Kind.VOICE: len(request.voices),
    }


def list_references(request: GenerationRequest, kinds: Collection[Kind] = tuple(Kind)) -> list[Reference]:
    """Everything of some kinds that a request has, in order."""
    counts = count_of(request)
    return [Reference(kind, number) for kind in kinds for number in range(1, counts[kind] + 1)]


def named_in(text: str) -> list[Reference]:
    """What a text names, once each, in the order in which it does."""
    found = (Reference(Kind(kind), int(number)) for kind, number in TOKEN.findall(text))
    return list(dict.fromkeys(found))


def read_texts(request: GenerationRequest) -> tuple[str, ...]:
    """The texts that a provider reads: with shots, the prompt itself is not (Kling API, multi_prompt)."""
    return tuple(shot.prompt for shot in request.shots) or (request.prompt,)


def missing_from(request: GenerationRequest, kinds: Collection[Kind]) -> list[Reference]:
    """What a request has of some kinds, and no text of it names."""
    named = {reference for text in read_texts(request) for reference in named_in(text)}
    return [reference for reference in list_references(request, kinds) if reference not in named]


def dangling(request: GenerationRequest) -> Reference | None:
    """The first that a text names, and the request does not have; one with a number that none can have, too."""
    counts = count_of(request)
    named = (
        Reference(Kind(kind), int(number))
        for text in read_texts(request)
        for kind, number in _TYPED.findall(text)
    )
    return next((each for each in named if not 0 < each.number <= counts[each.kind]), None)


def is_crowded(request: GenerationRequest) -> bool:
    """Whether a shot has no room for a name that must stand in one."""
    return bool(request.shots) and any(len(text) > SHOT_LIMIT for text in list_written(request))


def length_of(request: GenerationRequest) -> int:
    """Characters of the prompt as it is sent, everything named; of one beside shots, as it is."""
    return len(request.prompt) if request.shots else len(list_written(request)[0])


def place_names(request: GenerationRequest, kinds: Collection[Kind]) -> tuple[str, ...]:
    """The texts that a provider reads, with everything of some kinds named that they do not name yet.

    It stands at the end of the prompt, or of the first shot that has room for it.
    """
    texts = list(read_texts(request))
    for reference in missing_from(request, kinds):
        place = _roomy(texts, reference.token) if request.shots else 0
        texts[place] = f"{texts[place]} {reference.token}".strip()
    return tuple(texts)


PLAIN = {Kind.IMAGE: "图", Kind.ELEMENT: "主体", Kind.VIDEO: "视频", Kind.VOICE: "音色"}
"""What they are called in a Chinese prompt where they have no names."""

_CHINESE = re.compile("[\u3400-\u9fff]")


def write_names(text: str, kinds: Collection[Kind], write: Callable[[Reference], str]) -> str:
    """A text with its names as they are written; what has none where it goes is spoken of in plain words."""

    def put(match: re.Match[str]) -> str:
        reference = Reference(Kind(match[1]), int(match[2]))
        if reference.kind in kinds:
            word = write(reference)
        elif _CHINESE.search(text):
            word = f"{PLAIN[reference.kind]}{reference.number}"
        else:
            word = f"{reference.kind} {reference.number}"
        if word == match[0]:
            return word
        # What stands close to a name would be read as a part of it, or of an address.
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        return f"{' ' * _is_close(before)}{word}{' ' * _is_close(after)}"

    return TOKEN.sub(put, text)


def _is_close(neighbor: str) -> bool:
    return neighbor.isalnum() or neighbor in {"_", "-", "@", "<"}


def list_written(request: GenerationRequest) -> list[str]:
    """The texts of a request as the older standard reads them, everything named.

    It counts in the order of its lists, frames first (Kling API, omni-video and image2video). No standard has longer names.
    """
    frames = sum(frame is not None for frame in (request.first_frame, request.last_frame))
    kinds = kinds_of(request.operation)

    def write(reference: Reference) -> str:
        before = frames if reference.kind is Kind.IMAGE else 0
        return Reference(reference.kind, reference.number + before).token

    return [write_names(text, kinds, write) for text in place_names(request, kinds)]


def _roomy(texts: Sequence[str], token: str) -> int:
    """The first shot that has room for one more name; the shortest where none has."""
    fits = (place for place, text in enumerate(texts) if len(text) + 1 + len(token) <= SHOT_LIMIT)
    return next(fits, min(range(len(texts)), key=lambda place: len(texts[place])))
