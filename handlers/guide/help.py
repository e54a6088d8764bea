"""`/help`: what the bot does, and how."""

from telegram import Update

from handlers.chat import views
from handlers.chat.context import Context, answer, user_id_of
from handlers.chat.menus import MORE_COMMANDS, SALES_COMMANDS, USER_COMMANDS, staff_commands


async def help_(update: Update, context: Context) -> None:
    """Commands, options and models."""
    services = context.services
    role = services.access.roles.get(user_id_of(update))
    commands = (*USER_COMMANDS[:3], *MORE_COMMANDS, *USER_COMMANDS[3:], *staff_commands(role))
    if not services.payments.is_open:
        commands = tuple(name for name in commands if name not in SALES_COMMANDS)
    await answer(update, context, views.help_text(context.t, commands, services.compose.models()))
