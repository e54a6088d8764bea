"""Accept a request: check it, price it, hold the credits and queue it, or say why not.

Nothing is kept and nothing held before everything that can be refused has been checked.
"""

import asyncio
import hashlib
import random
from typing import TypeVar

import structlog

from bot.clock import Clock
from bot.domain.credits import plans
from bot.domain.credits.quota import PoolUse, windows
from bot.domain.credits.spending import NO_CAPS
from bot.domain.requests.request import AudioRef, ImageRef, VideoRequest
from bot.domain.tasks.lifecycle import CancelRequested, IllegalTransition, transition
from bot.domain.tasks.schedule import PollingPolicy
from bot.domain.tasks.task import ACTIVE_STATES, FINAL_STATES, Origin, Task, TaskState
from bot.domain.units import ChatId, Credits, Millis, TaskId, UserId, new_task_id, shown
from bot.errors import UserError
from bot.media.clips import SHORTEST_SOUND, as_mp3
from bot.media.images import close_up, prepare
from bot.services.compose import Compose
from bot.services.credits.spending import Spending
from bot.services.library.assets import Assets
from bot.services.people.accounts import Accounts
from bot.services.people.limits import Limits
from bot.services.people.moderation import Moderation
from bot.services.ports import Job, Wake
from bot.store import Conflict, Store, StoredAttachment, TaskIdTaken

_ID_DRAWS = 8

LONGEST_SOUND = 60_000
"""Milliseconds of speech that Kling takes for a lip-sync."""

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Submit:
    """Everything between a composed request and a queued task."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        compose: Compose,
        clock: Clock,
        rng: random.Random,
        policy: PollingPolicy,
        wake: Wake,
        limits: Limits,
        group_budget: int | None = None,
        pool: PoolUse = PoolUse.OFF,
        spending: Spending | None = None,
        moderation: Moderation | None = None,
        assets: Assets | None = None,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._compose = compose
        self._clock = clock
        self._rng = rng
        self._policy = policy
        self._wake = wake
        self._limits = limits
        self._group_budget = group_budget
        self._pool = pool
        self._spending = spending
        self._moderation = moderation
        self._assets = assets

    # -- images --------------------------------------------------------------------------------------

    async def keep_image(self, data: bytes, owner: UserId | None = None) -> ImageRef:
        """Make a picture into what Kling takes and keep it, until its owner asks to be forgotten.

        Raises:
            UserError: it is no picture, or one that cannot be used.

        """
        prepared = await asyncio.to_thread(prepare, data)
        ref = ImageRef(
            sha256=prepared.sha256,
            media_type=prepared.media_type,
            width=prepared.width,
            height=prepared.height,
        )
        await self._store.drafts.save_attachment(
            StoredAttachment(ref, prepared.data, owner), self._clock.now()
        )
        return ref

    async def keep_close_up(self, picture: ImageRef, owner: UserId) -> ImageRef:
        """Keep a nearer look at a kept picture.

        Raises:
            UserError: the picture is no longer kept.

        """
        kept = (await self._store.drafts.get_attachments([picture])).get(picture.sha256)
        if kept is None:
            raise UserError("error.image.not_available")
        return await self.keep_image(await asyncio.to_thread(close_up, kept), owner)

    async def keep_sound(
        self,
        data: bytes,
        owner: UserId | None = None,
        longest_ms: int = LONGEST_SOUND,
        shortest_ms: int = SHORTEST_SOUND,
    ) -> AudioRef:
        """Make a sound into what Kling takes and keep it, until its owner asks to be forgotten.

        Raises:
            UserError: it is no sound, or too long or too short to be used.

        """
        mp3, length = await asyncio.to_thread(as_mp3, data, longest_ms, shortest_ms)
        ref = AudioRef(sha256=hashlib.sha256(mp3).hexdigest(), duration_ms=length)
        await self._store.drafts.save_attachment(StoredAttachment(ref, mp3, owner), self._clock.now())
        return ref

    # -- accepting -----------------------------------------------------------------------------------

    async def accept(self, user_id: UserId, origin: Origin, request: VideoRequest) -> Task:
        """Hold the credits and queue the request. The same update is accepted once, however often it comes.

        Raises:
            UserError: too little credit is left, too many tasks are running, it is asked too fast, or nobody
                can do it.

        """
        if self._assets is not None:
            request = await self._assets.pinned(user_id, request)
        self._compose.check(request)
        plan = self._accounts.plan_of(await self._store.people.get(user_id))
        plans.check(plan, request)
        price, caps = self._compose.price(request), NO_CAPS
        if self._spending is not None:
            await self._spending.check(request, price)
            caps = self._spending.caps
        if self._moderation is not None:
            await self._moderation.check(user_id, request, f"update:{origin.update_id}")
        self._limits.take(user_id, None if origin.is_private else origin.chat_id, plan.requests_per_minute)
        now = self._clock.now()
        window = windows(now, self._accounts.zone)
        group_budget = None if origin.is_private else self._group_budget
        pool = PoolUse.OFF if origin.is_private else self._pool
        for _ in range(_ID_DRAWS):
            task_id = new_task_id(self._rng)
            task = Task(
                id=task_id,
                user_id=user_id,
                origin=origin,
                request=request,
                price=price,
                external_task_id=f"klingbot-{task_id}-{self._rng.getrandbits(48):012x}",
                created_at=now,
                deadline_at=Millis(now + self._policy.deadline),
                due_at=now,
                priority=plan.priority,
            )
            try:
                accepted = await self._store.tasks.accept(task, (), plan, window, group_budget, pool, caps)
            except TaskIdTaken:
                continue
            log.info(
                "task accepted", task=accepted.id, user=user_id, chat=origin.chat_id, price=accepted.price
            )
            self._wake(Job.DISPATCH)
            return accepted
        raise RuntimeError("no free task id was drawn")

    async def group_standing(self, chat_id: ChatId) -> tuple[Credits, int] | None:
        """What everybody in a group has spent today, and what they may; None where there is no such limit."""
        if self._group_budget is None:
            return None
        today = windows(self._clock.now(), self._accounts.zone)
        return await self._store.credits.sum_spent_in_chat(chat_id, today.day_start), self._group_budget

    async def cancel(self, user_id: UserId, task_id: TaskId) -> Task:
        """Take a queued task back, with its credits.

        Raises:
            UserError: there is no such task of this user, or it has been sent already.

        """
        task = await self._store.tasks.get(task_id)
        if task is None or (task.user_id != user_id and not self._accounts.is_admin(user_id)):
            raise UserError("error.task.unknown", task=shown(task_id))
        now = self._clock.now()
        try:
            cancelled = await self._store.tasks.apply(transition(task, CancelRequested(), now), now)
        except (Conflict, IllegalTransition) as error:
            current = await self._store.tasks.get(task_id)
            if current is not None and current.state is TaskState.CANCELLED:
                return current
            ended = current is not None and current.state in FINAL_STATES
            raise UserError(
                "error.task.ended" if ended else "error.task.already_sent", task=shown(task_id)
            ) from error
        self._wake(Job.DELIVER)
        return cancelled

    async def running(self, user_id: UserId) -> list[Task]:
        """A person's tasks that are not at their end, newest first."""
        return await self._store.tasks.list_of(user_id, sorted(ACTIVE_STATES))

    async def task(self, user_id: UserId, task_id: TaskId) -> Task:
        """One of a person's tasks; admins see everybody's.

        Raises:
            UserError: there is none of that id.

        """
        task = await self._store.tasks.get(task_id)
        if task is None or (task.user_id != user_id and not self._accounts.is_admin(user_id)):
            raise UserError("error.task.unknown", task=shown(task_id))
        return task
