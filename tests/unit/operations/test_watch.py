"""What the bot stands on: the admins hear once when it gives way and once when it holds again."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext

import pytest

from bot.domain.types import MINUTE, SECOND, Millis
from bot.errors import StoreError, StoreLost
from bot.services.operations.watch import QUIET, Watchdog, WatchedUpdates, open_store, wait_out
from bot.services.ports import NoUpdates, StoredUpdate, UpdatesRefused
from bot.store import Store
from tests.builders import NOW
from tests.clock import ManualClock

FILE_DEADLINE = Millis(2 * MINUTE)


class Source:
    """Hands out nothing, or fails as a test says."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    async def fetch(self, offset: int | None, timeout_seconds: int) -> Sequence[StoredUpdate]:
        if self.error is not None:
            raise self.error
        return []


class World:
    """A watch on a real store, and what it has told."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = ManualClock(NOW)
        self.source = Source()
        self.updates = WatchedUpdates(self.source, self.clock)
        self.told: list[tuple[str, dict[str, object]]] = []
        self.looks = 0
        self.watch = Watchdog(
            store=store,
            updates=self.updates,
            tell=self.tell,
            clock=self.clock,
            sleep=self.sleep,
            patience=FILE_DEADLINE,
        )

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.told]

    async def tell(self, key: str, /, **params: object) -> None:
        self.told.append((key, params))

    async def sleep(self, seconds: float) -> None:
        self.looks += 1
        self.clock.advance(round(seconds * 1000))
        await asyncio.sleep(0)

    async def fetch(self, error: Exception | None, seconds: int, every: int = 10) -> None:
        """Ask for updates for so long, which ends as it is said."""
        self.source.error = error
        for _ in range(seconds // every):
            self.clock.advance(every * SECOND)
            with nullcontext() if error is None else pytest.raises(type(error)):
                await self.updates.fetch(None, 0)
            await self.watch.tick()


async def no_waiting(seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def world(tmp_path):
    store = await Store.open(str(tmp_path / "klingbot.db"), serving=no_waiting)
    yield World(store)
    await store.close()


async def test_a_disk_without_room_is_told_once_and_once_more_when_all_that_waited_is_done(world):
    most_pages = 10

    def much(tx):
        tx.value(f"PRAGMA max_page_count = {most_pages}")
        return tx.insert("settings", {"key": "much", "value": "much " * 100_000})

    waiting = asyncio.ensure_future(world.store.engine.write(much))
    async with asyncio.timeout(20):
        while world.store.trouble is None:
            await asyncio.sleep(0)
    for _ in range(3):
        await world.watch.tick()
    assert world.told == [("alert.store.full", {})]
    assert not waiting.done()
    most_pages = 1_000_000
    assert await asyncio.wait_for(waiting, 20)
    await world.watch.tick()
    # A disk that is full now and then is no news each time.
    assert world.keys == ["alert.store.full"]
    world.clock.advance(QUIET)
    for _ in range(2):
        await world.watch.tick()
    assert world.keys == ["alert.store.full", "alert.store.works"]
    assert len(await world.store.operations.get_setting("much")) == 500_000


async def test_a_lost_database_is_told_and_ends_the_watch(world, tmp_path):
    (tmp_path / "klingbot.db").unlink()
    ended: list[StoreError] = []
    async with asyncio.timeout(20):
        await world.watch.run(ended.append)
    assert [type(error) for error in ended] == [StoreLost]
    assert world.told == [("alert.store.gone", {})]


async def test_a_look_that_fails_is_followed_by_another(world, tmp_path):
    calls = 0

    async def fail_once(key: str, /, **params: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a mistake of ours")
        (tmp_path / "klingbot.db").unlink()

    world.watch._tell = fail_once
    await world.fetch(OSError(), 110)
    with pytest.raises(RuntimeError):
        await world.fetch(OSError(), 20)
    ended: list[StoreError] = []
    world.updates.cause = None
    async with asyncio.timeout(20):
        await world.watch.run(ended.append)
    assert [type(error) for error in ended] == [StoreLost]


async def unexpected(key: str, /, **params: object) -> None:
    raise AssertionError(key)


async def test_who_cannot_write_the_database_at_the_start_waits_for_it_and_says_so_once(tmp_path):
    # SQLite cannot write beside the file, which was made before.
    await (
        await open_store(f"sqlite:///{tmp_path}/klingbot.db", sleep=asyncio.sleep, tell=unexpected)
    ).close()
    journal = tmp_path / "klingbot.db-wal"
    journal.mkdir()
    told: list[str] = []
    waited = 0

    async def tell(key: str, /, **params: object) -> None:
        told.append(key)

    async def wait(seconds: float) -> None:
        nonlocal waited
        waited += 1
        if waited == 3:
            journal.rmdir()

    store = await open_store(f"sqlite:///{tmp_path}/klingbot.db", sleep=wait, tell=tell)
    assert (told, waited) == (["alert.store.unwritable", "alert.store.works"], 3)
    await store.close()


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (UpdatesRefused(NoUpdates.TAKEN), "alert.updates.taken"),
        (UpdatesRefused(NoUpdates.TOKEN), "alert.updates.token"),
        (OSError("no network"), "alert.updates.silent"),
    ],
)
async def test_updates_that_do_not_come_for_minutes_are_told_once_and_once_more_when_they_do(
    world, error, key
):
    await world.fetch(None, 60)
    await world.fetch(error, 110)
    assert world.told == []
    await world.fetch(error, 600)
    assert world.told == [(key, {"minutes": 2})]
    await world.fetch(None, 120)
    assert world.keys == [key, "alert.updates.again"]
    assert world.told[1][1]["minutes"] >= 11


async def test_two_bots_that_are_answered_in_turns_are_told_all_the_same(world):
    for _ in range(10):
        await world.fetch(UpdatesRefused(NoUpdates.TAKEN), 20)
        await world.fetch(None, 10)
    assert world.keys == ["alert.updates.taken"]


async def test_a_short_disturbance_is_not_told(world):
    for _ in range(20):
        await world.fetch(OSError("no network"), 60)
        await world.fetch(None, 10)
    assert world.told == []


async def test_a_second_cause_is_told_as_well_and_each_only_once(world):
    for _ in range(3):
        await world.fetch(OSError("no network"), 150)
        await world.fetch(UpdatesRefused(NoUpdates.TOKEN), 150)
    assert world.keys == ["alert.updates.silent", "alert.updates.token"]


async def test_an_answer_that_never_comes_is_told_too(world):
    asking = asyncio.Event()

    async def never(offset: int | None, timeout_seconds: int) -> Sequence[StoredUpdate]:
        asking.set()
        await asyncio.Event().wait()
        return []

    world.source.fetch = never
    fetching = asyncio.ensure_future(world.updates.fetch(None, 30))
    await asking.wait()
    world.clock.advance(4 * MINUTE)
    await world.watch.tick()
    assert world.told == [("alert.updates.silent", {"minutes": 4})]
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)


async def test_work_before_there_is_a_watch_waits_for_room_or_is_told_to_be_impossible(world, tmp_path):
    async def fine() -> None:
        await world.store.operations.set_setting("a", "b")

    await wait_out(world.store, fine(), world.tell)
    assert world.told == []
    await world.store.engine.scrub()
    path = tmp_path / "klingbot.db"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))

    async def damaged() -> None:
        await world.store.credits.list_ledger(1001)

    with pytest.raises(StoreLost, match="is damaged"):
        await wait_out(world.store, damaged(), world.tell)
    assert world.keys == ["alert.store.damaged"]
