"""The bot in this process for tests of its services: tasks are put into its store, and jobs are run one at a time.

    async def test_…(world):
        world.to_kling.answer("submit", lost())
        task = await stored(world.store)
        await world.run(Job.DISPATCH)
        assert (await world.now(task)).state is TaskState.UNCONFIRMED

What a test does not answer, the stand-ins do; a video takes longer than any test unless the test says otherwise.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.clock import Clock, Runtime
from bot.demo.serving import serve
from bot.domain.credits.quota import Usage
from bot.domain.requests.operations import Operation
from bot.domain.tasks.lifecycle import Accepted, Claimed, transition
from bot.domain.tasks.task import LedgerKind, Task, TaskState
from bot.domain.types import MINUTE, Millis, ProviderName
from bot.services.container import Administration, Services, admin_actions, administration, shell_tasks
from bot.services.operations.actions import Actions
from bot.services.ports import Job
from bot.settings import sections
from bot.settings.config import load
from bot.store import Store
from tests.builders import ADA, LEASE, NOW, a_window, stored
from tests.world.bot import KEY, BotInProcess, open_bot
from tests.world.kling import kling_front

A, B = ProviderName("stand-in"), ProviderName("second")
POLICY = sections.Polling(retries=2).policy
POLLING = "retries = 2"

HELD, CHARGED, BACK = (10, 10), (10, 0), (0, 0)
"""What `ServiceWorld.money` is while a task of ten credits is on its way, when it is paid for, and given back."""

SECOND_PROVIDER = """
[[providers]]
name = "second"
dialect = "official"
base_url = "{url}"
key = "{key}"
models = {models}
rate = 1000
{more}
"""


def says(data: object) -> Response:
    """Kling's envelope around an answer."""
    return JSONResponse({"code": 0, "message": "SUCCEED", "request_id": "r-1", "data": data})


def refusal(status: int, code: int, message: str = "no", **headers: str) -> Response:
    return JSONResponse(
        {"code": code, "message": message, "request_id": "r-1"},
        status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def accepted(task_id: str = "kling-1") -> Response:
    return says({"task_id": task_id, "task_status": "submitted"})


def accepting() -> Callable[[Request], Awaitable[Response]]:
    """Accept every submission, each under an id of its own."""
    numbers = count(1)

    async def accept(_: Request) -> Response:
        return accepted(f"kling-{next(numbers)}")

    return accept


def lost() -> Response:
    """What a gateway says when it does not know either."""
    return PlainTextResponse("<html>502 Bad Gateway</html>", 502)


def absent() -> Response:
    return refusal(400, 1201, "Task not found by id/external id")


def a_row(task_id: str = "kling-1", word: str = "processing", **fields: Any) -> dict[str, Any]:
    return {"task_id": task_id, "task_status": word, **fields}


def a_finished_row(task_id: str = "kling-1", *urls: str) -> dict[str, Any]:
    videos = [
        {"id": f"video-{number}", "url": url, "duration": "5.0"}
        for number, url in enumerate(urls or ("https://cdn.example/0.mp4",))
    ]
    return a_row(task_id, "succeed", task_result={"videos": videos}, final_unit_deduction="1.5")


def running(task_id: str = "kling-1") -> Response:
    return says(a_row(task_id))


def finished(task_id: str = "kling-1", *urls: str) -> Response:
    return says(a_finished_row(task_id, *urls))


async def finishing(request: Request) -> Response:
    """Tell that the task that is asked about is finished."""
    return finished(request.url.path.rpartition("/")[2])


def failed(reason: str, task_id: str = "kling-1") -> Response:
    return says(a_row(task_id, "failed", task_status_msg=reason))


class ServiceWorld(BotInProcess):
    """`to_second` stands before the second provider, which is another way to the same stand-in."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.kling.behaviour.render_seconds = 1_000_000
        self.to_second = kling_front(self.kling.app)
        self._second_url = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve both stand-ins, and write a configuration that names them."""
        async with serve(self.to_second) as self._second_url, super().serving():
            self.configure(polling=POLLING)
            yield

    async def open(
        self, *, second: bool = False, second_models: str = '["kling-v2-6"]', **settings: Any
    ) -> None:
        """Start the bot, with a second provider where it is asked for; the first one is preferred."""
        more = settings.pop("provider", "")
        if second:
            more = (
                "priority = 9\n"
                + more
                + SECOND_PROVIDER.format(
                    url=self._second_url, key=KEY, models=second_models, more=settings.pop("second_more", "")
                )
            )
        self.configure(**{"polling": POLLING, "provider": more, "models": '["kling-v2-6"]', **settings})
        await self.start()

    @property
    def store(self) -> Store:
        """The store of the bot."""
        assert self.app is not None, "the bot has not been started"
        return self.app.store

    @property
    def services(self) -> Services:
        """What handlers call."""
        assert self.app is not None, "the bot has not been started"
        return self.app.services

    @property
    def woken(self) -> set[Job]:
        """The jobs that were asked to run."""
        assert self.app is not None, "the bot has not been started"
        return self.app.scheduler.woken

    @property
    def alerts(self) -> list[str]:
        """What the operators were told of, by the keys of the texts."""
        return [record["alert"] for record in self.events("operators are told")]

    async def run(self, job: Job, wait: int = 0) -> None:
        """One job, and the work that it begins to its end, after so many milliseconds."""
        self.clock.advance(wait)
        assert self.app is not None, "the bot has not been started"
        await self.app.tick(job)

    async def begin(self, job: Job) -> None:
        """One job; the work that it begins goes on."""
        assert self.app is not None, "the bot has not been started"
        _, run = self.app.jobs[job]
        await run()

    async def drain(self) -> None:
        """Wait for all work that has begun."""
        assert self.app is not None, "the bot has not been started"
        for work in self.app.work:
            await work.drain()

    async def cut_off(self) -> None:
        """End all work that has begun, as the end of the process does."""
        assert self.app is not None, "the bot has not been started"
        for work in self.app.work:
            await work.stop(grace_seconds=0)

    async def a_running_task(self, number: int = 1, provider: str = A, **changes: Any) -> Task:
        """A task that a provider has taken as `kling-<number>`, and that is due to be looked at: it runs."""
        self.to_kling.always("query", _still_running)
        task = await stored(self.store, **changes)
        for event in (
            Claimed(ProviderName(provider), Millis(NOW + LEASE), Millis(NOW + 20 * MINUTE)),
            Accepted(f"kling-{number}", self.clock.now()),
        ):
            task = await self.store.tasks.apply(transition(task, event, NOW), NOW)
        return task

    async def now(self, task: Task) -> Task:
        """The task as it is in the store."""
        found = await self.store.tasks.get(task.id)
        assert found is not None
        return found

    async def state(self, task: Task) -> TaskState:
        """The state of the task in the store."""
        return (await self.now(task)).state

    async def usage(self) -> Usage:
        """What Ada has spent and may still spend."""
        return await self.store.credits.get_usage(ADA, a_window(self.clock.now()))

    async def money(self) -> tuple[int, int]:
        """What Ada has spent today, holds included, and what of it is held."""
        usage = await self.usage()
        return usage.day_spent, usage.held

    async def refunds(self, task: Task) -> list[int]:
        """What was given back for a task."""
        ledger = await self.store.credits.list_ledger(task.user_id)
        return [row.amount for row in ledger if row.kind is LedgerKind.REFUND and row.task_id == task.id]

    async def waiting(self, task: Task) -> list[str]:
        """What the outbox holds of a task, by kind."""
        return [str(delivery.kind or "notice") for delivery in await self.store.outbox.list_of(task.id)]


async def _still_running(request: Request) -> Response:
    return running(request.url.path.rpartition("/")[2])


@asynccontextmanager
async def open_services(directory: Path) -> AsyncIterator[ServiceWorld]:
    """The bot, not yet started."""
    async with open_bot(directory, ServiceWorld) as world:
        yield world


OFFICE = """
[telegram]
token = "123456:a-token-of-tests"
admins = [1000]

[[providers]]
name = "stand-in"
base_url = "http://127.0.0.1:1"
key = "demo"
models = ["kling-v2-6", "kling-v2-1"]
{provider}

[quota]
default_plan = "{plan}"
timezone = "{zone}"

[plans.free]
daily_credits = 100
monthly_credits = 300
max_running = 3

[plans.none]
max_running = 3

[plans.pro]
{pro}
{extra}
"""


class Capabilities:
    """What a bot of two models offers."""

    def models(self) -> tuple[str, ...]:
        return ("kling-v2-6", "kling-v2-1")

    def operations(self) -> frozenset[Operation]:
        return frozenset({Operation.TEXT_TO_VIDEO, Operation.LIP_SYNC, Operation.IMAGE})


def an_office(
    store: Store,
    clock: Clock,
    path: Path,
    *,
    plan: str = "free",
    zone: str = "UTC",
    provider: str = "",
    pro: str = "daily_credits = 900\nmax_running = 5",
    extra: str = "",
) -> Administration:
    """What admins work with as one of several processes has it, wired as a shell does it; `path` takes its settings."""
    path.write_text(OFFICE.format(plan=plan, zone=zone, provider=provider, pro=pro, extra=extra), "utf-8")
    runtime = Runtime(clock, random.Random(1))
    return administration(
        load(path, {}), store=store, offer=Capabilities(), runtime=runtime, wake=lambda _: None
    )


def office_actions(office: Administration, store: Store, clock: Clock) -> Actions:
    """The actions of admins, wired as a shell does it."""
    tasks = shell_tasks(
        office, store=store, polling=sections.Polling(retries=2), clock=clock, wake=lambda _: None
    )
    runtime = Runtime(clock, random.Random(1))
    return admin_actions(office, store=store, tasks=tasks, runtime=runtime, wake=lambda _: None)
