"""Inline keyboards, and the signed data behind their buttons.

Callback data reads `1:<action>:<argument>:<tag>`: a version, what to do, a short id, and a keyed tag, so
that nobody can press a button that the bot did not make. Everything else stands in the store, so a
button works after a restart and for ever.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

VERSION = "1"
LIMIT = 64
"""Bytes that Telegram takes as callback data."""

_TAG_BYTES = 6


@dataclass(frozen=True, slots=True)
class Press:
    """What a button asks for."""

    action: str
    argument: str


class Signer:
    """Signs and reads callback data with a key that only this bot has."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"callback data\0" + secret.encode()).digest()

    def write(self, action: str, argument: str = "") -> str:
        """The data of a button.

        Raises:
            ValueError: it is longer than Telegram takes.

        """
        body = f"{VERSION}:{action}:{argument}"
        data = f"{body}:{self._tag(body)}"
        if len(data.encode()) > LIMIT:
            raise ValueError(f"callback data of {action} is too long")
        return data

    def read(self, data: str | None) -> Press | None:
        """What a press asks for; None where the data is forged, damaged, or of another version."""
        body, _, tag = (data or "").rpartition(":")
        if not hmac.compare_digest(tag.encode(), self._tag(body).encode()):
            return None
        version, action, argument = body.split(":", 2)
        return Press(action, argument) if version == VERSION else None

    def _tag(self, body: str) -> str:
        digest = hmac.new(self._key, body.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:_TAG_BYTES]).decode("ascii")


@dataclass(frozen=True, slots=True)
class Button:
    """One button: an action with its argument, or a text to copy."""

    text: str
    action: str = ""
    argument: str = ""
    copy: str = ""


Rows = Sequence[Sequence[Button]]


def markup(rows: Rows, signer: Signer) -> InlineKeyboardMarkup | None:
    """The keyboard of some buttons; None where there are none."""
    if not any(rows):
        return None
    return InlineKeyboardMarkup([[_button(button, signer) for button in row] for row in rows if row])


def _button(button: Button, signer: Signer) -> InlineKeyboardButton:
    if button.copy:
        return InlineKeyboardButton(button.text, copy_text=CopyTextButton(button.copy[:256]))
    return InlineKeyboardButton(button.text, callback_data=signer.write(button.action, button.argument))
