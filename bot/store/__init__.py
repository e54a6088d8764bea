"""Where everything is kept: a record of subjects on one exchangeable engine.

The guarantee: **when a method returns, what it did survives a crash and a power cut, whole; when it raises,
nothing of it happened.** Each method is one transaction, and all may be called concurrently from one event loop.
`engine` is the database below them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bot.domain.types import Millis
from bot.store.business import Business
from bot.store.charges import Charges
from bot.store.chats import Chats
from bot.store.credits import CreditsStore, Spender
from bot.store.drafts import Draft, Drafts, StoredAttachment
from bot.store.engine import COMMIT, Engine, Transaction, Trouble
from bot.store.engine.backups import (
    RESTORING,
    CopyFigures,
    Restored,
    backup_directory,
    copy_name,
    keep_newest,
    make_copy,
    put_back,
    require_room,
    sync,
    vacuum,
)
from bot.store.engine.exports import export_database
from bot.store.engine.lock import Wait, holder_of
from bot.store.engine.sqlite import Inspection, SqliteEngine, inspect, migrate, path_of
from bot.store.history import History
from bot.store.inbox import Inbox, InboxRow, Quarantined
from bot.store.library import Library, LibraryRefused
from bot.store.lots import NotEnough
from bot.store.notices import Notices
from bot.store.operations import Operations, OverrideChanged
from bot.store.outbox import Outbox, SentRecord
from bot.store.payments import Payments
from bot.store.people import InviteRefused, People, StandingChanged, User
from bot.store.privacy import Privacy
from bot.store.promos import PromoRefused, Promos
from bot.store.providers import Providers
from bot.store.tasks import Conflict, TaskIdTaken, Tasks
from bot.store.times import Times
from bot.store.videos import Videos

__all__ = [
    "COMMIT",
    "RESTORING",
    "Conflict",
    "CopyFigures",
    "Draft",
    "InboxRow",
    "Inspection",
    "InviteRefused",
    "LibraryRefused",
    "NotEnough",
    "OverrideChanged",
    "PromoRefused",
    "Quarantined",
    "Restored",
    "SentRecord",
    "Spender",
    "StandingChanged",
    "Store",
    "StoredAttachment",
    "TaskIdTaken",
    "Transaction",
    "Trouble",
    "User",
    "backup_directory",
    "copy_name",
    "export_database",
    "holder_of",
    "inspect",
    "keep_newest",
    "make_copy",
    "migrate",
    "path_of",
    "put_back",
    "require_room",
    "sync",
    "vacuum",
]


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that the bot keeps, by subject."""

    engine: Engine
    inbox: Inbox
    tasks: Tasks
    outbox: Outbox
    history: History
    people: People
    chats: Chats
    credits: CreditsStore
    payments: Payments
    drafts: Drafts
    library: Library
    operations: Operations
    charges: Charges
    business: Business
    notices: Notices
    providers: Providers
    privacy: Privacy
    promos: Promos
    times: Times
    videos: Videos

    @classmethod
    def on(cls, engine: Engine) -> Self:
        """Put every subject on an engine."""
        return cls(
            engine,
            Inbox(engine),
            Tasks(engine),
            Outbox(engine),
            History(engine),
            People(engine),
            Chats(engine),
            CreditsStore(engine),
            Payments(engine),
            Drafts(engine),
            Library(engine),
            Operations(engine),
            Charges(engine),
            Business(engine),
            Notices(engine),
            Providers(engine),
            Privacy(engine),
            Promos(engine),
            Times(engine),
            Videos(engine),
        )

    @classmethod
    async def open(cls, url: str, *, serving: Wait | None = None, backups: Path | None = None) -> Self:
        """Open the database of an address, creating and migrating it if need be.

        Who serves people with it does so alone, and gives what it waits with (seconds) while another process ends;
        who only looks, or changes by compare and set, may do so beside it and gives nothing. Before a database is
        migrated a copy of it goes to `backups`; None: beside it.

        Raises:
            ConfigError: a newer version of the program has changed it.
            StoreTaken: another process serves with it.
            StoreLost: there was one that is gone, or it is damaged.
            StoreStuck: it cannot be written now.

        """
        return cls.on(await SqliteEngine.open(url, serving=serving, backups=backups))

    async def check(self) -> str:
        """`ok`, or what is wrong with the database."""
        return await self.engine.check()

    @property
    def trouble(self) -> Trouble | None:
        """What all that is to be written waits for; None: nothing."""
        return self.engine.trouble

    async def look(self, now: Millis) -> Trouble | None:
        """See that the database is there and sound; see `bot.store.engine.Engine`."""
        return await self.engine.look(now)

    async def copy(self, directory: Path | None, now: Millis) -> tuple[Path, CopyFigures]:
        """Copy the database to a new file while it is worked with; see `bot.store.engine.Engine`."""
        return await self.engine.copy(directory, now)

    async def close(self) -> None:
        """Finish what waits and let go of the database."""
        await self.engine.close()
