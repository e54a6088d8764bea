"""What one person may ask of the store: all that it knows of them, and to know nothing any more."""

from typing import Any, Protocol

from bot.domain.units import Millis, UserId


class Privacy(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    async def export(self, user_id: UserId) -> dict[str, list[dict[str, Any]]]:
        """Everything that is known of a user: rows by what they are (`profile`, `tasks`, `ledger` …)."""
        ...

    async def forget(self, user_id: UserId, now: Millis) -> None:
        """Delete a user with all that they wrote, sent and got; nothing of it can be read in the file afterwards.

        What waits is cancelled with its hold. What runs ends without being told or delivered. Ledger rows stay
        under a pseudonym: `usage` and `book` go on counting them where the same user comes back.
        """
        ...
