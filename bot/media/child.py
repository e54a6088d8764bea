"""A process of its own for what may exhaust memory or crash a decoder: that ends one file, not the bot.

Requests and answers are lines of JSON on its standard input and output; files are named in them.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

LONGEST_LINE = 100_000


class ChildProcess:
    """Runs a module as another process, which is started when it is first asked."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return None if self._process is None else self._process.pid

    async def ask(self, request: Mapping[str, object], seconds: float) -> dict[str, Any]:
        """Return its answer; where there is none the process is ended, and the next request gets a new one.

        Raises:
            TimeoutError: it took longer than `seconds`.
            OSError, ValueError: it has died, or its answer cannot be read.

        """
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(request)
        except (OSError, ValueError, asyncio.CancelledError):
            # Its answer would be taken for that of the next request.
            await self.close()
            raise

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=LONGEST_LINE,
                # A signal to the terminal's group is the bot's to act on.
                start_new_session=True,
                # Large blocks go back to the system at once, so that one file does not add to the next.
                env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"},
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  both are pipes
        process.stdin.write(json.dumps(request).encode() + b"\n")
        await process.stdin.drain()
        answer: dict[str, Any] = json.loads(await process.stdout.readline())
        return answer
