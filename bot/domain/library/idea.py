"""Ideas: ready-made requests that a newcomer makes with one tap. Pure."""

import hashlib
from dataclasses import dataclass

from bot.domain.requests.options import Options

BUILT_IN = ("snow", "city", "tea", "space")
"""The ideas that come with the program, by the middle of their keys in the locale files; they are made of words."""

BUILT_IN_PHOTO = ("alive", "camera")
"""And those that are made of a photo."""


@dataclass(frozen=True, slots=True)
class Idea:
    """One idea. `words` are a prompt in the grammar of the chat; `sample` is a file or an https address.

    `photo` says whether it is made of a photo, which is asked for.
    """

    slug: str
    name: str
    words: str
    options: Options = Options()
    photo: bool = False
    sample: str = ""


def slug_of(name: str) -> str:
    """What a button names an idea by: it stays the same when others come and go."""
    return hashlib.sha256(name.encode()).hexdigest()[:10]
