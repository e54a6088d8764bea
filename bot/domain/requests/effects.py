"""Kling's video effects, as data: `effects.toml`. Pure but for `load`."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources

from bot.domain.requests.options import plain


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect. `pictures` is how many it takes: one or two."""

    scene: str
    pictures: int

    @property
    def title(self) -> str:
        """Its name as people read it: `hug pro`."""
        return self.scene.replace("_", " ")


class Effects:
    """All effects, to be found by name and by parts of it."""

    def __init__(self, effects: Sequence[Effect]) -> None:
        self._effects = {effect.scene: effect for effect in effects}

    def find(self, name: str, pictures: int) -> Effect:
        """The effect of a name; one that is not known is let through with the pictures that came with it."""
        scene = "_".join(plain(name).split())
        return self._effects.get(scene) or Effect(scene, pictures)

    def knows(self, name: str) -> bool:
        """Whether there is an effect of this name."""
        return "_".join(plain(name).split()) in self._effects

    def nearest(self, name: str) -> str:
        """The scene whose name is most like this."""
        return get_close_matches("_".join(plain(name).split()), list(self._effects), 1, 0.0)[0]

    def search(self, words: str, pictures: int | None = None) -> list[Effect]:
        """The effects whose names hold all these words; all of them for none."""
        wanted = plain(words).split()
        return [
            effect
            for effect in self._effects.values()
            if all(word in effect.scene for word in wanted) and pictures in {None, effect.pictures}
        ]


def read(document: Mapping[str, Sequence[str]]) -> Effects:
    """Read effects from their TOML form."""
    return Effects(
        [Effect(scene, number) for number, name in ((1, "one"), (2, "two")) for scene in document[name]]
    )


@cache
def load() -> Effects:
    """The effects that come with the program."""
    return read(
        tomllib.loads(resources.files("bot.domain.requests").joinpath("effects.toml").read_text("utf-8"))
    )
