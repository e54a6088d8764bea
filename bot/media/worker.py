"""Images are decoded in a process of its own: one at a time, within a bound of memory and time.

What people send may be built to exhaust memory or to crash a decoder. `bot.media.image_process` is what runs there.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.errors import UserError
from bot.media import image_process
from bot.media.child import ChildProcess
from bot.media.image_process import Work
from bot.media.images import PreparedImage

log = structlog.get_logger(__name__)

LONGEST_DECODING = 30.0
"""Seconds for one image; the largest takes about one."""


class ImageWorker:
    """Runs `bot.media.images` in another process, which is started when it is first needed.

    The files in between are written to `directory`.
    """

    def __init__(self, *, directory: Path) -> None:
        self._directory = directory
        self._process = ChildProcess(image_process.__name__)
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid

    async def prepare(self, image: Path) -> PreparedImage:
        """See `bot.media.images.prepare`.

        Raises:
            UserError: it cannot be used, or took too much memory or time.

        """
        return await self._run("prepare", image)

    async def close_up(self, image: Path) -> PreparedImage:
        """The middle of a prepared image; see `bot.media.images.close_up`. Raises as `prepare` does."""
        return await self._run("close_up", image)

    async def reduce(self, image: Path, max_side: int, quality: int) -> PreparedImage:
        """A prepared image made smaller; see `bot.media.images.reduce`. Raises as `prepare` does."""
        return await self._run("reduce", image, max_side=max_side, quality=quality)

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        await self._process.close()

    async def _run(self, work: Work, image: Path, **options: int) -> PreparedImage:
        async with self._turn:
            with TemporaryDirectory(prefix="image-", dir=self._directory) as directory:
                target = Path(directory) / "prepared"
                request = {"work": work, "image": str(image), "target": str(target), "options": options}
                try:
                    answer = await self._process.ask(request, LONGEST_DECODING)
                except (OSError, ValueError) as error:
                    # It hangs or has died of this image.
                    log.warning("an image could not be decoded", work=work, kind=type(error).__name__)
                    raise UserError("error.image.damaged") from None
                if "error" in answer:
                    raise UserError(answer["error"], **answer["params"])
                return PreparedImage(await asyncio.to_thread(target.read_bytes), **answer)
