"""`/quota`: what one may spend."""

from telegram import Update

from handlers import views
from handlers.context import Context, answer, user_id_of


async def quota(update: Update, context: Context) -> None:
    """What one may spend, what is reserved, and when there is more."""
    services = context.services
    balance = await services.accounts.balance(user_id_of(update))
    view = views.quota(context.t, balance, services.accounts.zone, services.clock.now())
    await answer(update, context, view)
