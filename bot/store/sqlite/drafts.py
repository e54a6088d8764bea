"""What is not finished in a conversation: drafts, questions that wait for an answer, words behind a button."""

import json

from bot.domain.units import ChatId, Millis, UserId
from bot.store import sql
from bot.store.base import Awaited, Draft
from bot.store.rows import awaited_of, insert
from bot.store.sqlite.file import SqliteFile


class Drafts(SqliteFile):
    """See `bot.store.base.drafts`."""

    # -- drafts --------------------------------------------------------------------------------------

    async def save_draft(self, draft: Draft) -> None:
        values = {
            "user_id": draft.user_id,
            "chat_id": draft.chat_id,
            "data": json.dumps(draft.data, ensure_ascii=False),
            "message_id": draft.message_id,
            "updated_at": draft.updated_at,
        }
        await self._writer.do(lambda db: insert(db, "drafts", values, conflict="REPLACE"))

    async def draft(self, user_id: UserId, chat_id: ChatId) -> Draft | None:
        row = await self._row(sql.DRAFT, (user_id, chat_id))
        if row is None:
            return None
        return Draft(user_id, chat_id, json.loads(row["data"]), row["message_id"], Millis(row["updated_at"]))

    async def delete_draft(self, user_id: UserId, chat_id: ChatId) -> None:
        await self._write(sql.DELETE_DRAFT, (user_id, chat_id))

    # -- answers -------------------------------------------------------------------------------------

    async def set_awaited(self, awaited: Awaited) -> None:
        values = {
            "user_id": awaited.user_id,
            "chat_id": awaited.chat_id,
            "kind": awaited.kind,
            "subject": awaited.subject,
            "asked_at": awaited.asked_at,
        }
        await self._writer.do(lambda db: insert(db, "awaited", values, conflict="REPLACE"))

    async def awaited(self, user_id: UserId, chat_id: ChatId) -> Awaited | None:
        row = await self._row(sql.AWAITED, (user_id, chat_id))
        return None if row is None else awaited_of(row)

    async def clear_awaited(self, user_id: UserId, chat_id: ChatId) -> None:
        await self._write(sql.CLEAR_AWAITED, (user_id, chat_id))

    # -- words ---------------------------------------------------------------------------------------

    async def keep_words(self, user_id: UserId, token: str, words: str, now: Millis) -> None:
        await self._write(sql.KEEP_WORDS, (user_id, token, words, now))

    async def kept_words(self, user_id: UserId, token: str) -> str | None:
        row = await self._row(sql.KEPT_WORDS, (user_id, token))
        return None if row is None else str(row["words"])
