"""What runs in the process that makes smaller copies of films; started by `bot.media.copies`.

It answers one request, a line of JSON, at low priority. It ends when its standard input is closed, as that is when the
bot ends in whatever way, also in the middle of a film.
"""

import json
import os
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from bot.media.fitting import Film, Fit, NoCopy, fit
from bot.media.memory import limit_memory

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

EXTRA_MEMORY = 700_000_000
"""Bytes of address space: a film of `MOST_PIXELS` takes 350 MB, and more where many frames refer to each other."""

MOST_PIXELS = 4096 * 2304
"""Of a frame: 4K, in the widest form that is common."""

LONGEST_FILM = 3600.0
"""Seconds."""

LEAST_SIDE = 16

SOUND_RATES = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000)
"""Hertz that are kept as they are; others become the first."""

NICENESS = 15
THREADS = 2

TICKS = 90_000
"""Of the copy's clock, in a second."""

QUALITY = 20
"""x264's constant rate factor: what it does not need for this it leaves, up to the rate that fits."""

SECOND_TRY = 0.7
"""The part of the size that is aimed at once more, where an encoder could not keep its rate."""


def main() -> None:
    """Answer the one request, from standard input to standard output."""
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_bot, daemon=True).start()
    os.nice(NICENESS)
    # It is loaded before memory is bounded: its code is no part of what a film takes.
    import av  # noqa: F401

    limit_memory(EXTRA_MEMORY)
    # Some more than a copy may have: one that is a little too large is tried again.
    _limit_file(2 * request["max_bytes"])
    try:
        answer: dict[str, object] = make_copy(
            Path(request["source"]), Path(request["target"]), request["max_bytes"]
        )
    except NoCopy as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)  # noqa: T201  the answer


def make_copy(source: Path, target: Path, max_bytes: int) -> dict[str, object]:
    """Write a copy of a film that has at most `max_bytes`; what it has become.

    Raises:
        NoCopy: see there.

    """
    from av.error import FFmpegError

    try:
        film, begins = measure(source)
        for aim in (max_bytes, int(max_bytes * SECOND_TRY)):
            fitting = fit(film, aim)
            if fitting is None:
                raise NoCopy("it would be too poor")
            _transcode(source, target, fitting, begins, Fraction(film.frames / film.seconds))
            size = target.stat().st_size
            if size <= max_bytes:
                return {"width": fitting.width, "height": fitting.height, "size": size}
    except (FFmpegError, OSError, ValueError, LookupError, ArithmeticError, MemoryError) as error:
        raise NoCopy(type(error).__name__) from None
    raise NoCopy("it does not become small enough")


def measure(source: Path) -> tuple[Film, Fraction]:
    """Read what a film is, and at which second it begins, from its packets: its head may say anything.

    Raises:
        NoCopy: it has no picture, or is larger or longer than any result.
        FFmpegError: it cannot be read.

    """
    import av

    with av.open(str(source)) as container:
        video, audio = _streams(container)
        width, height = video.codec_context.width, video.codec_context.height
        _check_size(width, height)
        aspect = Fraction(video.sample_aspect_ratio or 1)
        if not Fraction(1, 4) <= aspect <= 4:
            raise NoCopy("its pixels have no form of pixels")
        begins: Fraction | None = None
        ends, frames = Fraction(0), 0
        for packet in container.demux(*(stream for stream in (video, audio) if stream is not None)):
            if packet.pts is None or packet.size == 0:
                continue
            at = packet.pts * packet.time_base
            begins = at if begins is None else min(begins, at)
            ends = max(ends, at + (packet.duration or 0) * packet.time_base)
            frames += packet.stream.index == video.index
    if begins is None or not frames or not 0 < ends - begins <= LONGEST_FILM:
        raise NoCopy("it has no length of a film")
    film = Film(round(width * aspect), height, float(ends - begins), frames, audio is not None)
    return film, begins


def _transcode(source: Path, target: Path, fitting: Fit, begins: Fraction, rate: Fraction) -> None:
    import av

    # What a player needs first stands first in the file: it plays before it is loaded.
    with (
        av.open(str(source)) as container,
        av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as copy,
    ):
        video, audio = _streams(container)
        video.thread_type = "AUTO"
        video.codec_context.thread_count = THREADS
        image = _Image(copy, video, fitting, begins, rate)
        sound = None if audio is None else _Sound(copy, audio, fitting.audio_bits, begins)
        for packet in container.demux(*(stream for stream in (video, audio) if stream is not None)):
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    image.take(frame)
                elif isinstance(frame, av.AudioFrame) and sound is not None:
                    sound.take(frame)
        image.finish()
        if sound is not None:
            sound.finish()


class _Image:
    """Encodes the frames of a film anew, each at its time."""

    def __init__(
        self, copy: "OutputContainer", video: "VideoStream", fitting: Fit, begins: Fraction, rate: Fraction
    ) -> None:
        options = {
            "preset": "veryfast",
            "crf": str(QUALITY),
            "maxrate": str(fitting.video_bits),
            "bufsize": str(fitting.buffer_bits),
        }
        self._copy = copy
        self._fitting = fitting
        self._begins = begins
        self._stream = copy.add_stream("libx264", rate=rate.limit_denominator(1001), options=options)
        self._stream.width, self._stream.height = fitting.width, fitting.height
        self._stream.pix_fmt = "yuv420p"
        self._stream.thread_count = THREADS
        self._stream.codec_context.time_base = Fraction(1, TICKS)
        for name in ("color_range", "color_primaries", "color_trc", "colorspace"):
            setattr(self._stream.codec_context, name, getattr(video.codec_context, name))
        self._last = -1

    def finish(self) -> None:
        self._copy.mux(self._stream.encode(None))

    def take(self, frame: "VideoFrame") -> None:
        # It may change in the middle of a film.
        _check_size(frame.width, frame.height)
        if frame.rotation % 360:
            raise NoCopy("it lies on its side")
        if frame.pts is None or frame.time_base is None:
            raise NoCopy("a frame has no time")
        at = round((frame.pts * frame.time_base - self._begins) * TICKS)
        if at <= self._last:
            return
        scaled = frame.reformat(self._fitting.width, self._fitting.height, "yuv420p", interpolation="AREA")
        scaled.pts, scaled.time_base, self._last = at, Fraction(1, TICKS), at
        scaled.pict_type = 0  # the encoder chooses
        self._copy.mux(self._stream.encode(scaled))


class _Sound:
    """Encodes the sound of a film anew."""

    def __init__(self, copy: "OutputContainer", audio: "AudioStream", bits: int, begins: Fraction) -> None:
        import av

        layout = "mono" if audio.codec_context.channels == 1 else "stereo"
        rate = (
            audio.codec_context.sample_rate
            if audio.codec_context.sample_rate in SOUND_RATES
            else SOUND_RATES[0]
        )
        self._copy = copy
        self._begins = begins
        self._stream = copy.add_stream("aac", rate=rate, layout=layout, bit_rate=bits)
        self._resampler = av.AudioResampler("fltp", layout, rate)

    def finish(self) -> None:
        self.take(None)
        self._copy.mux(self._stream.encode(None))

    def take(self, frame: "AudioFrame | None") -> None:
        if frame is not None and frame.pts is not None and frame.time_base is not None:
            frame.pts -= round(self._begins / frame.time_base)
        for resampled in self._resampler.resample(frame):
            self._copy.mux(self._stream.encode(resampled))


def _streams(container: "InputContainer") -> "tuple[VideoStream, AudioStream | None]":
    if not container.streams.video:
        raise NoCopy("it has no picture")
    return container.streams.video[0], next(iter(container.streams.audio), None)


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= MOST_PIXELS or min(width, height) < LEAST_SIDE:
        raise NoCopy("it is no size of a result")


def _limit_file(max_bytes: int) -> None:
    """Bound what is written to each file: a film that is longer than it seems fills no disk."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))


def _end_with_the_bot() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
