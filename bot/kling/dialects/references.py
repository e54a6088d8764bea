"""How the prompts of each standard name voices, elements, images and videos: what is not named has no effect. Pure.

The older standard counts in the order of its lists, frames first: `<<<image_2>>>` (Kling API, omni-video and
image2video). The newer one gives ids and reads `@id`; no id may be part of another, or of anything else that the
prompt says (kling.ai/document-api, "Omni Video Generation", 2026-09).
"""

import re
from collections.abc import Callable, Collection, Mapping
from itertools import count

from bot.domain.requests.references import TOKEN, Kind, Reference, kinds_of, list_references, place_names
from bot.domain.requests.request import GenerationRequest

PLAIN = {Kind.IMAGE: "图", Kind.ELEMENT: "主体", Kind.VIDEO: "视频", Kind.VOICE: "音色"}
"""What they are called in a Chinese prompt where they have no names."""

_CHINESE = re.compile("[\u3400-\u9fff]")


def angled(request: GenerationRequest) -> GenerationRequest:
    """The request with its texts as the older standard reads them, everything named."""
    frames = sum(frame is not None for frame in (request.first_frame, request.last_frame))

    def write(reference: Reference) -> str:
        before = frames if reference.kind is Kind.IMAGE else 0
        return Reference(reference.kind, reference.number + before).token

    return _renamed(request, write)


def choose_ids(request: GenerationRequest) -> Mapping[str, str]:
    """An id for each voice, element, image and video of a request, by its name there (`image_1`).

    Those of a kind have the same length, so that none is part of another, and none stands in the request's own texts.
    """
    texts = (request.prompt, request.negative_prompt, *(shot.prompt for shot in request.shots))
    said, references = TOKEN.sub(" ", " ".join(texts)).casefold(), list_references(request)
    width = max((len(str(each.number)) for each in references), default=1)
    attempts = ("" if number == 0 else f"{number}_" for number in count())
    tries = (
        {str(each): f"{each.kind}_{mark}{each.number:0{width}}" for each in references} for mark in attempts
    )
    return next(ids for ids in tries if not any(id in said for id in ids.values()))


def identified(request: GenerationRequest, ids: Mapping[str, str]) -> GenerationRequest:
    """The request with its texts as the newer standard reads them, everything named by its id of `choose_ids`."""
    return _renamed(request, lambda reference: f"@{ids.get(str(reference), reference)}")


def _renamed(request: GenerationRequest, write: Callable[[Reference], str]) -> GenerationRequest:
    kinds = kinds_of(request.operation)
    texts = [_written(text, kinds, write) for text in place_names(request, kinds)]
    if not request.shots:
        return request.model_copy(update={"prompt": texts[0]})
    shots = zip(request.shots, texts, strict=True)
    return request.model_copy(
        update={"shots": tuple(shot.model_copy(update={"prompt": text}) for shot, text in shots)}
    )


def _written(text: str, kinds: Collection[Kind], write: Callable[[Reference], str]) -> str:
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
