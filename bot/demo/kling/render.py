"""Real videos for the stand-in: words over a moving landscape, or a slow zoom over a photo."""

import colorsys
import hashlib
import io
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FRAMES_A_SECOND = 24
SHORT_SIDE = {"std": 360, "pro": 432, "4k": 540}
RATIOS = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)}
TEXT_LENGTH = 140

_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
)


@dataclass(frozen=True, slots=True)
class RenderSpec:
    """What to render. `seconds` is the length; `images` the first and, if given, the last frame."""

    prompt: str
    seconds: int
    mode: str = "std"
    ratio: str = "16:9"
    sound: bool = False
    images: tuple[bytes, ...] = field(default=(), repr=False)


def render_video(spec: RenderSpec, path: Path) -> None:
    """Write an H.264 mp4. Takes processor time: call it in a thread."""
    width, height = _size(spec)
    part = path.with_suffix(".part.mp4")
    with av.open(str(part), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FRAMES_A_SECOND)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "26", "tune": "fastdecode"}
        count = spec.seconds * FRAMES_A_SECOND
        frames = (
            _photo_frames(spec, width, height, count)
            if spec.images
            else _scene_frames(spec, width, height, count)
        )
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV has no types for it
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_A_SECOND)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    part.replace(path)


def _size(spec: RenderSpec) -> tuple[int, int]:
    short = SHORT_SIDE.get(spec.mode, 360)
    if spec.images:
        with Image.open(io.BytesIO(spec.images[0])) as photo:
            across, down = photo.size
    else:
        across, down = RATIOS.get(spec.ratio, (16, 9))
    scale = short / min(across, down)
    return _even(across * scale), _even(down * scale)


def _even(value: float) -> int:
    return max(2, int(value) // 2 * 2)


def _scene_frames(spec: RenderSpec, width: int, height: int, count: int) -> Iterator[Image.Image]:
    """A sky, a sun that travels, and three ranges of hills that move past at their own speeds."""
    seed = hashlib.sha256(spec.prompt.encode()).digest()
    hue = seed[0] / 255
    sky = _gradient(width, height, _colour(hue, 0.5, 0.95), _colour(hue + 0.12, 0.35, 1.0))
    ranges = [
        _hills(
            width * 2,
            height,
            base=0.55 + 0.13 * layer,
            seed=seed[layer + 1],
            colour=_colour(hue + 0.45, 0.45, 0.7 - 0.2 * layer),
        )
        for layer in range(3)
    ]
    label = _label(spec.prompt, width, height)
    radius = min(width, height) // 9
    for number in range(count):
        share = number / max(1, count)
        picture = sky.copy()
        draw = ImageDraw.Draw(picture)
        x, y = int(width * (0.15 + 0.7 * share)), int(height * (0.36 - 0.16 * math.sin(math.pi * share)))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_colour(hue + 0.1, 0.25, 1.0))
        for layer, hills in enumerate(ranges):
            offset = int(share * width * (0.15 + 0.22 * layer)) % width
            picture.paste(hills, (-offset, 0), hills)
        picture.paste(label, (0, 0), label)
        yield picture


def _photo_frames(spec: RenderSpec, width: int, height: int, count: int) -> Iterator[Image.Image]:
    """Moves slowly into the photo; with a last frame, fades over to it."""
    pictures = []
    for data in spec.images:
        with Image.open(io.BytesIO(data)) as opened:
            pictures.append(
                opened.convert("RGB").resize(
                    (int(width * 1.25), int(height * 1.25)), Image.Resampling.LANCZOS
                )
            )
    first, last = pictures[0], pictures[-1]
    for number in range(count):
        share = number / max(1, count - 1)
        source = Image.blend(first, last, share) if len(pictures) > 1 else first
        zoom = 1 - 0.2 * share
        across, down = source.width * zoom, source.height * zoom
        left, top = (source.width - across) / 2, (source.height - down) / 2
        yield source.resize(
            (width, height), Image.Resampling.BILINEAR, box=(left, top, left + across, top + down)
        )


def _gradient(
    width: int, height: int, top: tuple[int, int, int], bottom: tuple[int, int, int]
) -> Image.Image:
    mask = Image.linear_gradient("L").resize((width, height))
    return Image.composite(
        Image.new("RGB", (width, height), bottom), Image.new("RGB", (width, height), top), mask
    )


def _hills(width: int, height: int, *, base: float, seed: int, colour: tuple[int, int, int]) -> Image.Image:
    layer = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    # Whole waves across half the width, so that the range can be moved by it without a seam.
    waves = [(1 + seed % 3, 0.06), (3 + seed % 5, 0.025), (8 + seed % 7, 0.01)]
    points = [
        (
            x,
            height
            * (
                base + sum(size * math.sin(4 * math.pi * number * x / width + seed) for number, size in waves)
            ),
        )
        for x in range(0, width + 4, 4)
    ]
    ImageDraw.Draw(layer).polygon([(0, height), *points, (width, height)], fill=(*colour, 255))
    return layer


def _label(prompt: str, width: int, height: int) -> Image.Image:
    layer = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    size = max(14, min(width, height) // 15)
    font = _font(size)
    text = prompt if len(prompt) <= TEXT_LENGTH else prompt[: TEXT_LENGTH - 1] + "…"
    wide = any(ord(letter) > 0x2E80 for letter in text)
    lines = textwrap.wrap(text, max(6, int(width * 0.86 / (size if wide else size * 0.55)))) or [""]
    for fill, blur in (((0, 0, 0, 170), 3), ((255, 255, 255, 255), 0)):
        over = Image.new("RGBA", layer.size, (0, 0, 0, 0))
        draw = ImageDraw.Draw(over)
        for number, line in enumerate(reversed(lines)):
            y = height - size * 1.5 - number * size * 1.35
            draw.text((width / 2, y), line, font=font, fill=fill, anchor="mm")
        layer = Image.alpha_composite(layer, over.filter(ImageFilter.GaussianBlur(blur)) if blur else over)
    return layer


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in _FONTS:
        if Path(name).is_file():
            return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return int(red * 255), int(green * 255), int(blue * 255)
