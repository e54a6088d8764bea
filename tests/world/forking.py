"""Processes forked from one that has imported the bot already: the imports are most of the time of a short run.

Each is a process of its own all the same: kill it, and nothing of it is left but its files.
"""

import asyncio
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["bot.app", "bot.application", "bot.cli.admin", "bot.cli.checks"])


class ForkedProcess:
    """A module that runs as a program, with the part of `asyncio.subprocess.Process` that tests need."""

    def __init__(self, process: BaseProcess, stdout: asyncio.StreamReader) -> None:
        self._process = process
        self._ended = asyncio.Event()
        self.stdout = stdout
        assert process.pid is not None
        self.pid: int = process.pid
        self.returncode: int | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(process.sentinel, self._end)

    @classmethod
    async def start(cls, program: Sequence[str], environment: Mapping[str, str]) -> "ForkedProcess":
        """Run `python -m` with `program` in this environment; both outputs go to `stdout`."""
        reading, writing = os.pipe()
        process = _CONTEXT.Process(
            target=_run, args=(DupFd(writing), list(program), dict(environment)), daemon=True
        )
        process.start()
        os.close(writing)
        stdout = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(stdout)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(reading, "rb"))
        return cls(process, stdout)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal. Raises ProcessLookupError where the process has ended."""
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)

    async def wait(self) -> int:
        """Wait for the end; the exit status, negative for a signal."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    async def communicate(self) -> tuple[bytes, None]:
        """Wait for the end; what was printed."""
        said = await self.stdout.read()
        await self.wait()
        return said, None

    def _end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self._process.join()
        self.returncode = self._process.exitcode
        self._ended.set()


def _run(output: Any, program: list[str], environment: dict[str, str]) -> None:
    """Be the program, as if it had been started."""
    descriptor = output.detach()
    for stream in (sys.stdout, sys.stderr):
        os.dup2(descriptor, stream.fileno())
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]
    os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(program)
    with suppress(KeyboardInterrupt):
        runpy.run_module(program[0], run_name="__main__", alter_sys=True)
