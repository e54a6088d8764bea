"""Paints a moving landscape: sky, light, clouds, hills that pass at their own speeds, and what drifts in the air."""

import math
import random
from collections.abc import Callable
from functools import partial

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from bot.demo.media.moods import Colour, Mood, mood_of, seed_of

Painter = Callable[[float], Image.Image]
"""Paints the frame at a time in seconds."""

_SPEEDS = (0.012, 0.035, 0.09)  # of the width a second, farthest range first
_SPRITE = 24


def landscape(prompt: str, size: tuple[int, int], seconds: float) -> Painter:
    """A painter of the scene that suits the prompt; the same prompt gives the same scene."""
    mood = mood_of(prompt)
    dice = random.Random(seed_of(prompt))
    width, height = size
    sky = gradient(size, mood.sky)
    if mood.stars:
        _scatter_stars(sky, dice)
    glow = _glow(int(min(size) * 1.1), mood.light)
    clouds = _clouds(size, mood, dice)
    ranges = [
        _range(size, mood, number, dice, behind=mood.sky[-1] if number == 0 else mood.hills[number - 1])
        for number in range(len(mood.hills))
    ]
    drift = particles(mood.particles, size, dice)
    start, end = dice.uniform(0.15, 0.3), dice.uniform(0.65, 0.85)
    if dice.random() < 0.5:
        start, end = end, start

    def paint(time: float) -> Image.Image:
        share = time / max(seconds, 0.1)
        picture = sky.copy()
        x = (start + (end - start) * share) * width
        y = (0.4 - 0.16 * math.sin(math.pi * (0.2 + 0.6 * share))) * height
        picture.paste(glow, (int(x - glow.width / 2), int(y - glow.height / 2)), glow)
        _slide(picture, clouds, int(time * width * 0.02), top=0)
        for (layer, top), speed in zip(ranges, _SPEEDS, strict=True):
            _slide(picture, layer, int(time * width * speed), top=top)
        if mood.water:
            _glitter(picture, mood.light, x, time)
        drift(picture, time)
        return picture

    return paint


def gradient(size: tuple[int, int], colours: tuple[Colour, ...]) -> Image.Image:
    """A picture whose colour goes from the first to the last, from the top down."""
    height = size[1]
    column = Image.new("RGB", (1, height))
    steps = len(colours) - 1
    rows = []
    for row in range(height):
        place = row / max(1, height - 1) * steps
        index = min(int(place), steps - 1)
        rows.append(mixed(colours[index], colours[index + 1], place - index))
    column.putdata(rows)
    return column.resize(size)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with a share (0..1) of `other`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _slide(picture: Image.Image, layer: Image.Image, offset: int, *, top: int) -> None:
    """Paste a layer that is twice as wide as its pattern, moved to the left."""
    picture.paste(layer, (-(offset % (layer.width // 2)), top), layer)


def _scatter_stars(sky: Image.Image, dice: random.Random) -> None:
    draw = ImageDraw.Draw(sky)
    width, height = sky.size
    for _ in range(width // 5):
        x, y = dice.random() * width, dice.random() ** 1.5 * height * 0.7
        bright = dice.randint(120, 255)
        radius = dice.choice((0.3, 0.3, 0.3, 0.8)) * height / 360
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(bright, bright, 255))


def _glow(size: int, colour: Colour) -> Image.Image:
    """The sun or moon: a disc in a wide halo."""
    halo = ImageChops.invert(Image.radial_gradient("L")).resize((size, size), Image.Resampling.BILINEAR)
    # Nothing is left of the halo where the square picture ends.
    edge = halo.getpixel((size // 2, 0))
    assert isinstance(edge, int)  # noqa: S101  a picture of one channel
    halo = halo.point([int(max(0.0, (value - edge - 2) / (255 - edge)) ** 1.9 * 185) for value in range(256)])
    disc = Image.new("L", (size * 2, size * 2), 0)
    radius = size * 0.16
    ImageDraw.Draw(disc).ellipse((size - radius, size - radius, size + radius, size + radius), fill=255)
    halo = ImageChops.lighter(halo, disc.resize((size, size), Image.Resampling.LANCZOS))
    layer = Image.new("RGBA", (size, size), (*colour, 0))
    layer.putalpha(halo)
    return layer


def _clouds(size: tuple[int, int], mood: Mood, dice: random.Random) -> Image.Image:
    """Soft clouds in the upper third, twice side by side."""
    width, height = size
    mask = Image.new("L", (width, height // 2), 0)
    draw = ImageDraw.Draw(mask)
    for _ in range(5):
        centre, level = dice.uniform(0.15, 0.85) * width, dice.uniform(0.15, 0.7) * height / 2
        for _ in range(7):
            x = centre + dice.uniform(-0.09, 0.09) * width
            across, down = dice.uniform(0.03, 0.09) * width, dice.uniform(0.01, 0.028) * height
            draw.ellipse((x - across, level - down, x + across, level + down), fill=dice.randint(50, 120))
    mask = mask.filter(ImageFilter.GaussianBlur(height / 55))
    colour = mixed(mood.sky[1], (255, 255, 255), 0.3 if mood.stars else 0.65)
    return _twice(Image.new("RGB", mask.size, colour), mask)


def _twice(colours: Image.Image, mask: Image.Image) -> Image.Image:
    width, height = mask.size
    layer = Image.new("RGBA", (width * 2, height), (0, 0, 0, 0))
    half = colours.convert("RGBA")
    half.putalpha(mask)
    layer.paste(half, (0, 0))
    layer.paste(half, (width, 0))
    return layer


def _range(
    size: tuple[int, int], mood: Mood, number: int, dice: random.Random, behind: Colour
) -> tuple[Image.Image, int]:
    """One range of hills (the nearest one water, in moods that have it), and where its upper edge is."""
    width, height = size
    water = mood.water and number == len(mood.hills) - 1
    base = 0.56 + 0.12 * number
    waves = [
        (dice.randint(1, 2) + number, (0.07 - 0.012 * number), dice.random() * math.tau),
        (dice.randint(3, 5), 0.028, dice.random() * math.tau),
        (dice.randint(8, 13), 0.008, dice.random() * math.tau),
    ]
    if water:
        base, waves = 0.7, [(9, 0.002, 0.0)]

    def level(x: float) -> float:
        turn = math.tau * x / width
        return height * (base + sum(high * math.sin(turn * times + phase) for times, high, phase in waves))

    # Drawn at twice the size and reduced, so that the ridge has no steps.
    top = int(height * (base - 0.14 - (0.08 if mood.trees and number else 0)))
    mask = Image.new("L", (width * 2, (height - top) * 2), 0)
    draw = ImageDraw.Draw(mask)
    ridge = [(x * 2, (level(x) - top) * 2) for x in range(0, width + 4, 2)]
    draw.polygon([(0, mask.height), *ridge, (mask.width + 8, mask.height)], fill=255)
    if mood.trees and number:
        _plant(draw, level, width, top, number, dice)
    mask = mask.resize((width, height - top), Image.Resampling.BILINEAR)
    haze = mixed(mood.hills[number], behind, 0.35)
    bright = mixed(mood.hills[number], mood.light, 0.16)
    colours = gradient(mask.size, (bright, mood.hills[number], haze if number == 0 else mood.hills[number]))
    return _twice(colours, mask), top


def _plant(
    draw: ImageDraw.ImageDraw,
    level: Callable[[float], float],
    width: int,
    top: int,
    number: int,
    dice: random.Random,
) -> None:
    """Conifers along the ridge, in groves."""
    groves = [dice.random() * width for _ in range(3)]
    for _ in range(16 if number == 1 else 12):
        x = (dice.choice(groves) + dice.gauss(0, width * 0.05)) % width
        if not width * 0.03 < x < width * 0.97:
            continue  # a tree across the seam would be cut in half
        tall = dice.uniform(0.035, 0.055) * width / 2 * (1 if number == 1 else 1.9)
        foot = level(x) - top + tall * 0.1
        for storey in range(3):
            wide = tall * (0.16 + 0.1 * storey)
            tip, below = foot - tall * (1 - 0.25 * storey), foot - tall * (0.5 - 0.22 * storey)
            draw.polygon([((x - wide) * 2, below * 2), (x * 2, tip * 2), ((x + wide) * 2, below * 2)], 255)
        draw.rectangle(((x - 1) * 2, (foot - tall * 0.1) * 2, (x + 1) * 2, (foot + tall * 0.2) * 2), 255)


def _glitter(picture: Image.Image, colour: Colour, light: float, time: float) -> None:
    """Light that dances on the water below the sun."""
    width, height = picture.size
    draw = ImageDraw.Draw(picture, "RGBA")
    for number in range(46):
        depth = (number * 0.618) % 1
        y = height * (0.71 + 0.29 * depth)
        spread = width * (0.03 + 0.16 * depth)
        x = light + math.sin(number * 12.9898) * spread
        shine = 0.5 + 0.5 * math.sin(time * (2 + number % 5) + number * 1.7)
        half = (0.004 + 0.018 * depth) * width * (0.4 + shine)
        draw.line((x - half, y, x + half, y), fill=(*colour, int(170 * shine)), width=max(1, height // 240))


def particles(kind: str, size: tuple[int, int], dice: random.Random) -> Callable[[Image.Image, float], None]:
    """What drifts in the air: a function that draws it on a picture, as it is at a time in seconds."""
    colour, count, fall, sway, radius = _KINDS[kind]
    flock = [
        (dice.random(), dice.random(), dice.uniform(0.4, 1.0), dice.random() * math.tau) for _ in range(count)
    ]
    if kind == "rain":
        return partial(_rain, flock, size)
    width, height = size
    scale = min(size) / 360
    sprites = {step: _soft(colour, max(1.0, radius * scale * step / 4)) for step in range(1, 5)}
    blinking = kind in {"fireflies", "embers", "dust"}

    def draw(picture: Image.Image, time: float) -> None:
        for x, y, near, phase in flock:
            left = ((x + sway * math.sin(time * 1.1 * near + phase) + 0.01 * time * near) % 1.0) * width
            down = ((y + fall * near * time) % 1.06 - 0.03) * height
            step = max(1, round(near * 4))
            if blinking and math.sin(time * 2.2 * near + phase * 3) < -0.25:
                continue
            sprite = sprites[step]
            picture.paste(sprite, (int(left), int(down)), sprite)

    return draw


_KINDS: dict[str, tuple[Colour, int, float, float, float]] = {
    # colour, how many, falling speed (heights a second), sway (widths), radius at 360 lines
    "dust": ((255, 250, 225), 22, -0.015, 0.02, 2.0),
    "snow": ((255, 255, 255), 90, 0.16, 0.025, 3.2),
    "petals": ((255, 205, 222), 40, 0.11, 0.05, 4.0),
    "leaves": ((226, 128, 56), 26, 0.12, 0.06, 4.2),
    "fireflies": ((222, 255, 150), 26, -0.01, 0.03, 3.6),
    "embers": ((255, 176, 84), 44, -0.13, 0.03, 2.8),
    "rain": ((214, 226, 255), 110, 1.3, 0.0, 1.0),
    "hearts": ((255, 120, 150), 24, -0.1, 0.03, 4.5),
}


def _soft(colour: Colour, radius: float) -> Image.Image:
    side = max(3, round(radius * 2.6))
    disc = Image.new("L", (_SPRITE * 4, _SPRITE * 4), 0)
    edge = _SPRITE * 0.6
    ImageDraw.Draw(disc).ellipse((edge, edge, _SPRITE * 4 - edge, _SPRITE * 4 - edge), fill=225)
    disc = disc.filter(ImageFilter.GaussianBlur(_SPRITE * 0.35)).resize((side, side), Image.Resampling.BOX)
    sprite = Image.new("RGBA", (side, side), (*colour, 0))
    sprite.putalpha(disc)
    return sprite


def _rain(
    flock: list[tuple[float, float, float, float]], size: tuple[int, int], picture: Image.Image, time: float
) -> None:
    width, height = size
    draw = ImageDraw.Draw(picture, "RGBA")
    for x, y, near, _ in flock:
        down = ((y + 1.3 * near * time) % 1.1 - 0.05) * height
        left = ((x - 0.1 * near * time) % 1.0) * width
        draw.line(
            (left, down, left - height * 0.008, down + height * 0.05 * near),
            fill=(214, 226, 255, int(120 * near)),
        )
