"""A user's past tasks and results, and which task a message is about."""

from collections.abc import Sequence

from bot.domain.tasks.task import Delivery, ResultMessage, Task
from bot.domain.types import ChatId, TaskId, UserId
from bot.store.engine import Row, Subject, Transaction, mapper
from bot.store.outbox import with_task


class History(Subject):
    """Tasks that are not hidden, and the messages about them."""

    # -- searching -----------------------------------------------------------------------------------

    async def search(self, user_id: UserId, words: str, skip: int, limit: int) -> list[Task]:
        """A user's tasks whose prompt, effect or elements and voices have all the words, newest first."""
        # The words are compared with one person's tasks, as they stand in the requests, so that nothing is kept
        # of a prompt beside the request.
        statement = """
            SELECT * FROM tasks INDEXED BY tasks_of_person
            WHERE user_id = :user AND hidden = 0 AND pack != 'library' AND NOT EXISTS (
                SELECT 1 FROM json_items(:words) AS word WHERE strpos(casefold(
                    coalesce(tasks.request ->> 'prompt', '') || ' ' || coalesce(tasks.request ->> 'effect', '')
                    || ' ' || coalesce(tasks.request ->> 'asset_names', '')
                ), word.value) = 0
            )
            ORDER BY sequence DESC LIMIT :limit OFFSET :skip
        """
        wanted = words.casefold().split()
        return await self._read(
            lambda tx: tx.all(Task, statement, user=user_id, words=wanted, skip=skip, limit=limit)
        )

    async def search_results(self, user_id: UserId, words: str, skip: int, limit: int) -> list[Delivery]:
        """The videos and images with a file id, of the tasks that `search` finds."""
        statement = """
            SELECT outbox.* FROM tasks INDEXED BY tasks_of_person CROSS JOIN outbox
            WHERE outbox.task_id = tasks.id AND tasks.user_id = :user AND tasks.hidden = 0
            AND outbox.kind IN ('video', 'image') AND outbox.file_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM json_items(:words) AS word WHERE strpos(casefold(
                    coalesce(tasks.request ->> 'prompt', '') || ' ' || coalesce(tasks.request ->> 'effect', '')
                    || ' ' || coalesce(tasks.request ->> 'asset_names', '')
                ), word.value) = 0
            )
            ORDER BY tasks.sequence DESC, outbox.position LIMIT :limit OFFSET :skip
        """
        wanted = words.casefold().split()

        def work(tx: Transaction) -> list[Delivery]:
            rows = tx.all(Row, statement, user=user_id, words=wanted, skip=skip, limit=limit)
            return [with_task(tx, row) for row in rows]

        return await self._read(work)

    async def list_favourites(self, user_id: UserId, skip: int, limit: int) -> list[Task]:
        """A user's favourite tasks, newest first."""
        statement = """
            SELECT * FROM tasks INDEXED BY tasks_favourite
            WHERE user_id = :user AND favourite = 1 AND hidden = 0
            ORDER BY sequence DESC LIMIT :limit OFFSET :skip
        """
        return await self._read(lambda tx: tx.all(Task, statement, user=user_id, skip=skip, limit=limit))

    async def set_favourite(self, task_id: TaskId, favourite: bool) -> None:
        """Add a task to its owner's favourites, or remove it. Does not change the version."""
        statement = "UPDATE tasks SET favourite = :favourite WHERE id = :task"
        await self._write(lambda tx: tx.run(statement, task=task_id, favourite=int(favourite)))

    async def hide(self, task_id: TaskId) -> None:
        """Remove a task from its owner's history for good. Does not change the version."""
        statement = "UPDATE tasks SET hidden = 1, favourite = 0 WHERE id = :task"
        await self._write(lambda tx: tx.run(statement, task=task_id))

    # -- messages ------------------------------------------------------------------------------------

    async def save_message(
        self,
        chat_id: ChatId,
        message_id: int,
        task_id: TaskId,
        position: int,
        file_unique_id: str | None = None,
    ) -> None:
        """Save that a message is about one of a finished task's results, and the result's file in it."""
        row = {
            "chat_id": chat_id,
            "message_id": message_id,
            "task_id": task_id,
            "position": position,
        }
        file = {"file_unique_id": file_unique_id, "task_id": task_id, "position": position}

        def work(tx: Transaction) -> None:
            tx.insert("task_messages", row, replace=("chat_id", "message_id"))
            if file_unique_id is not None:
                tx.insert("result_files", file, ignore=True)

        await self._write(work)

    async def get_message(self, chat_id: ChatId, message_id: int) -> ResultMessage | None:
        """What a message is about: one that brought a result, or one of `save_message`."""
        of_result = """
            SELECT tasks.*, outbox.position FROM outbox JOIN tasks ON tasks.id = outbox.task_id
            WHERE outbox.message_id = :message AND tasks.chat_id = :chat
            ORDER BY outbox.id DESC LIMIT 1
        """
        noted = """
            SELECT tasks.*, task_messages.position
            FROM task_messages JOIN tasks ON tasks.id = task_messages.task_id
            WHERE task_messages.message_id = :message AND task_messages.chat_id = :chat
        """

        def work(tx: Transaction) -> ResultMessage | None:
            row = tx.one(Row, of_result, message=message_id, chat=chat_id)
            row = row or tx.one(Row, noted, message=message_id, chat=chat_id)
            return None if row is None else mapper.load(ResultMessage, row | {"task": mapper.load(Task, row)})

        return await self._read(work)

    async def get_file(self, file_unique_ids: Sequence[str], user_id: UserId) -> ResultMessage | None:
        """The result, not hidden, that a file shows, wherever it stands: the user's own, or else anybody's."""
        statement = """
            SELECT tasks.*, result_files.position
            FROM result_files JOIN tasks ON tasks.id = result_files.task_id
            WHERE result_files.file_unique_id = ANY (:files) AND tasks.hidden = 0
            ORDER BY tasks.user_id = :user DESC, tasks.sequence DESC LIMIT 1
        """

        def work(tx: Transaction) -> ResultMessage | None:
            row = tx.one(Row, statement, files=file_unique_ids, user=user_id)
            return None if row is None else mapper.load(ResultMessage, row | {"task": mapper.load(Task, row)})

        return await self._read(work)

    async def get_newest_video(self, user_id: UserId, chat_id: ChatId) -> Task | None:
        """A user's newest task, not hidden, that was asked for in a chat and brought a video."""
        statement = """
            SELECT * FROM tasks INDEXED BY tasks_of_person_in_chat
            WHERE user_id = :user AND chat_id = :chat AND hidden = 0 AND EXISTS (
                SELECT 1 FROM outbox WHERE outbox.task_id = tasks.id AND outbox.kind = 'video'
            )
            ORDER BY sequence DESC LIMIT 1
        """
        return await self._read(lambda tx: tx.one(Task, statement, user=user_id, chat=chat_id))

    async def list_messages(self, task_id: TaskId) -> list[tuple[ChatId, int]]:
        """Every message that brought a task's results or is about them."""
        statement = """
            SELECT tasks.chat_id, outbox.message_id FROM outbox JOIN tasks ON tasks.id = outbox.task_id
            WHERE outbox.task_id = :task AND outbox.message_id IS NOT NULL
            UNION
            SELECT chat_id, message_id FROM task_messages WHERE task_id = :task
        """
        rows = await self._read(lambda tx: tx.all(Row, statement, task=task_id))
        return [(ChatId(row["chat_id"]), int(row["message_id"])) for row in rows]

    async def get_task_of_request(self, chat_id: ChatId, message_id: int) -> Task | None:
        """The newest task, not hidden, that a user's message asked for."""
        statement = """
            SELECT * FROM tasks INDEXED BY tasks_of_request
            WHERE chat_id = :chat AND message_id = :message AND hidden = 0 AND pack != 'library'
            ORDER BY sequence DESC LIMIT 1
        """
        return await self._read(lambda tx: tx.one(Task, statement, chat=chat_id, message=message_id))
