"""Files on their way to Telegram: what they are, and how python-telegram-bot takes them."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from telegram import (
    InlineQueryResult,
    InlineQueryResultCachedDocument,
    InlineQueryResultCachedPhoto,
    InlineQueryResultCachedVideo,
    InputFile,
    InputMediaAnimation,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)
from telegram.constants import ChatAction

from bot.domain.requests.operations import Product
from handlers.sending.refusals import Refusal

UPLOAD_TIMEOUT = 600.0


class MediaKind(StrEnum):
    """How Telegram shows a file."""

    VIDEO = "video"
    PHOTO = "photo"
    AUDIO = "audio"
    DOCUMENT = "document"
    ANIMATION = "animation"

    @property
    def row(self) -> "MediaRow":
        """What Telegram does with it."""
        return _ROWS[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file to be sent: content, a path that is streamed, a file id or an address.

    `duration` in seconds. `exact` sends a document byte by byte, without looking at what it is.
    """

    kind: MediaKind
    source: bytes | Path | str
    filename: str | None = None
    width: int | None = None
    height: int | None = None
    duration: int | None = None
    thumbnail: Path | None = None
    spoiler: bool = False
    exact: bool = False


@dataclass(frozen=True, slots=True)
class InlineFile:
    """A result of an inline query: a file that Telegram has, under an id of ours."""

    id: str
    kind: MediaKind
    file_id: str
    title: str
    description: str
    caption: str


@dataclass(frozen=True, slots=True)
class MediaRow:
    """What Telegram does with a kind of file; the value of its `MediaKind` names the method and its parameter.

    `action` is what the chat shows while it is sent, and `told` the fields of `attributes` that its method takes.
    """

    part: Callable[..., Any]
    """What it is in an album, and what a message becomes: an `InputMedia`."""
    action: ChatAction
    told: tuple[str, ...]
    cached: Callable[..., InlineQueryResult] = InlineQueryResultCachedDocument
    in_album: bool = False


_ROWS: Mapping[MediaKind, MediaRow] = {
    MediaKind.VIDEO: MediaRow(
        InputMediaVideo,
        ChatAction.UPLOAD_VIDEO,
        ("width", "height", "duration", "supports_streaming", "has_spoiler", "thumbnail"),
        cached=InlineQueryResultCachedVideo,
        in_album=True,
    ),
    MediaKind.PHOTO: MediaRow(
        InputMediaPhoto,
        ChatAction.UPLOAD_PHOTO,
        ("has_spoiler",),
        cached=InlineQueryResultCachedPhoto,
        in_album=True,
    ),
    MediaKind.AUDIO: MediaRow(InputMediaAudio, ChatAction.UPLOAD_VOICE, ("duration",)),
    MediaKind.ANIMATION: MediaRow(
        InputMediaAnimation,
        ChatAction.UPLOAD_VIDEO,
        ("width", "height", "duration", "has_spoiler", "thumbnail"),
    ),
    MediaKind.DOCUMENT: MediaRow(
        InputMediaDocument, ChatAction.UPLOAD_DOCUMENT, ("disable_content_type_detection",)
    ),
}
SHOWN_AS = {
    Product.VIDEO: MediaKind.VIDEO,
    Product.IMAGE: MediaKind.PHOTO,
    Product.AUDIO: MediaKind.AUDIO,
}
"""How results are shown that are not too large for it."""


def content(media: Media, open_files: ExitStack, *, attach: bool = False) -> InputFile | str:
    """Return a file as python-telegram-bot takes it; `attach` where it is part of an `InputMedia`."""
    source = media.source
    if isinstance(source, str):
        return source
    if isinstance(source, bytes):
        return InputFile(source, filename=media.filename, attach=attach)
    handle = open_files.enter_context(source.open("rb"))
    # The handle is read while it is sent: 45 MB cost no memory.
    return InputFile(handle, filename=media.filename or source.name, attach=attach, read_file_handle=False)


def attributes(media: Media, *, attach: bool = False) -> dict[str, Any]:
    """Return what Telegram is told of a file beside its content."""
    told: dict[str, Any] = {
        "width": media.width,
        "height": media.height,
        "duration": media.duration,
        "supports_streaming": True,
        "has_spoiler": media.spoiler,
        "disable_content_type_detection": media.exact or None,
        "thumbnail": None
        if media.thumbnail is None
        else InputFile(media.thumbnail.read_bytes(), filename="thumbnail.jpg", attach=attach),
    }
    return {name: told[name] for name in media.kind.row.told}


def input_media(media: Media, open_files: ExitStack, caption: Mapping[str, Any]) -> Any:
    """Return a file as a part of an album, or as what a message becomes; `caption` has the fields of its caption."""
    # Without `attach` python-telegram-bot leaves the file's name out of the JSON, and Telegram refuses the request.
    file = content(media, open_files, attach=True)
    return media.kind.row.part(file, **attributes(media, attach=True), **caption)


def simpler(media: Media, refusal: Refusal | None) -> Media | None:
    """Return the form in which a file that Telegram refused is worth one more try; None: in no other one."""
    if refusal is Refusal.BAD_THUMBNAIL or refusal is Refusal.BAD_FILE:
        if media.thumbnail is not None:
            return replace(media, thumbnail=None)
    elif refusal is not Refusal.NO_RIGHT_TO_SEND_VIDEOS:
        return None
    # What Telegram has already is sent as what it has it as.
    if media.kind is MediaKind.DOCUMENT or isinstance(media.source, str):
        return None
    return replace(media, kind=MediaKind.DOCUMENT, thumbnail=None, spoiler=False, exact=True)


def timeouts(files: Iterable[Media]) -> dict[str, Any]:
    """Return the time limits of a request: large files take minutes, also where Telegram fetches them."""
    if all(isinstance(media.source, bytes) for media in files):
        return {}
    return {"read_timeout": UPLOAD_TIMEOUT, "write_timeout": UPLOAD_TIMEOUT}


def inline_result(file: InlineFile, caption: Mapping[str, Any]) -> InlineQueryResult:
    """Return a result of an inline query. `caption` has the fields of its caption."""
    told: dict[str, Any] = {f"{file.kind}_file_id": file.file_id, "description": file.description, **caption}
    return file.kind.row.cached(id=file.id, title=file.title, **told)
