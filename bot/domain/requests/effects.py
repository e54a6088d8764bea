"""Kling's video effects, as data: `effects.toml`. Pure but for what loads it."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib import resources

from bot.domain.requests.values import normalize_word
from bot.errors import UserError


class EffectCategory(StrEnum):
    """What an effect is about, in the order in which they are shown."""

    TOGETHER = "together"
    DANCE = "dance"
    PETS = "pets"
    FUN = "fun"
    FANTASY = "fantasy"
    FASHION = "fashion"
    CAMERA = "camera"
    SPORTS = "sports"
    CELEBRATIONS = "celebrations"
    SPRING_FESTIVAL = "spring_festival"
    CHRISTMAS = "christmas"
    HALLOWEEN = "halloween"

    @property
    def key(self) -> str:
        """The key of its name."""
        return f"effect.category.{self}"


class EffectInput(StrEnum):
    """What an effect is made of."""

    ONE = "one"
    PET = "pet"
    TWO = "two"


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect; None for a category: it is not in our list."""

    scene: str
    input: EffectInput
    category: EffectCategory | None = None

    @property
    def images(self) -> int:
        """How many images it takes."""
        return 2 if self.input is EffectInput.TWO else 1

    @property
    def key(self) -> str:
        """The key of its title."""
        return f"effect.{self.scene}"


Translate = Callable[[str], Iterable[str]]
"""What the text of a key is in every language."""


class Effects:
    """All effects, to be found by their names and titles, and by parts of these, in every language."""

    def __init__(self, effects: Sequence[Effect], translate: Translate = lambda _: ()) -> None:
        self._effects = {effect.scene: effect for effect in effects}
        self._names: dict[str, Effect] = {}
        self._searched: dict[str, str] = {}
        for effect in effects:
            names = [effect.scene, *translate(effect.key)]
            category = () if effect.category is None else translate(effect.category.key)
            self._names |= {_plain(name): effect for name in names}
            self._searched[effect.scene] = " ".join(map(_plain, (*names, *category)))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._effects)

    def find(self, name: str, images: int) -> Effect:
        """The effect of a name or title; one that is not known is let through with the images that came with it."""
        known = self._names.get(_plain(name))
        taken = EffectInput.TWO if images > 1 else EffectInput.ONE
        return known or Effect("_".join(normalize_word(name).split()), taken)

    def get(self, scene: str) -> Effect | None:
        """The effect of a scene; None: it is not in our list."""
        return self._effects.get(scene)

    def nearest(self, name: str) -> str:
        """The scene whose name or title is most like this."""
        return self._names[get_close_matches(_plain(name), list(self._names), 1, 0.0)[0]].scene

    def check(self, name: str) -> None:
        """Refuse a name that no effect has.

        Raises:
            UserError: there is no such effect, with the scene whose name is most like it.

        """
        if _plain(name) not in self._names:
            raise UserError("error.effect.unknown", effect=name[:60], nearest=self.nearest(name))

    def search(self, words: str, images: int | None = None) -> list[Effect]:
        """The effects whose names, titles or categories hold all these words; all of them for none."""
        wanted = _plain(words).split()
        return [
            effect
            for scene, effect in self._effects.items()
            if all(word in self._searched[scene] for word in wanted) and images in {None, effect.images}
        ]

    def by_category(self, images: int | None = None) -> Mapping[EffectCategory, Sequence[Effect]]:
        """The effects of each category that has any."""
        found: dict[EffectCategory, list[Effect]] = {}
        for effect in self.search("", images):
            if effect.category is not None:
                found.setdefault(effect.category, []).append(effect)
        return found


def _plain(name: str) -> str:
    return normalize_word(name.replace("_", " "))


def read_effects(
    document: Mapping[str, Mapping[str, Sequence[str]]], translate: Translate = lambda _: ()
) -> Effects:
    """Read effects from their TOML form."""
    found = [
        Effect(scene, EffectInput(taken), EffectCategory(category))
        for category, inputs in document.items()
        for taken, scenes in inputs.items()
        for scene in scenes
    ]
    return Effects(found, translate)


@cache
def load_effects(translate: Translate = lambda _: ()) -> Effects:
    """The effects that come with the program."""
    text = resources.files("bot.domain.requests").joinpath("effects.toml").read_text("utf-8")
    return read_effects(tomllib.loads(text), translate)
