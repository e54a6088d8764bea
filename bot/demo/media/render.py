"""Real videos for the stand-in: words over a moving landscape, or a slow journey into photos."""

import io
import math
import random
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image, ImageOps

from bot.demo.media.lettering import overlay
from bot.demo.media.moods import mood_of, seed_of
from bot.demo.media.scene import Painter, landscape, particles
from bot.demo.media.sound import RATE, sound_frames

FRAMES_A_SECOND = 24
SHORT_SIDE = {"std": 720, "pro": 1080, "4k": 1440}
"""Pixels of the shorter side. What is called 4k is less of it: it is to be made while somebody waits."""

_PAINTED = {"std": 432, "pro": 540, "4k": 540}
"""Pixels of the shorter side as it is painted, to be enlarged by the encoder's own scaler: painting is slow."""

_MARGIN = 1.3  # how much larger than the frame a photo is kept, as room to move in
_FADE_IN = 0.5


@dataclass(frozen=True, slots=True)
class RenderSpec:
    """What to render.

    `seconds` is the length; `mode` (std, pro, 4k) the size; `ratio` ("16:9") counts only without
    `images`, whose first picture gives the shape otherwise. Several images fade into each other: two are
    the first and the last frame. `closing` tells that a single image is the last frame, not the first.
    `label` is written small in a corner.
    """

    prompt: str
    seconds: float
    mode: str = "std"
    ratio: str = "16:9"
    sound: bool = False
    images: tuple[bytes, ...] = field(default=(), repr=False)
    closing: bool = False
    label: str = ""


def render_video(spec: RenderSpec, path: Path) -> None:
    """Write an H.264 mp4 (AAC with `sound`), made to be streamed. Takes processor time: call it in a thread.

    The file appears under its name only when it is whole.

    Raises:
        OSError: the file can't be written, or an image can't be read.

    """
    size = frame_size(spec)
    painted = _scaled(size, _PAINTED.get(spec.mode, _PAINTED["std"]))
    painter = _photos(spec, painted) if spec.images else _words(spec, painted)
    part = path.with_name(path.name + ".part")
    with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FRAMES_A_SECOND)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "26", "threads": "1"}
        if spec.sound:
            audio = container.add_stream("aac", rate=RATE)
            audio.layout = "mono"
        for number in range(round(spec.seconds * FRAMES_A_SECOND)):
            picture = painter(number / FRAMES_A_SECOND)
            drawn = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV has no types for it
            frame = drawn.reformat(*size, format="yuv420p", interpolation="BILINEAR")
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_A_SECOND)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if spec.sound:
            for sound in sound_frames(spec.seconds):
                container.mux(audio.encode(sound))
            container.mux(audio.encode())
    part.replace(path)


def frame_size(spec: RenderSpec) -> tuple[int, int]:
    """Width and height in pixels, both even as H.264 wants them."""
    if spec.images:
        shape = _opened(spec.images[0]).size
    else:
        across, down = spec.ratio.split(":")
        shape = int(across), int(down)
    return _scaled(shape, SHORT_SIDE.get(spec.mode, SHORT_SIDE["std"]))


def _scaled(shape: tuple[int, int], short: int) -> tuple[int, int]:
    scale = short / min(shape)
    return _even(shape[0] * scale), _even(shape[1] * scale)


def _even(value: float) -> int:
    return max(2, round(value) // 2 * 2)


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def _words(spec: RenderSpec, size: tuple[int, int]) -> Painter:
    """The prompt over its landscape; the words fade in."""
    scene = landscape(spec.prompt, size, spec.seconds)
    return _lettered(scene, overlay(spec.prompt, spec.label, size))


def _lettered(painter: Painter, words: Image.Image) -> Painter:
    box = words.getbbox()
    if box is None:
        return painter
    letters, opaque = words.crop(box), words.getchannel("A").crop(box)

    def paint(time: float) -> Image.Image:
        picture = painter(time)
        mask = opaque
        if time < _FADE_IN:
            share = 0.35 + 0.65 * time / _FADE_IN
            mask = opaque.point([int(value * share) for value in range(256)])
        picture.paste(letters, box[:2], mask)
        return picture

    return paint


def _photos(spec: RenderSpec, size: tuple[int, int]) -> Painter:
    """A slow zoom and pan; several pictures fade into each other, and something drifts in the air."""
    width, height = size
    room = (int(width * _MARGIN), int(height * _MARGIN))
    pictures = [ImageOps.fit(_opened(data), room, Image.Resampling.LANCZOS) for data in spec.images]
    dice = random.Random(seed_of(spec.prompt))
    aim = dice.uniform(0.3, 0.7), dice.uniform(0.35, 0.65)
    drift = particles(mood_of(spec.prompt).particles, size, dice) if spec.prompt else _nothing

    def paint(time: float) -> Image.Image:
        share = _eased(time / spec.seconds)
        if spec.closing:
            share = 1 - share
        zoom = 1 - 0.19 * share
        across, down = room[0] * zoom, room[1] * zoom
        left, top = (room[0] - across) * aim[0], (room[1] - down) * aim[1]
        place = time / spec.seconds * (len(pictures) - 1)
        index = min(int(place), max(0, len(pictures) - 2))
        view = _view(pictures[index], size, (left, top, left + across, top + down))
        fade = _eased(min(1.0, max(0.0, (place - index - 0.25) / 0.6)))
        if fade and len(pictures) > 1:
            # The next picture comes to rest as it appears: the very end is the whole last frame.
            rest = 0.1 * (1 - fade)
            across, down = room[0] * (1 - rest), room[1] * (1 - rest)
            left, top = (room[0] - across) / 2, (room[1] - down) / 2
            coming = _view(pictures[index + 1], size, (left, top, left + across, top + down))
            view = Image.blend(view, coming, fade)
        drift(view, time)
        return view

    return _lettered(paint, overlay("", spec.label, size))


def _view(picture: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    return picture.resize(size, Image.Resampling.BILINEAR, box=box)


def _nothing(picture: Image.Image, time: float) -> None:
    """Nothing drifts over a photo that came without words."""


def _eased(share: float) -> float:
    return 0.5 - 0.5 * math.cos(math.pi * min(1.0, max(0.0, share)))
