"""People's own videos are read in a process of their own: one at a time, within bounds of memory and time.

What people send may be built to exhaust memory or to crash a decoder. `bot.media.video_process` is what runs there. It
ends with each video: what it took goes back to the system.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.media import video_process
from bot.media.child import ChildProcess
from bot.media.clips import NotAVideo
from bot.media.video_process import Work

LONGEST_READING = 60.0
"""Seconds for one video; every packet of it is looked at."""


@dataclass(frozen=True, slots=True)
class VideoFigures:
    """What a video is: pixels as it is shown, milliseconds, and frames a second."""

    media_type: str
    width: int
    height: int
    duration_ms: int
    frame_rate: float


@dataclass(frozen=True, slots=True)
class StillFigures:
    """A frame of a video: its number, counted from 0, and pixels."""

    frame: int
    width: int
    height: int


class VideoWorker:
    """Reads videos in another process."""

    def __init__(self) -> None:
        self._process = ChildProcess(video_process.__name__)
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid

    async def probe(self, video: Path) -> VideoFigures:
        """Read what a video is.

        Raises:
            NotAVideo: it is no MP4 or MOV that can be read, or took too much memory or time.

        """
        answer = await self._run("probe", video, video)
        return VideoFigures(**answer)

    async def last_frame(self, video: Path, target: Path) -> None:
        """Write the last frame of a video as a JPEG. Raises as `probe` does."""
        await self._run("last_frame", video, target)

    async def stills(self, video: Path, directory: Path) -> tuple[StillFigures, ...]:
        """Write some frames of a video as JPEGs, each named by its number. Raises as `probe` does."""
        answer = await self._run("stills", video, directory)
        return tuple(StillFigures(**still) for still in answer["stills"])

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        await self._process.close()

    async def _run(self, work: Work, video: Path, target: Path) -> dict[str, Any]:
        request = {"work": work, "video": str(video), "target": str(target)}
        async with self._turn:
            try:
                answer = await self._process.ask(request, LONGEST_READING)
            except (OSError, ValueError) as error:
                # It hangs or has died of this video.
                raise NotAVideo(f"the process gave no answer: {type(error).__name__}") from None
            finally:
                await self._process.close()
        if "error" in answer:
            raise NotAVideo(str(answer["error"]))
        return answer
