import pytest

from tests.world.telegram import open_demo_bot


@pytest.fixture
async def demo(tmp_path):
    async with open_demo_bot(tmp_path) as opened:
        yield opened
