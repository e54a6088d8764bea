"""Broadcasts: one message to one person, and the author's message that shows how far it is."""

from contextlib import suppress

from bot.domain.operations.records import BroadcastContent
from bot.domain.types import ChatId, UserId
from bot.i18n import for_language
from bot.services.operations.broadcast import BroadcastDraft
from bot.services.ports import ChatError
from handlers.admin.announcements import broadcast_view, send_announcement
from handlers.sending.chat import Chat
from handlers.sending.pacing import Urgency


class TelegramBroadcasts:
    """See `bot.services.operations.broadcast.Letters`."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    async def write(self, user_id: UserId, language: str, content: BroadcastContent) -> None:
        """Send it to a person in private."""
        await send_announcement(self._chat, user_id, for_language(language), content, Urgency.BROADCAST)

    async def show(self, author: UserId, message_id: int, language: str, letter: BroadcastDraft) -> None:
        """Show the author how far it is."""
        view = broadcast_view(for_language(language), letter, (), author)
        with suppress(ChatError):
            await self._chat.edit(ChatId(author), message_id, view, urgency=Urgency.PROGRESS)
