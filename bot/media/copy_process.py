"""What runs in the process that makes smaller copies of films, and one film of two; started by `bot.media.copies`.

It answers one request, a line of JSON, at low priority. It ends when its standard input is closed, as that is when the
bot ends in whatever way, also in the middle of a film.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from bot.media.clips import upright
from bot.media.fitting import Film, Fit, NoCopy, fit
from bot.media.memory import limit_memory

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
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

LONGEST_GAP = 0.05
"""Seconds of a sound that may be missing before it is silent for so long."""

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
            [Path(source) for source in request["sources"]], Path(request["target"]), request["max_bytes"]
        )
    except NoCopy as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)  # noqa: T201  the answer


@dataclass(frozen=True, slots=True)
class Part:
    """A film that becomes a part of the copy: at which second it begins, and `starts` in the copy."""

    source: Path
    begins: Fraction
    starts: Fraction
    seconds: Fraction


def make_copy(sources: Sequence[Path], target: Path, max_bytes: int) -> dict[str, object]:
    """Write a copy of a film that has at most `max_bytes`; what it has become.

    Several become one, each behind the one before it, with the size of the last.

    Raises:
        NoCopy: see there.

    """
    from av.error import FFmpegError

    try:
        film, parts = _measure_all(sources)
        for aim in (max_bytes, int(max_bytes * SECOND_TRY)):
            fitting = fit(film, aim)
            if fitting is None:
                raise NoCopy("it would be too poor")
            _transcode(parts, target, fitting, Fraction(film.frames / film.seconds))
            size = target.stat().st_size
            if size <= max_bytes:
                return {"width": fitting.width, "height": fitting.height, "size": size}
    except (FFmpegError, OSError, ValueError, LookupError, ArithmeticError, MemoryError) as error:
        raise NoCopy(type(error).__name__) from None
    raise NoCopy("it does not become small enough")


def _measure_all(sources: Sequence[Path]) -> tuple[Film, Sequence[Part]]:
    """What several films are as one, and each as a part of it."""
    parts: list[Part] = []
    starts, frames, has_audio = Fraction(0), 0, False
    for source in sources:
        film, begins = measure(source)
        parts.append(Part(source, begins, starts, Fraction(film.seconds)))
        starts, frames, has_audio = (
            starts + Fraction(film.seconds),
            frames + film.frames,
            has_audio or film.has_audio,
        )
    return Film(film.width, film.height, float(starts), frames, has_audio), parts


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


def _transcode(parts: Sequence[Part], target: Path, fitting: Fit, rate: Fraction) -> None:
    import av

    # What a player needs first stands first in the file: it plays before it is loaded.
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as copy:
        with av.open(str(parts[-1].source)) as container:
            image = _Image(copy, _streams(container)[0], fitting, rate, in_order=len(parts) > 1)
        sound = _Sound(copy, _audio_of(parts), fitting.audio_bits) if fitting.audio_bits else None
        for part in parts:
            with av.open(str(part.source)) as container:
                video, audio = _streams(container)
                video.thread_type = "AUTO"
                video.codec_context.thread_count = THREADS
                image.begin(part, turns=part is not parts[-1])
                if sound is not None:
                    sound.begin(part)
                streams = [stream for stream in (video, audio) if stream is not None]
                for packet in container.demux(*streams):
                    for frame in packet.decode():
                        if isinstance(frame, av.VideoFrame):
                            image.take(frame)
                        elif isinstance(frame, av.AudioFrame) and sound is not None:
                            sound.take(frame)
                if sound is not None:
                    sound.take(None)
        image.finish()
        if sound is not None:
            sound.finish()


class _Image:
    """Encodes the frames of films anew, each at its time."""

    def __init__(
        self,
        copy: "OutputContainer",
        video: "VideoStream",
        fitting: Fit,
        rate: Fraction,
        *,
        in_order: bool,
    ) -> None:
        options = {
            "preset": "veryfast",
            "crf": str(QUALITY),
            "maxrate": str(fitting.video_bits),
            "bufsize": str(fitting.buffer_bits),
        }
        if in_order:
            # Where the rate changes, frames that refer to later ones would end the film too soon.
            options["bf"] = "0"
        self._copy = copy
        self._fitting = fitting
        self._lengths: dict[int, int] = {}
        self._shift = Fraction(0)
        self._turns = False
        self._stream = copy.add_stream("libx264", rate=rate.limit_denominator(1001), options=options)
        self._stream.width, self._stream.height = fitting.width, fitting.height
        self._stream.pix_fmt = "yuv420p"
        self._stream.thread_count = THREADS
        self._stream.codec_context.time_base = Fraction(1, TICKS)
        for name in ("color_range", "color_primaries", "color_trc", "colorspace"):
            setattr(self._stream.codec_context, name, getattr(video.codec_context, name))
        self._last = -1

    def begin(self, part: Part, *, turns: bool) -> None:
        """Take the frames of this film from now on; those that lie on their side only where it `turns` them."""
        self._shift, self._turns = part.starts - part.begins, turns

    def finish(self) -> None:
        self._write(None)

    def take(self, frame: "VideoFrame") -> None:
        # It may change in the middle of a film.
        _check_size(frame.width, frame.height)
        if frame.pts is None or frame.time_base is None:
            raise NoCopy("a frame has no time")
        at = round((frame.pts * frame.time_base + self._shift) * TICKS)
        length = round((frame.duration or 0) * frame.time_base * TICKS)
        if at <= self._last:
            return
        if frame.rotation % 360:
            if not self._turns:
                raise NoCopy("it lies on its side")
            frame = _upright(frame)
        scaled = frame.reformat(self._fitting.width, self._fitting.height, "yuv420p", interpolation="AREA")
        scaled.pts, scaled.time_base, self._last = at, Fraction(1, TICKS), at
        scaled.pict_type = 0  # the encoder chooses
        self._lengths[at] = length
        self._write(scaled)

    def _write(self, frame: "VideoFrame | None") -> None:
        for packet in self._stream.encode(frame):
            # The last frame is shown as long as it was.
            packet.duration = self._lengths.pop(packet.pts or 0, 0) or packet.duration
            self._copy.mux(packet)


def _upright(frame: "VideoFrame") -> "VideoFrame":
    import av

    turned: VideoFrame = av.VideoFrame.from_image(upright(frame))  # type: ignore[no-untyped-call]  # see clips
    return turned


class _Sound:
    """Encodes the sound of films anew; what has none, or begins later, is silent."""

    def __init__(self, copy: "OutputContainer", like: tuple[int, int], bits: int) -> None:
        channels, hertz = like
        self._layout = "mono" if channels == 1 else "stereo"
        self._rate = hertz if hertz in SOUND_RATES else SOUND_RATES[0]
        self._copy = copy
        self._stream = copy.add_stream("aac", rate=self._rate, layout=self._layout, bit_rate=bits)
        self._shift = Fraction(0)
        self._ends: Fraction | None = None
        self._written = 0
        self._resampler: AudioResampler | None = None

    def begin(self, part: Part) -> None:
        """Take the sound of this film from now on, as far as it reaches."""
        import av

        self._resampler = av.AudioResampler("fltp", self._layout, self._rate)
        self._shift, self._ends = part.starts - part.begins, part.starts + part.seconds

    def finish(self) -> None:
        self._copy.mux(self._stream.encode(None))

    def take(self, frame: "AudioFrame | None") -> None:
        """Encode a frame, or (None) what is left of this film's sound."""
        if self._resampler is None:
            return
        if frame is not None and frame.pts is not None and frame.time_base is not None:
            begins = round((frame.pts * frame.time_base + self._shift) * self._rate)
            if begins - self._written > self._rate * LONGEST_GAP:
                self._be_silent(begins - self._written)
        for resampled in self._resampler.resample(frame):
            self._write(resampled)

    def _be_silent(self, samples: int) -> None:
        import av

        while samples > 0:
            frame = av.AudioFrame(format="fltp", layout=self._layout, samples=min(samples, 1024))
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            samples -= frame.samples
            self._write(frame)

    def _write(self, frame: "AudioFrame") -> None:
        if self._ends is not None and self._written >= self._ends * self._rate:
            return
        frame.sample_rate, frame.time_base = self._rate, Fraction(1, self._rate)
        frame.pts, self._written = self._written, self._written + frame.samples
        self._copy.mux(self._stream.encode(frame))


def _audio_of(parts: Sequence[Part]) -> tuple[int, int]:
    """The channels and hertz of the last film that has a sound."""
    import av

    found = (2, SOUND_RATES[0])
    for part in parts:
        with av.open(str(part.source)) as container:
            audio = _streams(container)[1]
            if audio is not None:
                found = audio.codec_context.channels, audio.codec_context.sample_rate
    return found


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
