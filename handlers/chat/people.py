"""Who acts in an update: a person, somebody in the name of a chat, or a machine, which is left alone.

A person is kept when they use the bot, not when they talk in a group that it is in.
"""

from collections.abc import Mapping
from typing import Any

from telegram import Update, User
from telegram.constants import ChatType

SERVICE_NOTIFICATIONS = 777_000
"""Telegram's own user: the posts of a linked channel come to its group in this name."""

_NEWS = ("refunded_payment", "successful_payment", "migrate_to_chat_id", "migrate_from_chat_id")
"""What Telegram reports in a message: it concerns the bot whoever stands as its sender (a refund: the bot itself)."""


def is_from_machine(payload: Mapping[str, Any]) -> bool:
    """Whether another bot wrote a message, or it is a channel's post that Telegram copied to the linked group.

    `payload` is the update as the Bot API writes it. Whoever writes in the name of a chat stands there as a bot, too,
    and is a person all the same.
    """
    message = payload.get("message", payload.get("edited_message"))
    if not isinstance(message, Mapping) or any(name in message for name in _NEWS):
        return False
    sender = message.get("from")
    if not isinstance(sender, Mapping):
        return False
    if message.get("is_automatic_forward") is True or sender.get("id") == SERVICE_NOTIFICATIONS:
        return True
    return sender.get("is_bot") is True and "sender_chat" not in message


def person_of(update: Update) -> User | None:
    """The person who acts in an update; None where it tells of none: nobody does, or in the name of a chat."""
    user = update.effective_user
    message = update.message or update.edited_message
    if user is None or user.is_bot or user.id == SERVICE_NOTIFICATIONS:
        return None
    return None if message is not None and message.sender_chat is not None else user


def full_name(user: User) -> str:
    """A person's names as Telegram has them; the library's own `full_name` is None where the first is empty."""
    return " ".join(filter(None, (user.first_name, user.last_name)))


def is_use(update: Update, *, addressed: bool) -> bool:
    """Whether an update is surely meant for the bot, and its person uses it.

    What else is said in a group, and an edit, is so only once a handler answers it (see `Turn.record_user`).
    """
    if update.my_chat_member is not None or update.edited_message is not None:
        return False
    return update.message is None or addressed or opens_chat(update)


def opens_chat(update: Update) -> bool:
    """Whether an update shows that its person's private chat with the bot is open: they write there."""
    return update.message is not None and update.message.chat.type == ChatType.PRIVATE
