"""`/privacy`, `/export` and `/forget`: what is kept of a person, as a file, and how it is deleted for good."""

from dataclasses import replace

from telegram import CallbackQuery, Update

from bot.errors import UserError
from handlers.account import privacy_views
from handlers.chat.context import Context, answer, place_of, rewrite, user_id_of
from handlers.chat.html import View
from handlers.sending.media import Media, MediaKind
from handlers.shop import subscriptions

ASK, YES, NO = "ask", "yes", "no"


async def privacy(update: Update, context: Context) -> None:
    """What is kept, for how long, and who gets it."""
    days = context.services.privacy.retention_days
    await answer(update, context, privacy_views.privacy(context.t, days, user_id_of(update)))


async def export(update: Update, context: Context) -> None:
    """One's own data as a file.

    Raises:
        UserError: others would see it.

    """
    place, user_id = place_of(update), user_id_of(update)
    if not place.is_private:
        raise UserError("error.privacy.private_chat")
    content = await context.services.privacy.export(user_id)
    name = f"{context.bot.username}-{user_id}.json"
    file = Media(kind=MediaKind.DOCUMENT, source=content, filename=name)
    await context.chat.send_media(replace(place, message_id=None), file, View(context.t("export.done")))


async def forget(update: Update, context: Context) -> None:
    """Ask whether everything shall be deleted.

    Raises:
        UserError: others would see it.

    """
    if not place_of(update).is_private:
        raise UserError("error.privacy.private_chat")
    await answer(update, context, privacy_views.question(context.t, user_id_of(update)))


async def press_export(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The button of /privacy."""
    del query, argument
    await export(update, context)


async def press_forget(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The button of /privacy asks; the answer to the question is final."""
    if argument == ASK:
        await forget(update, context)
    elif argument == YES:
        await _unsubscribe(update, context)
        await context.services.privacy.forget(user_id_of(update))
        await rewrite(context, query, View(context.t("forget.done")))
    else:
        await rewrite(context, query, View(context.t("forget.kept")))


async def _unsubscribe(update: Update, context: Context) -> None:
    """Nobody goes on paying a bot that has forgotten them."""
    subscription = await context.services.payments.subscriptions.current(user_id_of(update))
    if subscription is not None and subscription.renews:
        await subscriptions.set_renewal(context.turn, subscription, renews=False)
