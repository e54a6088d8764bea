"""How the file of a result goes to Telegram: as what, under which name, with which figures."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from telegram import InputFile, Message

from bot.domain.tasks.task import Delivery, DeliveryKind
from bot.services.ports import ResultFile

PHOTO_BYTES = 10_000_000
PHOTO_SIDES = 10_000
"""Telegram takes photos of so many bytes, and so many pixels of width and height together."""


def way_of(delivery: Delivery, file: ResultFile | None = None) -> str:
    """How Telegram takes a result, or has taken it: a picture that is too large for a photo goes as a file."""
    if delivery.kind is DeliveryKind.IMAGE:
        known = file or delivery
        too_large = (known.size_bytes or 0) > PHOTO_BYTES or (known.width or 0) + (
            known.height or 0
        ) > PHOTO_SIDES
        return "document" if too_large else "photo"
    return "audio" if delivery.kind is DeliveryKind.AUDIO else "video"


def streamed(delivery: Delivery, path: Path, open_files: ExitStack) -> InputFile:
    """A result's file under its task's name, read while it is sent."""
    handle = open_files.enter_context(path.open("rb"))
    name = f"{delivery.task.id}-{delivery.position + 1}" if delivery.position else delivery.task.id
    # The handle is read while it is sent: 45 MB cost no memory.
    return InputFile(handle, filename=f"{name}{path.suffix}", read_file_handle=False)


def figures_of(way: str, file: ResultFile) -> dict[str, Any]:
    """What Telegram wants to know of a file beside its bytes."""
    if way == "audio":
        return {"duration": max(1, round((file.duration_ms or 0) / 1000))}
    if way != "video":
        return {}
    figures: dict[str, Any] = {
        "width": file.width,
        "height": file.height,
        "duration": max(1, round((file.duration_ms or 0) / 1000)),
    }
    if file.thumbnail is not None:
        figures["thumbnail"] = InputFile(file.thumbnail.read_bytes(), filename="thumbnail.jpg")
    return figures


def file_id_of(message: Message) -> str | None:
    """The id under which Telegram keeps what a message brought."""
    if message.photo:
        return message.photo[-1].file_id
    media = message.video or message.audio or message.document
    return None if media is None else media.file_id
