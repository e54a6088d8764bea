"""What an account can use as lines of the shell, for `check` and `init`. Pure."""

from datetime import UTC, datetime

from bot.domain.requests.model import prices_of
from bot.domain.requests.rules import numbers
from bot.domain.tasks.availability import Availability, State
from bot.domain.tasks.resource_packs import Units
from bot.domain.types import Millis

_NO = {
    State.NOT_ENABLED: "was refused as not enabled for this key; enable it, or take it out of models",
    State.MISSING: "was refused as not existing there; take it out of models",
    State.KEY: "cannot be used: the key is refused",
    State.ARREARS: "cannot be used: the account has no balance left",
}


def describe(availability: Availability, dialect: str) -> str:
    """One line about a model or a service: whether it can be used, why not and until when, its limits and prices."""
    name = f"{availability.model} ({availability.pack.replace('_', '-')})"
    if availability.state is State.UNNAMED:
        return f"{availability.model} cannot be asked for in the dialect {dialect}; take it out of models"
    if availability.state is State.RETIRED:
        others = availability.others
        instead = f"in its place: {', '.join(others)}" if others else "add another to models"
        return f"{availability.model} was ended by Kling on {availability.ended}; {instead}"
    if availability.state is State.EMPTY:
        return f"{name} has no units left{_gone(availability)}; buy a pack"
    if availability.state is not State.USABLE:
        again = "" if availability.until is None else f" (tried again after {_moment(availability.until)})"
        return f"{availability.model} {_NO[availability.state]}{again}"
    parts = [_limits(availability), _prices(availability), f"{availability.most} at a time"]
    if availability.units is not None:
        parts.append(_units(availability.units))
    if availability.ended is not None:
        parts.append(f"Kling ends it on {availability.ended}")
    if not availability.is_verified:
        parts.append("unverified")
    return f"{name}: {'; '.join(filter(None, parts))}"


def _limits(availability: Availability) -> str:
    row = availability.row
    if row.each:
        return ", ".join(row.resolutions)
    return f"{numbers(row.durations)} s" if row.durations != (0,) else ""


def _prices(availability: Availability) -> str:
    """The prices in credits: of a result by resolution, or of a second by mode."""
    row = availability.row
    unit, listed = ("a result", row.each) if row.each else ("a second", prices_of(row).rate)
    told = ", ".join(f"{key} {price:g}" for key, price in listed.items())
    return f"{told} credits {unit}" if told else ""


def _units(units: Units) -> str:
    left = "units left" if units.left is None else f"{units.left:g} units left"
    return left if units.ends_at is None else f"{left}, the first until {_moment(units.ends_at)}"


def _gone(availability: Availability) -> str:
    told = []
    if (units := availability.units) is not None and units.are_gone:
        what = "its packs expired" if units.has_expired else "its packs are used up"
        told.append(what if units.ends_at is None else f"{what}, the last on {_moment(units.ends_at)}")
        if units.begins_at is not None:
            told.append(f"the next begins on {_moment(units.begins_at)}")
    if availability.until is not None:
        told.append(f"tried again after {_moment(availability.until)}")
    return f" ({'; '.join(told)})" if told else ""


def _moment(at: Millis) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
