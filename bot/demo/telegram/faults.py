"""What may go wrong on purpose: calls that fail next, and Telegram's limits on how often a bot may send."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.demo.telegram.wire import BotApiError


class ConnectionDropped(Exception):
    """The connection is to be closed without an answer."""


class Garbled(Exception):
    """The answer is to be a page of HTML with the status 200, as proxies send it."""


@dataclass
class Fault:
    """The next `times` calls of `method` ("*": of any but getUpdates) go wrong in one way.

    With `done_first` the call is carried out and only its answer goes wrong.
    """

    method: str
    error: BotApiError | ConnectionDropped | Garbled
    times: int = 1
    chat_id: int | None = None
    done_first: bool = False

    def concerns(self, method: str, chat_id: int | None) -> bool:
        """Tell whether this call is to go wrong."""
        if self.chat_id is not None and self.chat_id != chat_id:
            return False
        if self.method == "*":
            return method.lower() != "getupdates"
        return self.method.lower() == method.lower()


def too_many_requests(seconds: int) -> BotApiError:
    """Make a 429 that asks for a pause of so many seconds."""
    return BotApiError(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


@dataclass
class Limits:
    """Telegram's budget per token: messages and edits overall, in one chat and in one group.

    Off unless `enabled`; times come from `now`, in seconds.
    """

    now: Callable[[], float]
    enabled: bool = False
    per_second: int = 30
    chat_burst: int = 5
    per_group_minute: int = 20
    _sent: deque[tuple[float, int]] = field(default_factory=deque)

    def spend(self, chat_id: int) -> None:
        """Count one message to a chat: one a second on average, `chat_burst` at once.

        Raises:
            BotApiError: 429 with the whole seconds to wait.

        """
        if not self.enabled:
            return
        now = self.now()
        while self._sent and self._sent[0][0] <= now - 60:
            self._sent.popleft()
        here = [at for at, chat in self._sent if chat == chat_id]
        overall = [at for at, _ in self._sent]
        waits = [_wait(overall, now, self.per_second, 1), _wait(here, now, self.chat_burst, self.chat_burst)]
        if chat_id < 0:
            waits.append(_wait(here, now, self.per_group_minute, 60))
        if (longest := max(waits)) > 0:
            raise too_many_requests(math.ceil(longest))
        self._sent.append((now, chat_id))


def _wait(times: list[float], now: float, most: int, seconds: float) -> float:
    """Give the seconds until fewer than `most` of `times` lie within the last `seconds`."""
    recent = [at for at in times if at > now - seconds]
    return recent[-most] + seconds - now if len(recent) >= most else 0.0


@dataclass
class Faults:
    """The failures that are still to come, in the order in which they were planned."""

    planned: list[Fault] = field(default_factory=list)
    late: dict[str, float] = field(default_factory=dict)
    """By method in lower case: how many seconds an answer comes after what it tells of."""
    is_older: bool = False
    """Whether this is a Bot API server before 7.11."""

    def plan(self, fault: Fault) -> None:
        """Add a failure."""
        self.planned.append(fault)

    def take(self, method: str, chat_id: int | None) -> Fault | None:
        """Give the failure that this call meets, counted down; None for a call that goes well."""
        for fault in self.planned:
            if fault.concerns(method, chat_id):
                fault.times -= 1
                if fault.times == 0:
                    self.planned.remove(fault)
                return fault
        return None
