"""Pictures, films and recordings, made on the spot."""

import io
import random
from functools import cache

import av
from PIL import Image


def a_portrait() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (480, 640), (180, 140, 120)).save(buffer, "JPEG")
    return buffer.getvalue()


def a_voice_message(seconds: int = 3) -> bytes:
    """What Telegram makes of somebody who speaks: Opus in Ogg."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        for number in range(seconds * 50):
            frame = av.AudioFrame(format="s16", layout="mono", samples=960)
            frame.planes[0].update(bytes(1920))
            frame.sample_rate, frame.pts = 48_000, number * 960
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def image(width: int = 640, height: int = 480, form: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (40, 90, 160)).save(buffer, form)
    return buffer.getvalue()


def a_noisy_film(
    width: int = 320,
    height: int = 180,
    seconds: float = 2,
    *,
    rate: int = 15,
    sound: bool = True,
    codec: str = "libx264",
    seed: int = 1,
) -> bytes:
    """An mp4 that no encoder makes small: noise, in picture and sound. The default has about 3 MB."""
    noise, buffer = random.Random(seed), io.BytesIO()
    images = [Image.frombytes("RGB", (width, height), noise.randbytes(width * height * 3)) for _ in range(3)]
    with av.open(buffer, "w", format="mp4") as container:
        image = container.add_stream(codec, rate=rate, options={"crf": "8", "preset": "ultrafast"})
        image.width, image.height, image.pix_fmt = width, height, "yuv420p"
        voice = container.add_stream("aac", rate=48_000, layout="stereo") if sound else None
        for number in range(round(seconds * rate)):
            frame = av.VideoFrame.from_image(images[number % 3])
            frame.pts = number
            container.mux(image.encode(frame))
        if voice is not None:
            for number in range(round(seconds * 48_000 / 1024)):
                heard = av.AudioFrame(format="s16", layout="stereo", samples=1024)
                heard.planes[0].update(noise.randbytes(4096))
                heard.sample_rate, heard.pts = 48_000, number * 1024
                container.mux(voice.encode(heard))
            container.mux(voice.encode(None))
        container.mux(image.encode(None))
    return buffer.getvalue()


@cache
def a_clip(
    width: int = 1280, height: int = 720, seconds: float = 5, rate: int = 24, form: str = "mp4"
) -> bytes:
    """A video as a phone makes it, but that little happens in it."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frames = [
            av.VideoFrame.from_image(Image.new("RGB", (width, height), colour))
            for colour in ((30, 60, 90), (90, 60, 30))
        ]
        count = round(seconds * rate)
        for number in range(count):
            frame = frames[number >= count - rate]
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def film(seconds: int = 1) -> bytes:
    """An mp4 of 64 × 48 pixels with ten pictures a second."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10 * seconds):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 48), (20 * number % 256, 60, 90)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def plain_images(number: int) -> list[bytes]:
    """JPEG images of 400 × 400 pixels, each of another colour."""
    found = []
    for index in range(number):
        buffer = io.BytesIO()
        Image.new("RGB", (400, 400), (20 * index, 90, 120)).save(buffer, "JPEG")
        found.append(buffer.getvalue())
    return found
