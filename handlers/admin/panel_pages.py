"""What the rooms of the admin panel have in common: what a room is, and how one asks for words."""

from collections.abc import Awaitable, Callable

from telegram import Update

from bot.errors import UserError
from handlers.admin import panel_views as admin_views
from handlers.chat.context import Context, place_of, user_id_of
from handlers.chat.html import View

ASKED = "admin"
"""What the store keeps while an admin is asked for words; the subject says what they are for."""

Room = Callable[[Update, Context, list[str]], Awaitable[View]]
"""Does what a button asks for, and gives what the panel shows then."""


async def ask(update: Update, context: Context, subject: str, key: str, **params: object) -> View:
    """Ask for words, which go to the function of `subject`.

    Raises:
        UserError: it is a group, where everybody would read them.

    """
    me, place = user_id_of(update), place_of(update)
    if not place.is_private:
        raise UserError("error.admin.in_private")
    await context.services.questions.ask(me, place.chat_id, ASKED, subject)
    return admin_views.asks(context.t, key, me, **params)


def asking(key: str, subject: str) -> Room:
    """A room that asks for words; `subject` says what they are for, and the button the rest."""

    async def room(update: Update, context: Context, rest: list[str]) -> View:
        return await ask(update, context, ".".join([subject, *rest]), key)

    return room
