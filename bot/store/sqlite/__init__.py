"""The store on one SQLite file: WAL, full synchronisation, one writer thread with group commit.

Each module does what the module of the same name in `bot.store.base` promises; the promises stand there and are
not repeated. A function without a class is part of a transaction of more than one subject.
"""

from bot.domain.units import Millis
from bot.store import sql
from bot.store.sqlite.accepting import Accepting
from bot.store.sqlite.assets import Assets
from bot.store.sqlite.deliveries import Deliveries
from bot.store.sqlite.drafts import Drafts
from bot.store.sqlite.file import migrate, path_of
from bot.store.sqlite.history import History
from bot.store.sqlite.inbox import Inbox
from bot.store.sqlite.money import Money
from bot.store.sqlite.people import People
from bot.store.sqlite.privacy import Privacy
from bot.store.sqlite.recipes import Recipes
from bot.store.sqlite.tasks import Tasks

__all__ = ["SqliteStore", "migrate", "path_of"]


class SqliteStore(
    Inbox, People, Privacy, Accepting, Tasks, History, Deliveries, Money, Drafts, Recipes, Assets
):
    """See `bot.store.base.Store`."""

    # -- settings ------------------------------------------------------------------------------------

    async def setting(self, key: str) -> str | None:
        row = await self._row(sql.SETTING, (key,))
        return None if row is None else str(row["value"])

    async def set_setting(self, key: str, value: str) -> None:
        await self._write(sql.SET_SETTING, (key, value))

    # -- upkeep --------------------------------------------------------------------------------------

    async def clean(self, before: Millis) -> int:
        return await self._writer.do(
            lambda db: sum(db.execute(step, (before,)).rowcount for step in sql.CLEAN)
        )

    async def quick_check(self) -> str:
        """`ok`, or what SQLite finds wrong with the file."""
        row = await self._row("PRAGMA quick_check(1)")
        return str(row[0]) if row is not None else "no answer"
