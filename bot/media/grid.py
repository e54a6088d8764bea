"""A frame of a video with a numbered grid, on which people say what is to be changed. Pure, but for its time: call it in a thread."""

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

WHITE = (255, 255, 255, 255)
LINE = (255, 255, 255, 150)
SHADOW = (0, 0, 0, 140)
MARKED = (116, 255, 82, 110)
"""The colour in which the vendor's sample draws what is selected, let through more of the frame."""

POINT = (255, 60, 60, 255)
HALF = 127
GAP = 5
"""Pixels between a number and the lines."""


MOST_PIXELS = 5_000_000
"""Pixels of a mask; the largest video that can be marked has 4.7 million."""


def draw_grid(
    jpeg: bytes,
    grid: tuple[int, int],
    marks: Iterable[tuple[float, float]],
    masks: Iterable[bytes] = (),
) -> bytes:
    """A frame as a JPEG with the columns and rows of a grid, points, and what the provider found around these.

    Points go from 0 to 1, from the top left. Cells are numbered from 1, line by line. `masks` are PNGs of the frame's
    shape in which what was found is bright, or opaque; one that cannot be read is left out.
    """
    from PIL import Image, ImageDraw, ImageFont

    with Image.open(io.BytesIO(jpeg), formats=("JPEG", "PNG")) as opened:
        frame = opened.convert("RGBA")
    width, height = frame.size
    for mask in masks:
        if (found := _read(mask, frame.size)) is not None:
            frame.paste(MARKED[:3], (0, 0), found.point(lambda light: MARKED[3] if light > HALF else 0))
    layer = Image.new("RGBA", frame.size)
    pen = ImageDraw.Draw(layer)
    columns, rows = grid
    for column in range(1, columns):
        across = width * column // columns
        pen.line((across, 0, across, height), fill=LINE, width=2)
    for row in range(1, rows):
        down = height * row // rows
        pen.line((0, down, width, down), fill=LINE, width=2)
    font = ImageFont.load_default(size=max(18, min(width, height) // 24))
    for cell in range(columns * rows):
        row, column = divmod(cell, columns)
        corner = (width * column // columns + GAP, height * row // rows + GAP)
        pen.text(corner, str(cell + 1), fill=WHITE, font=font, stroke_width=2, stroke_fill=SHADOW)
    reach = max(6, min(width, height) // 60)
    for x, y in marks:
        box = (x * width - reach, y * height - reach, x * width + reach, y * height + reach)
        pen.ellipse(box, fill=POINT, outline=WHITE, width=3)
    frame.alpha_composite(layer)
    target = io.BytesIO()
    frame.convert("RGB").save(target, "JPEG", quality=85)
    return target.getvalue()


def _read(mask: bytes, size: tuple[int, int]) -> "Image.Image | None":
    """What is bright in a mask, or opaque where that says more, in the size of the frame."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(mask), formats=("PNG",)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            read = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    alpha = read.getchannel("A")
    is_cut_out = alpha.getextrema() != (255, 255)
    return (alpha if is_cut_out else read.convert("L")).resize(size)
