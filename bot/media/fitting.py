"""How small a copy of a film has to be to stay below a size: its bit rates and its sides. Pure."""

from dataclasses import dataclass
from math import sqrt

LEAST_BITS_A_PIXEL = 0.04
"""Of each frame; with less than this, fewer pixels look better."""

LEAST_SHORT_SIDE = 144
"""Pixels. No film is scaled down further than to this."""

POOREST_BITS_A_PIXEL = 0.01
"""A copy that would have less than this, even with the fewest pixels, is not worth looking at."""

MOST_FRAMES_A_SECOND = 60.0
"""As many are reckoned with: of more, each is worth less."""

SPARE = 0.04
"""The part of the size that stays free: an encoder keeps its rate by measure, not exactly."""

HEADER_BYTES = 8_000
FRAME_BYTES = 24
"""What an MP4 file takes beside its content: once, and for each frame of picture or sound."""

SOUND_FRAMES_A_SECOND = 48_000 / 1024
SOUND_BITS = ((1_000_000, 128_000), (300_000, 64_000), (0, 32_000))
"""From so many bits a second in all on, so many of them are for the sound."""

LONGEST_BUFFER = 2.0
"""Seconds of film over which the encoder may spread its bits; of a short film, a quarter."""

MOST_PIXELS = 1920 * 1080
"""Of a copy: more take minutes and a gigabyte of memory, and whoever wants them has the original."""


class NoCopy(Exception):
    """There is no copy of a film that is worth looking at and small enough, or it cannot be read."""


@dataclass(frozen=True, slots=True)
class Film:
    """What is known of a film: pixels as they are shown, seconds, and frames in all."""

    width: int
    height: int
    seconds: float
    frames: int
    has_audio: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """A copy: its pixels, its bits a second, and how many bits the encoder may be ahead of its rate."""

    width: int
    height: int
    video_bits: int
    buffer_bits: int
    audio_bits: int


def fit(film: Film, max_bytes: int) -> Fit | None:
    """Return the best copy that surely has less than `max_bytes`; None where it would be too poor."""
    content = max_bytes * (1 - SPARE) - overhead(film)
    seconds = max(film.seconds, 0.1)
    total = content * 8 / seconds
    audio = next((bits for least, bits in SOUND_BITS if total >= least), 0) if film.has_audio else 0
    buffer_seconds = min(LONGEST_BUFFER, seconds / 4)
    video = (content * 8 - audio * seconds) / (seconds + buffer_seconds)
    rate = min(film.frames / seconds, MOST_FRAMES_A_SECOND)
    pixels = film.width * film.height
    enough = max(video, 0) / (max(rate, 1.0) * LEAST_BITS_A_PIXEL)
    scale = sqrt(min(enough, MOST_PIXELS) / pixels)
    scale = min(1.0, max(scale, LEAST_SHORT_SIDE / min(film.width, film.height)))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (film.width, film.height))
    if video < width * height * rate * POOREST_BITS_A_PIXEL or video < 1000:
        return None
    return Fit(width, height, int(video), int(video * buffer_seconds), audio)


def overhead(film: Film) -> float:
    """Return what the file of a copy takes beside its content, in bytes."""
    sound_frames = film.seconds * SOUND_FRAMES_A_SECOND + 2 if film.has_audio else 0
    return HEADER_BYTES + FRAME_BYTES * (film.frames + sound_frames)
