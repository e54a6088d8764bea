"""`/quota`: what one may spend."""

from dataclasses import replace

from telegram import Update

from handlers.account import group_views
from handlers.chat import views
from handlers.chat.context import Context, answer, place_of, user_id_of


async def quota(update: Update, context: Context) -> None:
    """What one may spend, what is reserved, and when there is more."""
    services = context.services
    balance = await services.accounts.balance(user_id_of(update))
    view = views.quota(context.t, balance, services.accounts.zone, services.clock.now())
    zone, now = services.accounts.zone, services.clock.now()
    lots = await services.accounts.lots(user_id_of(update))
    lines = [view.html, *(views.lot(context.t, lot, zone, now) for lot in lots)]
    place = place_of(update)
    standing = None if place.is_private else await services.submit.group_standing(place.chat_id)
    if standing is not None:
        lines.append(group_views.budget(context.t, *standing))
    pool = None if place.is_private else await services.pools.standing(place.chat_id)
    if pool is not None:
        lines.append(group_views.pool(context.t, pool, zone, now))
    await answer(update, context, replace(view, html="\n".join(lines)))
