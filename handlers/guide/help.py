"""`/help`: what the bot does, and how."""

from telegram import Update

from handlers.chat import views
from handlers.chat.context import Context, answer


async def help_(update: Update, context: Context) -> None:
    """Commands, options and models."""
    turn = context.turn
    role = turn.services.access.roles.get(turn.user_id)
    commands = turn.menus.listed(role, is_selling=turn.services.payments.is_open)
    await answer(update, context, views.help_text(turn.t, commands, turn.services.compose.models()))
