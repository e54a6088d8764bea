"""What people make again: templates, which are requests without their pictures, and ready-made ideas. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot.domain.requests.options import Options
from bot.domain.requests.request import ImageRef, VideoRequest
from bot.domain.units import ALPHABET, Millis, UserId, draw_id, short_hash
from bot.errors import UserError

NAME_LIMIT = 40
"""Characters in a recipe's name: it stands in lists and on buttons."""

MOST_RECIPES = 100
"""Of one person."""

TOKEN_LENGTH = 12
"""Letters of five bits each: whoever knows a token may see the recipe, so none can be guessed."""

_PICTURES = frozenset({"first_frame", "last_frame", "references", "brush"})


@dataclass(frozen=True, slots=True)
class Recipe:
    """A saved recipe. `settings` are the fields of a request that differ from what is usual, without pictures.

    `frames` and `references` say how many pictures it takes, and what for.
    """

    token: str
    user_id: UserId
    name: str
    settings: dict[str, Any]
    frames: int
    references: int
    created_at: Millis

    @property
    def pictures(self) -> int:
        """How many pictures it takes."""
        return self.frames + self.references

    @property
    def prompt(self) -> str:
        """Its words; a recipe may have none."""
        return str(self.settings.get("prompt", ""))


def new_token(rng: random.Random) -> str:
    """Draw a token."""
    return draw_id(rng, TOKEN_LENGTH)


def is_token(text: str) -> bool:
    """Whether a text, which may come from anybody, has the form of a token."""
    return len(text) == TOKEN_LENGTH and all(letter in ALPHABET for letter in text)


def can_become(request: VideoRequest) -> bool:
    """Whether a request can be made of something else: it works on no certain video and no certain sound."""
    return request.source is None and (request.speech is None or request.speech.audio is None)


def recipe_of(request: VideoRequest, token: str, user_id: UserId, name: str, now: Millis) -> Recipe:
    """Turn a request into a recipe.

    Raises:
        UserError: it works on a certain video or sound, and so cannot be made of something else.

    """
    if not can_become(request):
        raise UserError("error.recipe.not_this")
    kept = request.model_dump(mode="json", exclude_defaults=True, exclude=set(_PICTURES))
    # A picture decides on the shape, where there is one; without this line the usual one would come back.
    kept["aspect_ratio"] = request.aspect_ratio
    kept["duration"] = request.duration
    frames = sum(frame is not None for frame in (request.first_frame, request.last_frame))
    return Recipe(token, user_id, name, kept, frames, len(request.references), now)


def made_of(recipe: Recipe, pictures: Sequence[ImageRef]) -> VideoRequest:
    """The request that a recipe makes of some pictures.

    Raises:
        UserError: it takes more or fewer, or was saved by a version of the program that knew other settings.

    """
    if len(pictures) != recipe.pictures:
        raise UserError("error.recipe.pictures", number=recipe.pictures)
    frames, references = pictures[: recipe.frames], pictures[recipe.frames :]
    try:
        return VideoRequest.model_validate(
            {
                **recipe.settings,
                "first_frame": frames[0] if frames else None,
                "last_frame": frames[1] if len(frames) > 1 else None,
                "references": tuple(references),
            }
        )
    except ValidationError:
        raise UserError("error.recipe.outdated") from None


def previewed(recipe: Recipe) -> VideoRequest:
    """The recipe as a request with pictures that stand for those to come: to be shown and priced, never sent.

    Raises:
        UserError: it was saved by a version of the program that knew other settings.

    """
    blank = ImageRef(sha256="0" * 64, media_type="image/jpeg", width=1024, height=1024)
    return made_of(recipe, (blank,) * recipe.pictures)


def clean_name(text: str) -> str:
    """A name as it is kept: on one line, no longer than `NAME_LIMIT`.

    Raises:
        UserError: nothing is left of it.

    """
    name = " ".join(text.split())[:NAME_LIMIT].strip()
    if not name:
        raise UserError("error.recipe.no_name")
    return name


def suggested_name(request: VideoRequest, taken: Sequence[str]) -> str:
    """A name out of the first words of a prompt, with a number where it is taken."""
    words = " ".join(request.prompt.split()) or str(request.effect or request.operation).replace("_", " ")
    base = words if len(words) <= NAME_LIMIT - 8 else words[: NAME_LIMIT - 8].rsplit(" ", 1)[0]
    known = {name.casefold() for name in taken}
    return next(
        name for number in range(1, len(known) + 2)
        if (name := base if number == 1 else f"{base} {number}").casefold() not in known
    )  # fmt: skip


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
    return short_hash(name, 10)
