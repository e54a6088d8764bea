from collections.abc import AsyncIterator

import pytest

from bot.clock import ManualClock
from bot.store import Store
from tests.builders import NOW
from tests.services.old.world import Provider, World, open_world


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[Store]:
    """A store for the services that stand on nothing else."""
    opened = await Store.open(str(tmp_path / "klingbot.db"))
    yield opened
    await opened.close()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def other() -> Provider:
    return Provider()


@pytest.fixture
async def world(tmp_path, provider) -> AsyncIterator[World]:
    """One provider, `a`."""
    async with open_world(tmp_path, provider) as opened:
        yield opened


@pytest.fixture
async def two(tmp_path, provider, other) -> AsyncIterator[World]:
    """Two providers: `a` is asked first, then `b`."""
    async with open_world(tmp_path, provider, other) as opened:
        yield opened


@pytest.fixture
async def mute(tmp_path, provider) -> AsyncIterator[World]:
    """One provider that cannot be asked for our own id."""
    async with open_world(tmp_path, provider, dialect="generic") as opened:
        yield opened
