"""What a person finds again, and what a message in the chat is about."""

import json
import sqlite3
from typing import Any

from bot.domain.tasks.task import Delivery, MessagePurpose, NotedMessage, Task
from bot.domain.units import ChatId, TaskId, UserId
from bot.store import sql
from bot.store.rows import task_of
from bot.store.sqlite.deliveries import with_task
from bot.store.sqlite.file import SqliteFile


class History(SqliteFile):
    """See `bot.store.base.history`."""

    # -- searching -----------------------------------------------------------------------------------

    async def search_tasks(self, user_id: UserId, words: str, skip: int, limit: int) -> list[Task]:
        rows = await self._rows(sql.SEARCH_TASKS, _search(user_id, words, skip, limit))
        return [task_of(row) for row in rows]

    async def search_results(self, user_id: UserId, words: str, skip: int, limit: int) -> list[Delivery]:
        def work(db: sqlite3.Connection) -> list[Delivery]:
            rows = db.execute(sql.SEARCH_RESULTS, _search(user_id, words, skip, limit)).fetchall()
            return [with_task(db, row) for row in rows]

        return await self._read(work)

    async def favourites(self, user_id: UserId, skip: int, limit: int) -> list[Task]:
        rows = await self._rows(sql.FAVOURITES, {"user": user_id, "skip": skip, "limit": limit})
        return [task_of(row) for row in rows]

    async def set_favourite(self, task_id: TaskId, favourite: bool) -> None:
        await self._write(sql.SET_FAVOURITE, (int(favourite), task_id))

    async def hide_task(self, task_id: TaskId) -> None:
        await self._write(sql.HIDE_TASK, (task_id,))

    # -- messages ------------------------------------------------------------------------------------

    async def note_message(
        self, chat_id: ChatId, message_id: int, task_id: TaskId, position: int, purpose: MessagePurpose
    ) -> None:
        await self._write(sql.NOTE_MESSAGE, (chat_id, message_id, task_id, position, str(purpose)))

    async def noted_message(self, chat_id: ChatId, message_id: int) -> NotedMessage | None:
        row = await self._row(sql.RESULT_MESSAGE, (message_id, chat_id))
        row = row or await self._row(sql.NOTED_MESSAGE, (message_id, chat_id))
        if row is None:
            return None
        purpose = row["purpose"]
        return NotedMessage(
            task_of(row), row["position"], None if purpose is None else MessagePurpose(purpose)
        )

    async def messages_of(self, task_id: TaskId) -> list[tuple[ChatId, int]]:
        rows = await self._rows(sql.MESSAGES_OF, {"task": task_id})
        return [(ChatId(row["chat_id"]), int(row["message_id"])) for row in rows]

    async def task_of_message(self, chat_id: ChatId, message_id: int) -> Task | None:
        noted = await self.noted_message(chat_id, message_id)
        return None if noted is None else noted.task

    async def task_of_request(self, chat_id: ChatId, message_id: int) -> Task | None:
        row = await self._row(sql.TASK_OF_REQUEST, (chat_id, message_id))
        return None if row is None else task_of(row)


def _search(user_id: UserId, words: str, skip: int, limit: int) -> dict[str, Any]:
    wanted = json.dumps(words.casefold().split())
    return {"user": user_id, "words": wanted, "skip": skip, "limit": limit}
