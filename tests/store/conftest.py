from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.store import Store
from bot.store.engine import Engine
from bot.store.engine.sqlite import SqliteEngine

Open = Callable[[], Awaitable[Store]]


async def open_sqlite(directory: Path) -> Engine:
    return await SqliteEngine.open(f"sqlite:///{directory}/bot.db")


ENGINES = {"sqlite": open_sqlite}
"""Every engine must pass test_contract*.py. Each opens the same data again when it gets the same directory."""


@pytest.fixture(params=ENGINES)
async def open_store(request, tmp_path) -> AsyncIterator[Open]:
    """Opens the test's data, as often as the test wants; every store is closed at the end."""
    opened: list[Store] = []

    async def open_once() -> Store:
        opened.append(Store.on(await ENGINES[request.param](tmp_path)))
        return opened[-1]

    yield open_once
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store) -> Store:
    return await open_store()
