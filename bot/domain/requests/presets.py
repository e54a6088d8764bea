"""Kling's own voices and effects, as data: `voices.toml` and `effects.toml`. Pure but for what loads them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources

from bot.domain.requests.values import normalize_word
from bot.errors import UserError

CHINESE = range(0x3400, 0xA000)

SHORTEST_ID = 6
"""Digits of a voice's id at least; Kling's have 18."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice. `languages` are `zh` and `en`."""

    id: str
    names: tuple[str, ...]
    languages: tuple[str, ...]


class Voices:
    """The voices by all their names."""

    def __init__(self, voices: Sequence[Voice]) -> None:
        self._voices = tuple(voices)
        self._by_name = {normalize_word(name): voice for voice in voices for name in (*voice.names, voice.id)}

    def of(self, language: str) -> tuple[Voice, ...]:
        """Those that speak a language."""
        return tuple(voice for voice in self._voices if language in voice.languages)

    def find(self, name: str, language: str) -> Voice:
        """The voice of a name, or the first of the language where none was named.

        Raises:
            UserError: there is none of that name that speaks the language, with some that do.

        """
        able = self.of(language)
        if not name:
            return able[0]
        voice = self._by_name.get(normalize_word(name))
        if voice is None and ("_" in name or "-" in name or (len(name) >= SHORTEST_ID and name.isdecimal())):
            # An id that is not in the list: a voice of one's own.
            return Voice(name, (name,), (language,))
        if voice is None or language not in voice.languages:
            names = [known.names[0] for known in able]
            close = get_close_matches(name, names, 1, 0.0)
            raise UserError("error.voice.unknown", voice=name[:40], nearest=close[0], voices=", ".join(names))
        return voice


def language_of(text: str) -> str:
    """The language that a text is spoken in: Chinese where it has Chinese letters."""
    return "zh" if any(ord(letter) in CHINESE for letter in text) else "en"


def read_voices(document: Mapping[str, Mapping[str, Sequence[str]]]) -> Voices:
    """Read voices from their TOML form."""
    return Voices(
        [Voice(name, tuple(row["names"]), tuple(row["languages"])) for name, row in document.items()]
    )


@cache
def load_voices() -> Voices:
    """The voices that come with the program."""
    return read_voices(
        tomllib.loads(resources.files("bot.domain.requests").joinpath("voices.toml").read_text("utf-8"))
    )


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect. `images` is how many it takes: one or two."""

    scene: str
    images: int

    @property
    def title(self) -> str:
        """Its name as people read it: `hug pro`."""
        return self.scene.replace("_", " ")


class Effects:
    """All effects, to be found by name and by parts of it."""

    def __init__(self, effects: Sequence[Effect]) -> None:
        self._effects = {effect.scene: effect for effect in effects}

    def find(self, name: str, images: int) -> Effect:
        """The effect of a name; one that is not known is let through with the pictures that came with it."""
        scene = "_".join(normalize_word(name).split())
        return self._effects.get(scene) or Effect(scene, images)

    def nearest(self, name: str) -> str:
        """The scene whose name is most like this."""
        return get_close_matches("_".join(normalize_word(name).split()), list(self._effects), 1, 0.0)[0]

    def check(self, name: str) -> None:
        """Refuse a name that no effect has.

        Raises:
            UserError: there is no such effect, with the scene whose name is most like it.

        """
        if "_".join(normalize_word(name).split()) not in self._effects:
            raise UserError("error.effect.unknown", effect=name[:60], nearest=self.nearest(name))

    def search(self, words: str, images: int | None = None) -> list[Effect]:
        """The effects whose names hold all these words; all of them for none."""
        wanted = normalize_word(words).split()
        return [
            effect
            for effect in self._effects.values()
            if all(word in effect.scene for word in wanted) and images in {None, effect.images}
        ]


def read_effects(document: Mapping[str, Sequence[str]]) -> Effects:
    """Read effects from their TOML form."""
    return Effects(
        [Effect(scene, number) for number, name in ((1, "one"), (2, "two")) for scene in document[name]]
    )


@cache
def load_effects() -> Effects:
    """The effects that come with the program."""
    return read_effects(
        tomllib.loads(resources.files("bot.domain.requests").joinpath("effects.toml").read_text("utf-8"))
    )
