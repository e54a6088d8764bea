"""Send what the outbox holds: results and the reasons why there is none. Every row comes to an end, and arrives once.

A row is claimed with a lease, so a crash while sending means that it is sent again, never forgotten. A result is
announced by a message whose id is saved, its place; the file is then put into that message, which may be repeated
after a crash or a lost answer. What cannot be repeated, the message itself, is sent three times at most.
A video that can't be fetched or sent after all gives its credits back. One that is too large waits for a smaller copy of
it: one at a time, and beside everything else.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import structlog

from bot.clock import Runtime
from bot.domain.requests.choices import Preferences
from bot.domain.requests.operations import Operation
from bot.domain.tasks.schedule import COPY_LEASE, DELIVERY_LEASE
from bot.domain.tasks.task import Delivery, Task, TaskState
from bot.domain.types import Credits
from bot.kling.download import DownloadTooLarge
from bot.media.fitting import NoCopy
from bot.metrics import UNMEASURED, WORK_SECONDS, Meter
from bot.services.ports import (
    ChatForgot,
    ChatLost,
    ChatRefused,
    ChatTooLarge,
    DeliveryOptions,
    Operators,
    Reaction,
    ResultChat,
    ResultFile,
    Sent,
)
from bot.services.tasks.copies import COPY_TRIES, Copies
from bot.services.tasks.downloads import NOT_THERE, DownloadSlot, DownloadSlots, ResultFiles
from bot.services.tasks.endings import Endings, NotOffered, Renew
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.places import Places, Unplaced
from bot.services.tasks.shortfalls import Prices, Shortfalls
from bot.services.tasks.status import Status
from bot.services.tasks.workers import WorkerPool
from bot.store import SentRecord, Store

log = structlog.get_logger(__name__)

UPLOADS_AT_ONCE = 4

SENDING_SECONDS = 4.0
"""Telegram shows that something is being sent for five seconds at a time."""


class DeliveryWorker:
    """Claims outbox rows and sends them; what is too large comes as a smaller copy, or as its address alone.

    `prices` is the price table of a provider. `possible` says which operations the buttons of a result offer, `final_price` what the final of a
    draft costs; `renew` finds results anew. Notices have workers of
    their own, so that nothing that is slow holds them up; `copying` is the one worker of copies.
    """

    def __init__(
        self,
        *,
        store: Store,
        chat: ResultChat,
        files: ResultFiles,
        copies: Copies,
        tasks: Tasks,
        status: Status,
        operators: Operators,
        work: WorkerPool,
        notices: WorkerPool,
        copying: WorkerPool,
        runtime: Runtime,
        renew: Renew,
        prices: Prices,
        possible: Callable[[Delivery], frozenset[Operation]] = lambda _: frozenset(),
        final_price: Callable[[Task], Credits | None] = lambda _: None,
        meter: Meter = UNMEASURED,
    ) -> None:
        self._store = store
        self._chat = chat
        self._files = files
        self._copies = copies
        self._status = status
        self._work = work
        self._notices = notices
        self._copying = copying
        self._runtime = runtime
        self._possible = possible
        self._final_price = final_price
        self._meter = meter
        self._places = Places(store, chat)
        self._shortfalls = Shortfalls(store=store, tasks=tasks, operators=operators, prices=prices)
        self._endings = Endings(
            store=store,
            tasks=tasks,
            status=status,
            operators=operators,
            places=self._places,
            runtime=runtime,
            renew=renew,
            shortfalls=self._shortfalls,
            meter=meter,
        )
        self._downloads = DownloadSlots()
        self._uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)

    async def tick(self) -> None:
        """Claim what waits and begin to send it; returns before it has arrived."""
        await self._endings.tell_late()
        now, outbox = self._runtime.clock.now(), self._store.outbox
        if (room := self._notices.free) > 0:
            for notice in await outbox.claim(now, DELIVERY_LEASE, room, notices=True):
                self._notices.start(self._deliver_notice(notice))
        if self._copying.free > 0 and (large := await outbox.claim_copy(now, COPY_LEASE)) is not None:
            self._copying.start(self._deliver_copy(large))
        while min(self._downloads.free, self._work.free) > 0:
            # One at a time: each changes which hosts have their share.
            claimed = await outbox.claim(now, DELIVERY_LEASE, 1, notices=False, without=self._downloads.full)
            if not claimed:
                return
            for together in _albums(claimed):
                self._work.start(self._deliver(together, self._downloads.take(together[0])))

    async def _deliver_notice(self, delivery: Delivery) -> None:
        task = delivery.task
        async with self._endings.ending(delivery):
            async with self._places.counted(delivery):
                sent = await self._status.send_notice(task)
            await self._store.outbox.mark_delivered(
                delivery.id, SentRecord(sent.message_id), self._runtime.clock.now()
            )
            log.info("notice delivered", task=task.id, chat=task.origin.chat_id)
            cancelled = task.state is TaskState.CANCELLED
            await self._status.react(task, Reaction.CANCELLED if cancelled else Reaction.FAILED)

    async def _deliver(self, deliveries: Sequence[Delivery], slot: DownloadSlot) -> None:
        """Send results together; what stands in the way sends them one by one."""
        try:
            with self._meter.timed(WORK_SECONDS, work="deliver"):
                alone: Sequence[Delivery] = deliveries if len(deliveries) == 1 else ()
                if len(deliveries) > 1:
                    async with self._endings.ending(*deliveries), self._sending(deliveries[0].task):
                        alone = await self._deliver_album(deliveries, slot)
                for delivery in alone:
                    await self._deliver_alone(delivery, slot)
        finally:
            slot.give_back()

    # -- one result ----------------------------------------------------------------------------------

    async def _deliver_alone(self, delivery: Delivery, slot: DownloadSlot) -> None:
        async with self._endings.ending(delivery), self._sending(delivery.task):
            self._chat.check(delivery)
            if delivery.copies_left is not None:
                # It is too large, and whatever became of its copies, none arrived.
                await self._offer_link(delivery, delivery.size_bytes)
                return
            if delivery.file_id is not None:
                try:
                    await self._bring(delivery, None)
                except ChatForgot as error:
                    log.info("a file id is refused", task=delivery.task.id, reason=str(error))
                    delivery = replace(delivery, file_id=None, copy_of=None)
                else:
                    return
            try:
                async with self._files.open(delivery) as file:
                    slot.give_back()
                    await self._bring(delivery, file)
            except DownloadTooLarge as large:
                await self._bring_less(delivery, large.size)

    async def _bring(self, delivery: Delivery, file: ResultFile | None) -> None:
        if file is not None:
            delivery = await self._shortfalls.settle(delivery, file)
        options = await self._options(delivery)
        try:
            if delivery.place is None and self._chat.can_fill:
                # A chat that lets it wait for its turn holds up no upload to another.
                delivery = await self._places.find(delivery, options)
            async with self._uploads:
                if delivery.place is not None:
                    sent = await self._chat.fill(delivery, file, options)
                else:
                    async with self._places.counted(delivery):
                        sent = await self._chat.send_result(delivery, file, options)
        except ChatLost:
            raise
        except ChatRefused as error:
            if file is None and isinstance(error, ChatForgot):
                raise
            log.warning(
                "the chat refuses a result",
                task=delivery.task.id,
                reason=str(error),
            )
            size = delivery.copy_of or (file.size_bytes if file else delivery.size_bytes)
            if delivery.copy_of is not None:
                await self._leave_to_link(delivery, size)
            elif isinstance(error, ChatTooLarge):
                await self._bring_less(delivery, size)
            else:
                await self._offer_link(delivery, size, too_large=False)
        else:
            await self._endings.arrived(delivery, sent, file)

    # -- what is too large ---------------------------------------------------------------------------

    async def _bring_less(self, delivery: Delivery, size: int | None) -> None:
        """Let a result that is too large wait for a smaller copy, or offer its address."""
        if not self._copies.are_made_of(delivery, size):
            await self._offer_link(delivery, size)
            return
        if delivery.place is None and self._chat.can_fill:
            # It is said at once that there is a result: the copy takes minutes.
            delivery = await self._places.find(delivery, await self._options(delivery))
        await self._put_openable_first(delivery)
        log.info("too large; waits for a smaller copy", task=delivery.task.id, bytes=size)
        await self._store.outbox.want_copy(delivery.id, size, COPY_TRIES, self._runtime.clock.now())

    async def _put_openable_first(self, delivery: Delivery) -> None:
        """A smaller copy says where the result itself is: by an address that needs no key, where there is one."""
        video, url = delivery.video, await self._files.openable(delivery)
        if video is not None and url not in {None, video.url}:
            others = tuple(each for each in video.addresses if each != url)
            await self._store.outbox.renew(delivery.id, replace(video, url=url or "", others=others))

    async def _leave_to_link(self, delivery: Delivery, size: int | None) -> None:
        """Let the next tick offer the address: what a busy chat delays then brings no further copy."""
        await self._store.outbox.want_copy(delivery.id, size, 0, self._runtime.clock.now())

    async def _deliver_copy(self, delivery: Delivery) -> None:
        async with self._endings.ending(delivery):
            self._chat.check(delivery)
            try:
                async with self._copies.open(delivery) as (file, size), self._sending(delivery.task):
                    await self._bring(replace(delivery, file_id=None, copy_of=size), file)
            except NoCopy as error:
                log.info("no smaller copy", task=delivery.task.id, reason=str(error))
                await self._leave_to_link(delivery, delivery.size_bytes)

    # -- an album ------------------------------------------------------------------------------------

    async def _deliver_album(self, deliveries: Sequence[Delivery], slot: DownloadSlot) -> Sequence[Delivery]:
        """Send several results as one album; those that have to be sent alone after all."""
        task = deliveries[0].task
        self._chat.check(deliveries[0])
        async with AsyncExitStack() as stack:
            files: list[ResultFile] = []
            try:
                for delivery in deliveries:
                    file = await stack.enter_async_context(self._files.open(delivery))
                    files.append(file)  # where it breaks off, the next one is missing
                slot.give_back()
                pairs = zip(deliveries, files, strict=True)
                deliveries = [await self._shortfalls.settle(delivery, file) for delivery, file in pairs]
                if any(delivery.less is not None and delivery.less.is_lesser for delivery in deliveries):
                    # Each says by itself what it lacks: an album has one caption.
                    return deliveries
                async with self._uploads:
                    return await self._bring_album(deliveries, files)
            except (*NOT_THERE, ChatRefused, Unplaced) as error:
                missing = None if len(files) == len(deliveries) else deliveries[len(files)]
                if missing is not None and await self._endings.will_come(missing, error):
                    await self._endings.postpone(deliveries, None, str(error))
                    return ()
                log.info("no album; sent one by one", task=task.id, reason=str(error))
                return deliveries

    async def _bring_album(
        self, deliveries: Sequence[Delivery], files: Sequence[ResultFile]
    ) -> Sequence[Delivery]:
        task, options = deliveries[0].task, await self._options(deliveries[0])
        if not any(delivery.place for delivery in deliveries):
            deliveries = await self._places.find_album(deliveries, files, options)
        arrived: list[tuple[Delivery, Sent, ResultFile]] = []
        alone: list[Delivery] = []
        for delivery, file in zip(deliveries, files, strict=True):
            if not delivery.in_album:
                alone.append(delivery)
                continue
            try:
                sent = await self._chat.fill(delivery, file, options, captioned=not arrived)
            except ChatRefused as error:
                log.info("not in the album; sent alone", task=task.id, reason=str(error))
                alone.append(await self._places.give_back(delivery))
            else:
                arrived.append((delivery, sent, file))
        if arrived and not await self._store.history.list_messages(task.id):
            beside = await self._chat.send_album_buttons([delivery for delivery, _, _ in arrived], options)
            if beside is not None:
                await self._store.history.save_message(task.origin.chat_id, beside.message_id, task.id, 0)
        for delivery, sent, file in arrived:
            await self._endings.arrived(delivery, sent, file)
        return alone

    # -- what all of them need -----------------------------------------------------------------------

    @asynccontextmanager
    async def _sending(self, task: Task) -> AsyncIterator[None]:
        """Show that something is being sent, for as long as it takes."""

        async def show() -> None:
            while True:
                await self._chat.show_sending(task)
                await self._runtime.sleep(SENDING_SECONDS)

        showing = asyncio.create_task(show())
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _options(self, delivery: Delivery) -> DeliveryOptions:
        """How the person wants results to arrive; the very first video in a private chat is celebrated."""
        task = delivery.task
        user = await self._store.people.get(task.user_id)
        preferences = Preferences() if user is None else user.preferences
        celebrated = (
            task.origin.is_private
            and delivery.is_film
            and delivery.file_id is None
            and task.state is TaskState.SUCCEEDED
            and not await self._store.tasks.has_other_success(task)
        )
        return DeliveryOptions(
            preferences.silent,
            preferences.spoiler or task.request.spoiler,
            celebrated,
            self._possible(delivery),
            self._final_price(delivery.task),
        )

    async def _offer_link(self, delivery: Delivery, size: int | None, *, too_large: bool = True) -> None:
        url = await self._files.openable(delivery)
        if url is None:
            raise NotOffered("its addresses want the key of the provider")
        delivery = await self._shortfalls.settle(delivery, None)
        options = await self._options(delivery)
        async with self._places.counted(delivery):
            sent = await self._chat.send_link(delivery, url, size, options, too_large=too_large)
        await self._store.outbox.mark_delivered(
            delivery.id, SentRecord(sent.message_id, size_bytes=size), self._runtime.clock.now()
        )
        log.info("result offered by its address", task=delivery.task.id, bytes=size)
        await self._endings.close(delivery)


def _albums(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """Results of one request that are sent together; what goes with nothing else stands alone."""
    album = [
        each
        for each in deliveries
        if each.product.row.in_album and each.file_id is None and each.copies_left is None
    ]
    rest = [[each] for each in deliveries if each not in album]
    return [album, *rest] if album else rest
