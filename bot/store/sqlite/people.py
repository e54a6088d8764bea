"""Who uses the bot, and what they chose."""

import sqlite3

from bot.domain.requests.preferences import Preferences
from bot.domain.units import ChatId, Millis, UserId
from bot.store import sql
from bot.store.base import User
from bot.store.rows import user_of
from bot.store.sqlite.file import SqliteFile


class People(SqliteFile):
    """See `bot.store.base.people`."""

    async def see_user(
        self, user_id: UserId, name: str, username: str | None, telegram_language: str | None, now: Millis
    ) -> User:
        values = (user_id, name, username, telegram_language, now, now)
        return await self._writer.do(lambda db: user_of(db.execute(sql.SEE_USER, values).fetchone()))

    async def user(self, user_id: UserId) -> User | None:
        row = await self._row(sql.USER, (user_id,))
        return None if row is None else user_of(row)

    async def find_user(self, text: str) -> User | None:
        wanted = text.strip().removeprefix("@")
        if wanted.isascii() and wanted.isdigit():
            return await self.user(UserId(int(wanted))) if len(wanted) <= 18 else None
        row = await self._row(sql.USER_BY_NAME, (wanted,))
        return None if row is None else user_of(row)

    async def set_language(self, user_id: UserId, language: str | None) -> None:
        await self._write(sql.SET_LANGUAGE, (language, user_id))

    async def set_preferences(self, user_id: UserId, preferences: Preferences) -> None:
        await self._write(sql.SET_PREFERENCES, (preferences.write(), user_id))

    async def set_plan(self, user_id: UserId, plan: str | None, until: Millis | None) -> None:
        await self._write(sql.SET_PLAN, (plan, until, user_id))

    async def set_inviter(self, user_id: UserId, inviter: UserId) -> bool:
        values = {"user": user_id, "inviter": inviter}
        return await self._writer.do(lambda db: db.execute(sql.SET_INVITER, values).rowcount > 0)

    async def move_chat(self, old: ChatId, new: ChatId) -> None:
        def work(db: sqlite3.Connection) -> None:
            for step in sql.MOVE_CHAT:
                db.execute(step, (new, old))

        await self._writer.do(work)
