"""The order in which waiting tasks are sent: priority, then everybody in turn, then age. Pure."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.requests.operations import LIBRARY_OPERATIONS
from bot.domain.requests.request import GenerationRequest
from bot.domain.types import Credits, Millis, ProviderName, TaskId, UserId

REMEMBERED = 10_000
"""Tasks whose turn is remembered should they come back; more than run at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class TaskGroup:
    """Tasks that the same providers can take on the same terms; `request` is one of them, as an example.

    `excluded` are the providers that are left out for now, `takers` those that could take it otherwise.
    """

    request: GenerationRequest
    excluded: tuple[ProviderName, ...]
    takers: frozenset[ProviderName]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued task as far as its place in line depends on it.

    `sequence` grows with the order of acceptance. So many tasks of its user as `max_running` says may run
    at a time; 0: no such limit. It wants attention at `due_at`, and is not sent after `deadline_at`.
    """

    id: TaskId
    version: int
    sequence: int
    user_id: UserId
    priority: int
    max_running: int
    price: Credits
    due_at: Millis
    deadline_at: Millis
    kind: TaskGroup

    @property
    def is_beside(self) -> bool:
        """Whether it has no place in line."""
        return self.kind.request.operation in LIBRARY_OPERATIONS


class Turns:
    """Puts waiting tasks in order: priority, then everybody's turn, then age; and remembers whose turn it was.

    A person's second task goes after everybody's first, those that run or ran lately included: whoever was
    served in this round waits for the next one. A task that comes back because it could not be sent has the
    turn that it had.
    """

    def __init__(self) -> None:
        self._rounds: dict[int, int] = {}
        self._served: dict[tuple[int, UserId], int] = {}
        self._taken: OrderedDict[TaskId, int] = OrderedDict()

    def in_order(self, waiting: Iterable[Waiting], running: Mapping[UserId, int]) -> list[Waiting]:
        """Put tasks in the order in which they are to be sent; so many of each user are `running`."""
        nexts: dict[tuple[int, UserId], int] = {}
        placed = []
        for task in sorted(waiting, key=lambda task: task.sequence):
            turn = self._taken.get(task.id)
            if turn is None:
                line = (task.priority, task.user_id)
                turn = nexts.get(line, self._next(task, running))
                nexts[line] = turn + 1
            placed.append((-task.priority, turn, task.sequence, task))
        placed.sort(key=lambda place: place[:3])
        return [place[3] for place in placed]

    def take(self, task: Waiting, running: Mapping[UserId, int]) -> None:
        """A task is being sent, so its user has had this turn; `running` as it was before."""
        turn = self._taken.setdefault(task.id, self._next(task, running))
        self._served[task.priority, task.user_id] = turn
        if turn > self._rounds.get(task.priority, 1):
            self._rounds[task.priority] = turn
            # Whoever was last served in an earlier round stands where everybody stands who never was.
            self._served = {
                line: served for line, served in self._served.items() if served >= self._rounds[line[0]]
            }
        while len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)

    def _next(self, task: Waiting, running: Mapping[UserId, int]) -> int:
        served = self._served.get((task.priority, task.user_id), 0)
        return max(served + 1, self._rounds.get(task.priority, 1) + running.get(task.user_id, 0))
