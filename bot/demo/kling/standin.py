"""The stand-in's HTTP side: accounts, tasks, and the answers of each dialect."""

import asyncio
import hashlib
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.demo.kling.behaviour import Behaviour
from bot.demo.kling.render import RenderSpec, render_video
from bot.demo.kling.rules import Refusal, Wish, read_generic, read_official

OPERATIONS = ("text2video", "image2video")


class Vanished(Exception):
    """Nobody answers: the connection is closed."""


@dataclass(frozen=True)
class Account:
    """A key that the stand-in knows. `secret` makes it a pair for signed tokens."""

    key: str
    dialect: str
    secret: str = ""
    concurrent: int = 5


ACCOUNTS = (
    Account("demo-access", "official", secret="demo-secret-that-signs-for-nothing"),  # noqa: S106  the demo's own
    Account("demo-api-key", "official"),
    Account("sk-demo-generic", "generic"),
    Account("sk-demo-newapi", "newapi"),
)


@dataclass
class RemoteTask:
    """A task at the stand-in. Its state follows from the time, as a real one's does from the farm."""

    id: str
    account: Account
    wish: Wish
    created_at: float
    render_seconds: float
    fails: bool
    file: Path
    rendering: "asyncio.Task[None] | None" = None

    def state(self, now: float) -> str:
        """The official word for how far it is."""
        age = now - self.created_at
        if age < self.render_seconds * 0.2:
            return "submitted"
        if age < self.render_seconds or (not self.fails and not self.file.exists()):
            return "processing"
        return "failed" if self.fails else "succeed"


@dataclass
class Record:
    """What a test wants to know of one request."""

    method: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)


class KlingStandIn:
    """Holds tasks and accounts; `app` serves them."""

    def __init__(
        self,
        directory: Path,
        *,
        accounts: tuple[Account, ...] = ACCOUNTS,
        now: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.behaviour = Behaviour()
        self.tasks: dict[str, RemoteTask] = {}
        self.submissions: Counter[str] = Counter()
        self.requests: list[Record] = []
        self._accounts = accounts
        self._now = now
        self._rng = rng or random.Random()
        self._slots = asyncio.Semaphore(2)
        self.app = Starlette(
            routes=[
                *(
                    Route(f"/v1/videos/{name}", self._official, methods=["GET", "POST"], name=name)
                    for name in OPERATIONS
                ),
                *(
                    Route(f"/v1/videos/{name}/{{task}}", self._official_task, name=f"{name} task")
                    for name in OPERATIONS
                ),
                Route("/account/costs", self._costs),
                Route("/v1/video/generations", self._generic, methods=["POST"]),
                Route("/v1/video/generations/{task}", self._generic_task),
                Route("/files/{name}", self._file),
                Route("/demo/api/kling", self.behaviour_endpoint, methods=["GET", "PUT"]),
            ],
            exception_handlers={Refusal: _refusal, Vanished: _vanish},
        )

    # -- the control panel ---------------------------------------------------------------------------

    async def behaviour_endpoint(self, request: Request) -> Response:
        """Show the knobs, or turn them."""
        if request.method == "PUT":
            problem = self.behaviour.turn(await _body(request))
            if problem is not None:
                return JSONResponse({"error": problem}, 400)
        return JSONResponse(self.behaviour.knobs())

    # -- official ------------------------------------------------------------------------------------

    async def _official(self, request: Request) -> Response:
        account = self._signed_in(request, "official")
        operation = request.url.path.rsplit("/", 1)[1]
        if request.method == "GET":
            return self._official_list(request, account, operation)
        body = await self._recorded(request)
        wish = read_official(operation, body)
        task = self._accept(account, wish)
        return _ok(self._official_shape(task, request))

    async def _official_task(self, request: Request) -> Response:
        account = self._signed_in(request, "official")
        self.requests.append(Record(request.method, request.url.path))
        wanted = request.path_params["task"]
        operation = request.url.path.split("/")[3]
        for task in self.tasks.values():
            if (
                wanted in {task.id, task.wish.external_id}
                and task.account is account
                and task.wish.operation == operation
            ):
                return _ok(self._official_shape(task, request))
        raise Refusal(400, 1201, "Task not found by id/external id")

    def _official_list(self, request: Request, account: Account, operation: str) -> Response:
        self.requests.append(Record(request.method, request.url.path))
        page, size = _whole(request, "pageNum", 1, 1000), _whole(request, "pageSize", 30, 500)
        tasks = [
            task
            for task in self.tasks.values()
            if task.account is account and task.wish.operation == operation
        ]
        newest = sorted(tasks, key=lambda task: task.created_at, reverse=True)
        return _ok([self._official_shape(task, request) for task in newest[(page - 1) * size : page * size]])

    def _official_shape(self, task: RemoteTask, request: Request) -> dict[str, Any]:
        state = task.state(self._now())
        shape: dict[str, Any] = {
            "task_id": task.id,
            "task_status": state,
            "task_info": {"external_task_id": task.wish.external_id} if task.wish.external_id else {},
            "created_at": int(task.created_at * 1000),
            "updated_at": int(self._now() * 1000),
        }
        if state == "failed":
            shape["task_status_msg"] = "Generation failed, please try again"
        if state == "succeed":
            shape["task_result"] = {
                "videos": [
                    {
                        "id": f"v-{task.id}",
                        "url": self._url(task, request),
                        "duration": f"{task.wish.seconds}.0",
                    }
                ]
            }
            shape["final_unit_deduction"] = f"{task.wish.seconds * 0.3:g}"
        return shape

    async def _costs(self, request: Request) -> Response:
        self._signed_in(request, "official")
        if not {"start_time", "end_time"} <= set(request.query_params):
            raise Refusal(400, 1200, "start_time and end_time are required")
        packs = [
            {"resource_pack_name": "Demo pack", "id": "1", "status": "online", "remaining_quantity": 1000.0}
        ]
        return _ok({"code": 0, "msg": "success", "resource_pack_subscribe_infos": packs})

    # -- generic -------------------------------------------------------------------------------------

    async def _generic(self, request: Request) -> Response:
        account = self._gateway_account(request)
        body = await self._recorded(request)
        try:
            task = self._accept(account, read_generic(body))
        except Refusal as refusal:
            return _gateway_error(refusal)
        if account.dialect == "generic":
            return JSONResponse({"task_id": task.id})
        created = int(task.created_at)
        answer = {"id": task.id, "task_id": task.id, "object": "video", "model": task.wish.model}
        return JSONResponse({**answer, "status": "queued", "progress": 0, "created_at": created})

    async def _generic_task(self, request: Request) -> Response:
        account = self._gateway_account(request)
        self.requests.append(Record(request.method, request.url.path))
        task = self.tasks.get(request.path_params["task"])
        if task is None or task.account is not account:
            return JSONResponse({"code": "task_not_exist", "message": "task_not_exist", "data": None}, 400)
        state = task.state(self._now())
        if account.dialect == "generic":
            return JSONResponse(self._classic_shape(task, state, request))
        words = {
            "submitted": "SUBMITTED",
            "processing": "IN_PROGRESS",
            "succeed": "SUCCESS",
            "failed": "FAILURE",
        }
        data: dict[str, Any] = {
            "task_id": task.id,
            "status": words[state],
            "fail_reason": "",
            "progress": "50%",
        }
        if state == "succeed":
            data["result_url"], data["progress"] = self._url(task, request), "100%"
        if state == "failed":
            data["fail_reason"] = "Generation failed, please try again"
        return JSONResponse({"code": "success", "message": "", "data": data})

    def _classic_shape(self, task: RemoteTask, state: str, request: Request) -> dict[str, Any]:
        shape: dict[str, Any] = {"task_id": task.id, "status": "succeeded" if state == "succeed" else state}
        if state == "succeed":
            metadata = {"duration": float(task.wish.seconds), "fps": 24}
            shape |= {"url": self._url(task, request), "format": "mp4", "metadata": metadata}
        if state == "failed":
            shape["error"] = {"code": 4001, "message": "Generation failed, please try again"}
        return shape

    # -- tasks ---------------------------------------------------------------------------------------

    def _accept(self, account: Account, wish: Wish) -> RemoteTask:
        behaviour = self.behaviour
        if behaviour.vanish_next > 0:
            behaviour.vanish_next -= 1
            raise Vanished
        if behaviour.refuse:
            code = behaviour.refuse.popleft()
            raise Refusal(_STATUS.get(code, 400), code, _MESSAGES.get(code, "refused"))
        if behaviour.throttle:
            raise Refusal(429, 1303, _MESSAGES[1303])
        now = self._now()
        mine = [task for task in self.tasks.values() if task.account is account]
        busy = sum(
            task.wish.model == wish.model and task.state(now) in {"submitted", "processing"} for task in mine
        )
        if busy >= account.concurrent:
            raise Refusal(429, 1303, _MESSAGES[1303])
        if wish.external_id is not None and any(task.wish.external_id == wish.external_id for task in mine):
            raise Refusal(400, 1201, "external_task_id already exists")
        fails = "[fail]" in wish.prompt or self._rng.random() < behaviour.failure_rate
        spec = RenderSpec(wish.prompt, wish.seconds, wish.mode, wish.ratio, wish.sound, wish.images)
        name = hashlib.sha256(repr((spec, wish.images)).encode()).hexdigest()[:24]
        task = RemoteTask(
            id=str(uuid.UUID(int=self._rng.getrandbits(128)).int)[:18],
            account=account,
            wish=wish,
            created_at=now,
            render_seconds=behaviour.render_seconds,
            fails=fails,
            file=self.directory / f"{name}.mp4",
        )
        self.tasks[task.id] = task
        self.submissions[wish.external_id or task.id] += 1
        if not fails:
            task.rendering = asyncio.create_task(self._render(spec, task.file))
        if behaviour.lose_answers or behaviour.lose_next > 0:
            behaviour.lose_next = max(0, behaviour.lose_next - 1)
            raise Vanished
        return task

    async def _render(self, spec: RenderSpec, path: Path) -> None:
        async with self._slots:
            if not path.exists():
                await asyncio.to_thread(render_video, spec, path)

    async def _file(self, request: Request) -> Response:
        path = self.directory / Path(request.path_params["name"]).name
        return FileResponse(path) if path.is_file() else JSONResponse({"error": "gone"}, 404)

    @staticmethod
    def _url(task: RemoteTask, request: Request) -> str:
        return f"{request.base_url}files/{task.file.name}"

    async def _recorded(self, request: Request) -> dict[str, Any]:
        body = await _body(request)
        self.requests.append(Record(request.method, request.url.path, body))
        return body

    # -- keys ----------------------------------------------------------------------------------------

    def _signed_in(self, request: Request, dialect: str) -> Account:
        header = request.headers.get("authorization", "")
        if not header:
            raise Refusal(401, 1001, "Authorization is empty")
        scheme, _, token = header.partition(" ")
        if scheme != "Bearer" or not token:
            raise Refusal(401, 1002, "Authorization is invalid")
        for account in self._accounts:
            if account.dialect == dialect and not account.secret and token == account.key:
                return account
        with suppress(jwt.InvalidTokenError):
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
            for account in self._accounts:
                if account.secret and account.key == issuer:
                    self._check_token(token, account)
                    return account
        raise Refusal(401, 1002, "Authorization is invalid")

    def _check_token(self, token: str, account: Account) -> None:
        options: Any = {"verify_exp": False, "verify_nbf": False, "enforce_minimum_key_length": False}
        try:
            claims = jwt.decode(token, account.secret, algorithms=["HS256"], options=options)
        except jwt.InvalidTokenError:
            raise Refusal(401, 1002, "Authorization is invalid") from None
        if jwt.get_unverified_header(token).get("typ") != "JWT" or not {"exp", "nbf"} <= set(claims):
            raise Refusal(401, 1002, "Authorization is invalid")
        if claims["nbf"] > self._now():
            raise Refusal(401, 1003, "Authorization is not yet valid")
        if claims["exp"] < self._now():
            raise Refusal(401, 1004, "Authorization has expired")

    def _gateway_account(self, request: Request) -> Account:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        for account in self._accounts:
            if account.dialect in {"generic", "newapi"} and account.key == token:
                return account
        raise Refusal(401, 1002, "Invalid token")


_STATUS = {1000: 401, 1002: 401, 1102: 429, 1301: 400, 1302: 429, 1303: 429, 5000: 500, 5001: 503, 5002: 504}
_MESSAGES = {
    1002: "Authorization is invalid",
    1102: "Account balance not enough",
    1301: "the prompt may contain sensitive content",
    1302: "request rate limit",
    1303: "parallel task over resource pack limit",
    5001: "service temporarily unavailable",
}


def _ok(data: object) -> Response:
    return JSONResponse({"code": 0, "message": "SUCCEED", "request_id": uuid.uuid4().hex, "data": data})


async def _refusal(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, Refusal)  # noqa: S101  registered for nothing else
    body = {"code": error.code, "message": error.message, "request_id": uuid.uuid4().hex}
    return JSONResponse(body, error.status)


class _Cut(Response):
    """Begins an answer and closes the connection: whoever waits learns nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})


async def _vanish(request: Request, error: Exception) -> Response:
    del request, error
    return _Cut()


def _gateway_error(refusal: Refusal) -> Response:
    """A gateway hands Kling's own answer on as text inside its message."""
    nested = json.dumps({"code": refusal.code, "message": refusal.message})
    return JSONResponse({"code": "fail_to_fetch_task", "message": nested, "data": None}, refusal.status)


async def _body(request: Request) -> dict[str, Any]:
    try:
        document = await request.json()
    except ValueError:
        raise Refusal(400, 1200, "the body is not JSON") from None
    if not isinstance(document, dict):
        raise Refusal(400, 1200, "the body is not an object")
    return document


def _whole(request: Request, name: str, default: int, largest: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdigit() or not 1 <= int(text) <= largest:
        raise Refusal(400, 1201, f"{name} must be between 1 and {largest}")
    return int(text)
