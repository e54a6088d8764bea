"""The services over a real store and real clients: providers answer on loopback what a test tells them to."""

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.clock import ManualClock, Runtime
from bot.demo.serving import serve
from bot.domain.credits.quota import Plan, Usage
from bot.domain.requests.request import Operation
from bot.domain.tasks.task import Delivery, Task, TaskState
from bot.domain.units import Millis, ProviderName, TaskId, UserId
from bot.kling import dialects
from bot.kling import provider as account
from bot.kling.auth import Signer
from bot.kling.client import KlingClient
from bot.kling.pool import Pool
from bot.services.credits.spending import Spending
from bot.services.people.accounts import Accounts
from bot.services.ports import PLAIN, DeliveryOptions, Job, Progress, Reaction, ResultFile, Sent
from bot.services.tasks.deliver import Deliver, Fetch, ResultFiles
from bot.services.tasks.dispatch import Dispatch
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.poll import Poll
from bot.services.tasks.recover import Recover
from bot.services.tasks.status import Status
from bot.services.tasks.workers import ProviderMonitor, WorkerPool
from bot.settings import sections
from bot.store import Store
from tests.builders import ADA, NOW, a_window

POLICY = sections.Polling(retries=2).policy
STATUS_MESSAGE = 500

HELD = (10, 10)
BACK = (0, 0)
"""What `World.money` is while a task of ten credits is on its way, and once they are given back."""

Answer = Response | Callable[[Request], Awaitable[Response]]


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


def failed(reason: str, task_id: str = "kling-1") -> Response:
    return says(a_row(task_id, "failed", task_status_msg=reason))


class Provider:
    """Answers submissions, questions about a task, and for the list one after the other.

    What it is not told it takes as it comes: it accepts, everything still runs, and the list is empty.
    """

    def __init__(self) -> None:
        self.to_submissions: list[Answer] = []
        self.to_questions: list[Answer] = []
        self.to_lists: list[Answer] = []
        self.submissions: list[dict[str, Any]] = []
        self.questions: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/{path:path}", self._submission, methods=["POST"]),
                Route("/{path:path}", self._question, methods=["GET"]),
            ]
        )

    async def _submission(self, request: Request) -> Response:
        self.submissions.append(json.loads(await request.body()))
        if not self.to_submissions:
            return accepted(f"kling-{len(self.submissions)}")
        return await _given(self.to_submissions.pop(0), request)

    async def _question(self, request: Request) -> Response:
        self.questions.append(request.url.path)
        name = request.url.path.rpartition("/")[2]
        if name in set(Operation):
            return await _given(self.to_lists.pop(0), request) if self.to_lists else says([])
        return await _given(self.to_questions.pop(0), request) if self.to_questions else running(name)


async def _given(answer: Answer, request: Request) -> Response:
    return answer if isinstance(answer, Response) else await answer(request)


class Chat:
    """A chat that notes what it is sent; `trouble` holds what the next calls of a method raise."""

    def __init__(self) -> None:
        self.trouble: dict[str, list[Exception]] = {}
        self.statuses: list[tuple[Task, Progress]] = []
        self.removed: list[TaskId] = []
        self.videos: list[tuple[Delivery, ResultFile | None]] = []
        self.albums: list[tuple[list[Delivery], list[ResultFile]]] = []
        self.links: list[tuple[Delivery, str, int | None]] = []
        self.notices: list[Task] = []
        self.told: list[tuple[Task, str, dict[str, object]]] = []
        self.options: list[DeliveryOptions] = []
        self.reactions: list[tuple[TaskId, Reaction]] = []
        self.sendings = 0
        self.alerts: list[tuple[str, dict[str, object]]] = []
        self.alerted: list[tuple[UserId, str, str, dict[str, object]]] = []
        self._message_id = STATUS_MESSAGE

    async def show_status(self, task: Task, progress: Progress) -> int | None:
        self._meet_trouble("show_status")
        self.statuses.append((task, progress))
        return task.status_message_id or self._next()

    async def remove_status(self, task: Task) -> None:
        self._meet_trouble("remove_status")
        self.removed.append(task.id)

    async def send_result(
        self, delivery: Delivery, file: ResultFile | None, options: DeliveryOptions = PLAIN
    ) -> Sent:
        self._meet_trouble("send_result")
        self.videos.append((delivery, file))
        self.options.append(options)
        return Sent(self._next(), f"file-{delivery.id}")

    async def send_album(
        self, deliveries: Sequence[Delivery], files: Sequence[ResultFile], options: DeliveryOptions = PLAIN
    ) -> list[Sent]:
        self._meet_trouble("send_album")
        self.albums.append((list(deliveries), list(files)))
        self.options.append(options)
        return [Sent(self._next(), f"file-{delivery.id}") for delivery in deliveries]

    async def send_album_buttons(self, delivery: Delivery) -> None:
        """Nothing is shown here."""

    async def send_link(
        self, delivery: Delivery, url: str, size_bytes: int | None, options: DeliveryOptions = PLAIN
    ) -> Sent:
        self._meet_trouble("send_link")
        self.links.append((delivery, url, size_bytes))
        self.options.append(options)
        return Sent(self._next())

    async def send_notice(self, task: Task) -> Sent:
        self._meet_trouble("send_notice")
        self.notices.append(task)
        return Sent(self._next())

    async def tell(self, task: Task, key: str, /, **params: object) -> Sent:
        self._meet_trouble("tell")
        self.told.append((task, key, params))
        return Sent(self._next())

    async def show_sending(self, task: Task) -> None:
        del task
        self.sendings += 1

    async def react(self, task: Task, reaction: Reaction) -> None:
        self.reactions.append((task.id, reaction))

    async def alert(self, admin: UserId, language: str, key: str, /, **params: object) -> None:
        self._meet_trouble("alert")
        self.alerted.append((admin, language, key, params))

    async def alert_operators(self, key: str, /, **params: object) -> None:
        self.alerts.append((key, params))

    def states_shown(self) -> list[TaskState]:
        return [task.state for task, _ in self.statuses]

    def _meet_trouble(self, method: str) -> None:
        if self.trouble.get(method):
            raise self.trouble[method].pop(0)

    def _next(self) -> int:
        self._message_id += 1
        return self._message_id


class World:
    """Everything that the services stand on. `woken` are the ticks that were asked for."""

    def __init__(self, store: Store, clock: ManualClock, pool: Pool) -> None:
        self.store, self.clock, self.pool = store, clock, pool
        self.chat = Chat()
        self.woken: list[Job] = []
        self.work = WorkerPool(limit=16)
        self.status = Status(store=store, notices=self.chat, clock=clock)
        self.runtime = Runtime(clock, random.Random(7))
        self.monitor = ProviderMonitor(pool, self.chat)
        accounts = Accounts(
            store=store,
            clock=clock,
            plans={"f": Plan(name="f")},
            quota=sections.Quota(default_plan="f"),
            owners=frozenset(),
        )
        self.tasks = Tasks(
            store=store, accounts=accounts, status=self.status, clock=clock, wake=self.woken.append
        )
        self.cap(None)
        self.poll = Poll(**self._shared())

    def _shared(self) -> dict[str, Any]:
        """What dispatch and poll are both made of."""
        return {
            "store": self.store,
            "tasks": self.tasks,
            "monitor": self.monitor,
            "work": self.work,
            "runtime": self.runtime,
            "policy": POLICY,
        }

    def cap(self, spending: Spending | None) -> None:
        """Let the dispatch keep to caps, or to none."""
        self.dispatch = Dispatch(**self._shared(), spending=spending)

    def tell_callbacks(self, urls: dict[ProviderName, str]) -> None:
        """Let the dispatch name addresses that providers can call back."""
        self.dispatch = Dispatch(**self._shared(), callback_urls=urls)

    def deliver(self, fetch: Fetch, directory: Path, max_upload: int, **changes: Any) -> Deliver:
        """A delivery of results that `fetch` downloads to the directory."""
        parts = {
            "store": self.store,
            "chat": self.chat,
            "files": ResultFiles(fetch=fetch, directory=directory, max_upload=max_upload),
            "tasks": self.tasks,
            "status": self.status,
            "work": self.work,
            "runtime": self.runtime,
        }
        return Deliver(**(parts | changes))

    def recover(self, directory: Path, retention: Millis) -> Recover:
        """The chores, with downloads in the directory."""
        return Recover(
            store=self.store,
            tasks=self.tasks,
            dispatch=self.dispatch,
            status=self.status,
            clock=self.clock,
            directory=directory,
            retention=retention,
        )

    async def send(self) -> None:
        """One tick of the dispatch, to its end."""
        await self.dispatch.tick()
        await self.work.drain()

    async def settle(self) -> None:
        """One round of settling, to its end."""
        await self.dispatch.settle()
        await self.work.drain()

    async def look(self) -> None:
        """One tick of the poll, to its end."""
        await self.poll.tick()
        await self.work.drain()

    async def now(self, task: Task) -> Task:
        """The task as it is in the store."""
        found = await self.store.tasks.get(task.id)
        assert found is not None
        return found

    async def usage(self) -> Usage:
        return await self.store.credits.get_usage(ADA, a_window(self.clock.now()))

    async def money(self) -> tuple[int, int]:
        """What Ada has spent today, holds included, and what of it is held."""
        usage = await self.usage()
        return usage.day_spent, usage.held


@asynccontextmanager
async def open_world(directory: Path, *providers: Provider, **settings: Any) -> AsyncIterator[World]:
    """A world with these providers, named a, b, c …, the first one first."""
    clock = ManualClock(NOW)
    async with AsyncExitStack() as stack:
        store = await Store.open(str(directory / "klingbot.db"))
        stack.push_async_callback(store.close)
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        clients = []
        dialect = settings.pop("dialect", "official")
        for number, provider in enumerate(providers):
            config = account.Provider(
                name="abc"[number],
                key="sk-test",
                base_url=await stack.enter_async_context(serve(provider.app)),
                priority=9 - number,
                **{"rate": 1_000.0, "models": ("kling-v2-6",)} | settings,
            )
            clients.append(
                KlingClient(config, dialects.get(dialect), Signer("bearer", "sk-test"), http, clock)
            )
        world = World(store, clock, Pool(clients, clock))
        stack.push_async_callback(world.work.drain)
        yield world
