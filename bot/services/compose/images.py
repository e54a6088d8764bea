"""Pictures that are made, and pictures that move, speak or change."""

from collections.abc import Sequence

from bot.domain.requests.operations import Operation
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import Expansion, ImageRef, Speech, VideoRequest
from bot.errors import UserError
from bot.services.compose.offered import Offered

LARGEST_RATIO = 3.0
"""How many times its area a picture may get (see `Expansion`)."""

EVEN_EXPANSION = 0.25
"""How far a picture grows on every side where no shape was asked for: 1.5 × 1.5 of it."""


class Images(Offered):
    """A picture from words, or what is made of one."""

    def picture(self, parsed: ParsedPrompt, references: Sequence[ImageRef] = ()) -> VideoRequest:
        """A picture from words, or from words and pictures."""
        said = parsed.options
        operation = Operation.REFERENCES_TO_IMAGE if len(references) > 1 else Operation.IMAGE
        self._check_number(self._catalog.without_choice(operation)[0], len(references))
        return self._checked(
            operation=operation,
            model=self._usual(operation),
            prompt=parsed.prompt,
            negative_prompt=said.negative_prompt or "",
            aspect_ratio=said.aspect_ratio or self._defaults.default_aspect_ratio,
            resolution=said.resolution or "1k",
            duration=0,
            count=said.count or 1,
            spoiler=bool(said.spoiler),
            references=tuple(references),
        )

    def expansion(self, parsed: ParsedPrompt, picture: ImageRef) -> VideoRequest:
        """A picture with more around it, in the shape that was asked for or a bit larger on every side."""
        said = parsed.options
        return self._checked(
            operation=Operation.EXPAND,
            model=self._usual(Operation.EXPAND),
            prompt=parsed.prompt,
            duration=0,
            aspect_ratio=None,
            count=said.count or 1,
            spoiler=bool(said.spoiler),
            references=(picture,),
            expansion=_expansion(picture, said.aspect_ratio),
        )

    def try_on(self, person: ImageRef, garment: ImageRef) -> VideoRequest:
        """A person who wears what another picture shows, as a picture."""
        return self._checked(
            operation=Operation.TRY_ON,
            model=self._usual(Operation.TRY_ON),
            duration=0,
            aspect_ratio=None,
            references=(person, garment),
        )

    def effect(self, name: str, pictures: Sequence[ImageRef]) -> VideoRequest:
        """One of Kling's effects, on one picture or two."""
        effect = self.effects.find(name, len(pictures))
        if len(pictures) != effect.pictures:
            raise UserError("error.effect.pictures", effect=effect.title, number=effect.pictures)
        return self._checked(
            operation=Operation.EFFECT,
            model=self._usual(Operation.EFFECT),
            effect=effect.scene,
            duration=0,
            aspect_ratio=None,
            references=tuple(pictures),
        )

    def avatar(self, parsed: ParsedPrompt, person: ImageRef, speech: Speech) -> VideoRequest:
        """A person in a picture who speaks."""
        return self._checked(
            operation=Operation.AVATAR,
            model=self._usual(Operation.AVATAR),
            mode=parsed.options.mode or "std",
            duration=0,
            aspect_ratio=None,
            references=(person,),
            speech=speech,
        )


def _expansion(picture: ImageRef, ratio: str | None) -> Expansion:
    """How far a picture grows to get a shape; the whole shape only as far as the area may grow."""
    if ratio is None:
        return Expansion(up=EVEN_EXPANSION, down=EVEN_EXPANSION, left=EVEN_EXPANSION, right=EVEN_EXPANSION)
    width, _, height = ratio.partition(":")
    factor = min(int(width) / int(height) * picture.height / picture.width, LARGEST_RATIO)
    if abs(factor - 1) < 0.01:
        raise UserError("error.request.same_shape", ratio=ratio)
    if factor > 1:
        side = min((factor - 1) / 2, 1.0)
        return Expansion(left=side, right=side)
    side = min((1 / factor - 1) / 2, 1.0)
    return Expansion(up=side, down=side)
