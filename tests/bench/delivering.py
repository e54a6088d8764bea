"""Fetches videos and sends them, as the bot does, in a process of its own; prints its memory before and after.

python -m tests.bench.delivering FILES_URL BOT_API_URL DIRECTORY COUNT
"""

import asyncio
import json
import sys
from pathlib import Path

import httpx

from bot.clock import Runtime
from bot.domain.requests.operations import Product
from bot.domain.tasks.task import Delivery, DeliveryState, TaskState
from bot.kling.download import Egress, download
from bot.network import Network
from bot.services.ports import ResultFile
from bot.settings import sections
from handlers.connection import TelegramSide, connect
from tests.builders import a_task
from tests.world.memory import memory


async def deliver(client: httpx.AsyncClient, side: TelegramSide, url: str, target: Path) -> int:
    """Fetch one video and send it; its size in bytes."""
    fetched = await download(Egress(client), url, target, max_bytes=2_000_000_000, allow_loopback=True)
    delivery = Delivery(
        1, a_task(TaskState.SUCCEEDED), Product.VIDEO, 0, DeliveryState.SENDING, attempts=1, due_at=None
    )
    sent = await side.delivery.send_result(delivery, ResultFile(target, 1280, 720, 5_000, fetched.size))
    target.unlink()
    return fetched.size if sent.message_id else 0


async def main(files_url: str, bot_api_url: str, directory: Path, count: int) -> None:
    """Send one video to have everything loaded, then `count` at once."""
    settings = sections.Telegram(
        token="123456:a-token", base_url=f"{bot_api_url}/bot", base_file_url=f"{bot_api_url}/file/bot"
    )
    async with (
        httpx.AsyncClient(timeout=60, trust_env=False) as client,
        connect(settings, Runtime(), Network()) as side,
    ):
        await deliver(client, side, f"{files_url}/1", directory / "first.mp4")
        before = memory("VmRSS")
        sizes = await asyncio.gather(
            *(
                deliver(client, side, f"{files_url}/45", directory / f"{number}.mp4")
                for number in range(count)
            )
        )
    json.dump({"sent": sum(sizes), "grown": memory("VmHWM") - before}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
