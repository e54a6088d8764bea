"""Checks calls of the bot against a description of the Bot API.

The description (`bot_api.json`) names its version and source, and has the methods that the bot calls, their
parameters, and the types that parameters lead to: "Integer or String, required". A lower-case word in the place of a
type is the value itself. What the bot calls for the first time is added there. Parameters may come as JSON values or as strings, as at Telegram;
inside of JSON every value must be of its type.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bot.demo.telegram.wire import Call

DESCRIPTION = Path(__file__).with_name("bot_api.json")
PLAIN: Mapping[str, Callable[[Any], bool]] = {
    "Integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "Boolean": lambda value: isinstance(value, bool),
    "String": lambda value: isinstance(value, str),
}
AS_TEXT: Mapping[str, re.Pattern[str]] = {
    "Integer": re.compile(r"-?[0-9]+"),
    "Float": re.compile(r"-?[0-9]+(?:\.[0-9]+)?"),
    "Boolean": re.compile(r"true|false", re.IGNORECASE),
}
"""How plain values are written where a form carries them."""

NAMED = re.compile(r"attach://([^\"'\\,\]}]+)")
"""The part of a request that a file in its JSON is."""


@cache
def description() -> dict[str, Any]:
    """The description of the Bot API."""
    described: dict[str, Any] = json.loads(DESCRIPTION.read_text("utf-8"))
    return described


def types_of(field: str) -> list[str]:
    """The types that a parameter may have."""
    return field.removesuffix(", required").split(" or ")


def is_required(field: str) -> bool:
    """Whether a call must have it."""
    return field.endswith(", required") or field.islower()


class CallChecker:
    """Notes in `faults` what is wrong with the calls that it is shown."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def __call__(self, call: Call) -> None:
        """Check one call."""
        self.faults += [f"{call.method}: {fault}" for fault in faults_of(call)]


def faults_of(call: Call) -> list[str]:
    """What is wrong with a call: nothing, or each thing in a few words."""
    fields = description()["methods"].get(call.method)
    if fields is None:
        return ["is no described method"]
    given = {name: value for name, value in call.parameters.items() if value is not None}
    attached = {
        name for name in call.uploads if any(f"attach://{name}" in str(each) for each in given.values())
    }
    faults = [f"{name}: there is no such parameter" for name in given if name not in fields]
    faults += [f"{name}: there is no such file" for name in call.uploads if name not in {*fields, *attached}]
    named = {name for each in given.values() for name in NAMED.findall(str(each))}
    faults += [f"{name}: is named, and was not uploaded" for name in sorted(named - set(call.uploads))]
    faults += _missing(fields, {*given, *call.uploads})
    for name, field in fields.items():
        if name in call.uploads and "InputFile" not in types_of(field):
            faults.append(f"{name}: takes no file")
        elif name in given:
            faults += _parameter(name, types_of(field), given[name])
    return faults


def _missing(fields: Mapping[str, str], given: set[str]) -> list[str]:
    return [
        f"{name}: is missing" for name, field in fields.items() if is_required(field) and name not in given
    ]


def _parameter(name: str, types: list[str], value: Any) -> list[str]:
    """What is wrong with a parameter, which a form carries as a string."""
    if isinstance(value, str):
        if "String" in types or any(AS_TEXT[kind].fullmatch(value) for kind in types if kind in AS_TEXT):
            return []
        if all(kind in PLAIN for kind in types):
            return [f"{name}: is no {' or '.join(types)}"]
        try:
            value = json.loads(value)
        except ValueError:
            return [] if "InputFile" in types and value.startswith("attach://") else [f"{name}: is no JSON"]
    return _value(name, types, value)


def _value(place: str, types: list[str], value: Any) -> list[str]:
    """What is wrong with a value that must be of one of several types: the least of what each finds."""
    return min((_typed(place, kind, value) for kind in types), key=len)


def _typed(place: str, kind: str, value: Any) -> list[str]:
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{place}: is no {kind}"]
        inner = kind.removeprefix("Array of ")
        return [
            fault for number, each in enumerate(value) for fault in _typed(f"{place}[{number}]", inner, each)
        ]
    if kind in PLAIN:
        return [] if PLAIN[kind](value) else [f"{place}: is no {kind}"]
    described = description()["types"].get(kind)
    if described is None:
        return [f"{place}: {kind} is not described"]
    if not isinstance(value, dict):
        return [f"{place}: is no {kind}"]
    if isinstance(described, str):
        members = {description()["types"][each]["type"]: each for each in types_of(described)}
        member = members.get(str(value.get("type")))
        return _typed(place, member, value) if member else [f"{place}.type: is none of {', '.join(members)}"]
    faults = [f"{place}.{name}: there is no such field of {kind}" for name in value if name not in described]
    faults += [f"{place}.{fault}" for fault in _missing(described, set(value))]
    for name, field in described.items():
        if value.get(name) is not None and not field.islower():
            faults += _value(f"{place}.{name}", types_of(field), value[name])
    return faults
