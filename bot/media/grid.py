"""A picture with a numbered grid, on which people say what is to be changed or moved, and what they have said. Pure, but for its time: call it in a thread."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import atan2, cos, pi, sin
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import ImageDraw

WHITE = (255, 255, 255, 255)
LINE = (255, 255, 255, 150)
SHADOW = (0, 0, 0, 140)
POINT = (255, 60, 60, 255)
SHADE = 120
"""How much of the colour of a shade covers the picture, of 255."""

GAP = 5
"""Pixels between a number and the lines."""

LONGEST_SIDE = 1280
"""Pixels of the longer side of what is shown: Telegram shows photos no larger."""

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Shade:
    """A part of a picture in a colour: the white of a PNG of the picture's size, and a way through it.

    Places of the way go from 0 to 1, from the top left.
    """

    mask: bytes = field(repr=False)
    colour: Colour
    way: Sequence[tuple[float, float]] = ()


def draw_grid(
    jpeg: bytes,
    grid: tuple[int, int],
    marks: Iterable[tuple[float, float]] = (),
    shades: Iterable[Shade] = (),
) -> bytes:
    """A picture as a JPEG with the columns and rows of a grid, points, and shaded parts.

    Points go from 0 to 1, from the top left. Cells are numbered from 1, line by line.
    """
    from PIL import Image, ImageDraw, ImageFont

    with Image.open(io.BytesIO(jpeg), formats=("JPEG", "PNG")) as opened:
        opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        frame = opened.convert("RGBA")
    frame.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    width, height = frame.size
    layer = Image.new("RGBA", frame.size)
    pen = ImageDraw.Draw(layer)
    ways = []
    for shade in shades:
        with Image.open(io.BytesIO(shade.mask), formats=("PNG",)) as opened:
            covered = opened.convert("L").resize(frame.size)
        frame.paste(shade.colour, (0, 0), covered.point(lambda light: SHADE if light > SHADE else 0))
        ways.append([(x * width, y * height) for x, y in shade.way])
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
    for way in ways:
        _draw_way(pen, way, reach)
    for x, y in marks:
        _draw_point(pen, (x * width, y * height), reach)
    frame.alpha_composite(layer)
    target = io.BytesIO()
    frame.convert("RGB").save(target, "JPEG", quality=85)
    return target.getvalue()


def _draw_point(pen: "ImageDraw.ImageDraw", place: tuple[float, float], reach: float) -> None:
    x, y = place
    pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=POINT, outline=WHITE, width=3)


def _draw_way(pen: "ImageDraw.ImageDraw", way: Sequence[tuple[float, float]], reach: float) -> None:
    """A way from a point to the head of an arrow, on white so that it is seen on everything."""
    if not way:
        return
    if len(way) > 1:
        (x, y), (back_x, back_y) = way[-1], way[-2]
        angle = atan2(y - back_y, x - back_x)
        pen.line(way, fill=WHITE, width=round(reach * 0.9), joint="curve")
        pen.line(way, fill=POINT, width=round(reach * 0.5), joint="curve")
        corners = ((1.0, 0.0), (2.0, -0.8 * pi), (2.0, 0.8 * pi))
        head = [(x + far * reach * cos(angle + by), y + far * reach * sin(angle + by)) for far, by in corners]
        pen.polygon(head, fill=POINT, outline=WHITE, width=2)
    _draw_point(pen, way[0], reach * 0.8)
