"""The methods that answer what people asked: button presses, inline queries, checkouts and refunds."""

import re
from typing import Any

from bot.demo.telegram.state import Payment, TelegramState
from bot.demo.telegram.wire import Call, bad_request

CHECKOUT_SECONDS = 10
_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def _checked_button(knob: Any) -> dict[str, Any]:
    """Give the button above inline results back, or refuse it."""
    if not isinstance(knob, dict) or not knob.get("text"):
        raise bad_request("can't parse InlineQueryResultsButton")
    if not re.fullmatch(r"[\w-]{1,64}", str(knob.get("start_parameter", "")), re.ASCII):
        raise bad_request("START_PARAM_INVALID")
    return knob


class Queries:
    """Implements the answer methods over the state; each query is answered once."""

    def __init__(self, state: TelegramState) -> None:
        self.state = state

    async def answer_callback(self, call: Call) -> Any:
        """answerCallbackQuery: a toast, or an alert to be dismissed."""
        query = self.state.callbacks.get(call.text("callback_query_id"))
        if query is None or query.answer is not None:
            raise bad_request(_TOO_OLD)
        text = call.text("text")
        if len(text) > 200:
            raise bad_request("MESSAGE_TOO_LONG")
        query.answer = {
            "text": text,
            "show_alert": call.boolean("show_alert"),
            "url": call.text("url"),
        }
        self.state.events.add("answer", query=query.id, user_id=query.user_id, **query.answer)
        return True

    async def answer_inline(self, call: Call) -> Any:
        """answerInlineQuery: at most 50 results with ids of their own."""
        query_id = call.text("inline_query_id")
        if query_id not in self.state.inline_answers or self.state.inline_answers[query_id] is not None:
            raise bad_request(_TOO_OLD)
        results = call.json("results")
        if not isinstance(results, list):
            raise bad_request("can't parse inline query results JSON object")
        if len(results) > 50:
            raise bad_request("RESULTS_TOO_MUCH")
        ids = [str(result.get("id", "")) for result in results]
        if len(set(ids)) != len(ids):
            raise bad_request("RESULT_ID_DUPLICATE")
        if any(not 1 <= len(result_id.encode()) <= 64 for result_id in ids):
            raise bad_request("RESULT_ID_INVALID")
        knob = call.json("button")
        if knob is not None:
            self.state.inline_buttons[query_id] = _checked_button(knob)
        self.state.inline_answers[query_id] = results
        self.state.events.add("inline_answer", query=query_id)
        return True

    async def answer_checkout(self, call: Call) -> Any:
        """answerPreCheckoutQuery, within ten seconds; an accepted payment is made at once."""
        payment = self.state.payments.get(call.text("pre_checkout_query_id"))
        if payment is None or payment.decided or self.state.now() - payment.asked_at > CHECKOUT_SECONDS:
            raise bad_request(_TOO_OLD)
        accepted, reason = call.boolean("ok"), call.text("error_message")
        if not accepted and not reason:
            raise bad_request("error message is empty")
        payment.decided = True
        self.state.events.add("checkout", query=payment.query_id, ok=accepted, text=reason)
        if accepted:
            self._pay(payment)
        return True

    def _pay(self, payment: Payment) -> None:
        payment.charge_id = f"stx{self.state.opaque()}"
        content = {
            "successful_payment": {
                "currency": "XTR",
                "total_amount": payment.amount,
                "invoice_payload": payment.payload,
                "telegram_payment_charge_id": payment.charge_id,
                "provider_payment_charge_id": "",
            }
        }
        message = self.state.add_message(
            self.state.chats[payment.chat_id],
            self.state.users[payment.user_id],
            content,
            reply_to=payment.message_id,
        )
        self.state.updates.add("message", self.state.bot_json(message))

    async def refund(self, call: Call) -> Any:
        """refundStarPayment: once for each charge."""
        charge_id = call.text("telegram_payment_charge_id")
        paid = [
            payment
            for payment in self.state.payments.values()
            if payment.charge_id
            and payment.charge_id == charge_id
            and payment.user_id == call.integer("user_id")
        ]
        if not paid:
            raise bad_request("CHARGE_NOT_FOUND")
        if paid[0].refunded:
            raise bad_request("CHARGE_ALREADY_REFUNDED")
        paid[0].refunded = True
        self.state.events.add("refunded", user_id=paid[0].user_id, charge_id=charge_id)
        return True
