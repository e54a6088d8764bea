"""How deliveries end: as sent, as something to be tried later, or as what can't be sent, told and refunded."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from bot.clock import Runtime
from bot.domain.tasks.schedule import backoff
from bot.domain.tasks.task import CHAT_GONE, Delivery, RemoteResult, Task, TaskState
from bot.domain.types import DAY, HOUR, MINUTE, SECOND, Credits, Millis, format_task_id
from bot.kling.download import (
    DownloadFailed,
    DownloadRefused,
    DownloadTooLarge,
    DownloadUntrusted,
)
from bot.metrics import DELIVERIES, DELIVERY_SECONDS, Meter
from bot.services.ports import (
    ChatBusy,
    ChatError,
    ChatGone,
    ChatLost,
    ChatMoved,
    ChatRefused,
    ChatUnsure,
    Operators,
    Reaction,
    ResultFile,
    Sent,
)
from bot.services.tasks.downloads import NOT_THERE
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.places import Places, Unplaced
from bot.services.tasks.shortfalls import Shortfalls
from bot.services.tasks.status import Status
from bot.services.tasks.workers import FaultMonitor
from bot.store import SentRecord, Store

log = structlog.get_logger(__name__)

DELIVERY_DEADLINE = Millis(DAY)
"""How long after the end of its task a delivery is tried."""

FILE_DEADLINE = Millis(10 * MINUTE)
"""How long a file may be missing or wrong: gateways tell of a result before their storage has it everywhere."""

SERVER_DEADLINE = Millis(HOUR)
"""How long a server may be broken or out of reach that has a file."""

LATE_AFTER = Millis(3 * MINUTE)
"""How long a result may take from its provider before its person and the operators are told."""

LATE_AT_ONCE = 50
"""So many people are told of it by one tick."""

UNTRUSTED_TRIES = 4
"""So often a certificate has to be refused before the operators are told: it may be mended within seconds."""


class NotOffered(DownloadRefused):
    """The chat does not take it, and no address of it opens to people."""


Renew = Callable[[Task], Awaitable[Sequence[RemoteResult]]]
"""What the provider of a task has of it now, with fresh addresses; nothing where it cannot tell."""


class Endings:
    """Ends what was begun with outbox rows; `renew` finds results anew."""

    def __init__(
        self,
        *,
        store: Store,
        tasks: Tasks,
        status: Status,
        operators: Operators,
        places: Places,
        runtime: Runtime,
        renew: Renew,
        shortfalls: Shortfalls,
        meter: Meter,
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._status = status
        self._operators = operators
        self._monitor = FaultMonitor(operators)
        self._places = places
        self._runtime = runtime
        self._renew = renew
        self._shortfalls = shortfalls
        self._meter = meter

    @asynccontextmanager
    async def ending(self, *deliveries: Delivery) -> AsyncIterator[None]:
        """See to it that whatever goes wrong ends each delivery, or brings it back later."""
        task, ids = deliveries[0].task, [delivery.id for delivery in deliveries]
        try:
            yield
        except ChatMoved as moved:
            await self._status.move(task.origin.chat_id, moved.new_chat_id)
            # What was saved since then is of the old chat too.
            await self._store.outbox.forget_places(ids)
            await self.postpone(deliveries, Millis(0), "the chat has a new id")
        except ChatGone as error:
            await self._without_chat(deliveries, error)
        except ChatBusy as error:
            await self._later(deliveries, error)
        except Unplaced:
            for delivery in deliveries:
                await self._give_up(delivery)
        except ChatLost as error:
            await self._store.outbox.forget_places(ids)
            await self.postpone(deliveries, Millis(SECOND), str(error))
        except ChatRefused as error:
            # It takes not even a text: whatever its reason is, a group is as good as lost.
            if task.origin.is_private:
                for delivery in deliveries:
                    await self._end(delivery, f"chat refused: {error}", refund=_is_paid_for(delivery))
            else:
                await self._without_chat(deliveries, error)
        except NOT_THERE as error:
            for delivery in deliveries:
                if await self.will_come(delivery, error):
                    await self.postpone([delivery], None, str(error))
                else:
                    await self._end(delivery, f"{type(error).__name__}: {error}", refund=True)
        except Exception as error:  # noqa: BLE001  whatever nobody foresaw, it comes to an end
            await self._monitor.unforeseen(task, error)
            await self._failed(deliveries, error)

    async def _failed(self, deliveries: Sequence[Delivery], error: Exception) -> None:
        """Try again what failed in a way that nobody foresaw, but not for ever."""
        now, failure = self._runtime.clock.now(), f"fault: {type(error).__name__}"
        for delivery in deliveries:
            if now - await self._store.outbox.note_failing(delivery.id, now) < FILE_DEADLINE:
                await self.postpone([delivery], None, failure)
            else:
                await self._end(delivery, failure, refund=_is_paid_for(delivery))

    async def _without_chat(self, deliveries: Sequence[Delivery], error: ChatError) -> None:
        """Go on in private where a group cannot be written to; there it waits until its person is back."""
        task = deliveries[0].task
        if task.origin.is_private:
            for delivery in deliveries:
                await self._end(delivery, f"{CHAT_GONE}: {error}", refund=False)
            return
        log.warning("a group cannot be written to", task=task.id, chat=task.origin.chat_id, reason=str(error))
        # Of a batch whose results go one by one, the first has told of it.
        told = any(each.origin.is_private for each in await self._store.tasks.list_batch(task))
        tasks = {delivery.task.id: delivery.task for delivery in deliveries}
        moved = [await self._to_private(each) for each in tasks.values()]
        if not told and any(map(_is_paid_for, deliveries)):
            with suppress(ChatError):
                await self._status.tell(moved[0], "notice.delivery.in_private")
        await self.postpone(deliveries, Millis(0), str(error))

    async def _to_private(self, task: Task) -> Task:
        """Let a task go on in its person's private chat; its status leaves the group, where that still works."""
        with suppress(ChatError):
            await self._status.close(task)
        await self._store.outbox.send_privately(task.id)
        return await self._store.tasks.get(task.id) or task

    async def will_come(self, delivery: Delivery, error: Exception) -> bool:
        """Ask the provider where a missing file is now; False once it has been missing for too long."""
        if isinstance(error, (DownloadTooLarge, NotOffered)):
            return False
        now = self._runtime.clock.now()
        since = await self._store.outbox.note_failing(delivery.id, now)
        if now - since >= _patience(error):
            return False
        if isinstance(error, DownloadUntrusted) and delivery.attempts >= UNTRUSTED_TRIES:
            await self._operators.alert_operators(
                "alert.download.certificate",
                provider=delivery.task.provider,
                host=error.host,
                detail=error.reason,
            )
        found = await self._renew(delivery.task)
        if delivery.position < len(found):
            await self._store.outbox.renew(delivery.id, found[delivery.position])
        return True

    async def tell_late(self) -> None:
        """Tell of results that their providers do not hand out: each person once per request, and the operators."""
        before = Millis(self._runtime.clock.now() - LATE_AFTER)
        for delivery in await self._store.outbox.take_late(before, LATE_AT_ONCE):
            task = delivery.task
            log.warning("a result is late", task=task.id, provider=task.provider, reason=delivery.failure)
            charged = task.state is TaskState.SUCCEEDED
            with suppress(ChatError):
                await self._status.tell(
                    task,
                    "notice.delivery.late" if charged else "notice.delivery.late_free",
                    id=format_task_id(task.id),
                )
            await self._operators.alert_operators(
                "alert.delivery.late",
                provider=task.provider,
                id=format_task_id(task.id),
                minutes=LATE_AFTER // MINUTE,
                detail=delivery.failure or "–",
            )

    async def arrived(self, delivery: Delivery, sent: Sent, file: ResultFile | None) -> None:
        """Save that a result is in the chat, and as what."""
        record = SentRecord(
            sent.message_id,
            sent.file_id or delivery.file_id,
            sent.file_unique_id,
            file.width if file else delivery.width,
            file.height if file else delivery.height,
            file.duration_ms if file else delivery.duration_ms,
            file.size_bytes if file else delivery.size_bytes,
            delivery.copy_of,
        )
        now = self._runtime.clock.now()
        await self._store.outbox.mark_delivered(delivery.id, record, now)
        self._meter.count(DELIVERIES, outcome="delivered")
        if delivery.task.finished_at is not None:
            self._meter.observe(DELIVERY_SECONDS, (now - delivery.task.finished_at) / SECOND)
        log.info(
            "video delivered",
            task=delivery.task.id,
            chat=delivery.task.origin.chat_id,
            bytes=record.size_bytes,
        )
        await self.close(delivery)

    async def close(self, delivery: Delivery) -> None:
        """The result stands in the place of its status; one reaction is enough for all results of a task."""
        await self._status.close(delivery.task)
        if delivery.position == 0:
            await self._status.react(delivery.task, Reaction.DONE)

    async def _later(self, deliveries: Sequence[Delivery], error: ChatBusy) -> None:
        now = self._runtime.clock.now()
        if now > max(delivery.begun_at for delivery in deliveries) + DELIVERY_DEADLINE:
            for delivery in deliveries:
                await self._end(delivery, f"given up after a day: {error}", refund=_is_paid_for(delivery))
            return
        pause = None if isinstance(error, ChatUnsure) else error.retry_after
        await self.postpone(deliveries, pause, str(error))

    async def postpone(self, deliveries: Sequence[Delivery], pause: Millis | None, reason: str) -> None:
        """Try again after a pause, all of them together; None: one that grows from a second to a minute."""
        attempts = max(delivery.attempts for delivery in deliveries)
        log.info("delivery postponed", task=deliveries[0].task.id, attempt=attempts, reason=reason)
        now = self._runtime.clock.now()
        due_at = now if pause == 0 else backoff(now, attempts, self._runtime.rng, pause)
        for delivery in deliveries:
            await self._store.outbox.postpone(delivery.id, due_at, reason)
            self._meter.count(DELIVERIES, outcome="postponed")

    async def _give_up(self, delivery: Delivery) -> None:
        """Nobody knows whether it arrived, and it was sent often enough: say how to get it."""
        task = delivery.task
        await self._store.outbox.mark_undeliverable(delivery.id, Unplaced.__name__, self._runtime.clock.now())
        self._meter.count(DELIVERIES, outcome="undeliverable")
        log.error("a delivery remains unknown", task=task.id, chat=task.origin.chat_id)
        if _is_paid_for(delivery):
            try:
                await self._status.tell(task, "notice.delivery.unsure", id=format_task_id(task.id))
            except ChatError as error:
                log.warning("an unknown delivery could not be told", task=task.id, reason=str(error))

    async def _end(self, delivery: Delivery, failure: str, *, refund: bool) -> None:
        """Close a row that cannot be delivered; where it was paid for, its credits go back and it is told."""
        task = delivery.task
        now = self._runtime.clock.now()
        if refund and task.state is TaskState.SUCCEEDED:
            # What it lacked was refunded before, and what did not come with it is refunded with it; nobody has told it.
            less = delivery.less or await self._shortfalls.missing(delivery)
            share = Credits(delivery.share - less.credits)
            # What an operator refunded before is not refunded again, but the person hears of it all the same.
            row = (
                await self._tasks.refund(task, share, str(delivery.position), note=failure) if share else None
            )
            refunded = Credits((share if row is None else row.amount) + less.refunded)
            try:
                await self._tell_refund(delivery, refunded)
            except ChatBusy as busy:
                if now <= delivery.begun_at + DELIVERY_DEADLINE:
                    await self.postpone([delivery], busy.retry_after, str(busy))
                    return
            except ChatMoved as moved:
                await self._status.move(task.origin.chat_id, moved.new_chat_id)
                await self.postpone([delivery], Millis(0), "the chat has a new id")
                return
            except (ChatGone, ChatRefused) as error:
                log.warning("the refund could not be told", task=task.id, reason=str(error))
                if not task.origin.is_private:
                    private = await self._to_private(task)
                    with suppress(ChatError):
                        await self._say_refunded(private, refunded)
            except Unplaced:
                log.warning("nobody knows whether the refund was told", task=task.id)
        await self._store.outbox.mark_undeliverable(delivery.id, failure, now)
        self._meter.count(DELIVERIES, outcome="undeliverable")
        log.error("delivery given up", task=task.id, chat=task.origin.chat_id, reason=failure)

    async def _tell_refund(self, delivery: Delivery, credits: int) -> None:
        task = delivery.task
        if delivery.place is not None:
            delivery = await self._places.give_back(delivery)
        async with self._places.counted(delivery):
            await self._say_refunded(task, credits)
        await self._status.close(task)
        await self._status.react(task, Reaction.FAILED)

    async def _say_refunded(self, task: Task, credits: int) -> None:
        await self._status.tell(task, "notice.delivery.refunded", id=format_task_id(task.id), credits=credits)


def _is_paid_for(delivery: Delivery) -> bool:
    return delivery.kind is not None


def _patience(error: Exception) -> Millis:
    """How long a file may fail to come in this way."""
    broken = isinstance(error, DownloadFailed) and not isinstance(error, DownloadUntrusted)
    return SERVER_DEADLINE if broken else FILE_DEADLINE
