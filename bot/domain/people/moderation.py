"""Words and patterns that a prompt may not hold, found also where they are written to hide, and strikes. Pure.

A text is folded before it is looked at: full-width letters, invisible signs, marks on letters, letters of other
alphabets that look Latin, and digits that stand for letters. What is found was meant; what is folded is never shown.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.types import Millis, UserId

_LOOKALIKES = str.maketrans(
    {
        **dict(zip("авеіјкмнорстухѕԁԛԝһӏг", "abeijkmhopctyxsdqwhlr", strict=True)),  # Cyrillic
        **dict(zip("αβεηικνορτυχωγ", "abenikvoptuxwy", strict=True)),  # Greek
        **dict(zip("օսհոց", "ouhng", strict=True)),  # Armenian
    }
)
_LEET = str.maketrans("013457@$!", "oieastasi")

_SEPARATORS = re.compile(r"[\W_]+")
_SPELLED = re.compile(r"(?<!\w)\w(?: \w(?!\w)){2,}")


def folded(text: str) -> str:
    """A text as it is looked at: compatibility forms, small letters, no marks, nothing invisible, look-alikes as Latin."""
    plain = unicodedata.normalize("NFKD", text)
    seen = "".join(
        letter
        for letter in plain
        if unicodedata.category(letter) not in {"Mn", "Me", "Cf", "Cc"} or letter in "\n\t"
    )
    return unicodedata.normalize("NFC", seen.casefold().translate(_LOOKALIKES))


class Filter:
    """Finds what is not allowed, by language: `words` are looked for as words, `patterns` are regular expressions.

    Chinese has no spaces, so a word that holds Chinese letters is looked for anywhere. The language says
    where a rule comes from; every rule holds for every text, for people write in any language.
    Made once; looking costs about as much as the text is long.
    """

    def __init__(self, words: Mapping[str, Sequence[str]], patterns: Mapping[str, Sequence[str]]) -> None:
        self._anywhere: dict[str, str] = {}
        self._words: dict[str, str] = {}
        for language, of_language in words.items():
            for word in of_language:
                seen = _spaced(folded(word))
                if _is_unspaced(word):
                    self._anywhere[seen.replace(" ", "")] = f"{language}:{word}"
                else:
                    self._words[seen] = f"{language}:{word}"
        self._patterns = [
            (re.compile(pattern, re.IGNORECASE), f"{language}:/{pattern}/")
            for language, of_language in patterns.items()
            for pattern in of_language
        ]
        self._phrases = _phrases(self._words)

    def find(self, text: str) -> str | None:
        """The rule that a text breaks, as `language:word`; None where it breaks none."""
        seen = folded(text)
        # Signs that stand for letters are read before other signs are taken for gaps.
        for form in (seen, seen.translate(_LEET)):
            rule = self._find_word(form)
            if rule is not None:
                return rule
        for pattern, rule in self._patterns:
            if pattern.search(seen) or pattern.search(text):
                return rule
        return None

    def _find_word(self, seen: str) -> str | None:
        spaced = _spaced(seen)
        joined = spaced.replace(" ", "")
        for word, rule in self._anywhere.items():
            if word in joined:
                return rule
        found = None if self._phrases is None else self._phrases.search(spaced)
        if found is not None:
            return self._words[found[0]]
        # "f o x" and "f.o.x" are one word, also behind "a": letters that stand alone are put together.
        for run in _SPELLED.findall(spaced):
            together = run.replace(" ", "")
            for word, rule in self._words.items():
                if word in together:
                    return rule
        return None


def _phrases(words: Mapping[str, str]) -> re.Pattern[str] | None:
    if not words:
        return None
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(word) for word in longest_first) + r")(?!\w)")


def _spaced(text: str) -> str:
    """The words of a text with single spaces between them, and nothing else."""
    return _SEPARATORS.sub(" ", text).strip()


def _is_unspaced(word: str) -> bool:
    """Whether a word is of a script that puts no spaces between words."""
    return any(0x3040 <= ord(letter) <= 0x30FF or 0x3400 <= ord(letter) <= 0x9FFF for letter in word)


class StrikeSource(StrEnum):
    """Who refused a request."""

    WORDS = "words"
    HOOK = "hook"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Strike:
    """A request that was refused for what it holds, kept so that the person can appeal.

    `idempotency_key` is unique: what refused the request, and which one.
    """

    user_id: UserId
    at: Millis
    source: StrikeSource
    rule: str
    prompt: str
    idempotency_key: str
