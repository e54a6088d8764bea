"""Make any picture that people send into one that Kling takes, or say in one sentence why not.

Kling takes JPEG and PNG of at most 10 MB, at least 300 pixels a side, in a ratio of 1:2.5 to 2.5:1
(image2video, vendor's API specification). Metadata, and so the place where a photo was taken, goes.
"""

import hashlib
import io
import math
import warnings
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bot.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

CLOSE_UP = 0.6
"""How much of each side of a picture its close-up shows."""

BLANK_SIDE = 320
"""Pixels of the longer side of what stands where a picture will be."""

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "GIF", "BMP")


DECODING = {"HEIF": 7.2, "WEBP": 19.5}
"""Bytes per pixel that these decoders take at their peak; measured with Pillow 12."""

WEBP_HEAD = 30
"""Bytes of a WebP that hold its size."""

OPAQUE, PALETTE, TRANSPARENT = 4.9, 6.0, 8.0
"""The same for all others: the image and its half, with its colours looked up, or with a copy without transparency."""

FULL_SIZE_PIXELS = 12_000_000
"""What is larger is halved while it is decoded or right after: fine scaling takes as much memory again."""


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is taken: bytes, pixels a side, the longer side in shorter sides, and what decoding may take.

    `max_pixels` bounds an image of any format, `max_memory` (bytes) the decoding of this one. `qualities` are those
    of a JPEG (1–95), the first of which that needs no more than `max_bytes` is used.
    """

    max_bytes: int = 10_000_000
    min_side: int = 300
    max_ratio: float = 2.5
    max_side: int = 3072
    max_pixels: int = 64_000_000
    max_memory: int = 104_000_000
    qualities: tuple[int, ...] = (95, 90, 80, 65, 50)


KLING_LIMITS = ImageLimits()


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """A picture as it will be sent. `sha256` is of `data`."""

    data: bytes = field(repr=False)
    media_type: Literal["image/jpeg", "image/png"]
    width: int
    height: int
    sha256: str


def prepare(source: bytes | Path, limits: ImageLimits = KLING_LIMITS) -> PreparedImage:
    """Turn upright, flatten, scale down and encode as JPEG. Takes processor time: see `bot.media.worker`.

    Its size in pixels is checked before anything is decoded.

    Raises:
        UserError: it is no picture, is damaged, or is too small, too long-drawn or too large to be used.

    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    _read_heif_too()
    try:
        with warnings.catch_warnings():
            # Of a large picture, or of damaged metadata: neither is a reason not to take it.
            warnings.simplefilter("ignore")
            file = io.BytesIO(source) if isinstance(source, bytes) else source
            _check_webp(source, limits)
            with Image.open(file, formats=FORMATS) as opened:
                _check_size(opened, limits)
                image = _decoded(opened, limits)
                ImageOps.exif_transpose(image, in_place=True)
                image = _in_srgb(image).convert("RGB")
                # A comment would be written again.
                image.info.clear()
    except UserError:
        raise
    except (Image.DecompressionBombError, MemoryError):
        most = int(limits.max_memory / OPAQUE)
        raise UserError("error.image.too_many_pixels", limit=most // 1_000_000) from None
    except UnidentifiedImageError:
        raise UserError("error.image.not_an_image") from None
    except (OSError, SyntaxError, ValueError, EOFError, RuntimeError):
        # Pillow's decoders raise all of these for files that end early or contradict themselves.
        raise UserError("error.image.damaged") from None
    if min(image.size) < limits.min_side:
        raise UserError("error.image.too_long", ratio=f"{limits.max_ratio:g}")
    encoded = _encode(image, limits)
    return PreparedImage(encoded, "image/jpeg", *image.size, hashlib.sha256(encoded).hexdigest())


def reduce(source: bytes | Path, max_side: int, quality: int) -> PreparedImage:
    """Make a prepared picture smaller: at most `max_side` pixels (750 at least) a side, as a JPEG of that quality.

    Takes processor time, and raises, as `prepare` does.
    """
    return prepare(source, replace(KLING_LIMITS, max_side=max_side, qualities=(quality,)))


def close_up(data: bytes, limits: ImageLimits = KLING_LIMITS) -> bytes:
    """The middle of a prepared picture, as somebody sees it who steps nearer, as a JPEG.

    Of a subject Kling wants a second picture, from another side or from nearer. Takes processor time: call it in
    a thread.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        width, height = (round(side * CLOSE_UP) for side in image.size)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        nearer = image.crop((left, top, left + width, top + height))
    if min(nearer.size) < limits.min_side:
        scale = limits.min_side / min(nearer.size)
        nearer = nearer.resize(
            (math.ceil(width * scale), math.ceil(height * scale)), Image.Resampling.LANCZOS
        )
    return _encode(nearer, limits)


@cache
def _read_heif_too() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()


def _check_size(image: "Image.Image", limits: ImageLimits) -> None:
    width, height = image.size
    if _is_jpeg(image):
        per_pixel = _coefficients(image) + 4 / _jpeg_scale(image, limits) ** 2
    else:
        pixels = TRANSPARENT if image.has_transparency_data else PALETTE if image.mode == "P" else OPAQUE
        per_pixel = max(DECODING.get(image.format or "", 0), pixels)
    _check_pixels(width * height, per_pixel, limits)
    if min(image.size) < limits.min_side:
        raise UserError("error.image.too_small", width=width, height=height, side=limits.min_side)
    if max(image.size) > min(image.size) * limits.max_ratio:
        raise UserError("error.image.too_long", ratio=f"{limits.max_ratio:g}")


def _check_webp(source: bytes | Path, limits: ImageLimits) -> None:
    """Check the size in the head of a WebP (RFC 9649): its decoder takes memory for all of it when it is opened."""
    if isinstance(source, bytes):
        head = source[:WEBP_HEAD]
    else:
        with source.open("rb") as file:
            head = file.read(WEBP_HEAD)
    if len(head) < WEBP_HEAD or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return
    match head[12:16]:
        case b"VP8 ":
            sides = [int.from_bytes(head[start : start + 2], "little") & 0x3FFF for start in (26, 28)]
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            sides = [(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1]
        case _:
            sides = [int.from_bytes(head[start : start + 3], "little") + 1 for start in (24, 27)]
    _check_pixels(sides[0] * sides[1], DECODING["WEBP"], limits)


def _check_pixels(pixels: int, bytes_each: float, limits: ImageLimits) -> None:
    most = min(limits.max_pixels, int(limits.max_memory / bytes_each))
    if pixels > most:
        raise UserError("error.image.too_many_pixels", limit=most // 1_000_000)


def _is_jpeg(image: "Image.Image") -> bool:
    return image.format in {"JPEG", "MPO"}


def _coefficients(image: "Image.Image") -> float:
    """Bytes per pixel that libjpeg keeps of a whole progressive image while it decodes it."""
    if not image.info.get("progressive"):
        return 0
    samplings: list[tuple[int, int]] = [layer[1:3] for layer in image.layer]  # type: ignore[attr-defined]
    most = max(across for across, _ in samplings) * max(down for _, down in samplings)
    return 2 * sum(across * down for across, down in samplings) / most


def _jpeg_scale(image: "Image.Image", limits: ImageLimits) -> int:
    """The least of 1, 2, 4 and 8 that a JPEG's sides must be divided by while it is decoded."""
    pixels = image.width * image.height
    room = limits.max_memory - pixels * _coefficients(image)
    return next(
        (
            scale
            for scale in (1, 2, 4)
            if pixels <= FULL_SIZE_PIXELS * scale**2 and 2 * 4 * pixels <= room * scale**2
        ),
        8,
    )


def _decoded(opened: "Image.Image", limits: ImageLimits) -> "Image.Image":
    """The image no larger than it is sent, flattened, with as little as possible in memory at once."""
    from PIL import Image

    if _is_jpeg(opened):
        scale = _jpeg_scale(opened, limits)
        if scale > 1:
            opened.draft(None, (opened.width // scale, opened.height // scale))
    info = opened.info
    image = _flattened(opened)
    if image is not opened:
        opened.close()
    if image.width * image.height > FULL_SIZE_PIXELS:
        image = image.reduce(2)
        opened.close()
    image.thumbnail((limits.max_side, limits.max_side), Image.Resampling.LANCZOS)
    longest = int(min(image.size) * limits.max_ratio)
    if max(image.size) > longest:
        # By rounding, a pixel too long.
        image = image.crop((0, 0, min(image.width, longest), min(image.height, longest)))
    image.info = info
    return image


def _flattened(image: "Image.Image") -> "Image.Image":
    """Without palette, 16 bits and transparency, which lies on white."""
    from PIL import ImageChops

    image.load()
    if image.mode.startswith("I;16") or image.mode == "I":
        return image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        # Where it is opaque already, nothing changes.
        layered = image if image.mode == "RGBA" else image.convert("RGBA")
        layered.paste("white", mask=ImageChops.invert(layered.getchannel("A")))
        return layered.convert("RGB")
    return image if image.mode in {"RGB", "L", "CMYK"} else image.convert("RGB")


def _in_srgb(image: "Image.Image") -> "Image.Image":
    """The same colours where nobody reads the profile that they were written with."""
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return image
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGBA" if image.mode == "RGBA" else "RGB",
        )
    except (ImageCms.PyCMSError, OSError):
        # A profile that cannot be used is none.
        return image
    return image if converted is None else converted


def _encode(image: "Image.Image", limits: ImageLimits) -> bytes:
    for quality in limits.qualities:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= limits.max_bytes:
            return buffer.getvalue()
    raise UserError("error.image.too_large", limit=limits.max_bytes // 1_000_000)


@cache
def blank(width: int, height: int) -> bytes:
    """A small grey JPEG in the shape of a picture or video of that size, to stand where it will be."""
    from PIL import Image

    scale = BLANK_SIDE / max(width, height)
    buffer = io.BytesIO()
    Image.new("RGB", (max(16, round(width * scale)), max(16, round(height * scale))), "#808080").save(
        buffer, "JPEG"
    )
    return buffer.getvalue()
