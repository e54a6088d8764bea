"""Keep the one status message of a task true: what was understood, where it is, how long it may take."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from weakref import WeakValueDictionary

import structlog

from bot.clock import Clock
from bot.domain.tasks.schedule import learned_median
from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import SECOND, ChatId, Millis, TaskId
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused, Notices, Progress, Reaction, Sent
from bot.services.tasks.line import Line, Queue
from bot.services.tasks.workers import WorkerPool
from bot.store import Store

log = structlog.get_logger(__name__)


SHOWN_RUNNING = 300
SHOWN_QUEUED = 100
"""How many tasks a round of updates concerns itself with; far back in the queue little changes."""


Announce = Callable[[Task], Awaitable[None]]

FIRST_STATUS = 5 * SECOND
"""How long a task waits at most for its first status message: a chat that does not answer holds up nothing."""


class Status:
    """Shows progress. It is a courtesy, but for the first message: a chat that refuses it gets no video either.

    `work` has what is shown while whoever moved the task on goes on.
    """

    def __init__(self, *, store: Store, line: Line, notices: Notices, work: WorkerPool, clock: Clock) -> None:
        self._store = store
        self._line = line
        self._notices = notices
        self._work = work
        self._clock = clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._begun: set[str] = set()
        self._first: dict[TaskId, Millis] = {}

    @contextmanager
    def first(self, tasks: Collection[TaskId]) -> Iterator[None]:
        """Meanwhile the first status of these tasks is shown; none of them is sent to a provider before it is."""
        until = Millis(self._clock.now() + FIRST_STATUS)
        self._first |= dict.fromkeys(tasks, until)
        try:
            yield
        finally:
            for task_id in tasks:
                del self._first[task_id]

    def is_awaited(self, task_id: TaskId) -> bool:
        """Whether the first status of a task is still to be shown."""
        until = self._first.get(task_id)
        return until is not None and self._clock.now() < until

    async def expected(self, task: Task) -> Millis | None:
        """How long tasks like this one took at its provider, in milliseconds, or None where too few are known."""
        return await expected_duration(self._store, task)

    async def progress(self, task: Task, queue: Queue | None = None) -> Progress:
        """What can be said of a task that is not at its end; `queue` is the line where it is known already."""
        now, expected = self._clock.now(), await self.expected(task)
        if task.state is TaskState.SUBMITTING:
            return Progress(now, expected, await self._line.trial(task))
        if task.state is not TaskState.QUEUED:
            return Progress(now, expected)
        return Progress(now, expected, await self._line.place(task, queue))

    def begin(self, task: Task, queue: Queue | None = None, *, is_routine: bool = False) -> None:
        """Begin to show a task, and wait for nothing: Telegram may take a minute for a chat."""
        key = _key(task)
        # Whoever waits for its turn already shows what the store says by then.
        if key not in self._begun:
            self._begun.add(key)
            self._work.start(self.show(task, queue), is_routine=is_routine)

    def begin_first(self, tasks: Collection[Task], announce: Announce) -> None:
        """Begin to show the first status of these tasks, as `first` does, and wait for nothing."""
        if tasks:
            self._work.start(self._show_first(tasks, announce))

    async def _show_first(self, tasks: Collection[Task], announce: Announce) -> None:
        with self.first([task.id for task in tasks]):
            await asyncio.gather(*(announce(task) for task in tasks))

    async def show(self, task: Task, queue: Queue | None = None) -> bool:
        """Write or edit the status message of a task, or of its batch, that is not at its end.

        Handlers and ticks may show the same task at once: they take turns, and each shows what the
        store says by then, so that a task never gets two messages. False where its chat refuses the first one.
        """
        try:
            async with self._turn(task):
                self._begun.discard(_key(task))
                batch = await self._store.tasks.list_batch(task)
                running = [
                    each
                    for each in batch
                    # Of an element or a voice the answer to its command says enough.
                    if not (each.state.is_final or each.is_forgotten or each.makes_asset)
                ]
                if not running:
                    return True
                # Of a batch the one that has most to say: a question first, then what waits.
                waiting = [each for each in running if each.state is TaskState.QUEUED]
                asked = [each for each in waiting if each.answer_by is not None]
                asked += [each for each in running if each.is_in_doubt]
                return await self._show((asked or waiting or running)[0], batch, queue)
        except ChatMoved as moved:
            shown = await self.move(task.origin.chat_id, moved.new_chat_id)
            return shown[task.id] if task.id in shown else await self.show(task, queue)

    async def move(self, old: ChatId, new: ChatId) -> dict[TaskId, bool]:
        """Follow a group that has a new id at Telegram, and show there again what is under way.

        What `show` said of each task that has no status there; told again, of none.
        """
        unshown = await self._store.chats.move(old, new, self._clock.now())
        log.info("a group has a new id", old=old, new=new, shown=len(unshown))
        return {task.id: await self.show(task) for task in unshown}

    async def tick(self) -> None:
        """Begin to bring the status messages up to date between looks: time passes, and the queue moves on.

        Those that run and those next in line come first, so that this costs the same however many wait.
        """
        for task in await self._store.tasks.list_in([TaskState.IN_PROGRESS], SHOWN_RUNNING):
            if task.status_message_id is not None:
                self.begin(task, is_routine=True)
        queue = await self._line.read()
        for task in await self._store.tasks.list_by_id(queue.first(SHOWN_QUEUED)):
            if task.status_message_id is not None:
                self.begin(task, queue, is_routine=True)

    async def close(self, task: Task) -> None:
        """Take the status message of a finished task away."""
        async with self._turn(task):
            latest = await self._store.tasks.get(task.id)
            if latest is not None and latest.status_message_id is not None:
                await self._notices.remove_status(latest)
                await self._store.tasks.set_status_message(task.id, None)

    def begin_close(self, task: Task) -> None:
        """Begin to take the status message of a finished task away, and wait for nothing."""
        self._work.start(self.close(task))

    async def send_notice(self, task: Task) -> Sent:
        """Tell how a task ended, in place of its status message. Raises a `ChatError`."""
        async with self._turn(task):
            latest = await self._store.tasks.get(task.id) or task
            sent = await self._notices.send_notice(latest, await self._store.tasks.list_batch(latest))
            await self._store.tasks.set_status_message(task.id, None)
            return sent

    async def tell(self, task: Task, key: str, /, **params: object) -> None:
        """Write one text to where a task is answered. Raises a `ChatError`."""
        await self._notices.tell(task, key, **params)

    async def react(self, task: Task, reaction: Reaction) -> None:
        """React to the request of a task in a group."""
        await self._notices.react(task, reaction)

    def _turn(self, task: Task) -> asyncio.Lock:
        return self._turns.setdefault(_key(task), asyncio.Lock())

    async def _show(self, task: Task, batch: Sequence[Task], queue: Queue | None) -> bool:
        progress = replace(await self.progress(task, queue), batch=batch)
        try:
            message_id = await self._notices.show_status(task, progress)
        except (ChatBusy, ChatGone, ChatRefused) as error:
            log.info("status not shown", task=task.id, chat=task.origin.chat_id, reason=str(error))
            return task.status_message_id is not None or isinstance(error, ChatBusy)
        else:
            if message_id is not None and message_id != task.status_message_id:
                await self._store.tasks.set_status_message(task.id, message_id)
                if task.status_message_id is None:
                    await self._notices.react(task, Reaction.ACCEPTED)
        return True


def _key(task: Task) -> str:
    """What has one status message: a batch, or a task of its own."""
    return task.batch_id or task.id


async def expected_duration(store: Store, task: Task) -> Millis | None:
    """How long tasks like this one took at its provider, in milliseconds, or None where too few are known."""
    if task.provider is None or task.makes_asset:
        return None
    return learned_median(await store.tasks.list_durations(task.provider, task.timing_key))
