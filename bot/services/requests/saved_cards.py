"""Cards as they are kept: everything about one stands in the store.

A person has one card in a chat; a newer one takes its place.
"""

import asyncio
from dataclasses import replace

from bot.clock import Clock
from bot.domain.types import MINUTE, ChatId, Millis, UserId
from bot.errors import UserError
from bot.services.requests.card import Card, dump_card, load_card
from bot.store import Draft, Store

CARD_TTL = 15 * MINUTE
"""Milliseconds; what is written later is not taken for a change of the card without asking."""


class SavedCards:
    """Saves cards, and finds them again."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.showing_anew = asyncio.Lock()
        """Held by who shows the cards of a group that moved: Telegram tells of it in both chats at once."""

    async def save(self, user_id: UserId, chat_id: ChatId, card: Card) -> None:
        """Save a card as the person's only one in the chat."""
        draft = Draft(user_id, chat_id, dump_card(card), card.message_id, self._clock.now())
        await self._store.drafts.save(draft)

    async def get(self, user_id: UserId, chat_id: ChatId) -> Card | None:
        """The person's card in a chat; None where there is none."""
        draft = await self._store.drafts.get(user_id, chat_id)
        if draft is None:
            return None
        card = load_card(draft.data)
        if card is None:
            # Written by another version: the person begins again rather than the bot guessing.
            await self._store.drafts.delete(user_id, chat_id)
            return None
        return replace(card, message_id=draft.message_id)

    async def list_unshown(self, chat_id: ChatId) -> list[tuple[UserId, Card]]:
        """The cards of a chat that no message shows, by whose they are; none answers a message."""
        drafts = await self._store.chats.list_unshown_drafts(chat_id)
        found = [(draft.user_id, load_card(draft.data)) for draft in drafts]
        return [(user, replace(card, source_message_id=None)) for user, card in found if card is not None]

    async def is_current(self, user_id: UserId, chat_id: ChatId) -> bool:
        """Whether the person's card was used within `CARD_TTL`, and nothing else was said since."""
        draft = await self._store.drafts.get(user_id, chat_id)
        if draft is None or self._clock.now() - draft.updated_at >= CARD_TTL:
            return False
        return await self._store.drafts.is_latest(draft)

    async def outdate(self, user_id: UserId, chat_id: ChatId) -> None:
        """Note that something else was said since the person's card was shown."""
        await self._store.drafts.outdate(user_id, chat_id, Millis(self._clock.now() - CARD_TTL))

    async def get_named(self, user_id: UserId, chat_id: ChatId, name: str) -> Card:
        """The person's card in a chat, which a button names.

        Raises:
            UserError: it was submitted or discarded, or another has replaced it.

        """
        card = await self.get(user_id, chat_id)
        if card is None or card.name != name:
            raise UserError("error.draft.gone")
        return card

    async def close(self, user_id: UserId, chat_id: ChatId) -> None:
        """Delete a card that was submitted or discarded."""
        await self._store.drafts.delete(user_id, chat_id)
