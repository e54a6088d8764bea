"""Where the keys of a settings file stand, and which key or value was probably meant."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

KeyPath = tuple[str, ...]

_PART = re.compile(
    r"""\s*(?:"(?P<basic>(?:[^"\\]|\\.)*)"|'(?P<literal>[^']*)'|(?P<bare>[\w-]+))\s*(?P<end>[.=\]]|$)"""
)
_STRINGS = ('"""', "'''")


def lines_of(text: str) -> Mapping[KeyPath, int]:
    """The number of the line (from 1) that each key and table of a TOML document begins on.

    Keys inside a value, such as those of an inline table, stand where the value begins. The document is known to be
    sound: what the parser took is only looked for here, as it tells no places.
    """
    found: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    inside = ""
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        if inside:
            inside = "" if line.count(inside) % 2 else inside
            continue
        bare = _without_strings(line)
        if depth == 0 and (key := line.strip()).startswith("["):
            many = key.startswith("[[")
            table = _numbered(_parts(key[2 if many else 1 :]), counts, many=many)
            found.setdefault(table, number)
            continue
        if depth == 0 and (parts := _parts(line)):
            for length in range(1, len(parts) + 1):
                found.setdefault((*table, *parts[:length]), number)
        inside = next((quotes for quotes in _STRINGS if line.count(quotes) % 2), "")
        depth += sum(bare.count(each) for each in "[{") - sum(bare.count(each) for each in "]}")
    return found


def _without_strings(line: str) -> str:
    """A line without what stands in quotes, and without its comment."""
    return re.sub(r"""("(?:[^"\\]|\\.)*"|'[^']*'|#.*)""", "", line)


def _parts(text: str) -> KeyPath:
    """The parts of the dotted key that a text begins with; none where it begins with something else."""
    parts: list[str] = []
    position = 0
    while match := _PART.match(text, position):
        parts.append(next(part for part in match.group("basic", "literal", "bare") if part is not None))
        position = match.end()
        if match["end"] != ".":
            return tuple(parts)
    return ()


def _numbered(parts: KeyPath, counts: dict[KeyPath, int], *, many: bool) -> KeyPath:
    """The place of a table: with the number of the latest entry behind each list of tables."""
    place: KeyPath = ()
    for index, part in enumerate(parts):
        place = (*place, part)
        if many and index == len(parts) - 1:
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, str(counts[place]))
    return place


def keys_at(model: type[BaseModel], place: KeyPath) -> tuple[str, ...]:
    """The keys that the table at a place may have; none where it is no table with fixed keys."""
    kind: Any = model
    for part in place:
        kind = _inside(kind, part)
    kind = _plain(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return tuple(kind.model_fields)
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def secrets_of(model: type[BaseModel]) -> list[tuple[str, str]]:
    """The secrets of the settings as (section, key); the section may be a list of tables."""
    return [
        (section, key)
        for section, field in model.model_fields.items()
        for table in (_plain(field.annotation), _plain(_inside(field.annotation, "0")))
        if isinstance(table, type) and issubclass(table, BaseModel)
        for key, inner in table.model_fields.items()
        if _plain(inner.annotation) is SecretStr
    ]


def _inside(kind: Any, part: str) -> Any:
    """The type of what is in a table or list under a key or number."""
    kind = _plain(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(part)
        return None if field is None else field.annotation
    if is_dataclass(kind):
        return next((field.type for field in fields(kind) if field.name == part), None)
    # Of a list that is the type of an entry, of a table with free names that of a value.
    arguments = [each for each in get_args(kind) if each is not ...]
    return arguments[-1] if arguments else None


def _plain(kind: Any) -> Any:
    """A type without its annotations, and without `None`."""
    while get_origin(kind) in {Annotated, Union, UnionType}:
        kind = next(each for each in get_args(kind) if each is not type(None))
    return kind


def did_you_mean(typed: object, allowed: Iterable[str]) -> str:
    """`; did you mean …?` where something that is allowed is nearly what was typed, else nothing."""
    names = {name.lower(): name for name in allowed}
    near = get_close_matches(str(typed).lower(), names, 1)
    return f"; did you mean {names[near[0]]}?" if near else ""
