"""Submit a task's request, and again with smaller pictures where somebody on the way finds it too large.

Pictures stand inside the request, and a proxy before a gateway may let less through than Kling takes. It refuses a
request before the gateway sees it, so that nothing is made twice. What a provider let through is remembered in memory
for a day: pictures are sent small at once, instead of being refused one by one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.clock import Clock
from bot.domain.requests.request import ImageRef
from bot.domain.tasks.schedule import SUBMISSION_LEASE
from bot.domain.tasks.task import Task
from bot.domain.types import DAY, SECOND, Millis, ProviderName, megabytes
from bot.errors import UserError
from bot.kling import errors
from bot.kling.client import KlingClient
from bot.kling.dialects.lip_sync import known_faces
from bot.kling.wire import Submission, SubmitContext
from bot.media.worker import ImageWorker
from bot.services.tasks.workers import ProviderMonitor
from bot.store import Store

log = structlog.get_logger(__name__)

STEPS = ((2048, 85), (1280, 80), (800, 75))
"""Pixels of the longer side and JPEG quality, tried one after the other.

Of the longest picture that Kling takes, 1:2.5, the last leaves 320 pixels of the 300 that it wants.
"""

REMEMBERED = DAY
"""How long pictures are sent small; then the limit may have been raised."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What is known of a limit on the way, in bytes of pictures: the least refused, the most that fitted (0: none)."""

    refused: int
    fitted: int
    until: Millis

    def passes(self, size: int) -> bool:
        """Whether pictures of that size are expected to pass."""
        return size <= self.fitted if self.fitted else size < self.refused


class Submissions:
    """Sends requests to providers.

    `callback_urls` is where each provider may tell of its tasks, `sound_url` where it fetches the sound of a voice,
    `video_urls` where people's own videos (None: one is gone).
    Files in between are written to `directory`.
    """

    def __init__(
        self,
        *,
        store: Store,
        images: ImageWorker,
        directory: Path,
        monitor: ProviderMonitor,
        clock: Clock,
        callback_urls: Mapping[ProviderName, str],
        sound_url: Callable[[Task], str],
        video_urls: Callable[[Task], Awaitable[Mapping[str, str] | None]],
    ) -> None:
        self._store = store
        self._images = images
        self._directory = directory
        self._monitor = monitor
        self._clock = clock
        self._callback_urls = callback_urls
        self._sound_url = sound_url
        self._video_urls = video_urls
        self._limits: dict[ProviderName, Limit] = {}
        self._untold: dict[ProviderName, int] = {}

    async def context(self, task: Task) -> SubmitContext | None:
        """What goes with a submission; None where a picture or video of it is no longer kept."""
        images = await self._store.drafts.get_attachments(task.request.attachments)
        if len(images) < len({file.sha256 for file in task.request.attachments}):
            return None
        videos = await self._video_urls(task)
        if videos is None:
            return None
        callback = self._callback_urls.get(task.provider) if task.provider is not None else None
        return SubmitContext(
            task.external_task_id,
            images,
            callback,
            self._known(task),
            sound_url=self._sound_url(task),
            video_urls=videos,
        )

    def _known(self, task: Task) -> Mapping[str, str]:
        """What was found out before the request was accepted, and its provider still knows."""
        faces = task.request.faces
        if faces is None or faces.provider != task.provider or faces.until <= self._clock.now():
            return {}
        return known_faces(faces)

    async def submit(self, client: KlingClient, task: Task, context: SubmitContext) -> Submission:
        """Submit a request until it is not found too large, each time with smaller pictures.

        Raises:
            TooLarge: it is, with pictures as small as they can be.
            Unsendable: making them smaller took too long, and nothing was sent.
            ProviderError: any other outcome of `KlingClient.submit`, after which nothing is sent again.

        """
        if not _can_shrink(task):
            return await client.submit(task.request, context)
        name, sent, steps = client.name, context, iter(STEPS)
        size = whole = _size(task, context)
        # Whoever finds the lease expired asks about the task, and may send it: no attempt may outlast it.
        last_start = self._clock.now() + SUBMISSION_LEASE - (client.config.timeout + 5) * SECOND
        refused: errors.TooLarge | None = None
        while True:
            refused_size = size
            while not self._passes(name, size):
                smaller = await self._smaller(task, context, steps, size)
                if smaller is None:
                    break
                sent, size = smaller
            is_late = self._clock.now() > last_start
            if refused is not None and (is_late or size >= refused_size):
                self._untold.pop(name, None)
                raise errors.TooLarge(refused.message, code=refused.code, size=whole)
            if is_late:
                raise errors.Unsendable("it took too long to make the pictures smaller")
            try:
                submission = await client.submit(task.request, sent)
            except errors.TooLarge as error:
                log.warning("pictures were too large on the way", task=task.id, provider=name, size=size)
                refused = error
                self._note_refused(name, size)
                self._untold[name] = whole
            else:
                self._note_fitted(name, size)
                return submission

    async def tell(self) -> None:
        """Tell the operators, once a day, of the providers that get smaller pictures since they were last told."""
        while self._untold:
            name, size = self._untold.popitem()
            await self._monitor.operators.alert_once(
                "alert.provider.smaller_pictures", "size", provider=name, size=megabytes(size)
            )

    async def _smaller(
        self, task: Task, context: SubmitContext, steps: Iterator[tuple[int, int]], size: int
    ) -> tuple[SubmitContext, int] | None:
        """The request with pictures of fewer bytes, and how many; None: they cannot be made smaller."""
        for max_side, quality in steps:
            try:
                images = await self._reduced(task, context.images, max_side, quality)
            except (UserError, OSError) as error:
                log.warning("pictures could not be made smaller", task=task.id, kind=type(error).__name__)
                return None
            smaller = replace(context, images=images)
            if _size(task, smaller) < size:
                return smaller, _size(task, smaller)
        return None

    async def _reduced(
        self, task: Task, images: Mapping[str, bytes], max_side: int, quality: int
    ) -> Mapping[str, bytes]:
        reduced = dict(images)
        with TemporaryDirectory(prefix="image-", dir=self._directory) as directory:
            path = Path(directory) / "image"
            for key in {file.sha256 for file in task.request.attachments if isinstance(file, ImageRef)}:
                await asyncio.to_thread(path.write_bytes, images[key])
                smaller = await self._images.reduce(path, max_side, quality)
                if len(smaller.data) < len(images[key]):
                    reduced[key] = smaller.data
        return reduced

    def _passes(self, provider: ProviderName, size: int) -> bool:
        limit = self._limits.get(provider)
        if limit is not None and limit.until <= self._clock.now():
            del self._limits[provider]
            return True
        return limit is None or limit.passes(size)

    def _note_refused(self, provider: ProviderName, size: int) -> None:
        known, until = self._limits.get(provider), Millis(self._clock.now() + REMEMBERED)
        if known is None:
            self._limits[provider] = Limit(size, 0, until)
        else:
            # What is refused now does not fit any more, whatever fitted before.
            fitted = known.fitted if known.fitted < size else 0
            self._limits[provider] = Limit(min(size, known.refused), fitted, until)

    def _note_fitted(self, provider: ProviderName, size: int) -> None:
        known = self._limits.get(provider)
        if known is None:
            return
        if size >= known.refused:
            del self._limits[provider]
        else:
            self._limits[provider] = replace(known, fitted=max(size, known.fitted))


def _can_shrink(task: Task) -> bool:
    """Whether it has pictures, and no brush, whose masks are drawn pixel for pixel on them."""
    images = any(isinstance(file, ImageRef) for file in task.request.attachments)
    return images and task.request.brush is None


def _size(task: Task, context: SubmitContext) -> int:
    """Bytes that the attachments take as Base64, each as often as it is used."""
    return sum(4 * -(-len(context.images[file.sha256]) // 3) for file in task.request.attachments)
