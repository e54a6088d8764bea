"""Looks into videos and recordings that are sent: how long, how large, of what kind."""

import io
from dataclasses import dataclass, field

import av

_MICROSECONDS = 1_000_000
_SOUNDS = frozenset({"mp3", "wav", "aac", "mov,mp4,m4a,3gp,3g2,mj2"})


@dataclass(frozen=True, slots=True)
class Footage:
    """A video: its length in seconds, its size in pixels, frames a second, and its first frame as PNG."""

    seconds: float
    width: int
    height: int
    rate: float
    frame: bytes = field(repr=False)


def footage(data: bytes) -> Footage:
    """Look into an mp4 or mov.

    Raises:
        ValueError: it is none.

    """
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if "mp4" not in container.format.name or not container.streams.video:
                raise ValueError("must be mp4 or mov")
            picture = next(container.decode(video=0)).to_image()  # type: ignore[no-untyped-call]  # PyAV has no types for it
            seconds = (container.duration or 0) / _MICROSECONDS
            rate = float(container.streams.video[0].average_rate or 0)
    except (av.FFmpegError, StopIteration):
        raise ValueError("must be mp4 or mov") from None
    frame = io.BytesIO()
    picture.save(frame, "PNG")
    return Footage(seconds, picture.width, picture.height, rate, frame.getvalue())


def sound_seconds(data: bytes) -> float:
    """The length of an mp3, wav, m4a or aac.

    Raises:
        ValueError: it is none.

    """
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if container.format.name not in _SOUNDS or not container.streams.audio:
                raise ValueError("must be mp3, wav, m4a or aac")
            return (container.duration or 0) / _MICROSECONDS
    except av.FFmpegError:
        raise ValueError("must be mp3, wav, m4a or aac") from None
