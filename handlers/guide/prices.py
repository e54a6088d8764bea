"""`/prices`: what everything costs, and what the reader's plan holds."""

from telegram import Update

from handlers.chat.context import Context, answer, user_id_of
from handlers.guide import price_views


async def prices(update: Update, context: Context) -> None:
    """The prices of what the reader's plan holds."""
    services = context.services
    plan = await services.accounts.plan(user_id_of(update))
    compose = services.compose
    for view in price_views.prices(context.t, compose.rows(), compose.beside(), plan):
        await answer(update, context, view)
