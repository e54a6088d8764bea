"""Telegram's updates, kept before they are acknowledged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.domain.units import ChatId, Millis


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A stored update that is not yet done. `payload` is the Bot API's JSON."""

    update_id: int
    chat_id: ChatId | None
    payload: dict[str, Any]
    sent_at: Millis | None
    received_at: Millis


class Inbox(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    async def receive(self, rows: Sequence[InboxRow]) -> list[InboxRow]:
        """Keep updates; return those that were not known before, in order of their id."""
        ...

    async def unprocessed(self) -> list[InboxRow]:
        """Every update that is kept and not done, in order of its id."""
        ...

    async def mark_processed(self, update_id: int, now: Millis) -> None:
        """An update was acted on to its end: its words are forgotten, its id is not."""
        ...

    async def last_update(self) -> tuple[int, Millis] | None:
        """The id of the update that was received last, and when."""
        ...
