"""Numbered steps that bring a database to the present schema, applied by sqlite-utils."""

from sqlite_utils import Migrations

from bot.store.migrations import step_0001

migrations = Migrations("klingbot")
migrations(name="0001_first_schema")(step_0001.apply)

__all__ = ["migrations"]
