"""Marking something in a picture before a request is made: what is shown, and what was marked so far."""

import asyncio
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from bot.domain.requests.marking import Area, Brushing, Marking, Still
from bot.domain.requests.request import BrushStroke, GenerationRequest, ImageRef, MotionBrush, Part
from bot.domain.types import UserId
from bot.errors import UserError
from bot.media.grid import LONGEST_SIDE, Shade, draw_grid
from bot.media.masks import draw_mask
from bot.services.requests.attachments import Attachments
from bot.services.requests.questions import Questions
from bot.services.requests.videos import Videos

S = TypeVar("S", bound=Part)

COLOURS = (
    (116, 255, 82),
    (255, 196, 0),
    (0, 200, 255),
    (255, 90, 205),
    (255, 120, 60),
    (150, 110, 255),
)
"""Of areas that move, in their order; the first is the one in which the vendor's sample draws what is selected."""

STILL_COLOUR = (120, 120, 120)


class Steps:
    """Keeps each step under a token: a button of an older step goes on from there, also after a restart."""

    def __init__(self, *, attachments: Attachments, questions: Questions) -> None:
        self._attachments = attachments
        self._questions = questions

    async def save(self, step: Part, user_id: UserId) -> str:
        """Keep a step; its token."""
        return await self._questions.save_words(user_id, step.model_dump_json())

    async def get(self, kind: type[S], token: str, user_id: UserId) -> S:
        """The step of a token.

        Raises:
            UserError: it is another person's, or kept no longer.

        """
        saved = await self._questions.saved_words(user_id, token)
        if saved is None:
            raise UserError("error.button.stale")
        try:
            return kind.model_validate_json(saved)
        except ValidationError:
            raise UserError("error.button.stale") from None

    async def _image(self, image: ImageRef) -> bytes:
        kept = await self._attachments.get_image(image)
        if kept is None:
            raise UserError("error.button.stale")
        return kept


class Markings(Steps):
    """Marks something in a video by points in its frames."""

    def __init__(self, *, videos: Videos, attachments: Attachments, questions: Questions) -> None:
        super().__init__(attachments=attachments, questions=questions)
        self._videos = videos

    async def begin(
        self, request: GenerationRequest, video: Path, user_id: UserId, message_id: int | None
    ) -> Marking:
        """Nothing is marked yet in the frames of a video file.

        Raises:
            UserError: the file cannot be read.

        """
        stills = tuple(
            [
                Still(frame=each.frame, image=await self._attachments.save_image(jpeg, user_id))
                for each, jpeg in await self._videos.stills(video)
            ]
        )
        return Marking(request=request, stills=stills, message_id=message_id).with_marks(())

    async def draw(self, marking: Marking) -> bytes:
        """The frame that is shown as a JPEG, with its grid and what is marked in it.

        Raises:
            UserError: it is kept no longer.

        """
        jpeg = await self._image(marking.still.image)
        points = [(mark.x, mark.y) for mark in marking.shown_marks]
        grid = (marking.grid.columns, marking.grid.rows)
        return await asyncio.to_thread(draw_grid, jpeg, grid, points)


class Brushings(Steps):
    """Marks what moves in a photo by cells, and makes the masks of it."""

    async def draw(self, brushing: Brushing) -> bytes:
        """The photo as a JPEG, with its grid, its areas and their paths.

        Raises:
            UserError: it is kept no longer.

        """
        jpeg = await self._image(brushing.photo)
        return await asyncio.to_thread(_draw, jpeg, brushing)

    async def finish(self, brushing: Brushing, user_id: UserId) -> MotionBrush | None:
        """The brush as it was marked, its masks kept; None where nothing is marked.

        Raises:
            UserError: an area has no path yet.

        """
        if brushing.is_empty:
            return None
        if not brushing.is_complete:
            raise UserError("error.brush.no_path")
        strokes = tuple(
            [
                BrushStroke(
                    mask=await self._mask(brushing, area.cells, user_id), trajectory=brushing.trajectory(area)
                )
                for area in brushing.moving
            ]
        )
        still = await self._mask(brushing, brushing.still, user_id) if brushing.still else None
        return MotionBrush(strokes=strokes, still=still)

    async def _mask(self, brushing: Brushing, cells: tuple[int, ...], user_id: UserId) -> ImageRef:
        png = await asyncio.to_thread(_mask_of, brushing, cells)
        return await self._attachments.save_mask(png, brushing.photo, user_id)


def _mask_of(brushing: Brushing, cells: tuple[int, ...], scale: float = 1) -> bytes:
    """The mask of some cells in the photo's size, or in a part of it to be looked at."""
    size = (round(brushing.photo.width * scale), round(brushing.photo.height * scale))
    return draw_mask(size, [brushing.grid.box(cell, *size) for cell in cells])


def _draw(jpeg: bytes, brushing: Brushing) -> bytes:
    scale = min(1, LONGEST_SIDE / max(brushing.photo.width, brushing.photo.height))

    def shade(area: Area, number: int) -> Shade:
        mask = _mask_of(brushing, area.cells, scale)
        return Shade(mask, COLOURS[number % len(COLOURS)], brushing.route_of(area))

    shades = [shade(area, number) for number, area in enumerate(brushing.moving)]
    if brushing.still:
        shades.append(Shade(_mask_of(brushing, brushing.still, scale), STILL_COLOUR))
    return draw_grid(jpeg, (brushing.grid.columns, brushing.grid.rows), shades=shades)
