"""What the store asks of a database: transactions, and SQL that databases share.

Statements are written once, in the SQL that SQLite and PostgreSQL share, with named parameters (`:name`). Where
that is not possible they use these names, and each engine puts its own form in their place:

- `= ANY (:list)`: the value is one of a list;
- `greatest(a, b)`, `least(a, b)`, `strpos(text, part)`;
- `json_items(:list)`: a row `value` for each item; `json_atoms(document)`: a row `atom` for each leaf;
- `casefold(text)`: Python's, for every alphabet;
- `pseudonym(user_id)`: a negative number made of the id and a secret of this database;
- `INDEXED BY index`: a hint for SQLite's planner, which knows nothing of how the rows are spread.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bot.domain.types import Millis
from bot.errors import StoreTrouble
from bot.store.engine import mapper
from bot.store.engine.backups import CopyFigures

T = TypeVar("T")

Row = dict[str, Any]
"""A row as it is, for what is not read into a dataclass."""


class Transaction(ABC):
    """What work on the store may touch, and nothing else."""

    @abstractmethod
    def _execute(self, statement: str, values: Mapping[str, Any]) -> Any:
        """Run a statement; a DB-API cursor whose rows are dictionaries."""

    def one(self, kind: type[T], statement: str, /, **values: Any) -> T | None:
        """The first row as a dataclass (or `Row`), or None."""
        row = self._execute(statement, values).fetchone()
        return None if row is None else mapper.load(kind, row)

    def all(self, kind: type[T], statement: str, /, **values: Any) -> list[T]:
        """Every row as a dataclass (or `Row`)."""
        return [mapper.load(kind, row) for row in self._execute(statement, values).fetchall()]

    def value(self, statement: str, /, **values: Any) -> Any:
        """The first column of the first row; None: there is no row."""
        row = self._execute(statement, values).fetchone()
        return None if row is None else next(iter(row.values()))

    def values(self, statement: str, /, **values: Any) -> list[Any]:
        """The first column of every row."""
        return [next(iter(row.values())) for row in self._execute(statement, values).fetchall()]

    def run(self, statement: str, /, **values: Any) -> int:
        """The number of rows that a statement changed."""
        return int(self._execute(statement, values).rowcount)

    def insert(
        self, table: str, record: object, *, ignore: bool = False, replace: Sequence[str] = ()
    ) -> bool:
        """Insert a dataclass or a mapping of columns; whether a row was written.

        A row in the way is left alone (`ignore`), or is replaced where it has the same key (`replace` names the
        columns of the key).
        """
        values = mapper.columns(record)
        conflict = " ON CONFLICT DO NOTHING" if ignore else ""
        if replace:
            changes = ", ".join(f"{name} = excluded.{name}" for name in values if name not in replace)
            conflict = f" ON CONFLICT ({', '.join(replace)}) DO UPDATE SET {changes}"
        places = ", ".join(f":{name}" for name in values)
        statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places}){conflict}"  # noqa: S608  names are ours
        return int(self._execute(statement, values).rowcount) > 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing can be written for now; `detail` is how the database puts it."""

    kind: StoreTrouble
    detail: str


COMMIT, READ = "commit", "read"

Observer = Callable[[str, float, int], None]
"""Hears, in any thread, what was done (`COMMIT` or `READ`), in how many seconds, and for how many pieces of work."""


class Engine(Protocol):
    """A database. Calls may come concurrently from one event loop."""

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """The result of work that only reads."""
        ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """The result of work in one transaction, once that is on the disk.

        What raises has changed nothing. Work touches nothing but the transaction, so that an engine may run it
        again.
        """
        ...

    async def check(self) -> str:
        """`ok`, or what is wrong with the database."""
        ...

    @property
    def trouble(self) -> Trouble | None:
        """What all that is to be written waits for; None: nothing."""
        ...

    async def look(self, now: Millis) -> Trouble | None:
        """See that the database is there and sound, as often as every few seconds; its `trouble`.

        Raises:
            StoreLost: it is not. Whoever serves people ends then, and nothing else of the engine returns any more.
            StoreTaken: another process serves people with it, although this one does.

        """
        ...

    def observe(self, observer: Observer) -> None:
        """Tell an observer, in place of the one before, of every commit and every read."""
        ...

    async def scrub(self) -> bool:
        """Wipe deleted rows from the journal as well; False: not possible now."""
        ...

    async def copy(self, directory: Path | None, now: Millis) -> tuple[Path, CopyFigures]:
        """Copy the database, as it is at one moment, to a new file in a directory (None: beside the database).

        Raises:
            CopyUnusable: that is not possible; there is no such file then.

        """
        ...

    async def close(self) -> None:
        """Finish what waits and let go of the database."""
        ...


class Subject:
    """What is kept of one subject, on an engine that it shares with the others."""

    def __init__(self, engine: Engine) -> None:
        self._read = engine.read
        self._write = engine.write
