"""Templates: requests without their images. People save them; operators offer some as ideas. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot.domain.requests.naming import ASSETS, show_text
from bot.domain.requests.request import GenerationRequest, ImageRef
from bot.domain.types import ALPHABET, Millis, UserId, draw_id
from bot.errors import UserError

TITLE_LIMIT = 40
"""Characters in a title: it stands in lists and on buttons."""

MAX_TEMPLATES = 100
"""Of one person."""

TOKEN_LENGTH = 12
"""Letters of five bits each: whoever knows a token may see the template, so none can be guessed."""

BUILT_IN = ("snow", "city", "tea", "space")
"""The ideas that come with the program, by the middle of their keys in the locale files; they are made of words."""

BUILT_IN_PHOTO = ("alive", "camera")
"""And those that are made of a photo."""

_IMAGES = frozenset({"first_frame", "last_frame", "references", "brush", "continues"})


@dataclass(frozen=True, slots=True)
class Template:
    """What can be made again with other images.

    `owner` saved it; None: it is an idea. `skeleton` holds the fields of a request that differ from their defaults,
    without images. `frames` and `references` say how many images it takes, and what for. `preview` shows what it
    makes: a file or an https address, or empty.
    """

    token: str
    owner: UserId | None
    title: str
    skeleton: dict[str, Any]
    frames: int
    references: int
    created_at: Millis
    preview: str = ""

    @property
    def images(self) -> int:
        """How many images it takes."""
        return self.frames + self.references

    @property
    def prompt(self) -> str:
        """Its prompt, which may be empty."""
        stored = self.skeleton
        assets = (stored.get(name, ()) for name in ASSETS)
        return show_text(str(stored.get("prompt", "")), *assets)


def new_token(rng: random.Random) -> str:
    """Draw a token."""
    return draw_id(rng, TOKEN_LENGTH)


def is_token(text: str) -> bool:
    """Whether a text, which may come from anybody, has the form of a token."""
    return len(text) == TOKEN_LENGTH and all(letter in ALPHABET for letter in text)


def can_become_template(request: GenerationRequest) -> bool:
    """Whether a request can be made again with other images: it works on no certain video and no certain sound."""
    return request.source is None and (request.speech is None or request.speech.audio is None)


def make_template(
    request: GenerationRequest, token: str, owner: UserId | None, title: str, now: Millis, preview: str = ""
) -> Template:
    """Turn a request into a template.

    Raises:
        UserError: it works on a certain video or sound.

    """
    if not can_become_template(request):
        raise UserError("error.template.not_this")
    skeleton = request.model_dump(mode="json", exclude_defaults=True, exclude=set(_IMAGES))
    # An image decides on the ratio, where there is one; without this line the default would come back.
    skeleton["aspect_ratio"] = request.aspect_ratio
    skeleton["duration"] = request.duration
    frames = sum(frame is not None for frame in (request.first_frame, request.last_frame))
    return Template(token, owner, title, skeleton, frames, len(request.references), now, preview)


def fill_template(template: Template, images: Sequence[ImageRef]) -> GenerationRequest:
    """The request that a template makes of some images.

    Raises:
        UserError: it takes more or fewer, or was saved by a version of the program that knew other settings.

    """
    if len(images) != template.images:
        raise UserError("error.template.images", number=template.images)
    frames, references = images[: template.frames], images[template.frames :]
    try:
        return GenerationRequest.model_validate(
            {
                **template.skeleton,
                "first_frame": frames[0] if frames else None,
                "last_frame": frames[1] if len(frames) > 1 else None,
                "references": tuple(references),
            }
        )
    except ValidationError:
        raise UserError("error.template.outdated") from None


def clean_title(text: str) -> str:
    """A title as it is kept: on one line, no longer than `TITLE_LIMIT`.

    Raises:
        UserError: nothing is left of it.

    """
    title = " ".join(text.split())[:TITLE_LIMIT].strip()
    if not title:
        raise UserError("error.template.no_title")
    return title


def suggest_title(request: GenerationRequest, taken: Sequence[str]) -> str:
    """A title out of the first words of a prompt, with a number where it is taken."""
    words = " ".join(request.prompt.split()) or str(request.effect or request.operation).replace("_", " ")
    base = words if len(words) <= TITLE_LIMIT - 8 else words[: TITLE_LIMIT - 8].rsplit(" ", 1)[0]
    known = {title.casefold() for title in taken}
    return next(
        title for number in range(1, len(known) + 2)
        if (title := base if number == 1 else f"{base} {number}").casefold() not in known
    )  # fmt: skip
