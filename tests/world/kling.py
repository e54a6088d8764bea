"""The stand-in for Kling, its canned results, and the front before it."""

import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import av
import httpx
import jwt
from PIL import Image
from starlette.types import ASGIApp, Scope

from bot.demo.kling import KlingStandIn
from bot.demo.kling.service import Renderer
from bot.demo.media.render import RenderSpec, frame_size
from bot.demo.serving import serve
from tests.world.front import Front
from tests.world.telegram import SettableClock

NOW = 1_763_700_000.0
ACCESS, SECRET = "demo-access", "demo-secret-that-signs-for-nothing"


def kling_front(inner: ASGIApp) -> Front:
    """A front that calls requests "submit" (POST), "list" (of all tasks, too), "query" and "file" (GET), but for accounting."""
    return Front(inner, _name)


def _name(scope: Scope) -> str | None:
    if scope["path"].startswith("/files/"):
        return "file"
    if scope["path"].startswith("/account/billing/"):
        return None
    if (scope["method"] == "GET" and b"pageNum" in scope["query_string"]) or (
        scope["method"] == "POST" and scope["path"] == "/tasks"
    ):
        return "list"
    return {"POST": "submit", "GET": "query"}.get(scope["method"])


def canned_video(spec: RenderSpec, path: Path) -> None:
    """A real video of the right size and length where nothing happens; made once for each size and length."""
    path.write_bytes(a_film(*frame_size(spec), round(spec.seconds)))


@cache
def a_film(width: int = 320, height: int = 180, seconds: int = 5) -> bytes:
    """An mp4 where nothing happens."""
    with NamedTemporaryFile(suffix=".mp4") as file:
        with av.open(file.name, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=1)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"preset": "ultrafast", "threads": "1"}
            grey = Image.new("RGB", (width, height), (90, 90, 90))
            for number in range(seconds):
                frame = av.VideoFrame.from_image(grey)
                frame.pts, frame.time_base = number, Fraction(1)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return Path(file.name).read_bytes()


@dataclass
class Caller:
    """A holder of a key who talks to the stand-in."""

    kling: KlingStandIn
    http: httpx.AsyncClient
    clock: SettableClock
    key: str = "demo-api-key"
    headers: dict[str, str] = field(default_factory=dict)

    def with_key(self, key: str) -> "Caller":
        return Caller(self.kling, self.http, self.clock, key)

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self._headers())

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query, headers=self._headers())

    async def refusal(self, path: str, body: Any) -> tuple[int, str]:
        """What a request is refused with: the HTTP status, and the whole answer as text."""
        answer = await self.post(path, body)
        return answer.status_code, answer.text

    async def made(self, path: str, body: Any) -> dict[str, Any]:
        """The data of a submission in Kling's own envelope, whose results are there."""
        answer = await self.post(path, body)
        assert answer.status_code == 200, answer.text
        await self.kling.rendered()
        return dict(answer.json()["data"])

    async def file(self, address: str) -> bytes:
        answer = await self.http.get(address)
        assert answer.status_code == 200
        return answer.content

    def _headers(self) -> dict[str, str]:
        return self.headers or {"Authorization": f"Bearer {self.key}"}


@asynccontextmanager
async def open_kling(
    directory: Path, *, renderer: Renderer | None = None, **options: Any
) -> AsyncIterator[Caller]:
    """Serve a stand-in whose tasks are done at once, with videos of no content but for another renderer."""
    clock = SettableClock(NOW)
    kling = KlingStandIn(directory / "kling", now=clock, renderer=renderer or _nothing, **options)
    kling.behaviour.render_seconds = 0
    async with (
        serve(kling.app) as address,
        httpx.AsyncClient(base_url=address, trust_env=False, timeout=60) as http,
    ):
        yield Caller(kling, http, clock)


def _nothing(spec: RenderSpec, path: Path) -> None:
    path.write_bytes(b"a video")


def token(
    *, access: str = ACCESS, secret: str = SECRET, starts: float = -5, ends: float = 1800, **header: Any
) -> str:
    """A token as the documents describe it; `starts` and `ends` count from now."""
    claims = {"iss": access, "exp": int(NOW + ends), "nbf": int(NOW + starts)}
    return jwt.encode(claims, secret, headers=header or None)


@cache
def image(width: int = 640, height: int = 360, kind: str = "PNG") -> str:
    """A picture in Base64."""
    data = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 200)).save(data, kind)
    return base64.b64encode(data.getvalue()).decode()


@cache
def mask(width: int = 640, height: int = 360, covered: int = 255) -> str:
    """A mask in Base64: a corner is covered, the rest is not."""
    data = io.BytesIO()
    drawn = Image.new("L", (width, height))
    drawn.paste(covered, (0, 0, width // 4, height // 4))
    drawn.save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()
