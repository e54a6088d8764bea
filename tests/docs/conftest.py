from collections.abc import AsyncIterator

import pytest

from tests.world.bot import BotInProcess, open_bot


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[BotInProcess]:
    """The bot, not yet started."""
    async with open_bot(tmp_path, BotInProcess) as opened:
        yield opened
