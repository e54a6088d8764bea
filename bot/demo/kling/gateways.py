"""Gateways and proxies: `/v1/video/generations` in three forms, `/kling/v1/*` in three, and the flat one."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.responses import JSONResponse, Response

from bot.demo.kling import advanced, images, official, videos
from bot.demo.kling.answers import gateway_ok
from bot.demo.kling.conventions import FLAT, PREFIXED, RATIOS
from bot.demo.kling.fields import Fields
from bot.demo.kling.models import IMAGE, TEXT, Wish, capability, check
from bot.demo.kling.orders import Order, Picture
from bot.demo.kling.refusals import GatewayRefusal, Refusal, invalid
from bot.demo.kling.service import Call, Handler, Service, Table
from bot.demo.kling.shapes import (
    Shape,
    classic,
    flat,
    flat_accepted,
    legacy,
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
FALLBACK_RATIO = "1:1"
FALLBACK_SECONDS = 5
OMNIMAAS_MODELS = {
    "kling-v2-5-turbo-std": ("kling-v2-5-turbo", "std"),
    "kling-v2-5-turbo-pro": ("kling-v2-5-turbo", "pro"),
    "kling-v2-6": ("kling-v2-6", None),
}
Reader = Callable[[Fields], Order]
_not_found = partial(GatewayRefusal, 400, "task_not_exist")


# -- /v1/video/generations -----------------------------------------------------------------------------


def read_classic(body: Fields) -> Order:
    """A body as older gateways document it: every field has its type, and seconds are a number."""
    prompt = _gateway_prompt(body)
    seconds = body.number("duration", 1, 60, FALLBACK_SECONDS)
    size = "x".join(str(body.whole(side, 1, 4096)) for side in ("width", "height") if body.has(side))
    body.whole("fps", 1, 60, 24)
    body.whole("n", 1, 4, 1)
    body.choice("response_format", ("url",), "url")
    seed = body.whole("seed", 0, 2**32 - 1) if body.has("seed") else None
    metadata = body.inner("metadata") or Fields({})
    image = (Picture("image", body.text("image")),) if body.has("image") else ()
    order = _mapped(metadata, body.text("model", "kling-v1"), prompt, seconds, size, image)
    body.done()
    return replace(order, seed=seed)


def read_newapi(body: Fields) -> Order:
    """A body as newer gateways read it: seconds that are no integer become 5 without a word."""
    prompt = _gateway_prompt(body)
    for ignored in ("images", "seconds", "input_reference", "width", "height", "fps", "seed", "n"):
        body.raw(ignored)
    body.raw("response_format")
    metadata = _metadata(body)
    mode = body.text("mode", "")
    image = (Picture("image", body.text("image")),) if body.text("image", "") else ()
    order = _mapped(
        metadata,
        body.text("model", "") or "kling-v1",
        prompt,
        _quiet_seconds(body.raw("duration")),
        body.text("size", ""),
        image,
        mode=mode,
    )
    body.done()
    return order


def _gateway_prompt(body: Fields) -> str:
    if not isinstance(body.raw("prompt"), str) or not body.text("prompt").strip():
        raise GatewayRefusal(400, "invalid_request", "prompt is required")
    return body.text("prompt", longest=videos.PROMPT_LIMIT)


def _quiet_seconds(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else FALLBACK_SECONDS


def _metadata(body: Fields) -> Fields:
    value = body.raw("metadata")
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            raise GatewayRefusal(400, "invalid_request", "metadata is not JSON") from None
    if value is None or value == "":
        value = {}
    if not isinstance(value, dict):
        raise GatewayRefusal(400, "invalid_request", "metadata is not an object")
    return Fields(value, where="metadata.")


def _mapped(
    metadata: Fields,
    model: str,
    prompt: str,
    seconds: float,
    size: str,
    pictures: tuple[Picture, ...],
    *,
    mode: str = "",
) -> Order:
    """What the gateway makes of a body, as Kling then reads it."""
    mode = metadata.choice("mode", ("std", "pro", "4k"), mode or "std")
    ratio = metadata.choice("aspect_ratio", RATIOS, SIZES.get(size, FALLBACK_RATIO))
    videos.negative(metadata)
    if metadata.has("cfg_scale"):
        metadata.number("cfg_scale", 0, 1)
    sound = videos.sound_on(metadata)
    if metadata.has("image_tail"):
        pictures = (*pictures, Picture("metadata.image_tail", metadata.text("image_tail")))
    external = metadata.identifier("external_task_id")
    callback = metadata.address("callback_url")
    try_on = metadata.flag("try_on")
    metadata.done()
    operation = IMAGE if pictures else TEXT
    if seconds != int(seconds):
        raise invalid("duration must be whole seconds")
    # Three seconds are what gateways document for a try-on.
    dressed = bool(pictures) and (try_on or seconds == 3)
    if dressed:
        capability(model, operation)
    else:
        check(
            Wish(
                model,
                operation,
                mode,
                int(seconds),
                sound=sound,
                first=bool(pictures),
                tail=len(pictures) > 1,
            )
        )
    return Order(
        operation=operation,
        model=model,
        prompt=prompt,
        mode=mode,
        seconds=int(seconds),
        ratio=ratio,
        sound=sound,
        pictures=pictures,
        callback_url=callback,
        external_id=external,
    )


def read_omnimaas(body: Fields) -> Order:
    """A body as OmniMaaS documents it: a ratio for a size, metadata as a string."""
    name = body.choice("model", tuple(OMNIMAAS_MODELS))
    model, mode = OMNIMAAS_MODELS[name]
    prompt = videos.needed_prompt(body)
    seconds = body.whole("duration", 5, 10, 5)
    ratio = body.choice("size", RATIOS, "16:9")
    pictures = tuple(Picture(f"images[{n}]", value) for n, value in enumerate(body.texts("images", 1, 4)))
    text = body.text("metadata", "{}")
    body.done()
    metadata = _metadata(Fields({"metadata": text}))
    if mode is None:
        mode = metadata.choice("mode", ("std", "pro"), "std")
    videos.negative(metadata)
    if metadata.has("cfg_scale"):
        metadata.number("cfg_scale", 0, 1)
    sound = videos.sound_on(metadata)
    external = metadata.identifier("external_task_id")
    callback = metadata.address("callback_url")
    metadata.done()
    operation = IMAGE if pictures else TEXT
    check(Wish(model, operation, mode, seconds, sound=sound, first=bool(pictures)))
    return Order(
        operation=operation,
        model=name,
        prompt=prompt,
        mode=mode,
        seconds=seconds,
        ratio=ratio,
        sound=sound,
        pictures=pictures,
        callback_url=callback,
        external_id=external,
    )


def _submits(read: Reader, answer: Shape) -> Handler:
    async def handle(service: Service, call: Call) -> Response:
        task = await service.submit(call, read(call.fields()), legacy)
        return JSONResponse(answer(task, "submitted", task.created_at))

    return handle


def _asks(
    shape: Shape,
    wrap: Callable[[object], Response],
    unknown: Callable[[], Refusal],
    operation: str | None = None,
) -> Handler:
    async def handle(service: Service, call: Call) -> Response:
        try:
            task = service.registry.find(call.account, call.parts["task"])
        except Refusal:
            raise unknown() from None
        if operation is not None and task.order.operation != operation:
            raise unknown()
        now = service.now()
        return wrap(shape(task, task.state(now), now))

    return handle


def _lists(shape: Shape) -> Handler:
    """All tasks, the newest first, page by page; only some gateways tell of them."""

    async def handle(service: Service, call: Call) -> Response:
        if not service.behaviour.lists_tasks:
            raise Refusal(1202)
        page, size = official.page_of(call, 100)
        tasks, now = list(service.registry.of(call.account)), service.now()
        rows = [
            {**shape(task, task.state(now), now), "external_task_id": task.order.external_id}
            for task in tasks[(page - 1) * size : page * size]
        ]
        return JSONResponse({"data": rows, "total": len(tasks)})

    return handle


def _id_only(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    del state, now
    return {"task_id": task.id}


GENERATIONS = "/v1/video/generations"
_ask_row = _asks(row, gateway_ok, _not_found)
GENERIC: Table = {
    f"POST {GENERATIONS}": _submits(read_classic, _id_only),
    f"GET {GENERATIONS}/{{task}}": _asks(classic, JSONResponse, _not_found),
    f"GET {GENERATIONS}": _lists(classic),
}
OMNIMAAS: Table = {
    f"POST {GENERATIONS}": _submits(read_omnimaas, omnimaas),
    f"GET {GENERATIONS}/{{task}}": _asks(omnimaas, JSONResponse, partial(GatewayRefusal, 404, "not_found")),
    f"GET {GENERATIONS}": _lists(omnimaas),
}


# -- /kling/v1 -----------------------------------------------------------------------------------------

PREFIXED_ENDPOINTS: Mapping[str, Reader] = {
    "videos/text2video": partial(videos.text2video, conventions=PREFIXED),
    "videos/image2video": partial(videos.image2video, conventions=PREFIXED),
    "videos/multi-image2video": videos.multi_image2video,
    "videos/omni-video": advanced.omni_video,
    "videos/motion-control": advanced.motion_control,
    "videos/video-extend": advanced.video_extend,
    "videos/effects": advanced.effects,
    "videos/lip-sync": advanced.lip_sync,
    "images/generations": images.generations,
    "images/editing/expand": images.expand,
    "images/kolors-virtual-try-on": images.virtual_try_on,
}
PREFIXED_TABLE: Table = official.table("/kling/v1", PREFIXED_ENDPOINTS)
NEWAPI: Table = {
    f"POST {GENERATIONS}": _submits(read_newapi, openai_accepted),
    f"GET {GENERATIONS}/{{task}}": _ask_row,
    "POST /v1/videos": _submits(read_newapi, openai_accepted),
    "GET /v1/videos/{task}": _asks(openai, JSONResponse, _not_found),
    **{
        f"POST /kling/v1/videos/{name}": _submits(PREFIXED_ENDPOINTS[f"videos/{name}"], openai_accepted)
        for name in (TEXT, IMAGE)
    },
    **{f"GET /kling/v1/videos/{name}/{{task}}": _ask_row for name in (TEXT, IMAGE)},
}
CRAZYROUTER: Table = {
    **{f"POST /kling/v1/{name}": official.submits(name, read) for name, read in PREFIXED_ENDPOINTS.items()},
    **{
        f"GET /kling/v1/{name}/{{task}}": _asks(simple, gateway_ok, _not_found) for name in PREFIXED_ENDPOINTS
    },
}


# -- flat proxies --------------------------------------------------------------------------------------

FLAT_READERS: Mapping[str, Reader] = {
    TEXT: partial(videos.text2video, conventions=FLAT),
    IMAGE: partial(videos.image2video, conventions=FLAT),
}
_unknown_flat = partial(Refusal, 1203, "task not found")
FLAT_TABLE: Table = {
    **{f"POST /v1/videos/{name}": _submits(read, flat_accepted) for name, read in FLAT_READERS.items()},
    **{
        f"GET /v1/videos/{name}/{{task}}": _asks(flat, JSONResponse, _unknown_flat, name)
        for name in FLAT_READERS
    },
}
