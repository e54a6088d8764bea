"""Smaller copies of films, and one film of two, made in a process of its own: one at a time, within bounds of memory, time and size.

`bot.media.copy_process` is what runs there. It ends with each film: what it took goes back to the system.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.media import copy_process
from bot.media.child import ChildProcess
from bot.media.fitting import NoCopy


@dataclass(frozen=True, slots=True)
class SmallerCopy:
    """What a copy has become: pixels and bytes."""

    width: int
    height: int
    size: int


class CopyWorker:
    """Makes copies in another process, which may take so many `seconds` for each."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process = ChildProcess(copy_process.__name__)
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid

    async def make(self, source: Path, target: Path, max_bytes: int) -> SmallerCopy:
        """Write a copy of a film that has at most `max_bytes`: H.264 and AAC in MP4.

        Raises:
            NoCopy: it cannot be read, would be too poor, or took too much memory or time.

        """
        return await self._make([source], target, max_bytes)

    async def join(self, first: Path, second: Path, target: Path, max_bytes: int) -> SmallerCopy:
        """Write one film of two, the second behind the first, in the size of the second. Raises as `make` does."""
        return await self._make([first, second], target, max_bytes)

    async def _make(self, sources: Sequence[Path], target: Path, max_bytes: int) -> SmallerCopy:
        request = {
            "sources": [str(source) for source in sources],
            "target": str(target),
            "max_bytes": max_bytes,
        }
        async with self._turn:
            try:
                answer = await self._process.ask(request, self._seconds)
            except (OSError, ValueError) as error:
                raise NoCopy(f"the process gave no answer: {type(error).__name__}") from None
            finally:
                await self._process.close()
        if "error" in answer:
            raise NoCopy(str(answer["error"]))
        return SmallerCopy(**answer)

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        await self._process.close()
