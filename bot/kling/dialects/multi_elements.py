"""Kling's multi-element editing: a video is opened and marked first, then the task is made. Pure.

kling.ai/document-api (2026-09): "Multi-element Video Reference Editing". Opening a video begins a session of 24 hours;
what is marked belongs to it, and so does the task. None of it makes a task but the last step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.outside import identity, number_of, text_of
from bot.domain.requests.request import EditMode, ElementEdit, GenerationRequest, Mark
from bot.domain.types import SECOND
from bot.kling.dialects import responses
from bot.kling.dialects.error_codes import clean
from bot.kling.errors import NotFound, Rejected, Unavailable
from bot.kling.wire import HttpRequest, HttpResponse, Preparation

CREATE = "/v1/videos/multi-elements"
OPEN = f"{CREATE}/init-selection"
ADD = f"{CREATE}/add-selection"

SHORT, LONG = "5", "10"
"""Seconds of a result: of a video of 2 to 5 seconds, and of one of 7 to 10."""

BETWEEN_MS = 6_000
"""Milliseconds from which on a video is a long one; there is none of this length."""

_PROMPTS: Mapping[EditMode, tuple[str, str]] = {
    "addition": (
        "Using the context of <<<video_1>>>, seamlessly add the content of {images}: {words}",
        "Using the context of <<<video_1>>>, seamlessly add the content of {images}",
    ),
    "swap": (
        "Swap in <<<video_1>>>, using {images}: {words}",
        "Swap the marked element of <<<video_1>>> for what {images} shows",
    ),
    "removal": ("Delete from <<<video_1>>>: {words}", "Delete the marked element from <<<video_1>>>"),
}
"""As the vendor recommends them, with a person's words and without: a prompt names the video and the pictures."""


def selection(edit: ElementEdit, video: Mapping[str, str | None], prefix: str) -> tuple[Preparation, ...]:
    """Open the video, and mark what is changed in it, frame by frame."""
    marked: dict[int, list[Mark]] = {}
    for mark in edit.marks:
        marked.setdefault(mark.frame, []).append(mark)
    return (
        Preparation(opening(video, prefix), read_opening),
        *(Preparation(Adding(prefix, frame, tuple(marks)), read_marks) for frame, marks in marked.items()),
    )


def opening(video: Mapping[str, str | None], prefix: str = "") -> HttpRequest:
    """Open a video, which begins a session."""
    return HttpRequest("POST", prefix + OPEN, json=dict(video))


@dataclass(frozen=True, slots=True)
class Adding:
    """Writes what marks points of one frame, once the session is known."""

    prefix: str
    frame: int
    marks: tuple[Mark, ...]

    def __call__(self, prepared: Mapping[str, str]) -> HttpRequest:
        """The request for a session."""
        return adding(prepared["session_id"], self.frame, self.marks, self.prefix)


def adding(session: str, frame: int, marks: Sequence[Mark], prefix: str = "") -> HttpRequest:
    """Mark points of one frame."""
    body = {
        "session_id": session,
        "frame_index": frame,
        "points": [{"x": mark.x, "y": mark.y} for mark in marks],
    }
    return HttpRequest("POST", prefix + ADD, json=body)


def body(request: GenerationRequest, prepared: Mapping[str, str], images: Sequence[str]) -> dict[str, Any]:
    """The submission, with the pictures as Base64."""
    edit = request.edit
    assert edit is not None  # noqa: S101  the request's own validation sees to it
    written: dict[str, Any] = {
        "session_id": prepared["session_id"],
        "edit_mode": edit.mode,
        "prompt": _prompt(request.prompt, edit.mode, len(images)),
        "mode": request.mode,
        "duration": _seconds(request, prepared),
    }
    if images:
        written["image_list"] = [{"image": image} for image in images]
    if request.negative_prompt:
        written["negative_prompt"] = request.negative_prompt
    return written


def _prompt(words: str, mode: EditMode, images: int) -> str:
    """The person's words in a sentence that names the video and every picture."""
    names = [f"<<<image_{number}>>>" for number in range(1, images + 1)]
    said, unsaid = _PROMPTS[mode]
    return (said if words else unsaid).format(images=" and ".join(names), words=words)


def _seconds(request: GenerationRequest, prepared: Mapping[str, str]) -> str:
    known = None if request.source is None else request.source.duration_ms
    length = known or int(prepared.get("duration_ms") or 0)
    return LONG if length > BETWEEN_MS else SHORT


def read_opening(response: HttpResponse) -> Mapping[str, str]:
    """The session of a video that was opened, and how long the video is in milliseconds (empty: it does not say).

    Raises:
        Rejected: Kling finds nothing to mark in it.

    """
    data = _data(response)
    session = identity(data.get("session_id"))
    if not session:
        raise Unavailable("the answer names no session", code=str(response.status))
    frames, rate = number_of(data.get("total_frame")) or 0, number_of(data.get("fps")) or 0
    length = str(round(frames / rate * SECOND)) if rate > 0 else ""
    return {"session_id": session, "duration_ms": length}


def read_marks(response: HttpResponse) -> Mapping[str, str]:
    """Nothing, where the points of a frame are marked. Raises as `read_opening` does."""
    _data(response)
    return {}


def _data(response: HttpResponse) -> Mapping[str, Any]:
    try:
        data = responses.fields(response)
    except NotFound as error:
        # No such video or session: the request is at fault, not the provider.
        raise Rejected(error.message, code=error.code) from error
    status = data.get("status")
    if text_of(status) not in {"", "0"}:
        # The envelope says that all went well, and this that nothing was recognised.
        raise Rejected("nothing was recognised in the video", code=clean(text_of(status)))
    return data
