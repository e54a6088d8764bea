"""A real `telegram.Bot` at the demo's stand-in over loopback, and media made on the spot."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image
from telegram import Bot
from telegram.request import HTTPXRequest

from bot.demo.telegram import TelegramStandIn
from tests.serving import serve

TOKEN = "123456:stand-in-tests"
ADA, XIAOLIN, BOSS = 1001, 1002, 1000
GROUP = -1_002_000_000_001


class SetClock:
    """Unix seconds that move when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class DemoBot:
    """The bot, the people at the other side, and the time that both live in."""

    bot: Bot
    telegram: TelegramStandIn
    clock: SetClock
    address: str

    async def updates(self, **options) -> list:
        """What waits for the bot, confirmed."""
        found = await self.bot.get_updates(timeout=0, **options)
        if found:
            await self.bot.get_updates(offset=found[-1].update_id + 1, timeout=0)
        return list(found)


@asynccontextmanager
async def open_demo_bot(directory: Path) -> AsyncIterator[DemoBot]:
    clock = SetClock()
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


def picture(width: int = 640, height: int = 480, form: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (40, 90, 160)).save(buffer, form)
    return buffer.getvalue()


def film(seconds: int = 1) -> bytes:
    """An mp4 of 64 × 48 pixels with ten pictures a second."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10 * seconds):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 48), (20 * number % 256, 60, 90)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()
