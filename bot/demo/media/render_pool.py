"""Renders results in threads, two at most at a time, each file once."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

Work = Callable[[Path], None]
"""Writes a file to the path that it is given."""


class RenderPool:
    """Threads that render. A file that is there already, or on its way, is not rendered again."""

    def __init__(self, workers: int = 2) -> None:
        self._workers = workers
        self._threads: ThreadPoolExecutor | None = None
        self._running: dict[Path, Future[None]] = {}

    def begin(self, path: Path, work: Work) -> "Future[None]":
        """Render to `path` in the background; the future fails as the work does."""
        running = self._running.get(path)
        if running is not None and not (running.done() and (running.cancelled() or running.exception())):
            return running
        if path.is_file():
            finished: Future[None] = Future()
            finished.set_result(None)
            return finished
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._workers, "render")
        future = self._threads.submit(work, path)
        self._running[path] = future
        future.add_done_callback(lambda _: self._running.pop(path, None))
        return future

    async def finish(self, path: Path, work: Work) -> None:
        """Render to `path` and wait for it."""
        await asyncio.wrap_future(self.begin(path, work))

    def close(self) -> None:
        """Forget what has not begun; what runs is left to end in its thread."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None
