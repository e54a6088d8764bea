"""What nobody foresaw: one task that makes the bot itself fail ends at its deadline, and stops none of the others."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.operations.records import AuditRow
from bot.domain.tasks.lifecycle import Transition
from bot.domain.tasks.task import FINAL_STATES, DeliveryState, Task, TaskState
from bot.domain.types import DAY, HOUR, MINUTE, SECOND, Millis, TaskId
from bot.services.ports import Job
from bot.store import Store
from bot.store.tasks import Tasks
from tests.builders import ADA, NOW, XIAOLIN, a_request, stored
from tests.world.kling import a_film
from tests.world.services import BACK, HELD, ServiceWorld, accepting, finished, lost, refusal

POISON = "a prompt that nobody can write down"
DEADLINE = Millis(NOW + 20 * MINUTE)


@dataclass
class Faults(httpx.AsyncBaseTransport):
    """The network, on which requests fail in a way that no client of HTTP documents, where `fails` says so."""

    fails: Callable[[httpx.Request], bool] = lambda _: False
    inner: httpx.AsyncHTTPTransport = field(default_factory=httpx.AsyncHTTPTransport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        if self.fails(request):
            await answer.aread()
            await answer.aclose()
            raise KeyError("\ud83d")
        return answer

    async def aclose(self) -> None:
        await self.inner.aclose()


class Unreadable:
    """What a request is that nobody can make anything of."""

    def __getattr__(self, name: str) -> object:
        raise KeyError(name)


class PoisonedTasks(Tasks):
    """Tasks of which some cannot be changed in some ways."""

    refuses: Callable[[Transition], bool] = staticmethod(lambda _: False)
    unreadable: frozenset[str] = frozenset()

    async def list_by_id(self, task_ids: Sequence[TaskId]) -> list[Task]:
        found = await super().list_by_id(task_ids)
        return [replace(task, request=Unreadable()) if task.id in self.unreadable else task for task in found]

    async def apply(self, transition: Transition, now: Millis, audit: AuditRow | None = None) -> Task:
        if self.refuses(transition):
            "\ud83d".encode()
        return await super().apply(transition, now, audit)


@dataclass
class World:
    """The bot, with what a test makes fail in it."""

    bot: ServiceWorld
    network: Faults
    tasks: PoisonedTasks

    def faults(self) -> list[dict[str, Any]]:
        """The records of failures, which are taken from the log: each of them has one traceback at most."""
        found = self.bot.events("a piece of work failed; it will be tried again")
        self.bot.output[:] = [record for record in self.bot.output if record not in found]
        return found

    async def drive(self, until: int, step: int = 30 * SECOND) -> None:
        """Run what runs by the clock, up to a moment."""
        while self.bot.clock.now() < until:
            for job in (Job.DISPATCH, Job.RECOVER, Job.POLL, Job.DELIVER):
                await self.bot.run(job)
            self.bot.clock.advance(min(step, until - self.bot.clock.now()))
        for job in (Job.DISPATCH, Job.RECOVER, Job.POLL, Job.DELIVER):
            await self.bot.run(job)


@pytest.fixture
async def world(bare) -> AsyncIterator[World]:
    store = await Store.open(str(bare.database))
    tasks = PoisonedTasks(store.engine)
    network = Faults()
    bare.given = {"store": replace(store, tasks=tasks), "transport": network}
    bare.to_kling.always("submit", accepting())
    bare.to_kling.always("file", Response(a_film(), media_type="video/mp4"))

    async def finished_here(request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        return finished(name, f"{bare.kling_url}/files/{name}.mp4")

    bare.to_kling.always("query", finished_here)
    await bare.open(polling="retries = 2\nwaiting = 1200\nanswering = 60")
    yield World(bare, network, tasks)
    await bare.stop()
    await network.inner.aclose()
    await store.close()


async def two_tasks(world: World) -> tuple[Task, Task]:
    """One that makes trouble, and another after it."""
    poisoned = await stored(world.bot.store, request=a_request(prompt=POISON))
    return poisoned, await stored(world.bot.store, user_id=XIAOLIN)


def of(task: Task) -> Callable[[Transition], bool]:
    return lambda transition: transition.before.id == task.id


async def free(world: World) -> bool:
    """Whether no place at the provider is taken."""
    return not await world.bot.store.tasks.count_running()


async def hold_end(world: World, task: Task, other: Task, by: int = DEADLINE + MINUTE) -> None:
    """The one ends in time with its credits, the other has its video, and the admins know of it once."""
    bot = world.bot
    await world.drive(by)
    after = await bot.now(task)
    assert after.state in FINAL_STATES, after
    assert await bot.money() == BACK
    assert await bot.state(other) is TaskState.SUCCEEDED
    assert await free(world)
    assert bot.alerts.count("alert.task.fault") == 1
    faults = world.faults()
    assert len([fault for fault in faults if fault["exc_info"]]) == 1
    assert POISON not in repr(faults)


async def test_a_look_that_fails_counts_as_not_seen_and_the_deadline_holds(world):
    task, other = await two_tasks(world)
    await world.drive(NOW)
    bad = (await world.bot.now(task)).provider_task_id
    world.network.fails = lambda request: request.url.path.endswith(f"/{bad}")
    await hold_end(world, task, other)
    not_found_count = [path for path in world.bot.to_kling.paths if path.endswith(f"/{bad}")]
    assert 10 < len(not_found_count) < 60
    # It is looked for on, and found once the fault is mended.
    world.network.fails = lambda _: False
    await world.drive(DEADLINE + HOUR, 5 * MINUTE)
    assert await world.bot.waiting(task) == ["notice", "video"]
    assert await world.bot.money() == BACK


async def test_an_end_that_cannot_be_saved_counts_as_not_seen(world):
    """The answer is the poison: whatever is saved of it fails."""
    task, other = await two_tasks(world)
    world.tasks.refuses = lambda change: of(task)(change) and change.after.state is TaskState.SUCCEEDED
    await hold_end(world, task, other)


async def test_a_list_with_one_poisoned_answer_is_no_loss_for_the_others(world):
    task, other = await two_tasks(world)
    third = await stored(world.bot.store, user_id=ADA)
    await world.drive(NOW)
    bad = (await world.bot.now(task)).provider_task_id
    world.network.fails = lambda request: (
        "pageNum" in request.url.query.decode() or request.url.path.endswith(f"/{bad}")
    )
    await world.drive(DEADLINE + MINUTE)
    assert [await world.bot.state(each) for each in (task, other, third)] == [
        TaskState.EXPIRED,
        TaskState.SUCCEEDED,
        TaskState.SUCCEEDED,
    ]
    assert world.bot.alerts == ["alert.task.fault"]
    world.faults()


async def test_a_submission_that_fails_is_asked_for_before_it_is_sent_again(world):
    task, other = await two_tasks(world)
    failing = [True]
    world.network.fails = lambda request: POISON.encode() in request.content and bool(failing)
    await world.bot.run(Job.DISPATCH)
    assert await world.bot.state(task) is TaskState.UNCONFIRMED
    assert await world.bot.money() == HELD
    failing.clear()
    await world.drive(NOW + MINUTE)
    assert {await world.bot.state(each) for each in (task, other)} == {TaskState.SUCCEEDED}
    assert len([body for body in world.bot.to_kling.of("submit") if body["prompt"] == POISON]) == 1
    assert world.bot.alerts == ["alert.task.fault"]
    world.faults()


async def test_a_submission_that_always_fails_and_never_arrives_ends_after_so_many_tries(world):
    world.bot.to_kling.always("query", refusal(400, 1201, "Task not found by id/external id"))
    task, other = await two_tasks(world)
    world.network.fails = lambda request: POISON.encode() in request.content
    await world.drive(NOW + 2 * MINUTE, 10 * SECOND)
    after = await world.bot.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, "unavailable")
    assert await world.bot.money() == BACK
    assert await world.bot.state(other) is TaskState.IN_PROGRESS
    assert len([body for body in world.bot.to_kling.of("submit") if body["prompt"] == POISON]) == 3
    world.faults()


async def test_a_question_about_a_lost_answer_that_fails_holds_the_deadline(world):
    task, other = await two_tasks(world)
    world.bot.to_kling.answer("submit", lost())
    world.network.fails = lambda request: request.url.path.endswith(f"/{task.external_task_id}")
    await hold_end(world, task, other)
    # Its provider may have it: the promise of a late video is kept.
    world.network.fails = lambda _: False
    await world.drive(DEADLINE + HOUR, 5 * MINUTE)
    assert "video" in await world.bot.waiting(task)


async def test_a_claim_that_fails_keeps_nobody_from_being_sent(world):
    task, other = await two_tasks(world)
    world.tasks.refuses = lambda change: of(task)(change) and change.after.state is TaskState.SUBMITTING
    await world.drive(DEADLINE + 3 * MINUTE)
    after = await world.bot.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, "waited")
    assert await world.bot.state(other) is TaskState.SUCCEEDED
    assert await world.bot.money() == BACK
    assert len([fault for fault in world.faults() if fault["exc_info"]]) == 1


async def test_where_even_the_end_cannot_be_saved_the_task_ends_as_soon_as_it_can(world):
    task, other = await two_tasks(world)
    await world.drive(NOW)
    world.tasks.refuses = of(task)
    await world.drive(DEADLINE + 10 * MINUTE)
    assert await world.bot.state(task) is TaskState.IN_PROGRESS
    assert await world.bot.state(other) is TaskState.SUCCEEDED
    assert world.bot.alerts == ["alert.task.fault"]
    world.tasks.refuses = lambda _: False
    await world.drive(world.bot.clock.now() + 3 * MINUTE)
    assert await world.bot.state(task) in FINAL_STATES
    assert await free(world)
    assert len([fault for fault in world.faults() if fault["exc_info"]]) <= 2


async def test_a_task_whose_looks_never_come_to_an_answer_is_ended_by_the_chores(world):
    """Whatever keeps the looks from their end, such as a job that is stuck."""
    task, _ = await two_tasks(world)
    await world.drive(NOW)
    while world.bot.clock.now() < DEADLINE + 10 * MINUTE:
        await world.bot.run(Job.RECOVER, 30 * SECOND)
    assert await world.bot.state(task) is TaskState.EXPIRED
    await world.drive(world.bot.clock.now() + DAY, HOUR)
    assert "video" in await world.bot.waiting(task)


async def test_a_delivery_that_fails_is_refunded_and_told_and_others_arrive(world):
    bot = world.bot
    task, other = await two_tasks(world)
    await world.drive(NOW)
    bad = (await bot.now(task)).provider_task_id
    world.network.fails = lambda request: request.url.path == f"/files/{bad}.mp4"
    await world.drive(NOW + 20 * MINUTE)
    assert await bot.refunds(task) == [task.price]
    assert [row.state for row in await bot.store.outbox.list_of(task.id)] == [DeliveryState.UNDELIVERABLE]
    assert [row.state for row in await bot.store.outbox.list_of(other.id)] == [DeliveryState.DELIVERED]
    assert bot.alerts.count("alert.task.fault") == 1
    faults = world.faults()
    assert len([fault for fault in faults if fault["exc_info"]]) == 1
    assert len(faults) < 30


async def test_a_task_that_nobody_can_read_keeps_no_other_from_its_turn(world):
    task, other = await two_tasks(world)
    world.tasks.unreadable = frozenset({task.id})
    await world.drive(DEADLINE + 3 * MINUTE)
    assert await world.bot.state(other) is TaskState.SUCCEEDED
    assert (await world.bot.now(task)).failure == "waited"
    assert await world.bot.money() == BACK
    assert len([fault for fault in world.faults() if fault["exc_info"]]) == 1
