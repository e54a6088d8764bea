"""Send what the outbox holds: results and the reasons why there is none. Every row comes to an end.

A row is claimed with a lease, so a crash while sending means that it is sent again, never forgotten.
A video that can't be fetched or sent after all gives its credits back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import structlog

from bot.clock import Runtime
from bot.domain.requests.choices import Preferences
from bot.domain.requests.request import Operation, Product
from bot.domain.tasks.schedule import DELIVERY_LEASE, backoff
from bot.domain.tasks.task import (
    Delivery,
    DeliveryKind,
    MessagePurpose,
    Task,
    TaskState,
)
from bot.domain.units import DAY, Credits, Millis, TaskId, shown
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused
from bot.media.clips import NotAVideo, picture_size, probe, sound_length, thumbnail
from bot.services.ports import (
    ChatBusy,
    ChatGone,
    ChatMoved,
    ChatRefused,
    DeliveryOptions,
    Reaction,
    ResultChat,
    ResultFile,
    Sent,
)
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.status import Status
from bot.services.tasks.workers import WorkerPool
from bot.store import SentRecord, Store

log = structlog.get_logger(__name__)

IN_ALBUMS = frozenset({DeliveryKind.VIDEO, DeliveryKind.IMAGE})

DELIVERY_DEADLINE = Millis(DAY)
"""How long after the end of its task a delivery is tried."""

SENDING_SECONDS = 4.0
"""Telegram shows that something is being sent for five seconds at a time."""


SUFFIXES = {Product.VIDEO: ".mp4", Product.IMAGE: ".png", Product.AUDIO: ".mp3"}


class Fetch(Protocol):
    """Streams a result to a file. Raises the errors of `bot.kling.download`."""

    async def __call__(self, url: str, target: Path, kind: Product) -> None:
        """Write what is at `url`, which must be of a kind, to `target`."""
        ...


class ResultFiles:
    """Opens results as files in `directory`. Of videos above `max_upload` bytes only the size is told."""

    def __init__(self, *, fetch: Fetch, directory: Path, max_upload: int) -> None:
        self._fetch = fetch
        self.directory = directory
        self.max_upload = max_upload

    @asynccontextmanager
    async def open(self, delivery: Delivery, directory: Path | None = None) -> AsyncIterator[ResultFile]:
        """Fetch a result, check it, and forget the file afterwards; `directory` in place of the usual one.

        Raises:
            DownloadRefused, DownloadGone, DownloadFailed: see `bot.kling.download`.
            NotAVideo: it is not what it should be.

        """
        if delivery.video is None:
            raise DownloadRefused("the outbox row names no result")
        kind = Product(delivery.kind)
        target = (directory or self.directory) / f"{delivery.task.id}-{delivery.position}{SUFFIXES[kind]}"
        cover = target.with_suffix(".cover.jpg")
        try:
            await self._fetch(delivery.video.url, target, kind)
            yield await self._checked(kind, target, cover)
        finally:
            target.unlink(missing_ok=True)
            cover.unlink(missing_ok=True)

    async def _checked(self, kind: Product, target: Path, cover: Path) -> ResultFile:
        size = target.stat().st_size
        if kind is Product.IMAGE:
            width, height = await asyncio.to_thread(picture_size, target)
            return ResultFile(target, width, height, None, size)
        if kind is Product.AUDIO:
            return ResultFile(target, None, None, await asyncio.to_thread(sound_length, target), size)
        if size > self.max_upload:
            # It will be offered by its address: nothing of it need be known.
            return ResultFile(target, None, None, None, size)
        info = await asyncio.to_thread(probe, target)
        await asyncio.to_thread(thumbnail, target, cover)
        return ResultFile(target, info.width, info.height, info.duration_ms, size, cover)


class Deliver:
    """Claims outbox rows and sends them; what is too large for an upload is offered by its address.

    `possible` says which operations the buttons of a result offer.
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
        runtime: Runtime,
        possible: Callable[[Delivery], frozenset[Operation]] = lambda _: frozenset(),
    ) -> None:
        self._store = store
        self._chat = chat
        self._files = files
        self._tasks = tasks
        self._status = status
        self._work = work
        self._runtime = runtime
        self._possible = possible

    async def tick(self) -> None:
        """Claim what waits and begin to send it; returns before it has arrived."""
        if self._work.free == 0:
            return
        albums: dict[TaskId, list[Delivery]] = {}
        for delivery in await self._store.outbox.claim(
            self._runtime.clock.now(), DELIVERY_LEASE, self._work.free
        ):
            if delivery.kind in IN_ALBUMS and delivery.file_id is None:
                albums.setdefault(delivery.task.batch_id or delivery.task.id, []).append(delivery)
            else:
                self._work.start(self._deliver(delivery))
        for deliveries in albums.values():
            if len(deliveries) > 1:
                self._work.start(self._deliver_album(deliveries))
            else:
                self._work.start(self._deliver(deliveries[0]))

    async def _deliver(self, delivery: Delivery) -> None:
        async with self._ending(delivery):
            if delivery.kind is DeliveryKind.NOTICE:
                sent = await self._status.send_notice(delivery.task)
                await self._store.outbox.mark_delivered(
                    delivery.id, SentRecord(sent.message_id), self._runtime.clock.now()
                )
                log.info("notice delivered", task=delivery.task.id, chat=delivery.task.origin.chat_id)
                cancelled = delivery.task.state is TaskState.CANCELLED
                await self._status.react(delivery.task, Reaction.CANCELLED if cancelled else Reaction.FAILED)
            elif delivery.file_id is not None:
                sent = await self._chat.send_result(delivery, None, await self._options(delivery))
                await self._arrived(delivery, sent, None)
            else:
                async with self._sending(delivery.task):
                    await self._deliver_file(delivery)

    async def _deliver_album(self, deliveries: Sequence[Delivery]) -> None:
        """Send the results of one request together; one that stands in the way sends them one by one."""
        task = deliveries[0].task
        async with self._ending(*deliveries), AsyncExitStack() as stack:
            files: list[ResultFile] = []
            await stack.enter_async_context(self._sending(task))
            try:
                files += [
                    await stack.enter_async_context(self._files.open(delivery)) for delivery in deliveries
                ]
                self._refuse_large(files)
                options = await self._options(deliveries[0])
                sent = await self._chat.send_album(deliveries, files, options)
            except (ChatRefused, DownloadGone, DownloadRefused, NotAVideo) as error:
                log.info("no album; sent one by one", task=task.id, reason=str(error))
                for delivery in deliveries:
                    await self._deliver(delivery)
                return
            for delivery, message, file in zip(deliveries, sent, files, strict=True):
                await self._arrived(delivery, message, file)
            beside = await self._chat.send_album_buttons(deliveries)
            if beside is not None:
                await self._store.history.save_message(
                    task.origin.chat_id, beside.message_id, task.id, 0, MessagePurpose.BESIDE
                )

    async def _deliver_file(self, delivery: Delivery) -> None:
        async with self._files.open(delivery) as file:
            url = delivery.video.url if delivery.video is not None else ""
            if file.size_bytes > self._files.max_upload:
                await self._offer_link(delivery, url, file.size_bytes)
                return
            try:
                sent = await self._chat.send_result(delivery, file, await self._options(delivery))
            except ChatRefused as error:
                log.warning(
                    "the chat refuses a result; offering its address",
                    task=delivery.task.id,
                    reason=str(error),
                )
                await self._offer_link(delivery, url, file.size_bytes)
                return
            await self._arrived(delivery, sent, file)

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

    def _refuse_large(self, files: Sequence[ResultFile]) -> None:
        if any(file.size_bytes > self._files.max_upload for file in files):
            raise ChatRefused("too large for an album")

    @asynccontextmanager
    async def _ending(self, *deliveries: Delivery) -> AsyncIterator[None]:
        """See to it that whatever goes wrong ends each delivery, or brings it back later."""
        task = deliveries[0].task
        try:
            yield
        except ChatMoved as moved:
            await self._store.people.move_chat(task.origin.chat_id, moved.new_chat_id)
            for delivery in deliveries:
                await self._store.outbox.postpone(
                    delivery.id, self._runtime.clock.now(), "the chat has a new id"
                )
        except ChatGone as error:
            # The results stay with their task: the user can ask for them from another chat.
            for delivery in deliveries:
                await self._end(delivery, f"chat gone: {error}", refund=False)
        except (ChatBusy, DownloadFailed) as error:
            for delivery in deliveries:
                await self._later(delivery, error)
        except ChatRefused as error:
            for delivery in deliveries:
                await self._end(delivery, f"chat refused: {error}", refund=_is_paid_for(delivery))
        except (DownloadGone, DownloadRefused, NotAVideo) as error:
            for delivery in deliveries:
                await self._end(delivery, f"{type(error).__name__}: {error}", refund=True)

    async def _offer_link(self, delivery: Delivery, url: str, size: int) -> None:
        sent = await self._chat.send_link(delivery, url, size, await self._options(delivery))
        await self._store.outbox.mark_delivered(
            delivery.id, SentRecord(sent.message_id, size_bytes=size), self._runtime.clock.now()
        )
        log.info("result offered by its address", task=delivery.task.id, bytes=size)
        await self._close(delivery)

    async def _arrived(self, delivery: Delivery, sent: Sent, file: ResultFile | None) -> None:
        record = SentRecord(
            sent.message_id,
            sent.file_id or delivery.file_id,
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

    async def _later(self, delivery: Delivery, error: ChatBusy | DownloadFailed) -> None:
        now = self._runtime.clock.now()
        since = delivery.task.finished_at or delivery.task.created_at
        if now > since + DELIVERY_DEADLINE:
            await self._end(delivery, f"given up after a day: {error}", refund=_is_paid_for(delivery))
            return
        await self._postpone(delivery, error)

    async def _postpone(self, delivery: Delivery, error: ChatBusy | DownloadFailed) -> None:
        retry_after = error.retry_after if isinstance(error, ChatBusy) else None
        log.info("delivery postponed", task=delivery.task.id, attempt=delivery.attempts, reason=str(error))
        await self._store.outbox.postpone(
            delivery.id,
            backoff(self._runtime.clock.now(), delivery.attempts, self._runtime.rng, retry_after),
            str(error),
        )

    async def _end(self, delivery: Delivery, failure: str, *, refund: bool) -> None:
        """Close a row that cannot be delivered; where it was paid for, its credits go back and it is told."""
        task = delivery.task
        now = self._runtime.clock.now()
        if refund and task.state is TaskState.SUCCEEDED:
            share = _share(delivery)
            # What an operator refunded before is not refunded again, but the person hears of it all the same.
            row = await self._tasks.refund(task, share, str(delivery.position), note=failure)
            refunded = share if row is None else row.amount
            try:
                await self._status.tell(task, "notice.delivery.refunded", id=shown(task.id), credits=refunded)
                await self._status.close(task)
                await self._status.react(task, Reaction.FAILED)
            except ChatBusy as busy:
                if now <= (task.finished_at or task.created_at) + DELIVERY_DEADLINE:
                    await self._postpone(delivery, busy)
                    return
            except (ChatGone, ChatMoved, ChatRefused) as error:
                log.warning("the refund could not be told", task=task.id, reason=str(error))
        await self._store.outbox.mark_undeliverable(delivery.id, failure, now)
        log.error("delivery given up", task=task.id, chat=task.origin.chat_id, reason=failure)


def _share(delivery: Delivery) -> Credits:
    """What of the task's price one of its results is worth; the first bears what cannot be divided."""
    each, rest = divmod(delivery.task.price, delivery.task.request.count)
    return Credits(each + rest if delivery.position == 0 else each)


def _is_paid_for(delivery: Delivery) -> bool:
    return delivery.kind is not DeliveryKind.NOTICE
