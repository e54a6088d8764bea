"""Results on their way from a provider to a file, and the slots that they share."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from bot.domain.requests.operations import Product
from bot.domain.tasks.task import Delivery
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused
from bot.media.clips import NotAVideo, image_size, probe, sound_length, thumbnail
from bot.services.ports import ResultFile

T = TypeVar("T")

NOT_THERE = (DownloadFailed, DownloadGone, DownloadRefused, NotAVideo)
"""A file does not come from its provider: not now, or not at all."""

DOWNLOADS_AT_ONCE = 12
HOST_SHARE = 6
"""How many of them may come from one host: one that is slow leaves the rest to the others."""


class Fetch(Protocol):
    """Brings results from their providers. Raises the errors of `bot.kling.download`, and what a check raises."""

    async def __call__(self, delivery: Delivery, target: Path, check: Callable[[Path], Awaitable[T]]) -> T:
        """Write a result to `target`, and return what `check` makes of it; what it refuses is looked for elsewhere."""
        ...

    async def openable(self, delivery: Delivery) -> str | None:
        """The address of a result that a person can open; None where there is none."""
        ...


RESULT_DIRECTORY = "result-"
"""How the directories begin that results are fetched into."""

Join = Callable[[Delivery, ResultFile, Path], Awaitable[ResultFile]]
"""Puts a result behind the video that it goes on from, into one file at a path; the result as it is where it cannot."""


class ResultFiles:
    """Opens results as files in `directory`, as far as they are small enough to be sent; `join` makes one film of two."""

    def __init__(self, *, fetch: Fetch, directory: Path, join: Join | None = None) -> None:
        self._fetch = fetch
        self._join = join
        self.directory = directory

    @asynccontextmanager
    async def open(self, delivery: Delivery, directory: Path | None = None) -> AsyncIterator[ResultFile]:
        """Fetch a result, check it, and forget the file afterwards; `directory` in place of the usual one.

        Each time it is a file of its own: a result may be shown anew while it is still being delivered.

        Raises:
            DownloadTooLarge: it can only be offered by its address.
            DownloadRefused, DownloadGone, DownloadFailed: see `bot.kling.download`.
            NotAVideo: it is not what it should be.

        """
        kind = delivery.product
        with TemporaryDirectory(prefix=RESULT_DIRECTORY, dir=directory or self.directory) as own:
            target = Path(own) / f"{delivery.task.id}-{delivery.position}{kind.row.suffix}"
            cover, joined = target.with_suffix(".cover.jpg"), target.with_suffix(".joined.mp4")
            file = await self._fetch(delivery, target, lambda path: checked(kind, path, cover))
            yield file if self._join is None else await self._join(delivery, file, joined)

    async def openable(self, delivery: Delivery) -> str | None:
        """The address of a result that a person can open; None where there is none."""
        return await self._fetch.openable(delivery)


async def checked(kind: Product, target: Path, cover: Path) -> ResultFile:
    """Return what a chat must know of a file; a film's first frame is written to `cover`.

    Raises:
        NotAVideo: it is not what it should be.

    """
    size = target.stat().st_size
    if kind.is_film:
        info = await asyncio.to_thread(probe, target)
        await asyncio.to_thread(thumbnail, target, cover)
        return ResultFile(target, info.width, info.height, info.duration_ms, size, cover)
    width, height = await asyncio.to_thread(image_size, target) if kind.row.has_size else (None, None)
    duration = await asyncio.to_thread(sound_length, target) if kind.row.has_duration else None
    return ResultFile(target, width, height, duration, size)


class DownloadSlots:
    """How many downloads run, in all and from each host. A host is the beginning of an address, up to its path."""

    def __init__(self, limit: int = DOWNLOADS_AT_ONCE, share: int = HOST_SHARE) -> None:
        self._limit = limit
        self._share = share
        self._hosts: Counter[str] = Counter()

    @property
    def free(self) -> int:
        """How many more could begin."""
        return self._limit - self._hosts.total()

    @property
    def full(self) -> list[str]:
        """The hosts that have their share."""
        return [host for host, count in self._hosts.items() if host and count >= self._share]

    def take(self, delivery: Delivery) -> "DownloadSlot":
        """Count a download, until its slot is given back."""
        return DownloadSlot(self._hosts, _host(delivery))


class DownloadSlot:
    """One of the slots; giving it back twice does no harm."""

    def __init__(self, hosts: Counter[str], host: str) -> None:
        self._hosts = hosts
        self._host: str | None = host
        hosts[host] += 1

    def give_back(self) -> None:
        """The download has ended."""
        if self._host is not None:
            self._hosts[self._host] -= 1
            self._host = None


def _host(delivery: Delivery) -> str:
    if delivery.video is None or delivery.file_id is not None:
        return ""
    try:
        place = urlsplit(delivery.video.url)
    except ValueError:
        return ""
    return f"{place.scheme}://{place.netloc}"
