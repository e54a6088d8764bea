"""Texts in the reader's language: gettext catalogues read at start, numbers and dates by Babel.

A message id is a key (`notice.cancelled`); the English catalogue holds every key, and a language that
lacks one falls back to it. Placeholders are `{name}`.
"""

import gettext
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources

import structlog

log = structlog.get_logger(__name__)

DEFAULT = "en"
NAMES: Mapping[str, str] = {"en": "English", "zh_Hans": "简体中文"}
"""Every language there is a catalogue for, named in itself."""

_ORDINALS = {1: "unit.ordinal_1", 2: "unit.ordinal_2", 3: "unit.ordinal_3"}
_SECOND, _MINUTE, _HOUR = 1_000, 60_000, 3_600_000


def languages() -> list[str]:
    """The languages that people can choose."""
    return list(NAMES)


def choose(telegram_language: str | None, default: str = DEFAULT) -> str:
    """The language for a Telegram client's language code (`zh-hans`, `pt-br`), else the `default`."""
    spoken = (telegram_language or "").lower().replace("_", "-").split("-")[0]
    return next((language for language in NAMES if language.split("_")[0] == spoken), default)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language by key, each in its plural forms, and which form goes with a number."""

    texts: Mapping[str, tuple[str, ...]]
    form_for: Callable[[int], int]


@cache
def read_catalogue(language: str) -> Catalogue:
    """Read a language's file; only what our files hold, for Babel takes ten times as long at every start."""
    source = resources.files("bot").joinpath("locales", language, "LC_MESSAGES", "bot.po").read_text("utf-8")
    texts: dict[str, tuple[str, ...]] = {}
    for entry in _ENTRY.finditer(source):
        forms = [form for form in _STRINGS.split(entry["forms"]) if form]
        texts[_unquoted(entry["key"])] = tuple(_unquoted(form) for form in forms)
    (header,) = texts.pop("")
    rule = re.search(r"plural=(.+?);", header)
    assert rule is not None, language  # noqa: S101  each of our files has one
    return Catalogue(texts, gettext.c2py(rule[1]))


_ENTRY = re.compile(
    r'^msgid (?P<key>(?:".*"\n)+)(?:msgid_plural (?:".*"\n)+)?(?P<forms>(?:msgstr(?:\[\d\])? (?:".*"\n?)+)+)',
    re.MULTILINE,
)
_STRINGS = re.compile(r"^msgstr(?:\[\d\])? ", re.MULTILINE)


def _unquoted(lines: str) -> str:
    """Join the quoted lines of one string; the escapes that our files hold are those of JSON."""
    return "".join(json.loads(line) for line in lines.splitlines())


class Texts:
    """The texts of one language. Calling it gives a text: `t("help.video", model="kling-v2-6")`."""

    def __init__(self, language: str, read: Callable[[str], Catalogue] = read_catalogue) -> None:
        self.language = language if language in NAMES else DEFAULT
        self._own = read(self.language)
        self._english = read(DEFAULT)
        self._told: set[str] = set()

    def __call__(self, key: str, **params: object) -> str:
        """The text of a key with its placeholders filled in.

        Raises:
            KeyError: the key is in no catalogue, or a placeholder has no value.

        """
        return self._find(key).format_map(params)

    def plural(self, key: str, number: int, **params: object) -> str:
        """The text of a key in the form that goes with `number`, which is the placeholder `{number}`."""
        text = self._find(key, number)
        return text.format_map({**params, "number": self.number(number)})

    def _find(self, key: str, number: int = 1) -> str:
        catalogue = self._own
        if not any(catalogue.texts.get(key, ())):
            self._tell_missing(key)
            catalogue = self._english
        forms = catalogue.texts[key]
        return forms[catalogue.form_for(number)] if len(forms) > 1 else forms[0]

    def _tell_missing(self, key: str) -> None:
        if key not in self._told:
            self._told.add(key)
            log.error("a text is missing", language=self.language, key=key)

    def number(self, value: float) -> str:
        """A number as the reader writes it."""
        from babel.numbers import format_decimal

        return str(format_decimal(value, locale=self.language))

    def duration(self, milliseconds: int) -> str:
        """A length of time in its two largest units: `1 min 5 s`."""
        value = max(0, milliseconds)
        hours, rest = divmod(value, _HOUR)
        minutes, rest = divmod(rest, _MINUTE)
        seconds = rest // _SECOND
        if hours:
            return self("unit.hours_minutes", hours=hours, minutes=minutes)
        if minutes:
            return self("unit.minutes_seconds", minutes=minutes, seconds=seconds)
        return self("unit.seconds", seconds=seconds)

    def roughly(self, milliseconds: int) -> str:
        """A length of time as one says it of what lies ahead, in whole minutes: `6 min`, `1 h 5 min`."""
        hours, minutes = divmod(max(1, -(-milliseconds // _MINUTE)), _HOUR // _MINUTE)
        if hours:
            return self("unit.hours_minutes", hours=hours, minutes=minutes)
        return self("unit.minutes", minutes=minutes)

    def ordinal(self, number: int) -> str:
        """A place in a row: `3rd`, `11th`."""
        ending = 0 if number % 100 in {11, 12, 13} else number % 10
        return self(_ORDINALS.get(ending, "unit.ordinal_other"), number=self.number(number))

    def day(self, milliseconds: int, now: datetime) -> str:
        """A day in the time zone of `now`, in few letters: `21 Nov`, with its year where that is another."""
        at = datetime.fromtimestamp(milliseconds / 1000, now.tzinfo)
        return self.date(at, with_year=at.year != now.year)

    def date(self, day: date, *, with_year: bool = False) -> str:
        """A day in few letters; the month is a word wherever the language has one, for `1/2` is two days."""
        from babel.dates import format_skeleton

        return str(format_skeleton("yMMMd" if with_year else "MMMd", day, locale=self.language))

    def moment(self, milliseconds: int, now: datetime) -> str:
        """A moment in the time zone of `now`: the time, with its date where it is not today, and the year where that is another."""
        from babel.dates import format_time, get_datetime_format

        at = datetime.fromtimestamp(milliseconds / 1000, now.tzinfo)
        today = now.date()
        said = format_time(at, "short", locale=self.language)
        if at.date() != today:
            date = self.date(at, with_year=at.year != today.year)
            said = str(get_datetime_format("medium", self.language)).format(said, date)
        return f"{said} ({now.tzinfo})"


def in_every_language(key: str) -> tuple[str, ...]:
    """A text without placeholders as each language has it."""
    return tuple(for_language(language)(key) for language in NAMES)


@cache
def for_language(language: str) -> Texts:
    """The texts of a language; an unknown one gives English."""
    return Texts(language)
