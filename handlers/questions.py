"""Which message asks about a person's draft, so that it can be taken away when the answer comes by words.

Kept in memory only: without it a button stays behind, and answers politely when it is pressed.
"""

from collections import OrderedDict

REMEMBERED = 1_000


class Questions:
    """The message id of the newest question to each person in each chat."""

    def __init__(self) -> None:
        self._asked: OrderedDict[tuple[int, int], int] = OrderedDict()

    def asked(self, user_id: int, chat_id: int, message_id: int) -> None:
        """A question was asked; an older one is forgotten."""
        self._asked[user_id, chat_id] = message_id
        self._asked.move_to_end((user_id, chat_id))
        while len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)

    def take(self, user_id: int, chat_id: int) -> int | None:
        """The message id of the open question, which is thereby answered."""
        return self._asked.pop((user_id, chat_id), None)
