"""What is not finished in a conversation: drafts, questions that wait for an answer, words behind a button."""

from dataclasses import dataclass
from typing import Any, Protocol

from bot.domain.units import ChatId, Millis, UserId


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that a user is still composing in a chat; `data` is the composer's JSON."""

    user_id: UserId
    chat_id: ChatId
    data: dict[str, Any]
    message_id: int | None
    updated_at: Millis


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a person was asked to send next in a chat: `kind` says what for, `subject` which one it is about."""

    user_id: UserId
    chat_id: ChatId
    kind: str
    subject: str
    asked_at: Millis


class Drafts(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    # -- drafts --------------------------------------------------------------------------------------

    async def save_draft(self, draft: Draft) -> None:
        """Keep the one draft that a user has in a chat; an older one gives way."""
        ...

    async def draft(self, user_id: UserId, chat_id: ChatId) -> Draft | None:
        """The draft that a user has in a chat."""
        ...

    async def delete_draft(self, user_id: UserId, chat_id: ChatId) -> None:
        """The draft is done or given up."""
        ...

    # -- answers -------------------------------------------------------------------------------------

    async def set_awaited(self, awaited: Awaited) -> None:
        """Note what a person is asked for; what they were asked before in the chat gives way."""
        ...

    async def awaited(self, user_id: UserId, chat_id: ChatId) -> Awaited | None:
        """What a person is asked for in a chat."""
        ...

    async def clear_awaited(self, user_id: UserId, chat_id: ChatId) -> None:
        """It came, or is not wanted any more."""
        ...

    # -- words ---------------------------------------------------------------------------------------

    async def keep_words(self, user_id: UserId, token: str, words: str, now: Millis) -> None:
        """Keep what a user typed under a short token, for a button or a link that cannot hold it."""
        ...

    async def kept_words(self, user_id: UserId, token: str) -> str | None:
        """The words of a token, if they are this user's and not cleaned yet."""
        ...
