"""Inline keyboards, and the signed data behind their buttons.

Callback data reads `1:<action>:<argument>:<owner>:<tag>`: a version, what to do, a short id, whose button
it is (empty: whoever may), and a keyed tag, so that nobody can press a button that the bot did not make.
Everything else stands in the store, so a button works after a restart and for ever.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import KeyboardButtonStyle

from bot.domain.units import UserId

VERSION = "1"
LIMIT = 64
"""Bytes that Telegram takes as callback data."""

COPY_LIMIT = 256
"""Characters that Telegram takes as a text to copy."""

_TAG_BYTES = 6


@dataclass(frozen=True, slots=True)
class Press:
    """What a button asks for. `owner` is the only person who may press it; None leaves it to the action."""

    action: str
    argument: str = ""
    owner: UserId | None = None


class Signer:
    """Signs and reads callback data with a key that only this bot has."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"callback data\0" + secret.encode()).digest()

    def write(self, press: Press) -> str:
        """The data of a button.

        Raises:
            ValueError: it is longer than Telegram takes, or a part holds the separator.

        """
        if ":" in press.action + press.argument:
            raise ValueError(f"callback data of {press.action} holds the separator")
        owner = "" if press.owner is None else str(press.owner)
        body = f"{VERSION}:{press.action}:{press.argument}:{owner}"
        data = f"{body}:{self._tag(body)}"
        if len(data.encode()) > LIMIT:
            raise ValueError(f"callback data of {press.action} is too long")
        return data

    def read(self, data: str | None) -> Press | None:
        """What a press asks for; None where the data is forged, damaged, or of another version."""
        body, _, tag = (data or "").rpartition(":")
        if not hmac.compare_digest(tag.encode(), self._tag(body).encode()):
            return None
        parts = body.split(":")
        if len(parts) != 4 or parts[0] != VERSION:
            return None
        _, action, argument, owner = parts
        return Press(action, argument, UserId(int(owner)) if owner else None)

    def _tag(self, body: str) -> str:
        digest = hmac.new(self._key, body.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:_TAG_BYTES]).decode("ascii")


@dataclass(frozen=True, slots=True)
class Button:
    """One button: an action with its argument, a text to copy, or an address to open.

    `style` is a colour that new clients show and old ones leave out, so it never carries a meaning alone.
    """

    text: str
    action: str = ""
    argument: str = ""
    owner: UserId | None = None
    copy: str = ""
    url: str = ""
    style: KeyboardButtonStyle | None = None


Rows = Sequence[Sequence[Button]]

CONFIRM = KeyboardButtonStyle.PRIMARY
DANGER = KeyboardButtonStyle.DANGER


def in_rows(buttons: Sequence[Button], width: int) -> list[list[Button]]:
    """Buttons in rows of so many."""
    return [list(buttons[start : start + width]) for start in range(0, len(buttons), width)]


def markup(rows: Rows, signer: Signer) -> InlineKeyboardMarkup | None:
    """The keyboard of some buttons; None where there are none."""
    if not any(rows):
        return None
    return InlineKeyboardMarkup([[_button(button, signer) for button in row] for row in rows if row])


def _button(button: Button, signer: Signer) -> InlineKeyboardButton:
    if button.copy:
        return InlineKeyboardButton(button.text, copy_text=CopyTextButton(button.copy), style=button.style)
    if button.url:
        return InlineKeyboardButton(button.text, url=button.url, style=button.style)
    data = signer.write(Press(button.action, button.argument, button.owner))
    return InlineKeyboardButton(button.text, callback_data=data, style=button.style)
