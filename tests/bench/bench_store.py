"""What group commit brings, and that a long history costs nothing."""

import asyncio
import json
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

from bot.domain.tasks.task import TaskState
from bot.domain.types import DAY, MINUTE, Millis
from bot.store import Store, migrate
from bot.store.engine.sqlite import SqliteEngine, SqliteTransaction, open_connection
from bot.store.tasks import columns
from tests.builders import GENEROUS, LEASE, NOW, OFFICIAL, a_task, a_window, stored

ACCEPTS = 400
ROUNDS = 150
SHORT, LONG = 1_000, 100_000
UNDER_WAY = 40
FAR_OFF = Millis(NOW + 365 * DAY)


async def accepts_a_second(path: Path, group: int) -> float:
    """The rate at which tasks are accepted when all come at once, `group` to a commit."""
    migrate(path)
    store = Store.on(SqliteEngine(path, group=group))
    tasks = [a_task() for _ in range(ACCEPTS)]
    begun = time.perf_counter()
    await asyncio.gather(*(store.tasks.accept(task, (), GENEROUS, a_window()) for task in tasks))
    took = time.perf_counter() - begun
    assert len(await store.tasks.list_in([TaskState.QUEUED], limit=2 * ACCEPTS)) == ACCEPTS
    await store.close()
    return ACCEPTS / took


async def test_group_commit(tmp_path, tell):
    single, grouped = [], []
    for number in range(5):
        single.append(await accepts_a_second(tmp_path / f"single-{number}.db", 1))
        grouped.append(await accepts_a_second(tmp_path / f"grouped-{number}.db", 256))
    ratio = median(grouped) / median(single)
    tell(
        f"group commit: {ratio:.1f}x as many accepts a second as with one commit each"
        f" ({median(grouped):,.0f} to {median(single):,.0f}; n={ACCEPTS}, median of 5, synchronous=FULL)"
    )


def write_history(path: Path, tasks: int) -> None:
    """Fill a new file with tasks that ended, their bookings and their deliveries."""
    migrate(path)
    template = columns(a_task(TaskState.SUCCEEDED))
    booking = {"held": 0, "allowance": 0, "at": NOW, "counted_at": NOW, "note": ""}
    with closing(open_connection(path)) as db:
        db.execute("BEGIN")
        insert = SqliteTransaction(db).insert
        for number in range(tasks):
            task_id, user = f"H{number:08}", 5_000 + number % 500
            insert("tasks", template | {"id": task_id, "external_task_id": task_id, "user_id": user})
            for kind, amount, held in (("hold", -10, 10), ("charge", 0, -10)):
                row = {"user_id": user, "kind": kind, "amount": amount, "task_id": task_id}
                row["idempotency_key"] = f"task:{task_id}:{kind}"
                insert("ledger", booking | row | {"held": held})
            sent = {"task_id": task_id, "kind": "video", "position": 0, "state": "delivered", "attempts": 1}
            insert("outbox", sent)
            insert("inbox", {"update_id": number, "payload": json.dumps({}), "received_at": NOW})
        db.execute("UPDATE inbox SET processed_at = ?", (NOW,))
        db.execute("COMMIT")


async def open_with_history(path: Path, tasks: int) -> Store:
    await asyncio.to_thread(write_history, path, tasks)
    store = await Store.open(str(path))
    for state in (TaskState.QUEUED, TaskState.IN_PROGRESS, TaskState.SUCCEEDED):
        await asyncio.gather(*(stored(store, state, deadline_at=FAR_OFF) for _ in range(UNDER_WAY)))
    return store


async def claim_round(store: Store, now: Millis) -> float:
    """Everything that the ticks ask for in one round; the seconds that it took."""
    begun = time.perf_counter()
    queued = await store.tasks.list_queued()
    running = await store.tasks.claim_due(now, LEASE, [TaskState.IN_PROGRESS, TaskState.EXPIRED], 16)
    deliveries = await store.outbox.claim(now, LEASE, 4)
    await store.tasks.count_running()
    await store.tasks.count_running_of_users()
    await store.tasks.list_by_id([task_id for task_id, _, _ in queued[:16]])
    await store.tasks.list_overdue(now, 100)
    await store.tasks.list_ended_with_status(100)
    await store.inbox.list_unprocessed()
    took = time.perf_counter() - begun
    assert (len(queued), len(running), len(deliveries)) == (UNDER_WAY, 16, 4)
    return took


async def test_claims_beside_a_long_history(tmp_path, tell):
    short = await open_with_history(tmp_path / "short.db", SHORT)
    long = await open_with_history(tmp_path / "long.db", LONG)
    times = {short: [], long: []}
    for number in range(1, ROUNDS + 1):
        for store in (short, long) if number % 2 else (long, short):
            times[store].append(await claim_round(store, Millis(NOW + number * 3 * LEASE)))
    ratio = median(times[long]) / median(times[short])
    tell(
        f"claims: {ratio:.2f}x the time with {LONG:,} ended tasks as with {SHORT:,}"
        f" ({1000 * median(times[long]):.1f} to {1000 * median(times[short]):.1f} ms a round; n={ROUNDS}, median)"
    )
    for store in (short, long):
        await store.close()


async def test_accepting_beside_a_long_history(tmp_path, tell):
    stores = {tasks: await open_with_history(tmp_path / f"{tasks}.db", tasks) for tasks in (SHORT, LONG)}
    times = {tasks: [] for tasks in stores}
    for number in range(ROUNDS):
        for tasks in (SHORT, LONG) if number % 2 else (LONG, SHORT):
            task = replace(a_task(), created_at=Millis(NOW + MINUTE), provider=OFFICIAL)
            begun = time.perf_counter()
            accepted = await stores[tasks].tasks.accept(task, (), GENEROUS, a_window())
            times[tasks].append(time.perf_counter() - begun)
            assert accepted.id == task.id
    ratio = median(times[LONG]) / median(times[SHORT])
    tell(
        f"accepts: {ratio:.2f}x the time with {LONG:,} ended tasks as with {SHORT:,}"
        f" ({1000 * median(times[LONG]):.1f} to {1000 * median(times[SHORT]):.1f} ms; n={ROUNDS}, median)"
    )
    for store in stores.values():
        await store.close()
