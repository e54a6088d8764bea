"""`/language`: the language in which the bot writes to a person."""

from telegram import CallbackQuery, Update

from bot.i18n import languages
from handlers import views
from handlers.context import Context, answer, rewrite, user_id_of


async def language(update: Update, context: Context) -> None:
    """Offer the languages."""
    await answer(update, context, views.language_choice(context.t, user_id_of(update)))


async def press_language(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Keep the chosen language, or follow Telegram's again, and say so in it."""
    chosen = argument if argument in languages() else None
    await context.services.accounts.set_language(user_id_of(update), chosen)
    await context.meet(update)
    await rewrite(context, query, views.View(context.t("language.changed")))
