"""Keeps the files of the chats on disk under opaque ids, and makes photos and videos of what was uploaded.

Nothing is held in memory: uploads are copied in pieces, photos are re-encoded as Telegram does.
"""

import asyncio
import base64
import contextlib
import itertools
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import av
from PIL import Image, ImageOps, UnidentifiedImageError

from bot.demo.telegram.wire import Upload, bad_request

MEGABYTE = 1024 * 1024
LARGEST_PHOTO = 10 * MEGABYTE
_PHOTO_SIDE = 2560
_PREVIEW_SIDE = 320
_FOLDERS = {
    "photo": "photos",
    "video": "videos",
    "document": "documents",
    "audio": "music",
    "voice": "voice",
    "video_note": "video_notes",
    "animation": "animations",
    "sticker": "stickers",
    "thumbnail": "thumbnails",
}
_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "audio/ogg": ".oga",
    "audio/mpeg": ".mp3",
}


@dataclass(frozen=True)
class StoredFile:
    """One file as Telegram knows it; `path` is where it lies, `file_path` what getFile tells."""

    file_id: str
    file_unique_id: str
    kind: str
    path: Path
    file_path: str
    size: int
    name: str
    mime_type: str

    def as_json(self) -> dict[str, Any]:
        """Give the fields that every kind of file has in the Bot API."""
        return {"file_id": self.file_id, "file_unique_id": self.file_unique_id, "file_size": self.size}


@dataclass
class FileStore:
    """All files of the stand-in, in one directory."""

    directory: Path
    random: random.Random
    by_id: dict[str, StoredFile] = field(default_factory=dict)
    by_path: dict[str, StoredFile] = field(default_factory=dict)
    content: dict[str, dict[str, Any]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def _new(self, kind: str, name: str, mime_type: str) -> tuple[Path, str]:
        folder = _FOLDERS[kind]
        suffix = Path(name).suffix.lower() or _SUFFIXES.get(mime_type, ".bin")
        file_path = f"{folder}/file_{next(self._numbers)}{suffix}"
        path = self.directory / file_path
        path.parent.mkdir(parents=True, exist_ok=True)
        return path, file_path

    def _register(self, kind: str, path: Path, file_path: str, name: str, mime_type: str) -> StoredFile:
        opaque = [
            base64.urlsafe_b64encode(self.random.randbytes(length)).decode().rstrip("=")
            for length in (33, 12)
        ]
        stored = StoredFile(
            file_id=f"{kind[:2].upper()}AC{opaque[0]}",
            file_unique_id=f"AQAD{opaque[1]}",
            kind=kind,
            path=path,
            file_path=file_path,
            size=path.stat().st_size,
            name=name,
            mime_type=mime_type,
        )
        self.by_id[stored.file_id] = stored
        self.by_path[file_path] = stored
        return stored

    def __getitem__(self, file_id: str) -> StoredFile:
        return self.by_id[file_id]

    async def keep(self, kind: str, upload: Upload) -> StoredFile:
        """Copy an upload to disk, in pieces and off the event loop."""
        path, file_path = self._new(kind, upload.name, upload.content_type)
        await asyncio.to_thread(_copy, upload.file, path)
        return self._register(kind, path, file_path, upload.name, upload.content_type)

    async def photo(self, upload: Upload) -> list[dict[str, Any]]:
        """Keep a photo as Telegram does: JPEG, upright, at most 2560 a side; return its sizes, small first."""
        if upload.size > LARGEST_PHOTO:
            raise bad_request(
                f"file of size {upload.size} bytes is too big for a photo; the maximum size is {LARGEST_PHOTO} bytes"
            )
        reserved = [self._new_jpeg() for _ in ("preview", "full")]
        shapes = await asyncio.to_thread(_write_photo, upload.file, reserved[0][0], reserved[1][0])
        sizes = []
        for (path, file_path), (width, height) in zip(reserved, shapes, strict=True):
            stored = self._register("photo", path, file_path, Path(file_path).name, "image/jpeg")
            sizes.append({**stored.as_json(), "width": width, "height": height})
        for size in sizes:
            self.content[size["file_id"]] = {"photo": sizes}
        return sizes

    async def thumbnail(self, source: Upload | Path) -> dict[str, Any] | None:
        """Make a thumbnail of an uploaded picture or of a stored picture or video; None where that fails."""
        path, file_path = self._new_jpeg("thumbnail")
        shape = await asyncio.to_thread(
            _write_thumbnail, source if isinstance(source, Path) else source.file, path
        )
        if shape is None:
            return None
        stored = self._register("thumbnail", path, file_path, Path(file_path).name, "image/jpeg")
        return {**stored.as_json(), "width": shape[0], "height": shape[1]}

    def _new_jpeg(self, kind: str = "photo") -> tuple[Path, str]:
        return self._new(kind, "picture.jpg", "image/jpeg")


def _copy(source: BinaryIO, path: Path) -> None:
    source.seek(0)
    with path.open("wb") as target:
        shutil.copyfileobj(source, target, MEGABYTE)


def _flat(image: Image.Image) -> Image.Image:
    """Turn upright and lay on white: what a client shows of a photo has neither orientation nor alpha."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode in {"RGBA", "LA", "P", "PA"}:
        with_alpha = upright.convert("RGBA")
        ground = Image.new("RGB", with_alpha.size, "white")
        ground.paste(with_alpha, mask=with_alpha.getchannel("A"))
        return ground
    return upright.convert("RGB")


def _write_photo(source: BinaryIO, preview: Path, full: Path) -> list[tuple[int, int]]:
    """Write preview and photo; raise what Telegram answers for pictures that it does not take."""
    source.seek(0)
    try:
        with Image.open(source) as image:
            width, height = image.size
            if width + height > 10_000 or max(width, height) > 20 * min(width, height):
                raise bad_request("PHOTO_INVALID_DIMENSIONS")
            picture = _flat(image)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise bad_request("IMAGE_PROCESS_FAILED") from None
    shapes = []
    for path, side in ((preview, _PREVIEW_SIDE), (full, _PHOTO_SIDE)):
        scaled = picture.copy()
        scaled.thumbnail((side, side))
        scaled.save(path, "JPEG", quality=87)
        shapes.append(scaled.size)
    return shapes


def _write_thumbnail(source: BinaryIO | Path, path: Path) -> tuple[int, int] | None:
    picture: Image.Image | None = None
    if not isinstance(source, Path):
        source.seek(0)
    with contextlib.suppress(UnidentifiedImageError, OSError), Image.open(source) as image:
        picture = _flat(image)
    if picture is None and isinstance(source, Path):
        picture = _first_frame(source)
    if picture is None:
        return None
    picture.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
    picture.save(path, "JPEG", quality=80)
    return picture.size


def _first_frame(path: Path) -> Image.Image | None:
    with contextlib.suppress(av.FFmpegError, OSError), av.open(str(path)) as container:
        for frame in container.decode(video=0):
            picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
            return picture
    return None


@dataclass(frozen=True)
class Probe:
    """What a media file says of itself: pixels and whole seconds; zeros where it does not say."""

    width: int = 0
    height: int = 0
    duration: int = 0


def _probe(path: Path) -> Probe:
    with contextlib.suppress(av.FFmpegError, OSError), av.open(str(path)) as container:
        video = container.streams.video[0] if container.streams.video else None
        seconds = (container.duration or 0) / 1_000_000
        return Probe(
            width=video.codec_context.width if video else 0,
            height=video.codec_context.height if video else 0,
            duration=round(seconds),
        )
    return Probe()


async def probe(path: Path) -> Probe:
    """Read width, height and duration of a video or a sound, off the event loop."""
    return await asyncio.to_thread(_probe, path)


def picture_size(path: Path) -> tuple[int, int]:
    """Give the pixels of a picture; zeros where it is none."""
    with contextlib.suppress(UnidentifiedImageError, OSError), Image.open(path) as image:
        return image.size
    return 0, 0
