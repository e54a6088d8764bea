"""How the prompts of each standard name voices, elements, images and videos: what is not named has no effect. Pure.

The older standard counts in the order of its lists, frames first: `<<<image_2>>>` (Kling API, omni-video and
image2video). The newer one gives ids and reads `@id`; no id may be part of another, or of anything else that the
prompt says (kling.ai/document-api, "Omni Video Generation", 2026-09).
"""

from collections.abc import Mapping, Sequence
from itertools import count

from bot.domain.requests.references import (
    TOKEN,
    kinds_of,
    list_references,
    list_written,
    place_names,
    write_names,
)
from bot.domain.requests.request import GenerationRequest


def angled(request: GenerationRequest) -> GenerationRequest:
    """The request with its texts as the older standard reads them, everything named."""
    return _with_texts(request, list_written(request))


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
    kinds = kinds_of(request.operation)
    texts = place_names(request, kinds)
    return _with_texts(
        request,
        [
            write_names(text, kinds, lambda reference: f"@{ids.get(str(reference), reference)}")
            for text in texts
        ],
    )


def _with_texts(request: GenerationRequest, texts: Sequence[str]) -> GenerationRequest:
    if not request.shots:
        return request.model_copy(update={"prompt": texts[0]})
    shots = zip(request.shots, texts, strict=True)
    return request.model_copy(
        update={"shots": tuple(shot.model_copy(update={"prompt": text}) for shot, text in shots)}
    )
