"""All state of the stand-in: people, chats, messages, files, updates; the primitives that change it.

Every change that a person would see is also put into the event log. Nothing here awaits, so each change
is whole.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.demo.telegram.events import EventLog
from bot.demo.telegram.faults import Faults, Limits
from bot.demo.telegram.files import FileStore
from bot.demo.telegram.people import Chat, User, chat_json
from bot.demo.telegram.updates import UpdateQueue
from bot.demo.telegram.wire import BotApiError, bad_request

Json = dict[str, Any]


@dataclass
class Message:
    """One message; `body` is the Bot API's object without what is looked up when it is shown.

    A change puts another body in its place, so that whoever holds the old one keeps what it saw.
    """

    chat_id: int
    message_id: int
    sender_id: int
    body: Json
    reply_to: int | None = None
    quote: Json | None = None
    reactions: dict[int, list[Json]] = field(default_factory=dict)
    invoice_payload: str = ""
    has_reply_keyboard: bool = False
    """A bot can never edit a message that opened a keyboard or a reply."""


@dataclass
class CallbackQuery:
    """A press of a button, with the answer once there is one."""

    id: str
    user_id: int
    chat_id: int
    message_id: int
    answer: Json | None = None


@dataclass(frozen=True)
class InvoiceLink:
    """What a link asks to be paid, once or (with a `period` in seconds) over and over."""

    amount: int
    payload: str
    period: int = 0


@dataclass
class Payment:
    """An invoice that a person is about to pay, or has paid, in Stars.

    One with a `period` (seconds) is a subscription's, `paid_until` some Unix second; a renewal has the
    `first_charge`, and the first payment knows whether it `renews`.
    """

    user_id: int
    chat_id: int
    message_id: int | None
    query_id: str
    amount: int
    payload: str
    asked_at: float
    charge_id: str = ""
    decided: bool = False
    refunded: bool = False
    period: int = 0
    paid_until: int = 0
    renews: bool = False
    stopped_by_bot: bool = False
    first_charge: str = ""


@dataclass
class TelegramState:
    """Everything that the stand-in knows; `now` gives Unix seconds, `blocked` holds who blocked the bot."""

    token: str
    bot: User
    users: dict[int, User]
    chats: dict[int, Chat]
    files: FileStore
    now: Callable[[], float]
    random: random.Random
    limits: Limits
    privacy_mode: bool = True
    blocked: set[int] = field(default_factory=set)
    messages: dict[int, dict[int, Message]] = field(default_factory=dict)
    updates: UpdateQueue = field(default_factory=UpdateQueue)
    events: EventLog = field(default_factory=EventLog)
    faults: Faults = field(default_factory=Faults)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    callbacks: dict[str, CallbackQuery] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    invoice_links: dict[str, InvoiceLink] = field(default_factory=dict)
    inline_answers: dict[str, list[Json] | None] = field(default_factory=dict)
    inline_buttons: dict[str, Json] = field(default_factory=dict)
    settings: dict[tuple[str, str], str] = field(default_factory=dict)
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    webhook: Json = field(default_factory=dict)
    logged_out_until: float = 0.0
    _private_ids: int = 0
    _group_ids: dict[int, int] = field(default_factory=dict)

    def opaque(self, length: int = 12) -> str:
        """Make an id that nobody can guess or read anything from."""
        return str(int.from_bytes(self.random.randbytes(length), "big"))

    def _next_message_id(self, chat: Chat) -> int:
        """Number a message: private chats and basic groups share one row of numbers, each supergroup has its own."""
        if chat.type in {"private", "group"}:
            self._private_ids += 1
            return self._private_ids
        self._group_ids[chat.id] = self._group_ids.get(chat.id, 0) + 1
        return self._group_ids[chat.id]

    def sender(self, user_id: int) -> User:
        """Find a person or the bot by id."""
        return self.bot if user_id == self.bot.id else self.users[user_id]

    def chat_for_bot(self, chat_id: int | str) -> Chat:
        """Find the chat that a method names.

        Raises:
            BotApiError: 400 for an empty or unknown id or a group that migrated, 403 where the bot was
                blocked or kicked.

        """
        text = str(chat_id)
        if not text:
            raise bad_request("chat_id is empty")
        chat = self.chats.get(int(text)) if text.removeprefix("-").isdigit() else None
        if chat is None:
            raise bad_request("chat not found")
        if chat.migrated_to is not None:
            raise BotApiError(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                {"migrate_to_chat_id": chat.migrated_to},
            )
        if chat.id in self.blocked:
            raise BotApiError(403, "Forbidden: bot was blocked by the user")
        if chat.type != "private" and chat.status_of.get(self.bot.id) in {None, "left", "kicked"}:
            raise BotApiError(403, f"Forbidden: bot was kicked from the {chat.type} chat")
        return chat

    def check_right(self, chat: Chat, kind: str) -> None:
        """Refuse a kind of message that a group forbids; an administrator may send everything.

        Raises:
            BotApiError: 400 with what the bot may not send.

        """
        is_admin = chat.status_of.get(self.bot.id) == "administrator"
        if kind in chat.forbidden and not is_admin:
            raise bad_request(f"not enough rights to send {kind} to the chat")

    def message(self, chat_id: int, message_id: int) -> Message | None:
        """Find a message that is still there."""
        return self.messages.get(chat_id, {}).get(message_id)

    def add_message(
        self,
        chat: Chat,
        sender: User,
        content: Mapping[str, Any],
        *,
        reply_to: int | None = None,
        quote: Json | None = None,
        thread_id: int | None = None,
        inline_keyboard: Json | None = None,
    ) -> Message:
        """Put a message into a chat."""
        message_id = self._next_message_id(chat)
        body: Json = {
            "message_id": message_id,
            "from": sender.as_json(),
            "chat": chat_json(chat, self.users),
            "date": int(self.now()),
        }
        if thread_id is not None:
            body |= {"message_thread_id": thread_id, "is_topic_message": True}
        body |= content
        if inline_keyboard:
            body["reply_markup"] = inline_keyboard
        message = Message(chat.id, message_id, sender.id, body, reply_to, quote)
        self.messages.setdefault(chat.id, {})[message_id] = message
        self.events.add("message", chat_id=chat.id, message=self.shown(message))
        return message

    def replace(self, message: Message, body: Json, *, marks_edit: bool = True) -> None:
        """Put a new body in place of a message's old one; `marks_edit` dates it as edited."""
        message.body = body | ({"edit_date": int(self.now())} if marks_edit else {})
        self.events.add("edit", chat_id=message.chat_id, message=self.shown(message))

    def react(self, message: Message, user_id: int, reactions: list[Json]) -> None:
        """Put somebody's reactions to a message in place of the earlier ones."""
        message.reactions[user_id] = reactions
        self.events.add("reaction", chat_id=message.chat_id, message=self.shown(message))

    def delete(self, message: Message) -> None:
        """Take a message out of its chat."""
        del self.messages[message.chat_id][message.message_id]
        self.events.add("delete", chat_id=message.chat_id, message_id=message.message_id)

    def bot_json(self, message: Message, *, with_reply: bool = True) -> Json:
        """Give a message as the Bot API shows it, with the message that it answers one level deep."""
        body = dict(message.body)
        if with_reply and message.reply_to is not None:
            answered = self.message(message.chat_id, message.reply_to)
            if answered is not None:
                body["reply_to_message"] = self.bot_json(answered, with_reply=False)
                if message.quote is not None:
                    body["quote"] = message.quote
        return body

    def shown(self, message: Message) -> Json:
        """Give a message as people see it: with its reactions."""
        body = self.bot_json(message)
        emoji = [given["emoji"] for one in message.reactions.values() for given in one]
        return body | ({"reactions": emoji} if emoji else {})
