"""The one status message of a task: true, single, and gone when it has done its work."""

import asyncio

import pytest

from bot.domain.tasks.task import TaskState
from bot.domain.units import SECOND, ChatId, Millis
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused, Reaction
from tests.builders import stored
from tests.services.world import STATUS_MESSAGE


async def test_a_task_never_gets_two_status_messages_though_two_show_it_at_once(world):
    task = await stored(world.store)
    await asyncio.gather(*(world.status.show(task) for _ in range(5)))
    assert {shown.status_message_id for shown, _ in world.chat.statuses[1:]} == {STATUS_MESSAGE + 1}
    assert (await world.now(task)).status_message_id == STATUS_MESSAGE + 1


async def test_what_is_shown_is_what_the_store_says_by_then(world):
    before = await stored(world.store)
    await world.send()
    world.chat.statuses.clear()
    await world.status.show(before)
    assert world.chat.states_shown() == [TaskState.IN_PROGRESS]


async def test_a_task_that_has_ended_is_not_shown_as_running_any_more(world):
    await world.status.show(await stored(world.store, TaskState.SUCCEEDED))
    assert world.chat.statuses == []


async def test_a_task_that_waits_is_shown_with_its_place_in_the_queue(world):
    for _ in range(2):
        await stored(world.store)
    await world.status.show(await stored(world.store))
    ((_, progress),) = world.chat.statuses
    assert (progress.ahead, progress.expected) == (2, None)


async def test_how_long_it_will_take_is_learned_from_three_tasks_like_it(world):
    running = await stored(world.store, TaskState.IN_PROGRESS)
    for _ in range(2):
        await stored(world.store, TaskState.SUCCEEDED)
    assert await world.status.expected(running) is None
    await stored(world.store, TaskState.SUCCEEDED)
    assert await world.status.expected(running) == 0
    assert await world.status.expected(await stored(world.store)) is None


@pytest.mark.parametrize("trouble", [ChatBusy(Millis(SECOND)), ChatGone("blocked"), ChatRefused("no")])
async def test_a_status_that_cannot_be_shown_changes_nothing(world, trouble):
    world.chat.trouble["show_status"] = [trouble]
    task = await stored(world.store)
    await world.status.show(task)
    assert await world.now(task) == task


async def test_a_group_that_moved_is_followed(world):
    world.chat.trouble["show_status"] = [ChatMoved(ChatId(-100_5))]
    task = await stored(world.store, chat_id=ChatId(-5))
    await world.status.show(task)
    await world.status.show(task)
    ((shown, _),) = world.chat.statuses
    assert shown.origin.chat_id == -100_5


async def test_a_status_is_taken_away_once(world):
    task = await stored(world.store, TaskState.SUCCEEDED)
    await world.store.tasks.set_status_message(task.id, STATUS_MESSAGE)
    await world.status.close(task)
    await world.status.close(task)
    assert world.chat.removed == [task.id]
    assert (await world.now(task)).status_message_id is None


async def test_a_notice_that_could_not_be_sent_leaves_the_status_where_it_is(world):
    world.chat.trouble["send_notice"] = [ChatBusy(Millis(SECOND))]
    task = await stored(world.store, TaskState.FAILED)
    await world.store.tasks.set_status_message(task.id, STATUS_MESSAGE)
    with pytest.raises(ChatBusy):
        await world.status.send_notice(task)
    assert (await world.now(task)).status_message_id == STATUS_MESSAGE


# -- between looks -----------------------------------------------------------------------------------


async def test_a_round_of_updates_shows_what_runs_and_what_waits_and_has_a_status(world):
    running = await stored(world.store, TaskState.IN_PROGRESS)
    waiting = await stored(world.store)
    await stored(world.store)
    await stored(world.store, TaskState.SUCCEEDED)
    for task in (running, waiting):
        await world.store.tasks.set_status_message(task.id, STATUS_MESSAGE)
    await world.status.tick()
    assert [task.id for task, _ in world.chat.statuses] == [running.id, waiting.id]


async def test_the_first_status_of_a_request_leaves_a_reaction_and_later_ones_do_not(world):
    task = await stored(world.store)
    for _ in range(3):
        await world.status.show(task)
    assert world.chat.reactions == [(task.id, Reaction.ACCEPTED)]
