"""What differs between two readings of the settings, and what of it a running process cannot take up."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel

from bot.settings.config import Settings

NEEDS_RESTART = (
    "store.url",
    "storage.directory",
    "telegram.token",
    "monitoring.listen",
    "monitoring.sentry_dsn",
    "monitoring.otel_endpoint",
)
"""What stays as it is until the process is started again: what it holds open, and who it is."""


def changed_keys(old: Settings, new: Settings) -> list[str]:
    """The keys whose values differ, dotted, without the values. Entries of lists go by their names."""
    return list(_differences(old, new, ""))


def without_restart(old: Settings, new: Settings) -> tuple[Settings, list[str]]:
    """The new settings as far as a running process can take them up, and the keys that have to wait for a restart."""
    kept = []
    for key in NEEDS_RESTART:
        section, name = key.split(".")
        before, after = getattr(old, section), getattr(new, section)
        if getattr(before, name) != getattr(after, name):
            kept.append(key)
            after = after.model_copy(update={name: getattr(before, name)})
            new = new.model_copy(update={section: after})
    return new, kept


def _differences(old: Any, new: Any, place: str) -> Iterator[str]:
    if old == new:
        return
    before, after = _parts(old), _parts(new)
    if before is None or after is None:
        yield place
        return
    for name in dict.fromkeys((*before, *after)):
        inner = f"{place}.{name}" if place else name
        if name not in after:
            yield f"{inner} (removed)"
        elif name not in before:
            yield f"{inner} (added)"
        else:
            yield from _differences(before[name], after[name], inner)
    if list(before) != list(after) and before.keys() == after.keys():
        yield f"{place} (order)"


def _parts(value: Any) -> dict[str, Any] | None:
    """What a section, a table or a list of named entries holds; None: it is a value."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, dict):
        return {str(name): each for name, each in value.items()}
    if isinstance(value, tuple) and value and all(hasattr(each, "name") for each in value):
        return {str(each.name): each for each in value}
    return None
