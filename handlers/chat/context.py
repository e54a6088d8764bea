"""What every handler gets: the services, the person, and the texts in the person's language."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from typing import Any, TypeVar

from telegram import (
    CallbackQuery,
    InlineKeyboardMarkup,
    Message,
    Update,
)
from telegram.ext import Application, CallbackContext, ExtBot, Job

from bot.domain.requests.preferences import Preferences
from bot.domain.tasks.task import Origin
from bot.domain.units import ChatId, UserId
from bot.errors import UserError
from bot.i18n import Texts, for_language
from bot.services.container import Services
from bot.services.ports import ChatError
from handlers.chat.keyboards import Signer, markup
from handlers.chat.views import View
from handlers.sending.chat import Chat, ReplyTarget

AnyDict = dict[Any, Any]
E = TypeVar("E", bound=StrEnum)


class Tools:
    """What handlers share. `services` is set before the first update is acted on.

    `albums` holds, while an update is acted on, the other photos of its album by the update's id, and
    `spoken` the language of its person.
    """

    services: Services
    signer: Signer
    chat: Chat

    def __init__(self) -> None:
        self.albums: dict[int, tuple[Message, ...]] = {}
        self.spoken: dict[int, Texts] = {}


class Context(CallbackContext[ExtBot[None], AnyDict, AnyDict, Tools]):
    """The typed context: `context.services`, `context.t`."""

    def __init__(
        self,
        application: Application[ExtBot[None], Context, AnyDict, AnyDict, Tools, Any],
        chat_id: int | None = None,
        user_id: int | None = None,
    ) -> None:
        super().__init__(application, chat_id=chat_id, user_id=user_id)
        self.t: Texts = for_language("en")
        self.preferences = Preferences()

    @classmethod
    def from_error(
        cls,
        update: object,
        error: Exception,
        application: Application[ExtBot[None], Context, AnyDict, AnyDict, Tools, Any],
        job: Job[Any] | None = None,
        coroutine: Any = None,
    ) -> Context:
        """A context for the error handler, which speaks as the handler that failed did."""
        context = super().from_error(update, error, application, job, coroutine)
        if isinstance(update, Update):
            context.t = application.bot_data.spoken.get(update.update_id, context.t)
        return context

    @property
    def services(self) -> Services:
        """What handlers may ask for."""
        return self.bot_data.services

    @property
    def signer(self) -> Signer:
        """Signs the data of buttons."""
        return self.bot_data.signer

    @property
    def chat(self) -> Chat:
        """Sends and edits messages."""
        return self.bot_data.chat

    async def meet(self, update: Update) -> None:
        """Note who is there; speak their language and know what they prefer from here on."""
        person = update.effective_user
        if person is None:
            return
        accounts = self.services.accounts
        user = await accounts.see(UserId(person.id), person.full_name, person.username, person.language_code)
        self.t = for_language(accounts.language_of(user))
        self.bot_data.spoken[update.update_id] = self.t
        self.preferences = accounts.usual(user)


KlingApplication = Application[ExtBot[None], Context, AnyDict, AnyDict, Tools, None]


def place_of(update: Update) -> ReplyTarget:
    """Where an update happened. A press on a message that Telegram no longer shows has no topic."""
    source = update.callback_query.message if update.callback_query is not None else _message_in(update)
    assert source is not None  # noqa: S101  only messages and presses on them reach a handler
    thread_id = source.message_thread_id if isinstance(source, Message) and source.is_topic_message else None
    return ReplyTarget(ChatId(source.chat.id), source.message_id, thread_id)


def user_id_of(update: Update) -> UserId:
    """Who acts."""
    assert update.effective_user is not None  # noqa: S101  the filters let only people through
    return UserId(update.effective_user.id)


def message_of(update: Update) -> Message:
    """The message that a message handler was called for, new or edited."""
    message = _message_in(update)
    assert message is not None  # noqa: S101  the filters let only messages through
    return message


def _message_in(update: Update) -> Message | None:
    return update.message or update.edited_message


def origin_of(update: Update, context: Context, place: ReplyTarget) -> Origin:
    """The conversation that a task comes from; an update is the origin of one task at most."""
    return Origin(
        chat_id=place.chat_id,
        message_id=place.message_id,
        thread_id=place.thread_id,
        update_id=update.update_id,
        language=context.t.language,
        is_private=place.is_private,
    )


def keyboard(context: Context, view: View) -> InlineKeyboardMarkup | None:
    """A view's buttons as Telegram takes them."""
    return markup(view.buttons, context.signer)


async def send(context: Context, target: ReplyTarget, view: View) -> Message:
    """Write to a place. When Telegram asks for a pause it is made once, for an answer must not be lost."""
    return await context.chat.send(target, view, wait=True)


async def answer(update: Update, context: Context, view: View) -> Message:
    """Answer where the update happened, as a reply."""
    return await send(context, place_of(update), view)


async def rewrite(context: Context, query: CallbackQuery, view: View) -> None:
    """Change the message that a pressed button stands under; best effort, for the press itself has worked."""
    if query.message is None:
        return
    with suppress(ChatError):
        await context.chat.edit(ChatId(query.message.chat.id), query.message.message_id, view)


def one_of(kind: type[E], text: str) -> E:
    """The member of an enumeration that a button names.

    Raises:
        UserError: it is one of another version.

    """
    try:
        return kind(text)
    except ValueError:
        raise UserError("error.button.stale") from None


async def acknowledge(
    context: Context, query: CallbackQuery, text: str | None = None, *, alert: bool = False
) -> bool:
    """Answer a press, which stops its spinner; False where it is too old to be answered."""
    return await context.chat.answer_press(query.id, text, alert=alert)
