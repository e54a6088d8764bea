"""Send what the outbox holds: videos and the reasons why there is none. Every row comes to an end.

A row is claimed with a lease, so a crash while sending means that it is sent again, never forgotten.
A video that can't be fetched or sent after all gives its credits back.
"""

import asyncio
import random
from pathlib import Path
from typing import Protocol

import structlog

from bot.clock import Clock
from bot.domain.schedule import backoff
from bot.domain.task import Delivery, DeliveryKind, LedgerKind, LedgerRow, TaskState
from bot.domain.units import DAY, SECOND, Credits, Millis, shown
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused, Messenger, Sent, VideoFile
from bot.services.status import Status
from bot.services.work import Work
from bot.store.base import SentRecord, Store
from bot.videos import NotAVideo, probe, thumbnail

log = structlog.get_logger(__name__)

LEASE = Millis(900 * SECOND)
"""Longer than a download and an upload on a slow line."""

PATIENCE = Millis(DAY)
"""How long after the end of its task a delivery is tried."""


class Fetch(Protocol):
    """Streams a result to a file. Raises the errors of `bot.kling.download`."""

    async def __call__(self, url: str, target: Path) -> None:
        """Write what is at `url` to `target`."""
        ...


class Deliver:
    """Claims outbox rows and sends them. `max_upload` is in bytes; larger videos are offered by address."""

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        status: Status,
        fetch: Fetch,
        directory: Path,
        max_upload: int,
        clock: Clock,
        rng: random.Random,
        work: Work,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._status = status
        self._fetch = fetch
        self._directory = directory
        self._max_upload = max_upload
        self._clock = clock
        self._rng = rng
        self._work = work

    async def tick(self) -> None:
        """Claim what waits and begin to send it; returns before it has arrived."""
        if self._work.free == 0:
            return
        for delivery in await self._store.claim_deliveries(self._clock.now(), LEASE, self._work.free):
            self._work.start(self._deliver(delivery))

    async def _deliver(self, delivery: Delivery) -> None:
        task = delivery.task
        try:
            if delivery.kind is DeliveryKind.NOTICE:
                sent = await self._status.send_notice(task)
                await self._store.delivered(delivery.id, SentRecord(sent.message_id), self._clock.now())
                log.info("notice delivered", task=task.id, chat=task.origin.chat_id)
            else:
                await self._deliver_video(delivery)
        except ChatMoved as moved:
            await self._store.move_chat(task.origin.chat_id, moved.new_chat_id)
            await self._store.retry_delivery(delivery.id, self._clock.now(), "the chat has a new id")
        except ChatGone as error:
            # The video stays with its task: the user can ask for it from another chat.
            await self._end(delivery, f"chat gone: {error}", refund=False)
        except (ChatBusy, DownloadFailed) as error:
            await self._later(delivery, error)
        except ChatRefused as error:
            await self._end(delivery, f"chat refused: {error}", refund=delivery.kind is DeliveryKind.VIDEO)
        except (DownloadGone, DownloadRefused, NotAVideo) as error:
            await self._end(delivery, f"{type(error).__name__}: {error}", refund=True)

    async def _deliver_video(self, delivery: Delivery) -> None:
        task = delivery.task
        if delivery.file_id is not None:
            sent = await self._messenger.send_video(delivery, None)
            await self._arrived(delivery, sent, None)
            return
        if delivery.video is None:
            raise DownloadRefused("the outbox row names no video")
        target = self._directory / f"{task.id}-{delivery.position}.mp4"
        cover = target.with_suffix(".jpg")
        try:
            await self._messenger.sending(task)
            await self._fetch(delivery.video.url, target)
            size = target.stat().st_size
            if size > self._max_upload:
                await self._offer_link(delivery, delivery.video.url, size)
                return
            info = await asyncio.to_thread(probe, target)
            await asyncio.to_thread(thumbnail, target, cover)
            file = VideoFile(target, info.width, info.height, info.duration_ms, size, cover)
            try:
                sent = await self._messenger.send_video(delivery, file)
            except ChatRefused as error:
                log.warning("the chat refuses a video; offering its address", task=task.id, reason=str(error))
                await self._offer_link(delivery, delivery.video.url, size)
                return
            await self._arrived(delivery, sent, file)
        finally:
            target.unlink(missing_ok=True)
            cover.unlink(missing_ok=True)

    async def _offer_link(self, delivery: Delivery, url: str, size: int) -> None:
        sent = await self._messenger.send_link(delivery, url, size)
        await self._store.delivered(
            delivery.id, SentRecord(sent.message_id, size_bytes=size), self._clock.now()
        )
        await self._status.close(delivery.task)

    async def _arrived(self, delivery: Delivery, sent: Sent, file: VideoFile | None) -> None:
        record = SentRecord(
            sent.message_id,
            sent.file_id or delivery.file_id,
            file.width if file else delivery.width,
            file.height if file else delivery.height,
            file.duration_ms if file else delivery.duration_ms,
            file.size_bytes if file else delivery.size_bytes,
        )
        await self._store.delivered(delivery.id, record, self._clock.now())
        log.info(
            "video delivered",
            task=delivery.task.id,
            chat=delivery.task.origin.chat_id,
            bytes=record.size_bytes,
        )
        await self._status.close(delivery.task)

    async def _later(self, delivery: Delivery, error: ChatBusy | DownloadFailed) -> None:
        now = self._clock.now()
        since = delivery.task.finished_at or delivery.task.created_at
        if now > since + PATIENCE:
            await self._end(
                delivery, f"given up after a day: {error}", refund=delivery.kind is DeliveryKind.VIDEO
            )
            return
        retry_after = error.retry_after if isinstance(error, ChatBusy) else None
        log.info("delivery postponed", task=delivery.task.id, attempt=delivery.attempts, reason=str(error))
        await self._store.retry_delivery(
            delivery.id, backoff(now, delivery.attempts, self._rng, retry_after), str(error)
        )

    async def _end(self, delivery: Delivery, failure: str, *, refund: bool) -> None:
        """Close a row that cannot be delivered; where a video was paid for, its credits go back first."""
        task = delivery.task
        now = self._clock.now()
        booked = False
        if refund and task.state is TaskState.SUCCEEDED:
            booked = await self._store.book(
                LedgerRow(
                    user_id=task.user_id,
                    kind=LedgerKind.REFUND,
                    amount=task.price,
                    held=Credits(0),
                    allowance=Credits(0),
                    at=now,
                    counted_at=now,
                    operation_id=f"task:{task.id}:refund",
                    task_id=task.id,
                    note=failure,
                )
            )
        if booked:
            try:
                await self._messenger.tell(
                    task, "notice.delivery.refunded", id=shown(task.id), credits=task.price
                )
                await self._status.close(task)
            except (ChatBusy, ChatGone, ChatMoved, ChatRefused) as error:
                log.warning("the refund could not be told", task=task.id, reason=str(error))
        await self._store.undeliverable(delivery.id, failure, now)
        log.error("delivery given up", task=task.id, chat=task.origin.chat_id, reason=failure)
