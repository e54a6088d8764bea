"""A gentle chord progression as sound for videos that are asked to have one, and for spoken and made audio."""

import array
import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import av

RATE = 22050
_CHORDS = ((220, 277, 330), (196, 247, 294), (165, 208, 247), (185, 233, 277))
"""Whole frequencies in hertz, so that a second of each ends where it began."""


def sound_frames(seconds: float) -> Iterator[av.AudioFrame]:
    """Mono 16-bit frames that last `seconds` together."""
    left = round(seconds * RATE)
    position = 0
    while left > 0:
        block = _second(position // RATE % len(_CHORDS))[: min(left, RATE)]
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(block))
        frame.planes[0].update(block.tobytes())
        frame.sample_rate = RATE
        frame.pts, frame.time_base = position, Fraction(1, RATE)
        yield frame
        position += len(block)
        left -= len(block)


@cache
def _second(number: int) -> "array.array[int]":
    chord = _CHORDS[number]
    samples = array.array("h")
    for step in range(RATE):
        moment = step / RATE
        swell = math.sin(math.pi * moment) ** 0.5
        tone = sum(math.sin(math.tau * hertz * moment) for hertz in chord) / len(chord)
        samples.append(round(5200 * swell * tone))
    return samples


def render_sound(seconds: float, path: Path) -> None:
    """Write an mp3 or a wav, by the name's ending. Takes processor time: call it in a thread.

    Raises:
        OSError: the file can't be written.

    """
    part = path.with_name(path.name + ".part")
    kind = path.suffix.removeprefix(".")
    with av.open(str(part), "w", format=kind) as container:
        audio = container.add_stream("libmp3lame" if kind == "mp3" else "pcm_s16le", rate=RATE)
        audio.layout = "mono"
        for sound in sound_frames(seconds):
            container.mux(audio.encode(sound))
        container.mux(audio.encode())
    part.replace(path)
