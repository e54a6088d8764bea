"""`/quota`: what one may spend."""

from dataclasses import replace

from telegram import Update

from handlers import group_views, views
from handlers.context import Context, answer, place_of, user_id_of


async def quota(update: Update, context: Context) -> None:
    """What one may spend, what is reserved, and when there is more."""
    services = context.services
    balance = await services.accounts.balance(user_id_of(update))
    view = views.quota(context.t, balance, services.accounts.zone, services.clock.now())
    place = place_of(update)
    standing = None if place.is_private else await services.submit.group_standing(place.chat_id)
    if standing is not None:
        view = replace(view, html=f"{view.html}\n{group_views.budget(context.t, *standing)}")
    await answer(update, context, view)
