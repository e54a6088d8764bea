"""Checks reply markups as strictly as Telegram: kinds of keyboard, one action a button, sizes in bytes."""

import re
from typing import Any

from bot.demo.telegram.wire import bad_request

_ACTIONS = frozenset(
    {
        "callback_data",
        "url",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "copy_text",
        "callback_game",
        "pay",
    }
)
_STYLES = frozenset({"danger", "primary", "success"})
_MOST_BUTTONS = 100


def _button(button: Any, *, is_older: bool) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str) or not button["text"]:
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be of type String')
    actions = [name for name in button if name in _ACTIONS and not (is_older and name == "copy_text")]
    if not actions:
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if len(actions) > 1:
        raise bad_request("can't parse inline keyboard button: exactly one action must be used")
    if "callback_data" in button:
        data = button["callback_data"]
        if not isinstance(data, str) or not 1 <= len(data.encode()) <= 64:
            raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not re.match(r"(https?|tg|ton)://\S+$|tg://\S+$", str(button["url"])):
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
    if "copy_text" in button:
        copied = button["copy_text"]
        if not isinstance(copied, dict) or not 1 <= len(str(copied.get("text", ""))) <= 256:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")
    if button.get("style") is not None and button["style"] not in _STYLES:
        raise bad_request("can't parse inline keyboard button: unsupported button style specified")
    return button


def check_inline_keyboard(markup: Any, *, is_older: bool = False) -> dict[str, Any]:
    """Give the inline keyboard back, without empty rows, or refuse it with a 400; `is_older`: than 7.11."""
    if not isinstance(markup, dict) or not isinstance(markup.get("inline_keyboard"), list):
        raise bad_request("object expected as reply markup")
    rows = []
    for row in markup["inline_keyboard"]:
        if not isinstance(row, list):
            raise bad_request(
                "can't parse inline keyboard: expected an Array of Array of InlineKeyboardButton"
            )
        if row:
            rows.append([_button(button, is_older=is_older) for button in row])
    if sum(len(row) for row in rows) > _MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": rows}


def check_markup(markup: Any, *, is_older: bool = False) -> dict[str, Any] | None:
    """Give any reply markup back or refuse it: inline keyboard, keyboard, its removal, or force_reply."""
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        checked = check_inline_keyboard(markup, is_older=is_older)
        return checked if checked["inline_keyboard"] else None
    if markup.get("force_reply") or markup.get("remove_keyboard") or isinstance(markup.get("keyboard"), list):
        return markup
    raise bad_request("can't parse reply keyboard markup JSON object")
