"""Telegram Stars: invoices, checkouts, payments, refunds, and subscriptions that renew every 30 days."""

from dataclasses import replace
from typing import Any

from bot.demo.telegram.queries import TOO_OLD
from bot.demo.telegram.state import InvoiceLink, Json, Payment, TelegramState
from bot.demo.telegram.wire import Call, bad_request

CHECKOUT_SECONDS = 10
PERIOD = 2_592_000
"""Seconds: the one period that a subscription may have."""

DEAREST_SUBSCRIPTION = 10_000
LINK = "https://t.me/$"


def invoice_amount(call: Call) -> int:
    """The Stars that an invoice asks for: currency XTR, exactly one price, no provider token."""
    for name, limit in (("title", 32), ("description", 255), ("payload", 128)):
        if not 1 <= len(call.text(name)) <= limit:
            raise bad_request(f"invoice {name} must be 1-{limit} characters long")
    if call.text("currency") != "XTR":
        raise bad_request("CURRENCY_INVALID")
    if call.text("provider_token"):
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    prices = call.json("prices")
    if not isinstance(prices, list) or len(prices) != 1 or int(prices[0].get("amount", 0)) < 1:
        raise bad_request("STARS_INVOICE_INVALID")
    return int(prices[0]["amount"])


class Stars:
    """Implements the methods about payments over the state, and what people do about them beside."""

    def __init__(self, state: TelegramState) -> None:
        self.state = state
        self.reports_refunds = True
        """Off, this is a Bot API server before 7.7."""

    # -- methods of the Bot API ----------------------------------------------------------------------

    async def create_link(self, call: Call) -> Any:
        """createInvoiceLink; with a subscription_period what is paid renews."""
        amount = invoice_amount(call)
        period = call.integer("subscription_period") if call.text("subscription_period") else 0
        if period and (period != PERIOD or amount > DEAREST_SUBSCRIPTION):
            raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
        link = f"{LINK}{self.state.opaque(8)}"
        self.state.invoice_links[link] = InvoiceLink(amount, call.text("payload"), period)
        return link

    async def answer_checkout(self, call: Call) -> Any:
        """answerPreCheckoutQuery, within ten seconds; an accepted payment is made at once."""
        payment = self.state.payments.get(call.text("pre_checkout_query_id"))
        if payment is None or payment.decided or self.state.now() - payment.asked_at > CHECKOUT_SECONDS:
            raise bad_request(TOO_OLD)
        accepted, reason = call.boolean("ok"), call.text("error_message")
        if not accepted and not reason:
            raise bad_request("error message is empty")
        payment.decided = True
        self.state.events.add("checkout", query=payment.query_id, ok=accepted, text=reason)
        if accepted:
            self._pay(payment)
        return True

    async def refund(self, call: Call) -> Any:
        """refundStarPayment: once for each charge."""
        payment = self._charged(call)
        if payment.refunded:
            raise bad_request("CHARGE_ALREADY_REFUNDED")
        self._refund(payment)
        return True

    async def edit_subscription(self, call: Call) -> Any:
        """editUserStarSubscription, by the charge of the first payment."""
        payment = self._charged(call)
        if not payment.period or payment.first_charge:
            raise bad_request("CHARGE_ID_INVALID")
        payment.stopped_by_bot = call.boolean("is_canceled")
        # Allowing it again renews nothing yet: that is the person's to switch on.
        payment.renews = payment.renews and not payment.stopped_by_bot
        self.state.events.add("subscription", user_id=payment.user_id, renews=payment.renews)
        return True

    def _charged(self, call: Call) -> Payment:
        charge_id, user_id = call.text("telegram_payment_charge_id"), call.integer("user_id")
        for payment in self.state.payments.values():
            if charge_id and payment.charge_id == charge_id and payment.user_id == user_id:
                return payment
        raise bad_request("CHARGE_NOT_FOUND")

    # -- what people do ------------------------------------------------------------------------------

    def pay(self, user_id: int, chat_id: int, message_id: int) -> str:
        """A person presses the button of an invoice; give the id of the checkout that the bot is asked about."""
        message = self.state.message(chat_id, message_id)
        if message is None or "invoice" not in message.body:
            raise ValueError("this message is no invoice")
        invoice = InvoiceLink(message.body["invoice"]["total_amount"], message.invoice_payload)
        return self._ask(user_id, chat_id, message_id, invoice)

    def pay_link(self, user_id: int, link: str) -> str:
        """A person opens the link of an invoice and pays; give the id of the checkout."""
        invoice = self.state.invoice_links.get(link)
        if invoice is None:
            raise ValueError("this is no link of an invoice")
        return self._ask(user_id, user_id, None, invoice)

    def renew(self, user_id: int, charge_id: str) -> str:
        """Another period begins: it is paid without asking anybody; give the charge of the new payment."""
        first = self.subscription(user_id, charge_id)
        if not first.renews:
            raise ValueError("this subscription does not renew")
        # Renewals come without a checkout, under the payload of the first payment, each with a charge of its own.
        again = replace(first, query_id=self.state.opaque(8), charge_id="", first_charge=first.charge_id)
        again.paid_until = first.paid_until
        self.state.payments[again.query_id] = again
        self._pay(again)
        first.paid_until = again.paid_until
        return again.charge_id

    def switch(self, user_id: int, charge_id: str, state: str) -> None:
        """A person ends a renewal (`canceled`), resumes it (`active`), or has too few Stars (`failed`)."""
        first = self.subscription(user_id, charge_id)
        if state == "active" and first.stopped_by_bot:
            raise ValueError("the bot does not let this subscription renew")
        first.renews = state == "active"
        about = {
            "user": self.state.users[user_id].as_json(),
            "invoice_payload": first.payload,
            "state": state,
        }
        self.state.updates.add("subscription", about)

    def refund_elsewhere(self, user_id: int, charge_id: str) -> Json:
        """Telegram gives a person's Stars back without being asked by the bot; give the message that says so."""
        payment = next((each for each in self.state.payments.values() if each.charge_id == charge_id), None)
        if payment is None or payment.user_id != user_id or payment.refunded:
            raise ValueError("there is nothing to give back")
        return self._refund(payment)

    def _refund(self, payment: Payment) -> Json:
        # The bot's own message in the chat of the payment, and the one kind of its messages that it hears of itself.
        payment.refunded = True
        self.state.events.add("refunded", user_id=payment.user_id, charge_id=payment.charge_id)
        refunded = {
            "currency": "XTR",
            "total_amount": payment.amount,
            "invoice_payload": payment.payload,
            "telegram_payment_charge_id": payment.charge_id,
        }
        message = self.state.add_message(
            self.state.chats[payment.chat_id], self.state.bot, {"refunded_payment": refunded}
        )
        body = self.state.bot_json(message)
        if self.reports_refunds:
            self.state.updates.add("message", body)
        return body

    def subscription(self, user_id: int, charge_id: str) -> Payment:
        """The first payment of a subscription, by its charge."""
        for payment in self.state.payments.values():
            if payment.charge_id == charge_id and payment.user_id == user_id and payment.period:
                return payment
        raise ValueError("there is no such subscription")

    def _ask(self, user_id: int, chat_id: int, message_id: int | None, invoice: InvoiceLink) -> str:
        payment = Payment(
            user_id=user_id,
            chat_id=chat_id,
            message_id=message_id,
            query_id=self.state.opaque(8),
            amount=invoice.amount,
            payload=invoice.payload,
            asked_at=self.state.now(),
            period=invoice.period,
        )
        self.state.payments[payment.query_id] = payment
        self.state.updates.add(
            "pre_checkout_query",
            {
                "id": payment.query_id,
                "from": self.state.users[user_id].as_json(),
                "currency": "XTR",
                "total_amount": payment.amount,
                "invoice_payload": payment.payload,
            },
        )
        return payment.query_id

    def _pay(self, payment: Payment) -> None:
        payment.charge_id = f"stx{self.state.opaque()}"
        paid: dict[str, Any] = {
            "currency": "XTR",
            "total_amount": payment.amount,
            "invoice_payload": payment.payload,
            "telegram_payment_charge_id": payment.charge_id,
            "provider_payment_charge_id": "",
        }
        if payment.period:
            payment.renews = True
            payment.paid_until = max(payment.paid_until, int(self.state.now())) + payment.period
            paid |= {"is_recurring": True, "subscription_expiration_date": payment.paid_until}
            paid |= {} if payment.first_charge else {"is_first_recurring": True}
        message = self.state.add_message(
            self.state.chats[payment.chat_id],
            self.state.users[payment.user_id],
            {"successful_payment": paid},
            reply_to=payment.message_id,
        )
        self.state.updates.add("message", self.state.bot_json(message))
