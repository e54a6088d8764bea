"""What keeps an account from using a model, in the reader's language: the same on cards, in `/models` and for admins."""

from collections.abc import Iterator
from datetime import datetime
from html import escape

from bot.domain.tasks.availability import Availability, State
from bot.domain.tasks.resource_packs import Units
from bot.i18n import Texts

_WHY = {
    State.EMPTY: "availability.empty",
    State.ARREARS: "availability.arrears",
    State.KEY: "availability.key",
    State.NOT_ENABLED: "availability.not_enabled",
    State.MISSING: "availability.missing",
    State.UNNAMED: "availability.unnamed",
}
_RESTING = frozenset(_WHY) - {State.UNNAMED}
"""What is tried again."""


def availability_line(t: Texts, availability: Availability, now: datetime) -> str:
    """Why something cannot be used, since when and until when; empty where nothing speaks against it."""
    return " ".join(_sentences(t, availability, now))


def units_line(t: Texts, units: Units, now: datetime) -> str:
    """How many units are left, and until when; or since when there are none."""
    if units.are_gone:
        return " ".join(_gone(t, units, now))
    number = "?" if units.left is None else t.number(round(units.left, 2))
    if units.ends_at is None:
        return t("availability.units", number=number)
    return t("availability.units_until", number=number, moment=t.moment(units.ends_at, now))


def _sentences(t: Texts, availability: Availability, now: datetime) -> Iterator[str]:
    if availability.state is State.RETIRED and availability.ended is not None:
        yield t("availability.retired", day=t.date(availability.ended, with_year=True))
    elif availability.state is State.EMPTY and availability.units is not None and availability.units.are_gone:
        yield from _gone(t, availability.units, now)
    elif availability.state in _WHY:
        yield t(_WHY[availability.state])
    elif availability.ended is not None:
        yield t("availability.ends", day=t.date(availability.ended, with_year=True))
    if availability.others and availability.ended is not None:
        yield t("availability.instead", models=escape(", ".join(availability.others)))
    if availability.state in _RESTING:
        if availability.until is None:
            yield t("availability.next")
        else:
            yield t("availability.again", moment=t.moment(availability.until, now))


def _gone(t: Texts, units: Units, now: datetime) -> Iterator[str]:
    if units.has_expired and units.ends_at is not None:
        yield t("availability.expired", moment=t.moment(units.ends_at, now))
    else:
        yield t("availability.empty")
    if units.begins_at is not None:
        yield t("availability.begins", moment=t.moment(units.begins_at, now))
