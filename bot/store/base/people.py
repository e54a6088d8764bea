"""Who uses the bot, and what they chose."""

from dataclasses import dataclass
from typing import Protocol

from bot.domain.requests.preferences import Preferences
from bot.domain.units import ChatId, Millis, UserId


@dataclass(frozen=True, slots=True)
class User:
    """A person as the bot knows them. `language` is their own choice; `telegram_language` their client's.

    `plan` holds until `plan_until`, or for good; `subscribed_plan` as long as it is paid for.
    """

    id: UserId
    name: str
    username: str | None
    telegram_language: str | None
    language: str | None
    plan: str | None
    created_at: Millis
    seen_at: Millis
    preferences: Preferences = Preferences()
    invited_by: UserId | None = None
    plan_until: Millis | None = None
    subscribed_plan: str | None = None
    subscribed_until: Millis | None = None


class People(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    async def see_user(
        self, user_id: UserId, name: str, username: str | None, telegram_language: str | None, now: Millis
    ) -> User:
        """Create or refresh a user and return what is known."""
        ...

    async def user(self, user_id: UserId) -> User | None:
        """One user."""
        ...

    async def find_user(self, text: str) -> User | None:
        """A user by id or by @name, in any case."""
        ...

    async def set_language(self, user_id: UserId, language: str | None) -> None:
        """Keep the language that a user chose; None: follow their Telegram client."""
        ...

    async def set_preferences(self, user_id: UserId, preferences: Preferences) -> None:
        """Keep what a user chose for all their videos."""
        ...

    async def set_plan(self, user_id: UserId, plan: str | None, until: Millis | None) -> None:
        """Move a user to a plan, until then or for good; None: the default plan."""
        ...

    async def set_inviter(self, user_id: UserId, inviter: UserId) -> bool:
        """Keep who invited a newcomer: somebody else who is known, once, and before the first task; False: not kept."""
        ...

    async def move_chat(self, old: ChatId, new: ChatId) -> None:
        """A group got a new id: tasks, drafts and inbox rows follow."""
        ...
