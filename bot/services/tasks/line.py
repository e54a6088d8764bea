"""The line of waiting tasks: what waits, in which order, and what a person is told of their place in it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.clock import Clock
from bot.domain.requests.request import Resource
from bot.domain.tasks.line import TaskGroup, Turns, Waiting
from bot.domain.tasks.schedule import learned_median
from bot.domain.tasks.task import Task
from bot.domain.types import Millis, ProviderName, TaskId, UserId
from bot.kling.pool import ProviderPool, Running, Slots
from bot.services.ports import NO_HOLD, Hold, LinePosition
from bot.services.tasks.workers import Faults
from bot.store import Store

PAGE = 500
"""Whole rows that are read at a time where many are new in the line."""


@dataclass(slots=True)
class Queue:
    """The line at one moment, oldest first, with what runs: `running` per provider and model, `running_of` per user.

    `beside` are elements and voices: they wait for nobody, and take nobody's turn.
    """

    waiting: Sequence[Waiting]
    beside: Sequence[Waiting]
    running: Running
    running_of: Mapping[UserId, int]
    turns: Turns
    _places: dict[tuple[frozenset[ProviderName], Resource], dict[TaskId, tuple[int, int]]] = field(
        default_factory=dict
    )

    def first(self, number: int) -> list[TaskId]:
        """Those whose turn comes first."""
        return [task.id for task in self.turns.in_order(self.waiting, self.running_of)[:number]]

    def place(self, task: Waiting) -> tuple[int, int]:
        """Where a task stands among those that wait for the same model of the same providers, from 1 on, and after how many of its user."""
        takers, resource = task.kind.takers, task.kind.request.resource
        if (takers, resource) not in self._places:
            rivals = [
                other
                for other in self.waiting
                if other.kind.takers & takers and other.kind.request.resource == resource
            ]
            of_user: Counter[UserId] = Counter()
            places = {}
            for number, other in enumerate(self.turns.in_order(rivals, self.running_of), 1):
                places[other.id] = (number, of_user[other.user_id])
                of_user[other.user_id] += 1
            self._places[takers, resource] = places
        return self._places[takers, resource][task.id]


class Line:
    """Reads the line. What it knows of a waiting task it keeps, so that a long line costs little to read again."""

    def __init__(self, *, store: Store, pool: ProviderPool, clock: Clock) -> None:
        self._store = store
        self._pool = pool
        self._clock = clock
        self._known: dict[TaskId, Waiting] = {}
        self._turns = Turns()
        self._faults = Faults()

    async def read(self) -> Queue:
        """The line as it is now."""
        rows = await self._store.tasks.list_queued()
        before = self._known
        known, changed = {}, {}
        for task_id, version, sequence in rows:
            waiting = before.get(task_id)
            if waiting is not None and waiting.version == version:
                known[task_id] = waiting
            else:
                changed[task_id] = sequence
        kinds = {_key(waiting.kind): waiting.kind for waiting in known.values()} if changed else {}
        ids = list(changed)
        for start in range(0, len(ids), PAGE):
            for task in await self._store.tasks.list_by_id(ids[start : start + PAGE]):
                try:
                    known[task.id] = self._waiting(task, changed[task.id], kinds)
                except Exception as error:  # noqa: BLE001  one task must not stop the line
                    self._faults.record(task.id, error, task=task.id)
        self._known = known
        order = sorted(known.values(), key=lambda waiting: waiting.sequence) if changed else known.values()
        return Queue(
            [each for each in order if not each.is_beside],
            [each for each in order if each.is_beside],
            await self._store.tasks.count_running(),
            await self._store.tasks.count_running_of_users(),
            self._turns,
        )

    async def place(self, task: Task, queue: Queue | None = None) -> LinePosition:
        """What keeps a queued task waiting, and where it stands; `queue` is the line where it is known already."""
        queue = queue or await self.read()
        waiting = self._known.get(task.id)
        if waiting is None or waiting.version != task.version:
            return LinePosition()
        if waiting.due_at > self._clock.now():
            return LinePosition(Hold.RETRY)
        number, after_own = queue.place(waiting)
        limit = waiting.max_running
        if limit and queue.running_of.get(waiting.user_id, 0) + after_own >= limit:
            return LinePosition(Hold.OWN)
        slots = self._pool.slots(waiting.kind.request, queue.running, waiting.kind.excluded)
        if not slots:
            return LinePosition(Hold.DOWN, number)
        if number <= sum(each.free for each in slots):
            return LinePosition()
        return LinePosition(Hold.BUSY, number, await self._ready_in(task, number, slots))

    async def trial(self, task: Task) -> LinePosition:
        """What holds a task that is being sent: a provider that was too busy so far still is, for all that is known."""
        if task.provider is None or not self._pool.is_busy(task.provider, task.request.resource):
            return NO_HOLD
        running = Counter(await self._store.tasks.count_running())
        running[task.provider, task.request.resource] -= 1
        slots = self._pool.slots(task.request, running, task.excluded)
        return LinePosition(Hold.BUSY, 1, await self._ready_in(task, 1, slots))

    async def _ready_in(self, task: Task, number: int, slots: Sequence[Slots]) -> Millis | None:
        """When the video may be there: when its turn comes, and what tasks like it take from then on."""
        a_milli, took = 0.0, []
        for each in slots:
            median = learned_median(await self._store.tasks.list_recent_durations(each.provider))
            if median:
                a_milli += each.total / median
                alike = await self._store.tasks.list_durations(each.provider, task.timing_key)
                took.append(learned_median(alike) or median)
        return Millis(int(number / a_milli) + min(took)) if took else None

    def _waiting(self, task: Task, sequence: int, kinds: dict[object, TaskGroup]) -> Waiting:
        kind = TaskGroup(task.request, task.excluded, self._pool.takers(task.request))
        return Waiting(
            id=task.id,
            version=task.version,
            sequence=sequence,
            user_id=task.user_id,
            priority=task.priority,
            max_running=task.max_running,
            price=task.price,
            due_at=task.due_at if task.due_at is not None else task.created_at,
            deadline_at=task.deadline_at,
            kind=kinds.setdefault(_key(kind), kind),
        )


def _key(kind: TaskGroup) -> object:
    return kind.request.operation, kind.request.model, kind.excluded, kind.takers
