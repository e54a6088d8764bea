"""Keep the one status message of a task true: what was understood, where it is, how long it may take."""

import structlog

from bot.clock import Clock
from bot.domain.schedule import learned_median
from bot.domain.task import Task, TaskState
from bot.domain.units import Millis
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused, Messenger, Progress
from bot.store.base import Store

log = structlog.get_logger(__name__)


class Status:
    """Shows progress. It is a courtesy: whatever the chat answers, the task goes on."""

    def __init__(self, store: Store, messenger: Messenger, clock: Clock) -> None:
        self._store = store
        self._messenger = messenger
        self._clock = clock

    async def expected(self, task: Task) -> Millis | None:
        """How long tasks like this one took at its provider, in milliseconds, or None where too few are known."""
        if task.provider is None:
            return None
        return learned_median(await self._store.durations(task.provider, task.operation_key))

    async def show(self, task: Task) -> None:
        """Write or edit the status message of a task that is not at its end."""
        if task.state.is_final:
            return
        ahead = await self._store.queue_position(task) if task.state is TaskState.QUEUED else None
        progress = Progress(self._clock.now(), await self.expected(task), ahead)
        try:
            message_id = await self._messenger.show_status(task, progress)
        except ChatMoved as moved:
            await self._store.move_chat(task.origin.chat_id, moved.new_chat_id)
        except (ChatBusy, ChatGone, ChatRefused) as error:
            log.info("status not shown", task=task.id, chat=task.origin.chat_id, reason=str(error))
        else:
            if message_id is not None and message_id != task.status_message_id:
                await self._store.set_status_message(task.id, message_id)
