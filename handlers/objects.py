"""Whether an object of the Bot API holds what the Bot API promises.

python-telegram-bot makes objects of whatever it is given: a required object that is missing becomes None, and a
number stands where a text belongs, until something uses it. What each field must hold is read off the library's own
classes, so that nothing here knows a single field.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import telegram
from telegram import TelegramObject

Check = Callable[[Any], bool]

_PLAIN = (str, int, float, bool, datetime, timedelta, NoneType)


def check(value: object, *, whole: bool = False) -> None:
    """Look into an object, or a sequence of objects, of the library.

    Only where it must be `whole` may no object be missing in it: a Bot API server that is older than the library
    does not send what was added since, and an answer of it is an answer.

    Raises:
        ValueError: a field holds something else than the Bot API says, or misses what it requires.

    """
    if isinstance(value, TelegramObject):
        # mypy takes the hash of a class for that of its objects.
        for name, is_right, needed in _fields(type(value)):  # type: ignore[arg-type]
            held = getattr(value, name)
            # Most fields of an object are optional and not there.
            if (
                needed is Needed.ALWAYS or (needed is Needed.WHOLE and whole)
                if held is None
                else not is_right(held)
            ):
                raise ValueError(f"{type(value).__name__}.{name.lstrip('_')} is {type(held).__name__}")
            if isinstance(held, (TelegramObject, tuple)):
                check(held, whole=whole)
    elif isinstance(value, tuple):
        for part in value:
            check(part, whole=whole)


class Needed(Enum):
    """When a field must be there: the library makes None of a missing object, and refuses without a number or text."""

    NEVER = auto()
    WHOLE = auto()
    ALWAYS = auto()


@cache
def _fields(kind: type[TelegramObject]) -> tuple[tuple[str, Check, Needed], ...]:
    """The attributes of a class, what is right for each, and when it must be there.

    What allows anything is left out.
    """
    hints = get_type_hints(kind.__init__, localns=vars(telegram))
    found = []
    for name, hint in hints.items():
        is_right = _check_of(hint)
        # Where a name is a property, as that of a duration is, the attribute stands behind it if there is one.
        attribute = next((each for each in (name, f"_{name}") if _is_attribute(kind, each)), None)
        if is_right is not None and attribute is not None and name != "return":
            is_object = isinstance(hint, type) and issubclass(hint, TelegramObject)
            needed = Needed.NEVER if is_right(None) else Needed.WHOLE if is_object else Needed.ALWAYS
            found.append((attribute, is_right, needed))
    return tuple(found)


def _is_attribute(kind: type[TelegramObject], name: str) -> bool:
    return hasattr(kind, name) and not isinstance(getattr(kind, name), property)


def _check_of(hint: Any) -> Check | None:
    """What values an annotation allows; None where it is none of those that the Bot API's fields have."""
    if get_origin(hint) in {Union, UnionType}:
        checks = [_check_of(each) for each in get_args(hint)]
        known = [each for each in checks if each is not None]
        return None if len(known) < len(checks) else lambda value: any(each(value) for each in known)
    if get_origin(hint) is Sequence:
        part = _check_of(get_args(hint)[0])
        return (
            None if part is None else lambda value: isinstance(value, (tuple, list)) and all(map(part, value))
        )
    if not isinstance(hint, type) or not issubclass(hint, (*_PLAIN, TelegramObject)):
        return None
    if hint is float:
        return lambda value: isinstance(value, (float, int)) and not isinstance(value, bool)
    if hint is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    return lambda value: isinstance(value, hint)
