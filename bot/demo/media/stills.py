"""Real pictures for the stand-in: a landscape for words, a widened photo, a person beside a garment."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from bot.demo.media.lettering import overlay
from bot.demo.media.scene import landscape

SHORT_SIDE = {"1k": 640, "2k": 1440, "4k": 2160, "8k": 4320}
ENLARGED = {"2k": 2, "4k": 3, "8k": 6}
"""How many times a picture is enlarged after it was drawn: drawing an 8K one in its size would take a minute."""


CUTS: Mapping[str, tuple[float, float, float, float]] = {
    "object_seg": (0.15, 0.05, 0.85, 0.95),
    "head_seg": (0.3, 0.05, 0.7, 0.45),
    "face_seg": (0.36, 0.14, 0.64, 0.42),
    "cloth_seg": (0.2, 0.45, 0.8, 0.95),
}
"""Where the parts of a person would be in a portrait: left, top, right and bottom, as shares of its sides."""


@dataclass(frozen=True, slots=True)
class StillSpec:
    """What to draw. `edges` are the shares to add above, below, left and right in an `expand`, `cut` one of `CUTS`."""

    prompt: str = ""
    ratio: str = "1:1"
    resolution: str = "1k"
    images: tuple[bytes, ...] = field(default=(), repr=False)
    kind: Literal["scene", "expand", "wear", "blend", "cut"] = "scene"
    edges: tuple[float, float, float, float] = (0, 0, 0, 0)
    number: int = 0
    cut: str = ""


def render_still(spec: StillSpec, path: Path) -> None:
    """Write a PNG. Takes processor time: call it in a thread."""
    photos = [_opened(data) for data in spec.images]
    if not photos:
        picture = _scene(spec)
    elif spec.kind == "expand":
        picture = _expanded(photos[0], spec.edges)
    elif spec.kind == "cut":
        picture = _cut(photos[0], CUTS[spec.cut])
    elif spec.kind == "wear":
        picture = _worn(photos)
    else:
        picture = _blended(photos, spec)
    if (times := ENLARGED.get(spec.resolution, 1)) > 1:
        picture = picture.resize((picture.width * times, picture.height * times), Image.Resampling.BILINEAR)
    part = path.with_name(path.name + ".part")
    picture.save(part, "PNG")
    part.replace(path)


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def _size(spec: StillSpec) -> tuple[int, int]:
    across, down = (int(part) for part in spec.ratio.split(":"))
    scale = SHORT_SIDE[spec.resolution] / ENLARGED.get(spec.resolution, 1) / min(across, down)
    return round(across * scale), round(down * scale)


def _scene(spec: StillSpec) -> Image.Image:
    size = _size(spec)
    # Each of several results shows another moment of the same scene.
    picture = landscape(spec.prompt, size, 20)(2.3 + 4.1 * spec.number % 18)
    words = overlay(spec.prompt, "", size)
    picture.paste(words, (0, 0), words)
    return picture


def _blended(photos: list[Image.Image], spec: StillSpec) -> Image.Image:
    """The photos melt into the scene of the words."""
    size = _size(spec)
    picture = landscape(spec.prompt, size, 20)(2.3 + 4.1 * spec.number % 18)
    for photo in photos:
        picture = Image.blend(picture, ImageOps.fit(photo, size), 0.6)
    words = overlay(spec.prompt, "", size)
    picture.paste(words, (0, 0), words)
    return picture


def _expanded(photo: Image.Image, edges: tuple[float, float, float, float]) -> Image.Image:
    """The photo in the middle of a blurred continuation of itself."""
    above, below, left, right = edges
    width, height = photo.size
    size = (round(width * (1 + left + right)), round(height * (1 + above + below)))
    picture = ImageOps.fit(photo, size).filter(ImageFilter.GaussianBlur(min(photo.size) / 20))
    mask = Image.new("L", photo.size, 0)
    rim = max(2, min(photo.size) // 30)
    ImageDraw.Draw(mask).rectangle((rim, rim, width - rim, height - rim), fill=255)
    picture.paste(
        photo, (round(width * left), round(height * above)), mask.filter(ImageFilter.GaussianBlur(rim / 2))
    )
    return picture


def _cut(photo: Image.Image, part: tuple[float, float, float, float]) -> Image.Image:
    """The photo where the part is, and nothing around it."""
    left, top, right, bottom = part
    box = (left * photo.width, top * photo.height, right * photo.width, bottom * photo.height)
    mask = Image.new("L", photo.size, 0)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    picture = photo.convert("RGBA")
    picture.putalpha(mask)
    return picture


def _worn(photos: list[Image.Image]) -> Image.Image:
    """The person, with each garment as a card on the photo."""
    person = photos[0].copy()
    side = min(person.size) // 3
    for number, garment in enumerate(photos[1:]):
        card = ImageOps.fit(garment, (side, side))
        mask = Image.new("L", card.size, 0)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, side - 1, side - 1), side // 8, fill=235)
        margin = side // 8
        corner = (person.width - side - margin, person.height - (side + margin) * (number + 1))
        person.paste(card, corner, mask)
    return person
