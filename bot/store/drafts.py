"""Unfinished business in chats: drafts, pending questions, texts, attachments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.requests.question import Question
from bot.domain.requests.request import Attachment
from bot.domain.types import ChatId, Millis, UserId
from bot.store.engine import Row, Subject, Transaction


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that a user is composing in a chat; `data` is the composer's JSON."""

    user_id: UserId
    chat_id: ChatId
    data: dict[str, Any]
    message_id: int | None
    updated_at: Millis


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """A prepared image or sound, kept while it is needed or its owner is known."""

    ref: Attachment
    content: bytes = field(repr=False)
    owner: UserId | None = None


class Drafts(Subject):
    """One draft for each user in each chat, and the questions that messages ask."""

    # -- drafts --------------------------------------------------------------------------------------

    async def save(self, draft: Draft) -> None:
        """Save the one draft that a user has in a chat, replacing an older one."""
        await self._write(lambda tx: tx.insert("drafts", draft, replace=("user_id", "chat_id")))

    async def get(self, user_id: UserId, chat_id: ChatId) -> Draft | None:
        """The draft that a user has in a chat."""
        statement = "SELECT * FROM drafts WHERE user_id = :user AND chat_id = :chat"
        return await self._read(lambda tx: tx.one(Draft, statement, user=user_id, chat=chat_id))

    async def delete(self, user_id: UserId, chat_id: ChatId) -> None:
        """Delete the draft that a user has in a chat."""
        statement = "DELETE FROM drafts WHERE user_id = :user AND chat_id = :chat"
        await self._write(lambda tx: tx.run(statement, user=user_id, chat=chat_id))

    async def outdate(self, user_id: UserId, chat_id: ChatId, before: Millis) -> None:
        """Make the draft that a user has in a chat no newer than a moment: something else was said since."""
        statement = """
            UPDATE drafts SET updated_at = :before
            WHERE user_id = :user AND chat_id = :chat AND updated_at > :before
        """
        await self._write(lambda tx: tx.run(statement, user=user_id, chat=chat_id, before=before))

    async def is_latest(self, draft: Draft) -> bool:
        """Whether no result came into the draft's chat after the message that shows it."""
        if draft.message_id is None:
            return True
        statement = "SELECT max(message_id) FROM task_messages WHERE chat_id = :chat"
        newest: int | None = await self._read(lambda tx: tx.value(statement, chat=draft.chat_id))
        return newest is None or newest < draft.message_id

    # -- questions -----------------------------------------------------------------------------------

    async def save_question(self, question: Question) -> None:
        """Save a question, replacing what its message asked before."""
        key = ("chat_id", "message_id", "user_id")
        await self._write(lambda tx: tx.insert("questions", question, replace=key))

    async def list_questions(
        self, user_id: UserId, chat_id: ChatId, messages: Sequence[int], now: Millis
    ) -> list[Question]:
        """The questions that messages of a chat ask until now or later, and the user's among `NEXT_MESSAGE`."""
        statement = """
            SELECT * FROM questions WHERE chat_id = :chat AND message_id = ANY (:messages)
            AND (user_id = :user OR message_id != 0) AND expires_at >= :now
        """
        values = {"user": user_id, "chat": chat_id, "messages": messages, "now": now}
        return await self._read(lambda tx: tx.all(Question, statement, **values))

    async def delete_question(self, user_id: UserId, chat_id: ChatId, message_id: int, now: Millis) -> bool:
        """Delete the question to a user that a message asks; False where it expired before now, or there is none."""
        statement = """
            DELETE FROM questions
            WHERE chat_id = :chat AND message_id = :message AND user_id = :user AND expires_at >= :now
        """
        values = {"user": user_id, "chat": chat_id, "message": message_id, "now": now}
        return bool(await self._write(lambda tx: tx.run(statement, **values)))

    # -- texts ---------------------------------------------------------------------------------------

    async def save_text(self, user_id: UserId, token: str, text: str, now: Millis) -> None:
        """Save what a user typed under a token, for a button or link too short for it."""
        row = {"user_id": user_id, "token": token, "words": text, "used_at": now}
        await self._write(lambda tx: tx.insert("kept_words", row, replace=("user_id", "token")))

    async def get_text(self, user_id: UserId, token: str) -> str | None:
        """The text of a token, if it is this user's and not cleaned yet."""
        statement = "SELECT words FROM kept_words WHERE user_id = :user AND token = :token"
        text: str | None = await self._read(lambda tx: tx.value(statement, user=user_id, token=token))
        return text

    # -- attachments ---------------------------------------------------------------------------------

    async def get_attachments(self, refs: Sequence[Attachment]) -> Mapping[str, bytes]:
        """The bytes of kept attachments by their SHA-256; missing ones are left out."""
        statement = "SELECT sha256, content FROM attachments WHERE sha256 = ANY (:hashes)"
        hashes = [ref.sha256 for ref in refs]
        rows = await self._read(lambda tx: tx.all(Row, statement, hashes=hashes))
        return {row["sha256"]: row["content"] for row in rows}

    async def save_attachment(self, attachment: StoredAttachment, now: Millis) -> None:
        """Save an attachment for a draft."""
        await self._write(lambda tx: save_attachment(tx, attachment, now))


def save_attachment(tx: Transaction, attachment: StoredAttachment, now: Millis) -> None:
    """Save an attachment; a known one counts as used now and keeps its owner."""
    tx.run(
        """
        INSERT INTO attachments (sha256, media_type, content, user_id, used_at)
        VALUES (:sha256, :media_type, :content, :owner, :now)
        ON CONFLICT (sha256) DO UPDATE SET
            used_at = greatest(attachments.used_at, excluded.used_at),
            user_id = coalesce(attachments.user_id, excluded.user_id)
        """,
        sha256=attachment.ref.sha256,
        media_type=attachment.ref.media_type,
        content=attachment.content,
        owner=attachment.owner,
        now=now,
    )
