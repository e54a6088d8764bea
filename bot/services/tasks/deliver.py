"""Send what the outbox holds: results and the reasons why there is none. Every row comes to an end, and arrives once.

A row is claimed with a lease, so a crash while sending means that it is sent again, never forgotten. A result is
announced by a message whose id is saved, its place; the file is then put into that message, which may be repeated
after a crash or a lost answer. What cannot be repeated, the message itself, is sent three times at most.
A video that can't be fetched or sent after all gives its credits back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

import structlog

from bot.clock import Runtime
from bot.domain.requests.choices import Preferences
from bot.domain.requests.request import Operation
from bot.domain.tasks.schedule import DELIVERY_LEASE, backoff
from bot.domain.tasks.task import (
    CHAT_GONE,
    Delivery,
    DeliveryKind,
    MessagePurpose,
    RemoteVideo,
    Task,
    TaskState,
)
from bot.domain.units import DAY, MINUTE, SECOND, Millis, shown
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused, DownloadTooLarge
from bot.media.clips import NotAVideo
from bot.services.ports import (
    ChatBusy,
    ChatError,
    ChatForgot,
    ChatGone,
    ChatLost,
    ChatMoved,
    ChatRefused,
    ChatTooLarge,
    ChatUnsure,
    DeliveryOptions,
    Reaction,
    ResultChat,
    ResultFile,
    Sent,
)
from bot.services.tasks.downloads import DownloadSlot, DownloadSlots, ResultFiles
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.places import Places, Unplaced
from bot.services.tasks.status import Status
from bot.services.tasks.workers import WorkerPool
from bot.store import SentRecord, Store

log = structlog.get_logger(__name__)

NOTICES = (DeliveryKind.NOTICE,)
FILES = tuple(kind for kind in DeliveryKind if kind is not DeliveryKind.NOTICE)
IN_ALBUMS = frozenset({DeliveryKind.VIDEO, DeliveryKind.IMAGE})

UPLOADS_AT_ONCE = 4

DELIVERY_DEADLINE = Millis(DAY)
"""How long after the end of its task a delivery is tried."""

PATIENCE = Millis(10 * MINUTE)
"""How long a file may be missing or wrong: gateways tell of a result before their storage has it everywhere."""

SENDING_SECONDS = 4.0
"""Telegram shows that something is being sent for five seconds at a time."""

Renew = Callable[[Task], Awaitable[Sequence[RemoteVideo]]]
"""What the provider of a task has of it now, with fresh addresses; nothing where it cannot tell."""


class Deliver:
    """Claims outbox rows and sends them; what is too large for an upload is offered by its address.

    `possible` says which operations the buttons of a result offer; `renew` finds results anew. Notices have workers of
    their own, so that nothing that is slow holds them up.
    """

    def __init__(
        self,
        *,
        store: Store,
        chat: ResultChat,
        files: ResultFiles,
        tasks: Tasks,
        status: Status,
        work: WorkerPool,
        notices: WorkerPool,
        runtime: Runtime,
        renew: Renew,
        possible: Callable[[Delivery], frozenset[Operation]] = lambda _: frozenset(),
    ) -> None:
        self._store = store
        self._chat = chat
        self._files = files
        self._tasks = tasks
        self._status = status
        self._work = work
        self._notices = notices
        self._runtime = runtime
        self._renew = renew
        self._possible = possible
        self._places = Places(store, chat)
        self._downloads = DownloadSlots()
        self._uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)

    async def tick(self) -> None:
        """Claim what waits and begin to send it; returns before it has arrived."""
        now, outbox = self._runtime.clock.now(), self._store.outbox
        if (room := self._notices.free) > 0:
            for notice in await outbox.claim(now, DELIVERY_LEASE, room, kinds=NOTICES):
                self._notices.start(self._deliver_notice(notice))
        while min(self._downloads.free, self._work.free) > 0:
            # One at a time: each changes which hosts have their share.
            claimed = await outbox.claim(now, DELIVERY_LEASE, 1, kinds=FILES, without=self._downloads.full)
            if not claimed:
                return
            for together in _albums(claimed):
                self._work.start(self._deliver(together, self._downloads.take(together[0])))

    async def _deliver_notice(self, delivery: Delivery) -> None:
        task = delivery.task
        async with self._ending(delivery):
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
            alone: Sequence[Delivery] = deliveries if len(deliveries) == 1 else ()
            if len(deliveries) > 1:
                async with self._ending(*deliveries), self._sending(deliveries[0].task):
                    alone = await self._deliver_album(deliveries, slot)
            for delivery in alone:
                await self._deliver_alone(delivery, slot)
        finally:
            slot.give_back()

    # -- one result ----------------------------------------------------------------------------------

    async def _deliver_alone(self, delivery: Delivery, slot: DownloadSlot) -> None:
        async with self._ending(delivery), self._sending(delivery.task):
            self._chat.check(delivery)
            if delivery.file_id is not None:
                try:
                    await self._bring(delivery, None)
                except ChatForgot as error:
                    log.info("a file id is refused", task=delivery.task.id, reason=str(error))
                    delivery = replace(delivery, file_id=None)
                else:
                    return
            try:
                async with self._files.open(delivery) as file:
                    slot.give_back()
                    await self._bring(delivery, file)
            except DownloadTooLarge as large:
                await self._offer_link(delivery, large.size)

    async def _bring(self, delivery: Delivery, file: ResultFile | None) -> None:
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
                "the chat refuses a result; offering its address",
                task=delivery.task.id,
                reason=str(error),
            )
            size = file.size_bytes if file else delivery.size_bytes
            await self._offer_link(delivery, size, too_large=isinstance(error, ChatTooLarge))
        else:
            await self._arrived(delivery, sent, file)

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
                async with self._uploads:
                    return await self._bring_album(deliveries, files)
            except (DownloadGone, DownloadRefused, NotAVideo, ChatRefused, Unplaced) as error:
                missing = None if len(files) == len(deliveries) else deliveries[len(files)]
                if missing is not None and await self._will_come(missing, error):
                    await self._postpone(deliveries, None, str(error))
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
            beside = await self._chat.send_album_buttons([delivery for delivery, _, _ in arrived])
            if beside is not None:
                await self._store.history.save_message(
                    task.origin.chat_id, beside.message_id, task.id, 0, MessagePurpose.BESIDE
                )
        for delivery, sent, file in arrived:
            await self._arrived(delivery, sent, file)
        return alone

    # -- how it ends ---------------------------------------------------------------------------------

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
            and delivery.kind is DeliveryKind.VIDEO
            and delivery.file_id is None
            and task.state is TaskState.SUCCEEDED
            and not await self._store.tasks.has_other_success(task)
        )
        return DeliveryOptions(
            preferences.silent,
            preferences.spoiler or task.request.spoiler,
            celebrated,
            self._possible(delivery),
        )

    @asynccontextmanager
    async def _ending(self, *deliveries: Delivery) -> AsyncIterator[None]:
        """See to it that whatever goes wrong ends each delivery, or brings it back later."""
        task, ids = deliveries[0].task, [delivery.id for delivery in deliveries]
        try:
            yield
        except ChatMoved as moved:
            await self._status.move(task.origin.chat_id, moved.new_chat_id)
            # What was saved since then is of the old chat too.
            await self._store.outbox.forget_places(ids)
            await self._postpone(deliveries, Millis(0), "the chat has a new id")
        except ChatGone as error:
            await self._without_chat(deliveries, error)
        except (ChatBusy, DownloadFailed) as error:
            await self._later(deliveries, error)
        except Unplaced:
            for delivery in deliveries:
                await self._give_up(delivery)
        except ChatLost as error:
            await self._store.outbox.forget_places(ids)
            await self._postpone(deliveries, Millis(SECOND), str(error))
        except ChatRefused as error:
            if task.origin.is_private or any(map(_is_paid_for, deliveries)):
                for delivery in deliveries:
                    await self._end(delivery, f"chat refused: {error}", refund=_is_paid_for(delivery))
            else:
                await self._without_chat(deliveries, error)
        except (DownloadGone, DownloadRefused, NotAVideo) as error:
            for delivery in deliveries:
                if await self._will_come(delivery, error):
                    await self._postpone([delivery], None, str(error))
                else:
                    await self._end(delivery, f"{type(error).__name__}: {error}", refund=True)

    async def _without_chat(self, deliveries: Sequence[Delivery], error: ChatError) -> None:
        """Go on in private where a group cannot be written to; there it waits until its person is back."""
        task = deliveries[0].task
        if task.origin.is_private:
            for delivery in deliveries:
                await self._end(delivery, f"{CHAT_GONE}: {error}", refund=False)
            return
        log.warning("a group cannot be written to", task=task.id, chat=task.origin.chat_id, reason=str(error))
        tasks = {delivery.task.id: delivery.task for delivery in deliveries}
        moved = [await self._to_private(each) for each in tasks.values()]
        if any(map(_is_paid_for, deliveries)):
            with suppress(ChatError):
                await self._status.tell(moved[0], "notice.delivery.in_private")
        await self._postpone(deliveries, Millis(0), str(error))

    async def _to_private(self, task: Task) -> Task:
        """Let a task go on in its person's private chat; its status leaves the group, where that still works."""
        with suppress(ChatError):
            await self._status.close(task)
        await self._store.outbox.send_privately(task.id)
        return await self._store.tasks.get(task.id) or task

    async def _will_come(self, delivery: Delivery, error: Exception) -> bool:
        """Ask the provider where a missing file is now; False once it has been missing for too long."""
        if isinstance(error, DownloadTooLarge):
            return False
        now = self._runtime.clock.now()
        since = await self._store.outbox.note_failing(delivery.id, now)
        if now - since >= PATIENCE:
            return False
        found = await self._renew(delivery.task)
        if delivery.position < len(found):
            await self._store.outbox.renew(delivery.id, found[delivery.position])
        return True

    async def _offer_link(self, delivery: Delivery, size: int | None, *, too_large: bool = True) -> None:
        url = delivery.video.url if delivery.video is not None else ""
        options = await self._options(delivery)
        async with self._places.counted(delivery):
            sent = await self._chat.send_link(delivery, url, size, options, too_large=too_large)
        await self._store.outbox.mark_delivered(
            delivery.id, SentRecord(sent.message_id, size_bytes=size), self._runtime.clock.now()
        )
        log.info("result offered by its address", task=delivery.task.id, bytes=size)
        await self._close(delivery)

    async def _arrived(self, delivery: Delivery, sent: Sent, file: ResultFile | None) -> None:
        record = SentRecord(
            sent.message_id,
            sent.file_id or delivery.file_id,
            sent.file_unique_id,
            file.width if file else delivery.width,
            file.height if file else delivery.height,
            file.duration_ms if file else delivery.duration_ms,
            file.size_bytes if file else delivery.size_bytes,
        )
        await self._store.outbox.mark_delivered(delivery.id, record, self._runtime.clock.now())
        log.info(
            "video delivered",
            task=delivery.task.id,
            chat=delivery.task.origin.chat_id,
            bytes=record.size_bytes,
        )
        await self._close(delivery)

    async def _close(self, delivery: Delivery) -> None:
        """The result stands in the place of its status; one reaction is enough for all results of a task."""
        await self._status.close(delivery.task)
        if delivery.position == 0:
            await self._status.react(delivery.task, Reaction.DONE)

    async def _later(self, deliveries: Sequence[Delivery], error: ChatBusy | DownloadFailed) -> None:
        now = self._runtime.clock.now()
        if now > max(delivery.begun_at for delivery in deliveries) + DELIVERY_DEADLINE:
            for delivery in deliveries:
                await self._end(delivery, f"given up after a day: {error}", refund=_is_paid_for(delivery))
            return
        asked = isinstance(error, ChatBusy) and not isinstance(error, ChatUnsure)
        pause = error.retry_after if isinstance(error, ChatBusy) and asked else None
        await self._postpone(deliveries, pause, str(error))

    async def _postpone(self, deliveries: Sequence[Delivery], pause: Millis | None, reason: str) -> None:
        """Try again after a pause, all of them together; None: one that grows from a second to a minute."""
        attempts = max(delivery.attempts for delivery in deliveries)
        log.info("delivery postponed", task=deliveries[0].task.id, attempt=attempts, reason=reason)
        now = self._runtime.clock.now()
        due_at = now if pause == 0 else backoff(now, attempts, self._runtime.rng, pause)
        for delivery in deliveries:
            await self._store.outbox.postpone(delivery.id, due_at, reason)

    async def _give_up(self, delivery: Delivery) -> None:
        """Nobody knows whether it arrived, and it was sent often enough: say how to get it."""
        task = delivery.task
        await self._store.outbox.mark_undeliverable(delivery.id, Unplaced.__name__, self._runtime.clock.now())
        log.error("a delivery remains unknown", task=task.id, chat=task.origin.chat_id)
        if _is_paid_for(delivery):
            try:
                await self._status.tell(task, "notice.delivery.unsure", id=shown(task.id))
            except ChatError as error:
                log.warning("an unknown delivery could not be told", task=task.id, reason=str(error))

    async def _end(self, delivery: Delivery, failure: str, *, refund: bool) -> None:
        """Close a row that cannot be delivered; where it was paid for, its credits go back and it is told."""
        task = delivery.task
        now = self._runtime.clock.now()
        if refund and task.state is TaskState.SUCCEEDED:
            share = delivery.share
            # What an operator refunded before is not refunded again, but the person hears of it all the same.
            row = await self._tasks.refund(task, share, str(delivery.position), note=failure)
            refunded = share if row is None else row.amount
            try:
                await self._tell_refund(delivery, refunded)
            except ChatBusy as busy:
                if now <= delivery.begun_at + DELIVERY_DEADLINE:
                    await self._postpone([delivery], busy.retry_after, str(busy))
                    return
            except ChatMoved as moved:
                await self._status.move(task.origin.chat_id, moved.new_chat_id)
                await self._postpone([delivery], Millis(0), "the chat has a new id")
                return
            except (ChatGone, ChatRefused) as error:
                log.warning("the refund could not be told", task=task.id, reason=str(error))
                if not task.origin.is_private:
                    private = await self._to_private(task)
                    with suppress(ChatError):
                        key = "notice.delivery.refunded"
                        await self._status.tell(private, key, id=shown(task.id), credits=refunded)
            except Unplaced:
                log.warning("nobody knows whether the refund was told", task=task.id)
        await self._store.outbox.mark_undeliverable(delivery.id, failure, now)
        log.error("delivery given up", task=task.id, chat=task.origin.chat_id, reason=failure)

    async def _tell_refund(self, delivery: Delivery, credits: int) -> None:
        task = delivery.task
        if delivery.place is not None:
            delivery = await self._places.give_back(delivery)
        async with self._places.counted(delivery):
            await self._status.tell(task, "notice.delivery.refunded", id=shown(task.id), credits=credits)
        await self._status.close(task)
        await self._status.react(task, Reaction.FAILED)


def _albums(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """Results of one request that are sent together; what goes with nothing else stands alone."""
    album = [each for each in deliveries if each.kind in IN_ALBUMS and each.file_id is None]
    rest = [[each] for each in deliveries if each not in album]
    return [album, *rest] if album else rest


def _is_paid_for(delivery: Delivery) -> bool:
    return delivery.kind is not DeliveryKind.NOTICE
