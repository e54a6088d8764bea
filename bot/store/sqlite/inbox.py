"""Telegram's updates."""

import json
import sqlite3
from collections.abc import Sequence

from bot.domain.units import Millis
from bot.store import sql
from bot.store.base import InboxRow
from bot.store.rows import inbox_row_of, insert
from bot.store.sqlite.file import SqliteFile


class Inbox(SqliteFile):
    """See `bot.store.base.inbox`."""

    async def receive(self, rows: Sequence[InboxRow]) -> list[InboxRow]:
        def work(db: sqlite3.Connection) -> list[InboxRow]:
            new = []
            for row in sorted(rows, key=lambda row: row.update_id):
                values = {
                    "update_id": row.update_id,
                    "chat_id": row.chat_id,
                    "payload": json.dumps(row.payload, ensure_ascii=False),
                    "sent_at": row.sent_at,
                    "received_at": row.received_at,
                }
                if insert(db, "inbox", values, conflict="IGNORE"):
                    new.append(row)
            return new

        return await self._writer.do(work)

    async def unprocessed(self) -> list[InboxRow]:
        rows = await self._rows(sql.UNPROCESSED)
        return [inbox_row_of(row) for row in rows]

    async def mark_processed(self, update_id: int, now: Millis) -> None:
        await self._write(sql.MARK_PROCESSED, (now, update_id))

    async def last_update(self) -> tuple[int, Millis] | None:
        row = await self._row(sql.LAST_UPDATE)
        return None if row is None else (row["update_id"], Millis(row["received_at"]))
