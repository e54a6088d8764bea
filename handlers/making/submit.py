"""From a composed request to a queued task with its status message."""

from bot.domain.requests.request import VideoRequest
from bot.domain.tasks.task import Task
from handlers.chat.turn import Turn
from handlers.sending.chat import ReplyTarget


def is_stale(turn: Turn) -> bool:
    """Whether a message waited so long that its sender may no longer want what it asks for."""
    assert turn.message is not None  # noqa: S101  a press is never stale
    return turn.now() - turn.message.date.timestamp() * 1000 > turn.services.stale_after


async def submit(turn: Turn, request: VideoRequest, target: ReplyTarget | None = None) -> Task:
    """Accept a request and show its status, in answer to the update or at another place.

    Raises:
        UserError: it was not accepted.

    """
    task = await turn.services.submit.accept(turn.user_id, turn.origin(target), request)
    await turn.services.status.show(task)
    return task
