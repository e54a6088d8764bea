"""People send images that are small as files and large in memory: the bot stays small and answers each."""

import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from bot.demo.script import sample_picture
from tests.world.memory import memory
from tests.world.telegram import ADA, BOSS, XIAOLIN

EXTRA_BYTES = 150_000_000
ROUNDS = 4


def an_image(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.skipif(sys.platform != "linux", reason="reads what processes take from /proc")
async def test_many_large_images_take_the_memory_of_one(world):
    world.configure(daily=1000)
    await world.start()
    pid = world.pid
    # What is loaded with the first video is there for good.
    await world.telegram.send_photo(ADA, sample_picture(), "it moves")
    await world.telegram.wait_video(ADA)
    before = memory("VmRSS", pid)
    taken, refused = an_image(5000, 4000), an_image(8000, 8000)
    for _ in range(ROUNDS):
        for person in (ADA, BOSS, XIAOLIN):
            await world.telegram.send_document(person, taken, "large.png", "image/png", "it moves")
            await world.telegram.send_document(person, refused, "huge.png", "image/png", "it moves")
    await world.wait_for(
        lambda: (
            world.rows("SELECT count(*) FROM inbox WHERE processed_at IS NULL") == [(0,)]
            and world.rows("SELECT count(*) FROM inbox") == [(1 + 6 * ROUNDS,)]
        ),
        60,
    )
    (worker,) = (int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split())
    extra = memory("VmHWM", pid) - before + memory("VmHWM", worker)
    assert world.rows("SELECT count(*) FROM attachments") == [(2,)]
    assert extra <= EXTRA_BYTES
    # Nobody is left to decode when the bot is gone, however it went.
    await world.kill()
    await world.wait_for(lambda: not Path(f"/proc/{worker}").exists())
