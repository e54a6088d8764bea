"""The envelopes of the dialects: how each says yes, and how each says no."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response

from bot.demo.kling.refusals import GatewayRefusal, Refusal

Refuses = Callable[[Refusal], Response]


def ok(data: object) -> Response:
    """Kling's own envelope."""
    return JSONResponse({"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data})


def refused(refusal: Refusal) -> Response:
    """Kling's own envelope, without data."""
    body = {"code": refusal.code, "message": refusal.message, "request_id": str(uuid.uuid4())}
    return JSONResponse(body, refusal.status)


def gateway_ok(data: object) -> Response:
    """A gateway's envelope."""
    return JSONResponse({"code": "success", "message": "", "data": data})


def gateway_refused(refusal: Refusal) -> Response:
    """A gateway's own words, or Kling's answer handed on as text inside its message."""
    if isinstance(refusal, GatewayRefusal):
        return JSONResponse({"code": refusal.word, "message": refusal.message, "data": None}, refusal.status)
    if refusal.status == 401:
        error: dict[str, Any] = {"message": "Invalid token", "type": "new_api_error", "code": ""}
        return JSONResponse({"error": error}, 401)
    nested = json.dumps({"code": refusal.code, "message": refusal.message, "request_id": str(uuid.uuid4())})
    return JSONResponse({"code": "fail_to_fetch_task", "message": nested, "data": None}, refusal.status)


def omnimaas_refused(refusal: Refusal) -> Response:
    """An error object."""
    body = {"error": {"code": str(refusal.code), "message": refusal.message}}
    return JSONResponse(body, refusal.status)


def flat_refused(refusal: Refusal) -> Response:
    """Nothing but an HTTP status and a sentence."""
    status = min(500, refusal.status)
    return JSONResponse({"code": status, "message": refusal.message}, status)
