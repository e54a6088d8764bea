"""Broadcasts over Telegram: one message to one person, and the author's message that shows how far it is."""

from contextlib import suppress

from telegram import Bot
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError

from bot.domain.units import SECOND, Millis, UserId
from bot.i18n import for_language
from bot.services.operations.broadcast import Letter
from bot.services.ports import ChatBusy, ChatGone
from handlers.admin import panel_views as admin_views
from handlers.chat.keyboards import Signer, markup

PAUSE = Millis(10 * SECOND)


class TelegramLetters:
    """See `bot.services.operations.broadcast.Letters`."""

    def __init__(self, bot: Bot, signer: Signer) -> None:
        self._bot = bot
        self._signer = signer

    async def write(self, user_id: UserId, language: str, text: str) -> None:
        """Send the text to a person in private."""
        view = admin_views.letter(for_language(language), text)
        try:
            await self._bot.send_message(
                user_id,
                view.html,
                parse_mode=ParseMode.HTML,
                reply_markup=markup(view.buttons, self._signer),
            )
        except (Forbidden, BadRequest) as error:
            raise ChatGone(type(error).__name__) from None
        except RetryAfter as error:
            after = error.retry_after
            seconds = after if isinstance(after, (int, float)) else after.total_seconds()
            raise ChatBusy(Millis(int(seconds * SECOND))) from None
        except TelegramError:
            raise ChatBusy(PAUSE) from None

    async def show(self, author: UserId, message_id: int, language: str, letter: Letter) -> None:
        """Show the author how far it is."""
        view = admin_views.broadcast(for_language(language), letter, (), author)
        with suppress(TelegramError):
            await self._bot.edit_message_text(
                view.html,
                chat_id=author,
                message_id=message_id,
                parse_mode=ParseMode.HTML,
                reply_markup=markup(view.buttons, self._signer),
            )
