"""The weather of a rendered scene: which colours, light and particles suit a prompt.

Words of the prompt choose a mood, the first in the list that fits; where none does, the prompt's hash
chooses, so the same prompt always looks the same.
"""

import hashlib
import re
from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Mood:
    """How a scene looks. `sky` goes from the top down, `hills` from the farthest range to the nearest."""

    name: str
    words: tuple[str, ...]
    sky: tuple[Colour, ...]
    light: Colour
    hills: tuple[Colour, ...]
    particles: str = "dust"
    stars: bool = False
    trees: bool = False
    water: bool = False


def _rgb(text: str) -> tuple[Colour, ...]:
    return tuple((int(name[0:2], 16), int(name[2:4], 16), int(name[4:6], 16)) for name in text.split())


MOODS = (
    Mood(
        "snow",
        ("snow", "winter", "ice", "arctic", "雪", "冬", "冰"),
        _rgb("7a9cc6 b9cfe8 f3e3e6"),
        (255, 246, 232),
        _rgb("a9bfdc 87a2c6 dfe9f5"),
        particles="snow",
        trees=True,
    ),
    Mood(
        "night",
        ("night", "moon", "moonlight", "star", "stars", "dark", "夜", "月", "星"),
        _rgb("0a1030 1e2a5e 4b4a86"),
        (238, 240, 255),
        _rgb("353c74 222a56 0f1530"),
        particles="fireflies",
        stars=True,
        trees=True,
    ),
    Mood(
        "sea",
        (
            "sea",
            "ocean",
            "boat",
            "ship",
            "beach",
            "wave",
            "waves",
            "lake",
            "sail",
            "sails",
            "海",
            "船",
            "湖",
            "浪",
        ),
        _rgb("2f6fb2 7fb9dc fde2b8"),
        (255, 240, 205),
        _rgb("6f9cc0 4a7fa6 1f6690"),
        water=True,
    ),
    Mood(
        "rain",
        ("rain", "storm", "street", "city", "neon", "雨", "城", "街"),
        _rgb("232a45 45506f 8f8aa0"),
        (214, 220, 240),
        _rgb("59607f 3f4664 242a42"),
        particles="rain",
    ),
    Mood(
        "blossom",
        ("blossom", "spring", "cherry", "flower", "flowers", "garden", "love", "花", "春", "樱"),
        _rgb("8fb4e3 f4c9d8 ffe9dc"),
        (255, 250, 236),
        _rgb("c6a9c8 9c8fb8 6f8f7c"),
        particles="petals",
        trees=True,
    ),
    Mood(
        "autumn",
        ("autumn", "leaves", "forest", "wood", "woods", "秋", "林"),
        _rgb("4f7396 e0a878 ffd9a0"),
        (255, 236, 190),
        _rgb("b9805f 8d5642 4a2f2b"),
        particles="leaves",
        trees=True,
    ),
    Mood(
        "ember",
        ("fire", "desert", "dragon", "volcano", "lava", "火", "龙", "沙漠"),
        _rgb("2a1230 8c2f39 f28f4f"),
        (255, 222, 160),
        _rgb("8f3f43 5d2736 2a1526"),
        particles="embers",
    ),
    Mood(
        "dusk",
        ("sunset", "dusk", "evening", "落日", "黄昏", "晚霞"),
        _rgb("28305f a5578a ffb27a"),
        (255, 226, 178),
        _rgb("8a5b93 573f78 291f47"),
        trees=True,
    ),
    Mood(
        "meadow",
        ("meadow", "morning", "sunrise", "day", "grass", "田", "草", "清晨", "日出"),
        _rgb("4d9de0 a9d6f5 fff3d6"),
        (255, 252, 230),
        _rgb("8fc0a9 5f9e7c 2f6f57"),
        trees=True,
    ),
)


def mood_of(prompt: str) -> Mood:
    """The mood that suits the prompt."""
    lower = prompt.lower()
    words = set(re.findall("[a-z]+", lower))
    for mood in MOODS:
        if any(word in words if word.isascii() else word in lower for word in mood.words):
            return mood
    return MOODS[seed_of(prompt) % len(MOODS)]


def seed_of(prompt: str) -> int:
    """A number that is the same for the same prompt on every machine."""
    return int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:8], "big")
