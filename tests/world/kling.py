"""The stand-in for Kling, its canned results, and the front before it."""

from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import av
from PIL import Image
from starlette.types import ASGIApp, Scope

from bot.demo.kling.render import RenderSpec, frame_size
from tests.world.front import Front


def kling_front(inner: ASGIApp) -> Front:
    """A front that calls requests "submit" (POST) and "query" (GET), and lets files pass."""
    return Front(inner, _name)


def _name(scope: Scope) -> str | None:
    if scope["path"].startswith("/files/"):
        return None
    return {"POST": "submit", "GET": "query"}.get(scope["method"])


def canned_video(spec: RenderSpec, path: Path) -> None:
    """A real video of the right size and length where nothing happens; made once for each size and length."""
    path.write_bytes(_video(*frame_size(spec), round(spec.seconds)))


@cache
def _video(width: int, height: int, seconds: int) -> bytes:
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
