"""One film of two: what goes on from a video is sent behind it, so that it is the longer video that was asked for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from bot.domain.requests.request import VideoRef
from bot.domain.tasks.task import Delivery
from bot.media.clips import NotAVideo
from bot.media.copies import CopyWorker
from bot.media.fitting import NoCopy
from bot.services.ports import ResultFile
from bot.services.tasks.downloads import checked

log = structlog.get_logger(__name__)


class Joins:
    """Joins results with the videos that they go on from; `path` is where these are kept.

    A film of more than `max_bytes` is not made.
    """

    def __init__(self, *, worker: CopyWorker, path: Callable[[VideoRef], Path], max_bytes: int) -> None:
        self._worker = worker
        self._path = path
        self._max_bytes = max_bytes

    async def join(self, delivery: Delivery, file: ResultFile, target: Path) -> ResultFile:
        """Write both films to `target`; the new one as it is where it goes on from none, or they cannot be joined."""
        before = delivery.task.request.continues
        if before is None or not delivery.is_film:
            return file
        first = self._path(before.file)
        if not first.is_file():
            log.info("the video that a result goes on from is gone", task=delivery.task.id)
            return file
        try:
            await self._worker.join(first, file.path, target, self._max_bytes)
            joined = await checked(delivery.product, target, file.thumbnail or target.with_suffix(".jpg"))
        except (NoCopy, NotAVideo, OSError) as error:
            log.warning("two films do not become one", task=delivery.task.id, reason=str(error))
            return file
        return replace(joined, made=file)
