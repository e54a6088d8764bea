"""Declarations of modules whose handlers still take `(update, context)`. A converted module declares its own."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Self

from telegram import CallbackQuery, Update

from bot.domain.people.access import AccessLevel, Permission
from handlers.admin import panel as admin_panel
from handlers.admin.panel_pages import ASKED
from handlers.chat.context import Context
from handlers.chat.keyboards import Payload
from handlers.chat.menus import Section
from handlers.chat.routes import Answer, Command, Press, Reply
from handlers.chat.turn import Turn

OldHandler = Callable[[Update, Context], Awaitable[Any]]
OldPress = Callable[[Update, Context, CallbackQuery, str], Awaitable[str | None]]
OldReply = Callable[[Update, Context, str], Awaitable[None]]


class _Argument(Payload):
    """The whole argument, as a string."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def unpack(cls, argument: str) -> Self:
        return cls(argument)


async def _call(handler: OldHandler, turn: Turn) -> Any:
    return await handler(turn.update, Context(turn))


async def _call_press(handler: OldPress, turn: Turn, argument: _Argument) -> str | None:
    query = turn.update.callback_query
    assert query is not None  # noqa: S101  it is a press
    return await handler(turn.update, Context(turn), query, argument.text)


async def _call_reply(handler: OldReply, turn: Turn, subject: str) -> None:
    await handler(turn.update, Context(turn), subject)


def old(name: str, handler: OldHandler, **options: Any) -> Command:
    """A command."""
    return Command(name, partial(_call, handler), **options)


def old_button(action: str, handler: OldPress, access: AccessLevel = AccessLevel.USE) -> Press[_Argument]:
    """A button."""
    payload = type("argument", (_Argument,), {}, action=action)
    return Press(payload, partial(_call_press, handler), access)


def old_reply(kind: str, answer: Answer, handler: OldReply) -> Reply:
    """A pending question."""
    return Reply(kind, answer, partial(_call_reply, handler))


COMMANDS = (
    old("unsubscribe", admin_panel.unsubscribe, access=AccessLevel.OPEN, section=Section.ACCOUNT),
    old("admin", admin_panel.admin, permission=Permission.LOOK, section=Section.STAFF),
    old("audit", admin_panel.audit, permission=Permission.AUDIT, section=Section.STAFF),
)
BUTTONS = (old_button("panel", admin_panel.press_panel),)
REPLIES = (old_reply(ASKED, Answer.TEXT, admin_panel.took_words),)
