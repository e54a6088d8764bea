"""Accept a request: check it, price it, hold the credits and queue it, or say why not.

Nothing is kept and nothing held before everything that can be refused has been checked.
"""

import math
from dataclasses import dataclass, replace

import structlog

from bot.clock import Runtime
from bot.domain.credits import plans
from bot.domain.credits.quota import PoolUse, windows
from bot.domain.operations.records import AuditRow
from bot.domain.requests.operations import LIBRARY_OPERATIONS
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.schedule import PollingPolicy
from bot.domain.tasks.task import Origin, Task
from bot.domain.types import Credits, Millis, UserId, new_task_id
from bot.errors import UserError
from bot.kling.wire import OWN_IDS
from bot.services.compose import Compose
from bot.services.credits.spending import Spending
from bot.services.library.assets import Assets
from bot.services.people.accounts import Accounts
from bot.services.people.limits import Limits
from bot.services.people.moderation import Moderation
from bot.services.ports import Job, Wake
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.status import Status
from bot.settings import sections
from bot.store import Store, TaskIdTaken

_ID_DRAWS = 8
SEEDS = 2**31
"""How many seeds there are, from 0 on."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What a request must pass beside the catalog and the person's plan."""

    assets: Assets
    spending: Spending
    moderation: Moderation
    limits: Limits


class Submit:
    """Everything between a composed request and a queued task."""

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        compose: Compose,
        checks: Checks,
        groups: sections.Groups,
        policy: PollingPolicy,
        status: Status,
        tasks: Tasks,
        runtime: Runtime,
        wake: Wake,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._compose = compose
        self._checks = checks
        self._groups = groups
        self._policy = policy
        self._status = status
        self._tasks = tasks
        self._clock = runtime.clock
        self._rng = runtime.rng
        self._wake = wake

    async def accept(
        self,
        user_id: UserId,
        origin: Origin,
        request: GenerationRequest,
        replacing: Task | None = None,
        audit: AuditRow | None = None,
    ) -> Task:
        """Hold the credits, queue the request, with the audit entry of an admin's, and show its status.

        The same update is accepted once, however often it comes.
        Several results are several tasks, which are accepted together or not at all; the first of them is returned. Of
        images one task brings as many as a provider makes at once.
        What it is `replacing`, and has not been sent yet, is cancelled.

        Raises:
            UserError: too little credit is left, too many tasks wait already, it is asked too fast, or nobody
                can do it.

        """
        request = await self._checks.assets.bind_to_account(user_id, request)
        if not origin.is_private:
            origin = await self._in_present_chat(origin)
        plan = self._accounts.plan_of(await self._store.people.get(user_id))
        caps, parts = self._checks.spending.caps, _parts(request, self._compose.most_at_once(request))
        prices = [Credits(0) for _ in parts]
        # Elements and voices are free, and `Assets.compose` has checked who can make them.
        if request.operation not in LIBRARY_OPERATIONS:
            self._compose.check(request)
            plans.check(self._compose.renewed(plan), request)
            await self._checks.spending.check(request, self._compose.price(request))
            prices = [self._compose.price(part) for part in parts]
        await self._checks.moderation.check(user_id, request, f"update:{origin.update_id}")
        self._checks.limits.take(
            user_id, None if origin.is_private else origin.chat_id, plan.requests_per_minute
        )
        if replacing is not None and not await self._tasks.withdraw(replacing):
            raise UserError("error.request.late")
        now = self._clock.now()
        window = windows(now, self._accounts.zone)
        group_budget = None if origin.is_private else self._groups.daily_credits
        pool = PoolUse.OFF if origin.is_private else self._groups.pool
        for _ in range(_ID_DRAWS):
            ids = [new_task_id(self._rng) for _ in parts]
            task, *rest = [
                Task(
                    id=task_id,
                    user_id=user_id,
                    origin=origin if number == 0 else replace(origin, update_id=None),
                    request=part if number == 0 else _another(part, number),
                    price=price,
                    external_task_id=f"{OWN_IDS}{task_id}-{self._rng.getrandbits(48):012x}",
                    created_at=now,
                    deadline_at=Millis(now + self._policy.waiting),
                    waits_until=Millis(now + self._policy.waiting),
                    due_at=now,
                    priority=plan.priority,
                    max_running=plan.max_running,
                    batch_id=ids[0] if len(ids) > 1 else None,
                )
                for number, (task_id, part, price) in enumerate(zip(ids, parts, prices, strict=True))
            ]
            with self._status.first(ids):
                try:
                    accepted = await self._store.tasks.accept(
                        task, (), plan, window, group_budget, pool, caps, rest=rest, audit=audit
                    )
                except TaskIdTaken:
                    continue
                log.info(
                    "task accepted",
                    task=accepted.id,
                    user=user_id,
                    chat=origin.chat_id,
                    price=accepted.price,
                    results=len(ids),
                )
                # Whoever is not told gets nothing, and pays nothing.
                await self._tasks.announce(accepted)
            self._wake(Job.DISPATCH)
            return accepted
        raise RuntimeError("no free task id was drawn")

    async def _in_present_chat(self, origin: Origin) -> Origin:
        """The conversation under the id that its group has now; no message of the old one can be answered there."""
        present = await self._store.chats.get_present_id(origin.chat_id)
        if present == origin.chat_id:
            return origin
        return replace(origin, chat_id=present, message_id=None, thread_id=None)


def _parts(request: GenerationRequest, most: int) -> list[GenerationRequest]:
    """The requests of the tasks that together bring what was ordered, each of at most so many results."""
    number = math.ceil(request.count / most)
    if number == 1:
        return [request]
    each, more = divmod(request.count, number)
    return [request.model_copy(update={"count": each + (part < more)}) for part in range(number)]


def _another(request: GenerationRequest, number: int) -> GenerationRequest:
    """The request of one more result: the same seed would make the same one again."""
    if request.seed is None:
        return request
    return request.model_copy(update={"seed": (request.seed + number) % SEEDS})
