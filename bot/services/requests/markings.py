"""Marking something in a video before it is changed: frames to point at, and what was pointed at so far."""

import asyncio
import json
from pathlib import Path

from pydantic import ValidationError

from bot.domain.requests.marking import Marking, Still
from bot.domain.requests.request import GenerationRequest
from bot.domain.types import UserId
from bot.errors import UserError
from bot.media.grid import draw_grid
from bot.services.requests.attachments import Attachments
from bot.services.requests.questions import Questions
from bot.services.requests.videos import Videos
from bot.store import Store


class Markings:
    """Keeps each step under a token: a button of an older step goes on from there, also after a restart."""

    def __init__(
        self, *, store: Store, videos: Videos, attachments: Attachments, questions: Questions
    ) -> None:
        self._store = store
        self._videos = videos
        self._attachments = attachments
        self._questions = questions

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

    async def save(self, marking: Marking, user_id: UserId) -> str:
        """Keep a step; its token."""
        return await self._questions.save_words(user_id, json.dumps(marking.model_dump(mode="json")))

    async def get(self, token: str, user_id: UserId) -> Marking:
        """The step of a token.

        Raises:
            UserError: it is another person's, or kept no longer.

        """
        saved = await self._questions.saved_words(user_id, token)
        if saved is None:
            raise UserError("error.button.stale")
        try:
            return Marking.model_validate_json(saved)
        except ValidationError:
            raise UserError("error.button.stale") from None

    async def draw(self, marking: Marking) -> bytes:
        """The frame that is shown as a JPEG, with its grid and what is marked in it.

        Raises:
            UserError: it is kept no longer.

        """
        image = marking.still.image
        jpeg = (await self._store.drafts.get_attachments([image])).get(image.sha256)
        if jpeg is None:
            raise UserError("error.button.stale")
        points = [(mark.x, mark.y) for mark in marking.shown_marks]
        grid = (marking.grid.columns, marking.grid.rows)
        return await asyncio.to_thread(draw_grid, jpeg, grid, points)
