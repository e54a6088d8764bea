"""What the stand-in knows: people, chats, messages, files, and the updates that wait for the bot."""

import asyncio
import io
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

Json = dict[str, Any]

BOT: Json = {
    "id": 7_000_001,
    "is_bot": True,
    "first_name": "Kling videos",
    "username": "kling_demo_bot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}

PEOPLE: dict[int, Json] = {
    1001: {"id": 1001, "is_bot": False, "first_name": "Ada", "username": "ada", "language_code": "en"},
    1002: {
        "id": 1002,
        "is_bot": False,
        "first_name": "小林",
        "username": "xiaolin",
        "language_code": "zh-hans",
    },
    1000: {"id": 1000, "is_bot": False, "first_name": "Boss", "username": "boss", "language_code": "en"},
}
GROUP: Json = {"id": -1_002_000_000_001, "type": "supergroup", "title": "Film club"}


@dataclass
class StoredFile:
    """A file at the stand-in, on disk."""

    id: str
    path: Path
    mime: str
    name: str

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size


@dataclass
class State:
    """Everything, with one condition that tells of every change."""

    directory: Path
    now: Callable[[], float] = time.time
    messages: dict[tuple[int, int], Json] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    updates: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    menus: dict[str, list[Json]] = field(default_factory=dict)
    blocked: set[int] = field(default_factory=set)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    closing: bool = False
    _message_id: int = 0
    _update_id: int = 500_000

    def chat(self, chat_id: int) -> Json | None:
        """A chat as the Bot API shows it."""
        if chat_id == GROUP["id"]:
            return dict(GROUP)
        person = PEOPLE.get(chat_id)
        if person is None:
            return None
        return {
            "id": chat_id,
            "type": "private",
            "first_name": person["first_name"],
            "username": person["username"],
        }

    async def tell(self, event: Json) -> None:
        """Add an event for the page, and wake everybody who waits."""
        async with self.changed:
            self.events.append({**event, "number": len(self.events) + 1})
            self.changed.notify_all()

    async def close(self) -> None:
        """Let everybody who waits go: the server is about to stop."""
        async with self.changed:
            self.closing = True
            self.changed.notify_all()

    async def update(self, kind: str, content: Json) -> int:
        """Queue an update for the bot."""
        async with self.changed:
            self._update_id += 1
            self.updates.append({"update_id": self._update_id, kind: content})
            self.changed.notify_all()
            return self._update_id

    async def add(self, chat_id: int, sender: Json, content: Json) -> Json:
        """Put a message into a chat."""
        self._message_id += 1
        message = {
            "message_id": self._message_id,
            "date": int(self.now()),
            "chat": self.chat(chat_id),
            "from": sender,
            **content,
        }
        self.messages[chat_id, self._message_id] = message
        await self.tell({"kind": "message", "chat_id": chat_id, "message": message})
        return message

    def keep(self, data: bytes, mime: str, name: str) -> StoredFile:
        """Keep a file's bytes."""
        file_id = "F" + secrets.token_urlsafe(18)
        path = self.directory / file_id
        path.write_bytes(data)
        stored = StoredFile(file_id, path, mime, name)
        self.files[file_id] = stored
        return stored

    def photo(self, data: bytes) -> list[Json]:
        """A photo in the sizes that Telegram makes of it."""
        sizes = []
        with Image.open(io.BytesIO(data)) as opened:
            picture = opened.convert("RGB")
        for longest in (320, 1280):
            scaled = picture.copy()
            scaled.thumbnail((longest, longest))
            buffer = io.BytesIO()
            scaled.save(buffer, "JPEG", quality=87)
            stored = self.keep(buffer.getvalue(), "image/jpeg", "photo.jpg")
            sizes.append(self.file_json(stored, width=scaled.width, height=scaled.height))
            if max(picture.size) <= longest:
                break
        return sizes

    @staticmethod
    def file_json(stored: StoredFile, **more: object) -> Json:
        """A file as the Bot API shows it."""
        return {
            "file_id": stored.id,
            "file_unique_id": f"U{stored.id[1:13]}",
            "file_size": stored.size,
            **{name: value for name, value in more.items() if value is not None},
        }
