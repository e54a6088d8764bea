"""The demo: both stand-ins on loopback, the real bot between them, and one address to open.

The bot is the very program that serves production, as a process of its own, reached over HTTP.
"""

import asyncio
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TextIO

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from bot.demo.kling import KlingStandIn
from bot.demo.script import run_script
from bot.demo.serving import serve
from bot.demo.telegram import TelegramStandIn

PORT = 8765
TOKEN = "1000001:demo-token-that-opens-nothing"  # noqa: S105  the stand-in's own
KEY = "demo-access|demo-secret-that-signs-for-nothing"
SCRIPT_STEP_SECONDS = 120.0
BOT_STOP_SECONDS = 8.0

CONFIG = """
[telegram]
token = "{token}"
base_url = "{telegram}/bot"
base_file_url = "{telegram}/file/bot"
admins = [1000]

[store]
url = "sqlite:///{directory}/klingbot.db"

[storage]
directory = "{directory}/work"

[[providers]]
name = "demo"
dialect = "official"
base_url = "{kling}"
key = "{key}"
models = ["kling-v2-6", "kling-v2-5-turbo", "kling-v2-1", "kling-v1-6", "kling-v3-omni"]

[polling]
min_interval = 1
max_interval = 2
timeout = 300

[delivery]
allow_loopback = true

[network]
proxy = "direct"

[access]
mode = "public"

[plans.free]
daily_credits = 300

[plans.pro]
daily_credits = 1000
max_running = 10
priority = 3

[[packages]]
name = "small"
credits = 100
stars = 150

[[packages]]
name = "large"
credits = 500
stars = 600

[[subscriptions]]
name = "pro"
plan = "pro"
credits = 300
stars = 500

[payments]
support = "@boss"

[limits]
requests_per_minute = 20

[groups]
requests_per_minute = 20

[monitoring]
listen = "127.0.0.1:0"

[logging]
level = "WARNING"
"""


async def run_demo(port: int = PORT, script: Path | None = None, open_browser: bool = True) -> int:
    """Run the demo until it is interrupted, or a script to its end; the exit status."""
    with tempfile.TemporaryDirectory(prefix="klingbot-demo-") as directory:
        root = Path(directory)
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopping.set)
        async with AsyncExitStack() as stack:
            kling = KlingStandIn(root / "kling")
            telegram = TelegramStandIn(root / "telegram", token=TOKEN)
            kling_url = await stack.enter_async_context(serve(kling.app))
            page = one_address(telegram, kling)
            try:
                address = await stack.enter_async_context(serve(page, 0 if script else port))
            except OSError:
                _say(sys.stderr, f"Port {port} is taken: try another with --port.")
                return 1
            stack.push_async_callback(telegram.close)
            config = root / "config.toml"
            config.write_text(
                CONFIG.format(token=TOKEN, key=KEY, telegram=address, kling=kling_url, directory=root),
                "utf-8",
            )
            bot = await stack.enter_async_context(_bot(config))
            ended = asyncio.create_task(bot.wait())
            stopped = asyncio.create_task(stopping.wait())
            if script is not None:
                with script.open(encoding="utf-8") as lines:
                    steps = run_script(list(lines), telegram, sys.stdout, SCRIPT_STEP_SECONDS)
                    played = asyncio.create_task(steps)
                await asyncio.wait({played, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if played.done():
                    return played.result()
                played.cancel()
                await asyncio.gather(played, return_exceptions=True)
                return 1
            _say(sys.stdout, f"The demo is at {address}/ (end it with Ctrl-C)")
            if open_browser:
                await asyncio.to_thread(webbrowser.open, address)
            await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            return bot.returncode or 0 if ended.done() else 0


def one_address(telegram: TelegramStandIn, kling: KlingStandIn) -> Starlette:
    """The chat page with the control panel of Kling's behaviour under the same address."""
    return Starlette(
        routes=[
            Route("/demo/api/kling", kling.behaviour_endpoint, methods=["GET", "PUT"]),
            Mount("/", telegram.app),
        ]
    )


@asynccontextmanager
async def _bot(config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        "--config",
        str(config),
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(BOT_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _say(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()
