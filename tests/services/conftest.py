from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from bot.services.container import Administration
from bot.store import Store
from tests.builders import ADA, NOW, XIAOLIN
from tests.world.services import ServiceWorld, an_office, open_services


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


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[Store]:
    opened = await Store.open(str(tmp_path / "klingbot.db"))
    for user_id, name in ((1000, "boss"), (ADA, "ada"), (XIAOLIN, "xiaolin")):
        await opened.people.save_user(user_id, name.title(), name, "en", NOW, opens_chat=True)
    yield opened
    await opened.close()


@pytest.fixture
def office_of(store, clock, tmp_path) -> Callable[..., Administration]:
    """What admins work with as one of several processes has it, wired as a shell does it."""

    return partial(an_office, store, clock, tmp_path / "office.toml")
