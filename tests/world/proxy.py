"""What stands before the bot's own web server: it knows its address before the bot is started."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.demo.serving import serve
from tests.world.bot import BotInProcess
from tests.world.process import BotProcess

AnyBot = BotProcess | BotInProcess


def bot_address(world: AnyBot) -> str:
    return f"http://127.0.0.1:{world.events('web server ready')[-1]['port']}"


def monitoring_address(world: AnyBot) -> str:
    return f"http://127.0.0.1:{world.events('monitoring ready')[-1]['port']}"


class ReverseProxy:
    """Passes everything on, and remembers how it was answered."""

    def __init__(self, world: AnyBot) -> None:
        self._world = world
        self.answers: list[tuple[str, int]] = []
        self.signatures: list[str | None] = []
        self.tamper = False
        self.app = Starlette(routes=[Route("/{path:path}", self._pass_on, methods=["GET", "POST"])])

    async def _pass_on(self, request: Request) -> Response:
        body = await request.body()
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.startswith(("webhook-", "content-t"))
        }
        self.signatures.append(headers.get("webhook-signature"))
        if self.tamper:
            headers.pop("webhook-signature", None)
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(
                request.method, bot_address(self._world) + request.url.path, content=body, headers=headers
            )
        self.answers.append((request.url.path, answer.status_code))
        return Response(answer.content, answer.status_code)


@asynccontextmanager
async def behind_a_proxy(world: AnyBot, **settings: str) -> AsyncIterator[ReverseProxy]:
    """Start the bot with a public address, and stop it at the end."""
    proxy = ReverseProxy(world)
    async with serve(proxy.app) as address:
        world.configure(
            extra=f'[web]\nlisten = "127.0.0.1:0"\npublic_url = "{address}"\n', timeout=600, **settings
        )
        await world.start()
        yield proxy
        assert not await world.stop()
