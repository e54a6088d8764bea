"""The bridge for handlers that still take `(update, context)`: each function stands for one of `Turn`."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from telegram import Bot, CallbackQuery, Message, Update

from bot.domain.requests.preferences import Preferences
from bot.domain.tasks.task import Origin
from bot.domain.units import UserId
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.container import Services
from handlers.chat.html import View
from handlers.chat.turn import Turn, reply_target_of
from handlers.sending.chat import Chat, ReplyTarget

E = TypeVar("E", bound=StrEnum)


class Context:
    """A `Turn` under the names of earlier handlers."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn

    @property
    def services(self) -> Services:
        """See `Turn`."""
        return self.turn.services

    @property
    def t(self) -> Texts:
        """See `Turn`."""
        return self.turn.t

    @t.setter
    def t(self, texts: Texts) -> None:
        self.turn.t = texts

    @property
    def preferences(self) -> Preferences:
        """See `Turn`."""
        return self.turn.preferences

    @property
    def bot(self) -> Bot:
        """The bot's name and id."""
        return self.turn.bot

    @property
    def chat(self) -> Chat:
        """See `Turn`."""
        return self.turn.chat

    @property
    def args(self) -> list[str]:
        """The words after the command."""
        return self.turn.arguments.split()


def place_of(update: Update) -> ReplyTarget:
    """`Turn.reply_target`."""
    return reply_target_of(update)


def user_id_of(update: Update) -> UserId:
    """`Turn.user_id`."""
    assert update.effective_user is not None  # noqa: S101  the filters let only people through
    return UserId(update.effective_user.id)


def message_of(update: Update) -> Message:
    """`Turn.message`."""
    message = update.message or update.edited_message
    assert message is not None  # noqa: S101  the filters let only messages through
    return message


def origin_of(update: Update, context: Context, place: ReplyTarget) -> Origin:
    """`Turn.origin`."""
    del update
    return context.turn.origin(place)


async def send(context: Context, place: ReplyTarget, view: View) -> Message:
    """`Turn.answer` at a place."""
    return await context.turn.answer(view, place)


async def answer(update: Update, context: Context, view: View) -> Message:
    """`Turn.answer`."""
    del update
    return await context.turn.answer(view)


async def rewrite(context: Context, query: CallbackQuery, view: View) -> None:
    """`Turn.edit`."""
    del query
    await context.turn.edit(view)


async def tell(context: Context, user_id: UserId, view: View) -> bool:
    """`Turn.tell`."""
    return await context.turn.tell(user_id, view)


def operation_of(update: Update) -> str:
    """`Turn.idempotency_key`."""
    return f"update:{update.update_id}"


def one_of(kind: type[E], text: str) -> E:
    """The member of an enumeration that a button names.

    Raises:
        UserError: it is one of another version.

    """
    try:
        return kind(text)
    except ValueError:
        raise UserError("error.button.stale") from None
