"""How results arrive: as the person likes, celebrated once, with a reaction, and shown to be on their way."""

import asyncio

import pytest

from bot.clock import Runtime
from bot.domain.requests.choices import Preferences
from bot.domain.tasks.task import TaskState
from bot.domain.units import ChatId
from bot.services.ports import DeliveryOptions, Reaction
from bot.services.tasks.deliver import SENDING_SECONDS
from tests.builders import ADA, NOW, a_request, stored


class Source:
    """A video that takes as long as a test wants."""

    def __init__(self) -> None:
        self.may_come = asyncio.Event()
        self.may_come.set()

    async def fetch(self, url, target, kind):
        del url, kind
        await self.may_come.wait()
        # Larger than may be uploaded: nothing more need be known of it.
        target.write_bytes(b"\x00" * 2_000)


class Pauses:
    """Counts the pauses between two signs that something is being sent."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.third = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        if len(self.asked) >= 3:
            self.third.set()
            await asyncio.Event().wait()


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def pauses():
    return Pauses()


@pytest.fixture
async def run(world, source, pauses, tmp_path):
    await world.store.people.save_user(ADA, "Ada", "ada", "en", NOW)
    deliver = world.deliver(source.fetch, tmp_path, 1_000, runtime=Runtime(world.clock, sleep=pauses))

    async def once():
        await deliver.tick()
        await world.work.drain()

    return once


async def test_a_result_arrives_silently_and_covered_where_the_person_chose_it(world, run):
    await stored(world.store, TaskState.SUCCEEDED)
    await world.store.people.set_preferences(ADA, Preferences(silent=True, spoiler=True))
    await run()
    assert world.chat.options == [DeliveryOptions(silent=True, spoiler=True, celebrated=True)]


async def test_one_video_can_be_covered_by_a_word(world, run):
    await stored(world.store, TaskState.SUCCEEDED, request=a_request(spoiler=True))
    await run()
    assert world.chat.options[0].spoiler


async def test_only_the_very_first_video_is_celebrated(world, run):
    await stored(world.store, TaskState.SUCCEEDED)
    await run()
    await stored(world.store, TaskState.SUCCEEDED)
    await run()
    assert [options.celebrated for options in world.chat.options] == [True, False]


async def test_a_result_is_shown_to_be_on_its_way_until_it_is_there(world, run, source, pauses):
    await stored(world.store, TaskState.SUCCEEDED)
    source.may_come.clear()
    sending = asyncio.create_task(run())
    await pauses.third.wait()
    assert world.chat.sendings == 3
    assert pauses.asked == [SENDING_SECONDS] * 3
    source.may_come.set()
    await sending
    assert len(world.chat.links) == 1


@pytest.mark.parametrize(
    ("state", "reaction"),
    [
        (TaskState.SUCCEEDED, Reaction.DONE),
        (TaskState.FAILED, Reaction.FAILED),
        (TaskState.EXPIRED, Reaction.FAILED),
        (TaskState.CANCELLED, Reaction.CANCELLED),
    ],
)
async def test_the_end_of_a_task_leaves_a_reaction(world, run, state, reaction):
    task = await stored(world.store, state, chat_id=ChatId(-100))
    await run()
    assert world.chat.reactions == [(task.id, reaction)]
