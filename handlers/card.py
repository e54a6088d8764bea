"""The composer card: one message in which a request takes shape before it costs anything."""

from telegram import Update

from bot.domain.request import VideoRequest
from handlers import views
from handlers.context import Context, Place, place_of, send, user_id_of
from handlers.draft import put_away_question


async def open_with(
    update: Update,
    context: Context,
    request: VideoRequest,
    source_message_id: int | None,
    *,
    question: str = "draft.ready",
    place: Place | None = None,
) -> None:
    """Show a request as the person's card in this chat; an older card gives way.

    The video will be a reply to `source_message_id`. The card itself is sent to `place`, or as an answer
    to the update. `question` is the key of what stands above it.
    """
    where, user_id = place or place_of(update), user_id_of(update)
    services = context.services
    await put_away_question(update, context)
    await services.submit.save_draft(user_id, where.chat_id, request, source_message_id)
    price = services.compose.price(request)
    name = "-" if source_message_id is None else str(source_message_id)
    sent = await send(context, where, views.draft(context.t, request, price, question, user_id, name))
    context.bot_data.questions.asked(user_id, where.chat_id, sent.message_id)
