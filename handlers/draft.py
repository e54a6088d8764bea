"""Drafts: a request that waits for a word or a tap, because nothing is spent by accident.

A person has one draft in a chat. Its buttons name the message that it began with, so that a button of
an older draft never submits a newer one.
"""

from contextlib import suppress
from dataclasses import replace

from telegram import CallbackQuery, Update
from telegram.error import TelegramError

from bot.domain.request import VideoRequest
from bot.errors import UserError
from handlers import views
from handlers.context import Context, Place, answer, place_of, rewrite, send, user_id_of
from handlers.submitting import is_stale, submit


async def submit_or_ask(update: Update, context: Context, request: VideoRequest) -> None:
    """Submit at once, but ask about a message that waited too long before it costs anything."""
    if is_stale(update, context):
        await ask(update, context, request, "draft.stale")
    else:
        await submit(update, context, request)


async def ask(update: Update, context: Context, request: VideoRequest, question: str) -> None:
    """Keep a request as the person's draft in this chat, and ask about it."""
    await put_away_question(update, context)
    place, user_id = place_of(update), user_id_of(update)
    services = context.services
    await services.submit.save_draft(user_id, place.chat_id, request, place.message_id)
    price = services.compose.price(request)
    view = views.draft(context.t, request, price, question, user_id, _name(place.message_id))
    sent = await answer(update, context, view)
    context.bot_data.questions.asked(user_id, place.chat_id, sent.message_id)


async def offer(update: Update, context: Context, request: VideoRequest, place: Place) -> None:
    """Keep a request that no message of the person brought as their draft, and ask about it at a place."""
    user_id = user_id_of(update)
    services = context.services
    await put_away_question(update, context)
    await services.submit.save_draft(user_id, place.chat_id, request, None)
    price = services.compose.price(request)
    view = views.draft(context.t, request, price, "draft.words", user_id, _name(None))
    sent = await send(context, place, view)
    context.bot_data.questions.asked(user_id, place.chat_id, sent.message_id)


async def put_away_question(update: Update, context: Context) -> None:
    """Take the open question away, where it is known: its draft was completed by words, or gave way."""
    place = place_of(update)
    message_id = context.bot_data.questions.take(user_id_of(update), place.chat_id)
    if message_id is not None:
        with suppress(TelegramError):
            await context.bot.delete_message(place.chat_id, message_id)


async def take(update: Update, context: Context, name: str) -> tuple[VideoRequest, int | None]:
    """The person's draft in this chat, which a button names.

    Raises:
        UserError: it was submitted or given up, or has given way to another.

    """
    draft = await context.services.submit.draft(user_id_of(update), place_of(update).chat_id)
    if draft is None or _name(draft[1]) != name:
        raise UserError("error.draft.gone")
    return draft


async def change(
    update: Update, context: Context, query: CallbackQuery, name: str, request: VideoRequest, question: str
) -> None:
    """Put another request in a draft's place, in the same message."""
    services, user_id, place = context.services, user_id_of(update), place_of(update)
    _, source_message_id = await take(update, context, name)
    await services.submit.save_draft(user_id, place.chat_id, request, source_message_id)
    price = services.compose.price(request)
    await rewrite(context, query, views.draft(context.t, request, price, question, user_id, name))


# -- buttons -----------------------------------------------------------------------------------------


async def press_generate(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Submit the draft that the button stands under; the status message takes the question's place."""
    place, user_id = place_of(update), user_id_of(update)
    services = context.services
    request, source_message_id = await take(update, context, argument)
    # A photo may wait without words, but what needs them is not sent without.
    services.compose.check(request)
    await submit(update, context, request, replace(place, message_id=source_message_id))
    await services.submit.delete_draft(user_id, place.chat_id)
    context.bot_data.questions.take(user_id, place.chat_id)
    await _remove(context, query)


async def press_discard(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Give the draft up; a button of an older draft leaves the newer one alone."""
    place, user_id = place_of(update), user_id_of(update)
    services = context.services
    draft = await services.submit.draft(user_id, place.chat_id)
    if draft is not None and _name(draft[1]) == argument:
        await services.submit.delete_draft(user_id, place.chat_id)
        context.bot_data.questions.take(user_id, place.chat_id)
    await rewrite(context, query, views.View(context.t("draft.discarded")))


def _name(source_message_id: int | None) -> str:
    """How buttons name a draft: by the message that it began with."""
    return "-" if source_message_id is None else str(source_message_id)


async def _remove(context: Context, query: CallbackQuery) -> None:
    message = query.message
    if message is None:
        return
    try:
        await context.bot.delete_message(message.chat.id, message.message_id)
    except TelegramError:
        # Too old to be deleted: without its buttons it is history.
        with suppress(TelegramError):
            await context.bot.edit_message_reply_markup(message.chat.id, message.message_id)
