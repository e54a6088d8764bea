"""Which updates are one message: the parts of an album, and a text with the photo that was forwarded right behind it.

Telegram sends each of them by itself, in order and mostly at once. What comes late is acted on together with what
came before it, which is remembered for a while.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.types import MINUTE, Millis
from bot.services.floods import album_of, body_of, keep, sender_of

Payload = Mapping[str, Any]

LATE_FOR = 10 * MINUTE
"""How long a part of an album may be under way: uploads on slow lines take minutes."""

COMMENT_SECONDS = 2
"""Between a comment and what is forwarded with it: the app sends them at once."""

_MEDIA = ("photo", "document", "video", "animation", "audio", "voice", "video_note", "sticker")


def is_with(earlier: Payload, later: Payload) -> bool:
    """Whether a file was forwarded with a text: the text is the comment that the app asks for."""
    first, second = earlier.get("message"), later.get("message")
    if not isinstance(first, dict) or not isinstance(second, dict):
        return False
    said_at, sent_at = first.get("date"), second.get("date")
    return (
        is_comment(earlier)
        and isinstance(second.get("forward_origin"), dict)
        and any(kind in second for kind in _MEDIA)
        and sender_of(earlier) == sender_of(later)
        and _chat(earlier) == _chat(later)
        and isinstance(said_at, int)
        and isinstance(sent_at, int)
        and 0 <= sent_at - said_at <= COMMENT_SECONDS
    )


def is_comment(payload: Payload) -> bool:
    """Whether it is a text of somebody's own in a private chat, which may be about what they forward next."""
    message = payload.get("message")
    if not isinstance(message, dict) or not isinstance(message.get("chat"), dict):
        return False
    return (
        message["chat"].get("type") == "private"
        and isinstance(message.get("text"), str)
        and not message.keys() & {"forward_origin", "reply_to_message", "external_reply", "via_bot"}
    )


def _chat(payload: Payload) -> object:
    chat = body_of(payload).get("chat")
    return chat.get("id") if isinstance(chat, dict) else None


def is_order(payload: Payload) -> bool:
    """Whether a text is a command with something behind it, which is acted on without a question."""
    text = str(body_of(payload).get("text", ""))
    return text.startswith(("/", "／")) and len(text.split(maxsplit=1)) > 1


class Joined:
    """Remembers what was acted on lately and may get another part."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[Millis, list[dict[str, Any]]]] = OrderedDict()

    def earlier(self, payload: Payload, now: Millis) -> list[dict[str, Any]]:
        """What was acted on before and belongs to it, in order."""
        here = _chat(payload), sender_of(payload)
        if parts := self._parts(("album", *here, album_of(payload)), now):
            return parts
        comment = self._parts(("comment", *here), now)
        return comment if comment and is_with(comment[0], payload) else []

    def record(self, payloads: Sequence[dict[str, Any]], now: Millis) -> None:
        """Remember what is acted on together, in order."""
        first, last = payloads[0], payloads[-1]
        here = _chat(first), sender_of(first)
        if (album := album_of(last)) is not None:
            keep(self._kept, ("album", *here, album), (now, list(payloads)))
        if is_comment(first):
            keep(self._kept, ("comment", *here), (now, list(payloads)))

    def _parts(self, key: tuple[object, ...], now: Millis) -> list[dict[str, Any]]:
        at, parts = self._kept.get(key, (now, []))
        return parts if now - at <= LATE_FOR else []
