"""What a chat must know of a file: its size, its length, and a picture to show before it plays.

The codecs are loaded with the first file.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import UserError

if TYPE_CHECKING:
    from av import VideoFrame
    from PIL import Image

MP3_RATE = 44_100
MP3_BITS = 128_000
SHORTEST_SOUND = 2_000
"""Milliseconds that Kling wants to hear at least (Lip-Sync)."""

THUMBNAIL_SIDE = 320
THUMBNAIL_BYTES = 200_000
"""Telegram takes JPEG thumbnails of at most 320 pixels a side and 200 kB."""


class NotAVideo(Exception):
    """The file holds no video (or picture, or sound) that can be shown."""


_TAIL = 65_536
"""Bytes at the end of a picture in which its end mark is looked for."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Pixels and milliseconds."""

    width: int
    height: int
    duration_ms: int
    has_audio: bool


def probe(path: Path) -> VideoInfo:
    """Read a file's figures. Reads from disk: call it in a thread.

    Raises:
        NotAVideo: no frame of it can be decoded, or its end is missing.

    """
    import av
    from av.error import FFmpegError

    try:
        _check_boxes(path)
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise NotAVideo("no picture in the file")
            stream = container.streams.video[0]
            frame = next(container.decode(stream), None)
            if frame is None:
                raise NotAVideo("no frame in the file")
            duration = round((container.duration or 0) / 1000)
            return VideoInfo(*upright_size(frame), duration, bool(container.streams.audio))
    except (FFmpegError, OSError, ValueError) as error:
        raise NotAVideo(type(error).__name__) from None


def upright(frame: "VideoFrame") -> "Image.Image":
    """The picture of a frame as players show it: a phone stores a film held upright on its side, with a note to turn it."""
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV has no types for it
    return image.rotate(frame.rotation, expand=True) if frame.rotation % 360 else image


def upright_size(frame: "VideoFrame") -> tuple[int, int]:
    """Width and height of a frame as players show it, in pixels."""
    if frame.rotation % 180:
        return frame.height, frame.width
    return frame.width, frame.height


def image_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture file. Reads from disk: call it in a thread.

    Raises:
        NotAVideo: it cannot be opened, or its end is missing.

    """
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as image:
            _check_end(path, image.format or "")
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NotAVideo(type(error).__name__) from None


def _check_boxes(path: Path) -> None:
    """Refuse an mp4 that is shorter than its boxes say (ISO 14496-12): its first frames would be shown for the whole."""
    end = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at + 8 <= end:
            file.seek(at)
            head = file.read(16)
            if at == 0 and head[4:8] != b"ftyp":
                return
            size = int.from_bytes(head[:4], "big")
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            if size < 8:
                # 0: it reaches to the end; less than a head: none of ours to judge.
                return
            at += size
    if at > end:
        raise NotAVideo("the end of the file is missing")


def _check_end(path: Path, form: str) -> None:
    """Refuse a picture that was cut off: its head is enough to open it. What others append to it does no harm."""
    with path.open("rb") as file:
        head = file.read(12)
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    whole = {
        "PNG": b"IEND" in tail,
        "JPEG": b"\xff\xd9" in tail,
        "WEBP": int.from_bytes(head[4:8], "little") + 8 <= size,
    }
    if not whole.get(form, True):
        raise NotAVideo("the end of the file is missing")


def sound_length(path: Path) -> int:
    """How many milliseconds a sound file lasts. Reads from disk: call it in a thread.

    Raises:
        NotAVideo: there is no sound in it.

    """
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise NotAVideo("no sound in the file")
            return round((container.duration or 0) / 1000)
    except (FFmpegError, OSError, ValueError) as error:
        raise NotAVideo(type(error).__name__) from None


def as_mp3(data: bytes, longest_ms: int, shortest_ms: int = SHORTEST_SOUND) -> tuple[bytes, int]:
    """Turn any sound that people send into a mono MP3, and tell its milliseconds.

    Takes processor time: call it in a thread.

    Raises:
        UserError: it is no sound, or lasts longer than `longest_ms` or shorter than `shortest_ms`.

    """
    import av
    from av.error import FFmpegError

    target = io.BytesIO()
    samples = 0
    try:
        with av.open(io.BytesIO(data), "r") as source, av.open(target, "w", format="mp3") as container:
            stream = container.add_stream("mp3", rate=MP3_RATE, layout="mono", bit_rate=MP3_BITS)
            resampler = av.AudioResampler("s16p", "mono", MP3_RATE)
            for decoded in (*source.decode(audio=0), None):
                for frame in resampler.resample(decoded):
                    samples += frame.samples
                    if samples * 1000 > longest_ms * MP3_RATE:
                        raise UserError("error.sound.too_long", seconds=longest_ms // 1000)
                    container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (FFmpegError, OSError, ValueError, IndexError):
        raise UserError("error.sound.not_a_sound") from None
    length = samples * 1000 // MP3_RATE
    if length < shortest_ms:
        raise UserError("error.sound.too_short", seconds=shortest_ms // 1000)
    return target.getvalue(), length


def first_frame(path: Path) -> bytes:
    """The first frame of a video as a JPEG. Takes processor time: call it in a thread.

    Raises:
        NotAVideo: no frame of it can be decoded.

    """
    import av
    from av.error import FFmpegError

    target = io.BytesIO()
    try:
        with av.open(str(path)) as container:
            upright(next(container.decode(video=0))).save(target, "JPEG", quality=92)
    except (FFmpegError, OSError, ValueError, IndexError, StopIteration) as error:
        raise NotAVideo(type(error).__name__) from None
    return target.getvalue()


def last_frame(path: Path) -> bytes:
    """The last frame of a video as a JPEG. Takes processor time: call it in a thread.

    Raises:
        NotAVideo: no frame of it can be decoded.

    """
    import av
    from av.error import FFmpegError

    target, frame = io.BytesIO(), None
    try:
        with av.open(str(path)) as container:
            if container.duration is not None:
                # From the key frame before it: a long film need not be decoded whole.
                container.seek(max(0, container.duration - av.time_base))
            for frame in container.decode(video=0):  # noqa: B007  only the last counts
                pass
            if frame is None:
                raise NotAVideo("no frame")
            upright(frame).save(target, "JPEG", quality=92)
    except (FFmpegError, OSError, ValueError, IndexError) as error:
        raise NotAVideo(type(error).__name__) from None
    return target.getvalue()


def thumbnail(path: Path, target: Path) -> None:
    """Write the first frame as a small JPEG. Takes processor time: call it in a thread.

    Raises:
        NotAVideo: no frame of it can be decoded.

    """
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path)) as container:
            image = upright(next(container.decode(video=0)))
    except (FFmpegError, OSError, ValueError, IndexError, StopIteration) as error:
        raise NotAVideo(type(error).__name__) from None
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    for quality in (85, 70, 50):
        image.save(target, "JPEG", quality=quality)
        if target.stat().st_size <= THUMBNAIL_BYTES:
            return
