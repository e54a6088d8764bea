"""What the bot asks of a store: intents, each one transaction, in a module for each subject.

The guarantee: **when an intent returns, what it did survives a crash and a power cut, whole; when it
raises, nothing of it happened.** Intents of one store may be called concurrently from one event loop.
Claims move `due_at` forward (the lease) and never hand the same row to two callers within it.
"""

from typing import Protocol

from bot.domain.units import Millis
from bot.store.base.accepting import Accepting, StoredAttachment, TaskIdTaken
from bot.store.base.assets import AssetChanged, AssetRefused, Assets
from bot.store.base.deliveries import Deliveries, SentRecord
from bot.store.base.drafts import Awaited, Draft, Drafts
from bot.store.base.history import History
from bot.store.base.inbox import Inbox, InboxRow
from bot.store.base.money import Money, NotEnough, Spender
from bot.store.base.people import People, User
from bot.store.base.privacy import Privacy
from bot.store.base.recipes import RecipeRefused, Recipes
from bot.store.base.tasks import Conflict, Tasks

__all__ = [
    "AssetChanged",
    "AssetRefused",
    "Awaited",
    "Conflict",
    "Draft",
    "InboxRow",
    "NotEnough",
    "RecipeRefused",
    "SentRecord",
    "Spender",
    "Store",
    "StoredAttachment",
    "TaskIdTaken",
    "User",
]


class Store(
    Inbox, People, Privacy, Accepting, Tasks, History, Deliveries, Money, Drafts, Recipes, Assets, Protocol
):
    """Everything that the bot keeps. See the module's docstring for what every intent promises."""

    # -- settings ------------------------------------------------------------------------------------

    async def setting(self, key: str) -> str | None:
        """What operators chose while the bot runs; None: nothing."""
        ...

    async def set_setting(self, key: str, value: str) -> None:
        """Keep such a choice."""
        ...

    # -- upkeep --------------------------------------------------------------------------------------

    async def clean(self, before: Millis) -> int:
        """Forget processed updates, unused attachments, drafts and kept words older than `before`; return how many rows."""
        ...

    async def close(self) -> None:
        """Finish what waits and let go of the file."""
        ...
