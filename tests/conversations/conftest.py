from collections.abc import AsyncIterator

import pytest

from tests.world.bot import BotInProcess, open_bot


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[BotInProcess]:
    """The bot, not yet started: a test may configure it first."""
    async with open_bot(tmp_path, BotInProcess) as opened:
        yield opened


@pytest.fixture
async def bot(world) -> BotInProcess:
    """The bot as most tests want it."""
    await world.start()
    return world
