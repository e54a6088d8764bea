"""Reads a JSON body field by field, strictly: a wrong type, a value out of range and an unasked field are refused."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.demo.kling.refusals import invalid

_REQUIRED: Any = object()


class Fields:
    """A body, or an object inside one, being read.

    Each method takes one field and remembers that it was asked for; `done` refuses the rest. With
    `lenient` the rest is ignored, null is as good as nothing, and a duration may be an integer: so the
    real service is said to behave, and so clients need it that send more than they should.

    Every method raises `Refusal` (1201) when the field is not what it must be, or is missing and has no
    default.
    """

    def __init__(self, body: Mapping[str, Any], *, where: str = "", lenient: bool = False) -> None:
        self._body = body
        self._where = where
        self._lenient = lenient
        self._asked: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether the field was sent; a lenient reader takes null for not sent."""
        self._asked.add(name)
        return name in self._body and not (self._lenient and self._body[name] is None)

    @property
    def lenient(self) -> bool:
        """Whether more is taken than is documented."""
        return self._lenient

    def done(self) -> None:
        """Refuse the fields that nobody asked for."""
        stray = sorted(set(self._body) - self._asked)
        if stray and not self._lenient:
            raise invalid(f"unknown field: {self._where}{stray[0]}")

    def text(self, name: str, default: str = _REQUIRED, *, longest: int | None = None) -> str:
        """A string of at most `longest` characters."""
        value = self._take(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, "must be a string")
        if longest is not None and len(value) > longest:
            raise self._wrong(name, f"must have at most {longest} characters")
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str = _REQUIRED) -> str:
        """One of the `allowed` strings."""
        value = self._take(name, default)
        if not isinstance(value, str) or (value not in allowed and value is not default):
            raise self._wrong(name, f"must be one of {', '.join(allowed)}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "must be true or false")
        return value

    def number(self, name: str, low: float, high: float, default: float = _REQUIRED) -> float:
        """A number from `low` to `high`."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(name, "must be a number")
        if not low <= value <= high:
            raise self._wrong(name, f"must be between {low:g} and {high:g}")
        return float(value)

    def whole(self, name: str, low: int, high: int, default: int = _REQUIRED) -> int:
        """An integer from `low` to `high`."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, "must be an integer")
        if not low <= value <= high:
            raise self._wrong(name, f"must be between {low} and {high}")
        return value

    def seconds(self, name: str, default: str = "5") -> int:
        """A duration in seconds, written as a string of digits."""
        value = self._take(name, default)
        if self._lenient and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 3:
            raise self._wrong(name, "must be a string of digits")
        return int(value)

    def raw(self, name: str) -> Any:
        """The value as it was sent, whatever it is; None when it was not sent."""
        return self._take(name, None)

    def address(self, name: str) -> str | None:
        """An http or https address, or None when it was not sent."""
        value = self._take(name, None)
        if value is None and not self.has(name):
            return None
        if not isinstance(value, str) or not is_address(value):
            raise self._wrong(name, "must be an http or https address")
        return value

    def identifier(self, name: str) -> str | None:
        """A string that is not empty, or None when it was not sent."""
        value = self._take(name, None)
        if value is None and not self.has(name):
            return None
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(name, "must be a string that is not empty")
        return value

    def inner(self, name: str) -> "Fields | None":
        """An object; None when it was not sent or is null."""
        value = self._take(name, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._wrong(name, "must be an object")
        return Fields(value, where=f"{self._where}{name}.", lenient=self._lenient)

    def inners(self, name: str, fewest: int, most: int) -> list["Fields"]:
        """A list of objects; empty when it was not sent."""
        return [
            Fields(value, where=f"{self._where}{name}[{number}].", lenient=self._lenient)
            if isinstance(value, dict)
            else self._refuse(name, "must hold objects")
            for number, value in enumerate(self._many(name, fewest, most))
        ]

    def texts(self, name: str, fewest: int, most: int) -> list[str]:
        """A list of strings; empty when it was not sent."""
        return [
            value if isinstance(value, str) else self._refuse(name, "must hold strings")
            for value in self._many(name, fewest, most)
        ]

    def _many(self, name: str, fewest: int, most: int) -> list[Any]:
        values = self._take(name, [])
        if not isinstance(values, list):
            raise self._wrong(name, "must be a list")
        if self.has(name) and not fewest <= len(values) <= most:
            raise self._wrong(name, f"must have {fewest} to {most} entries")
        return values

    def _take(self, name: str, default: Any) -> Any:
        self._asked.add(name)
        if self.has(name):
            return self._body[name]
        if default is _REQUIRED:
            raise self._wrong(name, "is required")
        return default

    def _refuse(self, name: str, problem: str) -> Any:
        raise self._wrong(name, problem)

    def _wrong(self, name: str, problem: str) -> Exception:
        return invalid(f"{self._where}{name} {problem}")


def is_address(value: str) -> bool:
    """Whether the text is an absolute http or https address."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
