"""What waits for a person's next step: open questions, and words behind a button or link."""

import base64
import hashlib

from bot.clock import Clock
from bot.domain.requests.question import Question
from bot.domain.types import ChatId, UserId
from bot.store import Store

_TOKEN_BYTES = 9


class Questions:
    """Keeps the open questions of people, and words that are too long for a button."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def ask(self, question: Question) -> None:
        """Save a question; one that the same message asked before gives way."""
        await self._store.drafts.save_question(question)

    async def find(self, user_id: UserId, chat_id: ChatId, *messages: int) -> dict[int, Question]:
        """The open questions of these messages; among `NEXT_MESSAGE` only this person's."""
        found = await self._store.drafts.list_questions(user_id, chat_id, messages, self._clock.now())
        return {question.message_id: question for question in found}

    async def close(self, user_id: UserId, chat_id: ChatId, message_id: int) -> bool:
        """Close a question, which is answered or not wanted; False where none is open."""
        return await self._store.drafts.delete_question(user_id, chat_id, message_id, self._clock.now())

    async def save_words(self, user_id: UserId, words: str) -> str:
        """Save words for a button or link; return their token, 12 of the characters that both take."""
        digest = hashlib.sha256(f"{user_id}\0{words}".encode()).digest()
        token = base64.urlsafe_b64encode(digest[:_TOKEN_BYTES]).decode("ascii")
        await self._store.drafts.save_text(user_id, token, words, self._clock.now())
        return token

    async def saved_words(self, user_id: UserId, token: str) -> str | None:
        """The words of a token, or None where another person typed them or they are cleaned up."""
        return await self._store.drafts.get_text(user_id, token)
