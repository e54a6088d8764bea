"""Where results go: messages that are sent first and whose ids are saved, so that a file can be put into them again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.domain.tasks.task import Delivery
from bot.domain.types import MINUTE, SECOND, Millis
from bot.media.images import blank
from bot.services.ports import ChatBusy, ChatError, ChatUnsure, DeliveryOptions, ResultChat, ResultFile
from bot.store import Store

MOST_SENDS = 3
"""So often a message is sent whose outcome may be unknown: more would fill the chat, and it most likely arrived."""

SEND_PAUSES = (Millis(10 * SECOND), Millis(MINUTE))
"""Between two of them."""


class Unplaced(Exception):
    """No place for a result is known, and no more messages may be sent for it."""


class Places:
    """Sends the messages that results are put into. What is sent for a result is counted: it cannot be repeated."""

    def __init__(self, store: Store, chat: ResultChat) -> None:
        self._store = store
        self._chat = chat

    async def find(self, delivery: Delivery, options: DeliveryOptions) -> Delivery:
        """Announce a result, and save where it goes; after too many tries it goes into the status message.

        Raises:
            Unplaced: there is no status message either.
            ChatError: it could not be announced now.

        """
        if delivery.sends >= MOST_SENDS:
            place = await self._store.outbox.take_status(delivery.id, delivery.task.id)
            if place is None:
                raise Unplaced
        else:
            async with self.counted(delivery):
                place = (await self._chat.send_place(delivery, options)).message_id
            await self._store.outbox.set_places({delivery.id: place}, in_album=False)
        return replace(delivery, place=place, in_album=False)

    @asynccontextmanager
    async def counted(self, *deliveries: Delivery) -> AsyncIterator[None]:
        """Count a message before it is sent, so that also one is counted that the process did not survive.

        What goes into a place that is known may be repeated, and is not counted.

        Raises:
            Unplaced: no more may be sent.
            ChatBusy: what became of it is not known; in place of `ChatUnsure`.

        """
        if all(delivery.place is not None for delivery in deliveries):
            yield
            return
        ids, sends = [delivery.id for delivery in deliveries], max(each.sends for each in deliveries)
        if sends >= MOST_SENDS:
            raise Unplaced
        await self._store.outbox.count_send(ids, 1)
        try:
            yield
        except ChatUnsure:
            raise ChatBusy(SEND_PAUSES[min(sends, len(SEND_PAUSES) - 1)]) from None
        except ChatError:
            await self._store.outbox.count_send(ids, -1)
            raise

    async def find_album(
        self, deliveries: Sequence[Delivery], files: Sequence[ResultFile], options: DeliveryOptions
    ) -> list[Delivery]:
        """Announce results by an album of grey pictures, and save which of them each result goes to. Raises as `find`."""
        images = [await asyncio.to_thread(blank, file.width or 1, file.height or 1) for file in files]
        async with self.counted(*deliveries):
            sent = await self._chat.send_places(deliveries, files, images, options)
        placed = [
            replace(delivery, place=message.message_id, in_album=True)
            for delivery, message in zip(deliveries, sent, strict=True)
        ]
        places = {delivery.id: delivery.place for delivery in placed if delivery.place is not None}
        await self._store.outbox.set_places(places, in_album=True)
        return placed

    async def give_back(self, delivery: Delivery) -> Delivery:
        """Take back the place of a result that cannot be put into it."""
        await self._store.outbox.forget_places([delivery.id])
        if delivery.place is not None:
            await self._chat.delete(delivery.task.origin.chat_id, delivery.place)
        return replace(delivery, place=None, in_album=False)
