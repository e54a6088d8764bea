"""An account whose packs run out, in the real process: what chats and the shell say, over restarts, until it has units again."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.world.process import BotProcess, open_process
from tests.world.telegram import ADA, BOSS

ACCOUNT = "demo-access"
GONE = "No Kling units left for this."


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[BotProcess]:
    async with open_process(tmp_path) as opened:
        yield opened


async def said_of(world: BotProcess, model: str, pack: str) -> str:
    """What `check` says of a model, whose key is accepted both times that it is asked right after the other."""
    lines: list[str] = []
    for _ in range(2):
        code, said = await world.command("check")
        assert code == 0, said
        lines = [line for line in said.splitlines() if f": {model} ({pack})" in line]
        assert len(lines) == 1, said
    return lines[0]


async def models(world: BotProcess) -> str:
    """What `/models` says now."""
    before = len(world.written(ADA, "Video models"))
    await world.telegram.say(ADA, "/models")
    await world.wait_written(ADA, "Video models", before + 1)
    return str(world.written(ADA, "Video models")[-1]["text"])


async def providers(world: BotProcess, words: str) -> None:
    """Ask how the provider does until the answer holds some words: its account answers one question a second."""
    async with asyncio.timeout(30):
        while not world.written(BOSS, words):
            before = len(world.written(BOSS, "Running: "))
            await world.telegram.say(BOSS, "/providers")
            await world.wait_written(BOSS, "Running: ", before + 1)


async def test_an_empty_image_pack_is_said_everywhere_until_it_has_units_again(world):
    world.configure()
    await world.start()
    book = world.kling.book(ACCOUNT)
    book.left["image"] = 0.0
    await world.telegram.say(ADA, "/image a fox")
    await world.telegram.wait_text(BOSS, "No image units left at stand-in")
    images = (await models(world)).partition("Images: ")[2]
    assert "kling-v2-1\n" in images
    assert GONE in images
    assert (await said_of(world, "kling-v2-1", "image")).startswith("warn")
    assert "no units left" in await said_of(world, "kling-v2-1", "image")
    assert (await said_of(world, "kling-v2-6", "video")).startswith("ok")

    await world.stop()
    await world.start()
    videos, _, images = (await models(world)).partition("Images: ")
    assert (GONE in videos, GONE in images) == (False, True)
    await providers(world, "Images: closed until")
    await world.telegram.say(ADA, "/image another fox")
    await world.telegram.wait_text(ADA, "nothing was charged")
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)

    book.left["image"] = 900.0
    assert "900 units left" in await said_of(world, "kling-v2-1", "image")
    await providers(world, "Images: 900 Kling units left")
    await world.telegram.say(ADA, "/image a third fox")
    await world.wait_for(
        lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'succeeded' AND pack = 'image'")
    )
    assert GONE not in await models(world)
    assert world.rows("SELECT * FROM learned") == []


async def test_a_pack_that_has_expired_is_told_with_its_day_before_anything_is_refused(world):
    book = world.kling.book(ACCOUNT)
    # As the vendor gives times: 1 September 2026.
    book.ended["video"] = 1_788_220_800_000
    world.configure()
    await world.start()
    said = await said_of(world, "kling-v2-6", "video")
    assert "no units left (its packs expired, the last on 2026-09-01 00:00 UTC)" in said
    await providers(world, "Videos: Its Kling units expired: Sep 1")
    assert "Its Kling units expired: Sep 1" in await models(world)
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_text(BOSS, "No video units left at stand-in")
