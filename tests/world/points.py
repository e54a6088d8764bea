"""`klingbot run` where the power is cut at a point that a test names: before or after a commit or a request.

    python -m tests.world.points --config config.toml

The product's own parts run here; a store and a transport that note what passes are handed to `build`. A point is
`store Tasks.apply`, `telegram sendMessage` or `kling POST /v1/videos/text2video`. What `KILL_PASSED` names collects
every crossing, one line each; while the file that `KILL_ORDER` names holds `<times> <before|after> <point>`, the
process ends itself at that crossing and takes the file away.
"""

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from bot import app, application, log
from bot.settings import config
from bot.settings.config import Settings
from bot.store import Store
from bot.store.engine import Transaction
from bot.store.engine.sqlite import SqliteEngine

T = TypeVar("T")

_IDS = re.compile(r"(?<=/)(?=[^/.]*\d)[\w-]{12,}(?:\.\w+)?(?=/|$)|(?<=/files/).*")
"""The parts of a path that name one thing: ids of tasks and names of files."""


class Points:
    """Notes what is crossed in `passed`, and ends the process where `order` says so."""

    def __init__(self, passed: Path, order: Path) -> None:
        self._passed = passed
        self._order = order
        self._wanted = ""
        self._crossed = 0

    def cross(self, point: str, when: str) -> None:
        """Come to a point, "before" or "after"."""
        if when == "before":
            with self._passed.open("a", encoding="utf-8") as file:
                file.write(f"{point}\n")
        try:
            wanted = self._order.read_text("utf-8")
        except FileNotFoundError:
            return
        if wanted != self._wanted:
            self._wanted, self._crossed = wanted, 0
        times, _, rest = wanted.partition(" ")
        if rest != f"{when} {point}":
            return
        self._crossed += 1
        if self._crossed >= int(times):
            # Otherwise the next start would end there again.
            self._order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


class PointedEngine(SqliteEngine):
    """The store's engine; every commit is a point, named by the method that asked for it."""

    points: Points

    def write(self, work: Callable[[Transaction], T]) -> Coroutine[Any, Any, T]:
        return self._between(f"store {work.__qualname__.partition('.<locals>')[0]}", super().write(work))

    async def _between(self, point: str, writing: Coroutine[Any, Any, T]) -> T:
        self.points.cross(point, "before")
        result = await writing
        self.points.cross(point, "after")
        return result


class PointedTransport(httpx.AsyncBaseTransport):
    """The network; every request is a point, crossed again when its answer begins."""

    def __init__(self, points: Points, bot_api: str) -> None:
        # Nothing here speaks TLS, and loading certificates takes longer than the rest of the start.
        self._inner = httpx.AsyncHTTPTransport(verify=False)
        self._points = points
        self._bot_api = httpx.URL(bot_api)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        point = self._point(request)
        self._points.cross(point, "before")
        response = await self._inner.handle_async_request(request)
        self._points.cross(point, "after")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _point(self, request: httpx.Request) -> str:
        path = request.url.path
        if request.url.netloc == self._bot_api.netloc:
            return "telegram file" if path.startswith("/file/") else f"telegram {path.rpartition('/')[2]}"
        return f"kling {request.method} {_IDS.sub('…', path)}"


@asynccontextmanager
async def _opened(settings: Settings, points: Points) -> AsyncIterator[application.Building]:
    """As `bot.app.opened`, with a store and a transport that note what passes."""
    engine = await PointedEngine.open(settings.store.url, serving=asyncio.sleep)
    engine.points = points
    store, transport = Store.on(engine), PointedTransport(points, settings.telegram.base_url)
    try:
        yield lambda clock: app.build(settings, clock=clock, store=store, transport=transport)
    finally:
        await transport.aclose()
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    settings = config.load(parser.parse_args().config, os.environ)
    log.setup(settings.logging.level, settings.logging.format, settings.secrets(), sys.stderr)
    points = Points(Path(os.environ["KILL_PASSED"]), Path(os.environ["KILL_ORDER"]))
    asyncio.run(application.run(_opened(settings, points)))


if __name__ == "__main__":
    main()
