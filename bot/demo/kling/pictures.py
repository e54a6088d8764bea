"""Takes pictures in: an address or raw Base64, JPEG or PNG, within the documented limits, and nothing else."""

import asyncio
import base64
import binascii
import io
from collections.abc import Awaitable, Callable

import httpx
from PIL import Image, UnidentifiedImageError

from bot.demo.kling.fields import is_address
from bot.demo.kling.orders import Order, Picture
from bot.demo.kling.refusals import forbid, invalid

SMALLEST_SIDE = 300
MOST_UNEQUAL = 2.5
MASKS = ("static_mask", "dynamic_masks")

Fetch = Callable[[str, int], Awaitable[bytes]]
"""Gets the bytes at an address, at most so many; raises OSError when they can't be had."""


async def fetch(address: str, most: int) -> bytes:
    """Get a file over HTTP.

    Raises:
        OSError: nobody answers, the answer is not 200, or it is larger than `most` bytes.

    """
    data = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=10, follow_redirects=True, trust_env=False) as client,
            client.stream("GET", address) as answer,
        ):
            if answer.status_code != 200:
                raise OSError(f"status {answer.status_code}")
            async for chunk in answer.aiter_bytes():
                data += chunk
                if len(data) > most:
                    raise OSError("too large")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OSError(type(error).__name__) from None
    return bytes(data)


async def load(picture: Picture, fetch: Fetch) -> bytes:
    """The bytes of a picture; refused is one that is not as documented."""
    forbid(picture.value.startswith("data:"), f"{picture.name} must be raw Base64, without a data: prefix")
    if is_address(picture.value):
        try:
            data = await fetch(picture.value, picture.heaviest)
        except OSError as error:
            raise invalid(f"{picture.name} can't be fetched: {error}") from None
        await asyncio.to_thread(_check, picture, data)
        return data
    return await asyncio.to_thread(_decoded, picture)


def check_masks(order: Order) -> None:
    """Refuse masks that are not of one size, in the shape of the picture, and black and white."""
    loaded = dict(zip((picture.name for picture in order.pictures), order.images, strict=True))
    masks = {name: data for name, data in loaded.items() if name.startswith(MASKS)}
    if not masks or "image" not in loaded:
        return
    width, height = _size(loaded["image"])
    sizes = {_size(data) for data in masks.values()}
    forbid(len(sizes) > 1, "static_mask and all of dynamic_masks must have the same size")
    for name, data in masks.items():
        wide, high = _size(data)
        forbid(abs(wide * height - high * width) > max(wide, high), f"{name} must have the ratio of image")
        with Image.open(io.BytesIO(data)) as opened:
            shades = opened.convert("L").getcolors()
        forbid({shade for _, shade in shades or ()} != {0, 255}, f"{name} must be black and white")


def _size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as opened:
        return opened.size


def _decoded(picture: Picture) -> bytes:
    try:
        data = base64.b64decode(picture.value, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"{picture.name} is neither an address nor Base64") from None
    _check(picture, data)
    return data


def _check(picture: Picture, data: bytes) -> None:
    forbid(len(data) > picture.heaviest, f"{picture.name} is larger than {picture.heaviest // 1_000_000} MB")
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            size, kind = opened.size, opened.format
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        raise invalid(f"{picture.name} is not a picture") from None
    forbid(kind not in {"JPEG", "PNG"}, f"{picture.name} must be JPEG or PNG")
    forbid(min(size) < SMALLEST_SIDE, f"{picture.name} must have at least {SMALLEST_SIDE} pixels a side")
    forbid(max(size) > MOST_UNEQUAL * min(size), f"{picture.name} must have a ratio of 1:2.5 to 2.5:1")
