"""The stand-in's HTTP side: who asks, in which dialect, and what answers them."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from re import Pattern
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route, compile_path
from starlette.types import Receive, Scope, Send

from bot.demo.kling import gateways, official, unified, unified_images
from bot.demo.kling.accounting import Book
from bot.demo.kling.accounts import ACCOUNTS, Account, is_token, signed_in
from bot.demo.kling.answers import (
    Refuses,
    flat_refused,
    gateway_refused,
    omnimaas_refused,
    refused,
)
from bot.demo.kling.behaviour import Behaviour
from bot.demo.kling.pictures import Fetch, fetch
from bot.demo.kling.refusals import Canned, Interruption, Refusal
from bot.demo.kling.service import Call, Handler, Renderer, Service, Table
from bot.demo.kling.tasks import RemoteTask
from bot.demo.media.render import render_video

WARNING_HEADER = "x-demo-warning"
"""Says what Kling would accept, charge, and do nothing with."""


class Dialect:
    """What a kind of account may ask for, and how it is told no."""

    def __init__(self, table: Table, refuses: Refuses) -> None:
        self.refuses = refuses
        self._routes: list[tuple[str, Pattern[str], Handler]] = []
        for line, handler in table.items():
            method, path = line.split()
            self._routes.append((method, compile_path(path)[0], handler))

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """What answers a request, and the variable parts of its path; 1202 where nothing does."""
        for wanted, pattern, handler in self._routes:
            match = pattern.match(path)
            if wanted == method and match is not None:
                return handler, match.groupdict()
        raise Refusal(1202)


DIALECTS: Mapping[str, Dialect] = {
    "official": Dialect({**official.TABLE, **unified.TABLE, **unified_images.TABLE}, refused),
    "generic": Dialect(gateways.GENERIC, gateway_refused),
    "newapi": Dialect(gateways.NEWAPI, gateway_refused),
    "prefixed": Dialect(gateways.PREFIXED_TABLE, refused),
    "crazyrouter": Dialect(gateways.CRAZYROUTER, gateway_refused),
    "omnimaas": Dialect(gateways.OMNIMAAS, omnimaas_refused),
    "flat": Dialect(gateways.FLAT_TABLE, flat_refused),
}


@dataclass
class Record:
    """What a test wants to know of one request; `warnings` are those of its answer."""

    method: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class KlingStandIn:
    """Holds tasks and accounts; `app` serves them.

    `requests` are those that were signed in, but for the ones about money, which are in `money_requests`. `now` is in seconds; `fetch`
    gets pictures and videos at addresses; `renderer` makes the videos.
    """

    def __init__(
        self,
        directory: Path,
        *,
        accounts: tuple[Account, ...] = ACCOUNTS,
        now: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        fetch: Fetch = fetch,
        renderer: Renderer = render_video,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.behaviour = Behaviour()
        self.requests: list[Record] = []
        self.money_requests: list[Record] = []
        self._accounts = accounts
        self._now = now
        self._service = Service(
            directory=directory,
            behaviour=self.behaviour,
            now=now,
            dice=rng or random.Random(),
            fetch=fetch,
            sleep=asyncio.sleep,
            renderer=renderer,
        )
        self.app = Starlette(
            routes=[
                Route("/files/{name}", self._file),
                Route("/demo/api/kling", self.behaviour_endpoint, methods=["GET", "PUT", "POST"]),
                Route("/{path:path}", self._api, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
            ],
            lifespan=self._lifespan,
        )

    @property
    def tasks(self) -> dict[str, RemoteTask]:
        """All tasks by id."""
        return self._service.registry.tasks

    @property
    def submissions(self) -> Counter[str]:
        """How many tasks were made for each external id; for each id of a task that has none."""
        return self._service.registry.submissions

    def book(self, key: str) -> Book:
        """What an account has spent by now, and on what."""
        account = next(each for each in self._accounts if each.key == key)
        return self._service.accounting.book(account, self._now())

    async def rendered(self) -> None:
        """Wait until every result that was begun is there, or can't be made."""
        for task in list(self.tasks.values()):
            await self._service.finished(task)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        del app
        yield
        await self._service.close()

    # -- the control panel ---------------------------------------------------------------------------

    async def behaviour_endpoint(self, request: Request) -> Response:
        """Show the knobs, or turn them."""
        if request.method != "GET":
            try:
                problem = self.behaviour.turn(await _body(request))
            except Refusal as refusal:
                problem = refusal.message
            if problem is not None:
                return JSONResponse({"error": problem}, 400)
        return JSONResponse(self.behaviour.knobs())

    # -- the API -------------------------------------------------------------------------------------

    async def _api(self, request: Request) -> Response:
        header = request.headers.get("authorization")
        try:
            account = signed_in(self._accounts, header, self._now())
        except Refusal as refusal:
            return _stranger(request.url.path)(refusal)
        dialect = DIALECTS[account.dialect]
        try:
            return await self._answer(request, account, dialect, token=is_token(header or ""))
        except Refusal as refusal:
            return dialect.refuses(refusal)
        except Canned as canned:
            if isinstance(canned.body, str):
                return HTMLResponse(canned.body, canned.status)
            return JSONResponse(canned.body, canned.status)
        except Interruption:
            return _Cut()

    async def _answer(self, request: Request, account: Account, dialect: Dialect, *, token: bool) -> Response:
        path = request.url.path
        handler, parts = dialect.find(request.method, path)
        body = await _body(request) if request.method == "POST" else {}
        query = dict(request.query_params)
        warnings: list[str] = []
        about_money = path.startswith("/account/")
        noted = self.money_requests if about_money else self.requests
        noted.append(Record(request.method, path, body, query, warnings))
        if request.method == "GET" or path == "/tasks":
            self.behaviour.before_query()
        call = Call(
            account,
            path,
            parts,
            query,
            body,
            str(request.base_url),
            token,
            request.headers.get("idempotency-key", ""),
            warnings,
        )
        answer = await handler(self._service, call)
        if warnings:
            answer.headers[WARNING_HEADER] = "; ".join(warnings).encode("ascii", "replace").decode()
        return answer

    async def _file(self, request: Request) -> Response:
        path = self.directory / Path(request.path_params["name"]).name
        finished = path.suffix != ".part" and path.is_file()
        return FileResponse(path) if finished else JSONResponse({"error": "gone"}, 404)


def _stranger(path: str) -> Refuses:
    """How somebody is told no whose dialect nobody knows: by the path."""
    gateway = path.startswith(("/v1/video/", "/kling/"))
    return gateway_refused if gateway else refused


class _Cut(Response):
    """Begins an answer and closes the connection: whoever waits learns nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})


async def _body(request: Request) -> dict[str, Any]:
    if "json" not in request.headers.get("content-type", ""):
        raise Refusal(1200, "Content-Type must be application/json")
    try:
        document = await request.json()
    except ValueError:
        raise Refusal(1200, "the body is not JSON") from None
    if not isinstance(document, dict):
        raise Refusal(1200, "the body is not an object")
    return document
