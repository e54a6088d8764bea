"""What may be wrong with the file of a database: for a while, for good, or another file in its place."""

import errno
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bot.errors import ConfigError, StoreLost, StoreStuck, StoreTrouble

_FOR_A_WHILE = {
    sqlite3.SQLITE_FULL: StoreTrouble.FULL,
    sqlite3.SQLITE_READONLY: StoreTrouble.UNWRITABLE,
    sqlite3.SQLITE_IOERR: StoreTrouble.UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: StoreTrouble.UNWRITABLE,
}
_FOR_GOOD = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_WRONG_PLACE = {
    errno.ENOENT,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EACCES,
    errno.EPERM,
    errno.ELOOP,
    errno.ENAMETOOLONG,
}
"""Errors of making its directory or file that waiting does not mend."""

_PRIMARY = 0xFF
"""The bits of an error code that say what kind it is of."""


def _code(error: Exception) -> int | None:
    # Errors of the module itself, such as a wrong number of values, have no code.
    code = getattr(error, "sqlite_errorcode", None) if isinstance(error, sqlite3.Error) else None
    return None if code is None else code & _PRIMARY


def is_damage(error: Exception) -> bool:
    """Whether it says that the file is no sound database."""
    return _code(error) in _FOR_GOOD


def trouble_of(error: Exception) -> StoreTrouble | None:
    """What keeps the database from being written for a while; None: it is another kind of error."""
    code = _code(error)
    return None if code is None else _FOR_A_WHILE.get(code)


def opening_error(path: Path, error: OSError | sqlite3.Error) -> Exception:
    """What an error means that came when the file was opened; the error itself where it says something else."""
    if path.exists() and not path.is_file():
        return StoreLost(f"{path} is not a file")
    if is_damage(error):
        return StoreLost(f"{path} is damaged: {error}", is_damaged=True)
    trouble = trouble_of(error)
    if isinstance(error, OSError) and error.errno in _WRONG_PLACE:
        return ConfigError([f"store.url: {path} cannot be made there: {error.strerror}"])
    if isinstance(error, OSError):
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        trouble = StoreTrouble.FULL if full else StoreTrouble.UNWRITABLE
    return error if trouble is None else StoreStuck(f"{path} cannot be written: {error}", trouble)


@dataclass(frozen=True, slots=True)
class Identity:
    """Which file stands under a name: a deleted file lives on for those who have it open, another one replaces it."""

    device: int
    inode: int
    size: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """The file of a name; None: there is none."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        return cls(found.st_dev, found.st_ino, found.st_size)

    def is_same(self, other: "Identity | None") -> bool:
        """Whether it is the same file, whatever stands in it."""
        return other is not None and (self.device, self.inode) == (other.device, other.inode)
