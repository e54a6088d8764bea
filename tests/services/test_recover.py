"""Chores: what the last process left, what is overdue, and what is old; and that the status message stays true."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.tasks.lifecycle import Claimed, transition
from bot.domain.tasks.schedule import DELIVERY_LEASE
from bot.domain.tasks.task import FailureKind, LedgerKind, Task, TaskState
from bot.domain.types import DAY, HOUR, MINUTE, SECOND, ChatId, Millis, UserId
from bot.errors import UserError
from bot.services.ports import Job
from bot.services.tasks.recover import CLEANING_INTERVAL
from tests.builders import (
    ADA,
    ADAS_CHAT,
    LEASE,
    NOW,
    XIAOLIN,
    a_draft,
    a_request,
    an_image,
    an_update,
    stored,
)
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.services import BACK, HELD, POLICY, A, ServiceWorld, finished, lost, refusal
from tests.world.telegram import BOSS, complaint

pytestmark = TELLS_OF_TIMEDELTA

RETENTION = Millis(30 * DAY)


async def a_submitting_task(world: ServiceWorld) -> Task:
    """What a crash in the middle of a submission leaves behind."""
    task = await stored(world.store)
    return await world.store.tasks.apply(
        transition(task, Claimed(A, Millis(NOW + LEASE), Millis(NOW + HOUR)), NOW), NOW
    )


# -- at start ----------------------------------------------------------------------------------------


async def test_half_downloads_of_the_last_process_are_thrown_away(world):
    directory = world.directory / "work"
    for name in (
        "K7Q29F-0.mp4",
        "K7Q29F-0.mp4.part",
        "K7Q29F-0.jpg",
        "K7Q29F-1.png.part",
        "K7Q29F-2.mp3",
        "klingbot.db",
    ):
        (directory / name).write_bytes(b"left over")
    half = directory / "result-half"
    half.mkdir()
    (half / "K7Q29F-3.mp4").write_bytes(b"left over")
    await world.restart()
    assert [path.name for path in directory.iterdir()] == ["klingbot.db"]


async def test_every_task_that_runs_is_taken_up_and_shown_again(world):
    for state in (TaskState.QUEUED, TaskState.UNCONFIRMED, TaskState.IN_PROGRESS):
        await stored(world.store, state)
    await world.restart()
    await world.drain()
    assert len(world.to_telegram.of("sendMessage")) == 3


async def test_what_was_being_sent_when_the_process_died_is_sent_after_the_start_and_the_status_stays(world):
    task = await stored(world.store, TaskState.SUCCEEDED)
    await world.store.tasks.set_status_message(task.id, 500)
    await world.store.outbox.claim(NOW, DELIVERY_LEASE, 1)
    await world.restart()
    await world.drain()
    # As long as its video is on the way, the status stays.
    assert world.to_telegram.of("deleteMessage") == []
    (delivery,) = await world.store.outbox.claim(NOW, DELIVERY_LEASE, 1)
    await world.store.outbox.mark_undeliverable(delivery.id, "gone", NOW)
    await world.restart()
    await world.drain()
    assert [call["message_id"] for call in world.to_telegram.of("deleteMessage")] == [500]


async def test_a_chat_without_an_answer_holds_up_neither_the_start_nor_the_status_of_others(world):
    may_answer = asyncio.Event()

    async def slow(_: Request) -> Response:
        await may_answer.wait()
        return complaint(400, "Bad Request: message is not modified")

    async def edited() -> None:
        while {call["chat_id"] for call in world.to_telegram.of("editMessageText")} != {*people}:
            await asyncio.sleep(0.01)

    people = (ADA, XIAOLIN, UserId(BOSS))
    tasks = [
        await stored(world.store, TaskState.IN_PROGRESS, chat_id=ChatId(person), user_id=person)
        for person in people
    ]
    for begin in (partial(world.begin, Job.STATUS), world.restart):
        for number, task in enumerate(tasks):
            await world.store.tasks.set_status_message(task.id, 500 + number)
        world.to_telegram.answer("editMessageText", slow)
        async with asyncio.timeout(20):
            await begin()
            await edited()
        world.to_telegram.calls.clear()
    may_answer.set()
    await world.drain()


# -- overdue -----------------------------------------------------------------------------------------


async def asked(world: ServiceWorld) -> Task:
    """A task that has waited so long that its owner is asked whether to go on."""
    task = await stored(world.store)
    await world.services.status.show(task)
    await world.run(Job.RECOVER, 20 * MINUTE - 1)
    assert await world.now(task) == replace(task, status_message_id=(await world.now(task)).status_message_id)
    await world.run(Job.RECOVER, 1)
    return await world.now(task)


def asks(world: ServiceWorld) -> dict[str, Any]:
    """The last state of the status message."""
    return world.to_telegram.of("editMessageText")[-1]


async def test_whoever_waited_long_is_asked_and_nothing_is_given_back_yet(world):
    task = await asked(world)
    assert (task.state, task.answer_by) == (TaskState.QUEUED, world.clock.now() + POLICY.answering)
    assert await world.money() == HELD
    said = asks(world)
    assert "You've waited 20 min. Keep waiting?" in said["text"]
    assert [button["text"] for button in said["reply_markup"]["inline_keyboard"][0]] == [
        "Keep waiting",
        "Cancel",
    ]
    # One that is asked about is still in line.
    await world.run(Job.DISPATCH)
    assert await world.state(task) is TaskState.IN_PROGRESS


async def test_without_an_answer_the_credits_come_back_with_a_reason_of_its_own_once(world):
    task = await asked(world)
    await world.run(Job.RECOVER, POLICY.answering - 1)
    assert await world.state(task) is TaskState.QUEUED
    for _ in range(2):
        await world.run(Job.RECOVER, 1)
    after = await world.now(task)
    assert (after.state, after.failure, after.due_at) == (TaskState.FAILED, FailureKind.WAITED, None)
    assert await world.money() == BACK
    assert Job.DELIVER in world.woken
    assert await world.waiting(task) == ["notice"]
    assert world.to_kling.of("submit") == []


async def test_whoever_keeps_waiting_waits_as_long_again_however_often_they_say_so(world):
    task = await asked(world)
    for _ in range(3):
        kept = await world.services.tasks.keep_waiting(ADA, task.id)
    assert (kept.version, kept.answer_by) == (task.version + 1, None)
    assert kept.waits_until == kept.deadline_at == world.clock.now() + POLICY.waiting
    await world.drain()
    assert "Keep waiting?" not in asks(world)["text"]
    await world.run(Job.RECOVER, POLICY.waiting - 1)
    assert (await world.now(task)).answer_by is None
    await world.run(Job.RECOVER, 1)
    assert (await world.now(task)).answer_by is not None


async def test_only_the_owner_and_admins_may_answer(world):
    task = await asked(world)
    with pytest.raises(UserError):
        await world.services.tasks.keep_waiting(XIAOLIN, task.id)
    assert (await world.services.tasks.keep_waiting(BOSS, task.id)).answer_by is None
    await world.drain()


async def test_being_sent_in_vain_begins_no_new_wait(world):
    task = await asked(world)
    world.to_kling.answer("submit", refusal(429, 1303))
    await world.run(Job.DISPATCH)
    after = await world.now(task)
    assert (after.state, after.answer_by, after.deadline_at) == (
        TaskState.QUEUED,
        task.answer_by,
        task.answer_by,
    )


async def test_the_deadline_begins_with_each_submission(world):
    task = await stored(world.store)
    world.to_kling.answer("submit", refusal(429, 1303))
    await world.run(Job.DISPATCH, 19 * MINUTE)
    assert (await world.now(task)).deadline_at == NOW + 20 * MINUTE
    await world.run(Job.DISPATCH, 2 * SECOND)
    after = await world.now(task)
    assert (after.state, after.deadline_at) == (TaskState.IN_PROGRESS, world.clock.now() + POLICY.deadline)


async def test_a_submission_that_nobody_can_tell_about_ends_at_the_deadline(world):
    world.to_kling.always("query", lost())
    task = await a_submitting_task(world)
    await world.run(Job.RECOVER, LEASE)
    for _ in range(HOUR // MINUTE + 1):
        assert await world.state(task) is TaskState.UNCONFIRMED
        await world.run(Job.RECOVER, MINUTE)
        if world.clock.now() >= NOW + HOUR:
            break
    assert await world.state(task) is TaskState.EXPIRED
    assert await world.money() == BACK


async def test_a_submission_that_arrived_is_found_though_its_deadline_passed_in_a_pause(world):
    """What a process that was down for a day asks first is not the deadline."""
    task = await a_submitting_task(world)
    world.clock.advance(DAY)
    world.to_kling.always("query", finished())
    await world.restart()
    for job in (Job.RECOVER, Job.POLL):
        await world.run(job)
    assert await world.state(task) is TaskState.SUCCEEDED
    assert await world.waiting(task) == ["video"]
    booked = [row.kind for row in await world.store.credits.list_ledger(ADA)]
    assert sorted(booked) == [LedgerKind.CHARGE, LedgerKind.HOLD]


async def test_a_running_task_past_its_deadline_is_left_to_its_last_look(world):
    task = await stored(world.store, TaskState.IN_PROGRESS)
    await world.run(Job.RECOVER, HOUR)
    assert await world.state(task) is TaskState.IN_PROGRESS


# -- what is old -------------------------------------------------------------------------------------


async def test_what_is_older_than_the_retention_is_forgotten(world):
    await world.store.inbox.receive([an_update(1), an_update(2), an_update(3)])
    for update_id in (1, 3):
        await world.store.inbox.mark_processed(update_id, NOW)
    await world.store.drafts.save(a_draft())
    image, unused = an_image(), an_image(b"nobody needs it")
    await stored(world.store, images=[image], request=a_request(image), deadline_at=Millis(NOW + 90 * DAY))
    await world.store.drafts.save_attachment(unused, NOW)
    await world.run(Job.RECOVER, RETENTION - SECOND)
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is not None
    await world.run(Job.RECOVER, HOUR + 2 * SECOND)
    # What nobody has acted on stays, and so does the newest, which says where to go on.
    assert [row.update_id for row in await world.store.inbox.list_unprocessed()] == [2]
    assert (await world.store.inbox.get_last())[0] == 3
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is None
    assert await world.store.inbox.receive([an_update(1), an_update(3)]) == [an_update(1)]
    # A picture that a task still needs is kept however old it is.
    assert set(await world.store.drafts.get_attachments([image.ref, unused.ref])) == {image.ref.sha256}


async def test_cleaning_happens_once_an_hour(world):
    await world.run(Job.RECOVER)
    await world.store.drafts.save(a_draft(updated_at=Millis(NOW - 60 * DAY)))
    await world.run(Job.RECOVER, CLEANING_INTERVAL)
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is not None
    await world.run(Job.RECOVER, 1)
    assert await world.store.drafts.get(ADA, ADAS_CHAT) is None


# -- the status message --------------------------------------------------------------------------------


async def test_a_task_never_gets_two_status_messages_though_two_show_it_at_once(world):
    await world.telegram.say(ADA, "/start")
    task = await stored(world.store)
    await asyncio.gather(*(world.services.status.show(task) for _ in range(5)))
    assert len(world.to_telegram.of("sendMessage")) == 1
    assert (await world.now(task)).status_message_id is not None


async def shown(world: ServiceWorld, task: Task) -> list[str]:
    """The lines of a status message about a task that has none yet."""
    await world.services.status.show(task)
    text = str(world.to_telegram.of("sendMessage")[-1]["text"])
    return text.partition("\n<blockquote")[0].splitlines()


async def test_what_is_shown_is_what_the_store_says_by_then(world):
    await world.services.status.show(await stored(world.store, TaskState.SUCCEEDED))
    assert world.to_telegram.of("sendMessage") == []
    assert await shown(world, await stored(world.store)) == ["Got it – sending it to Kling"]


async def test_the_place_in_line_is_the_one_in_which_tasks_are_sent(bare):
    await bare.open(provider="max_concurrent = 1")
    await stored(bare.store, user_id=XIAOLIN)
    await bare.run(Job.DISPATCH)
    first, second = [await stored(bare.store) for _ in range(2)]
    xiaolins = await stored(bare.store, user_id=XIAOLIN)
    newcomer = await stored(bare.store, user_id=UserId(2003))
    places = {}
    for task in (first, second, xiaolins, newcomer):
        busy, places[task.id] = await shown(bare, task)
        assert busy == "Kling is busy right now"
    assert places == {
        first.id: "You're next in line",
        newcomer.id: "You're 2nd in line",
        second.id: "You're 3rd in line",
        xiaolins.id: "You're 4th in line",
    }


async def test_a_provider_that_asks_for_a_pause_is_busy_until_it_takes_something(world):
    world.to_kling.answer("submit", refusal(429, 1302, "too fast", Retry_After="60"))
    first = await stored(world.store)
    await world.run(Job.DISPATCH)
    second = await stored(world.store, user_id=XIAOLIN)
    for wait in (0, 59 * SECOND, SECOND):
        world.clock.advance(wait)
        assert await shown(world, second) == ["Kling is busy right now", "You're 2nd in line"]
        await world.store.tasks.set_status_message(second.id, None)
    for _ in range(2):
        # Whether there is room is tried with one.
        await world.run(Job.DISPATCH)
    assert await world.state(first) is await world.state(second) is TaskState.IN_PROGRESS


async def test_when_the_video_may_be_there_is_told_by_what_others_took(bare):
    await bare.open(provider="max_concurrent = 2")
    for _ in range(3):
        await stored(bare.store, TaskState.SUCCEEDED)
    with closing(sqlite3.connect(bare.database)) as db, db:
        db.execute(f"UPDATE tasks SET provider = '{A}', finished_at = submitted_at + 120000")
    for number in range(4):
        last = await stored(bare.store, user_id=UserId(2000 + number))
        await bare.run(Job.DISPATCH)
    # Two places, two minutes each: the second in line begins in two minutes.
    assert await shown(bare, last) == ["Kling is busy right now", "You're 2nd in line · ready in about 4 min"]


async def test_a_provider_that_cannot_be_used_is_told_of_without_a_promise(world):
    await world.services.providers.pause(A, BOSS, "update:pause")
    down = "Kling isn't available right now. Your video starts when it's back"
    assert await shown(world, await stored(world.store)) == [down, "You're next in line"]


async def test_whoever_has_enough_running_waits_for_these(bare):
    await bare.open()
    for _ in range(2):
        await stored(bare.store, max_running=2)
    assert await shown(bare, await stored(bare.store, max_running=2)) == [
        "Waiting for your earlier videos – 2 run at a time"
    ]


async def test_one_that_could_not_be_sent_is_tried_again(world):
    world.to_kling.answer("submit", refusal(503, 5001))
    task = await stored(world.store)
    await world.run(Job.DISPATCH)
    await world.store.tasks.set_status_message(task.id, None)
    assert await shown(world, task) == ["That didn't reach Kling. Trying again soon"]


async def test_how_long_it_will_take_is_learned_from_three_tasks_like_it(world):
    status, running = world.services.status, await stored(world.store, TaskState.IN_PROGRESS)
    for _ in range(2):
        await stored(world.store, TaskState.SUCCEEDED)
    assert await status.expected(running) is None
    await stored(world.store, TaskState.SUCCEEDED)
    assert await status.expected(running) == 0
    assert await status.expected(await stored(world.store)) is None


@pytest.mark.parametrize(
    "trouble",
    [
        complaint(429, "Too Many Requests: retry after 1", retry_after=1),
        complaint(403, "Forbidden: bot was blocked by the user"),
        complaint(400, "Bad Request: no"),
    ],
)
async def test_a_status_that_cannot_be_shown_changes_nothing(world, trouble):
    world.to_telegram.answer("sendMessage", trouble)
    task = await stored(world.store)
    await world.services.status.show(task)
    assert await world.now(task) == task


async def test_a_group_that_moved_is_followed(world):
    moved = complaint(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1_005)
    world.to_telegram.answer("sendMessage", moved)
    task = await stored(world.store, chat_id=ChatId(-5))
    await world.services.status.show(task)
    assert [call["chat_id"] for call in world.to_telegram.of("sendMessage")] == [-5, -1_005]


async def test_a_round_of_updates_shows_what_runs_and_what_waits_and_has_a_status(world):
    running = await stored(world.store, TaskState.IN_PROGRESS)
    waiting = await stored(world.store)
    await stored(world.store)
    await stored(world.store, TaskState.SUCCEEDED)
    for number, task in enumerate((running, waiting)):
        await world.store.tasks.set_status_message(task.id, 500 + number)
    await world.run(Job.STATUS)
    assert sorted(call["message_id"] for call in world.to_telegram.of("editMessageText")) == [500, 501]
