"""How fast people may do things; counted in memory, for a restart is slower than any of these limits."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

from bot.clock import Clock
from bot.domain.types import MINUTE, SECOND, ChatId, Millis, UserId
from bot.errors import UserError
from bot.settings import sections

REMEMBERED = 10_000

K = TypeVar("K", UserId, ChatId)


class Rate(Generic[K]):
    """Counts what each person or group did within a period (milliseconds)."""

    def __init__(self, clock: Clock, period: int = MINUTE) -> None:
        self._clock = clock
        self._period = period
        self._times: OrderedDict[K, deque[Millis]] = OrderedDict()

    def wait(self, key: K, limit: int) -> int:
        """Seconds until the next is within the limit, rounded up; 0: it is now."""
        now, times = self._clock.now(), self._recent(key)
        if len(times) < limit:
            return 0
        return max(1, -(-(times[len(times) - limit] + self._period - now) // SECOND))

    def count(self, key: K) -> None:
        """Count one."""
        self._recent(key).append(self._clock.now())

    def __len__(self) -> int:
        """How many persons or groups are remembered."""
        return len(self._times)

    def _recent(self, key: K) -> deque[Millis]:
        now, times = self._clock.now(), self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while len(self._times) > REMEMBERED:
            self._times.popitem(last=False)
        while times and now - times[0] >= self._period:
            times.popleft()
        return times


class Limits:
    """Counts the requests and images of the last minute, by person and by group."""

    def __init__(self, *, limits: sections.Limits, groups: sections.Groups, clock: Clock) -> None:
        self._limits = limits
        self._of_a_group = groups.requests_per_minute
        self._people: Rate[UserId] = Rate(clock)
        self._groups: Rate[ChatId] = Rate(clock)
        self._images: Rate[UserId] = Rate(clock)

    def take(self, user_id: UserId, group: ChatId | None, of_a_person: int = 0) -> None:
        """Count one request, of a person in a group or (None) in private; a plan may set the person's rate.

        Raises:
            UserError: it is one too many; nothing is counted. With the seconds until the next may come.

        """
        if seconds := self._people.wait(user_id, of_a_person or self._limits.requests_per_minute):
            raise UserError("error.limit.person", seconds=seconds)
        if group is not None and (seconds := self._groups.wait(group, self._of_a_group)):
            raise UserError("error.limit.group", seconds=seconds)
        self._people.count(user_id)
        if group is not None:
            self._groups.count(group)

    def take_image(self, user_id: UserId) -> None:
        """Count one image that a person sends.

        Raises:
            UserError: it is one too many, with the seconds until the next may come.

        """
        if seconds := self._images.wait(user_id, self._limits.images_per_minute):
            raise UserError("error.limit.images", seconds=seconds)
        self._images.count(user_id)
