"""The gateways' own API, `/v1/video/generations`, in the forms of all their releases. Pure.

What is sent is what every release understands: seconds as a plain integer (a float is quietly dropped
by newer ones, which then make 5 s), the shape both as width and height and as `metadata.aspect_ratio`, and in
`metadata` everything else as Kling has it: the gateways hand it on, and it goes over what they would write themselves.
`fps`, `seed`, `n` and `response_format` are documented, and left out of account by newer releases. No question by our
own id is surely answered here, so a lost answer to a submission is searched for, and what was not found may be there
all the same.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import quote

from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import Limits
from bot.kling.dialects import responses
from bot.kling.dialects.bodies import Body, BodyFormat, body_of
from bot.kling.dialects.profile import FRAMES, NEWER_INPUTS, PROBE_ID, key_accepted, searches
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

NATIVE = BodyFormat(image_ratio=True, needs_mode=True, images="strings")
"""How Kling's fields are written for `metadata`."""


def _limits(operations: frozenset[Operation]) -> Limits:
    """What this wire format cannot express, for such operations."""
    return (
        ("operation", lambda request: request.operation not in operations),
        ("prompt", lambda request: not (request.prompt or request.shots)),
        *NEWER_INPUTS,
    )


class Generic:
    """The generic dialect."""

    name = "generic"
    operations = FRAMES
    limits = _limits(FRAMES)

    def __init__(self, models: Mapping[str, str] | None = None, path: str = PATH) -> None:
        self._models = models or {}
        self._path = path

    @property
    def default_operations(self) -> frozenset[Operation]:
        """What most who speak this dialect offer."""
        return self.operations

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
        body, native = self._common(request, context)
        if "image" in native:
            body["image"] = native.pop("image")
        if size := SIZES.get(request.aspect_ratio or ""):
            body["width"], body["height"] = size
        chosen = {"fps": request.fps, "seed": request.seed}
        body |= {name: value for name, value in chosen.items() if value is not None}
        # Each task has one result, and what is wanted of it is its address.
        body |= {"n": 1, "response_format": "url", "metadata": native}
        return HttpRequest("POST", self._path, json=body)

    def _common(self, request: GenerationRequest, context: SubmitContext) -> tuple[Body, Body]:
        """What every form begins with, and Kling's own fields for the rest."""
        native = body_of(request, context, NATIVE)
        body: dict[str, Any] = {
            "model": self.name_of(request.model, request.operation),
            # With shots the prompt is not read by Kling, but by the gateway.
            "prompt": native.pop("prompt", "") or request.shots[0].prompt,
            "duration": request.duration,
        }
        for written in ("model_name", "duration"):
            native.pop(written, None)
        if request.watermark:
            native["watermark_info"] = {"enabled": True}
        if context.callback_url:
            native["callback_url"] = context.callback_url
        if context.external_task_id:
            native["external_task_id"] = context.external_task_id
        return body, native

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


GENERIC = Generic()


FOLDED = frozenset({"kling-v2-5-turbo"})
"""Models that are offered once for each mode, under two names."""

SEVERAL = FRAMES | {Operation.REFERENCES_TO_VIDEO}


class Omnimaas(Generic):
    """OmniMaaS: `/v1/video/generations` with a ratio for a size, a list of images, metadata as text.

    Its models carry the mode in their name (`kling-v2-5-turbo-pro`). How it reports failures is not documented:
    whatever a gateway is known to answer is read.
    """

    name = "omnimaas"
    operations = SEVERAL
    limits = (
        *_limits(SEVERAL),
        ("seed", lambda request: request.seed is not None),
        ("fps", lambda request: request.fps is not None),
    )

    def submit(self, request: GenerationRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission."""
        body, native = self._common(request, context)
        if request.model in FOLDED and not named(self._models, request.model, request.operation):
            body["model"] = f"{request.model}-{request.mode}"
        if images := native.pop("image_list", None) or [
            native[name] for name in ("image",) if name in native
        ]:
            body["images"] = images
        native.pop("image", None)
        if request.aspect_ratio in SIZES:
            body["size"] = native.pop("aspect_ratio")
        if request.model in FOLDED or request.model.endswith(("-std", "-pro")):
            native.pop("mode", None)
        body["metadata"] = json.dumps(native, ensure_ascii=False, separators=(",", ":"))
        return HttpRequest("POST", self._path, json=body)


OMNIMAAS = Omnimaas()
