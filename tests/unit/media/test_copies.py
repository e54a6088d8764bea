"""The process that makes smaller copies: what they are, what films it refuses, and how it ends."""

import asyncio
import io
import os
import random
import struct
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from bot.media.clips import first_frame, last_frame, probe, thumbnail
from bot.media.copies import CopyWorker
from bot.media.fitting import NoCopy
from tests.world.media import a_noisy_film
from tests.world.memory import memory

LIMIT = 400_000
EXTRA_BYTES = 700_000_000
"""What a film may take in memory, the process included."""


@pytest.fixture
async def worker():
    worker = CopyWorker(seconds=100)
    yield worker
    await worker.close()


def saved(tmp_path: Path, content: bytes) -> Path:
    source = tmp_path / "source.mp4"
    source.write_bytes(content)
    return source


async def refused(worker: CopyWorker, tmp_path: Path, content: bytes, limit: int = LIMIT) -> str:
    """Why there is no copy of something."""
    with pytest.raises(NoCopy) as why:
        await worker.make(saved(tmp_path, content), tmp_path / "copy.mp4", limit)
    assert worker.pid is None
    return str(why.value)


def figures(path: Path) -> tuple[str, str | None, float, float]:
    """The codecs of a film, the seconds of its picture and of its sound, by what is decoded of it."""
    ends = {"video": 0.0, "audio": 0.0}
    with av.open(str(path)) as container:
        for frame in container.decode(*container.streams.get()):
            kind = "video" if isinstance(frame, av.VideoFrame) else "audio"
            ends[kind] = max(ends[kind], frame.time)
        sounds = container.streams.audio
        image = container.streams.video[0].codec_context.name
        return image, sounds[0].codec_context.name if sounds else None, ends["video"], ends["audio"]


def turned(content: bytes) -> bytes:
    """The same film with the note that it is shown a quarter turned (ISO 14496-12, `tkhd`)."""
    upright = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    quarter = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    head = content.index(b"tkhd")
    return content[:head] + content[head:].replace(upright, quarter, 1)


@pytest.mark.parametrize("sounds", [(True, True), (True, False), (False, True), (False, False)])
async def test_two_films_become_one_with_the_sound_that_there_is(worker, tmp_path, sounds):
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    first.write_bytes(a_noisy_film(320, 180, 2, rate=30, sound=sounds[0]))
    second.write_bytes(a_noisy_film(480, 270, 3, rate=24, sound=sounds[1], seed=2))
    target = tmp_path / "joined.mp4"
    made = await worker.join(first, second, target, 20_000_000)
    assert (made.width, made.height) == (480, 270)
    image, sound, video_ends, sound_ends = figures(target)
    assert (image, sound) == ("h264", "aac" if any(sounds) else None)
    assert video_ends == pytest.approx(5, abs=0.15)
    assert sound_ends == pytest.approx({(True, False): 2, (False, False): 0}.get(sounds, 5), abs=0.15)
    with av.open(str(target)) as container:
        assert container.duration / av.time_base == pytest.approx(5, abs=0.15)


def test_whatever_is_shown_of_a_film_that_was_held_upright_stands_upright(tmp_path):
    film, small = saved(tmp_path, turned(a_noisy_film(320, 180, 1, sound=False))), tmp_path / "small.jpg"
    info = probe(film)
    assert (info.width, info.height) == (180, 320)
    thumbnail(film, small)
    for picture in (first_frame(film), last_frame(film), small.read_bytes()):
        with Image.open(io.BytesIO(picture)) as frame:
            assert frame.size == (180, 320)


async def test_a_film_that_was_held_upright_stands_upright_in_what_goes_on_from_it(worker, tmp_path):
    lying = turned(a_noisy_film(320, 180, 1, sound=False))
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    first.write_bytes(lying)
    with av.open(str(first)) as container:
        assert abs(next(container.decode(video=0)).rotation) == 90
    with Image.open(io.BytesIO(last_frame(first))) as frame:
        assert frame.size == (180, 320)
    second.write_bytes(a_noisy_film(180, 320, 1, sound=False, seed=2))
    made = await worker.join(first, second, tmp_path / "joined.mp4", 20_000_000)
    assert (made.width, made.height) == (180, 320)
    # A result itself never lies on its side.
    with pytest.raises(NoCopy):
        await worker.join(second, first, tmp_path / "joined.mp4", 20_000_000)


async def test_what_is_no_film_joins_nothing(worker, tmp_path):
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    first.write_bytes(b"no film")
    second.write_bytes(a_noisy_film(320, 180, 1))
    with pytest.raises(NoCopy):
        await worker.join(first, second, tmp_path / "joined.mp4", 20_000_000)
    assert worker.pid is None


@pytest.mark.parametrize(
    ("width", "height", "seconds", "sound", "limit"),
    [
        (320, 180, 2, True, 400_000),
        (322, 182, 1, False, 200_000),
        (180, 320, 4, True, 1_000_000),
        (640, 360, 3, True, 150_000),
        (320, 320, 0.3, False, 60_000),
        (1280, 720, 1, True, 2_000_000),
    ],
)
async def test_a_copy_of_noise_fits_and_keeps_its_form_its_sound_and_its_length(
    worker, tmp_path, width, height, seconds, sound, limit
):
    source = saved(tmp_path, a_noisy_film(width, height, seconds, sound=sound))
    target = tmp_path / "copy.mp4"
    made = await worker.make(source, target, limit)
    assert made.size == target.stat().st_size <= limit < source.stat().st_size
    assert abs(made.width / made.height - width / height) < 0.02
    was, now = figures(source), figures(target)
    assert now[:2] == ("h264", "aac" if sound else None)
    assert now[2:] == pytest.approx(was[2:], abs=0.1)
    # What a player needs stands before the content.
    content = target.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


async def test_a_film_of_another_codec_is_copied_as_well(worker, tmp_path):
    source = saved(tmp_path, a_noisy_film(codec="mpeg4"))
    made = await worker.make(source, tmp_path / "copy.mp4", LIMIT)
    assert figures(tmp_path / "copy.mp4")[0] == "h264"
    assert made.size <= LIMIT


def a_still_film(width: int, height: int, *times: int) -> bytes:
    """A film of grey pictures, shown at these seconds."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1, options={"preset": "ultrafast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for at in times:
            frame = av.VideoFrame.from_image(Image.new("RGB", (width, height), (90, 90, 90)))
            frame.pts, frame.time_base = at, Fraction(1)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def a_sound_alone() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=1024)
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no film",
        b"\x00\x00\x00\x20ftypisom" + bytes(100_000),
        a_noisy_film()[:200_000],
        a_noisy_film().replace(b"avc1", b"wxyz"),
        a_still_film(4200, 4200, 0),
        a_still_film(320, 180, 0, 20_000),
        a_sound_alone(),
    ],
    ids=["nothing", "text", "a head", "truncated", "codec", "huge", "hours", "sound"],
)
async def test_what_is_no_film_of_a_size_and_length_of_results_gets_no_copy(worker, tmp_path, content):
    assert await refused(worker, tmp_path, content)


async def test_a_film_that_begins_late_is_copied_from_its_beginning(worker, tmp_path):
    source = saved(tmp_path, a_still_film(320, 180, 100, 101, 102))
    await worker.make(source, tmp_path / "copy.mp4", LIMIT)
    assert figures(tmp_path / "copy.mp4")[2] == pytest.approx(2, abs=0.1)


async def test_a_film_whose_head_lies_about_its_size_takes_no_memory(worker, tmp_path):
    content = a_still_film(320, 180, 0, 1)
    # In the sample entry of the picture (ISO 14496-12): 24 bytes after its name.
    at = content.index(b"avc1") + 28
    lying = content[:at] + (65_000).to_bytes(2, "big") * 2 + content[at + 4 :]
    try:
        await worker.make(saved(tmp_path, lying), tmp_path / "copy.mp4", LIMIT)
    except NoCopy:
        assert not (tmp_path / "copy.mp4").exists()
    else:
        assert (tmp_path / "copy.mp4").stat().st_size <= LIMIT


async def test_damaged_films_get_a_copy_that_fits_or_none(worker, tmp_path):
    """Of any damage: nothing is raised but what is documented, and nothing larger is left."""
    chance, content = random.Random(11), a_noisy_film(96, 64, 1)
    outcomes = set()
    for _ in range(12):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 10, 1000])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            made = await worker.make(saved(tmp_path, bytes(damaged)), tmp_path / "copy.mp4", 50_000)
            assert made.size <= 50_000
            outcomes.add("a copy")
        except NoCopy:
            outcomes.add("none")
    assert outcomes


async def test_a_film_that_takes_too_long_gets_no_copy_and_its_process_ends(tmp_path):
    impatient = CopyWorker(seconds=0.05)
    assert "TimeoutError" in await refused(impatient, tmp_path, a_noisy_film())


async def begun(worker: CopyWorker, tmp_path: Path) -> tuple["asyncio.Task[object]", int]:
    """A copy that is being made, and the process that makes it."""
    source = saved(tmp_path, a_noisy_film(640, 360, 8))
    making = asyncio.create_task(worker.make(source, tmp_path / "copy.mp4", 1_000_000))
    while not (tmp_path / "copy.mp4").exists():
        await asyncio.sleep(0.02)
        assert not making.done()
    assert worker.pid is not None
    return making, worker.pid


async def test_a_copy_that_is_given_up_ends_its_process(worker, tmp_path):
    making, pid = await begun(worker, tmp_path)
    making.cancel()
    await asyncio.wait({making})
    assert making.cancelled()
    assert worker.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_process_that_dies_of_a_film_leaves_the_next_one_alone(worker, tmp_path):
    making, pid = await begun(worker, tmp_path)
    os.kill(pid, 9)
    with pytest.raises(NoCopy):
        await making
    made = await worker.make(saved(tmp_path, a_noisy_film()), tmp_path / "copy.mp4", LIMIT)
    assert made.size <= LIMIT


async def test_it_ends_in_the_middle_of_a_film_when_the_bot_does(worker, tmp_path):
    making, _ = await begun(worker, tmp_path)
    process = worker._process._process
    # As when the bot is killed: nobody holds the other end of its input.
    process.stdin.close()
    await process.wait()
    with pytest.raises(NoCopy):
        await making


@pytest.mark.skipif(sys.platform != "linux", reason="reads what processes take from /proc")
async def test_it_works_at_low_priority_and_takes_little_memory(worker, tmp_path):
    making, pid = await begun(worker, tmp_path)
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10
    peak = 0
    while not making.done():
        try:
            peak = max(peak, memory("VmHWM", pid))
        except (ValueError, FileNotFoundError, ProcessLookupError):
            break
        await asyncio.sleep(0.05)
    await making
    assert 0 < peak < EXTRA_BYTES
