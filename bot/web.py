"""The public web server: takes providers' callbacks as hints, hands out people's sounds and videos.

A stranger learns nothing from it, and nothing secret of a request (path, signature, body) is logged.
"""

import asyncio
import hmac
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot import serving
from bot.clock import Clock
from bot.domain.types import ProviderName
from bot.errors import ConfigError
from bot.kling.callback import CallbackEvent, Malformed, is_signed, parse

log = structlog.get_logger(__name__)

LARGEST_BODY = 1_000_000
"""Bytes. A callback of nine pictures has a few thousand."""

BODY_SECONDS = 10.0
"""How long a client may take for the body of a callback."""

GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class CallbackDoor:
    """What opens the door for one provider: the secret part of its address, and who signs (`whsec_…`)."""

    path_secret: str = field(repr=False)
    webhook_secret: str = field(default="", repr=False)


Take = Callable[[ProviderName, CallbackEvent], Awaitable[None]]


class Callbacks:
    """Checks what comes in at providers' callback addresses and hands the hints on to `take`."""

    def __init__(self, doors: Mapping[ProviderName, CallbackDoor], take: Take, clock: Clock) -> None:
        self._doors = doors
        self._take = take
        self._clock = clock

    async def receive(self, request: Request) -> Response:
        """Answer one callback: 404 wrong address, 408 too slow, 413 too large, 401 not signed, 400 garbage, else 200."""
        provider = ProviderName(request.path_params["provider"])
        door = self._doors.get(provider)
        secret = request.path_params["secret"].encode()
        if door is None or not hmac.compare_digest(secret, door.path_secret.encode()):
            return PlainTextResponse("not found", 404)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except TimeoutError:
            return PlainTextResponse("too slow", 408, {"Connection": "close"})
        except ClientDisconnect:
            return PlainTextResponse("incomplete", 400)
        if body is None:
            return PlainTextResponse("too large", 413)
        if door.webhook_secret and not is_signed(
            door.webhook_secret, request.headers, body, self._clock.now()
        ):
            log.warning("a callback without a valid signature was refused", provider=provider)
            return PlainTextResponse("not signed", 401)
        try:
            hint = parse(body)
        except Malformed as error:
            log.warning("a callback could not be read", provider=provider, reason=str(error))
            return PlainTextResponse("not understood", 400)
        await self._take(provider, hint)
        return Response(status_code=200)


async def _body(request: Request) -> bytes | None:
    """The whole body, or None as soon as it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


class Sounds:
    """Hands the sound of a voice that is being made to whoever was told its address: providers take no data."""

    def __init__(self, find: Callable[[str, str], Awaitable[bytes | None]]) -> None:
        self._find = find

    async def send(self, request: Request) -> Response:
        """The MP3; 404 for a wrong address, and once the voice is made."""
        sound = await self._find(request.path_params["asset"], request.path_params["tag"])
        if sound is None:
            return PlainTextResponse("not found", 404)
        return Response(sound, media_type="audio/mpeg", headers={"Cache-Control": "no-store"})


class Films:
    """Hands people's own videos to whoever was told their address, whole or in parts."""

    def __init__(self, find: Callable[[str, int, int, str], Awaitable[tuple[Path, str] | None]]) -> None:
        self._find = find

    async def send(self, request: Request) -> Response:
        """The video; 404 for a wrong address, and once it is no longer needed."""
        named = request.path_params
        found = await self._find(named["task"], named["number"], named["expires"], named["tag"])
        if found is None:
            return PlainTextResponse("not found", 404)
        path, media_type = found
        return FileResponse(path, media_type=media_type, headers={"Cache-Control": "no-store"})


async def healthz(request: Request) -> Response:
    """200: whoever runs the process need not start it again."""
    del request
    return PlainTextResponse("ok")


def site(callbacks: Callbacks, sounds: Sounds, films: Films) -> Starlette:
    """Everything that is served, as an ASGI app."""
    return Starlette(
        routes=[
            Route("/callback/{provider}/{secret}", callbacks.receive, methods=["POST"]),
            Route("/sound/{asset}/{tag}.mp3", sounds.send),
            Route("/video/{task}/{number:int}/{expires:int}/{tag}.{suffix}", films.send),
            Route("/healthz", healthz),
        ]
    )


@asynccontextmanager
async def serve(
    app: ASGIApp, listen: str, *, setting: str = "web.listen", name: str = "web server ready"
) -> AsyncIterator[str]:
    """Serve `app` at `host:port` (port 0: a free one) and yield the address, without a slash at the end.

    `setting` is where the address comes from, and `name` what the log says of it.

    Raises:
        ConfigError: nothing can listen there.

    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, int(port)), family=family)
    except OSError as error:
        raise ConfigError([f"{setting}: {listen} cannot be used: {error.strerror or error}"]) from None
    async with serving.serve(app, listener, grace_seconds=GRACE_SECONDS) as bound:
        log.info(name, host=host, port=bound)
        yield f"http://{listen.rpartition(':')[0]}:{bound}"
