"""Smaller copies of results that are larger than the chat takes; the results themselves stay at their providers."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.domain.requests.operations import Product
from bot.domain.tasks.task import Delivery
from bot.kling.download import DownloadTooLarge
from bot.media.clips import NotAVideo, probe
from bot.media.copies import CopyWorker
from bot.media.fitting import NoCopy
from bot.services.ports import ResultFile
from bot.services.tasks.downloads import Fetch, checked

log = structlog.get_logger(__name__)

COPY_DIRECTORY = "copy-"
"""How the names of the directories begin that hold a film and its copy."""

COPY_TRIES = 3
"""So often a copy of one result is begun; what stops it each time would stop it for ever."""

SPARE_BYTES = 200_000_000
"""What stays free of the disk: the store needs room, too."""

CLOUD_BYTES = 50_000_000
"""What Telegram's own servers take (Bot API, "Sending files"), whatever the settings say."""


class Copies:
    """Makes copies that have at most `max_bytes`, of results that have at most `max_source` (0: of none).

    `free` tells how many bytes of a directory's disk are free.
    """

    def __init__(
        self,
        *,
        fetch: Fetch,
        worker: CopyWorker,
        directory: Path,
        max_bytes: int,
        max_source: int,
        free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self._fetch = fetch
        self._worker = worker
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_source = max_source
        self._free = free

    def are_made_of(self, delivery: Delivery, size: int | None) -> bool:
        """Whether a result of so many bytes (None: nobody knows) may get one."""
        is_film = delivery.is_film and delivery.video is not None
        return is_film and 0 < (size or 1) <= self._max_source

    @asynccontextmanager
    async def open(self, delivery: Delivery) -> AsyncIterator[tuple[ResultFile, int]]:
        """Make a copy of a result; it, and the bytes of the result itself.

        Raises:
            NoCopy: there is none that the chat would take.
            DownloadRefused, DownloadGone, DownloadFailed: the result is not to be had, see `bot.kling.download`.

        """
        if not self.are_made_of(delivery, delivery.size_bytes):
            raise NoCopy("it is too large, or copies are switched off")
        limit = self._limit(delivery.size_bytes)
        if self._free(self._directory) < (delivery.size_bytes or self._max_source) + limit + SPARE_BYTES:
            raise NoCopy("the disk has no room for it")
        with TemporaryDirectory(prefix=COPY_DIRECTORY, dir=self._directory) as name:
            source = Path(name) / "source.mp4"
            target = Path(name) / f"{delivery.task.id}-{delivery.position}.mp4"
            try:
                size = await self._fetch(delivery, source, _size)
                made = await self._worker.make(source, target, limit)
                await asyncio.to_thread(source.unlink)
                file = await checked(Product.VIDEO, target, target.with_suffix(".cover.jpg"))
            except (DownloadTooLarge, NotAVideo) as error:
                raise NoCopy(str(error)) from None
            log.info("a smaller copy is made", task=delivery.task.id, bytes=size, copy=made.size)
            yield file, size

    def _limit(self, size: int | None) -> int:
        """How large a copy may be: where the chat took less than was expected, it says nowhere how much."""
        if size is None or size > self._max_bytes:
            return self._max_bytes
        return CLOUD_BYTES if size > CLOUD_BYTES else size // 2


async def _size(path: Path) -> int:
    """How large a film is that can be read. Raises `NotAVideo`."""
    await asyncio.to_thread(probe, path)
    return path.stat().st_size
