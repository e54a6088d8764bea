"""Inline keyboards, and the signed data behind their buttons.

Callback data reads `1:<action>:<argument>:<owner>:<tag>`: a version, what to do, a short id, whose button
it is (empty: whoever may), and a keyed tag, so that nobody can press a button that the bot did not make.
Everything else stands in the store, so a button works after a restart and for ever.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, ClassVar, Self, get_args, get_type_hints

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import KeyboardButtonStyle

from bot.domain.types import UserId
from bot.errors import UserError
from bot.i18n import Texts

VERSION = "1"
LIMIT = 64
"""Bytes that Telegram takes as callback data."""

LARGEST_NUMBER = 2**62
"""Beyond it a store holds no numbers."""

COPY_LIMIT = 256
"""Characters that Telegram takes as a text to copy."""

_TAG_BYTES = 6


@dataclass(frozen=True)
class Payload:
    """What a button carries: each kind of button is a frozen dataclass of this kind.

    `@dataclass(frozen=True) class OpenTemplate(Payload, action="template")` has the action `template`, and its
    fields (str, int, bool, an enumeration, a NewType, or None) are joined by dots to the argument. Only
    the last field may hold a dot itself. An action `panel.card` shares the action `panel` with others, and
    `card` is the first part of the argument. A field that is empty on the wire has its default.
    """

    action: ClassVar[str]

    def __init_subclass__(cls, *, action: str = "") -> None:
        cls.action = action

    def pack(self) -> tuple[str, str]:
        """The action and the argument.

        Raises:
            ValueError: a field but the last holds a dot.

        """
        action, _, page = self.action.partition(".")
        values = [_write(getattr(self, each.name)) for each in fields(self)]
        if any("." in value for value in values[:-1]):
            raise ValueError(f"callback data of {self.action} holds a dot")
        if page:
            values.insert(0, page)
        while values and not values[-1]:
            values.pop()
        return action, ".".join(values)

    @classmethod
    def unpack(cls, argument: str) -> Self:
        """Read an argument.

        Raises:
            UserError: a value cannot be read: the button is one of another version.

        """
        known = fields(cls)
        if "." in cls.action:
            argument = argument.partition(".")[2]
        parts = argument.split(".", len(known) - 1) if argument else []
        hints = get_type_hints(cls)
        try:
            return cls(
                **{
                    each.name: _read(hints[each.name], part)
                    for each, part in zip(known, parts, strict=False)
                    if part
                }
            )
        except (KeyError, TypeError, ValueError):
            raise UserError("error.button.stale") from None


def _write(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value.value if isinstance(value, Enum) else value)


def _read(kind: Any, text: str) -> object:
    kind = next((each for each in get_args(kind) if each is not type(None)), kind)
    kind = getattr(kind, "__supertype__", kind)
    value = {"on": True, "off": False}[text] if kind is bool else kind(text)
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        raise ValueError("no button holds such a number")
    return value


@dataclass(frozen=True, slots=True)
class ButtonData:
    """What is written on a button. `owner` is the only person who may press it; None leaves it to the action."""

    action: str
    argument: str = ""
    owner: UserId | None = None


class Signer:
    """Signs and reads callback data with a key that only this bot has."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"callback data\0" + secret.encode()).digest()

    def write(self, press: ButtonData) -> str:
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

    def read(self, data: str | None) -> ButtonData | None:
        """What a press asks for; None where the data is forged, damaged, or of another version."""
        body, _, tag = (data or "").rpartition(":")
        if not hmac.compare_digest(tag.encode(errors="replace"), self._tag(body).encode()):
            return None
        parts = body.split(":")
        if len(parts) != 4 or parts[0] != VERSION:
            return None
        _, action, argument, owner = parts
        return ButtonData(action, argument, UserId(int(owner)) if owner else None)

    def _tag(self, body: str) -> str:
        digest = hmac.new(self._key, body.encode(errors="surrogatepass"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:_TAG_BYTES]).decode("ascii")


@dataclass(frozen=True, slots=True)
class Button:
    """One button: what a press asks for, a text to copy, or an address to open.

    `style` is a colour that new clients show and old ones leave out, so it never carries a meaning alone.
    """

    text: str
    payload: Payload | None = None
    owner: UserId | None = field(default=None, kw_only=True)
    copy: str = field(default="", kw_only=True)
    url: str = field(default="", kw_only=True)
    style: KeyboardButtonStyle | None = field(default=None, kw_only=True)


Rows = Sequence[Sequence[Button]]

CONFIRM = KeyboardButtonStyle.PRIMARY
DANGER = KeyboardButtonStyle.DANGER


CHOICES_PER_ROW = 3
"""How many choices of a setting usually stand side by side."""


def in_rows(buttons: Sequence[Button], width: int) -> list[list[Button]]:
    """Buttons in rows of so many."""
    return [list(buttons[start : start + width]) for start in range(0, len(buttons), width)]


def neighbours(
    t: Texts,
    payload: Callable[[int], Payload],
    number: int,
    owner: UserId | None,
    *,
    more: bool,
    texts: tuple[str, str] = ("button.newer", "button.older"),
) -> list[Button]:
    """The buttons to the page before a page, which count from 0, and to the one after it, where there is `more`."""
    before, after = texts
    turning = [(before, number - 1)] * (number > 0) + [(after, number + 1)] * more
    return [Button(t(key), payload(other), owner=owner) for key, other in turning]


def confirmation(
    t: Texts,
    do: Payload,
    stop: Payload,
    owner: UserId | None = None,
    texts: tuple[str, str] = ("button.delete", "button.back"),
) -> list[Button]:
    """The buttons that ask once before something is gone for good."""
    return [Button(t(texts[0]), do, owner=owner, style=DANGER), Button(t(texts[1]), stop, owner=owner)]


def markup(rows: Rows, signer: Signer, *, copies: bool = True) -> InlineKeyboardMarkup | None:
    """The keyboard of some buttons, without those that copy a text where `copies` says so; None: there are none."""
    shown = [[button for button in row if copies or not button.copy] for row in rows]
    if not any(shown):
        return None
    return InlineKeyboardMarkup([[_button(button, signer) for button in row] for row in shown if row])


def _button(button: Button, signer: Signer) -> InlineKeyboardButton:
    if button.copy:
        return InlineKeyboardButton(button.text, copy_text=CopyTextButton(button.copy), style=button.style)
    if button.url:
        return InlineKeyboardButton(button.text, url=button.url, style=button.style)
    if button.payload is None:
        raise ValueError(f"the button {button.text} does nothing")
    data = signer.write(ButtonData(*button.payload.pack(), button.owner))
    return InlineKeyboardButton(button.text, callback_data=data, style=button.style)
