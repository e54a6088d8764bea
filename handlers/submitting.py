"""From a composed request to a queued task with its status message, or to a draft that asks first."""

from telegram import Update

from bot.domain.prompt import ParsedPrompt
from bot.domain.request import ImageRef, VideoRequest
from bot.domain.task import Task
from bot.domain.units import ChatId, UserId
from bot.errors import UserError
from handlers import views
from handlers.context import Context, answer, message_of, origin_of, user_id_of


def is_stale(update: Update, context: Context) -> bool:
    """Whether a message waited so long that its sender may no longer want what it asks for."""
    sent_at = message_of(update).date.timestamp() * 1000
    return context.services.clock.now() - sent_at > context.services.stale_after


async def submit(
    update: Update, context: Context, request: VideoRequest, *, source_message_id: int | None = None
) -> Task:
    """Accept a request and show its status.

    Raises:
        UserError: it was not accepted.

    """
    services = context.services
    task = await services.submit.accept(
        user_id_of(update), origin_of(update, context, source_message_id), request
    )
    await services.status.show(task)
    return task


async def submit_or_ask(
    update: Update, context: Context, parsed: ParsedPrompt, image: ImageRef | None
) -> None:
    """Submit at once, but ask about a message that waited too long before it costs anything."""
    request = context.services.submit.compose(parsed, image)
    if is_stale(update, context):
        await ask(update, context, request, "draft.stale")
    else:
        await submit(update, context, request)


async def ask(update: Update, context: Context, request: VideoRequest, question: str) -> None:
    """Keep a request as the person's draft in this chat, and ask about it."""
    message = message_of(update)
    services = context.services
    await services.submit.save_draft(user_id_of(update), ChatId(message.chat_id), request, message.message_id)
    await answer(update, context, views.draft(context.t, request, services.submit.price(request), question))


async def take_draft(user_id: UserId, chat_id: ChatId, context: Context) -> tuple[VideoRequest, int | None]:
    """The draft that a press is about.

    Raises:
        UserError: it was submitted or given up already.

    """
    draft = await context.services.submit.draft(user_id, chat_id)
    if draft is None:
        raise UserError("error.draft.gone")
    return draft
