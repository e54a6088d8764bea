"""The gateways' own API, `/v1/video/generations`, in the forms of all their releases. Pure.

What is sent is what every release understands: seconds as a plain integer (a float is quietly dropped
by newer ones, which then make 5 s), the shape both as width and height and as `metadata.aspect_ratio`,
everything of Kling's in `metadata`. No question by our own id is surely answered here, so a lost answer to a
submission is searched for, and what was not found may be there all the same.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import quote

from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import OURS, Limits, unwritten
from bot.kling.dialects import responses
from bot.kling.dialects.bodies import base64_of
from bot.kling.dialects.profile import FRAMES, PROBE_ID, key_accepted, searches
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

PATH = "/v1/video/generations"

SIZES: Mapping[str, tuple[int, int]] = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (1024, 1024)}
"""Width and height that the gateways translate to Kling's ratios; any other size becomes 1:1 there."""

WRITTEN = frozenset({"model", "mode", "duration", "aspect_ratio", "negative_prompt", "cfg_scale", "seed"})
"""Options that this wire format has a place for."""

LIMITS: Limits = (
    ("operation", lambda request: request.operation not in FRAMES),
    ("prompt", lambda request: not request.prompt),
    ("mode", lambda request: request.mode not in {"std", "pro"}),
    ("aspect_ratio", lambda request: request.aspect_ratio not in {None, *SIZES}),
    *unwritten(WRITTEN | OURS, ("brush", "voices", "middle_frames", "features")),
)
"""What this wire format cannot express."""


class Generic:
    """The generic dialect."""

    name = "generic"
    limits = LIMITS

    def __init__(self, models: Mapping[str, str] | None = None, path: str = PATH) -> None:
        self._models = models or {}
        self._path = path

    @property
    def operations(self) -> frozenset[Operation]:
        """What can be asked for."""
        return FRAMES

    @property
    def default_operations(self) -> frozenset[Operation]:
        """What most who speak this dialect offer."""
        return FRAMES

    def renamed(self, models: Mapping[str, str], paths: Mapping[str, str]) -> Self:
        """The same with other names for models or operations; the one path goes by text2video's name."""
        return type(self)(models, paths.get(Operation.TEXT_TO_VIDEO, self._path))

    def has_model(self, model: str) -> bool:  # noqa: ARG002  part of the protocol
        """A gateway may sell any."""
        return True

    def preparations(
        self,
        request: GenerationRequest,  # noqa: ARG002  part of the protocol
        context: SubmitContext,  # noqa: ARG002
    ) -> tuple[Preparation, ...]:
        """Nothing has to be found out before."""
        return ()

    def submit(self, request: GenerationRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission."""
        body: dict[str, Any] = {
            "model": self.name_of(request.model, request.operation),
            "prompt": request.prompt,
            "duration": request.duration,
        }
        if request.first_frame is not None:
            body["image"] = base64_of(request.first_frame, context)
        if request.aspect_ratio is not None:
            body["width"], body["height"] = SIZES[request.aspect_ratio]
        if request.seed is not None:
            body["seed"] = request.seed
        body["metadata"] = metadata(request, context)
        return HttpRequest("POST", self._path, json=body)

    def parse_submit(self, response: HttpResponse) -> Submission:
        """Read the answer to a submission."""
        return responses.submission(response)

    def query(self, ref: TaskRef) -> HttpRequest:
        """Encode the question about one task."""
        return HttpRequest("GET", f"{self._path}/{quote(ref.provider_task_id or '', safe='')}")

    def parse_query(self, response: HttpResponse) -> TaskStatus:
        """Read the answer about one task."""
        return responses.status(response)

    def name_of(self, model: str, operation: Operation) -> str:
        """What a model is called where it does an operation."""
        return named(self._models, model, operation) or model

    def elsewhere(self, ref: TaskRef) -> tuple[HttpRequest, ...]:  # noqa: ARG002  part of the protocol
        """There is but one place."""
        return ()

    def look_up(self, ref: TaskRef) -> HttpRequest | None:  # noqa: ARG002  part of the protocol
        """Nobody can be asked by our own id."""
        return None

    def parse_look_up(self, response: HttpResponse) -> TaskStatus | None:
        """Read the answer to a question that is never asked."""
        return responses.found(response)

    def searches(self, ref: TaskRef) -> tuple[HttpRequest, ...]:
        """Some releases and forks answer by our own id, or list what was made."""
        return searches(self._path, ref)

    def parse_search(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read one of these answers."""
        return responses.listed(response)

    def query_many(self, refs: Sequence[TaskRef]) -> tuple[HttpRequest, ...]:  # noqa: ARG002  part of the protocol
        """Nobody can be asked about many tasks at once."""
        return ()

    def parse_many(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read the answer to a question that is never asked."""
        return responses.tasks(response)

    def list_between(self, start_ms: int, end_ms: int, cursor: str) -> HttpRequest | None:  # noqa: ARG002  part of the protocol
        """No such list is documented."""
        return None

    def parse_list(self, response: HttpResponse) -> TaskPage:
        """Read the answer to a question that is never asked."""
        return responses.page(response)

    def probe(self, now_ms: int) -> HttpRequest:  # noqa: ARG002  part of the protocol
        """Ask for a task that nobody has."""
        return HttpRequest("GET", f"{self._path}/{PROBE_ID}")

    def parse_probe(self, response: HttpResponse) -> str:
        """Read that answer: that there is no such task is what a good key is told."""
        return key_accepted(response)


def metadata(request: GenerationRequest, context: SubmitContext) -> dict[str, Any]:
    """Kling's own fields as gateways pass them on."""
    fields: dict[str, Any] = {"mode": request.mode}
    if request.cfg_scale is not None:
        fields["cfg_scale"] = request.cfg_scale
    if request.aspect_ratio is not None:
        fields["aspect_ratio"] = request.aspect_ratio
    if request.negative_prompt:
        fields["negative_prompt"] = request.negative_prompt
    if context.callback_url:
        fields["callback_url"] = context.callback_url
    if context.external_task_id:
        fields["external_task_id"] = context.external_task_id
    return fields


GENERIC = Generic()


FOLDED = frozenset({"kling-v2-5-turbo"})
"""Models that are offered once for each mode, under two names."""


class Omnimaas(Generic):
    """OmniMaaS: `/v1/video/generations` with a ratio for a size, a list of images, metadata as text.

    Its models carry the mode in their name (`kling-v2-5-turbo-pro`). How it reports failures is not documented:
    whatever a gateway is known to answer is read.
    """

    name = "omnimaas"
    limits = (*LIMITS, ("seed", lambda request: request.seed is not None))

    def submit(self, request: GenerationRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission."""
        body: dict[str, Any] = {
            "model": f"{request.model}-{request.mode}"
            if request.model in FOLDED
            else self.name_of(request.model, request.operation),
            "prompt": request.prompt,
            "duration": request.duration,
        }
        if request.first_frame is not None:
            body["images"] = [base64_of(request.first_frame, context)]
        if request.aspect_ratio in SIZES:
            body["size"] = request.aspect_ratio
        fields = metadata(request, context)
        fields.pop("aspect_ratio", None)
        if request.model in FOLDED or request.model.endswith(("-std", "-pro")):
            fields.pop("mode", None)
        body["metadata"] = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        return HttpRequest("POST", self._path, json=body)


OMNIMAAS = Omnimaas()
