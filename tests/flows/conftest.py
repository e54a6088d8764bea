from collections.abc import AsyncIterator

import pytest

from tests.flows.world import World, open_world


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened
