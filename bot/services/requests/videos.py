"""People's own videos: kept as files beside the database, and handed to providers, which take no data in their place.

A file is complete and on the disk before its row is written, and goes after its row: what has no row is nobody's, and is
deleted at the next start or sweep.
"""

import asyncio
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import structlog

from bot.clock import Clock
from bot.domain.requests.films import MEGABYTE
from bot.domain.requests.request import GenerationRequest, VideoRef
from bot.domain.tasks.task import ACTIVE_STATES, Task, TaskState
from bot.domain.types import MINUTE, TaskId, UserId
from bot.errors import UserError
from bot.media.clips import NotAVideo
from bot.media.videos import StillFigures, VideoWorker
from bot.services.people.limits import Limits
from bot.services.requests.attachments import SaveFile
from bot.services.slots import waiting
from bot.store import Store

log = structlog.get_logger(__name__)

LARGEST_VIDEO = 300 * MEGABYTE
"""Bytes; no model takes more."""

MOST_KEPT = 1_000 * MEGABYTE
"""Bytes of one person's videos; the oldest that nothing needs make room."""

VIDEO_DIRECTORY = "videos"
READING = "video-"
"""How the directories begin in which videos arrive."""

_SUFFIXES = {"video/mp4": ".mp4", "video/quicktime": ".mov"}
LOOK_LASTS = 10 * MINUTE
"""Milliseconds for which a provider may fetch a video that it only looks at."""

_HANDED_OUT = ACTIVE_STATES - {TaskState.QUEUED}
_HASH = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1_000_000


class Videos:
    """Keeps people's own videos in a directory below `directory`."""

    def __init__(
        self, *, store: Store, worker: VideoWorker, limits: Limits, directory: Path, clock: Clock
    ) -> None:
        self._store = store
        self._worker = worker
        self._limits = limits
        self._directory = directory
        self._files = directory / VIDEO_DIRECTORY
        self._clock = clock
        self._moving = asyncio.Lock()
        """Held while a file has no row yet."""

    async def fetch(self, save: SaveFile, owner: UserId) -> VideoRef:
        """Read a video that a person sent and keep it, until nothing needs it or its owner asks to be forgotten.

        Raises:
            UserError: it cannot be had, is no video that Kling takes, or the person sends too many.

        """
        self._limits.take_image(owner)
        with TemporaryDirectory(prefix=READING, dir=self._directory) as directory:
            path = Path(directory) / "video"
            await save(path)
            size = path.stat().st_size
            if size > LARGEST_VIDEO:
                raise UserError("error.video.size", limit=LARGEST_VIDEO // MEGABYTE)
            try:
                async with waiting():
                    figures = await self._worker.probe(path)
                    sha256 = await asyncio.to_thread(_hash, path)
            except NotAVideo as error:
                log.info("a video of a person's own cannot be read", reason=str(error))
                raise UserError("error.video.unreadable") from None
            video = VideoRef(
                sha256=sha256,
                media_type="video/quicktime" if figures.media_type == "video/quicktime" else "video/mp4",
                width=figures.width,
                height=figures.height,
                duration_ms=figures.duration_ms,
                size=size,
                frame_rate=figures.frame_rate,
            )
            async with self._moving:
                await asyncio.to_thread(_move, path, self.path(video))
                is_kept = await self._store.videos.save(video, owner, MOST_KEPT, self._clock.now())
                await self._sweep()
        if not is_kept:
            raise UserError("error.video.too_many", limit=MOST_KEPT // MEGABYTE)
        return video

    async def last_frame(self, video: VideoRef) -> bytes:
        """The last frame of a kept video as a JPEG.

        Raises:
            UserError: it is no longer kept, or cannot be read.

        """
        with TemporaryDirectory(prefix=READING, dir=self._directory) as directory:
            target = Path(directory) / "frame.jpg"
            try:
                async with waiting():
                    await self._worker.last_frame(self.path(video), target)
                return await asyncio.to_thread(target.read_bytes)
            except (NotAVideo, OSError):
                raise UserError("error.video.gone") from None

    async def stills(self, path: Path) -> tuple[tuple[StillFigures, bytes], ...]:
        """Some frames of a video file as JPEGs, spread evenly from the first to the last.

        Raises:
            UserError: it cannot be read.

        """
        with TemporaryDirectory(prefix=READING, dir=self._directory) as directory:
            try:
                async with waiting():
                    found = await self._worker.stills(path, Path(directory))
                return tuple(
                    [
                        (each, await asyncio.to_thread((Path(directory) / str(each.frame)).read_bytes))
                        for each in found
                    ]
                )
            except (NotAVideo, OSError):
                raise UserError("error.video.unreadable") from None

    async def has(self, request: GenerationRequest) -> bool:
        """Whether every video of a request is kept."""
        wanted = {video.sha256 for video in request.videos}
        kept = await self._store.videos.list_kept(sorted(wanted)) if wanted else frozenset()
        return wanted == kept and all(self.path(video).is_file() for video in request.videos)

    async def sweep(self) -> None:
        """Delete the files that have no row any more."""
        async with self._moving:
            await self._sweep()

    async def _sweep(self) -> None:
        known = await self._store.videos.list_all()
        await asyncio.to_thread(_delete_others, self._files, known)

    def find(self, sha256: str) -> tuple[Path, str] | None:
        """The file of a video by its hash, and its media type; None where it is not kept."""
        places = ((self._files / f"{sha256}{suffix}", kind) for kind, suffix in _SUFFIXES.items())
        return next((place for place in places if place[0].is_file()), None)

    def path(self, video: VideoRef) -> Path:
        """Where a video is kept."""
        return self._files / f"{video.sha256}{_SUFFIXES[video.media_type]}"


class VideoAddresses:
    """Where providers fetch people's own videos while they work on them.

    `public_url` is the bot's own address without a slash at its end; empty: nobody can fetch anything. `secret` keys
    what makes an address unguessable. An address is good until the deadline of its task, and not longer than the task.
    """

    def __init__(self, *, store: Store, videos: Videos, public_url: str, secret: str, clock: Clock) -> None:
        self._store = store
        self._videos = videos
        self._public_url = public_url
        self._secret = secret
        self._clock = clock

    async def urls(self, task: Task) -> Mapping[str, str] | None:
        """The addresses of a task's videos by their SHA-256; None where one is no longer kept."""
        if not await self._videos.has(task.request):
            return None
        return {
            video.sha256: f"{self._public_url}/video/{task.id}/{number}/{task.deadline_at}/"
            f"{self._tag(task.id, number, task.deadline_at)}{_SUFFIXES[video.media_type]}"
            for number, video in enumerate(task.request.videos)
        }

    def look(self, video: VideoRef) -> str:
        """Where a video is fetched by a provider that looks at it before there is a task, for `LOOK_LASTS`.

        Empty where nobody can fetch anything.
        """
        if not self._public_url:
            return ""
        expires = self._clock.now() + LOOK_LASTS
        tag = self._tag(video.sha256, 0, expires)
        return f"{self._public_url}/video/{video.sha256}/0/{expires}/{tag}{_SUFFIXES[video.media_type]}"

    def is_ours(self, address: str) -> bool:
        """Whether an address is one at which we hand out a video or a sound, however it is written."""
        if not self._public_url:
            return False
        try:
            here, there = urlsplit(self._public_url), urlsplit(address)
        except ValueError:
            return False
        path = here.path.rstrip("/")
        return there.netloc.casefold() == here.netloc.casefold() and there.path.startswith(
            (f"{path}/video/", f"{path}/sound/")
        )

    async def find(self, task_id: str, number: int, expires: int, tag: str) -> tuple[Path, str] | None:
        """The file behind such an address and its media type; None where there is none, or not any more.

        `task_id` is the SHA-256 of a video that is only looked at.
        """
        expected = self._tag(task_id, number, expires)
        if not hmac.compare_digest(tag.encode(), expected.encode()) or expires <= self._clock.now():
            return None
        if _HASH.fullmatch(task_id):
            return self._videos.find(task_id)
        task = await self._store.tasks.get(TaskId(task_id))
        if task is None or task.state not in _HANDED_OUT or number >= len(task.request.videos):
            return None
        video = task.request.videos[number]
        path = self._videos.path(video)
        return (path, video.media_type) if path.is_file() else None

    def _tag(self, task_id: str, number: int, expires: int) -> str:
        text = f"video:{task_id}:{number}:{expires}"
        return hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _move(source: Path, target: Path) -> None:
    """Put a file in its place, whole and on the disk."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    source.chmod(0o600)
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.replace(target)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _delete_others(directory: Path, known: frozenset[str]) -> None:
    for file in directory.glob("*"):
        if file.stem not in known:
            file.unlink(missing_ok=True)
