"""Kling's own paths and bodies, and what differs between those who speak them, as data. Pure.

The official API, gateways that keep its paths under a prefix, and flat proxies all take
``POST <prefix><path of the operation>`` and ``GET`` the same with an id; a `Profile` says the rest.
"""

import contextlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import quote

from bot.domain.requests.operations import ANSWERED_AT_ONCE, LIBRARY_OPERATIONS, Operation
from bot.domain.requests.request import MODES, GenerationRequest, Mode
from bot.domain.requests.rules import Limits, no_place_for
from bot.kling.dialects import lip_sync, multi_elements, recognition, responses
from bot.kling.dialects.bodies import BodyFormat, body_of, named_video
from bot.kling.errors import NotFound
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

PAGE_SIZE = 500
"""Most tasks that Kling lists on one page."""

SEARCHED_PAGE = 100
"""Tasks on a page of a gateway's list; more than are made while an answer is lost and found."""

SPARE_PAGES = 1
"""Pages beyond those that the running tasks would fill alone: finished ones stand between them."""

PROBE_ID = "klingbot-probe"
"""An id that no task has: only who holds a good key is told so."""

PATHS: Mapping[Operation, str] = {
    Operation.TEXT_TO_VIDEO: "/v1/videos/text2video",
    Operation.IMAGE_TO_VIDEO: "/v1/videos/image2video",
    Operation.REFERENCES_TO_VIDEO: "/v1/videos/multi-image2video",
    Operation.OMNI_VIDEO: "/v1/videos/omni-video",
    Operation.MULTI_ELEMENTS: multi_elements.CREATE,
    Operation.MOTION_CONTROL: "/v1/videos/motion-control",
    Operation.EXTEND: "/v1/videos/video-extend",
    Operation.LIP_SYNC: "/v1/videos/lip-sync",
    Operation.EFFECT: "/v1/videos/effects",
    Operation.AVATAR: "/v1/videos/avatar/image2video",
    Operation.TEXT_TO_AUDIO: "/v1/audio/text-to-audio",
    Operation.VIDEO_TO_AUDIO: "/v1/audio/video-to-audio",
    Operation.IMAGE: "/v1/images/generations",
    Operation.REFERENCES_TO_IMAGE: "/v1/images/multi-image2image",
    Operation.OMNI_IMAGE: "/v1/images/omni-image",
    Operation.EXPAND: "/v1/images/editing/expand",
    Operation.TRY_ON: "/v1/images/kolors-virtual-try-on",
    Operation.VIEWS: "/v1/general/ai-multi-shot",
    Operation.CUTOUT: recognition.PATH,
    Operation.ELEMENT: "/v1/general/advanced-custom-elements",
    Operation.VOICE: "/v1/general/custom-voices",
}
"""Where Kling takes each operation."""

RESULTS = frozenset(Operation) - LIBRARY_OPERATIONS - ANSWERED_AT_ONCE
"""What speakers of these bodies take; elements and voices stay with an account, which only Kling's own have.

No document of another than Kling has what is answered at once.
"""

UNCORRELATED = frozenset({Operation.EXTEND}) | ANSWERED_AT_ONCE
"""These take no `external_task_id` (vendor API reference 2025, video-extend; 2026, image-recognize)."""

ASKED_BY_ITS_ID_ONLY = UNCORRELATED | {Operation.LIP_SYNC}
"""About these Kling answers questions by its own id only (vendor reference 2026, advanced-lip-sync)."""

FRAMES = frozenset({Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO})

TAKE_A_NEGATIVE_PROMPT = FRAMES | {
    Operation.REFERENCES_TO_VIDEO,
    Operation.MULTI_ELEMENTS,
    Operation.EXTEND,
    Operation.IMAGE,
}
"""The others have no such field (vendor references 2025 and 2026)."""

DUBBING_FIELDS = ("face", "volume", "original_volume", "speech_at")
"""What the older form of a lip-sync, in one step, has no place for."""

FEWEST_PLAIN_IMAGES = 2
"""References that flat proxies take at least: a single picture is a frame there."""


TURBO = "kling-v3-turbo"

_NEWER_NAME = re.compile(r"kling-(image-)?\d")
"""How names of the newer standard begin: those of the older one have a letter before the number."""


def is_newer_only(model: str) -> bool:
    """Whether only Kling's newer standard sells a model: 3.0 Turbo, and whatever has a name of that standard's own."""
    return model == TURBO or has_newer_name(model)


def has_newer_name(model: str) -> bool:
    """Whether a model goes by a name of the newer standard, as all do since Kling 4.0."""
    return _NEWER_NAME.match(model) is not None


@dataclass(frozen=True, slots=True)
class Profile:
    """What a speaker of Kling's own paths does its own way.

    `paths` are those that differ from `PATHS`. `models` maps a model, or an operation, to the name that
    is sent for it. `operations` can be written, `default_operations` are offered by most who speak this. `has_newer_models`: sells what of Kling's
    own only the newer standard has. `needs_prompt`: also beside an image. `supports_external_id`: takes `external_task_id` and
    `callback_url`. `supports_lookup`: answers questions by `external_task_id`. `supports_list`: answers about many tasks
    at once. `advanced_lip_sync`: a face and a voice are asked for before a lip-sync.
    """

    name: str
    prefix: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    operations: frozenset[Operation] = RESULTS
    default_operations: frozenset[Operation] = RESULTS
    has_newer_models: bool = True
    style: BodyFormat = BodyFormat()
    modes: tuple[Mode, ...] = MODES
    needs_prompt: bool = False
    sound: bool = True
    supports_external_id: bool = True
    supports_lookup: bool = False
    supports_list: bool = False
    advanced_lip_sync: bool = False


NEWER_INPUTS: Limits = (
    ("middle_frames", lambda request: bool(request.middle_frames)),
    ("features", lambda request: len(request.features) + (request.source is not None) > 1),
)
"""What only the newer standard has a place for."""


def _limits(profile: Profile) -> Limits:
    """What a profile cannot express, by fields of a request."""
    return (
        ("operation", lambda request: request.operation not in profile.operations),
        (
            "model",
            # Image models are not among those that a provider is said to sell, and these bodies have no place for them.
            lambda request: (
                is_newer_only(request.model)
                and not (profile.has_newer_models and request.operation.row.on_video_model)
            ),
        ),
        (
            "prompt",
            lambda request: profile.needs_prompt and request.operation in FRAMES and not request.prompt,
        ),
        ("mode", lambda request: request.mode not in profile.modes),
        (
            "camera",
            lambda request: (
                profile.style.camera == "value" and request.camera is not None and request.camera.axis is None
            ),
        ),
        ("sound", lambda request: request.sound and not profile.sound),
        *(() if profile.advanced_lip_sync else no_place_for(DUBBING_FIELDS)),
        ("seed", lambda request: request.seed is not None),
        ("voices", lambda request: bool(request.voices) and request.operation is Operation.OMNI_VIDEO),
        *NEWER_INPUTS,
        # Beside a video it refers to, the model alone parts a prompt into shots (Kling API, omni-video, shot_type).
        ("shots", lambda request: bool(request.shots and request.features)),
        ("fps", lambda request: request.fps is not None),
        (
            "cfg_scale",
            # Kling has no place for it beside several images (API reference 2025, multi-image2video).
            lambda request: (
                request.cfg_scale is not None
                and request.operation is Operation.REFERENCES_TO_VIDEO
                and profile.style.images != "strings"
            ),
        ),
        (
            "negative_prompt",
            lambda request: bool(request.negative_prompt) and request.operation not in TAKE_A_NEGATIVE_PROMPT,
        ),
        (
            "references",
            lambda request: (
                profile.style.images == "strings" and 0 < len(request.references) < FEWEST_PLAIN_IMAGES
            ),
        ),
    )


class ProfileDialect:
    """The dialect of a profile."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    @property
    def name(self) -> str:
        """The dialect's name in the configuration."""
        return self.profile.name

    @property
    def operations(self) -> frozenset[Operation]:
        """What can be asked for."""
        return self.profile.operations

    @property
    def default_operations(self) -> frozenset[Operation]:
        """What most who speak this dialect offer."""
        return self.profile.default_operations & self.profile.operations

    def renamed(self, models: Mapping[str, str], paths: Mapping[str, str]) -> Self:
        """The same with other names for models or operations, and other paths."""
        return type(self)(replace(self.profile, models=models, paths={**self.profile.paths, **paths}))

    def has_model(self, model: str) -> bool:
        """Whether it is offered to who speaks this."""
        return self.profile.has_newer_models or not is_newer_only(model)

    @property
    def limits(self) -> Limits:
        """What this wire format cannot express."""
        return _limits(self.profile)

    def preparations(self, request: GenerationRequest, context: SubmitContext) -> tuple[Preparation, ...]:
        """A lip-sync needs a face, a text a voice, and what is changed in a video its marks, before the submission."""
        profile = self.profile
        face = profile.advanced_lip_sync and request.operation is Operation.LIP_SYNC
        voice = face or request.operation is Operation.AVATAR
        return (
            *(lip_sync.voice(request, profile.prefix) if voice else ()),
            *(lip_sync.face(request, context, profile.prefix) if face else ()),
            *(
                ()
                if request.edit is None
                else multi_elements.selection(request.edit, named_video(request, context), profile.prefix)
            ),
        )

    def submit(self, request: GenerationRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission. Only what was asked for is sent: Kling's defaults stay Kling's."""
        profile = self.profile
        if profile.advanced_lip_sync and request.operation is Operation.LIP_SYNC:
            body = lip_sync.body(request, context)
        else:
            body = body_of(request, context, profile.style)
        name = named(profile.models, request.model, request.operation)
        if name is not None:
            body["model_name"] = name
        if request.watermark:
            body["watermark_info"] = {"enabled": True}
        if (
            profile.supports_external_id
            and context.callback_url
            and request.operation not in LIBRARY_OPERATIONS | ANSWERED_AT_ONCE
        ):
            body["callback_url"] = context.callback_url
        if (
            profile.supports_external_id
            and context.external_task_id
            and request.operation not in UNCORRELATED
        ):
            body["external_task_id"] = context.external_task_id
        return HttpRequest("POST", self._path(request.operation), json=body)

    def parse_submit(self, response: HttpResponse) -> Submission:
        """Read the answer to a submission."""
        return responses.submission(response)

    def query(self, ref: TaskRef) -> HttpRequest:
        """Encode the question about one task."""
        return HttpRequest("GET", self._path(ref.operation, ref.provider_task_id or ""))

    def parse_query(self, response: HttpResponse) -> TaskStatus:
        """Read the answer about one task."""
        return responses.status(response)

    def name_of(self, model: str, operation: Operation) -> str:
        """What a model is called where it does an operation."""
        return named(self.profile.models, model, operation) or model

    def elsewhere(self, ref: TaskRef) -> tuple[HttpRequest, ...]:  # noqa: ARG002  part of the protocol
        """A task is where it was submitted, or nowhere."""
        return ()

    def look_up(self, ref: TaskRef) -> HttpRequest | None:
        """Encode the question about a task by our own id: it stands where Kling's id would."""
        if not self.profile.supports_lookup or ref.operation in ASKED_BY_ITS_ID_ONLY:
            return None
        return HttpRequest("GET", self._path(ref.operation, ref.external_task_id))

    def parse_look_up(self, response: HttpResponse) -> TaskStatus | None:
        """Read that answer; None means: proven absent."""
        return responses.found(response)

    def searches(self, ref: TaskRef) -> tuple[HttpRequest, ...]:
        """Ask a gateway as one asks Kling: by our own id, and for its newest tasks."""
        if (
            self.profile.supports_lookup
            or not self.profile.supports_external_id
            or ref.operation in UNCORRELATED
        ):
            return ()
        return searches(self._path(ref.operation), ref)

    def parse_search(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read one of these answers."""
        return responses.listed(response)

    def query_many(self, refs: Sequence[TaskRef]) -> tuple[HttpRequest, ...]:
        """Encode the questions about the latest tasks of the operation of `refs`, page by page."""
        if not self.profile.supports_list or not refs:
            return ()
        path, pages = self._path(refs[0].operation), math.ceil(len(refs) / PAGE_SIZE) + SPARE_PAGES
        return tuple(
            HttpRequest("GET", path, query={"pageNum": str(page), "pageSize": str(PAGE_SIZE)})
            for page in range(1, pages + 1)
        )

    def parse_many(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read that answer; tasks that it does not mention are simply not in it."""
        return responses.tasks(response)

    def list_between(self, start_ms: int, end_ms: int, cursor: str) -> HttpRequest | None:  # noqa: ARG002  part of the protocol
        """Every task that is submitted here bears our own id where that is of use."""
        return None

    def parse_list(self, response: HttpResponse) -> TaskPage:
        """Read the answer to a question that is never asked."""
        return responses.page(response)

    def probe(self, now_ms: int) -> HttpRequest:  # noqa: ARG002  part of the protocol
        """Ask for a task that nobody has."""
        return HttpRequest("GET", self._path(Operation.TEXT_TO_VIDEO, PROBE_ID))

    def parse_probe(self, response: HttpResponse) -> str:
        """Read that answer: that there is no such task is what a good key is told."""
        return key_accepted(response)

    def _path(self, operation: Operation, identity: str | None = None) -> str:
        profile = self.profile
        own = (
            lip_sync.ADVANCED
            if profile.advanced_lip_sync and operation is Operation.LIP_SYNC
            else PATHS[operation]
        )
        path = profile.paths.get(operation) or f"{profile.prefix}{own}"
        return path if identity is None else f"{path}/{quote(identity, safe='')}"


def searches(path: str, ref: TaskRef) -> tuple[HttpRequest, ...]:
    """Ask for a task by our own id where it was submitted: in the place of theirs, and among the newest."""
    return (
        HttpRequest("GET", f"{path}/{quote(ref.external_task_id, safe='')}"),
        *(
            HttpRequest("GET", path, query={"pageNum": str(page), "pageSize": str(SEARCHED_PAGE)})
            for page in (1, 2)
        ),
    )


def key_accepted(response: HttpResponse) -> str:
    """Read the answer to a question about a task that nobody has.

    Raises:
        ProviderError: the key is not good, or the answer comes from something else.

    """
    with contextlib.suppress(NotFound):
        responses.status(response)
    return "the key is accepted"
