"""Elements and voices of one's own, which prompts refer to by their ids. Pure.

kling.ai/document-api (2026-09): "Element management", "Voice management". Both are made as tasks whose
result is an id; they stay with the account until they are deleted.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from bot.domain.library.asset import DESCRIPTION_LIMIT, NAME_LIMIT
from bot.domain.outside import identity, word_of
from bot.kling.dialects import answers
from bot.kling.dialects.profile import PAGE_SIZE
from bot.kling.dialects.reading import address, clean
from bot.kling.dialects.words import state_of
from bot.kling.outcomes import Ambiguous, NotFound, Unavailable
from bot.kling.wire import HttpRequest, HttpResponse, RemoteState

PICTURES = (2, 4)
"""Pictures of an element: one from the front, and one to three more."""


class Kind(StrEnum):
    """What is kept."""

    ELEMENT = "element"
    VOICE = "voice"


_PATHS = {Kind.ELEMENT: "/v1/general/advanced-custom-elements", Kind.VOICE: "/v1/general/custom-voices"}
_DELETIONS = {Kind.ELEMENT: "/v1/general/delete-advanced-elements", Kind.VOICE: "/v1/general/delete-voices"}


@dataclass(frozen=True, slots=True)
class Entry:
    """An element or voice of the account; `sample` is an address to hear a voice at."""

    kind: Kind
    id: str
    name: str
    sample: str | None = None


@dataclass(frozen=True, slots=True)
class Making:
    """How far an element or voice is; `entry` when it is ready, `reason` when it could not be made."""

    task_id: str
    state: RemoteState
    entry: Entry | None = None
    reason: str | None = None


def create_element(
    name: str, description: str, pictures: Sequence[str], external_task_id: str, voice_id: str = ""
) -> HttpRequest:
    """Encode the making of an element from pictures (Base64), the one from the front first.

    Raises:
        ValueError: a text is too long, or there are too few or too many pictures.

    """
    if not 1 <= len(name) <= NAME_LIMIT or not 1 <= len(description) <= DESCRIPTION_LIMIT:
        raise ValueError(f"at most {NAME_LIMIT} characters of name, and {DESCRIPTION_LIMIT} of description")
    if not PICTURES[0] <= len(pictures) <= PICTURES[1]:
        raise ValueError(f"an element takes {PICTURES[0]} to {PICTURES[1]} pictures")
    frontal, *others = pictures
    body: dict[str, Any] = {
        "element_name": name,
        "element_description": description,
        "reference_type": "image_refer",
        "element_image_list": {
            "frontal_image": frontal,
            "refer_images": [{"image_url": picture} for picture in others],
        },
        "external_task_id": external_task_id,
    }
    if voice_id:
        body["element_voice_id"] = voice_id
    return HttpRequest("POST", _PATHS[Kind.ELEMENT], json=body)


def create_voice(name: str, external_task_id: str, *, video_id: str = "", sound_url: str = "") -> HttpRequest:
    """Encode the making of a voice out of 5 to 30 s in which one person speaks.

    `video_id` is a video of the account's: one of kling-v2-6 with sound, a lip-sync, or an avatar. `sound_url` is
    where Kling fetches an MP3 or WAV; it takes no data in its place.

    Raises:
        ValueError: the name is too long, or there is not exactly one of the two.

    """
    if not 1 <= len(name) <= NAME_LIMIT:
        raise ValueError(f"at most {NAME_LIMIT} characters of name")
    if bool(video_id) is bool(sound_url):
        raise ValueError("a voice takes either a video or a sound")
    given = {"video_id": video_id} if video_id else {"voice_url": sound_url}
    body = {"voice_name": name, **given, "external_task_id": external_task_id}
    return HttpRequest("POST", _PATHS[Kind.VOICE], json=body)


def encoded(picture: bytes) -> str:
    """A picture as Kling takes it: Base64 without a prefix."""
    return base64.b64encode(picture).decode("ascii")


def look(kind: Kind, task_id: str) -> HttpRequest:
    """Encode the question how far a making is; our own id is taken too."""
    return HttpRequest("GET", f"{_PATHS[kind]}/{quote(task_id, safe='')}")


def listing(kind: Kind, page: int = 1) -> HttpRequest:
    """Encode the question what the account has."""
    return HttpRequest("GET", _PATHS[kind], query={"pageNum": str(page), "pageSize": str(PAGE_SIZE)})


def delete(kind: Kind, entry_id: str) -> HttpRequest:
    """Encode the deletion of an element or voice."""
    return HttpRequest("POST", _DELETIONS[kind], json={f"{kind}_id": entry_id})


def parse_submission(kind: Kind, response: HttpResponse) -> Making:
    """Read the answer to the order to make something.

    Raises:
        Ambiguous: it may be made; ask with our own id.
        ProviderError: it was refused.

    """
    making = _making(kind, answers.fields(response, submitting=True))
    if not making.task_id:
        raise Ambiguous("the answer names no task", code=str(response.status))
    return making


def parse_making(kind: Kind, response: HttpResponse) -> Making:
    """Read how far a making is.

    Raises:
        NotFound: Kling surely knows nothing of it.
        ProviderError: the answer is about something else.

    """
    try:
        making = _making(kind, answers.fields(response))
    except NotFound as error:
        if answers.is_proof(error):
            raise
        raise Unavailable("no proof that there is no such task", code=error.code) from error
    if not making.task_id:
        raise Unavailable("the answer names no task", code=str(response.status))
    return making


def parse_listing(kind: Kind, response: HttpResponse) -> tuple[Entry, ...]:
    """Read what the account has; what was deleted is left out.

    Raises:
        ProviderError: the answer is no list.

    """
    rows = answers.data(response)
    if not isinstance(rows, list):
        raise Unavailable("the answer is not a list", code=str(response.status))
    made = (_making(kind, row) for row in rows if isinstance(row, Mapping))
    return tuple(making.entry for making in made if making.entry is not None)


def parse_deletion(response: HttpResponse) -> None:
    """Read that something was deleted.

    Raises:
        ProviderError: it was not.

    """
    answers.fields(response)


def _making(kind: Kind, row: Mapping[str, Any]) -> Making:
    state = state_of(word_of(row.get("task_status")))
    result = row.get("task_result")
    rows = result.get(f"{kind}s") if isinstance(result, Mapping) else None
    entries = (
        [_entry(kind, one) for one in rows if isinstance(one, Mapping)] if isinstance(rows, list) else []
    )
    found = next((entry for entry in entries if entry is not None), None)
    reason = clean(row.get("task_status_msg")) or None
    return Making(identity(row.get("task_id")), state, found, reason if state is RemoteState.FAILED else None)


def _entry(kind: Kind, row: Mapping[str, Any]) -> Entry | None:
    name = identity(row.get(f"{kind}_id"))
    if not name or word_of(row.get("status")) == "deleted":
        return None
    return Entry(kind, name, clean(row.get(f"{kind}_name")), address(row.get("trial_url")))
