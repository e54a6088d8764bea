from collections.abc import AsyncIterator

import pytest

from tests.world.process import BotProcess, open_process


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[BotProcess]:
    async with open_process(tmp_path) as opened:
        yield opened
