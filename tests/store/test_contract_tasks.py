"""What every engine promises of finding, claiming and delivering (the Store protocol)."""

import asyncio
from dataclasses import replace

from bot.domain.requests.operations import Pack
from bot.domain.requests.request import Resource
from bot.domain.tasks.lifecycle import (
    AnswerLost,
    Claimed,
    Deferred,
    Finished,
    StillRunning,
)
from bot.domain.tasks.task import (
    ACTIVE_STATES,
    DeliveryState,
    TaskState,
)
from bot.domain.types import HOUR, MINUTE, SECOND, Millis, ProviderName
from bot.store import SentRecord
from tests.builders import (
    ADA,
    LEASE,
    NOW,
    OFFICIAL,
    XIAOLIN,
    a_request,
    a_task,
    a_video,
    stored,
)
from tests.store.steps import LATER, after, step

# -- finding tasks -----------------------------------------------------------------------------------


async def test_an_unknown_task_is_none(store):
    assert await store.tasks.get(a_task().id) is None


async def test_a_persons_tasks_come_newest_first_and_no_one_elses(store):
    old, running, new = await stored(store), await stored(store, TaskState.IN_PROGRESS), await stored(store)
    await stored(store, user_id=XIAOLIN)
    assert [task.id for task in await store.tasks.list_of(ADA, [TaskState.QUEUED])] == [new.id, old.id]
    assert [task.id for task in await store.tasks.list_of(ADA, sorted(ACTIVE_STATES), limit=2)] == [
        new.id,
        running.id,
    ]


async def test_everybodys_tasks_come_oldest_first(store):
    first, second = await stored(store), await stored(store, user_id=XIAOLIN)
    await stored(store, TaskState.FAILED)
    assert await store.tasks.list_in([TaskState.QUEUED]) == [first, second]
    assert await store.tasks.list_in([TaskState.QUEUED], limit=1) == [first]


async def test_slots_are_counted_by_provider_pack_and_model(store):
    for state in TaskState:
        await stored(store, state)
    other = await stored(store)
    await step(store, other, Claimed(ProviderName("other"), after(LEASE), after(HOUR)))
    image = await stored(store, request=a_request(operation="image", model="kling-v2-6"))
    await step(store, image, Claimed(OFFICIAL, after(LEASE), after(HOUR)))
    video, image = Resource(Pack.VIDEO, "kling-v2-6"), Resource(Pack.IMAGE, "kling-v2-6")
    assert await store.tasks.count_running() == {
        (OFFICIAL, video): 3,
        (OFFICIAL, image): 1,
        ("other", video): 1,
    }


async def test_what_runs_is_counted_by_person(store):
    for state in TaskState:
        await stored(store, state)
    await stored(store, TaskState.UNCONFIRMED, user_id=XIAOLIN)
    assert await store.tasks.count_running_of_users() == {ADA: 3, XIAOLIN: 1}


async def test_the_line_is_told_oldest_first_with_what_says_whether_it_changed(store):
    first, second = await stored(store), await stored(store)
    await stored(store, TaskState.IN_PROGRESS)
    claimed = await step(store, first, Claimed(OFFICIAL, after(LEASE), after(HOUR)))
    deferred = await step(store, claimed, Deferred(after(MINUTE)))
    line = await store.tasks.list_queued()
    assert [(task_id, version) for task_id, version, _ in line] == [(first.id, 2), (second.id, 0)]
    assert line[0][2] < line[1][2]
    assert await store.tasks.list_by_id([first.id]) == [deferred]


async def test_a_claim_gives_a_task_to_one_caller_until_the_lease_ends(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    due, states = task.due_at, [TaskState.IN_PROGRESS]
    assert await store.tasks.claim_due(Millis(due - 1), LEASE, states, 10) == []
    claims = await asyncio.gather(*(store.tasks.claim_due(due, LEASE, states, 10) for _ in range(20)))
    assert [claimed.id for claim in claims for claimed in claim] == [task.id]
    assert await store.tasks.claim_due(Millis(due + LEASE - 1), LEASE, states, 10) == []
    assert len(await store.tasks.claim_due(Millis(due + LEASE), LEASE, states, 10)) == 1


async def test_a_claim_says_nothing_of_the_tasks_life(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    (claimed,) = await store.tasks.claim_due(task.due_at, LEASE, [TaskState.IN_PROGRESS], 10)
    assert replace(claimed, due_at=task.due_at) == task
    await step(store, task, StillRunning(after(MINUTE)))  # the version that was read before still counts


async def test_a_claim_takes_the_states_that_were_asked_for_and_the_longest_due(store):
    late = await stored(store, TaskState.IN_PROGRESS, created_at=after(-HOUR))
    await stored(store, TaskState.IN_PROGRESS)
    await stored(store, TaskState.UNCONFIRMED)
    (claimed,) = await store.tasks.claim_due(after(HOUR), LEASE, [TaskState.IN_PROGRESS], 1)
    assert claimed.id == late.id
    (unconfirmed,) = await store.tasks.claim_due(after(HOUR), LEASE, [TaskState.UNCONFIRMED], 9)
    assert unconfirmed.state is TaskState.UNCONFIRMED


async def test_overdue_are_all_that_may_expire(store):
    for state in TaskState:
        await stored(store, state)
    older = await stored(store, created_at=after(-HOUR))
    overdue = await store.tasks.list_overdue(after(20 * MINUTE), 10)
    assert overdue[0] == older
    assert sorted(task.state for task in overdue[1:]) == ["in_progress", "queued", "unconfirmed"]
    assert await store.tasks.list_overdue(after(-HOUR), 10) == []


async def test_durations_are_those_of_the_same_kind_newest_first(store):
    async def took(seconds, at, **changes):
        running = await stored(store, TaskState.IN_PROGRESS, created_at=at, **changes)
        await step(store, running, Finished((a_video(),)), now=Millis(at + seconds * SECOND))

    await took(60, NOW)
    await took(70, after(HOUR))
    await took(80, after(2 * HOUR), request=a_request(mode="pro"))
    await stored(store, TaskState.FAILED)
    key = ("kling-v2-6", "std", 5)
    assert await store.tasks.list_durations(OFFICIAL, key) == [70_000, 60_000]
    assert await store.tasks.list_durations(OFFICIAL, key, limit=1) == [70_000]
    assert await store.tasks.list_durations(ProviderName("other"), key) == []


async def test_the_newest_durations_of_a_provider_are_of_every_kind(store):
    for hour, mode in enumerate(("std", "pro", "std")):
        at = after(hour * HOUR)
        running = await stored(store, TaskState.IN_PROGRESS, created_at=at, request=a_request(mode=mode))
        await step(store, running, Finished((a_video(),)), now=Millis(at + (60 + hour) * SECOND))
    await stored(store, TaskState.FAILED)
    assert await store.tasks.list_recent_durations(OFFICIAL) == [62_000, 61_000, 60_000]
    assert await store.tasks.list_recent_durations(OFFICIAL, limit=2) == [62_000, 61_000]
    assert await store.tasks.list_recent_durations(ProviderName("other")) == []


# -- status messages ---------------------------------------------------------------------------------


async def test_a_status_message_is_remembered_and_is_no_transition(store):
    task = await stored(store)
    await store.tasks.set_status_message(task.id, 55)
    assert await store.tasks.get(task.id) == replace(task, status_message_id=55)


async def test_a_status_message_is_left_over_when_all_is_sent(store):
    task = await stored(store, TaskState.SUCCEEDED)
    running = await stored(store, TaskState.IN_PROGRESS)
    for shown in (task, running):
        await store.tasks.set_status_message(shown.id, 55)
    assert await store.tasks.list_ended_with_status(10) == []
    (delivery,) = await store.outbox.claim(NOW, LEASE, 10)
    assert await store.tasks.list_ended_with_status(10) == []
    await store.outbox.mark_delivered(delivery.id, SentRecord(77), NOW)
    assert [left.id for left in await store.tasks.list_ended_with_status(10)] == [task.id]
    await store.tasks.set_status_message(task.id, None)
    assert await store.tasks.list_ended_with_status(10) == []


# -- deliveries --------------------------------------------------------------------------------------


async def test_a_delivery_is_given_to_one_caller_until_the_lease_ends(store):
    await stored(store, TaskState.SUCCEEDED)
    claims = await asyncio.gather(*(store.outbox.claim(NOW, LEASE, 10) for _ in range(20)))
    (delivery,) = [claimed for claim in claims for claimed in claim]
    assert (delivery.state, delivery.attempts) == (DeliveryState.SENDING, 1)
    assert await store.outbox.claim(after(LEASE - 1), LEASE, 10) == []
    (again,) = await store.outbox.claim(after(LEASE), LEASE, 10)
    assert (again.id, again.attempts) == (delivery.id, 2)


async def test_a_delivery_that_is_put_off_waits_for_its_time(store):
    await stored(store, TaskState.SUCCEEDED)
    (delivery,) = await store.outbox.claim(NOW, LEASE, 10)
    await store.outbox.postpone(delivery.id, after(5 * SECOND), "busy")
    assert await store.outbox.claim(after(5 * SECOND - 1), LEASE, 10) == []
    (again,) = await store.outbox.claim(after(5 * SECOND), LEASE, 10)
    assert (again.attempts, again.failure) == (2, "busy")


async def test_what_is_too_large_is_claimed_for_copies_alone_until_none_is_left_to_try(store):
    task = await stored(store, TaskState.SUCCEEDED)
    (delivery,) = await store.outbox.claim(NOW, LEASE, 10)
    assert await store.outbox.claim_copy(NOW, LEASE) is None
    await store.outbox.want_copy(delivery.id, 61_000_000, 2, NOW)
    assert await store.outbox.claim(NOW, LEASE, 10) == []
    claims = await asyncio.gather(*(store.outbox.claim_copy(NOW, LEASE) for _ in range(5)))
    (copy,) = [claimed for claimed in claims if claimed is not None]
    assert (copy.id, copy.state, copy.copies_left, copy.size_bytes) == (
        delivery.id,
        DeliveryState.SENDING,
        1,
        61_000_000,
    )
    assert await store.outbox.claim_copy(after(LEASE - 1), LEASE) is None
    last = await store.outbox.claim_copy(after(LEASE), LEASE)
    assert last is not None
    assert last.copies_left == 0
    assert await store.outbox.claim_copy(LATER, LEASE) is None
    (alone,) = await store.outbox.claim(LATER, LEASE, 10)
    assert (alone.id, alone.copies_left) == (delivery.id, 0)
    sent = SentRecord(77, "file", "AQAD1", 640, 360, 5000, 9, copy_of=61_000_000)
    await store.outbox.mark_delivered(delivery.id, sent, LATER)
    (kept,) = await store.outbox.list_of(task.id)
    assert (kept.copies_left, kept.copy_of, kept.size_bytes) == (None, 61_000_000, 9)


async def test_a_delivery_that_arrived_is_remembered_and_never_claimed_again(store):
    task = await stored(store, TaskState.SUCCEEDED)
    (delivery,) = await store.outbox.claim(NOW, LEASE, 10)
    await store.outbox.mark_delivered(delivery.id, SentRecord(77, "file", "AQAD1", 640, 360, 5000, 9), NOW)
    (kept,) = await store.outbox.list_of(task.id)
    assert (kept.state, kept.file_id, kept.message_id, kept.size_bytes) == (
        DeliveryState.DELIVERED,
        "file",
        77,
        9,
    )
    assert await store.outbox.claim(LATER, LEASE, 10) == []


async def test_an_undeliverable_video_stays_for_its_user_to_ask(store):
    task = await stored(store, TaskState.SUCCEEDED)
    (delivery,) = await store.outbox.claim(NOW, LEASE, 10)
    await store.outbox.mark_undeliverable(delivery.id, "blocked", NOW)
    (kept,) = await store.outbox.list_of(task.id)
    assert (kept.state, kept.failure, kept.video) == (DeliveryState.UNDELIVERABLE, "blocked", a_video())
    assert await store.outbox.claim(LATER, LEASE, 10) == []


async def test_deliveries_are_claimed_in_order_and_no_more_than_asked(store):
    tasks = [await stored(store, TaskState.SUCCEEDED) for _ in range(3)]
    claimed = [await store.outbox.claim(NOW, LEASE, 2) for _ in range(2)]
    assert [[row.task.id for row in claim] for claim in claimed] == [
        [tasks[0].id, tasks[1].id],
        [tasks[2].id],
    ]


# -- hints -------------------------------------------------------------------------------------------

HINTED = after(SECOND)
"""The moment of a hint: before the first look is due."""


async def hasten(store, now=HINTED, external=None, remote=None, provider=OFFICIAL):
    return await store.tasks.poll_now(provider, external, remote, now, Millis(SECOND))


async def test_a_hint_by_our_own_id_makes_a_running_task_due_now(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    assert await hasten(store, external=task.external_task_id) == replace(task, due_at=HINTED)
    assert await store.tasks.get(task.id) == replace(task, due_at=HINTED)


async def test_a_hint_by_the_providers_id_finds_the_task_as_well(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    assert (await hasten(store, remote="kling-1")).id == task.id


async def test_behind_a_gateway_our_own_id_is_enough(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    found = await hasten(store, external=task.external_task_id, remote="an-id-of-the-gateways-provider")
    assert found.id == task.id


async def test_an_id_at_a_provider_is_that_of_a_task_it_works_on_or_has_just_finished(store):
    running = await stored(store, TaskState.IN_PROGRESS)

    async def held(task, provider=OFFICIAL, remote="kling-1", since=NOW - 1):
        return await store.tasks.is_held_by_another(provider, remote, task.id, since)

    assert not await held(running)
    other = await stored(store, TaskState.SUCCEEDED)
    assert await held(running)
    assert not await held(running, remote="kling-2")
    assert not await held(running, provider=ProviderName("elsewhere"))
    # Some count from 1 again when they begin anew.
    assert not await held(running, since=NOW)
    assert await held(other, since=NOW)


async def test_our_own_id_goes_before_the_providers(store):
    task, other = [await stored(store, TaskState.IN_PROGRESS) for _ in range(2)]
    assert other.provider_task_id == task.provider_task_id
    assert (await hasten(store, external=other.external_task_id, remote="kling-1")).id == other.id


async def test_a_hint_about_another_providers_task_has_no_effect(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    ids = {"external": task.external_task_id, "remote": task.provider_task_id}
    assert await hasten(store, **ids, provider=ProviderName("other")) is None
    assert await store.tasks.get(task.id) == task


async def test_a_hint_about_nobodys_task_has_no_effect(store):
    await stored(store, TaskState.IN_PROGRESS)
    assert await hasten(store, external="nobody", remote="nothing") is None
    assert await hasten(store) is None


async def test_only_tasks_that_are_looked_for_can_be_hastened(store):
    waiting = Millis(HINTED + MINUTE)
    hastened = []
    for state in TaskState:
        task = await stored(store, state)
        if state is TaskState.UNCONFIRMED:
            task = await step(store, task, AnswerLost(waiting))
        if await hasten(store, external=task.external_task_id) is not None:
            hastened.append(state)
    assert hastened == [TaskState.UNCONFIRMED, TaskState.IN_PROGRESS, TaskState.EXPIRED]


async def test_an_expired_task_that_nobody_looks_for_stays_alone(store):
    task = await stored(store, TaskState.EXPIRED)
    over = await step(store, task, Finished((a_video(),)))
    assert await hasten(store, external=over.external_task_id, remote="kling-1") is None


async def test_a_hint_does_not_shorten_the_pause_that_proves_an_absence(store):
    for state, event in (
        (TaskState.UNCONFIRMED, AnswerLost(after(MINUTE), absences=1)),
        (TaskState.IN_PROGRESS, StillRunning(after(MINUTE), unknown=True)),
    ):
        absent = await step(store, await stored(store, state), event)
        assert await hasten(store, external=absent.external_task_id) is None
        assert await store.tasks.get(absent.id) == absent


async def test_a_hint_that_waits_does_not_do_so_either(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    await hasten(store, external=task.external_task_id)
    assert (await step(store, task, StillRunning(after(MINUTE), unknown=True))).due_at == after(MINUTE)


async def test_a_hint_never_puts_a_look_off(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    assert await hasten(store, Millis(task.due_at + 1), external=task.external_task_id) is None
    assert await store.tasks.get(task.id) == task


async def test_a_hint_comes_through_while_a_look_is_under_way(store):
    """The look may have seen what was before: what it says of the next one counts no more."""
    task = await stored(store, TaskState.IN_PROGRESS)
    await store.tasks.claim_due(task.due_at, LEASE, [TaskState.IN_PROGRESS], 1)
    now = Millis(task.due_at + 100)
    await hasten(store, now, external=task.external_task_id)
    seen = await step(store, task, StillRunning(after(MINUTE)), now=now)
    assert seen.due_at == now
    (claimed,) = await store.tasks.claim_due(now, LEASE, [TaskState.IN_PROGRESS], 1)
    assert (await step(store, claimed, StillRunning(after(MINUTE)), now=now)).due_at == after(MINUTE)


async def test_a_hint_that_waits_does_not_keep_an_ended_task_due(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    await hasten(store, external=task.external_task_id)
    assert (await step(store, task, Finished((a_video(),)))).due_at is None


async def test_a_flood_of_hints_causes_one_look_a_second(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    not_found_count = []
    for moment in range(HINTED, HINTED + 3 * SECOND, 100):
        await hasten(store, Millis(moment), external=task.external_task_id)
        for claimed in await store.tasks.claim_due(Millis(moment), LEASE, [TaskState.IN_PROGRESS], 1):
            not_found_count.append(moment - HINTED)
            await step(store, claimed, StillRunning(after(MINUTE)), now=Millis(moment))
    assert not_found_count == [0, SECOND, 2 * SECOND]


async def test_hints_at_once_make_a_task_due_once(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    hints = [hasten(store, external=task.external_task_id) for _ in range(20)]
    assert len([found for found in await asyncio.gather(*hints) if found is not None]) == 1
