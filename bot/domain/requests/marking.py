"""Marking something in a picture by the cells of a grid: points in frames of a video, or what moves in a photo. Pure.

Of a photo, areas of cells have a path each, and others stay still.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from itertools import pairwise
from typing import Self

from bot.domain.requests.request import (
    LONGEST_TRAJECTORY,
    MOST_MARKS,
    MOST_STROKES,
    ElementEdit,
    GenerationRequest,
    ImageRef,
    Mark,
    Part,
    Point,
)

SQUARE = 1.25
"""Up to how many times as long as the other a side may be for the grid to have as many columns as rows."""


@dataclass(frozen=True, slots=True)
class Grid:
    """So many columns and rows of cells, which are numbered from 1, line by line."""

    columns: int
    rows: int

    @classmethod
    def of(cls, width: int, height: int, *, fine: bool = False) -> Self:
        """The grid of a frame: its cells are nearly square, and their buttons fit the screen of a phone.

        A `fine` one has as many cells as fit there.
        """
        if width > height * SQUARE:
            return cls(8, 6) if fine else cls(7, 4)
        if height > width * SQUARE:
            return cls(6, 8) if fine else cls(4, 7)
        return cls(7, 7) if fine else cls(5, 5)

    @property
    def cells(self) -> int:
        """How many there are."""
        return self.columns * self.rows

    def centre(self, cell: int) -> tuple[float, float]:
        """Where the middle of a cell is, from 0 to 1; the origin is at the top left."""
        row, column = divmod(cell - 1, self.columns)
        return round((column + 0.5) / self.columns, 4), round((row + 0.5) / self.rows, 4)

    def box(self, cell: int, width: int, height: int) -> tuple[int, int, int, int]:
        """The pixels of a cell in a picture of that size: left, top, right and bottom, the last two not included."""
        row, column = divmod(cell - 1, self.columns)
        return (
            width * column // self.columns,
            height * row // self.rows,
            width * (column + 1) // self.columns,
            height * (row + 1) // self.rows,
        )


class Still(Part):
    """A frame of a video, by its number counted from 0, and its picture."""

    frame: int
    image: ImageRef


class Marking(Part):
    """What somebody is marking in a video: the request as far as it is known, and which of some frames they see."""

    request: GenerationRequest
    stills: tuple[Still, ...]
    shown: int = 0
    message_id: int | None = None
    before: str = ""

    @property
    def still(self) -> Still:
        """The frame that is shown."""
        return self.stills[self.shown % len(self.stills)]

    @property
    def grid(self) -> Grid:
        """The grid on the frame that is shown."""
        return Grid.of(self.still.image.width, self.still.image.height)

    @property
    def marks(self) -> Sequence[Mark]:
        """Everything that is marked, in order."""
        return () if self.request.edit is None else self.request.edit.marks

    @property
    def shown_marks(self) -> Sequence[Mark]:
        """What is marked in the frame that is shown."""
        return [mark for mark in self.marks if mark.frame == self.still.frame]

    @property
    def is_full(self) -> bool:
        """Whether the frame that is shown takes no more marks."""
        return len(self.shown_marks) >= MOST_MARKS

    def with_marks(self, marks: Sequence[Mark]) -> "Marking":
        """The same with other marks."""
        edit = (
            None
            if self.request.edit is None
            else self.request.edit.model_copy(update={"marks": tuple(marks)})
        )
        return self.model_copy(update={"request": self.request.model_copy(update={"edit": edit})})

    def toggle(self, cell: int) -> "Marking":
        """The same with a cell marked, or no longer."""
        x, y = self.grid.centre(cell)
        mark = Mark(frame=self.still.frame, x=x, y=y)
        others = [each for each in self.marks if each != mark]
        return self.with_marks(others if len(others) < len(self.marks) else [*others, mark])

    def turn(self) -> "Marking":
        """The same with the next frame."""
        return self.model_copy(update={"shown": (self.shown + 1) % len(self.stills)})

    def as_addition(self) -> GenerationRequest:
        """The request that adds what its picture shows, in the place of swapping something for it."""
        return self.request.model_copy(update={"edit": ElementEdit(mode="addition")})


# -- the motion brush ---------------------------------------------------------------------------------


LONGEST_PATH = LONGEST_TRAJECTORY - 1
"""Places of a path behind the one that it begins at."""

Place = tuple[float, float]
"""A place in a photo, from 0 to 1 each way; the origin is at the top left."""


class Stage(StrEnum):
    """What is being said: which cells move together, where they go, or which stay as they are."""

    AREA = auto()
    PATH = auto()
    STILL = auto()


class Direction(StrEnum):
    """Which way a path goes on by a cell."""

    LEFT = auto()
    RIGHT = auto()
    UP = auto()
    DOWN = auto()


_STEPS = {Direction.LEFT: (-1, 0), Direction.RIGHT: (1, 0), Direction.UP: (0, -1), Direction.DOWN: (0, 1)}


class Area(Part):
    """Cells that move together, and the places where they go, one after another."""

    cells: tuple[int, ...] = ()
    path: tuple[Place, ...] = ()


class Brushing(Part):
    """What somebody marks in the first frame of a request; the last of its areas is the one that is being marked.

    `card` names the card that the request is on; empty: it is on none yet. `model` is the one that the person wants.
    `before` is the token of the step before, `message_id` what the video will reply to.
    """

    request: GenerationRequest
    areas: tuple[Area, ...] = (Area(),)
    still: tuple[int, ...] = ()
    stage: Stage = Stage.AREA
    card: str = ""
    model: str = ""
    message_id: int | None = None
    before: str = ""

    @property
    def photo(self) -> ImageRef:
        """The photo that is marked."""
        if self.request.first_frame is None:
            raise ValueError("there is no photo to mark")
        return self.request.first_frame

    @property
    def grid(self) -> Grid:
        """The grid on the photo."""
        return Grid.of(self.photo.width, self.photo.height, fine=True)

    @property
    def current(self) -> Area:
        """The area that is being marked."""
        return self.areas[-1]

    @property
    def moving(self) -> tuple[Area, ...]:
        """The areas with something in them."""
        return tuple(area for area in self.areas if area.cells)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is marked."""
        return not (self.moving or self.still)

    @property
    def is_complete(self) -> bool:
        """Whether every area has its path."""
        return all(area.path for area in self.moving)

    @property
    def is_path_full(self) -> bool:
        """Whether the path of the area can go on no further."""
        return len(self.current.path) >= LONGEST_PATH

    @property
    def takes_more(self) -> bool:
        """Whether there may be another area."""
        return len(self.moving) < MOST_STROKES

    def tap(self, cell: int) -> "Brushing":
        """The same with a cell of the grid tapped: a part of the area, the next place of its path, or still.

        A cell is in one area only: the one that it was tapped for last.
        """
        if self.stage is Stage.PATH:
            return self.go_to(self.grid.centre(cell))
        if self.stage is Stage.STILL:
            still = _toggled(self.still, cell)
            areas = [_without(area, cell) for area in self.areas] if cell in still else self.areas
            return self.model_copy(update={"still": still, "areas": _kept(areas)})
        cells = _toggled(self.current.cells, cell)
        others = [_without(area, cell) for area in self.areas[:-1]]
        return self.model_copy(
            update={
                "areas": (*(area for area in others if area.cells), Area(cells=cells)),
                "still": tuple(each for each in self.still if each != cell),
            }
        )

    def start_of(self, area: Area) -> Place:
        """Where an area's path begins: in the middle of that of its cells that is nearest to the middle of all."""
        centres = [self.grid.centre(cell) for cell in area.cells]
        across, down = (sum(values) / len(centres) for values in zip(*centres, strict=True))
        return min(centres, key=lambda place: (place[0] - across) ** 2 + (place[1] - down) ** 2)

    def route_of(self, area: Area) -> tuple[Place, ...]:
        """An area's path with its beginning."""
        return (self.start_of(area), *area.path)

    def go(self, direction: Direction) -> "Brushing":
        """The same whose path goes on by a cell, as far as the photo reaches."""
        across, down = _STEPS[direction]
        x, y = self.route_of(self.current)[-1]
        return self.go_to((_within(x + across / self.grid.columns), _within(y + down / self.grid.rows)))

    def go_to(self, place: Place) -> "Brushing":
        """The same whose path goes on to a place; it stays as it is where it is there already."""
        if place == self.route_of(self.current)[-1]:
            return self
        area = self.current.model_copy(update={"path": (*self.current.path, place)})
        return self.model_copy(update={"areas": (*self.areas[:-1], area)})

    def at(self, stage: Stage) -> "Brushing":
        """The same where something else is said: a path for the area, another area, or what stays still."""
        areas: Iterable[Area] = self.areas
        if stage is Stage.AREA:
            areas = (*self.moving, Area())
        return self.model_copy(update={"stage": stage, "areas": _kept(areas)})

    def cleared(self) -> "Brushing":
        """The same with nothing marked."""
        return self.model_copy(update={"areas": (Area(),), "still": (), "stage": Stage.AREA})

    def trajectory(self, area: Area) -> tuple[Point, ...]:
        """An area's path in pixels of the photo, counted from its bottom left (Kling API, image2video)."""
        width, height = self.photo.width, self.photo.height
        points = [
            Point(x=min(width - 1, round(x * width)), y=height - 1 - min(height - 1, round(y * height)))
            for x, y in self.route_of(area)
        ]
        return tuple(points[:1] + [point for last, point in pairwise(points) if point != last])


def _toggled(cells: tuple[int, ...], cell: int) -> tuple[int, ...]:
    return tuple(each for each in cells if each != cell) if cell in cells else (*cells, cell)


def _without(area: Area, cell: int) -> Area:
    if cell not in area.cells:
        return area
    return area.model_copy(update={"cells": tuple(each for each in area.cells if each != cell)})


def _kept(areas: Iterable[Area]) -> tuple[Area, ...]:
    """The areas without those that have lost all of their cells; the last stays."""
    *others, last = areas
    return (*(area for area in others if area.cells), last)


def _within(place: float) -> float:
    return round(min(1.0, max(0.0, place)), 4)
