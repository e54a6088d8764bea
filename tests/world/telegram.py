"""The stand-in for Telegram, the front before it, and connections to it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Scope
from telegram import Bot
from telegram.request import HTTPXRequest

from bot.clock import Clock, Runtime
from bot.demo.serving import serve
from bot.demo.telegram import TelegramStandIn
from bot.network import Network
from bot.settings import sections
from handlers.connection import TelegramSide, connect
from handlers.dispatcher import Dispatcher
from tests.world.front import Front


class SettableClock:
    """Unix seconds that move when a test says so."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


TOKEN = "123456:a-token-of-tests"
BOSS, ADA, XIAOLIN = 1000, 1001, 1002
GROUP = -1_002_000_000_001


def complaint(code: int, description: str, **parameters: object) -> Response:
    """An answer of the Bot API that says no."""
    body = {"ok": False, "error_code": code, "description": description}
    return JSONResponse(body | ({"parameters": parameters} if parameters else {}), code)


def done(result: object = True) -> Response:
    """An answer of the Bot API that says yes."""
    return JSONResponse({"ok": True, "result": result})


def queue(people: TelegramStandIn, *chats: int, text: str = "/language") -> None:
    """Let strangers write all at once, each in private, or in a group where the id is negative."""
    updates = people.state.updates
    for each in chats:
        user: dict[str, Any] = {"id": abs(each), "is_bot": False, "first_name": "Ada"}
        chat = {"id": each, "type": "private"} if each > 0 else {"id": each, "type": "group", "title": "Us"}
        message = {"message_id": updates.next_id, "date": int(time.time()), "chat": chat, "from": user}
        updates.waiting.append({"update_id": updates.next_id, "message": message | {"text": text}})
        updates.next_id += 1
    updates.touch()


def telegram_front(inner: ASGIApp) -> Front:
    """A front that calls requests by the method of the Bot API."""
    return Front(inner, _name)


def _name(scope: Scope) -> str | None:
    path = str(scope["path"])
    return path.rpartition("/")[2] if path.startswith("/bot") else None


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
    front = telegram_front(people.app)
    async with serve(front) as address:
        settings = sections.Telegram(
            token=TOKEN, base_url=f"{address}/bot", base_file_url=f"{address}/file/bot"
        )
        try:
            async with connect(settings, Runtime(clock), Network()) as side:
                yield Telegram(people, front, side, address)
        finally:
            await people.close()


@dataclass
class DemoBot:
    """The bot, the people at the other side, and the time that both live in."""

    bot: Bot
    telegram: TelegramStandIn
    clock: SettableClock
    address: str

    async def updates(self, **options) -> list:
        """What waits for the bot, confirmed."""
        found = await self.bot.get_updates(timeout=0, **options)
        if found:
            await self.bot.get_updates(offset=found[-1].update_id + 1, timeout=0)
        return list(found)


@asynccontextmanager
async def open_demo_bot(directory: Path) -> AsyncIterator[DemoBot]:
    clock = SettableClock()
    telegram = TelegramStandIn(directory, token=TOKEN, now=clock)
    async with serve(telegram.app) as address:
        bot = Bot(
            TOKEN,
            base_url=f"{address}/bot",
            base_file_url=f"{address}/file/bot",
            request=_plain_http(),
            get_updates_request=_plain_http(),
        )
        try:
            async with bot:
                yield DemoBot(bot, telegram, clock, address)
        finally:
            await telegram.close()


def _plain_http() -> HTTPXRequest:
    """Certificates are not loaded: nothing here speaks TLS, and loading them takes longer than a test."""
    return HTTPXRequest(httpx_kwargs={"verify": False})
