"""Make any picture that people send into one that Kling takes, or say in one sentence why not.

Kling takes JPEG and PNG of at most 10 MB, at least 300 pixels a side, in a ratio of 1:2.5 to 2.5:1
(image2video, vendor's API specification). Metadata, and so the place where a photo was taken, goes.
"""

import hashlib
import io
import math
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

from bot.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

CLOSE_UP = 0.6
"""How much of each side of a picture its close-up shows."""

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "GIF", "BMP")


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is taken: bytes, pixels a side, the longer side in shorter sides, and pixels before decoding."""

    max_bytes: int = 10_000_000
    min_side: int = 300
    max_ratio: float = 2.5
    max_side: int = 3072
    max_pixels: int = 64_000_000


KLING_LIMITS = ImageLimits()


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """A picture as it will be sent. `sha256` is of `data`."""

    data: bytes = field(repr=False)
    media_type: Literal["image/jpeg", "image/png"]
    width: int
    height: int
    sha256: str


def prepare(data: bytes, limits: ImageLimits = KLING_LIMITS) -> PreparedImage:
    """Turn upright, flatten, scale down and encode as JPEG. Takes processor time: call it in a thread.

    Raises:
        UserError: it is no picture, is damaged, or is too small, too long-drawn or too large to be used.

    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    _read_heif_too()
    try:
        with warnings.catch_warnings():
            # Of a large picture, or of damaged metadata: neither is a reason not to take it.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                _check_size(opened.size, limits)
                picture = _flattened(ImageOps.exif_transpose(opened))
                # A comment would be written again.
                picture.info.clear()
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError("error.image.too_many_pixels", limit=limits.max_pixels // 1_000_000) from None
    except UnidentifiedImageError:
        raise UserError("error.image.not_an_image") from None
    except (OSError, SyntaxError, ValueError, EOFError, RuntimeError):
        # Pillow's decoders raise all of these for files that end early or contradict themselves.
        raise UserError("error.image.damaged") from None
    if max(picture.size) > limits.max_side:
        picture.thumbnail((limits.max_side, limits.max_side), Image.Resampling.LANCZOS)
        if min(picture.size) < limits.min_side:
            raise UserError("error.image.too_long", ratio=f"{limits.max_ratio:g}")
    encoded = _encode(picture, limits)
    return PreparedImage(encoded, "image/jpeg", *picture.size, hashlib.sha256(encoded).hexdigest())


def close_up(data: bytes, limits: ImageLimits = KLING_LIMITS) -> bytes:
    """The middle of a prepared picture, as somebody sees it who steps nearer, as a JPEG.

    Of a subject Kling wants a second picture, from another side or from nearer. Takes processor time: call it in
    a thread.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        width, height = (round(side * CLOSE_UP) for side in picture.size)
        left, top = (picture.width - width) // 2, (picture.height - height) // 2
        nearer = picture.crop((left, top, left + width, top + height))
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


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise UserError("error.image.too_many_pixels", limit=limits.max_pixels // 1_000_000)
    if min(size) < limits.min_side:
        raise UserError("error.image.too_small", width=width, height=height, side=limits.min_side)
    if max(size) > min(size) * limits.max_ratio:
        raise UserError("error.image.too_long", ratio=f"{limits.max_ratio:g}")


def _flattened(picture: "Image.Image") -> "Image.Image":
    """Plain sRGB: transparency on white, 16 bits scaled to 8, other colour spaces and palettes converted."""
    from PIL import Image

    picture = _in_srgb(picture)
    if picture.mode.startswith("I;16") or picture.mode == "I":
        picture = picture.point(lambda value: value / 256).convert("L")
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return picture.convert("RGB")


def _in_srgb(picture: "Image.Image") -> "Image.Image":
    """The same colours where nobody reads the profile that they were written with."""
    from PIL import ImageCms

    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return picture
    try:
        converted = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGBA" if picture.mode == "RGBA" else "RGB",
        )
    except (ImageCms.PyCMSError, OSError):
        # A profile that cannot be used is none.
        return picture
    return picture if converted is None else converted


def _encode(picture: "Image.Image", limits: ImageLimits) -> bytes:
    for quality in (95, 90, 80, 65, 50):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= limits.max_bytes:
            return buffer.getvalue()
    raise UserError("error.image.too_large", limit=limits.max_bytes // 1_000_000)
