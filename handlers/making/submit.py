"""From a composed request to a queued task with its status message."""

from telegram import Update

from bot.domain.requests.request import VideoRequest
from bot.domain.tasks.task import Task
from handlers.chat.context import Context, message_of, origin_of, place_of, user_id_of
from handlers.sending.chat import ReplyTarget


def is_stale(update: Update, context: Context) -> bool:
    """Whether a message waited so long that its sender may no longer want what it asks for."""
    sent_at = message_of(update).date.timestamp() * 1000
    return context.services.clock.now() - sent_at > context.services.stale_after


async def submit(
    update: Update, context: Context, request: VideoRequest, place: ReplyTarget | None = None
) -> Task:
    """Accept a request and show its status, in answer to the update or at another place.

    Raises:
        UserError: it was not accepted.

    """
    services = context.services
    origin = origin_of(update, context, place or place_of(update))
    task = await services.submit.accept(user_id_of(update), origin, request)
    await services.status.show(task)
    return task
