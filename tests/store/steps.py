"""Moments and steps that the store's tests share."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.tasks.lifecycle import Event, transition
from bot.domain.tasks.task import Task
from bot.domain.types import DAY, Millis
from bot.store import Store
from tests.builders import NOW, a_window

TODAY = a_window()
LATER = Millis(NOW + 365 * DAY)


def after(milliseconds: int) -> Millis:
    return Millis(NOW + milliseconds)


def local(zone: str, *moment: int) -> Millis:
    """A moment as the clocks of `zone` show it: year, month, day and so on."""
    return Millis(int(datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp() * 1000))


async def step(store: Store, task: Task, *events: Event, now: Millis = NOW) -> Task:
    """Lead a task on, event by event."""
    for event in events:
        task = await store.tasks.apply(transition(task, event, now), now)
    return task
