"""Pictures that people name by a link: fetched by us, behind the guard that results pass, and never handed on.

A provider gets the picture's bytes, as with a photo; so the address of nobody's network leaves this machine.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import structlog

from bot.domain.requests.links import LONGEST
from bot.errors import UserError
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused

log = structlog.get_logger(__name__)

LARGEST_PICTURE = 20_000_000
"""Bytes; as much as a photo that is sent as a file may have."""

LONGEST_WAIT = 30.0
"""Seconds for one picture, whatever its server does in between."""

MOST_LINKS = 7
"""In one message; no model takes more pictures."""

FetchPicture = Callable[[str, Path], Awaitable[object]]
"""Saves a picture by its address, or raises what `bot.kling.download` raises."""


class Links:
    """Fetches pictures by their links, through a file in `directory`."""

    def __init__(self, fetch: FetchPicture, directory: Path, longest_wait: float = LONGEST_WAIT) -> None:
        self._fetch = fetch
        self._directory = directory
        self._longest_wait = longest_wait

    async def pictures(self, links: tuple[str, ...]) -> list[bytes]:
        """The pictures behind some links, in order.

        Raises:
            UserError: there are too many, or one leads to no picture that can be fetched.

        """
        if len(links) > MOST_LINKS:
            raise UserError("error.link.too_many", limit=MOST_LINKS)
        return [await self._picture(link) for link in links]

    async def _picture(self, link: str) -> bytes:
        host = _host(link)
        with TemporaryDirectory(prefix="link-", dir=self._directory) as directory:
            target = Path(directory) / "picture"
            try:
                async with asyncio.timeout(self._longest_wait):
                    await self._fetch(link, target)
            except DownloadRefused as error:
                log.info("a linked picture is refused", reason=str(error))
                megabytes = LARGEST_PICTURE // 1_000_000
                raise UserError("error.link.no_picture", host=host, limit=megabytes) from None
            except (DownloadGone, DownloadFailed, TimeoutError) as error:
                log.info("a linked picture could not be fetched", reason=str(error) or "it took too long")
                raise UserError("error.link.failed", host=host) from None
            return await asyncio.to_thread(target.read_bytes)


def _host(link: str) -> str:
    try:
        return (urlsplit(link[:LONGEST]).hostname or "")[:80]
    except ValueError:
        return ""
