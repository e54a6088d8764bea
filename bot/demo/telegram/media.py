"""Makes the media part of a message from an upload, or repeats a file by its file_id.

The result is the message's own field, as `{"video": {...}}`; ids of unknown files and files of another
kind are refused in Telegram's words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.demo.telegram.files import MEGABYTE, FileStore, picture_size, probe
from bot.demo.telegram.wire import BotApiError, Upload, bad_request

KINDS = ("photo", "video", "document", "audio", "animation", "voice", "video_note", "sticker")
_SHOWN = {
    "photo": "Photo",
    "video": "Video",
    "document": "Document",
    "audio": "Audio",
    "animation": "Animation",
}
RIGHT_TO_SEND = {
    "photo": "photos",
    "video": "videos",
    "document": "documents",
    "audio": "music",
    "animation": "animations",
    "voice": "voice notes",
    "sticker": "animations",
}
"""How Telegram calls what a group may forbid, by the kind of file."""

_INTERCHANGEABLE = frozenset({"video", "animation", "document"})


@dataclass(frozen=True)
class MediaFields:
    """What the sender says about a medium; zeros and empty strings where nothing was said."""

    width: int = 0
    height: int = 0
    duration: int = 0
    title: str = ""
    performer: str = ""
    thumbnail: Upload | None = None
    cover: Upload | None = None
    start_timestamp: int = 0
    has_spoiler: bool = False


@dataclass(frozen=True)
class MediaMaker:
    """Knows the files and the limits; `upload_limit` is in bytes."""

    files: FileStore
    upload_limit: int = 50 * MEGABYTE

    async def make(self, kind: str, source: Upload | str | None, fields: MediaFields) -> dict[str, Any]:
        """Give the media part of a message of this kind.

        Raises:
            BotApiError: 400 without a file, for an unknown or unfit file_id and for addresses on the
                internet (this machine reaches none); 413 for an upload over the limit.
        """
        if source is None:
            raise bad_request(f"there is no {kind} in the request")
        if isinstance(source, str):
            return self._repeat(kind, source, fields)
        if source.size > self.upload_limit:
            raise BotApiError(413, "Request Entity Too Large")
        if source.size == 0:
            raise bad_request("file must be non-empty")
        if kind == "photo":
            content: dict[str, Any] = {"photo": await self.files.photo(source)}
        else:
            content = await self._file(kind, source, fields)
        if fields.has_spoiler and kind in {"photo", "video", "animation"}:
            content["has_media_spoiler"] = True
        return content

    def _repeat(self, kind: str, file_id: str, fields: MediaFields) -> dict[str, Any]:
        if file_id.startswith(("http://", "https://")):
            raise bad_request("failed to get HTTP URL content")
        stored = self.files.by_id.get(file_id)
        if stored is None or stored.kind == "thumbnail":
            raise bad_request("wrong file identifier/HTTP URL specified")
        if stored.kind != kind and not {stored.kind, kind} <= _INTERCHANGEABLE:
            raise bad_request(
                f"can't use file of type {_SHOWN.get(stored.kind, stored.kind)} as {_SHOWN.get(kind, kind)}"
            )
        content = dict(self.files.content[file_id])
        content.pop("has_media_spoiler", None)
        if fields.has_spoiler:
            content["has_media_spoiler"] = True
        return content

    async def _file(self, kind: str, source: Upload, fields: MediaFields) -> dict[str, Any]:
        stored = await self.files.keep(kind, source)
        body: dict[str, Any] = {**stored.as_json(), "mime_type": _mime_type(kind, stored.mime_type)}
        if kind in {"video", "animation", "audio", "voice", "video_note"}:
            found = await probe(stored.path)
            body["duration"] = fields.duration or found.duration
            if kind in {"video", "animation"}:
                body["width"] = fields.width or found.width
                body["height"] = fields.height or found.height
        if kind == "video_note":
            body["length"] = found.width
            body.pop("mime_type")
        if kind in {"video", "animation", "document", "audio"}:
            body["file_name"] = stored.name
        if kind == "audio":
            body |= {name: value for name in ("title", "performer") if (value := getattr(fields, name))}
        if kind == "sticker":
            width, height = picture_size(stored.path)
            body |= {"width": width, "height": height, "type": "regular"}
            body |= {"is_animated": False, "is_video": False}
            body.pop("mime_type")
        await self._pictures(kind, body, fields, stored.path)
        content: dict[str, Any] = {kind: body}
        if kind == "animation":
            shared = ("file_id", "file_unique_id", "file_size", "mime_type", "file_name", "thumbnail")
            content["document"] = {name: body[name] for name in shared if name in body}
        self.files.content[stored.file_id] = content
        return content

    async def _pictures(self, kind: str, body: dict[str, Any], fields: MediaFields, path: Any) -> None:
        """Add thumbnail and cover: the given ones, else a thumbnail from the file itself."""
        if kind in {"video", "animation", "document"}:
            thumbnail = await self.files.thumbnail(fields.thumbnail) if fields.thumbnail else None
            thumbnail = thumbnail or await self.files.thumbnail(path)
            if thumbnail is not None:
                body["thumbnail"] = thumbnail
        if kind == "video" and fields.cover is not None:
            body["cover"] = await self.files.photo(fields.cover)
        if kind == "video" and fields.start_timestamp:
            body["start_timestamp"] = fields.start_timestamp


def _mime_type(kind: str, given: str) -> str:
    if given != "application/octet-stream":
        return given
    return {"video": "video/mp4", "animation": "video/mp4", "voice": "audio/ogg", "audio": "audio/mpeg"}.get(
        kind, given
    )


def media_of(body: Mapping[str, Any]) -> str | None:
    """Tell which kind of medium a message carries; None for texts."""
    if "animation" in body:
        return "animation"
    return next((kind for kind in KINDS if kind in body), None)
