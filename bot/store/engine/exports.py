"""Everything that a database holds as files for other programs: JSON Lines, a file for each table, in a zip file."""

import base64
import json
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.errors import CopyUnusable
from bot.store.engine.backups import connect, named_when_whole

SECRETS = frozenset({"pseudonyms"})
"""Keys of the settings that are nobody's data: they would tell who forgotten people are."""

_TABLES = """
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND substr(name, 1, 1) != '_' ORDER BY name
"""
"""What the program keeps; not the notes of those that keep the file."""


def export_database(database: Path, target: Path) -> Mapping[str, int]:
    """Write every row of every table, as they are at one moment, to a zip file; how many of each table.

    Moments are milliseconds since 1970 in UTC, as they are stored; pictures are Base64. A row is in memory at a time.

    Raises:
        CopyUnusable: there is no database, or such a file already, or it cannot be written.

    """
    if not database.is_file():
        raise CopyUnusable(f"{database} is not there")
    written: dict[str, int] = {}
    try:
        with named_when_whole(target) as half, closing(connect(database)) as connection:
            connection.execute("BEGIN")
            with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
                for (name,) in connection.execute(_TABLES).fetchall():
                    written[name] = _write(connection, archive, name)
    except sqlite3.Error as error:
        raise CopyUnusable(f"{database} could not be read: {error}") from None
    return written


def _write(connection: sqlite3.Connection, archive: zipfile.ZipFile, table: str) -> int:
    rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608  a name of the schema
    columns = [column[0] for column in rows.description]
    number = 0
    with archive.open(f"{table}.jsonl", "w", force_zip64=True) as file:
        for row in rows:
            record = dict(zip(columns, map(_plain, row), strict=True))
            if table == "settings" and record["key"] in SECRETS:
                continue
            file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            number += 1
    return number


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
