"""When something is asked before it costs anything: nothing is spent by accident."""

from telegram import Update

from bot.domain.requests.request import VideoRequest
from handlers.chat.context import Context, place_of
from handlers.making.card import open_with
from handlers.making.submit import is_stale, submit
from handlers.sending.chat import ReplyTarget


async def submit_or_ask(update: Update, context: Context, request: VideoRequest) -> None:
    """Submit at once; but ask about a message that waited too long, and whoever wants to be asked first."""
    if is_stale(update, context):
        await ask(update, context, request, "draft.stale")
    elif context.preferences.confirm_first:
        await ask(update, context, request, "draft.ready")
    else:
        await submit(update, context, request)


async def ask(update: Update, context: Context, request: VideoRequest, question: str) -> None:
    """Show a request that the message brought as the person's card, with a question above it."""
    await open_with(update, context, request, place_of(update).message_id, question=question)


async def offer(update: Update, context: Context, request: VideoRequest, place: ReplyTarget) -> None:
    """Show a request that no message of the person brought as their card, at a place."""
    await open_with(update, context, request, None, question="draft.words", place=place)
