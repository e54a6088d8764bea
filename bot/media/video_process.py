"""What runs in the process that reads people's own videos; started by `bot.media.videos`.

It answers one request, a line of JSON, and ends when its standard input is closed, as that is when the bot ends in
whatever way.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Literal

from bot.media.clips import NotAVideo, last_frame, upright, upright_size
from bot.media.copy_process import EXTRA_MEMORY, measure
from bot.media.fitting import NoCopy
from bot.media.memory import limit_memory

Work = Literal["probe", "last_frame", "stills"]

NICENESS = 10

STILLS = 6
"""Frames of a video that are shown to choose from."""

STILL_SIDE = 1280
"""Pixels of the longer side of such a frame, at most; Telegram shows photos no larger."""

_MOV = b"qt  "
"""The brand of QuickTime files (ISO 14496-12, `ftyp`)."""


def main() -> None:
    """Answer the one request, from standard input to standard output."""
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_bot, daemon=True).start()
    os.nice(NICENESS)
    # It is loaded before memory is bounded: its code is no part of what a video takes.
    import av  # noqa: F401

    limit_memory(EXTRA_MEMORY)
    try:
        answer = _work(request["work"], Path(request["video"]), Path(request["target"]))
    except (NoCopy, NotAVideo) as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)  # noqa: T201  the answer


def _work(work: Work, video: Path, target: Path) -> dict[str, object]:
    if work == "last_frame":
        target.write_bytes(last_frame(video))
        return {}
    if work == "stills":
        return {"stills": stills(video, target)}
    return probe(video)


def stills(video: Path, directory: Path) -> list[dict[str, int]]:
    """Write `STILLS` frames as JPEGs, spread evenly from the first to the last; the number and size of each.

    Raises:
        NoCopy, NotAVideo: it cannot be read.

    """
    import av
    from av.error import FFmpegError

    film, _ = measure(video)
    last = max(0, film.frames - 1)
    wanted = sorted({round(last * step / (STILLS - 1)) for step in range(STILLS)})
    found: list[dict[str, int]] = []
    try:
        with av.open(str(video)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index not in wanted:
                    continue
                image = upright(frame)
                image.thumbnail((STILL_SIDE, STILL_SIDE))
                image.save(directory / str(index), "JPEG", quality=85)
                found.append({"frame": index, "width": image.width, "height": image.height})
    except (FFmpegError, OSError, ValueError, LookupError, ArithmeticError, MemoryError) as error:
        raise NotAVideo(type(error).__name__) from None
    if not found:
        raise NotAVideo("no frame")
    return found


def probe(video: Path) -> dict[str, object]:
    """Read what a video is, by its packets: its head may say anything.

    Raises:
        NoCopy, NotAVideo: it cannot be read, or it is no MP4 or MOV.

    """
    import av
    from av.error import FFmpegError

    with video.open("rb") as file:
        head = file.read(12)
    if head[4:8] != b"ftyp":
        raise NotAVideo("it is neither MP4 nor MOV")
    try:
        film, _ = measure(video)
        with av.open(str(video)) as container:
            if not {"mp4", "mov"} & set(container.format.name.split(",")):
                raise NotAVideo("it is neither MP4 nor MOV")
            frame = next(container.decode(container.streams.video[0]))
    except (
        FFmpegError,
        OSError,
        ValueError,
        LookupError,
        ArithmeticError,
        MemoryError,
        StopIteration,
    ) as error:
        raise NotAVideo(type(error).__name__) from None
    width, height = upright_size(frame)
    return {
        "media_type": "video/quicktime" if head[8:12] == _MOV else "video/mp4",
        "width": width,
        "height": height,
        "duration_ms": max(1, round(film.seconds * 1000)),
        "frame_rate": round(film.frames / film.seconds, 3),
    }


def _end_with_the_bot() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
