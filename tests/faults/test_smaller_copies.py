"""The bot ends while a smaller copy is made: nothing is left of it, and the next start brings one message."""

import asyncio
import sys
from pathlib import Path

import pytest
from starlette.responses import Response

from tests.world.media import a_noisy_film
from tests.world.process import BotProcess
from tests.world.telegram import ADA

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads what processes there are from /proc")

MOST_SECONDS = 10


async def copying(world: BotProcess) -> Path:
    """Let a video be too large, and wait until a copy of it is being made; the process that makes it."""
    world.configure(delivery="max_upload_mb = 1")
    world.to_kling.always("file", Response(a_noisy_film(640, 360, 5), media_type="video/mp4"))
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.wait_for(lambda: [*world.directory.glob("work/copy-*/*-0.mp4")], 60)
    children = Path(f"/proc/{world.pid}/task/{world.pid}/children").read_text("ascii").split()
    (maker,) = [
        Path(f"/proc/{child}")
        for child in children
        if b"copy_process" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    assert world.rows("SELECT state, copies_left FROM outbox") == [("sending", 2)]
    return maker


async def ends_in_one_video(world: BotProcess, maker: Path) -> None:
    await world.wait_for(lambda: not maker.exists())
    await world.start()
    await world.telegram.wait_video(ADA, timeout_seconds=80)
    await world.ended()
    # The status goes away when the delivery is noted, and the files then.
    await world.wait_for(lambda: len(world.telegram.replies(ADA)) == 1)
    await world.wait_for(lambda: [*world.directory.glob("work/*")] == [])
    (message,) = world.telegram.replies(ADA)
    assert "This is a smaller copy" in message["caption"]
    places = [call for call in world.to_telegram.of("sendMessage") if "is ready" in call["text"]]
    assert len(places) == 1
    assert world.balance(ADA) == (-15, 0)


async def test_killed_while_a_smaller_copy_is_made_one_message_comes(world):
    maker = await copying(world)
    await world.kill()
    await ends_in_one_video(world, maker)


async def test_stopped_while_a_smaller_copy_is_made_it_ends_in_time_and_one_message_comes(world):
    maker = await copying(world)
    async with asyncio.timeout(MOST_SECONDS):
        assert await world.stop() == 0, world.output
    await ends_in_one_video(world, maker)
