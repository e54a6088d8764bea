"""Finished results and what may be done with them: which task a message belongs to, and its video at the provider."""

from collections.abc import Sequence

from bot.domain.request import Product, SourceVideo
from bot.domain.task import Delivery, DeliveryKind, Task, TaskState
from bot.domain.units import ChatId, TaskId, UserId
from bot.errors import UserError
from bot.services.accounts import Accounts
from bot.store.base import Store

WITH_VIDEO = (TaskState.SUCCEEDED, TaskState.EXPIRED)


class Results:
    """Finds what has been made. Everybody works with their own results, admins with everybody's."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    async def of_message(self, chat_id: ChatId, message_id: int) -> Task | None:
        """The task whose result a message brought."""
        return await self._store.task_of_message(chat_id, message_id)

    async def files(self, task_id: TaskId) -> list[Delivery]:
        """What a task brought, in order, without notices."""
        rows = await self._store.deliveries_of(task_id)
        return sorted(
            (row for row in rows if row.kind is not DeliveryKind.NOTICE), key=lambda row: row.position
        )

    async def newest_video(self, user_id: UserId) -> Task:
        """A person's newest finished video.

        Raises:
            UserError: there is none.

        """
        for task in await self._store.tasks_of(user_id, WITH_VIDEO):
            if task.request.operation.product is Product.VIDEO and await self.files(task.id):
                return task
        raise UserError("error.result.none")

    async def source(self, user_id: UserId, task: Task, position: int = 0) -> SourceVideo:
        """A finished video as the provider that made it knows it.

        Raises:
            UserError: it is another person's, it is no video, or its provider gave it no id.

        """
        if task.user_id != user_id and not self._accounts.is_admin(user_id):
            raise UserError("error.result.not_yours")
        files = await self.files(task.id)
        videos: Sequence[Delivery] = [file for file in files if file.kind is DeliveryKind.VIDEO]
        if len(videos) <= position:
            raise UserError("error.result.no_video")
        remote = videos[position].video
        if remote is None or not remote.id or task.provider is None:
            raise UserError("error.result.no_id")
        return SourceVideo(
            provider=task.provider,
            video_id=remote.id,
            model=task.request.model,
            duration_ms=remote.duration_ms or videos[position].duration_ms,
            url=remote.url,
        )
