"""Kling's newer standard: the model in the path, what is given in `contents`, one list of tasks. Pure.

kling.ai/document-api (2026-07 to 2026-09), "Query Task", "Callback" and the pages of the models. Only API
keys are taken. Tasks of both standards are found in `/tasks`, by Kling's ids or by ours; an unknown id is
simply not in the answer. What only the older standard has (pictures, effects, lip-sync) is asked for
there, which the same host and key serve.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation
from bot.domain.requests.request import GenerationRequest, Mode
from bot.domain.requests.rules import OURS, Limits, unwritten
from bot.kling.dialects import references, responses
from bot.kling.dialects.bodies import base64_of
from bot.kling.dialects.native import OFFICIAL
from bot.kling.wire import (
    HttpRequest,
    HttpResponse,
    Preparation,
    Submission,
    SubmitContext,
    TaskRef,
    TaskStatus,
)

TASKS = "/tasks"
MANY = 20
"""Ids that are taken in one question (seen live; more are refused with 1201)."""

MODELS: Mapping[str, str] = {
    "kling-v2-5-turbo": "kling-2.5-turbo",
    "kling-v2-6": "kling-2.6",
    "kling-v3": "kling-3.0",
    "kling-v3-turbo": "kling-3.0-turbo",
    "kling-v3-omni": "kling-3.0-omni",
    "kling-video-o1": "kling-o1",
}
"""What the newer standard calls the models; any other name is sent as it is."""

OLDER_MODELS = frozenset(
    {"kling-v1", "kling-v1-5", "kling-v1-6", "kling-v2-master", "kling-v2-1", "kling-v2-1-master"}
)
"""Models that only the older standard lists."""

RESOLUTIONS: Mapping[Mode, str] = {"std": "720p", "pro": "1080p", "4k": "4k"}

_PLACES: Mapping[Operation, str] = {
    Operation.TEXT_TO_VIDEO: "text-to-video",
    Operation.IMAGE_TO_VIDEO: "image-to-video",
    Operation.OMNI_VIDEO: "omni-video",
    Operation.MOTION_CONTROL: "motion-control",
}
_NO_SEMICOLONS = str.maketrans(";；", ",，")
"""A semicolon ends a shot ("Text to Video", kling-3.0-turbo)."""

_MULTI_SHOT = frozenset({"kling-v3", "kling-v3-omni"})
_ALWAYS_SOUNDS = frozenset({"kling-v3-turbo"})
_VOICED = frozenset({"kling-v2-6"})
"""Models whose image-to-video takes voices; no other contents do."""

WRITTEN = frozenset(
    {
        *("model", "mode", "duration", "aspect_ratio", "sound", "shots", "auto_shots", "last_frame"),
        *("negative_prompt", "elements", "watermark", "keep_sound", "orientation"),
    }
)
"""Options that the newer standard has a place for."""

NEWER: Limits = (
    (
        "prompt",
        lambda request: (
            not (request.prompt or request.shots or request.operation is Operation.MOTION_CONTROL)
        ),
    ),
    ("last_frame", lambda request: request.last_frame is not None and request.first_frame is None),
    ("voices", lambda request: bool(request.voices) and not _voiced(request)),
    # A line behind the shots would make one plain prompt of them all.
    ("negative_prompt", lambda request: bool(request.negative_prompt and request.shots)),
    *unwritten(WRITTEN | OURS, ("brush",)),
)
"""What the newer standard cannot express."""


def _is_newer(request: GenerationRequest) -> bool:
    """Whether the newer standard has this: models that it does not list are left to the older one."""
    return request.operation in _PLACES and request.model not in OLDER_MODELS


def _only(where: Callable[[GenerationRequest], bool], limits: Limits) -> Limits:
    """Limits that count for some requests."""
    return tuple(
        (field, lambda request, is_beyond=is_beyond: where(request) and is_beyond(request))
        for field, is_beyond in limits
    )


class Unified:
    """The unified dialect."""

    name = "unified"
    limits = (
        *_only(lambda request: not _is_newer(request), OFFICIAL.limits),
        *_only(_is_newer, NEWER),
    )

    def __init__(self, models: Mapping[str, str] | None = None) -> None:
        self._models = {**MODELS, **(models or {})}

    @property
    def operations(self) -> frozenset[Operation]:
        """What can be asked for, here or in the older standard beside it."""
        return OFFICIAL.operations

    @property
    def default_operations(self) -> frozenset[Operation]:
        """All of it."""
        return OFFICIAL.default_operations

    def renamed(self, models: Mapping[str, str], paths: Mapping[Operation, str]) -> Self:  # noqa: ARG002  part of the protocol
        """The same with other names for models; the vendor's own paths are what they are."""
        return type(self)(models)

    def preparations(self, request: GenerationRequest, context: SubmitContext) -> tuple[Preparation, ...]:
        """What the older standard needs to know before."""
        return OFFICIAL.preparations(request, context)

    def submit(self, request: GenerationRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission."""
        if not _is_newer(request):
            return OFFICIAL.submit(request, context)
        ids = references.choose_ids(request)
        request = references.identified(request, ids)
        body: dict[str, Any] = {}
        if request.operation is Operation.TEXT_TO_VIDEO:
            body["prompt"] = _prompt(request)
        else:
            body["contents"] = _contents(request, context, ids)
        body["settings"] = _settings(request)
        body["options"] = _options(request, context)
        model = self._models.get(request.model, request.model)
        return HttpRequest("POST", f"/{_PLACES[request.operation]}/{model}", json=body)

    def parse_submit(self, response: HttpResponse) -> Submission:
        """Read the answer to a submission."""
        return responses.submission(response)

    def query(self, ref: TaskRef) -> HttpRequest:
        """Encode the question about one task."""
        if ref.operation in LIBRARY_OPERATIONS:
            return OFFICIAL.query(ref)
        return HttpRequest("GET", TASKS, query={"task_ids": ref.provider_task_id or ""})

    def parse_query(self, response: HttpResponse) -> TaskStatus:
        """Read the answer about one task."""
        return responses.status(response)

    def look_up(self, ref: TaskRef) -> HttpRequest | None:
        """Encode the question about a task by our own id."""
        older = OFFICIAL.look_up(ref)
        if older is None or ref.operation in LIBRARY_OPERATIONS:
            return older
        return HttpRequest("GET", TASKS, query={"external_task_ids": ref.external_task_id})

    def parse_look_up(self, response: HttpResponse) -> TaskStatus | None:
        """Read that answer; None means: proven absent."""
        return responses.found(response)

    def searches(self, ref: TaskRef) -> tuple[HttpRequest, ...]:  # noqa: ARG002  part of the protocol
        """There is a sure question."""
        return ()

    def parse_search(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read the answer to a question that is never asked."""
        return responses.listed(response)

    def query_many(self, refs: Sequence[TaskRef]) -> tuple[HttpRequest, ...]:
        """Encode the questions about tasks, 20 at a time, whatever was asked of them."""
        if refs and refs[0].operation in LIBRARY_OPERATIONS:
            return OFFICIAL.query_many(refs)
        ids = [ref.provider_task_id for ref in refs if ref.provider_task_id]
        return tuple(
            HttpRequest("GET", TASKS, query={"task_ids": ",".join(ids[start : start + MANY])})
            for start in range(0, len(ids), MANY)
        )

    def parse_many(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read that answer; tasks that it does not mention are simply not in it."""
        return responses.tasks(response)

    def probe(self, now_ms: int) -> HttpRequest:
        """Ask for the resource packs: free, and the same in both standards."""
        return OFFICIAL.probe(now_ms)

    def parse_probe(self, response: HttpResponse) -> str:
        """Read what is left of the packs."""
        return OFFICIAL.parse_probe(response)


def _voiced(request: GenerationRequest) -> bool:
    return request.operation is Operation.IMAGE_TO_VIDEO and request.model in _VOICED


def _prompt(request: GenerationRequest) -> str:
    """The prompt with everything that has no field of its own: shots, and what is not wanted."""
    text = request.prompt
    if request.shots:
        shots = "; ".join(
            f"shot {number}, {shot.duration}, {shot.prompt.translate(_NO_SEMICOLONS)}"
            for number, shot in enumerate(request.shots, 1)
        )
        text = f"{shots};"
    if request.negative_prompt:
        text = f"{text}\nAvoid: {request.negative_prompt}".strip()
    return text


def _contents(
    request: GenerationRequest, context: SubmitContext, ids: Mapping[str, str]
) -> list[dict[str, Any]]:
    motion = request.operation is Operation.MOTION_CONTROL
    contents: list[dict[str, Any]] = []
    if prompt := _prompt(request):
        contents.append({"type": "prompt", "text": prompt})
    for kind, image in (("first_frame", request.first_frame), ("last_frame", request.last_frame)):
        if image is not None:
            contents.append({"type": kind, "url": base64_of(image, context)})
    for number, image in enumerate(request.references, 1):
        part = {"type": "image" if motion else "refer_image", "url": base64_of(image, context)}
        contents.append(part if motion else part | {"id": ids[f"image_{number}"]})
    if request.source is not None:
        video = {"type": "video" if motion else "base_video", "url": context.url_of(request.source)}
        contents.append(video if motion else video | {"id": ids["video_1"]})
    contents += [
        {"type": "element", "element_id": str(element), "id": ids[f"element_{number}"]}
        for number, element in enumerate(request.elements, 1)
    ]
    contents += [
        {"type": "voice", "voice_id": voice, "id": ids[f"voice_{number}"]}
        for number, voice in enumerate(request.voices, 1)
    ]
    return contents


def _settings(request: GenerationRequest) -> dict[str, Any]:
    settings: dict[str, Any] = {"resolution": RESOLUTIONS[request.mode]}
    if request.operation is Operation.MOTION_CONTROL:
        settings["character_orientation"] = request.orientation
        return settings if request.keep_sound else settings | {"audio": "off"}
    if request.source is not None:
        return settings | {"audio": "original" if request.keep_sound else "off"}
    if request.operation is not Operation.IMAGE_TO_VIDEO and request.first_frame is None:
        settings["aspect_ratio"] = request.aspect_ratio or "16:9"
    settings["duration"] = request.duration
    if request.model in _MULTI_SHOT:
        # The standard's own default is true, which cuts a plain prompt into scenes.
        settings["multi_shot"] = bool(request.shots or request.auto_shots)
    if request.sound and request.model not in _ALWAYS_SOUNDS:
        settings["audio"] = "native"
    return settings


def _options(request: GenerationRequest, context: SubmitContext) -> dict[str, Any]:
    options: dict[str, Any] = {"external_task_id": context.external_task_id}
    if context.callback_url:
        options["callback_url"] = context.callback_url
    if request.watermark:
        options["watermark_info"] = {"enabled": True}
    return options


UNIFIED = Unified()
