"""What a person has made, page by page and by the words of its prompt; and words that wait behind a button or link.

Everything here is one person's: nobody's history is found by another, and a token gives words back only to
whoever typed them.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.domain.tasks.task import Delivery, Task
from bot.domain.units import UserId
from bot.store import Store

PAGE = 6
RESULTS_A_PAGE = 50
"""As many as Telegram takes as the answer to an inline query."""

LONGEST_WORDS = 256
"""Letters of a search or an inline query; Telegram's own limit for the latter."""

_TOKEN_BYTES = 9


@dataclass(frozen=True, slots=True)
class Page:
    """Some tasks of a history. `number` counts from 0."""

    tasks: Sequence[Task]
    number: int
    has_more: bool


class History:
    """Looks through what one person has made."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def page(self, user_id: UserId, words: str, number: int) -> Page:
        """A page of a person's tasks that hold all the words, newest first."""
        tasks = await self._store.history.search(user_id, words[:LONGEST_WORDS], number * PAGE, PAGE + 1)
        return Page(tasks[:PAGE], number, len(tasks) > PAGE)

    async def favourites(self, user_id: UserId, number: int) -> Page:
        """A page of a person's favourites, newest first."""
        tasks = await self._store.history.list_favourites(user_id, number * PAGE, PAGE + 1)
        return Page(tasks[:PAGE], number, len(tasks) > PAGE)

    async def results(self, user_id: UserId, words: str, skip: int) -> tuple[list[Delivery], int | None]:
        """Videos and pictures that a person can send again, and where the next of them begin (None: no more)."""
        found = await self._store.history.search_results(
            user_id, words[:LONGEST_WORDS], skip, RESULTS_A_PAGE + 1
        )
        more = skip + RESULTS_A_PAGE if len(found) > RESULTS_A_PAGE else None
        return found[:RESULTS_A_PAGE], more

    async def keep(self, user_id: UserId, words: str) -> str:
        """Keep words, and give the token that stands for them: 12 of the letters that links and buttons take."""
        digest = hashlib.sha256(f"{user_id}\0{words}".encode()).digest()
        token = base64.urlsafe_b64encode(digest[:_TOKEN_BYTES]).decode("ascii")
        await self._store.drafts.save_text(user_id, token, words, self._clock.now())
        return token

    async def kept(self, user_id: UserId, token: str) -> str | None:
        """The words of a token, if this person typed them and they are not forgotten yet."""
        return await self._store.drafts.get_text(user_id, token)
