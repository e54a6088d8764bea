"""Marking something in a frame of a video by the cells of a grid. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bot.domain.requests.request import MOST_MARKS, ElementEdit, GenerationRequest, ImageRef, Mark, Part

SQUARE = 1.25
"""Up to how many times as long as the other a side may be for the grid to have as many columns as rows."""


@dataclass(frozen=True, slots=True)
class Grid:
    """So many columns and rows of cells, which are numbered from 1, line by line."""

    columns: int
    rows: int

    @classmethod
    def of(cls, width: int, height: int) -> Self:
        """The grid of a frame: its cells are nearly square, and their buttons fit the screen of a phone."""
        if width > height * SQUARE:
            return cls(7, 4)
        return cls(4, 7) if height > width * SQUARE else cls(5, 5)

    @property
    def cells(self) -> int:
        """How many there are."""
        return self.columns * self.rows

    def centre(self, cell: int) -> tuple[float, float]:
        """Where the middle of a cell is, from 0 to 1; the origin is at the top left."""
        row, column = divmod(cell - 1, self.columns)
        return round((column + 0.5) / self.columns, 4), round((row + 0.5) / self.rows, 4)


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
