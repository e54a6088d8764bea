"""The one writer thread: it commits everything that waits at once (group commit).

Each piece of work runs in its own savepoint: one that raises takes back its own changes and nobody
else's. A caller hears of its result only when the commit that holds it is on the disk. While the disk has no room,
or cannot be written, everybody waits in line, and the work is done when it can be.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.errors import StoreTrouble
from bot.store.engine import COMMIT, Observer
from bot.store.engine.condition import trouble_of

T = TypeVar("T")

RETRY_SECONDS = 1.0
"""Between two tries while the disk cannot be written."""

LARGEST_GROUP = 256
"""How many pieces of work one commit may hold, so that the first of them does not wait for ever."""


@dataclass(slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None

    def resolve(self) -> None:
        """Hand the result over in the caller's loop, unless the caller has gone."""

        def hand_over() -> None:
            if self.future.done():
                return
            if self.error is not None:
                self.future.set_exception(self.error)
            else:
                self.future.set_result(self.result)

        try:
            self.loop.call_soon_threadsafe(hand_over)
        except RuntimeError:
            return  # The loop is closed: nobody waits any more; what was committed stays.


class Writer:
    """Owns the only connection that writes; no other thread may use it.

    Where the disk cannot be written it tries again after `retry_seconds`, for as long as it takes; None: that is an
    error of the work. `trouble` is what it waits for, and `detail` how SQLite puts it. `observer` hears of every commit.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        group: int = LARGEST_GROUP,
        retry_seconds: float | None = None,
    ) -> None:
        self._connection = connection
        self._group = group
        self._retry_seconds = retry_seconds
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self.trouble: StoreTrouble | None = None
        self.detail = ""
        self.observer: Observer = lambda *_: None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction and return its result once that is on the disk.

        Cancelling the caller does not take the work back.

        Raises:
            RuntimeError: the writer is closed.

        """
        if self._closing.is_set():
            raise RuntimeError("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, loop, future))
        return await future

    async def close(self) -> None:
        """Finish what waits and end the thread; what waits for the disk is given up."""
        self._closing.set()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        connection = self._connection
        try:
            while True:
                first = self._jobs.get()
                if first is None:
                    return
                jobs = [first]
                ending = False
                while len(jobs) < self._group:
                    try:
                        job = self._jobs.get_nowait()
                    except queue.Empty:
                        break
                    if job is None:
                        ending = True
                        break
                    jobs.append(job)
                self._commit(connection, jobs)
                for job in jobs:
                    job.resolve()
                if ending:
                    return
        finally:
            connection.close()

    def _commit(self, connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        began = time.perf_counter()
        while (error := _try(connection, jobs)) is not None:
            self.trouble, self.detail = trouble_of(error), str(error)
            if self.trouble is None or self._retry_seconds is None or self._closing.wait(self._retry_seconds):
                for job in jobs:
                    job.error = error
                return
        self.trouble = None
        self.observer(COMMIT, time.perf_counter() - began, len(jobs))


def _try(connection: sqlite3.Connection, jobs: list[_Job]) -> sqlite3.Error | None:
    """Do the work in one transaction, whole; or nothing of it, and why."""
    try:
        # A deferred transaction that reads first may fail to become a writer; an immediate one waits.
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            job.result = job.error = None
            connection.execute("SAVEPOINT job")
            try:
                job.result = job.work(connection)
            except Exception as error:
                # Without room nothing of the transaction can go on; SQLite may have ended it already.
                if trouble_of(error) is not None:
                    raise
                job.error = error
                connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        return error
    return None
