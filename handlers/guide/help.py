"""`/help`: what the bot does, and how."""

from collections.abc import Sequence
from html import escape

from telegram import Update

from bot.i18n import Texts
from handlers.chat.context import Context, answer
from handlers.chat.html import View, fitting
from handlers.chat.keyboards import Button


async def help_(update: Update, context: Context) -> None:
    """Commands, options and models."""
    turn = context.turn
    role = turn.services.access.roles.get(turn.user_id)
    commands = turn.menus.listed(role, is_selling=turn.services.payments.is_open)
    await answer(update, context, help_text(turn.t, commands, turn.services.compose.models()))


# -- views -------------------------------------------------------------------------------------------


def help_text(t: Texts, commands: Sequence[str], models: Sequence[str]) -> View:
    """How to begin, the commands that the reader has, options, and the models on offer."""
    listed = "\n".join(f"/{name} – {t(f'command.{name}')}" for name in commands)
    offered = t("help.models", models=escape(", ".join(models)))
    parts = [t("help.text"), listed, t("help.options", model=escape(models[0])), offered]
    return View(fitting(parts, "\n\n"), [[Button(t("button.copy_example"), copy=t("example.command"))]])
