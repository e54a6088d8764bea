"""Charts as PNG pictures, drawn with Pillow: stacked columns by day, a line of shares, and bars by name.

The colours are told apart by people who see few of them, and every number that matters is written beside its bar.
"""

import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

WIDTH = 1280
MARGIN = 48
GAP = 40
HEADING = 34
TITLE = 24
SMALL = 18

INK, PALE, LINE, PAPER = "#1f2933", "#627181", "#dde3e9", "#ffffff"
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6bb1")
"""After Okabe and Ito. The last series takes together what has no colour of its own."""

_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/System/Library/Fonts/PingFang.ttc",
)
"""Fonts with Chinese letters; without one the charts speak English, whose letters Pillow brings along."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Stacked columns: a number a label for each series, the most important series first."""

    title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[int]]
    height: int = 330


@dataclass(frozen=True, slots=True)
class Shares:
    """A line of shares between 0 and 1; None leaves a point out."""

    title: str
    labels: Sequence[str]
    shares: Sequence[float | None]
    height: int = 240


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars by name, each with a value and with what is written beside it; `marks` are second values."""

    title: str
    rows: Sequence[tuple[str, float, str]]
    marks: Sequence[float] = ()

    @property
    def height(self) -> int:
        """Pixels: as many rows as there are."""
        return TITLE + 24 + max(1, len(self.rows)) * 38


Panel = Columns | Shares | Bars


def has_all_letters() -> bool:
    """Whether Chinese can be written on the charts of this machine."""
    return _path() is not None


@cache
def _path() -> str | None:
    return next((path for path in _FONTS if Path(path).exists()), None)


@cache
def _font(points: int) -> "Font":
    from PIL import ImageFont

    path = _path()
    return ImageFont.load_default(points) if path is None else ImageFont.truetype(path, points)


def draw(heading: str, panels: Sequence[Sequence[Panel]], nothing: str) -> bytes:
    """A PNG of rows of one or two panels; `nothing` is written where a panel has no figures."""
    from PIL import Image, ImageDraw

    height = MARGIN * 2 + HEADING + 16 + sum(max(panel.height for panel in row) + GAP for row in panels)
    image = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, MARGIN - 8), heading, INK, _font(HEADING))
    y = MARGIN + HEADING + 24
    for row in panels:
        width = (WIDTH - MARGIN * 2 - GAP * (len(row) - 1)) // len(row)
        for number, panel in enumerate(row):
            _panel(pen, panel, (MARGIN + number * (width + GAP), y), width, nothing)
        y += max(panel.height for panel in row) + GAP
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _panel(pen: "ImageDraw.ImageDraw", panel: Panel, at: tuple[int, int], width: int, nothing: str) -> None:
    x, y = at
    pen.text((x, y), panel.title, INK, _font(TITLE))
    if isinstance(panel, Bars):
        empty = not panel.rows
    elif isinstance(panel, Columns):
        empty = not any(any(numbers) for numbers in panel.series.values())
    else:
        empty = all(share is None for share in panel.shares)
    if empty:
        pen.text((x, y + TITLE + 20), nothing, PALE, _font(SMALL))
    elif isinstance(panel, Columns):
        _columns(pen, panel, (x, y + TITLE + 16), width)
    elif isinstance(panel, Shares):
        _shares(pen, panel, (x, y + TITLE + 16), width)
    else:
        _bars(pen, panel, (x, y + TITLE + 20), width)


def _columns(pen: "ImageDraw.ImageDraw", panel: Columns, at: tuple[int, int], width: int) -> None:
    x, y = at
    series = _few(panel.series)
    bottom = y + panel.height - TITLE - 76
    totals = [sum(numbers[index] for numbers in series.values()) for index in range(len(panel.labels))]
    top = _round_up(max(totals))
    left = _scale(pen, (x, y + 34), bottom, width, [f"{top * part // 4:,}" for part in range(5)])
    step = (x + width - left) / len(panel.labels)
    _legend(pen, (left, y - 2), x + width, list(series))
    for index in range(len(panel.labels)):
        base = float(bottom)
        for number, numbers in enumerate(series.values()):
            tall = (bottom - y - 34) * numbers[index] / top
            if tall:
                box = (
                    left + step * index + step * 0.14,
                    base - tall,
                    left + step * (index + 1) - step * 0.14,
                    base,
                )
                pen.rectangle(box, COLOURS[number])
            base -= tall
    _labels(pen, panel.labels, left, step, bottom)


def _shares(pen: "ImageDraw.ImageDraw", panel: Shares, at: tuple[int, int], width: int) -> None:
    x, y = at
    bottom = y + panel.height - TITLE - 60
    left = _scale(pen, (x, y + 8), bottom, width, [f"{part * 25} %" for part in range(5)])
    step = (x + width - left) / len(panel.labels)
    points = [
        None if share is None else (left + step * (index + 0.5), bottom - (bottom - y - 8) * share)
        for index, share in enumerate(panel.shares)
    ]
    known = [point for point in points if point is not None]
    for before, after in itertools.pairwise(known):
        pen.line((*before, *after), COLOURS[0], 3)
    for px, py in known:
        pen.ellipse((px - 5, py - 5, px + 5, py + 5), COLOURS[0])
    _labels(pen, panel.labels, left, step, bottom)


def _bars(pen: "ImageDraw.ImageDraw", panel: Bars, at: tuple[int, int], width: int) -> None:
    x, y = at
    font = _font(SMALL)
    names = max(font.getlength(name) for name, _, _ in panel.rows)
    texts = max(font.getlength(text) for _, _, text in panel.rows)
    left = x + min(names, width * 0.45) + 14
    room = x + width - texts - 14 - left
    largest = max(*(value for _, value, _ in panel.rows), *panel.marks, 1e-9)
    for number, (name, value, text) in enumerate(panel.rows):
        middle = y + number * 38 + 14
        pen.text((x, middle), _cut(name, font, width * 0.45), INK, font, anchor="lm")
        long = max(2.0, room * value / largest)
        pen.rectangle((left, middle - 11, left + long, middle + 11), COLOURS[0])
        end = left + long
        if panel.marks:
            mark = left + room * panel.marks[number] / largest
            pen.line((end, middle, mark, middle), COLOURS[5], 3)
            pen.line((mark, middle - 9, mark, middle + 9), COLOURS[5], 3)
            end = max(end, mark)
        pen.text((end + 10, middle), text, PALE, font, anchor="lm")


def _scale(
    pen: "ImageDraw.ImageDraw", at: tuple[int, int], bottom: int, width: int, marks: Sequence[str]
) -> float:
    """Lines across with their numbers, the lowest first; where the room for figures begins."""
    x, y = at
    font = _font(SMALL)
    left = x + max(font.getlength(mark) for mark in marks) + 12
    for number, mark in enumerate(marks):
        height = bottom - (bottom - y) * number / (len(marks) - 1)
        pen.line((left, height, x + width, height), LINE, 1)
        pen.text((left - 10, height), mark, PALE, font, anchor="rm")
    return left


def _labels(pen: "ImageDraw.ImageDraw", labels: Sequence[str], left: float, step: float, bottom: int) -> None:
    """As many labels as fit without touching each other; the last one is always among them."""
    font = _font(SMALL)
    every = max(1, -(-int(max(font.getlength(label) for label in labels) + 16) // max(1, int(step))))
    for index in range(len(labels) - 1, -1, -every):
        pen.text((left + step * (index + 0.5), bottom + 18), labels[index], PALE, font, anchor="mm")


def _legend(pen: "ImageDraw.ImageDraw", at: tuple[float, int], right: float, names: Sequence[str]) -> None:
    x, y = at
    font = _font(SMALL)
    for number, name in enumerate(names):
        needed = 26 + font.getlength(name)
        if x + needed > right:
            return
        pen.rectangle((x, y + 3, x + 16, y + 19), COLOURS[number])
        pen.text((x + 22, y + 11), name, INK, font, anchor="lm")
        x += needed + 18


def _few(series: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """No more series than there are colours: the smaller ones are taken together."""
    names = list(series)
    if len(names) <= len(COLOURS):
        return dict(series)
    kept = {name: series[name] for name in names[: len(COLOURS) - 1]}
    rest = [series[name] for name in names[len(COLOURS) - 1 :]]
    kept["…"] = [sum(numbers) for numbers in zip(*rest, strict=True)]
    return kept


def _round_up(number: int) -> int:
    """The next number that can be parted into four whole ones and reads well."""
    step = 1
    while True:
        for base in (4, 8, 12, 20, 40):
            if base * step >= number:
                return base * step
        step *= 10


def _cut(text: str, font: "Font", width: float) -> str:
    while text and font.getlength(text) > width:
        text = text[:-2] + "…" if len(text) > 2 else ""
    return text
