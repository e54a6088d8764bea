"""The methods that answer what people asked: button presses and inline queries."""

import re
from typing import Any

from bot.demo.telegram.state import TelegramState
from bot.demo.telegram.wire import Call, bad_request

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


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
            raise bad_request(TOO_OLD)
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
            raise bad_request(TOO_OLD)
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
