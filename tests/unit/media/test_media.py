import io
from fractions import Fraction

import av
import pytest
from PIL import Image

from bot.media.clips import THUMBNAIL_BYTES, THUMBNAIL_SIDE, NotAVideo, probe, thumbnail

RED = (255, 0, 0)
RATE = 24


def a_video(path, *, size=(320, 240), seconds=1, sound=False, image=None, codec="libx264"):
    """Write a real file of one colour, or of one picture, with silence if `sound`."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=44_100, layout="mono") if sound else None
        frame = av.VideoFrame.from_image(image or Image.new("RGB", size, RED))
        for number in range(seconds * RATE):
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            for number in range(seconds * 44_100 // 1024):
                silence = av.AudioFrame("fltp", "mono", 1024)
                silence.planes[0].update(bytes(silence.planes[0].buffer_size))
                silence.sample_rate, silence.pts = 44_100, number * 1024
                container.mux(audio.encode(silence))
            container.mux(audio.encode(None))
    return path


def a_sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        silence = av.AudioFrame("fltp", "mono", 1024)
        silence.planes[0].update(bytes(silence.planes[0].buffer_size))
        silence.sample_rate = 44_100
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("size", [(320, 240), (240, 426), (640, 640)])
def test_a_video_tells_its_pixels_and_its_length(tmp_path, size):
    info = probe(a_video(tmp_path / "a.mp4", size=size, seconds=2))
    assert (info.width, info.height) == size
    assert abs(info.duration_ms - 2000) <= 50


@pytest.mark.parametrize("sound", [True, False])
def test_a_video_tells_whether_it_has_sound(tmp_path, sound):
    assert probe(a_video(tmp_path / "a.mp4", sound=sound)).has_audio is sound


def test_a_video_of_another_codec_is_read(tmp_path):
    assert probe(a_video(tmp_path / "a.mp4", codec="mpeg4")).width == 320


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1280, 720), (320, 180)),
        ((720, 1280), (180, 320)),
        ((960, 960), (320, 320)),
        ((160, 120), (160, 120)),
    ],
)
def test_a_thumbnail_is_as_small_as_telegram_wants_it(tmp_path, size, expected):
    target = tmp_path / "a.jpg"
    thumbnail(a_video(tmp_path / "a.mp4", size=size), target)
    with Image.open(target) as image:
        assert (image.format, image.size) == ("JPEG", expected)
        assert max(image.size) <= THUMBNAIL_SIDE
        assert all(abs(a - b) <= 12 for a, b in zip(image.getpixel((50, 50)), RED, strict=True))


def test_a_thumbnail_of_noise_is_small_enough_too(tmp_path):
    noise = Image.effect_noise((640, 640), 200).convert("RGB")
    target = tmp_path / "a.jpg"
    thumbnail(a_video(tmp_path / "a.mp4", size=(640, 640), image=noise), target)
    assert target.stat().st_size <= THUMBNAIL_BYTES


def an_image_file(path):
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue()[:20])
    return path


def words(path):
    path.write_bytes(b"<html>not a video</html>" * 100)
    return path


def half(path):
    whole = a_video(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    return path


def nothing(path):
    path.write_bytes(b"")
    return path


def missing(path):
    return path


@pytest.mark.parametrize("make", [words, half, nothing, missing, a_sound, an_image_file])
def test_what_cannot_be_played_is_no_video(tmp_path, make):
    path = make(tmp_path / "a.mp4")
    target = tmp_path / "a.jpg"
    with pytest.raises(NotAVideo):
        probe(path)
    with pytest.raises(NotAVideo):
        thumbnail(path, target)
    assert not target.exists()
