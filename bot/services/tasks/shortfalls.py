"""Refunds for what was ordered and not made: seconds, pixels, results. Once for each result, whatever crashes in between."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from bot.domain.requests.catalog import Catalog
from bot.domain.tasks.shortfall import Shortfall, compare, missing
from bot.domain.tasks.task import Delivery, Task, TaskState
from bot.domain.types import Credits, ProviderName, format_task_id
from bot.errors import UserError
from bot.services.ports import Operators, ResultFile
from bot.services.tasks.lifecycle import Tasks
from bot.store import Store

Prices = Callable[[ProviderName | None], Catalog]

log = structlog.get_logger(__name__)


class Shortfalls:
    """Holds results against their orders; `prices` is the price table of a provider."""

    def __init__(self, *, store: Store, tasks: Tasks, operators: Operators, prices: Prices) -> None:
        self._store = store
        self._tasks = tasks
        self._operators = operators
        self._prices = prices

    async def settle(self, delivery: Delivery, file: ResultFile | None) -> Delivery:
        """Refund what a result lacks, and return it with that; `file` None: only its provider's words are known."""
        task = delivery.task
        if delivery.less is not None or delivery.file_id is not None or task.state is not TaskState.SUCCEEDED:
            return delivery
        less = self._compare(delivery, file) or Shortfall()
        of_all = await self.missing(delivery)
        less = less.model_copy(update={"results": of_all.results, "credits_missing": of_all.credits_missing})
        if less.credits:
            row = await self._tasks.refund(
                task, Credits(less.credits), f"{delivery.position}:less", note=_words(task, less)
            )
            less = less.model_copy(update={"credits": 0 if row is None else row.amount})
        if less.refunded <= 0:
            return delivery
        await self._store.outbox.set_less(delivery.id, less)
        if task.request.series == "auto" and not less.is_lesser:
            # Kling chose how many, as it was asked to.
            return replace(delivery, less=less)
        log.warning(
            "less was made than ordered", task=task.id, provider=task.provider, made=_words(task, less)
        )
        await self._operators.alert_operators(
            "alert.shortfall",
            provider=task.provider,
            model=task.request.model,
            id=format_task_id(task.id),
            ordered=_ordered(task),
            made=_words(task, less),
            credits=less.refunded,
        )
        return replace(delivery, less=less)

    async def missing(self, delivery: Delivery) -> Shortfall:
        """Refund the results of a task that did not come; the first of those that came tells of it."""
        task = delivery.task
        if delivery.position or task.request.results == 1 or task.state is not TaskState.SUCCEEDED:
            return Shortfall()
        rows = await self._store.outbox.list_of(task.id)
        results = sum(row.kind is delivery.product for row in rows)
        credits = missing(task.request, task.price, results)
        if credits <= 0:
            return Shortfall()
        row = await self._tasks.refund(task, credits, "missing", note=f"{results}/{task.request.results}")
        return Shortfall(results=results, credits_missing=0 if row is None else row.amount)

    def _compare(self, delivery: Delivery, file: ResultFile | None) -> Shortfall | None:
        file = file if file is None or file.made is None else file.made
        told = None if delivery.video is None else delivery.video.duration_ms
        duration = told if file is None or file.duration_ms is None else file.duration_ms
        # A smaller copy says nothing of the size of what was made.
        size = None
        if file is not None and file.width and file.height and delivery.copy_of is None:
            size = (file.width, file.height)
        price = self._prices(delivery.task.provider).price
        try:
            return compare(delivery.task.request, delivery.share, price, duration, size)
        except UserError:
            # The catalog has no price any more for what was ordered.
            return None


def _ordered(task: Task) -> str:
    request = task.request
    return f"{request.duration}s/{request.mode}/{request.resolution}/x{request.results}"


def _words(task: Task, less: Shortfall) -> str:
    request = task.request
    seconds, results = less.seconds or request.duration, less.results or request.results
    return f"{seconds}s/{less.mode or request.mode}/{less.resolution or request.resolution}/x{results}"
