"""Which albums have been seen, so that one album makes one request.

Kept in memory only: forgetting it, by a restart in the middle of an album, costs a repeated question.
Photos without words never spend anything.
"""

from collections import OrderedDict

REMEMBERED = 1_000


class Albums:
    """Counts the photos of each album as they come."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[int, str], int] = OrderedDict()

    def number_of(self, chat_id: int, album: str | None) -> int:
        """Which photo of its album this is, from 1; a photo without an album is always the first."""
        if album is None:
            return 1
        key = (chat_id, album)
        self._seen[key] = self._seen.get(key, 0) + 1
        self._seen.move_to_end(key)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return self._seen[key]
