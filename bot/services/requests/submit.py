"""Accept a request: check it, price it, hold the credits and queue it, or say why not.

Nothing is kept and nothing held before everything that can be refused has been checked.
"""

import random
from typing import TypeVar

import structlog

from bot.clock import Clock
from bot.domain.credits import plans
from bot.domain.credits.quota import PoolUse, windows
from bot.domain.credits.spending import NO_CAPS
from bot.domain.requests.request import VideoRequest
from bot.domain.tasks.schedule import PollingPolicy
from bot.domain.tasks.task import Origin, Task
from bot.domain.units import ChatId, Credits, Millis, UserId, new_task_id
from bot.services.compose import Compose
from bot.services.credits.spending import Spending
from bot.services.library.assets import Assets
from bot.services.people.accounts import Accounts
from bot.services.people.limits import Limits
from bot.services.people.moderation import Moderation
from bot.services.ports import Job, Wake
from bot.store import Store, TaskIdTaken

_ID_DRAWS = 8

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
