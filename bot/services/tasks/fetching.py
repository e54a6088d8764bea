"""Results as files on disk: fetched from their provider, checked, and forgotten when they were used."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from bot.domain.requests.request import Product
from bot.domain.tasks.task import Delivery
from bot.kling.download import DownloadRefused
from bot.media.clips import picture_size, probe, sound_length, thumbnail
from bot.services.ports import ResultFile

SUFFIXES = {Product.VIDEO: ".mp4", Product.IMAGE: ".png", Product.AUDIO: ".mp3"}


class Fetch(Protocol):
    """Streams a result to a file. Raises the errors of `bot.kling.download`."""

    async def __call__(self, url: str, target: Path, kind: Product) -> None:
        """Write what is at `url`, which must be of a kind, to `target`."""
        ...


class ResultFiles:
    """Opens results as files in `directory`. Of videos above `max_upload` bytes only the size is told."""

    def __init__(self, fetch: Fetch, directory: Path, max_upload: int) -> None:
        self._fetch = fetch
        self.directory = directory
        self.max_upload = max_upload

    @asynccontextmanager
    async def open(self, delivery: Delivery, directory: Path | None = None) -> AsyncIterator[ResultFile]:
        """Fetch a result, check it, and forget the file afterwards; `directory` in place of the usual one.

        Raises:
            DownloadRefused, DownloadGone, DownloadFailed: see `bot.kling.download`.
            NotAVideo: it is not what it should be.

        """
        if delivery.video is None:
            raise DownloadRefused("the outbox row names no result")
        kind = Product(delivery.kind)
        target = (directory or self.directory) / f"{delivery.task.id}-{delivery.position}{SUFFIXES[kind]}"
        cover = target.with_suffix(".cover.jpg")
        try:
            await self._fetch(delivery.video.url, target, kind)
            yield await self._checked(kind, target, cover)
        finally:
            target.unlink(missing_ok=True)
            cover.unlink(missing_ok=True)

    async def _checked(self, kind: Product, target: Path, cover: Path) -> ResultFile:
        size = target.stat().st_size
        if kind is Product.IMAGE:
            width, height = await asyncio.to_thread(picture_size, target)
            return ResultFile(target, width, height, None, size)
        if kind is Product.AUDIO:
            return ResultFile(target, None, None, await asyncio.to_thread(sound_length, target), size)
        if size > self.max_upload:
            # It will be offered by its address: nothing of it need be known.
            return ResultFile(target, None, None, None, size)
        info = await asyncio.to_thread(probe, target)
        await asyncio.to_thread(thumbnail, target, cover)
        return ResultFile(target, info.width, info.height, info.duration_ms, size, cover)
