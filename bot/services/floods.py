"""Floods: what somebody sends faster than it can be acted on is counted, answered once and left alone.

Payments are never left alone, an album counts as one, and nobody is told of changes of the bot's membership.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from bot.domain.types import MINUTE, SECOND, Millis

Sender = tuple[str, int]

MOST_WAITING = 100
"""How many updates of one sender may wait; a person at a keyboard never comes near it."""

FLOOD_PAUSE = 10 * SECOND
"""How long nothing of a sender is taken in once it was too much."""

TOLD_AGAIN = MINUTE
LARGEST_ALBUM = 10
"""Telegram's own limit."""

REMEMBERED = 1_000
MEMBERSHIP = "my_chat_member"
"""The update that tells what became of the bot in a chat; whoever did it is its sender."""


class Surplus(StrEnum):
    """Why an update is left alone: the key of what its sender is told."""

    FLOOD = "error.flood"
    ALBUM = "error.album.too_long"


class Floods:
    """Counts what waits of each sender."""

    def __init__(self) -> None:
        self._waiting: Counter[Sender] = Counter()
        self._until: OrderedDict[Sender, Millis] = OrderedDict()
        self._told: OrderedDict[tuple[object, ...], Millis] = OrderedDict()
        self._albums: OrderedDict[tuple[Sender | None, str], set[int]] = OrderedDict()

    def take(self, update_id: int, payload: Mapping[str, Any], now: Millis) -> Surplus | None:
        """Count an update as waiting; or why it is not to be acted on."""
        if _is_kept(payload):
            return None
        sender = sender_of(payload)
        album = album_of(payload)
        if album is not None:
            parts = keep(self._albums, (sender, album), self._albums.get((sender, album), set()))
            if update_id not in parts and len(parts) >= LARGEST_ALBUM:
                return Surplus.ALBUM
            parts.add(update_id)
            if len(parts) > 1:
                return None
        if sender is None:
            return None
        if now < self._until.get(sender, 0):
            return Surplus.FLOOD
        if self._waiting[sender] >= MOST_WAITING:
            keep(self._until, sender, Millis(now + FLOOD_PAUSE))
            return Surplus.FLOOD
        self._waiting[sender] += 1
        return None

    def done(self, payload: Mapping[str, Any]) -> None:
        """An update waits no longer; of an album its first photo says so for all."""
        sender = sender_of(payload)
        if sender is None or _is_kept(payload):
            return
        self._waiting[sender] -= 1
        if self._waiting[sender] <= 0:
            del self._waiting[sender]

    def is_news(self, surplus: Surplus, payload: Mapping[str, Any], now: Millis) -> bool:
        """Whether the sender is to be told and has not been lately; then they count as told."""
        if MEMBERSHIP in payload:
            # Whoever blocks the bot, or adds it to a group, waits for no answer.
            return False
        about = (surplus, sender_of(payload), album_of(payload) if surplus is Surplus.ALBUM else None)
        told = self._told.get(about)
        if told is not None and now - told < TOLD_AGAIN:
            return False
        keep(self._told, about, now)
        return True


def sender_of(payload: Mapping[str, Any]) -> Sender | None:
    """Who sent an update, or the chat where that is all that is known; None: nobody did."""
    body = body_of(payload)
    person, chat = body.get("from"), body.get("chat")
    # Whoever writes in the name of a chat is one and the same user for Telegram.
    if isinstance(person, dict) and "sender_chat" not in body and isinstance(person.get("id"), int):
        return "user", person["id"]
    if isinstance(chat, dict) and isinstance(chat.get("id"), int):
        return "chat", chat["id"]
    return None


def body_of(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one object of an update that says what happened."""
    for part in payload.values():
        if isinstance(part, dict):
            return part
    return {}


def album_of(payload: Mapping[str, Any]) -> str | None:
    """The album that a message is part of."""
    message = payload.get("message")
    album = message.get("media_group_id") if isinstance(message, dict) else None
    return album if isinstance(album, str) else None


def _is_kept(payload: Mapping[str, Any]) -> bool:
    """Whether it is acted on in any case: money, and what Telegram itself reports."""
    kinds = {"message", "edited_message", "callback_query", "inline_query", MEMBERSHIP}
    return not kinds & payload.keys() or bool(
        {"successful_payment", "refunded_payment"} & body_of(payload).keys()
    )


def keep(memory: OrderedDict[Any, Any], key: object, value: Any) -> Any:
    """Remember something as the newest, and forget the oldest beyond `REMEMBERED`; the value."""
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)
    return value
