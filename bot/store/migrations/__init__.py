"""Numbered steps that bring a database to the present schema, applied by sqlite-utils."""

from sqlite_utils import Migrations

from bot.store.migrations import step_0001, step_0002, step_0003, step_0004, step_0005

_APPLY = {
    "0001_first_schema": step_0001.apply,
    "0002_newest_of_a_provider": step_0002.apply,
    "0003_subscriptions": step_0003.apply,
    "0004_elements_and_voices": step_0004.apply,
    "0005_refunds_of_a_task": step_0005.apply,
}

STEPS = frozenset(_APPLY)
"""The name of every step that this version of the program knows."""

migrations = Migrations("klingbot")
for _name, _apply in _APPLY.items():
    migrations(name=_name)(_apply)

__all__ = ["STEPS", "migrations"]
