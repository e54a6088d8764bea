"""Where results come from: every address of one is tried in turn, until a file is there that is what it should be."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import httpx
import structlog

from bot.domain.requests.operations import Product
from bot.domain.requests.request import VideoRef
from bot.domain.tasks.task import Delivery
from bot.domain.types import ProviderName
from bot.kling.addresses import Home, candidates, is_local
from bot.kling.download import (
    DownloadFailed,
    DownloadGone,
    DownloadRefused,
    DownloadTooLarge,
    DownloadUntrusted,
    Egress,
    Tempo,
    download,
)
from bot.kling.pool import ProviderPool
from bot.media.clips import NotAVideo
from bot.media.copies import CopyWorker
from bot.services.tasks.copies import Copies
from bot.services.tasks.downloads import NOT_THERE, ResultFiles
from bot.services.tasks.joins import Joins
from bot.settings import sections

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sources:
    """Results as files. `files` are as large as the chat takes, `originals` larger; `copies` are smaller than they are.

    `fetch_file` brings what else an answer of a provider names, such as the picture of a face.
    """

    files: ResultFiles
    originals: ResultFiles
    copies: Copies
    fetch_file: Callable[[ProviderName, str, Path, Product], Awaitable[object]]


def sources(
    *,
    egresses: Mapping[ProviderName | None, Egress],
    pool: ProviderPool,
    settings: sections.Delivery,
    directory: Path,
    worker: CopyWorker,
    max_upload: int,
    max_source: int,
    max_file: int,
    film_path: Callable[[VideoRef], Path],
) -> Sources:
    """Put together what brings results, each by the egress of its provider (None: of all others): at most `max_upload` bytes of one to a chat, `max_source` into a copy.

    What is fetched beside has at most `max_file` bytes. `film_path` is where a kept video is.
    """

    def fetcher(max_bytes: int) -> ResultFetcher:
        return ResultFetcher(
            egresses=egresses,
            pool=pool,
            max_bytes=max_bytes,
            allow_loopback=settings.allow_loopback,
            tempo=Tempo(settings.min_speed_kb * 1000, settings.download_timeout),
        )

    whole = fetcher(max(max_upload, max_source))
    return Sources(
        files=ResultFiles(
            fetch=fetcher(max_upload),
            directory=directory,
            join=Joins(worker=worker, path=film_path, max_bytes=max_upload).join,
        ),
        originals=ResultFiles(fetch=whole, directory=directory),
        copies=Copies(
            fetch=whole, worker=worker, directory=directory, max_bytes=max_upload, max_source=max_source
        ),
        fetch_file=fetcher(max_file).fetch_file,
    )


class ResultFetcher:
    """See `bot.services.tasks.downloads.Fetch`. The key of a result's provider goes to the provider alone."""

    def __init__(
        self,
        *,
        egresses: Mapping[ProviderName | None, Egress],
        pool: ProviderPool,
        max_bytes: int,
        allow_loopback: bool,
        tempo: Tempo,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._egresses = egresses
        self._pool = pool
        self._max_bytes = max_bytes
        self._allow_loopback = allow_loopback
        self._tempo = tempo
        self._seconds = seconds

    async def __call__(self, delivery: Delivery, target: Path, check: Callable[[Path], Awaitable[T]]) -> T:
        """Write a result to `target`; what `check` makes of it. All its addresses together have the time of one."""
        if delivery.video is None:
            raise DownloadRefused("the outbox row names no result")
        home, began = self._home(delivery.task.provider), self._seconds()
        errors: list[Exception] = []
        for address in candidates(delivery.video.addresses, home):
            left = self._tempo.total_seconds
            if left is not None:
                left -= self._seconds() - began
            if errors and left is not None and left <= 0:
                break
            try:
                await download(
                    self._egress(delivery.task.provider),
                    address,
                    target,
                    max_bytes=self._max_bytes,
                    allow_loopback=self._allow_loopback,
                    kind=delivery.product,
                    tempo=replace(self._tempo, total_seconds=left),
                    home=home,
                )
                return await check(target)
            except DownloadTooLarge:
                raise
            except NOT_THERE as error:
                log.info("an address brings no result", task=delivery.task.id, reason=str(error))
                errors.append(error)
        raise min(errors, key=_hopeless)

    async def fetch_file(self, provider: ProviderName, url: str, target: Path, kind: Product) -> None:
        """Write a file of a provider's to `target`. Raises as `download` does."""
        await download(
            self._egress(provider),
            url,
            target,
            max_bytes=self._max_bytes,
            allow_loopback=self._allow_loopback,
            kind=kind,
            tempo=self._tempo,
            home=self._home(provider),
        )

    async def openable(self, delivery: Delivery) -> str | None:
        """The first address of a result that a person can open; None where all of them want the provider's key."""
        video, home = delivery.video, self._home(delivery.task.provider)
        for address in () if video is None else video.addresses:
            if await self._opens(address, home, self._egress(delivery.task.provider)):
                return address
        return None

    async def _opens(self, address: str, home: Home | None, egress: Egress) -> bool:
        try:
            url = httpx.URL(address)
            if not self._allow_loopback and (url.scheme != "https" or is_local(url.host)):
                return False
            if home is None or not home.is_origin_of(url):
                return True
            # A gateway may hand its files out to everybody, or to those who have a key.
            async with egress.http.stream("GET", url, follow_redirects=False) as response:
                return response.status_code // 100 in {2, 3}
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError):
            return False

    def _egress(self, provider: ProviderName | None) -> Egress:
        return self._egresses.get(provider) or self._egresses[None]

    def _home(self, provider: ProviderName | None) -> Home | None:
        client = None if provider is None else self._pool.find(provider)
        return None if client is None else client.home()


def _hopeless(error: Exception) -> int:
    """How little waiting helps, from 0: of several addresses the one counts that may yet bring the result."""
    match error:
        case DownloadUntrusted():
            return 1
        case DownloadFailed():
            return 0
        case DownloadGone():
            return 2
        case NotAVideo():
            return 3
        case _:
            return 4
