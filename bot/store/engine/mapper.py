"""Rows to dataclasses and back: enums, flags, JSON, and records within records.

A column is named as its field, but for `COLUMNS`. A record that stands there is spread over the columns of the
row that it is part of; any other record is handed over as it is.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from enum import Enum, Flag
from types import NoneType
from typing import Any, NamedTuple, TypeVar, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from bot.domain.credits.quota import Lot
from bot.domain.credits.shop import MonthlyPlan, Package, Payment
from bot.domain.library.template import Template
from bot.domain.operations.records import AuditRow
from bot.domain.requests.choices import Preferences
from bot.domain.tasks.task import LedgerRow, Origin, RemoteResult
from bot.domain.types import AccountId

T = TypeVar("T")
Convert = Callable[[Any], Any]

COLUMNS: Mapping[type, Mapping[str, str | None]] = {
    AuditRow: {"actor": "actor_id"},
    LedgerRow: {"account": "user_id"},
    Lot: {"id": "lot"},
    MonthlyPlan: {},
    Origin: {},
    Package: {"name": "package"},
    Payment: {"account": "user_id"},
    RemoteResult: {
        "id": "remote_id",
        "duration_ms": "remote_duration_ms",
        "kind": None,
        "watermark_url": None,
        "others": "other_urls",
    },
    Template: {"owner": "user_id", "frames": "frame_count", "references": "reference_count", "preview": None},
}
"""Where a column is not named as the field; None: it is not kept."""


class _Field(NamedTuple):
    name: str
    column: str
    part: type | None
    """The record that is spread over several columns."""
    nullable: bool
    load: Convert | None
    """None: the column is the value."""
    dump: Convert | None


def load(kind: type[T], row: dict[str, Any]) -> T:
    """Read a row into a dataclass; a `dict` is the row itself.

    A field has its default where there is no column, or NULL that it does not take.
    """
    if not isinstance(kind, type) or issubclass(kind, dict):
        return cast("T", row)
    values: dict[str, Any] = {}
    for field in _fields(kind):
        if field.part is not None:
            there = row.get(_fields(field.part)[0].column) is not None
            values[field.name] = load(field.part, row) if there else None
        elif field.column in row:
            value = row[field.column]
            if value is not None:
                values[field.name] = value if field.load is None else field.load(value)
            elif field.nullable:
                values[field.name] = None
    return kind(**values)


def columns(record: object) -> dict[str, Any]:
    """The columns of a dataclass, as they are written; a mapping is its own."""
    if isinstance(record, dict):
        return record
    values: dict[str, Any] = {}
    for field in _fields(type(record)):
        value = getattr(record, field.name)
        if field.part is not None:
            none = dict.fromkeys(part.column for part in _fields(field.part))
            values |= none if value is None else columns(value)
        else:
            values[field.column] = value if value is None or field.dump is None else field.dump(value)
    return values


_known: dict[type, tuple[_Field, ...]] = {}


def _fields(kind: type) -> tuple[_Field, ...]:
    if kind not in _known:
        _known[kind] = _find_fields(kind)
    return _known[kind]


def _find_fields(kind: type) -> tuple[_Field, ...]:
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else [*hints]
    own = COLUMNS.get(kind, {})
    return tuple(
        _field(name, column, hints[name]) for name in names if (column := own.get(name, name)) is not None
    )


def _field(name: str, column: str, hint: Any) -> _Field:
    nullable = NoneType in get_args(hint)
    if nullable:
        hint = next(option for option in get_args(hint) if option is not NoneType)
    if hint in COLUMNS:
        return _Field(name, column, hint, nullable, None, None)
    return _Field(name, column, None, nullable, *_converters(hint))


def _converters(hint: Any) -> tuple[Convert | None, Convert | None]:
    """How a column of this type is read, and how it is written."""
    container = get_origin(hint)
    if container is tuple:
        return _tuple_converters(get_args(hint)[0])
    if container is dict:
        return json.loads, lambda value: json.dumps(value, ensure_ascii=False)
    if not isinstance(hint, type):
        return None, None  # a NewType is what it is made of
    if hint is bool:
        return bool, int
    if hint is AccountId:
        return AccountId.read, lambda account: account.number
    if issubclass(hint, Preferences):
        return hint.read, hint.write
    if issubclass(hint, Flag):
        return hint, lambda value: value.value
    if issubclass(hint, Enum):
        return hint, str
    if issubclass(hint, BaseModel):
        return hint.model_validate_json, lambda value: value.model_dump_json(exclude_defaults=True)
    return None, None


def _tuple_converters(item: Any) -> tuple[Convert, Convert]:
    if isinstance(item, type) and issubclass(item, BaseModel):
        return (
            lambda text: tuple(item.model_validate(part) for part in json.loads(text)),
            lambda parts: json.dumps([part.model_dump(mode="json", exclude_defaults=True) for part in parts]),
        )
    return lambda text: tuple(json.loads(text)), json.dumps
