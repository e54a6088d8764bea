"""Pictures, sounds and videos out of messages. A file's address holds the bot's token: it stays in this module."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

import structlog
from telegram import Animation, Document, ExternalReplyInfo, Message, Video, VideoNote

from bot.errors import UserError
from bot.services.ports import ChatBusy, ChatError, ChatTooLarge
from bot.services.requests.videos import LARGEST_VIDEO
from handlers.sending.chat import Chat
from handlers.sending.downloads import FileUnreachable

log = structlog.get_logger(__name__)

DOWNLOAD_LIMIT = 20_000_000
"""Bytes that the Bot API lets a bot download; a local server has no such limit, which only videos need."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"})
"""Some clients send a picture as a file of no known type; its name tells."""


Holder = Message | ExternalReplyInfo
"""What holds a file: a message of this chat, or what Telegram tells of a message of another one."""


Film = Video | Animation | VideoNote | Document
"""Whatever holds moving pictures."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at Telegram. `size` in bytes, where it is told."""

    file_id: str
    size: int | None


def sound_file_of(message: Holder | None) -> RemoteFile | None:
    """The sound in a message: a voice message, music, or an audio file."""
    if message is None:
        return None
    document = message.document
    if document is not None and not (document.mime_type or "").startswith("audio/"):
        document = None
    sound = message.voice or message.audio or document
    return None if sound is None else RemoteFile(sound.file_id, sound.file_size)


def film_file_of(message: Holder | None) -> RemoteFile | None:
    """The video in a message, see `film_of`."""
    film = None if message is None else film_of(message)
    return None if film is None else RemoteFile(film.file_id, film.file_size)


def film_of(message: Holder) -> Film | None:
    """What Telegram tells of the video in a message: a video, a GIF, a video message, or a video as a file."""
    document = message.document
    if document is not None and not (document.mime_type or "").startswith("video/"):
        document = None
    # With an animation Telegram sends a document too, which is the same file.
    return message.video or message.animation or message.video_note or document


def image_file_of(message: Holder | None) -> RemoteFile | None:
    """The picture in a message: the largest photo, an image sent as a file, or a still sticker."""
    if message is None:
        return None
    if message.photo:
        largest = max(message.photo, key=lambda photo: photo.width * photo.height)
        return RemoteFile(largest.file_id, largest.file_size)
    document = message.document
    if document is not None and (
        (document.mime_type or "").startswith("image/")
        or PurePath(document.file_name or "").suffix.lower() in IMAGE_SUFFIXES
    ):
        return RemoteFile(document.file_id, document.file_size)
    sticker = message.sticker
    if sticker is not None and not sticker.is_animated and not sticker.is_video:
        return RemoteFile(sticker.file_id, sticker.file_size)
    return None


async def fetch_file(chat: Chat, file: RemoteFile) -> bytes:
    """Download a file, whole into memory.

    Raises:
        UserError: it is too large, or Telegram does not hand it out.

    """
    with _telling(file):
        return await chat.downloads.read(file.file_id)


async def save_file(chat: Chat, file: RemoteFile, target: Path) -> None:
    """Download a file to a path. Raises as `fetch_file` does."""
    with _telling(file):
        await chat.downloads.save(file.file_id, target)


async def save_film(chat: Chat, file: RemoteFile, target: Path) -> None:
    """Download a video to a path; a local server hands out whatever it has. Raises as `fetch_file` does."""
    limit = LARGEST_VIDEO if chat.downloads.is_local else DOWNLOAD_LIMIT
    too_large = "error.video.size" if chat.downloads.is_local else "error.video.too_large_here"
    with _telling(file, limit, too_large):
        await chat.downloads.save(file.file_id, target)


@contextmanager
def _telling(
    file: RemoteFile, most: int = DOWNLOAD_LIMIT, too_large: str = "error.file.too_large"
) -> Iterator[None]:
    limit = most // 1_000_000
    if file.size is not None and file.size > most:
        raise UserError(too_large, limit=limit)
    try:
        yield
    except ChatTooLarge:
        raise UserError(too_large, limit=limit) from None
    except FileUnreachable as error:
        log.warning("a file of the Bot API server cannot be read here", reason=str(error))
        raise UserError("error.file.unreachable") from None
    except ChatBusy:
        raise UserError("error.file.later") from None
    except ChatError:
        raise UserError("error.file.gone") from None
