"""Gateways exactly as their documents describe them: what a document does not state is refused.

Written from the documents the project began with (flat proxies, `/kling/v1`, `/v1/video/generations`, OmniMaaS), not
from the client: fields with their types and values, the header, the answers, the statuses and the failures.
"""

import base64
import binascii
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.world.kling import a_film

Valid = Callable[[Any], bool]
Body = dict[str, Any]

KEY = "sk-of-a-gateway-0123456789"
REFUSED_WORD = "forbidden"
"""A prompt with it fails with the error that a document shows."""


def among(*values: object) -> Valid:
    return lambda value: value in values and not isinstance(value, bool)


def number(low: float, high: float) -> Valid:
    return lambda value: (
        isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
    )


def whole(low: int, high: int) -> Valid:
    return lambda value: type(value) is int and low <= value <= high


def text(longest: int = 2_500) -> Valid:
    return lambda value: isinstance(value, str) and 0 < len(value) <= longest


def image(value: Any) -> bool:
    """Base64 of a JPEG or PNG of at most 10 MB."""
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return False
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG")) and len(data) <= 10_000_000


def images(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(map(image, value))


def object_of(fields: Mapping[str, Valid], *required: str) -> Valid:
    return lambda value: not problems(value, fields, required)


def problems(body: Any, fields: Mapping[str, Valid], required: Sequence[str]) -> list[str]:
    """What of a body its document does not state."""
    if not isinstance(body, dict):
        return ["no object"]
    found = [f"{name} is missing" for name in required if name not in body]
    found += [f"{name} is not documented" for name in body if name not in fields]
    return found + [
        f"{name}: {str(value)[:80]}"
        for name, value in body.items()
        if name in fields and not fields[name](value)
    ]


def one_axis(value: Any) -> bool:
    axes = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
    is_whole = object_of(dict.fromkeys(axes, number(-10, 10)), *axes)(value)
    return is_whole and sum(value[axis] != 0 for axis in axes) == 1


MODE = among("std", "pro")
RATIO = among("16:9", "9:16", "1:1")
OURS = {"callback_url": text(), "external_task_id": text(80)}
GATEWAY_MODELS = among("kling-v1", "kling-v1-6", "kling-v2-master")

FLAT = {
    "model_name": among("kling-v1-6", "kling-v2-master", "kling-v2-1", "kling-v2-1-master"),
    "mode": MODE,
    "image": image,
    "image_tail": image,
    "prompt": text(),
    "negative_prompt": text(),
    "duration": among(5, 10),
    "aspect_ratio": among("16:9", "9:16", "1:1", "3:2", "2:3", "3:4", "4:3"),
    "cfg_scale": number(0, 1),
    "camera_control": object_of(
        {"type": among("zoom", "pan", "tilt"), "config": object_of({"value": number(-10, 10)}, "value")},
        "type",
        "config",
    ),
    "image_list": images,
}
PREFIXED = {
    "model_name": GATEWAY_MODELS,
    "prompt": text(),
    "negative_prompt": text(),
    "cfg_scale": number(0, 1),
    "mode": MODE,
    "aspect_ratio": RATIO,
    "duration": among(*(str(seconds) for seconds in range(3, 11))),
    "camera_control": object_of({"type": among("simple"), "config": one_axis}, "type", "config"),
    "image": image,
    "metadata": object_of(
        {"style": among("fashion"), "quality": among("high"), "try_on": lambda value: value is True}, "try_on"
    ),
    **OURS,
}
GENERIC = {
    "model": GATEWAY_MODELS,
    "prompt": text(),
    "image": image,
    "duration": number(3, 10),
    "width": whole(1, 4096),
    "height": whole(1, 4096),
    "fps": whole(1, 120),
    "seed": whole(0, 2**31 - 1),
    "n": whole(1, 4),
    "response_format": among("url"),
    "metadata": object_of(
        {"negative_prompt": text(), "cfg_scale": number(0, 1), "mode": MODE, "aspect_ratio": RATIO, **OURS}
    ),
}
OMNIMAAS = {
    "model": among("kling-v2-5-turbo-std", "kling-v2-5-turbo-pro", "kling-v2-6"),
    "prompt": text(),
    "images": images,
    "duration": among(5, 10),
    "size": RATIO,
    "metadata": lambda value: isinstance(value, str) and isinstance(json.loads(value), dict),
}


@dataclass
class Gateway:
    """One gateway. `sent` are the bodies that it took, with their paths; `refused` what was wrong with others.

    `faults` are answered to the next submissions, and `look_faults` to the next looks, each with its status. A task is
    over at the look after as many as `looks_before`.
    """

    dialect: str
    sent: list[tuple[str, Body]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    looks: dict[str, int] = field(default_factory=dict)
    looks_before: int = 1
    faults: deque[tuple[int, Body]] = field(default_factory=deque)
    look_faults: deque[tuple[int, Body]] = field(default_factory=deque)
    faulty: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._serve, methods=["GET", "POST"])])

    @property
    def authorization(self) -> str:
        """The header as the document of this gateway has it."""
        return KEY if self.dialect in {"generic", "prefixed"} else f"Bearer {KEY}"

    async def _serve(self, request: Request) -> Response:
        path = request.url.path
        if path == "/film.mp4":
            return Response(a_film(), media_type="video/mp4")
        if request.headers.get("authorization") != self.authorization:
            self.refused.append("the header is not as documented")
            return JSONResponse({"error": {"code": 401, "message": "invalid token"}}, 401)
        faults = self.faults if request.method == "POST" else self.look_faults
        if faults:
            status, said = faults.popleft()
            self.faulty.append(f"{request.method} {status}")
            return JSONResponse(said, status)
        if request.method == "POST":
            return self._take(path, await request.json())
        return self._look(path, f"{request.base_url}film.mp4")

    def _take(self, path: str, body: Body) -> Response:
        found = self._problems(path, body)
        if found:
            self.refused += found
            return JSONResponse({"code": 400, "message": "; ".join(found)}, 400)
        self.sent.append((path, body))
        name = f"cls2a3b4c5d6e7f8g9h0i{len(self.sent)}"
        at = 1_727_338_013_674
        answers: dict[str, Body] = {
            "flat": {"task_id": name, "task_status": "submitted", "created_at": at, "updated_at": at},
            "prefixed": {
                "code": 0,
                "message": "成功",
                "request_id": name,
                "data": {"task_id": name, "task_status": "submitted", "created_at": at, "updated_at": at},
            },
            "generic": {"task_id": name},
            "omnimaas": {
                "id": name,
                "object": "video",
                "model": body.get("model"),
                "created_at": 1_640_995_200,
                "status": "processing",
                "progress": 0,
            },
        }
        return JSONResponse(answers[self.dialect])

    def _problems(self, path: str, body: Body) -> list[str]:
        match self.dialect, path:
            case "flat", "/v1/videos/image2video":
                wanted = ("prompt",) if "image_list" in body else ("image",)
                return problems(body, FLAT, ("model_name", "mode", *wanted))
            case "flat", "/v1/videos/text2video":
                return problems(body, FLAT, ("model_name", "mode", "prompt"))
            case "prefixed", "/kling/v1/videos/text2video":
                return problems(body, PREFIXED, ("prompt",))
            case "prefixed", "/kling/v1/videos/image2video":
                return problems(body, PREFIXED, ("image", "prompt"))
            case "generic", "/v1/video/generations":
                return problems(body, GENERIC, ("prompt", "duration"))
            case "omnimaas", "/v1/video/generations":
                return problems(body, OMNIMAAS, ("model", "prompt"))
        return [f"nothing is served at {path}"]

    def _look(self, path: str, url: str) -> Response:
        name = path.rpartition("/")[2]
        known = {f"cls2a3b4c5d6e7f8g9h0i{number}": place for number, place in enumerate(self.sent, 1)}
        if name not in known or path != f"{known[name][0]}/{name}":
            return JSONResponse({"code": 404, "message": "task not found"}, 404)
        self.looks[name] = self.looks.get(name, 0) + 1
        return JSONResponse(
            self._status(name, known[name][1], url, is_over=self.looks[name] > self.looks_before)
        )

    def _status(self, name: str, body: Body, url: str, *, is_over: bool) -> Body:
        failed = is_over and REFUSED_WORD in body.get("prompt", "")
        word = "failed" if failed else "succeeded" if is_over else "processing"
        message = "视频生成失败：提示词包含不当内容"
        match self.dialect:
            case "flat" | "prefixed":
                at = 1_727_338_113_674
                result = {"videos": [{"id": "video_001", "url": url, "duration": 5}]}
                done = {"flat": "completed", "prefixed": "succeed"}[self.dialect]
                task = {
                    "task_id": name,
                    "task_status": {"succeeded": done}.get(word, word),
                    "task_status_msg": message if failed else "",
                    "created_at": at,
                    "updated_at": at,
                    **({"task_result": result} if word == "succeeded" else {}),
                }
                return task if self.dialect == "flat" else {"code": 0, "message": "成功", "data": task}
            case "generic":
                if failed:
                    return {"task_id": name, "status": word, "error": {"code": 4001, "message": message}}
                shown = {"duration": 5.0, "fps": 30, "width": 1280, "height": 720, "seed": 12345}
                ready = {"url": url, "format": "mp4", "metadata": shown} if is_over else {}
                return {"task_id": name, "status": word, **ready}
        ready = {"url": url} if word == "succeeded" else {}
        progress = 100 if is_over else 0
        return {"id": name, "object": "video", "status": word, "progress": progress, **ready}
