"""Settings that admins can override while the bot runs: which they are, how they are written and read. Pure.

A setting is overridable where its field, or a field that holds it, is marked with `Overridable`; nothing else is
needed. Its key is dotted, as in the settings file: `plans.pro.daily_credits`, `prices.models.kling-v2-6.rate.std`,
`providers.official.paused` (a list whose entries have names is a table of them).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from bot.domain.types import Millis, UserId
from bot.errors import UserError

M = TypeVar("M", bound=BaseModel)
KeyPath = tuple[str, ...]

NOTHING = frozenset({"-", "–", "—"})
"""What stands for no limit, an empty list or an empty text."""

_PART = re.compile(r'([A-Za-z0-9_-]+|"(?:[^"\\]|\\.)+")(?:\.(?=.)|$)')
_NUMBERS = {
    "integer": re.compile(r"\d{1,9}", re.ASCII),
    "number": re.compile(r"\d{1,9}(\.\d{1,4})?", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Overridable:
    """Marks a field of the settings. `names` is how a new entry of a table may be called; None: none is added."""

    names: str | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """What an admin set (a `changed_by` of None: from a shell). `value` is JSON; None: the configured one again.

    `version` counts the changes of a key, from 1.
    """

    key: str
    value: str | None
    version: int
    changed_by: UserId | None
    changed_at: Millis


@dataclass(frozen=True, slots=True)
class Form:
    """What may be typed for a setting: its kind, its limits or the values to choose from, and whether "-" is none."""

    kind: str
    low: float = 0
    high: float = 0
    values: tuple[str, ...] = ()
    is_optional: bool = False

    @property
    def error(self) -> UserError:
        """The sentence that says it, for whoever is asked or typed something else."""
        if self.kind in _NUMBERS:
            suffix = "_or_none" if self.is_optional else ""
            return UserError(f"error.setting.{self.kind}{suffix}", low=self.low, high=self.high)
        if self.kind == "text":
            return UserError("error.setting.text", high=self.high)
        return UserError(f"error.setting.{self.kind}", values=" | ".join(self.values))


@dataclass(frozen=True, slots=True)
class Setting:
    """An overridable value of the settings and where it is; `annotation` is its type with its limits."""

    path: KeyPath
    annotation: Any
    value: Any

    @property
    def form(self) -> Form:
        """What may be typed for it."""
        schema = TypeAdapter(self.annotation).json_schema()
        options = schema.get("anyOf", [schema])
        plain = next(option for option in options if option.get("type") != "null")
        is_optional = len(options) > 1
        if plain["type"] in _NUMBERS:
            low, high = (float(plain[limit]) for limit in ("minimum", "maximum"))
            whole = low.is_integer() and high.is_integer()
            return Form(
                plain["type"],
                int(low) if whole else low,
                int(high) if whole else high,
                is_optional=is_optional,
            )
        if plain["type"] == "boolean":
            return Form("switch", values=("on", "off"), is_optional=is_optional)
        if "enum" in plain:
            return Form("choice", values=tuple(plain["enum"]), is_optional=is_optional)
        if plain["type"] == "array":
            items = plain["items"]
            named = schema["$defs"][items["$ref"].rpartition("/")[2]] if "$ref" in items else items
            values = tuple(named.get("enum", ()))
            return Form("choices" if values else "list", values=values, is_optional=is_optional)
        return Form("text", high=plain["maxLength"], is_optional=is_optional)


# -- keys and values as they are written -------------------------------------------------------------


def write_key(path: KeyPath) -> str:
    """A path as a dotted key; parts with dots, spaces and the like are in quotes."""
    return ".".join(
        part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part, ensure_ascii=False)
        for part in path
    )


def read_key(text: str) -> KeyPath:
    """The path of a dotted key; empty where the text is none."""
    parts: list[str] = []
    end = 0
    while end < len(text):
        found = _PART.match(text, end)
        if found is None:
            return ()
        try:
            parts.append(json.loads(found[1]) if found[1].startswith('"') else found[1])
        except ValueError:
            return ()
        end = found.end()
    return tuple(parts)


def write_value(value: object) -> str:
    """A value as admins read and type it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, float):
        return f"{value:.12g}"
    return "-" if value in (None, "") else str(value)


def read_value(form: Form, text: str) -> object:
    """What was typed, for the settings to validate.

    Raises:
        ValueError: it cannot be such a value.

    """
    typed = text.strip()
    if typed in NOTHING:
        if form.is_optional:
            return None
        if form.kind in {"list", "choices", "text"}:
            return "" if form.kind == "text" else ()
    if form.kind in _NUMBERS:
        typed = typed.replace(",", ".")
        if not _NUMBERS[form.kind].fullmatch(typed):
            raise ValueError(f"{form.kind} expected")
    elif form.kind in {"list", "choices"}:
        return tuple(dict.fromkeys(part.strip() for part in re.split("[,，]", typed)))
    elif form.values:
        return next((value for value in form.values if value.casefold() == typed.casefold()), typed)
    return typed


# -- what the settings hold --------------------------------------------------------------------------


def list_settings(settings: BaseModel) -> Iterator[Setting]:
    """Every overridable setting that there is, in the order of the settings."""
    return _list(type(settings), settings, (), marked=False)


def _list(annotation: Any, value: Any, path: KeyPath, *, marked: bool) -> Iterator[Setting]:
    marked = marked or _mark(annotation) is not None
    parts = _parts(annotation, value)
    if parts is None:
        if marked:
            yield Setting(path, annotation, value)
        return
    for name, (inner, held) in parts.items():
        yield from _list(inner, held, (*path, name), marked=marked)


def find_setting(settings: BaseModel, path: KeyPath) -> Setting | None:
    """The overridable setting of a path, also where it would be the first of a new entry; None: there is none."""
    annotation: Any = type(settings)
    value: Any = settings
    marked = False
    for name in path:
        mark, parts = _mark(annotation), _parts(annotation, value)
        marked = marked or mark is not None
        if parts is not None and name in parts:
            annotation, value = parts[name]
        elif mark is not None and mark.names is not None and re.fullmatch(mark.names, name):
            annotation = get_args(_bare(annotation))[1]
            value = _bare(annotation)()
        else:
            return None
    is_leaf = _parts(annotation, value) is None
    return Setting(path, annotation, value) if is_leaf and (marked or _mark(annotation)) else None


def override(settings: M, path: KeyPath, value: object) -> M:
    """The same settings with another value, which its section validates.

    Raises:
        KeyError: nothing overridable is there.
        ValidationError: it cannot have such a value.

    """
    name = path[0] if path else ""
    annotation = _annotated(type(settings).model_fields[name])
    section = _override(annotation, getattr(settings, name), path[1:], value, marked=False)
    return settings.model_copy(update={name: _adapter(type(settings), name).validate_python(section)})


@cache
def _adapter(settings: type[BaseModel], name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_annotated(settings.model_fields[name]))


def _override(annotation: Any, held: Any, path: KeyPath, value: object, *, marked: bool) -> Any:
    marked = marked or _mark(annotation) is not None
    if not path:
        if not marked:
            raise KeyError
        return value
    name, rest = path[0], path[1:]
    bare = _bare(annotation)
    if _is_model(bare):
        field = bare.model_fields[name]
        # Only what was set is given on: what a section leaves open may follow others.
        given = {each: getattr(held, each) for each in held.model_fields_set}
        inner = _override(_annotated(field), getattr(held, name), rest, value, marked=marked)
        return bare.model_validate({**given, name: inner})
    if get_origin(bare) is tuple and any(each.name == name for each in held):
        return tuple(
            _override(get_args(bare)[0], each, rest, value, marked=marked) if each.name == name else each
            for each in held
        )
    if not _is_table(bare):
        raise KeyError(name)
    inner_annotation = get_args(bare)[1]
    entry = held.get(name)
    if entry is None and _is_model(_bare(inner_annotation)):
        entry = _bare(inner_annotation)()
    return {**held, name: _override(inner_annotation, entry, rest, value, marked=marked)}


def _parts(annotation: Any, value: Any) -> Mapping[str, tuple[Any, Any]] | None:
    """What a section, a table or a list of named entries holds, with its types; None: it is a value."""
    bare = _bare(annotation)
    if _is_model(bare):
        return {name: (_annotated(field), getattr(value, name)) for name, field in bare.model_fields.items()}
    if _is_table(bare):
        return {name: (get_args(bare)[1], each) for name, each in value.items()}
    if get_origin(bare) is tuple and "name" in getattr(get_args(bare)[0], "model_fields", {}):
        return {each.name: (get_args(bare)[0], each) for each in value}
    return None


def _is_model(bare: Any) -> bool:
    return isinstance(bare, type) and issubclass(bare, BaseModel)


def _is_table(bare: Any) -> bool:
    return get_origin(bare) in {dict, Mapping}


def _annotated(field: FieldInfo) -> Any:
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _mark(annotation: Any) -> Overridable | None:
    metadata = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((each for each in metadata if isinstance(each, Overridable)), None)
