"""Words on pictures: fonts that know the letters, lines that fit, and a soft shadow so that both stay legible."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

LONGEST_TEXT = 150
MOST_LINES = 4

_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
# Noto CJK covers every script the bot speaks; the others at least draw their own.
_WIDE_FONTS = ("NotoSansCJK-Regular", "NotoSansCJKsc-Regular", "NotoSansSC-Regular", "PingFang", "msyh")
_FONTS = (*_WIDE_FONTS, "NotoSans-Regular", "DejaVuSans", "Arial")
_WORD = re.compile(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+|\s+")


def overlay(text: str, label: str, size: tuple[int, int]) -> Image.Image:
    """A transparent picture of `size` with `text` along the lower edge and `label` small in a corner."""
    width, height = size
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    unit = min(width, height)
    shorter = " ".join(text.split())
    if len(shorter) > LONGEST_TEXT:
        shorter = shorter[: LONGEST_TEXT - 1].rstrip() + "…"
    points = max(13, unit // (15 if len(shorter) <= 60 else 19))
    face = font(points)
    lines = list(wrapped(shorter, face, width * 0.86))[:MOST_LINES]
    if lines:
        layer = Image.alpha_composite(layer, _shade(size, len(lines) * points * 1.4 + points * 2.2))
    layer = _written(layer, lines, face, points)
    if label:
        small = max(9, unit // 30)
        draw = ImageDraw.Draw(layer)
        draw.text(
            (width - small, small * 1.4), label, font=font(small), fill=(255, 255, 255, 170), anchor="rm"
        )
    return layer


def wrapped(text: str, face: Font, widest: float) -> Iterator[str]:
    """Break `text` into lines of at most `widest` pixels; Chinese may break between any two characters."""
    line = ""
    for word in _WORD.findall(text):
        if line and face.getlength(line + word.rstrip()) > widest:
            yield line.strip()
            line = word.lstrip()
        else:
            line += word
    if line.strip():
        yield line.strip()


@cache
def font(points: int) -> Font:
    """The best font of this machine; Pillow's own where there is none."""
    path = _font_file()
    return ImageFont.truetype(str(path), points) if path else ImageFont.load_default(points)


@cache
def _font_file() -> Path | None:
    found: dict[str, Path] = {}
    for folder in _FOLDERS:
        root = Path(folder).expanduser()
        if not root.is_dir():
            continue
        for path in sorted(root.rglob("*.tt[cf]")) + sorted(root.rglob("*.otf")):
            found.setdefault(path.stem, path)
    return next((found[name] for name in _FONTS if name in found), None)


def _shade(size: tuple[int, int], depth: float) -> Image.Image:
    """A darkness that grows towards the lower edge over `depth` pixels."""
    height = size[1]
    column = Image.new("L", (1, height))
    top = height - depth
    column.putdata([int(max(0.0, (row - top) / depth) ** 0.8 * 165) for row in range(height)])
    shade = Image.new("RGBA", size, (8, 10, 22, 0))
    shade.putalpha(column.resize(size))
    return shade


def _written(layer: Image.Image, lines: list[str], face: Font, points: int) -> Image.Image:
    width, height = layer.size
    for fill, blur in (((0, 0, 0, 190), max(2, points // 8)), ((255, 255, 255, 255), 0)):
        text = Image.new("RGBA", layer.size, (fill[0], fill[1], fill[2], 0))
        draw = ImageDraw.Draw(text)
        for number, line in enumerate(reversed(lines)):
            y = height - points * 1.25 - number * points * 1.4
            draw.text((width / 2, y), line, font=face, fill=fill, anchor="mm")
        layer = Image.alpha_composite(layer, text.filter(ImageFilter.GaussianBlur(blur)) if blur else text)
    return layer
