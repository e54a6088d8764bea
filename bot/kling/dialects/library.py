"""Elements and voices of one's own, which prompts refer to by their ids. Pure.

kling.ai/document-api (2026-09): "Element management", "Voice management". Both are made as tasks whose
result is an id; they stay with the account until they are deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.library.asset import Preset
from bot.domain.outside import identity, text_of, word_of
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.types import ProviderName
from bot.kling.dialects import responses
from bot.kling.errors import Unavailable
from bot.kling.wire import HttpRequest, HttpResponse, SubmitContext

IMAGES = (2, 4)
"""Images of an element: one from the front, and one to three more."""

_DELETIONS = {
    Operation.ELEMENT: "/v1/general/delete-advanced-elements",
    Operation.VOICE: "/v1/general/delete-voices",
}


def element(request: GenerationRequest, images: Sequence[str], film: str | None = None) -> dict[str, Any]:
    """The body that makes an element of images (Base64), the one from the front first, or of the person in a video.

    `film` is where Kling fetches the video: mp4 or mov, 3 to 8 s, 1080p in 16:9 or 9:16, up to 200 MB. A voice that is
    heard in it comes along (advanced-custom-elements, `element_video_list`).

    Raises:
        ValueError: there are too few or too many images, or images and a video.

    """
    spoken = {"element_voice_id": request.voices[0]} if request.voices else {}
    named = {"element_name": request.name, "element_description": request.prompt or request.name}
    if film is not None:
        if images:
            raise ValueError("an element takes either images or a video")
        given = {"element_video_list": {"refer_videos": [{"video_url": film}]}}
        return named | {"reference_type": "video_refer"} | given | spoken
    if not IMAGES[0] <= len(images) <= IMAGES[1]:
        raise ValueError(f"an element takes {IMAGES[0]} to {IMAGES[1]} images")
    frontal, *others = images
    return {
        **named,
        "reference_type": "image_refer",
        "element_image_list": {
            "frontal_image": frontal,
            "refer_images": [{"image_url": image} for image in others],
        },
        **spoken,
    }


def voice(request: GenerationRequest, context: SubmitContext) -> dict[str, Any]:
    """The body that makes a voice of 5 to 30 s in which one person speaks.

    It is a video of the account's (kling-v2-6 with sound, a lip-sync, or an avatar), or a sound that Kling
    fetches as MP3 or WAV; it takes no data in its place.

    Raises:
        ValueError: there is not exactly one of the two.

    """
    if (request.source is not None) is bool(context.sound_url):
        raise ValueError("a voice takes either a video or a sound")
    if request.source is not None:
        return {"voice_name": request.name, "video_id": request.source.video_id}
    return {"voice_name": request.name, "voice_url": context.sound_url}


_PRESETS = {
    Operation.ELEMENT: "/v1/general/advanced-presets-elements",
    Operation.VOICE: "/v1/general/presets-voices",
}
PRESETS_PAGE = 500
"""Presets on a page: the most of elements; of voices 1,000 are allowed."""


def presets(operation: Operation, page: int) -> HttpRequest:
    """Encode the question for a page of Kling's own elements or voices; pages count from 1."""
    query = {"pageNum": str(page), "pageSize": str(PRESETS_PAGE)}
    return HttpRequest("GET", _PRESETS[operation], query=query)


@dataclass(frozen=True, slots=True)
class PresetPage:
    """The presets of a page that can be used, and whether another page follows."""

    presets: tuple[Preset, ...]
    is_last: bool


def parse_presets(operation: Operation, provider: ProviderName, response: HttpResponse) -> PresetPage:
    """Read a page of them: a list of tasks, each with what it has made.

    The page is full by its tasks, of which some may have been deleted or be unreadable.

    Raises:
        ProviderError: there is no list in the answer.

    """
    tasks = responses.data(response)
    if not isinstance(tasks, list):
        raise Unavailable("the answer is no list", code=str(response.status))
    results = (task.get("task_result") for task in tasks if isinstance(task, Mapping))
    listed = (result.get(f"{operation}s") for result in results if isinstance(result, Mapping))
    entries = (entry for found in listed if isinstance(found, list) for entry in found)
    read = (_preset(operation, provider, entry) for entry in entries if isinstance(entry, Mapping))
    return PresetPage(tuple(preset for preset in read if preset is not None), len(tasks) < PRESETS_PAGE)


def _preset(operation: Operation, provider: ProviderName, entry: Mapping[str, Any]) -> Preset | None:
    remote_id, name = identity(entry.get(f"{operation}_id")), text_of(entry.get(f"{operation}_name")).strip()
    is_number = remote_id.isascii() and remote_id.isdigit()
    if not remote_id or not name or word_of(entry.get("status")) == "deleted":
        return None
    if operation is Operation.ELEMENT and not is_number:
        return None
    images = entry.get("element_image_list")
    preview = images.get("frontal_image") if isinstance(images, Mapping) else entry.get("trial_url")
    description = text_of(entry.get(f"{operation}_description")).strip()
    of_video = entry.get("reference_type") == "video_refer"
    return Preset(operation, remote_id, name, description, provider, text_of(preview), of_video)


def delete(operation: Operation, remote_id: str) -> HttpRequest:
    """Encode the deletion of an element or voice."""
    return HttpRequest("POST", _DELETIONS[operation], json={f"{operation}_id": remote_id})


def parse_deletion(response: HttpResponse) -> None:
    """Read that something was deleted.

    Raises:
        ProviderError: it was not.

    """
    responses.fields(response)
