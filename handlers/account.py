"""`/start`, `/help`, `/quota` and `/language`."""

from telegram import CallbackQuery, Update

from bot.i18n import for_language, languages
from bot.services.ports import Balance
from handlers import views
from handlers.context import Context, acknowledge, answer, user_id_of


async def _balance(update: Update, context: Context) -> Balance:
    return await context.services.accounts.balance(user_id_of(update))


async def start(update: Update, context: Context) -> None:
    """One screen that shows what to do."""
    name = update.effective_user.first_name if update.effective_user is not None else ""
    await answer(update, context, views.start(context.t, name, await _balance(update, context)))


async def help_(update: Update, context: Context) -> None:
    """Commands and options."""
    services = context.services
    models = sorted(services.submit.models())
    is_admin = services.accounts.is_admin(user_id_of(update))
    await answer(update, context, views.help_text(context.t, models, is_admin=is_admin))


async def quota(update: Update, context: Context) -> None:
    """What one may spend."""
    services = context.services
    balance = await _balance(update, context)
    await answer(
        update, context, views.quota(context.t, balance, services.accounts.zone, services.clock.now())
    )


async def language(update: Update, context: Context) -> None:
    """Offer the languages."""
    await answer(update, context, views.language_choice(context.t))


async def press_language(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Keep the chosen language, and say so in it."""
    accounts = context.services.accounts
    chosen = argument if argument in languages() else None
    await accounts.set_language(user_id_of(update), chosen)
    await context.meet(update)
    texts = for_language(context.t.language)
    await acknowledge(query)
    await query.edit_message_text(texts("language.changed"))
