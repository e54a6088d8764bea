"""What a person has made, page by page and by the words of its prompt; nobody's history is found by another."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.tasks.task import Delivery, Task
from bot.domain.units import UserId
from bot.store import Store

PAGE = 6
RESULTS_A_PAGE = 50
"""As many as Telegram takes as the answer to an inline query."""

LONGEST_WORDS = 256
"""Letters of a search or an inline query; Telegram's own limit for the latter."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some tasks of a history. `number` counts from 0."""

    tasks: Sequence[Task]
    number: int
    has_more: bool


class History:
    """Looks through what one person has made."""

    def __init__(self, store: Store) -> None:
        self._store = store

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
