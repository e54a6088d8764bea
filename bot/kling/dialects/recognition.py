"""Kling's recognition of what is in a picture, which it cuts out: the answer is the result, and no task is made. Pure.

kling.ai/document-api (2026-09), "Image Recognition": `POST /v1/videos/image-recognize` takes an `image` and nothing else,
neither a callback nor an id of ours. It answers with four entries in `task_result.images`, each of a `type`; whether it
was found says `is_contain`. What it has answered cannot be asked for again.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.outside import word_of
from bot.domain.requests.operations import Product
from bot.domain.requests.request import GenerationRequest, PhotoPart
from bot.domain.tasks.task import RemoteResult
from bot.kling.dialects import responses
from bot.kling.dialects.envelopes import child, objects
from bot.kling.dialects.error_codes import address, amount
from bot.kling.errors import Ambiguous
from bot.kling.wire import Answer, HttpResponse, Submission

PATH = "/v1/videos/image-recognize"

_TYPES: Mapping[str, PhotoPart] = {
    "object_seg": "object",
    "head_seg": "head",
    "face_seg": "face",
    "cloth_seg": "clothing",
}
"""What Kling calls the parts."""


def read(response: HttpResponse, request: GenerationRequest) -> Submission:
    """Read the parts that were found and asked for; the id of each result is its part, in the order of the document.

    Raises:
        Ambiguous: the answer does not tell, or tells of a part without saying where it is.
        ProviderError: it was refused.

    """
    held = responses.fields(response, submitting=True)
    listed = child(held, "task_result").get("images")
    if not isinstance(listed, list):
        raise Ambiguous("answered, but without what was recognised", code=str(response.status))
    found = {
        part: url for row in objects(listed) if (part := _part(row)) for url in [address(row.get("url"))]
    }
    wanted = {part: url for part, url in found.items() if request.part in {None, part}}
    if None in wanted.values():
        raise Ambiguous("a part was recognised, but has no address", code=str(response.status))
    results = tuple(
        RemoteResult(url, id=part, kind=Product.IMAGE) for part, url in wanted.items() if url is not None
    )
    return Submission("", answer=Answer(results, amount(held.get("final_unit_deduction")) or None))


def _part(row: Mapping[str, Any]) -> PhotoPart | None:
    """The part that an entry is about, where it was found."""
    contained = row.get("is_contain")
    if contained is not True and word_of(contained).casefold() not in {"true", "1"}:
        return None
    return _TYPES.get(word_of(row.get("type")))
