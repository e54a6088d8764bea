from collections.abc import AsyncIterator

import pytest

from tests.world.services import ServiceWorld, open_services


@pytest.fixture
async def bare(tmp_path) -> AsyncIterator[ServiceWorld]:
    """The bot, not yet started: a test opens it with settings of its own."""
    async with open_services(tmp_path) as opened:
        yield opened


@pytest.fixture
async def world(bare) -> ServiceWorld:
    """The bot with one provider."""
    await bare.open()
    return bare


@pytest.fixture
async def two(bare) -> ServiceWorld:
    """The bot with two providers: the stand-in is asked first, then the second."""
    await bare.open(second=True)
    return bare
