"""When a request may go to Telegram: a place in its chat, one among all chats, and the pauses that Telegram asks for.

Each chat and the bot as a whole have one number, the moment from which the next request is on time; a burst may be so
much early. A request works out its wait, reserves its place and sleeps once. Only forward steps of the clock count, so
that one that is set back holds up nothing.

Answers to people don't wait for what goes to other chats: Telegram's limit of about 30 messages a second is one on what
bots write by themselves. Where it throttles the bot as a whole all the same, everything but answers slows down.
"""

import math
from collections import Counter, OrderedDict
from dataclasses import dataclass
from enum import Enum, auto

from bot.clock import Clock, Sleep
from bot.domain.types import SECOND, ChatId, Millis, is_private
from bot.services.ports import ChatBusy

LONGEST_WAIT = 60.0
"""Seconds that an answer waits at most, for its place or for the end of a pause."""

SHORT_WAIT = 10.0
"""Seconds that what is tried again later waits for its place."""

REMEMBERED = 10_000
"""Chats whose last requests are known."""

AS_A_WHOLE = 5
"""So many chats in turn are throttled where Telegram means the bot and not the chat."""

PROBE_SECONDS = 1.0
"""Between two requests that are no answers, while the bot as a whole is throttled."""


class Urgency(Enum):
    """Who waits for a request, and so how long it may wait itself."""

    ANSWER = auto()
    """A person: it waits out pauses too, up to `LONGEST_WAIT`."""
    NOTICE = auto()
    """It is kept and tried again: it waits for its place up to `SHORT_WAIT`, and for no pause."""
    BROADCAST = auto()
    """As a notice, in what the others leave."""
    FILE = auto()
    """A file for a message that had its turn: it counts, but doesn't wait, as it was fetched for this moment."""
    PROGRESS = auto()
    """Soon outdated: now, where others have room left, or not at all."""
    SIGN = auto()
    """A reaction, or what the bot is doing: Telegram doesn't count it; left out during a pause."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests at least `interval` seconds apart on average, `burst` of them at once."""

    interval: float
    burst: int

    def wait(self, following: float, now: float, spare: int = 0) -> float:
        """Return the seconds until the next request is allowed, while `spare` places of the burst stay free."""
        return following - (self.burst - 1 - spare) * self.interval - now

    def reserve(self, following: float, now: float) -> float:
        """Return the moment from which the request after this one is on time."""
        return max(following, now) + self.interval


PRIVATE = Rate(1.0, 20)
"""Telegram tolerates short bursts beyond one message a second; a card is edited as fast as its buttons are tapped."""

GROUP = Rate(4.0, 5)
"""20 in any minute, as Telegram allows in groups and channels."""

OVERALL = Rate(1 / 30, 30)

SPARE = {Urgency.PROGRESS: 2}
SPARE_OVERALL = {Urgency.PROGRESS: 10, Urgency.BROADCAST: 20}
"""Places of a burst, in the chat and overall, that are left to what is more urgent."""

UNHURRIED = OVERALL.burst * OVERALL.interval + 1.0
"""Seconds: answers and files put off everything else by one second at most."""

WAITS = {Urgency.ANSWER: LONGEST_WAIT, Urgency.NOTICE: SHORT_WAIT, Urgency.BROADCAST: SHORT_WAIT}
"""Seconds that requests wait; others don't."""


@dataclass(slots=True)
class _Known:
    """What is known of a chat: when the next request is on time, and the end of its pause; seconds."""

    rate: Rate
    following: float = 0.0
    pause_end: float = 0.0


class Pacing:
    """Says when each request to a chat may go, and remembers which chats Telegram throttles."""

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self._clock = clock
        self.sleep = sleep
        self._seen = clock.now()
        self._elapsed = 0.0
        self._chats: OrderedDict[int, _Known] = OrderedDict()
        self._following = 0.0
        self._returning: Counter[int] = Counter()
        self._throttled: set[int] = set()
        self._throttled_end = 0.0
        self._next_probe = 0.0

    def __len__(self) -> int:
        """Return how many chats are known."""
        return len(self._chats)

    async def turn(self, chat_id: ChatId, urgency: Urgency) -> None:
        """Reserve a place for a request, and wait for it.

        Raises:
            ChatBusy: it would wait longer than its urgency allows; nothing is reserved.

        """
        now, chat = self._now(), self._chat(chat_id)
        wait = self._possible(chat, urgency, now)
        self._reserve(chat, urgency, now)
        if wait > 0:
            await self._wait_out(wait, int(chat.pause_end) if chat.pause_end > now else None)
            # What was slept has passed, whatever the clock says.
            self._elapsed = max(self._now(), now + wait)

    def check(self, chat_id: ChatId, urgency: Urgency) -> None:
        """Refuse what could not go soon enough, before work is done for it.

        Raises:
            ChatBusy: it would wait longer than its urgency allows.

        """
        self._possible(self._chat(chat_id), urgency, self._now())

    def pause(self, chat_id: ChatId, seconds: float) -> None:
        """Remember that Telegram asks for a pause in a chat."""
        now, chat = self._now(), self._chat(chat_id)
        chat.pause_end = max(chat.pause_end, now + seconds)
        # There is no burst after it.
        chat.following = max(chat.following, chat.pause_end + (chat.rate.burst - 1) * chat.rate.interval)
        if now >= self._throttled_end:
            self._throttled.clear()
        if len(self._throttled) < AS_A_WHOLE:
            self._throttled.add(chat_id)
        self._throttled_end = max(self._throttled_end, chat.pause_end)

    def note_success(self) -> None:
        """Remember that Telegram acted on a request: it does not throttle the bot as a whole."""
        self._throttled.clear()
        self._throttled_end = 0.0

    def _possible(self, chat: _Known, urgency: Urgency, now: float) -> float:
        """Return how many seconds a request waits, at most 0: none. Raises `ChatBusy` where it may not wait so long."""
        pause = chat.pause_end - now
        if pause > 0 and urgency is not Urgency.ANSWER:
            raise _busy(pause)
        wait = max(self._wait(chat, urgency, now), pause)
        if pause > 0:
            # Those whose pauses end together come back one after the other.
            wait = max(wait, pause + self._returning[int(chat.pause_end)] * OVERALL.interval)
        if wait > WAITS.get(urgency, 0.0):
            raise _busy(wait)
        return wait

    def _wait(self, chat: _Known, urgency: Urgency, now: float) -> float:
        """Return the seconds until there is a place in the chat and among all chats; negative: since when."""
        wait = -math.inf
        if urgency not in {Urgency.FILE, Urgency.SIGN}:
            wait = chat.rate.wait(chat.following, now, SPARE.get(urgency, 0))
            if urgency is not Urgency.ANSWER:
                wait = max(wait, OVERALL.wait(self._following, now, SPARE_OVERALL.get(urgency, 0)))
        if urgency is not Urgency.ANSWER and self._is_throttled(now):
            wait = max(wait, min(self._next_probe, self._throttled_end) - now)
        return wait

    def _reserve(self, chat: _Known, urgency: Urgency, now: float) -> None:
        if self._is_throttled(now) and urgency is not Urgency.ANSWER:
            self._next_probe = max(self._next_probe, now) + PROBE_SECONDS
        if urgency is Urgency.SIGN:
            return
        chat.following = chat.rate.reserve(chat.following, now)
        following = OVERALL.reserve(self._following, now)
        if urgency in {Urgency.ANSWER, Urgency.FILE}:
            following = max(self._following, min(following, now + UNHURRIED))
        self._following = following

    def _is_throttled(self, now: float) -> bool:
        return len(self._throttled) >= AS_A_WHOLE and now < self._throttled_end

    async def _wait_out(self, seconds: float, pause_end: int | None) -> None:
        if pause_end is None:
            await self.sleep(seconds)
            return
        self._returning[pause_end] += 1
        try:
            await self.sleep(seconds)
        finally:
            self._returning[pause_end] -= 1
            if not self._returning[pause_end]:
                del self._returning[pause_end]

    def _chat(self, chat_id: int) -> _Known:
        chat = self._chats.get(chat_id)
        if chat is None:
            chat = self._chats[chat_id] = _Known(PRIVATE if is_private(chat_id) else GROUP)
            if len(self._chats) > REMEMBERED:
                self._chats.popitem(last=False)
        self._chats.move_to_end(chat_id)
        return chat

    def _now(self) -> float:
        """Seconds since the start, without the steps that the clock was set back by."""
        now = self._clock.now()
        self._elapsed += max(0, now - self._seen) / SECOND
        self._seen = now
        return self._elapsed


def _busy(seconds: float) -> ChatBusy:
    return ChatBusy(Millis(math.ceil(seconds * SECOND)))
