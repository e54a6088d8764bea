"""`/help`: what the bot does, and how."""

from telegram import Update

from handlers import views
from handlers.context import Context, answer, user_id_of
from handlers.menus import ADMIN_COMMANDS, MORE_COMMANDS, SALES_COMMANDS, USER_COMMANDS


async def help_(update: Update, context: Context) -> None:
    """Commands, options and models."""
    services = context.services
    is_admin = services.accounts.is_admin(user_id_of(update))
    commands = (*USER_COMMANDS[:3], *MORE_COMMANDS, *USER_COMMANDS[3:], *(ADMIN_COMMANDS if is_admin else ()))
    if not services.payments.is_open:
        commands = tuple(name for name in commands if name not in SALES_COMMANDS)
    await answer(update, context, views.help_text(context.t, commands, services.compose.models()))
