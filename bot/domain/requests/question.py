"""A message of the bot that asks somebody something, which a message of theirs answers."""

from dataclasses import dataclass
from enum import Flag, auto

from bot.domain.types import ChatId, Millis, UserId

NEXT_MESSAGE = 0
"""In the place of a message's id: the next message answers, whatever it replies to."""


class Content(Flag):
    """What a message contains, and what a question can be answered with."""

    TEXT = auto()
    PHOTO = auto()
    """Or an image as a file or sticker."""
    SOUND = auto()
    VIDEO = auto()
    OTHER = auto()


NO_CONTENT = Content(0)


@dataclass(frozen=True, slots=True)
class Question:
    """An open question to a person. A reply to its message answers it, or a change of the card that it shows.

    `payload` is what it is about, as a button of this `kind` carries it.
    """

    chat_id: ChatId
    message_id: int
    user_id: UserId
    kind: str
    payload: str
    accepts: Content
    expires_at: Millis
