"""How many requests a minute a person and a group may make: kept in memory, for a restart forgives.

Quotas say how much may be spent; this says how fast, so that nobody floods a group or the queue by accident.
"""

from collections import OrderedDict, deque
from typing import TypeVar

from bot.clock import Clock
from bot.domain.units import MINUTE, SECOND, ChatId, Millis, UserId
from bot.errors import UserError
from bot.settings import sections

REMEMBERED = 10_000

K = TypeVar("K", UserId, ChatId)


class Limits:
    """Counts the requests of the last minute, by person and by group."""

    def __init__(self, *, limits: sections.Limits, groups: sections.Groups, clock: Clock) -> None:
        self._of_a_person = limits.requests_per_minute
        self._of_a_group = groups.requests_per_minute
        self._clock = clock
        self._people: OrderedDict[UserId, deque[Millis]] = OrderedDict()
        self._groups: OrderedDict[ChatId, deque[Millis]] = OrderedDict()

    def take(self, user_id: UserId, group: ChatId | None, of_a_person: int | None = None) -> None:
        """Count one request, of a person in a group or (None) in private; a plan may set the person's rate.

        Raises:
            UserError: it is one too many; nothing is counted. With the seconds until the next may come.

        """
        now = self._clock.now()
        limit = self._of_a_person if of_a_person is None else of_a_person
        person = _recent(self._people, user_id, limit, now)
        everybody = None if group is None else _recent(self._groups, group, self._of_a_group, now)
        if len(person) >= limit:
            raise UserError("error.limit.person", seconds=_seconds_left(person, now))
        if everybody is not None and len(everybody) >= self._of_a_group:
            raise UserError("error.limit.group", seconds=_seconds_left(everybody, now))
        person.append(now)
        if everybody is not None:
            everybody.append(now)


def _recent(memory: OrderedDict[K, deque[Millis]], key: K, limit: int, now: Millis) -> deque[Millis]:
    """The moments of the last minute; whoever was not here for longest is forgotten."""
    times = memory.get(key)
    if times is None or times.maxlen != limit:
        # A plan that was changed has another rate.
        times = memory[key] = deque(times or (), maxlen=limit)
    memory.move_to_end(key)
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)
    while times and now - times[0] >= MINUTE:
        times.popleft()
    return times


def _seconds_left(times: deque[Millis], now: Millis) -> int:
    """Until the oldest is a minute old, rounded up."""
    return -(-(times[0] + MINUTE - now) // SECOND)
