"""What waits for a person's next step: the question that was asked last, and words behind a button or link."""

import base64
import hashlib

from bot.clock import Clock
from bot.domain.units import MINUTE, ChatId, UserId
from bot.store import PendingQuestion, Store

QUESTION_TTL = 15 * MINUTE
"""Milliseconds that a question stays open; later, what is sent is a message like any other."""

_TOKEN_BYTES = 9


class Questions:
    """Keeps the one open question of a person in a chat, and words that are too long for a button."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def ask(self, user_id: UserId, chat_id: ChatId, kind: str, subject: str) -> None:
        """Note what the person is asked to send next; `kind` says what for, `subject` is kept with it."""
        await self._store.drafts.save_question(
            PendingQuestion(user_id, chat_id, kind, subject, self._clock.now())
        )

    async def pending(self, user_id: UserId, chat_id: ChatId) -> PendingQuestion | None:
        """The person's open question, or None where there is none or it was asked too long ago."""
        question = await self._store.drafts.get_question(user_id, chat_id)
        if question is None or self._clock.now() - question.asked_at > QUESTION_TTL:
            return None
        return question

    async def close(self, user_id: UserId, chat_id: ChatId) -> None:
        """Close the question: it is answered, or the answer is not wanted any more."""
        await self._store.drafts.delete_question(user_id, chat_id)

    async def save_words(self, user_id: UserId, words: str) -> str:
        """Save words for a button or link; return their token, 12 of the characters that both take."""
        digest = hashlib.sha256(f"{user_id}\0{words}".encode()).digest()
        token = base64.urlsafe_b64encode(digest[:_TOKEN_BYTES]).decode("ascii")
        await self._store.drafts.save_text(user_id, token, words, self._clock.now())
        return token

    async def saved_words(self, user_id: UserId, token: str) -> str | None:
        """The words of a token, or None where another person typed them or they are cleaned up."""
        return await self._store.drafts.get_text(user_id, token)
