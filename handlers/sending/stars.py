"""Payments in Telegram Stars: invoices, subscriptions and refunds."""

from telegram import Bot, LabeledPrice, Message

from bot.domain.credits.shop import CURRENCY
from bot.domain.types import ChatId
from bot.services.ports import ChatGone, ChatRefused, ChatUnsure
from handlers.sending.pacing import Urgency
from handlers.sending.requests import BUSY_PAUSE, Requests


class Stars:
    """Takes Stars and gives them back. Methods raise a `ChatError`."""

    def __init__(self, *, bot: Bot, requests: Requests) -> None:
        self._bot = bot
        self._requests = requests

    async def request_payment(
        self, chat_id: ChatId, title: str, description: str, payload: str, stars: int
    ) -> Message:
        """Send an invoice that is paid once."""
        return await self._requests.make_in(
            chat_id,
            Urgency.ANSWER,
            lambda: self._bot.send_invoice(
                chat_id,
                title=title,
                description=description,
                payload=payload,
                provider_token="",
                currency=CURRENCY,
                prices=[LabeledPrice(title, stars)],
            ),
        )

    async def create_subscription_link(
        self, title: str, description: str, payload: str, stars: int, period_seconds: int
    ) -> str:
        """Return the link of an invoice that renews; Telegram takes such an invoice only as a link."""
        link: object = await self._requests.make(
            lambda: self._bot.create_invoice_link(
                title,
                description,
                payload,
                CURRENCY,
                [LabeledPrice(title, stars)],
                provider_token="",
                subscription_period=period_seconds,
            )
        )
        if not isinstance(link, str):
            raise ChatUnsure(BUSY_PAUSE)
        return link

    async def refund(self, user_id: int, charge_id: str) -> None:
        """Give the Stars of a payment back.

        Raises:
            ChatRefused: Telegram does not do it, for the reason in its text.
            ChatError: whether it was done is not known.

        """
        try:
            await self._requests.make(lambda: self._bot.refund_star_payment(user_id, charge_id))
        except ChatGone as error:
            raise ChatRefused(str(error)) from None

    async def set_renewal(self, user_id: int, charge_id: str, *, renews: bool) -> None:
        """End the renewal of a subscription, or let its owner switch it on again."""
        await self._requests.make(
            lambda: self._bot.edit_user_star_subscription(user_id, charge_id, is_canceled=not renews)
        )
