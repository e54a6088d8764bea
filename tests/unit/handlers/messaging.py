"""What the tests of what the bot sends share."""

from dataclasses import replace

import pytest

from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import ChatId
from bot.services.ports import Progress
from tests.builders import NOW, a_task
from tests.world.telegram import ADA

PROGRESS = Progress(NOW)
TELLS_OF_TIMEDELTA = pytest.mark.filterwarnings("ignore:.*PTB_TIMEDELTA")
"""python-telegram-bot says with every pause how pauses will be told one day."""

VIDEO = b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 4_000
"""About a megabyte."""


def a_task_of(chat_id: int = ADA, state: TaskState = TaskState.QUEUED, **changes) -> Task:
    """A task of this chat; `changes` are fields of `Task`, and some of its origin."""
    origin = {name: changes.pop(name) for name in ("thread_id", "message_id", "language") if name in changes}
    task = a_task(state, chat_id=ChatId(chat_id), **changes)
    return replace(task, origin=replace(task.origin, **origin))
