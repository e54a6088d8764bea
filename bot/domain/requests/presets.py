"""Kling's own voices, as data: `voices.toml`. Pure but for what loads them."""

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

    def knows(self, name: str) -> bool:
        """Whether a voice is called so."""
        return normalize_word(name) in self._by_name

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
