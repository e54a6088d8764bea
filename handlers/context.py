"""What every handler gets: the services, the person, and the texts in the person's language."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telegram import CallbackQuery, InlineKeyboardMarkup, Message, ReplyParameters, Update
from telegram.constants import ChatType, ParseMode
from telegram.error import BadRequest
from telegram.ext import CallbackContext, ExtBot

from bot.domain.task import Origin
from bot.domain.units import ChatId, UserId
from bot.i18n import Texts, for_language
from bot.services.container import Services
from handlers.keyboards import Signer, markup
from handlers.views import View

if TYPE_CHECKING:
    from telegram.ext import Application


@dataclass(frozen=True, slots=True)
class Tools:
    """What handlers share. It is set once, when the application is built."""

    services: Services
    signer: Signer


class Context(CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """The typed context: `context.services`, `context.t`, `context.user_id`."""

    def __init__(
        self,
        application: Application[Any, Any, Any, Any, Any, Any],
        chat_id: int | None = None,
        user_id: int | None = None,
    ) -> None:
        super().__init__(application, chat_id=chat_id, user_id=user_id)
        self.t: Texts = for_language("en")
        self.update_id: int | None = None

    @property
    def tools(self) -> Tools:
        """What handlers share."""
        tools: Tools = self.application.bot_data["tools"]
        return tools

    @property
    def services(self) -> Services:
        """What handlers may ask for."""
        return self.tools.services

    @property
    def signer(self) -> Signer:
        """Signs the data of buttons."""
        return self.tools.signer

    async def meet(self, update: Update) -> None:
        """Note who is there, and speak their language from here on."""
        self.update_id = update.update_id
        person = update.effective_user
        if person is None:
            return
        accounts = self.services.accounts
        user = await accounts.see(UserId(person.id), person.full_name, person.username, person.language_code)
        self.t = for_language(accounts.language_of(user))


async def acknowledge(query: CallbackQuery, text: str | None = None, *, alert: bool = False) -> None:
    """Answer a press. One that waited too long for its answer has still had its effect."""
    with suppress(BadRequest):
        await query.answer(text, show_alert=alert)


def user_id_of(update: Update) -> UserId:
    """Who acts."""
    assert update.effective_user is not None  # noqa: S101  the filters let only people through
    return UserId(update.effective_user.id)


def message_of(update: Update) -> Message:
    """The message that the update is about."""
    assert update.effective_message is not None  # noqa: S101  the filters let only messages through
    return update.effective_message


def is_private(update: Update) -> bool:
    """Whether the chat is between the bot and one person."""
    return update.effective_chat is not None and update.effective_chat.type == ChatType.PRIVATE


def origin_of(update: Update, context: Context, source_message_id: int | None = None) -> Origin:
    """The conversation that a task comes from. A press has the message that its draft began with."""
    message = message_of(update)
    return Origin(
        chat_id=ChatId(message.chat_id),
        message_id=source_message_id if source_message_id is not None else message.message_id,
        thread_id=message.message_thread_id if message.is_topic_message else None,
        update_id=update.update_id,
        language=context.t.language,
        is_private=is_private(update),
    )


def keyboard(context: Context, view: View) -> InlineKeyboardMarkup | None:
    """A view's buttons as Telegram takes them."""
    return markup(view.buttons, context.signer)


async def answer(update: Update, context: Context, view: View) -> Message:
    """Answer a message in its thread."""
    message = message_of(update)
    return await context.bot.send_message(
        message.chat_id,
        view.html,
        parse_mode=ParseMode.HTML,
        reply_markup=keyboard(context, view),
        message_thread_id=message.message_thread_id if message.is_topic_message else None,
        reply_parameters=ReplyParameters(message.message_id, allow_sending_without_reply=True),
    )
