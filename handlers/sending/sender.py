"""How messages get to Telegram: in the right place, and with its errors told as those that the services know."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from telegram import Bot, LinkPreviewOptions, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.domain.tasks.task import Task
from bot.domain.units import MINUTE, SECOND, ChatId, Millis
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused, Sent
from handlers.chat import views
from handlers.chat.keyboards import Signer, markup

log = structlog.get_logger(__name__)

T = TypeVar("T")

BUSY_PAUSE = Millis(5 * SECOND)
LONG_PAUSE = Millis(MINUTE)
"""Where Telegram itself is not well, or refuses the token: the operator may be at it."""

# Telegram's descriptions, in lower case; its codes alone do not tell these apart.
_GONE = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "peer_id_invalid",
    "bot was kicked",
    "bot is not a member",
    "group chat was deleted",
    "have no rights to send",
    "not enough rights to send text messages",
    "chat_write_forbidden",
)
_NO_THREAD = (
    "message thread not found",
    "topic_deleted",
    "topic_closed",
    "topic_id_invalid",
    "topic deleted",
    "topic closed",
)
_LOST = ("message to edit not found", "message_id_invalid", "message can't be edited")
_SAME = "message is not modified"
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class Sender:
    """Sends and edits messages. Every method raises what `bot.services.ports` names."""

    def __init__(self, bot: Bot, signer: Signer) -> None:
        self._bot = bot
        self._signer = signer

    async def send(self, task: Task, view: views.View, *, silent: bool = False) -> Sent:
        """Write to where the task came from."""
        keyboard = markup(view.buttons, self._signer)
        message = await self.in_thread(
            task,
            lambda place: self._bot.send_message(
                text=view.html,
                parse_mode=ParseMode.HTML,
                reply_markup=keyboard,
                disable_notification=silent,
                link_preview_options=_NO_PREVIEW,
                **place,
            ),
        )
        return Sent(message.message_id)

    async def edit(self, chat_id: ChatId, message_id: int, view: views.View) -> bool:
        """Change a message; False where it is no longer there to be changed."""
        try:
            await mapped(
                self._bot.edit_message_text(
                    view.html,
                    chat_id=chat_id,
                    message_id=message_id,
                    parse_mode=ParseMode.HTML,
                    reply_markup=markup(view.buttons, self._signer),
                    link_preview_options=_NO_PREVIEW,
                )
            )
        except ChatRefused as error:
            said = str(error).lower()
            if any(words in said for words in _LOST):
                return False
            if _SAME not in said:
                raise
        return True

    async def in_thread(self, task: Task, send: Callable[[dict[str, Any]], Awaitable[T]]) -> T:
        """Send as a reply in the right topic; where the topic is gone, in the chat itself."""
        origin = task.origin
        place: dict[str, Any] = {"chat_id": origin.chat_id, "message_thread_id": origin.thread_id}
        if origin.message_id is not None:
            place["reply_parameters"] = ReplyParameters(origin.message_id, allow_sending_without_reply=True)
        try:
            return await mapped(send(place))
        except ChatRefused as error:
            if origin.thread_id is None or not any(words in str(error).lower() for words in _NO_THREAD):
                raise
        return await mapped(send({"chat_id": origin.chat_id}))


async def mapped(sending: Awaitable[T]) -> T:
    """Translate Telegram's errors to those that the services know."""
    try:
        return await sending
    except ChatMigrated as error:
        raise ChatMoved(ChatId(error.new_chat_id)) from None
    except RetryAfter as error:
        seconds = (
            error.retry_after
            if isinstance(error.retry_after, (int, float))
            else error.retry_after.total_seconds()
        )
        raise ChatBusy(Millis(int(seconds * 1000))) from None
    except Forbidden as error:
        raise ChatGone(error.message) from None
    except BadRequest as error:
        if any(words in error.message.lower() for words in _GONE):
            raise ChatGone(error.message) from None
        raise ChatRefused(error.message) from None
    except NetworkError as error:
        if "too large" in error.message.lower():
            raise ChatRefused(error.message) from None
        # The message of a network error may hold the address, and so the token.
        raise ChatBusy(BUSY_PAUSE) from None
    except TelegramError as error:
        log.warning("telegram does not take messages", kind=type(error).__name__)
        raise ChatBusy(LONG_PAUSE) from None
