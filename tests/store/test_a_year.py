"""A year of days on the real store, over both changes of the clocks: each day and month begins at its instant."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.credits.quota import Plan, windows
from bot.domain.tasks.lifecycle import transition
from bot.domain.tasks.task import TaskState
from bot.domain.types import Credits, Millis
from bot.errors import UserError
from tests.builders import a_task, path_to

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Shanghai")
DAILY = Plan(name="daily", daily_credits=10, max_running=1000)
MONTHLY = Plan(name="monthly", monthly_credits=10, max_running=1000)


def instant(day: datetime, zone: ZoneInfo) -> Millis:
    """The midnight with which a day begins on the wall."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return Millis(int(local.astimezone(UTC).timestamp() * 1000))


async def spend(store, now: Millis, plan: Plan, zone: ZoneInfo) -> None:
    """Spend the whole of a window's credits for good."""
    task = await store.tasks.accept(a_task(price=Credits(10), created_at=now), (), plan, windows(now, zone))
    for event in path_to(TaskState.SUCCEEDED, now):
        task = await store.tasks.apply(transition(task, event, now), now)


async def cannot_spend(store, now: Millis, plan: Plan, zone: ZoneInfo) -> None:
    with pytest.raises(UserError, match=r"error\.quota\.credits"):
        await store.tasks.accept(a_task(price=Credits(1), created_at=now), (), plan, windows(now, zone))


@pytest.mark.parametrize("name", ZONES)
async def test_every_day_of_a_year_begins_at_its_midnight_and_not_an_instant_before(store, name):
    zone = ZoneInfo(name)
    day = datetime(2026, 1, 1)  # noqa: DTZ001  a day on the wall, wherever that is
    await spend(store, instant(day, zone), DAILY, zone)
    lengths = set()
    for _ in range(365):
        begins, day = instant(day, zone), day + timedelta(days=1)
        midnight = instant(day, zone)
        lengths.add((midnight - begins) // 3_600_000)
        await cannot_spend(store, Millis(midnight - 1), DAILY, zone)
        await spend(store, midnight, DAILY, zone)
    assert lengths == ({24} if name == "Asia/Shanghai" else {23, 24, 25})


@pytest.mark.parametrize("name", ZONES)
async def test_every_month_of_a_year_begins_at_its_midnight_and_not_an_instant_before(store, name):
    zone = ZoneInfo(name)
    await spend(store, instant(datetime(2026, 1, 1), zone), MONTHLY, zone)  # noqa: DTZ001
    for month in range(2, 14):
        first = instant(datetime(2026 + month // 13, (month - 1) % 12 + 1, 1), zone)  # noqa: DTZ001
        await cannot_spend(store, Millis(first - 1), MONTHLY, zone)
        await spend(store, first, MONTHLY, zone)
