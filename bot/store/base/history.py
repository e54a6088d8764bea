"""What a person finds again: their tasks and results, and what a message in the chat is about."""

from typing import Protocol

from bot.domain.tasks.task import Delivery, MessagePurpose, NotedMessage, Task
from bot.domain.units import ChatId, TaskId, UserId


class History(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    # -- searching -----------------------------------------------------------------------------------

    async def search_tasks(self, user_id: UserId, words: str, skip: int, limit: int) -> list[Task]:
        """A user's tasks, not hidden, whose prompt or effect holds all the words in any case, newest first."""
        ...

    async def search_results(self, user_id: UserId, words: str, skip: int, limit: int) -> list[Delivery]:
        """The videos and pictures that the chat has a file id of, of the tasks that `search_tasks` finds."""
        ...

    async def favourites(self, user_id: UserId, skip: int, limit: int) -> list[Task]:
        """A user's favourite tasks, newest first."""
        ...

    async def set_favourite(self, task_id: TaskId, favourite: bool) -> None:
        """Make a task a favourite of its owner, or no longer. Does not change the version."""
        ...

    async def hide_task(self, task_id: TaskId) -> None:
        """Take a task out of its owner's history for good. Does not change the version."""
        ...

    # -- messages ------------------------------------------------------------------------------------

    async def note_message(
        self, chat_id: ChatId, message_id: int, task_id: TaskId, position: int, purpose: MessagePurpose
    ) -> None:
        """Remember what a message about one of a finished task's results is for."""
        ...

    async def noted_message(self, chat_id: ChatId, message_id: int) -> NotedMessage | None:
        """What a message is about: one that brought a result, or one of `note_message`."""
        ...

    async def messages_of(self, task_id: TaskId) -> list[tuple[ChatId, int]]:
        """Every message that brought a task's results or is about them."""
        ...

    async def task_of_message(self, chat_id: ChatId, message_id: int) -> Task | None:
        """The task whose result a message brought, or that it is about (see `note_message`)."""
        ...

    async def task_of_request(self, chat_id: ChatId, message_id: int) -> Task | None:
        """The newest task, not hidden, that a person's message asked for."""
        ...
