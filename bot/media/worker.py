"""A process of its own that decodes images: one at a time, within a bound of memory and time.

What people send may be built to exhaust memory or to crash a decoder; here that ends one image, not the bot.
`bot.media.image_process` is what runs in it.
"""

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from bot.errors import UserError
from bot.media import image_process
from bot.media.image_process import Work
from bot.media.images import PreparedImage

log = structlog.get_logger(__name__)

LONGEST_DECODING = 30.0
"""Seconds for one image; the largest takes about one."""

LONGEST_LINE = 100_000


class ImageWorker:
    """Runs `bot.media.images` in another process, which is started when it is first needed.

    The files in between are written to `directory`.
    """

    def __init__(self, *, directory: Path) -> None:
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return None if self._process is None else self._process.pid

    async def prepare(self, image: Path) -> PreparedImage:
        """See `bot.media.images.prepare`.

        Raises:
            UserError: it cannot be used, or took too much memory or time.

        """
        return await self._run("prepare", image)

    async def close_up(self, image: Path) -> PreparedImage:
        """The middle of a prepared image; see `bot.media.images.close_up`. Raises as `prepare` does."""
        return await self._run("close_up", image)

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _run(self, work: Work, image: Path) -> PreparedImage:
        async with self._turn:
            with TemporaryDirectory(prefix="image-", dir=self._directory) as directory:
                target = Path(directory) / "prepared"
                try:
                    async with asyncio.timeout(LONGEST_DECODING):
                        answer = await self._ask({"work": work, "image": str(image), "target": str(target)})
                except (TimeoutError, OSError, ValueError) as error:
                    # It hangs or has died of this image; the next one gets a new process.
                    log.warning("an image could not be decoded", work=work, kind=type(error).__name__)
                    await self.close()
                    raise UserError("error.image.damaged") from None
                except asyncio.CancelledError:
                    # Its answer would be taken for that of the next image.
                    await self.close()
                    raise
                if "error" in answer:
                    raise UserError(answer["error"], **answer["params"])
                return PreparedImage(await asyncio.to_thread(target.read_bytes), **answer)

    async def _ask(self, request: dict[str, str]) -> dict[str, Any]:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                image_process.__name__,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=LONGEST_LINE,
                # A signal to the terminal's group is the bot's to act on.
                start_new_session=True,
                # Large blocks go back to the system at once, so that one image does not add to the next.
                env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"},
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  both are pipes
        process.stdin.write(json.dumps(request).encode() + b"\n")
        await process.stdin.drain()
        answer: dict[str, Any] = json.loads(await process.stdout.readline())
        return answer
