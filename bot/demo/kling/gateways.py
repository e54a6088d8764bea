"""Gateways and proxies: `/v1/video/generations` in three forms, `/kling/v1/*` in three, and the flat one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from starlette.responses import JSONResponse, Response

from bot.demo.kling import editing, fields, official, videos
from bot.demo.kling.answers import gateway_ok
from bot.demo.kling.body import TaskBody, read
from bot.demo.kling.models import IMAGE, TEXT
from bot.demo.kling.orders import Order, Picture
from bot.demo.kling.refusals import GatewayRefusal, Refusal, forbid
from bot.demo.kling.service import Call, Handler, Service, Table, asks, page_of, submits
from bot.demo.kling.shapes import (
    Shape,
    classic,
    flat,
    flat_accepted,
    omnimaas,
    openai,
    openai_accepted,
    row,
    simple,
)
from bot.demo.kling.tasks import RemoteTask, State

SIZES = {
    "1024x1024": "1:1",
    "512x512": "1:1",
    "1280x720": "16:9",
    "1920x1080": "16:9",
    "720x1280": "9:16",
    "1080x1920": "9:16",
}
FALLBACK_SECONDS = 5
OMNIMAAS_MODELS = {
    "kling-v2-5-turbo-std": ("kling-v2-5-turbo", "std"),
    "kling-v2-5-turbo-pro": ("kling-v2-5-turbo", "pro"),
    "kling-v2-6": ("kling-v2-6", ""),
}
_not_found = partial(GatewayRefusal, 400, "task_not_exist")


# -- /v1/video/generations -----------------------------------------------------------------------------


def _prompt(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise GatewayRefusal(400, "invalid_request", "prompt is required")
    return value


GatewayPrompt = Annotated[fields.Prompt, BeforeValidator(_prompt), Field(validate_default=True)]
Side = Annotated[int, fields.between(1, 4096)]


def _as_kling(order: Order, images: Sequence[str], metadata: Mapping[str, Any], **own: str) -> Order:
    """What Kling reads: the gateway's own fields, over which metadata goes."""
    forbid(order.seconds != int(order.seconds), "duration must be whole seconds")
    body = {"model_name": order.model, "prompt": order.prompt, "duration": f"{order.seconds:g}", **own}
    if images:
        body["image"] = images[0]
    has_frames = bool(images) or "image_tail" in metadata
    kind, operation = (videos.PrefixedImage, IMAGE) if has_frames else (videos.PrefixedText, TEXT)
    sent = {name: value for name, value in metadata.items() if name != "try_on"}
    read_as: videos.PrefixedBody = read(kind, {**body, **sent}, where="metadata.")
    return read_as.order(operation)


class ClassicBody(TaskBody):
    """A body as older gateways document it: every field has its type, and seconds are a number."""

    prompt: GatewayPrompt = ""
    duration: Annotated[float, fields.between(1, 60)] = FALLBACK_SECONDS
    width: Side = 0
    height: Side = 0
    fps: Annotated[int, fields.between(1, 60)] = 24
    n: Annotated[int, fields.between(1, 4)] = 1
    response_format: Annotated[str, fields.one_of("url")] = "url"
    seed: Annotated[int, fields.between(0, 2**32 - 1)] = 0
    metadata: dict[str, Any] = Field(default_factory=dict)
    model: str = "kling-v1"
    image: str = ""

    def _checked(self, order: Order) -> Order:
        ratio = SIZES.get(f"{self.width}x{self.height}", "1:1")
        order = _as_kling(order, (self.image,) if self.image else (), self.metadata, aspect_ratio=ratio)
        return replace(order, seed=self.seed if self.sent("seed") else None)


def _quiet_seconds(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else FALLBACK_SECONDS


def _opened(value: Any) -> Any:
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            raise GatewayRefusal(400, "invalid_request", "metadata is not JSON") from None
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise GatewayRefusal(400, "invalid_request", "metadata is not an object")
    return value


class NewApiBody(TaskBody):
    """A body as newer gateways read it: seconds that are no integer become 5 without a word."""

    prompt: GatewayPrompt = ""
    duration: Annotated[int, BeforeValidator(_quiet_seconds)] = FALLBACK_SECONDS
    metadata: Annotated[dict[str, Any], BeforeValidator(_opened)] = Field(default_factory=dict)
    model: str = ""
    mode: str = ""
    size: str = ""
    image: str = ""
    # These are taken and ignored.
    images: Any = None
    seconds: Any = None
    input_reference: Any = None
    width: Any = None
    height: Any = None
    fps: Any = None
    seed: Any = None
    n: Any = None
    response_format: Any = None

    def _checked(self, order: Order) -> Order:
        order = replace(order, model=self.model or "kling-v1")
        ratio, mode = SIZES.get(self.size, "1:1"), self.mode or "std"
        images = (self.image,) if self.image else ()
        return _as_kling(order, images, self.metadata, aspect_ratio=ratio, mode=mode)


class OmniMaasBody(TaskBody):
    """A body as OmniMaaS documents it: a ratio for a size, metadata as a string."""

    model: Annotated[str, fields.one_of(*OMNIMAAS_MODELS)]
    prompt: fields.Words
    duration: Annotated[int, fields.between(5, 10)] = 5
    size: videos.Ratio = "16:9"
    images: Annotated[tuple[str, ...], fields.entries(1, 4)] = ()
    metadata: str = "{}"

    def _checked(self, order: Order) -> Order:
        metadata = _opened(self.metadata)
        model, mode = OMNIMAAS_MODELS[order.model]
        forbid(bool(mode) and "mode" in metadata, "unknown field: metadata.mode")
        own = {"aspect_ratio": self.size, **({"mode": mode} if mode else {})}
        order = _as_kling(replace(order, model=model), self.images, metadata, **own)
        if len(self.images) > 1:
            several = tuple(Picture(f"images[{n}]", value) for n, value in enumerate(self.images))
            order = replace(order, pictures=several, shown=len(several))
        return replace(order, model=self.model)


def _lists(shape: Shape) -> Handler:
    """All tasks, the newest first, page by page; only some gateways tell of them."""

    async def handle(service: Service, call: Call) -> Response:
        if not service.behaviour.lists_tasks:
            raise Refusal(1202)
        tasks, now = list(service.registry.of(call.account)), service.now()
        rows = [
            {**shape(task, task.state(now), now), "external_task_id": task.order.external_id}
            for task in page_of(tasks, call, 100)
        ]
        return JSONResponse({"data": rows, "total": len(tasks)})

    return handle


def _id_only(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    del state, now
    return {"task_id": task.id}


GENERATIONS = "/v1/video/generations"
_ask_row = asks(row, gateway_ok, _not_found)
GENERIC: Table = {
    f"POST {GENERATIONS}": submits(ClassicBody, "", _id_only),
    f"GET {GENERATIONS}/{{task}}": asks(classic, JSONResponse, _not_found),
    f"GET {GENERATIONS}": _lists(classic),
}
OMNIMAAS: Table = {
    f"POST {GENERATIONS}": submits(OmniMaasBody, "", omnimaas),
    f"GET {GENERATIONS}/{{task}}": asks(omnimaas, JSONResponse, partial(GatewayRefusal, 404, "not_found")),
    f"GET {GENERATIONS}": _lists(omnimaas),
}


# -- /kling/v1 -----------------------------------------------------------------------------------------

OF_AN_ACCOUNT = frozenset(
    {"videos/advanced-lip-sync", "general/advanced-custom-elements", "general/custom-voices"}
)
"""What stays with an account at Kling: gateways have many, and hand none of it on."""

PREFIXED_ENDPOINTS: Mapping[str, type[TaskBody]] = {
    **{name: model for name, model in official.ENDPOINTS.items() if name not in OF_AN_ACCOUNT},
    "videos/text2video": videos.PrefixedText,
    "videos/image2video": videos.PrefixedImage,
}
PREFIXED_TABLE: Table = {
    "POST /kling/v1/audio/tts": official.speak,
    **editing.table("/kling/v1"),
    **official.table("/kling/v1", PREFIXED_ENDPOINTS),
}
NEWAPI: Table = {
    f"POST {GENERATIONS}": submits(NewApiBody, "", openai_accepted),
    f"GET {GENERATIONS}/{{task}}": _ask_row,
    "POST /v1/videos": submits(NewApiBody, "", openai_accepted),
    "GET /v1/videos/{task}": asks(openai, JSONResponse, _not_found),
    **{
        f"POST /kling/v1/videos/{name}": submits(PREFIXED_ENDPOINTS[f"videos/{name}"], name, openai_accepted)
        for name in (TEXT, IMAGE)
    },
    **{f"GET /kling/v1/videos/{name}/{{task}}": _ask_row for name in (TEXT, IMAGE)},
}
CRAZYROUTER_ENDPOINTS = (
    *("videos/text2video", "videos/image2video", "videos/multi-image2video", "videos/omni-video"),
    *("images/generations", "images/kolors-virtual-try-on"),
)
CRAZYROUTER: Table = {
    line: asks(simple, gateway_ok, _not_found) if line.endswith("{task}") else handler
    for line, handler in PREFIXED_TABLE.items()
    if (line.startswith("POST") or line.endswith("{task}"))
    and any(line.split()[1].startswith(f"/kling/v1/{name}") for name in CRAZYROUTER_ENDPOINTS)
}


# -- flat proxies --------------------------------------------------------------------------------------

_unknown_flat = partial(Refusal, 1203, "task not found")
FLAT_TABLE: Table = {
    f"POST /v1/videos/{TEXT}": submits(videos.FlatText, TEXT, flat_accepted),
    f"POST /v1/videos/{IMAGE}": submits(videos.FlatImage, IMAGE, flat_accepted),
    f"GET /v1/videos/{TEXT}/{{task}}": asks(flat, JSONResponse, _unknown_flat, TEXT),
    f"GET /v1/videos/{IMAGE}/{{task}}": asks(flat, JSONResponse, _unknown_flat, IMAGE),
}
