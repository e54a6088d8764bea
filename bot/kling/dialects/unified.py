"""Kling's newer standard, and the older one beside it: one key and one host serve both. Pure.

kling.ai/document-api (2026-07 to 2026-09), "Query Task", "Callback" and the pages of the models: the model in the path,
what is given in `contents`, one list of tasks. Only API keys are taken. Kling 4.0 is sold here only, and bears neither an
id of ours nor an address to call back (Comfy Router's pages of the 4.0 family, 2026-10).

A request goes by the standard that has its model; where both have it, by the preferred one, or by the other where only
that has a place for all of it. So does each question about its task: `/tasks` finds what the newer standard has made, and
perhaps more; what it does not mention is asked for at its own path before it counts as absent.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from bot.domain.requests.model import is_english
from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation
from bot.domain.requests.request import GenerationRequest, Mode
from bot.domain.requests.rules import OURS, Limits, lacking, unwritten
from bot.kling.dialects import references, responses, unified_images
from bot.kling.dialects.bodies import base64_of
from bot.kling.dialects.native import OFFICIAL
from bot.kling.dialects.profile import has_newer_name, is_newer_only
from bot.kling.wire import (
    HttpRequest,
    HttpResponse,
    Preparation,
    Submission,
    SubmitContext,
    TaskPage,
    TaskRef,
    TaskStatus,
    named,
)

TASKS = "/tasks"
MANY = 20
"""Ids that are taken in one question (seen live; more are refused with 1201)."""

PAGE = 500
"""Tasks on a page of the list at most ("Query Task (By Cursor)")."""

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
    Operation.OMNI_IMAGE: unified_images.PLACE,
}
_NO_SEMICOLONS = str.maketrans(";；", ",，")
"""A semicolon ends a shot ("Text to Video", kling-3.0-turbo)."""

_MODEL = "{model}"
"""What stands in a path of the newer standard for the model."""

_MULTI_SHOT = frozenset({"kling-v3", "kling-v3-omni"})
_LONGER = frozenset({"kling-v3", "kling-v3-turbo", "kling-v3-omni"})
"""Models that read 3,072 characters of a prompt; older ones read 2,500 (the pages of the models)."""

_VOICED = frozenset({"kling-v2-6"})
"""Models of the third series and before whose image-to-video takes voices; no other contents of theirs do."""

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
            # [Kling 4.0] frames do without.
            and not (request.operation is Operation.IMAGE_TO_VIDEO and has_newer_name(request.model))
        ),
    ),
    (
        "last_frame",
        lambda request: (
            request.last_frame is not None
            and request.first_frame is None
            and not has_newer_name(request.model)
        ),
    ),
    ("middle_frames", lambda request: bool(request.middle_frames) and not has_newer_name(request.model)),
    ("voices", lambda request: bool(request.voices) and not _voiced(request)),
    # A line behind the shots would make one plain prompt of them all; any other belongs to its length.
    (
        "negative_prompt",
        lambda request: bool(request.negative_prompt) and (bool(request.shots) or _is_too_long(request)),
    ),
    ("shots", lambda request: bool(request.shots) and _is_too_long(request)),
    *unwritten(WRITTEN | OURS),
)
"""What the newer standard cannot express of videos."""


def _is_in_both(operation: Operation, model: str) -> bool:
    """Whether both standards make this of a model; images go by the older one, which has all of theirs."""
    in_newer = operation in _PLACES and operation is not Operation.OMNI_IMAGE
    return in_newer and model not in OLDER_MODELS and not is_newer_only(model)


def _only(where: Callable[[GenerationRequest], bool], limits: Limits) -> Limits:
    """Limits that count for some requests."""
    return tuple(
        (field, lambda request, is_beyond=is_beyond: where(request) and is_beyond(request))
        for field, is_beyond in limits
    )


class Unified:
    """Both standards. What either has goes by the newer one where that is `preferred`, else by the older, which can do more.

    What only the other has a place for goes by that.
    """

    def __init__(
        self,
        name: str,
        *,
        preferred: bool,
        models: Mapping[str, str] | None = None,
        paths: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._preferred = preferred
        self._names = models or {}
        self._paths = paths or {}
        older = {key: path for key, path in self._paths.items() if _MODEL not in path}
        self._older = OFFICIAL.renamed(self._names, older)
        self._decided: tuple[GenerationRequest | None, bool] = (None, preferred)
        self.limits: Limits = (
            *_only(lambda request: not self._takes(request), OFFICIAL.limits),
            *_only(lambda request: self._takes(request) and not _is_of_images(request), NEWER),
            *_only(lambda request: self._takes(request) and _is_of_images(request), unified_images.LIMITS),
        )

    @property
    def operations(self) -> frozenset[Operation]:
        """What can be asked for, in either standard."""
        return OFFICIAL.operations

    @property
    def default_operations(self) -> frozenset[Operation]:
        """All of it."""
        return OFFICIAL.default_operations

    def renamed(self, models: Mapping[str, str], paths: Mapping[str, str]) -> Self:
        """The same with other names for models, and other paths; those of the newer standard hold `{model}`."""
        return type(self)(self.name, preferred=self._preferred, models=models, paths=paths)

    def has_model(self, model: str) -> bool:  # noqa: ARG002  part of the protocol
        """Each is in one of the standards."""
        return True

    def _is_newer(self, operation: Operation, model: str) -> bool:
        """Whether the newer standard has this, and the older one has not or is not preferred."""
        if operation not in _PLACES:
            return False
        return is_newer_only(model) or (self._preferred and _is_in_both(operation, model))

    def _takes(self, request: GenerationRequest) -> bool:
        """Whether a request goes by the newer standard."""
        if not _is_in_both(request.operation, request.model):
            return self._is_newer(request.operation, request.model)
        if self._decided[0] is not request:
            # Each limit asks it anew of the same request.
            self._decided = (request, self._prefers_newer(request))
        return self._decided[1]

    def _prefers_newer(self, request: GenerationRequest) -> bool:
        """Whether the newer of two standards that have a model is preferred, or is the only one with a place for all."""
        # A camera move is said in words where there is no field for it.
        plain = request if request.camera is None else request.model_copy(update={"camera": None})
        older = OFFICIAL.limits
        preferred, other = (NEWER, older) if self._preferred else (older, NEWER)
        is_only_other = bool(lacking(preferred, plain)) and not lacking(other, plain)
        return self._preferred is not is_only_other

    def _has_made(self, ref: TaskRef) -> bool:
        """Whether a task was asked for by the newer standard."""
        return self._is_newer(ref.operation, ref.model) if ref.request is None else self._takes(ref.request)

    def preparations(self, request: GenerationRequest, context: SubmitContext) -> tuple[Preparation, ...]:
        """What the older standard needs to know before."""
        return self._older.preparations(request, context)

    # -- submitting ----------------------------------------------------------------------------------

    def submit(self, request: GenerationRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission."""
        if not self._takes(request):
            return self._older.submit(request, context)
        path = self._path(request)
        ids = references.choose_ids(request)
        request = references.identified(request, ids)
        body: dict[str, Any] = {}
        if "text-to-video" in path:
            body["prompt"] = _prompt(request)
        else:
            body["contents"] = _contents(request, context, ids)
        body["settings"] = unified_images.settings(request) if _is_of_images(request) else _settings(request)
        if options := _options(request, context):
            body["options"] = options
        return HttpRequest("POST", path, json=body)

    def _path(self, request: GenerationRequest) -> str:
        """Where the newer standard takes a request."""
        of_operation = self._paths.get(request.operation, "")
        path = (
            self._paths.get(f"{request.model}/{request.operation}")
            or (of_operation if _MODEL in of_operation else "")
            or f"/{_PLACES[request.operation]}/{_MODEL}"
        )
        return path.replace(_MODEL, self._newer_name(request.model, request.operation))

    def name_of(self, model: str, operation: Operation) -> str:
        """What a model is called where it does an operation."""
        if not self._is_newer(operation, model):
            return self._older.name_of(model, operation)
        return self._newer_name(model, operation)

    def _newer_name(self, model: str, operation: Operation) -> str:
        return named(self._names, model, operation) or MODELS.get(model, model)

    def parse_submit(self, response: HttpResponse) -> Submission:
        """Read the answer to a submission."""
        return responses.submission(response)

    # -- asking about tasks --------------------------------------------------------------------------

    def query(self, ref: TaskRef) -> HttpRequest:
        """Encode the question about one task."""
        if not self._has_made(ref):
            return self._older.query(ref)
        return HttpRequest("GET", TASKS, query={"task_ids": ref.provider_task_id or ""})

    def parse_query(self, response: HttpResponse) -> TaskStatus:
        """Read the answer about one task."""
        return responses.status(response)

    def elsewhere(self, ref: TaskRef) -> tuple[HttpRequest, ...]:
        """Its own path in the older standard for what `/tasks` does not mention; `/tasks` for what is not at its path."""
        if not self._has_made(ref):
            if ref.provider_task_id is None or ref.operation in LIBRARY_OPERATIONS:
                return ()
            return (HttpRequest("GET", TASKS, query={"task_ids": ref.provider_task_id}),)
        if is_newer_only(ref.model):
            return ()
        own = self._older.look_up(ref) if ref.provider_task_id is None else self._older.query(ref)
        return () if own is None else (own,)

    def look_up(self, ref: TaskRef) -> HttpRequest | None:
        """Encode the question about a task by our own id."""
        if not self._has_made(ref):
            return self._older.look_up(ref)
        return HttpRequest("GET", TASKS, query={"external_task_ids": ref.external_task_id})

    def parse_look_up(self, response: HttpResponse) -> TaskStatus | None:
        """Read that answer; None means: proven absent."""
        return responses.found(response)

    def searches(self, ref: TaskRef) -> tuple[HttpRequest, ...]:  # noqa: ARG002  part of the protocol
        """There is a sure question, or a list of all tasks."""
        return ()

    def parse_search(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read the answer to a question that is never asked."""
        return responses.listed(response)

    def query_many(self, refs: Sequence[TaskRef]) -> tuple[HttpRequest, ...]:
        """Encode the questions about tasks: 20 at a time of the newer standard's, and the list of the older one's."""
        newer: list[TaskRef] = []
        older: list[TaskRef] = []
        for ref in refs:
            (newer if self._has_made(ref) else older).append(ref)
        ids = [ref.provider_task_id for ref in newer if ref.provider_task_id]
        return (
            *(
                HttpRequest("GET", TASKS, query={"task_ids": ",".join(ids[start : start + MANY])})
                for start in range(0, len(ids), MANY)
            ),
            *self._older.query_many(older),
        )

    def parse_many(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read that answer; tasks that it does not mention are simply not in it."""
        return responses.tasks(response)

    def list_between(self, start_ms: int, end_ms: int, cursor: str) -> HttpRequest | None:
        """Encode a page of all tasks of a time, in milliseconds as text, as the documents' example has it."""
        window = {"cursor": cursor} if cursor else {"start_time": str(start_ms), "end_time": str(end_ms)}
        return HttpRequest("POST", TASKS, json={**window, "limit": PAGE})

    def parse_list(self, response: HttpResponse) -> TaskPage:
        """Read that page."""
        return responses.page(response)

    # -- the key -------------------------------------------------------------------------------------

    def probe(self, now_ms: int) -> HttpRequest:
        """Ask for the resource packs: free, and the same in both standards."""
        return OFFICIAL.probe(now_ms)

    def parse_probe(self, response: HttpResponse) -> str:
        """Read what is left of the packs."""
        return OFFICIAL.parse_probe(response)


# -- bodies --------------------------------------------------------------------------------------------


def _is_of_images(request: GenerationRequest) -> bool:
    return request.operation is Operation.OMNI_IMAGE


def _voiced(request: GenerationRequest) -> bool:
    if has_newer_name(request.model):
        return request.operation is Operation.OMNI_VIDEO
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


def _is_too_long(request: GenerationRequest) -> bool:
    """Whether the prompt is longer than the model reads, with everything that stands in it."""
    text = _prompt(references.identified(request, references.choose_ids(request)))
    if has_newer_name(request.model):
        # [Kling 4.0] by language.
        return len(text) > (26_000 if is_english(text) else 11_000)
    return len(text) > (3_072 if request.model in _LONGER else 2_500)


def _contents(
    request: GenerationRequest, context: SubmitContext, ids: Mapping[str, str]
) -> list[dict[str, Any]]:
    motion = request.operation is Operation.MOTION_CONTROL
    contents: list[dict[str, Any]] = []
    if prompt := _prompt(request):
        contents.append({"type": "prompt", "text": prompt})
    frames = (
        ("first_frame", request.first_frame),
        *(("middle_frame", frame) for frame in request.middle_frames),
        ("last_frame", request.last_frame),
    )
    contents += [
        {"type": kind, "url": base64_of(image, context)} for kind, image in frames if image is not None
    ]
    for number, image in enumerate(request.references, 1):
        part = {"type": "image" if motion else "refer_image", "url": base64_of(image, context)}
        contents.append(part if motion else part | {"id": ids[f"image_{number}"]})
    contents += [
        {"type": "feature_video", "url": context.url_of(video), "id": ids[f"video_{number}"]}
        for number, video in enumerate(request.features, 1)
    ]
    if request.source is not None:
        source = {"type": "video" if motion else "base_video", "url": context.url_of(request.source)}
        contents.append(source if motion else source | {"id": ids[f"video_{len(request.features) + 1}"]})
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
        if request.model in _MULTI_SHOT:
            # A video that is edited can't become several shots, which the standard's own default asks for.
            settings["multi_shot"] = False
        if request.keep_sound:
            return settings | {"audio": "original"}
        # Kling 4.0 knows no silence: in the place of the source's sound it makes a new one.
        return settings if has_newer_name(request.model) else settings | {"audio": "off"}
    framed = request.operation is Operation.IMAGE_TO_VIDEO or request.first_frame is not None
    if not (framed or request.middle_frames or request.last_frame):
        settings["aspect_ratio"] = request.aspect_ratio or "16:9"
    settings["duration"] = request.duration
    if request.model in _MULTI_SHOT:
        # The standard's own default is true, which cuts a plain prompt into scenes.
        # Beside a video that is referred to it may be nothing else ("Omni Video Generation", 3.0 Omni).
        settings["multi_shot"] = bool(request.shots or request.auto_shots or request.features)
    if request.sound and not is_newer_only(request.model):
        settings["audio"] = "native"
    return settings


def _options(request: GenerationRequest, context: SubmitContext) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if context.external_task_id:
        options["external_task_id"] = context.external_task_id
    if context.callback_url:
        options["callback_url"] = context.callback_url
    if request.watermark:
        options["watermark_info"] = {"enabled": True}
    return options


UNIFIED = Unified("unified", preferred=True)
KEYED = Unified("official", preferred=False)
"""What an API key opens on Kling's own hosts, where nothing else is said: the older standard, and the newer one for models
that only it has."""
