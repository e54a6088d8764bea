"""Pictures and sounds that people send: made into what Kling takes, and kept until nothing needs them.

Pictures and videos that people name by a link are fetched by us, behind the guard that results pass, and never handed on:
a provider gets the picture's bytes, as with a photo, or our own address of a video; so the address of nobody's network
leaves this machine.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import structlog

from bot.clock import Clock
from bot.domain.requests.request import AudioRef, ImageRef
from bot.domain.types import UserId
from bot.errors import UserError
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused
from bot.media.clips import SHORTEST_SOUND, as_mp3
from bot.media.images import PreparedImage
from bot.media.worker import ImageWorker
from bot.services.people.limits import Limits
from bot.services.slots import waiting
from bot.store import Store, StoredAttachment

log = structlog.get_logger(__name__)

LONGEST_SOUND = 300_000
"""Milliseconds of speech that Kling takes for an avatar (Kling API, avatar/image2video); of other things it takes less."""

LARGEST_IMAGE = 20_000_000
"""Bytes; as much as a photo that is sent as a file may have."""

LONGEST_WAIT = 30.0
"""Seconds for one picture, whatever its server does in between."""

MOST_LINKS = 7
"""In one message; no model takes more pictures."""

LONGEST_VIDEO_WAIT = 180.0
"""Seconds for one video."""

FetchLinked = Callable[[str, Path], Awaitable[object]]
"""Saves a file by its address, or raises what `bot.kling.download` raises."""

SaveFile = Callable[[Path], Awaitable[None]]
"""Writes an image or a video to a path. Raises UserError where it cannot be had."""

PrepareImage = Callable[[Path], Awaitable[PreparedImage]]
"""Makes the image in a file into one that Kling takes. Raises UserError where it cannot be used."""


def _write(data: bytes) -> SaveFile:
    async def save(path: Path) -> None:
        await asyncio.to_thread(path.write_bytes, data)

    return save


class Attachments:
    """Prepares and keeps what requests are made of. Images are in memory one at a time, in a process of their own."""

    def __init__(
        self, *, store: Store, images: ImageWorker, limits: Limits, directory: Path, clock: Clock
    ) -> None:
        self._store = store
        self._images = images
        self._limits = limits
        self._directory = directory
        self._clock = clock

    async def fetch_image(self, save: SaveFile, owner: UserId) -> ImageRef:
        """Make an image that a person sent into what Kling takes and keep it, until its owner asks to be forgotten.

        Raises:
            UserError: it is no image, or one that cannot be used, or the person sends too many.

        """
        self._limits.take_image(owner)
        return await self._keep(save, self._images.prepare, owner)

    async def save_image(self, data: bytes, owner: UserId | None = None) -> ImageRef:
        """The same for an image of our own.

        Raises:
            UserError: it is one that cannot be used.

        """
        return await self._keep(_write(data), self._images.prepare, owner)

    async def _keep(self, save: SaveFile, prepare: PrepareImage, owner: UserId | None) -> ImageRef:
        with TemporaryDirectory(prefix="image-", dir=self._directory) as directory:
            path = Path(directory) / "image"
            await save(path)
            # One image at a time is decoded: those in line keep nobody else from being answered.
            async with waiting():
                prepared = await prepare(path)
        ref = ImageRef(
            sha256=prepared.sha256,
            media_type=prepared.media_type,
            width=prepared.width,
            height=prepared.height,
        )
        await self._store.drafts.save_attachment(
            StoredAttachment(ref, prepared.data, owner), self._clock.now()
        )
        return ref

    async def save_close_up(self, image: ImageRef, owner: UserId) -> ImageRef:
        """Keep a nearer look at a kept picture.

        Raises:
            UserError: the picture is no longer kept.

        """
        kept = await self.get_image(image)
        if kept is None:
            raise UserError("error.image.not_available")
        return await self._keep(_write(kept), self._images.close_up, owner)

    async def save_mask(self, png: bytes, like: ImageRef, owner: UserId) -> ImageRef:
        """Keep a mask of our own as it is, a PNG of the size of the photo that it is `like`."""
        ref = ImageRef(
            sha256=hashlib.sha256(png).hexdigest(),
            media_type="image/png",
            width=like.width,
            height=like.height,
        )
        await self._store.drafts.save_attachment(StoredAttachment(ref, png, owner), self._clock.now())
        return ref

    async def get_image(self, image: ImageRef) -> bytes | None:
        """The bytes of a kept image, or None where it is kept no longer."""
        return (await self._store.drafts.get_attachments([image])).get(image.sha256)

    async def save_sound(
        self,
        data: bytes,
        owner: UserId | None = None,
        longest_ms: int = LONGEST_SOUND,
        shortest_ms: int = SHORTEST_SOUND,
    ) -> AudioRef:
        """Make a sound into what Kling takes and keep it, until its owner asks to be forgotten.

        Raises:
            UserError: it is no sound, or too long or too short to be used.

        """
        mp3, length = await asyncio.to_thread(as_mp3, data, longest_ms, shortest_ms)
        ref = AudioRef(sha256=hashlib.sha256(mp3).hexdigest(), duration_ms=length)
        await self._store.drafts.save_attachment(StoredAttachment(ref, mp3, owner), self._clock.now())
        return ref


@dataclass(frozen=True, slots=True)
class LinkedFiles:
    """One kind of files behind links: how they are fetched, of how many bytes, and what is told where they are not.

    `longest_wait` in seconds.
    """

    fetch: FetchLinked
    largest: int
    longest_wait: float
    refused: str
    failed: str


class Links:
    """Fetches pictures and videos by their links."""

    def __init__(
        self,
        *,
        fetch: FetchLinked,
        fetch_video: FetchLinked | None = None,
        largest_video: int = 0,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self._images = LinkedFiles(
            fetch, LARGEST_IMAGE, longest_wait, "error.link.no_picture", "error.link.failed"
        )
        self._videos = LinkedFiles(
            fetch_video or fetch,
            largest_video,
            LONGEST_VIDEO_WAIT,
            "error.link.no_video",
            "error.link.video_failed",
        )

    async def save(self, link: str, target: Path) -> None:
        """Write the image behind a link to a file.

        Raises:
            UserError: it leads to no image that can be fetched.

        """
        await self._save(self._images, link, target)

    async def save_video(self, link: str, target: Path) -> None:
        """The same for a video. Raises as `save` does."""
        await self._save(self._videos, link, target)

    async def _save(self, files: LinkedFiles, link: str, target: Path) -> None:
        host = _host(link)
        try:
            async with waiting(), asyncio.timeout(files.longest_wait):
                await files.fetch(link, target)
        except DownloadRefused as error:
            log.info("a linked file is refused", reason=str(error))
            raise UserError(files.refused, host=host, limit=files.largest // 1_000_000) from None
        except (DownloadGone, DownloadFailed, TimeoutError) as error:
            log.info("a linked file could not be fetched", reason=str(error) or "it took too long")
            raise UserError(files.failed, host=host) from None


FILM_SUFFIXES = frozenset({".mp4", ".mov", ".m4v"})


def leads_to_video(link: str) -> bool:
    """Whether the address of a file is called like a video."""
    try:
        return PurePosixPath(urlsplit(link).path).suffix.lower() in FILM_SUFFIXES
    except ValueError:
        return False


def _host(link: str) -> str:
    try:
        return (urlsplit(link[:LONGEST_LINK]).hostname or "")[:80]
    except ValueError:
        return ""


LONGEST_LINK = 2_000
"""Letters of an address that are looked at; no browser makes longer ones."""

_LINK = re.compile(r"https?://[^\s<>\"'“”‘’「」『』《》（），。；、！？\u3400-\u9fff]+", re.IGNORECASE)
"""Chinese puts no space behind a link, so its letters and signs end one."""

_BEHIND = ".,;:!?…"


@dataclass(frozen=True, slots=True)
class Linked:
    """A text without its links, and the links in their order, each once."""

    words: str
    links: tuple[str, ...]


def split_links(text: str) -> Linked:
    """Part a text and the addresses in it; signs of the sentence behind an address are not of it."""
    found: dict[str, None] = {}
    words: list[str] = []
    position = 0
    for match in _LINK.finditer(text):
        link = _trimmed(match[0])
        if len(link) > LONGEST_LINK:
            continue
        found[link] = None
        words.append(text[position : match.start()])
        position = match.start() + len(link)
    if not found:
        return Linked(text, ())
    words.append(text[position:])
    return Linked(_joined(words), tuple(found))


def _trimmed(link: str) -> str:
    """Take off what ends the sentence, and a bracket that was opened before the link."""
    trimmed = link.rstrip(_BEHIND)
    while trimmed.endswith(")") and trimmed.count("(") < trimmed.count(")"):
        trimmed = trimmed[:-1].rstrip(_BEHIND)
    return trimmed


def _joined(parts: list[str]) -> str:
    """What stands around links: without the gap, and without a sign that has lost its sentence."""
    bare = [part.strip(" \t") for part in parts]
    head, *tail = [part for part in bare if part.strip(_BEHIND + "，。；：()（）\n\t ")] or [""]
    return " ".join((head.lstrip(_BEHIND + "，。；："), *tail)).strip()
