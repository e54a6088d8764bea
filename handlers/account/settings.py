"""`/settings` and `/language`: what a person chooses once for everything, in one message."""

from telegram import CallbackQuery, Update

from bot.domain.requests.preferences import Preference, preference_choices
from bot.errors import UserError
from bot.i18n import languages
from handlers.account import settings_views
from handlers.chat import html
from handlers.chat.context import Context, answer, one_of, rewrite, user_id_of


async def settings(update: Update, context: Context) -> None:
    """Show everything that can be set."""
    await answer(update, context, _overview(update, context))


async def press_settings(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Show the choices of one preference, or everything again."""
    await rewrite(context, query, await _page(update, context, argument))


async def press_prefer(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Keep a choice and show everything with it."""
    which, _, key = argument.partition(".")
    accounts, user_id = context.services.accounts, user_id_of(update)
    if which == settings_views.LANGUAGE:
        await accounts.set_language(user_id, key if key in languages() else None)
    else:
        # What is theirs is kept as it is, also where their plan holds less of it for now.
        own = await accounts.preferences(user_id)
        choices = preference_choices(own, one_of(Preference, which), context.services.compose.rows())
        if key not in choices:
            raise UserError("error.card.choice")
        await accounts.set_preferences(user_id, choices[key])
    # Read again: from here on in the new language, with the new preferences.
    await context.turn.load_user()
    await rewrite(context, query, _overview(update, context))


def _overview(update: Update, context: Context) -> html.View:
    usual = context.services.cards.blank(context.preferences)
    return settings_views.settings(context.t, context.preferences, usual, user_id_of(update))


async def _page(update: Update, context: Context, which: str) -> html.View:
    user_id = user_id_of(update)
    if not which:
        return _overview(update, context)
    if which == settings_views.LANGUAGE:
        return settings_views.languages(
            context.t, await context.services.accounts.chosen_language(user_id), user_id
        )
    preference = one_of(Preference, which)
    choices = preference_choices(context.preferences, preference, context.services.compose.rows())
    return settings_views.preference(context.t, context.preferences, preference, choices, user_id)


async def language(update: Update, context: Context) -> None:
    """Offer the languages."""
    await answer(update, context, settings_views.language_choice(context.t, user_id_of(update)))


async def press_language(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Keep the chosen language, or follow Telegram's again, and say so in it."""
    chosen = argument if argument in languages() else None
    await context.services.accounts.set_language(user_id_of(update), chosen)
    await context.turn.load_user()
    await rewrite(context, query, html.View(context.t("language.changed")))
