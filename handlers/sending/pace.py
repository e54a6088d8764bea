"""How often messages may be edited: Telegram counts edits as messages, per chat and over all chats.

Progress that is not shown now is shown by a later look, so what is over the budget is simply left out.
A change of a task's state is always worth an edit, unless Telegram asked this chat for a pause.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.units import SECOND, Millis

EVERY_MESSAGE = 3 * SECOND
SLOWEST = 30 * SECOND
GROUP = 5 * SECOND
"""Between two edits of progress in one group, where 20 messages a minute are allowed in all."""

OVERALL = 15
"""Edits of progress a second over all chats; Telegram allows about 30 messages a second."""

REMEMBERED = 2_000

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a status message said last. `stage` changes where the message is worth an edit at once."""

    text: str
    stage: str
    at: Millis


class Pace:
    """Remembers what was shown, and says whether an edit is worth its place in the budget."""

    def __init__(self) -> None:
        self._shown: OrderedDict[tuple[int, int], Shown] = OrderedDict()
        self._group_edits: OrderedDict[int, Millis] = OrderedDict()
        self._pauses: OrderedDict[int, Millis] = OrderedDict()
        self._recent: deque[Millis] = deque(maxlen=OVERALL)

    def may_edit(self, chat_id: int, message_id: int, shown: Shown, elapsed: int) -> bool:
        """Whether to edit now. `elapsed` milliseconds of work make the edits rarer, from 3 to 30 seconds."""
        known = self._shown.get((chat_id, message_id))
        if shown.at < self._pauses.get(chat_id, 0) or (known is not None and known.text == shown.text):
            return False
        if known is not None and known.stage != shown.stage:
            return True
        if known is not None and shown.at - known.at < min(SLOWEST, max(EVERY_MESSAGE, elapsed // 20)):
            return False
        if chat_id < 0 and shown.at - self._group_edits.get(chat_id, Millis(-GROUP)) < GROUP:
            return False
        return len(self._recent) < OVERALL or shown.at - self._recent[0] >= SECOND

    def note(self, chat_id: int, message_id: int, shown: Shown) -> None:
        """A status message says this now."""
        _keep(self._shown, (chat_id, message_id), shown)
        self._recent.append(shown.at)
        if chat_id < 0:
            _keep(self._group_edits, chat_id, shown.at)

    def forget(self, chat_id: int, message_id: int) -> None:
        """A status message is gone."""
        self._shown.pop((chat_id, message_id), None)

    def pause(self, chat_id: int, until: Millis) -> None:
        """Telegram asked for a pause in this chat."""
        _keep(self._pauses, chat_id, until)


def _keep(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)
