"""Tells people over Telegram what became of the elements and voices that they asked for."""

from telegram import Bot, ReplyParameters
from telegram.constants import ParseMode

from bot.domain.library.asset import Asset
from bot.i18n import for_language
from bot.services.ports import Sent
from handlers.library import assets
from handlers.sending.sender import mapped


class TelegramAssetChat:
    """See `bot.services.ports.AssetChat`."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def tell_asset(self, asset: Asset) -> Sent:
        """Write to the chat where it was asked for, in reply to the message that did."""
        view = assets.ended(for_language(asset.language), asset)
        reply = (
            None
            if asset.message_id is None
            else ReplyParameters(asset.message_id, allow_sending_without_reply=True)
        )
        message = await mapped(
            self._bot.send_message(
                asset.chat_id, view.html, parse_mode=ParseMode.HTML, reply_parameters=reply
            )
        )
        return Sent(message.message_id)
