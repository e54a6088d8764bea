"""The stand-in for Telegram, the front before it, and connections to it."""

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Scope

from tests.world.front import Front

TOKEN = "123456:a-token-of-tests"
BOSS, ADA, XIAOLIN = 1000, 1001, 1002
GROUP = -1_002_000_000_001


def complaint(code: int, description: str, **parameters: object) -> Response:
    """An answer of the Bot API that says no."""
    body = {"ok": False, "error_code": code, "description": description}
    return JSONResponse(body | ({"parameters": parameters} if parameters else {}), code)


def done(result: object = True) -> Response:
    """An answer of the Bot API that says yes."""
    return JSONResponse({"ok": True, "result": result})


def telegram_front(inner: ASGIApp) -> Front:
    """A front that calls requests by the method of the Bot API."""
    return Front(inner, _name)


def _name(scope: Scope) -> str | None:
    path = str(scope["path"])
    return path.rpartition("/")[2] if path.startswith("/bot") else None
