"""The stand-in for Telegram with somebody at its door, who notes every call and turns away what a test says."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.clock import Clock, Runtime
from bot.demo.telegram import TelegramStandIn
from bot.network import Network
from bot.settings import sections
from handlers.connection import TelegramSide, connect
from handlers.dispatcher import Dispatcher
from tests.serving import serve

TOKEN = "123456:a-token-of-tests"
BOSS, ADA, XIAOLIN = 1000, 1001, 1002
CLUB = -1_002_000_000_001


def complaint(code: int, description: str, **parameters: object) -> Response:
    """An answer of the Bot API that says no."""
    body = {"ok": False, "error_code": code, "description": description}
    return JSONResponse(body | ({"parameters": parameters} if parameters else {}), code)


def done(result: object = True) -> Response:
    """An answer of the Bot API that says yes."""
    return JSONResponse({"ok": True, "result": result})


class Front:
    """`calls` are the methods that were called, with their parameters; files are shown by their size."""

    def __init__(self, inner: ASGIApp) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._inner = inner
        self._answers: list[tuple[str, Response]] = []

    def answer(self, method: str, *answers: Response) -> None:
        """Answer the next calls of a method in the place of the stand-in."""
        self._answers += [(method, answer) for answer in answers]

    def of(self, method: str) -> list[dict[str, Any]]:
        """The calls of one method."""
        return [params for name, params in self.calls if name == method]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/bot"):
            await self._inner(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        method = scope["path"].rpartition("/")[2]
        self.calls.append((method, await _read(scope, body)))
        for number, (name, answer) in enumerate(self._answers):
            if name == method:
                del self._answers[number]
                await answer(scope, receive, send)
                return
        await self._inner(scope, _again(body, receive), send)


def _again(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


async def _read(scope: Scope, body: bytes) -> dict[str, Any]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    params: dict[str, Any] = {}
    async with Request(scope, receive).form() as form:
        for name, value in form.multi_items():
            if not isinstance(value, str):
                params[name] = {"size": value.size, "name": value.filename}
                continue
            try:
                params[name] = json.loads(value)
            except ValueError:
                params[name] = value
    return params


@dataclass
class Telegram:
    """Telegram as the bot has it (`side`), as people have it (`people`), and what went between (`front`)."""

    people: TelegramStandIn
    front: Front
    side: TelegramSide
    address: str
    dispatcher: Dispatcher | None = None


@asynccontextmanager
async def open_telegram(directory: Path, clock: Clock) -> AsyncIterator[Telegram]:
    """A real connection to the stand-in, as the program makes it."""
    people = TelegramStandIn(directory, token=TOKEN)
    front = Front(people.app)
    async with serve(front) as address:
        settings = sections.Telegram(
            token=TOKEN, base_url=f"{address}/bot", base_file_url=f"{address}/file/bot"
        )
        try:
            async with connect(settings, Runtime(clock), Network()) as side:
                yield Telegram(people, front, side, address)
        finally:
            await people.close()
