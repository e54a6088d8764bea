"""Texts in the reader's language: gettext catalogues read at start, plural rules and formats by Babel.

A message id is a key (`notice.cancelled`); the English catalogue holds every key, and a language that
lacks one falls back to it. Placeholders are `{name}`.
"""

import gettext
import io
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import structlog
from babel import Locale
from babel.dates import format_skeleton, format_time, get_datetime_format
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

log = structlog.get_logger(__name__)

DEFAULT = "en"
NAMES: Mapping[str, str] = {"en": "English", "zh_Hans": "简体中文"}
"""Every language there is a catalogue for, named in itself."""

_SECOND, _MINUTE, _HOUR = 1_000, 60_000, 3_600_000


def languages() -> list[str]:
    """The languages that people can choose."""
    return list(NAMES)


def choose(telegram_language: str | None) -> str:
    """The best language for a Telegram client's language code (`zh-hans`, `pt-br`), else English."""
    code = (telegram_language or "").lower().replace("_", "-")
    return "zh_Hans" if code.split("-")[0] == "zh" else DEFAULT


@cache
def _catalogue(language: str) -> gettext.GNUTranslations:
    source = resources.files("bot").joinpath("locales", language, "LC_MESSAGES", "bot.po")
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source.read_bytes()), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


class Texts:
    """The texts of one language. Calling it gives a text: `t("help.video", model="kling-v2-6")`."""

    def __init__(self, language: str, read: Callable[[str], gettext.GNUTranslations] = _catalogue) -> None:
        self.language = language if language in NAMES else DEFAULT
        self.locale = Locale.parse(self.language)
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
        text = self._own.ngettext(key, key, number)
        if text == key:
            self._tell_missing(key)
            text = self._english.ngettext(key, key, number)
        if text == key:
            raise KeyError(key)
        return text.format_map({**params, "number": self.number(number)})

    def _find(self, key: str) -> str:
        text = self._own.gettext(key)
        if text == key:
            self._tell_missing(key)
            text = self._english.gettext(key)
        if text == key:
            raise KeyError(key)
        return text

    def _tell_missing(self, key: str) -> None:
        if key not in self._told:
            self._told.add(key)
            log.error("a text is missing", language=self.language, key=key)

    def number(self, value: float) -> str:
        """A number as the reader writes it."""
        return str(format_decimal(value, locale=self.locale))

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

    def day(self, milliseconds: int, zone: ZoneInfo, now: int) -> str:
        """A day in the given zone, in few letters: `21 Nov`, with its year where that is another."""
        at = datetime.fromtimestamp(milliseconds / 1000, zone)
        same_year = at.year == datetime.fromtimestamp(now / 1000, zone).year
        return format_skeleton("MMMd" if same_year else "yMMMd", at, locale=self.locale)

    def moment(self, milliseconds: int, zone: ZoneInfo, now: int) -> str:
        """A moment in the given zone: the time, with its date where it is not today, and the year where that is another.

        The month is a word wherever the language has one: `1/2` is two days.
        """
        at = datetime.fromtimestamp(milliseconds / 1000, zone)
        today = datetime.fromtimestamp(now / 1000, zone).date()
        said = format_time(at, "short", locale=self.locale)
        if at.date() != today:
            date = format_skeleton("MMMd" if at.year == today.year else "yMMMd", at, locale=self.locale)
            said = str(get_datetime_format("medium", self.locale)).format(said, date)
        return f"{said} ({zone.key})"


@cache
def for_language(language: str) -> Texts:
    """The texts of a language; an unknown one gives English."""
    return Texts(language)
