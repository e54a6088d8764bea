"""What every engine promises of credits and transitions, and of what it kept (the Store protocol)."""

import asyncio
import sqlite3
from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from bot.domain.credits.quota import Plan, allowance_left, windows
from bot.domain.requests.operations import Product
from bot.domain.tasks.lifecycle import (
    CancelRequested,
    Claimed,
    Finished,
    ProviderFailed,
    transition,
)
from bot.domain.tasks.task import (
    ACTIVE_STATES,
    FINAL_STATES,
    DeliveryState,
    FailureKind,
    LedgerKind,
    TaskState,
)
from bot.domain.types import DAY, HOUR, AccountId, Credits, Millis, UserId
from bot.errors import UserError
from bot.store import Conflict, TaskIdTaken
from tests.builders import (
    ADA,
    ADAS_CHAT,
    GENEROUS,
    GRANTED_ONLY,
    LEASE,
    NOW,
    OFFICIAL,
    XIAOLIN,
    a_draft,
    a_grant,
    a_request,
    a_task,
    a_video,
    a_window,
    an_image,
    an_origin,
    an_update,
    stored,
)
from tests.store.steps import TODAY, after, local, step
from tests.stored import book, sum_ledger

# -- accepting ---------------------------------------------------------------------------------------


async def test_an_accepted_task_reads_back_as_it_was(store):
    task = a_task(
        request=a_request(an_image(), seed=3, cfg_scale=0.4),
        origin=an_origin(update_id=7, thread_id=3, language="zh_Hans", is_private=False),
    )
    accepted = await store.tasks.accept(task, [an_image()], GENEROUS, TODAY)
    assert (accepted, await store.tasks.get(task.id)) == (task, task)


async def test_an_accepted_task_holds_its_price(store):
    await store.tasks.accept(a_task(price=Credits(15)), (), GENEROUS, TODAY)
    usage = await store.credits.get_usage(ADA, TODAY)
    assert (usage.held, usage.day_spent, usage.month_spent, usage.running) == (15, 15, 15, 1)


async def test_the_same_update_is_accepted_once(store):
    first = await store.tasks.accept(a_task(update_id=7), (), GENEROUS, TODAY)
    again = await store.tasks.accept(a_task(update_id=7), (), GENEROUS, TODAY)
    assert again == first
    assert (await store.credits.get_usage(ADA, TODAY)).held == first.price


async def test_an_update_that_comes_again_late_gets_the_task_as_it_is_now(store):
    task = await stored(store, TaskState.SUCCEEDED, update_id=7)
    again = await store.tasks.accept(a_task(update_id=7), (), GENEROUS, TODAY)
    assert (again.id, again.state) == (task.id, TaskState.SUCCEEDED)


async def test_one_update_that_comes_fifty_times_at_once_makes_one_task(store):
    tasks = await asyncio.gather(
        *(store.tasks.accept(a_task(update_id=7), (), GENEROUS, TODAY) for _ in range(50))
    )
    assert len({task.id for task in tasks}) == 1
    assert await sum_ledger(store) == {LedgerKind.HOLD: (1, -10)}


async def test_a_taken_id_is_told_and_nothing_is_held(store):
    task = await store.tasks.accept(a_task(), (), GENEROUS, TODAY)
    with pytest.raises(TaskIdTaken):
        await store.tasks.accept(a_task(id=task.id), (), GENEROUS, TODAY)
    assert (await store.credits.get_usage(ADA, TODAY)).held == task.price


async def test_a_refused_request_leaves_nothing_behind(store):
    image, task = an_image(), a_task()
    with pytest.raises(UserError, match=r"error\.quota\.credits"):
        await store.tasks.accept(task, [image], GRANTED_ONLY, TODAY)
    assert await store.tasks.get(task.id) is None
    assert await store.drafts.get_attachments([image.ref]) == {}
    assert await sum_ledger(store) == {}


@pytest.mark.parametrize("plan", [Plan(name="daily", daily_credits=10, max_running=1000), GRANTED_ONLY])
async def test_two_hundred_at_once_on_the_last_credits_hold_exactly_once(store, plan):
    if plan is GRANTED_ONLY:
        await book(store, a_grant(10))
    answers = await asyncio.gather(
        *(store.tasks.accept(a_task(), (), plan, TODAY) for _ in range(200)), return_exceptions=True
    )
    assert Counter(type(answer).__name__ for answer in answers) == {"Task": 1, "UserError": 199}
    assert (await store.credits.get_usage(ADA, TODAY)).held == 10


async def test_many_at_once_never_run_and_wait_more_than_the_plan_allows(store):
    plan = Plan(name="three", daily_credits=1_000_000, max_running=1, max_waiting=2)
    answers = await asyncio.gather(
        *(store.tasks.accept(a_task(), (), plan, TODAY) for _ in range(50)), return_exceptions=True
    )
    refusals = {answer.key for answer in answers if isinstance(answer, UserError)}
    assert (await store.credits.get_usage(ADA, TODAY)).running == 3
    assert refusals == {"error.quota.line_full"}


async def test_the_limits_of_one_are_not_the_limits_of_another(store):
    plan = Plan(name="one", daily_credits=10, max_running=1)
    await store.tasks.accept(a_task(), (), plan, TODAY)
    accepted = await store.tasks.accept(a_task(user_id=XIAOLIN), (), plan, TODAY)
    assert accepted.user_id == XIAOLIN


async def test_the_allowance_is_spent_before_what_was_granted(store):
    await book(store, a_grant(10))
    await store.tasks.accept(a_task(price=Credits(15)), (), Plan(name="small", daily_credits=10), TODAY)
    usage = await store.credits.get_usage(ADA, TODAY)
    assert (usage.day_spent, usage.balance) == (10, 5)


async def test_a_release_gives_both_parts_back_to_where_they_came_from(store):
    await book(store, a_grant(10))
    task = await store.tasks.accept(
        a_task(price=Credits(15)), (), Plan(name="small", daily_credits=10), TODAY
    )
    await step(store, task, CancelRequested())
    usage = await store.credits.get_usage(ADA, TODAY)
    assert (usage.day_spent, usage.balance, usage.held, usage.running) == (0, 10, 0, 0)


# -- windows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "last", "first"),
    [
        ("UTC", (2026, 1, 31, 23, 59), (2026, 2, 1, 0, 0)),
        ("Asia/Shanghai", (2026, 3, 9, 23, 59), (2026, 3, 10, 0, 0)),
        ("Europe/Berlin", (2026, 3, 29, 23, 30), (2026, 3, 30, 0, 0)),
        ("Europe/Berlin", (2026, 10, 25, 23, 30), (2026, 10, 26, 0, 0)),
        ("America/Los_Angeles", (2026, 12, 31, 23, 59), (2027, 1, 1, 0, 0)),
        ("Asia/Kathmandu", (2026, 5, 4, 23, 59), (2026, 5, 5, 0, 0)),
    ],
)
async def test_the_daily_allowance_begins_anew_at_the_operators_midnight(store, zone, last, first):
    plan = Plan(name="one a day", daily_credits=10, max_running=9)
    evening, midnight = local(zone, *last), local(zone, *first)
    await store.tasks.accept(a_task(created_at=evening), (), plan, windows(evening, ZoneInfo(zone)))
    with pytest.raises(UserError):
        await store.tasks.accept(a_task(created_at=evening), (), plan, windows(evening, ZoneInfo(zone)))
    accepted = await store.tasks.accept(
        a_task(created_at=midnight), (), plan, windows(midnight, ZoneInfo(zone))
    )
    assert await store.tasks.get(accepted.id) == accepted


async def test_the_monthly_allowance_lasts_from_the_first_to_the_last(store):
    plan = Plan(name="two a month", monthly_credits=20, max_running=9)
    for day in (1, 31):
        moment = local("Europe/Berlin", 2026, 3, day, 23, 30)
        await store.tasks.accept(a_task(created_at=moment), (), plan, a_window(moment, "Europe/Berlin"))
    last = local("Europe/Berlin", 2026, 3, 31, 23, 59)
    with pytest.raises(UserError) as refused:
        await store.tasks.accept(a_task(created_at=last), (), plan, a_window(last, "Europe/Berlin"))
    april = local("Europe/Berlin", 2026, 4, 1)
    assert refused.value.params["resets_at"] == april
    usage = await store.credits.get_usage(ADA, a_window(april, "Europe/Berlin"))
    assert usage.month_spent == 0


async def test_what_is_released_tomorrow_was_not_spent_yesterday(store):
    task = await store.tasks.accept(a_task(), (), Plan(name="small", daily_credits=10), TODAY)
    tomorrow = after(DAY)
    await step(store, task, CancelRequested(), now=tomorrow)
    assert (await store.credits.get_usage(ADA, TODAY)).day_spent == 0
    assert (await store.credits.get_usage(ADA, a_window(tomorrow))).day_spent == 0


# -- transitions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", TaskState)
async def test_a_task_in_any_state_reads_back_as_it_was_applied(store, state):
    task = await stored(store, state)
    assert task.state is state
    assert await store.tasks.get(task.id) == task


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
async def test_every_end_settles_the_hold_once(store, state):
    task = await stored(store, state)
    rows = await store.credits.list_ledger(ADA)
    settlement = LedgerKind.CHARGE if state is TaskState.SUCCEEDED else LedgerKind.RELEASE
    assert [row.kind for row in rows] == [settlement, LedgerKind.HOLD]
    assert rows[0].idempotency_key == f"task:{task.id}:{settlement}"
    usage = await store.credits.get_usage(ADA, TODAY)
    spent = task.price if settlement is LedgerKind.CHARGE else 0
    assert (usage.held, usage.day_spent, usage.running) == (0, spent, 0)


async def test_a_success_writes_what_is_to_be_sent_in_order(store):
    task = await stored(store, TaskState.IN_PROGRESS, request=a_request(count=2))
    task = await step(store, task, Finished((a_video(1), a_video(2)), "1.5"))
    deliveries = await store.outbox.list_of(task.id)
    assert [(row.kind, row.position, row.video, row.state) for row in deliveries] == [
        (Product.VIDEO, 0, a_video(1), DeliveryState.PENDING),
        (Product.VIDEO, 1, a_video(2), DeliveryState.PENDING),
    ]
    assert deliveries[0].task == task


async def test_an_end_without_a_video_writes_a_notice(store):
    task = await stored(store, TaskState.FAILED)
    (notice,) = await store.outbox.list_of(task.id)
    assert (notice.kind, notice.video) == (None, None)


async def test_a_late_video_is_delivered_free(store):
    task = await stored(store, TaskState.EXPIRED)
    await step(store, task, Finished((a_video(),), "1"))
    assert [row.kind for row in await store.outbox.list_of(task.id)] == [
        None,
        Product.VIDEO,
    ]
    assert set(await sum_ledger(store)) == {LedgerKind.HOLD, LedgerKind.RELEASE}


async def test_a_stale_transition_conflicts_and_changes_nothing(store):
    stale = await stored(store)
    claimed = await step(store, stale, Claimed(OFFICIAL, after(LEASE), after(HOUR)))
    with pytest.raises(Conflict):
        await step(store, stale, CancelRequested())
    assert await store.tasks.get(stale.id) == claimed
    assert (await store.credits.get_usage(ADA, TODAY)).held == stale.price
    assert await store.outbox.list_of(stale.id) == []


async def test_a_callback_and_a_poll_cannot_both_win(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    finished = transition(task, Finished((a_video(),)), NOW)
    failed = transition(task, ProviderFailed(FailureKind.PROVIDER), NOW)
    answers = await asyncio.gather(
        *(store.tasks.apply(racer, NOW) for racer in (finished, failed) * 20), return_exceptions=True
    )
    assert Counter(type(answer).__name__ for answer in answers) == {"Task": 1, "Conflict": 39}
    totals = await sum_ledger(store)
    assert sum(count for kind, (count, _) in totals.items() if kind is not LedgerKind.HOLD) == 1


async def test_a_transition_of_a_task_that_was_never_accepted_conflicts(store):
    with pytest.raises(Conflict):
        await step(store, a_task(), CancelRequested())


async def test_many_tasks_with_many_ends_leave_the_ledger_even(store):
    states = list(TaskState) * 6
    tasks = await asyncio.gather(*(stored(store, state) for state in states))
    usage = await store.credits.get_usage(ADA, TODAY)
    succeeded = [task for task in tasks if task.state is TaskState.SUCCEEDED]
    active = [task for task in tasks if task.state in ACTIVE_STATES]
    assert usage.held == sum(task.price for task in active)
    assert usage.day_spent == sum(task.price for task in (*active, *succeeded))
    totals = await sum_ledger(store)
    assert {kind: count for kind, (count, _) in totals.items()} == {
        LedgerKind.HOLD: len(tasks),
        LedgerKind.CHARGE: len(succeeded),
        LedgerKind.RELEASE: len(tasks) - len(active) - len(succeeded),
    }


async def test_a_failing_intent_disturbs_no_neighbour_in_the_same_moment(store):
    first = a_task()
    answers = await asyncio.gather(
        store.tasks.accept(first, (), GENEROUS, TODAY),
        store.tasks.accept(a_task(id=first.id), [an_image(b"orphan")], GENEROUS, TODAY),
        step(store, a_task(), CancelRequested()),
        store.tasks.accept(a_task(), (), GENEROUS, TODAY),
        return_exceptions=True,
    )
    assert [type(answer).__name__ for answer in answers] == ["Task", "TaskIdTaken", "Conflict", "Task"]
    assert await store.drafts.get_attachments([an_image(b"orphan").ref]) == {}
    assert (await store.credits.get_usage(ADA, TODAY)).running == 2


async def test_a_caller_that_goes_away_takes_nothing_back(store):
    task = a_task()
    accepting = asyncio.create_task(store.tasks.accept(task, (), GENEROUS, TODAY))
    await asyncio.sleep(0)  # it has handed its work over
    accepting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await accepting
    await store.inbox.mark_processed(0, NOW)  # the next intent ends after it
    assert await store.tasks.get(task.id) == task


# -- ledger ------------------------------------------------------------------------------------------


async def test_an_operation_is_booked_once(store):
    grant = a_grant(10)
    answers = await asyncio.gather(*(book(store, grant) for _ in range(10)), return_exceptions=True)
    assert [type(answer) for answer in answers].count(sqlite3.IntegrityError) == 9
    assert (await store.credits.get_usage(ADA, TODAY)).balance == 10


async def test_the_ledger_shows_a_persons_newest_rows_first(store):
    rows = [a_grant(5, note="first", actor_id=XIAOLIN), a_grant(-3, kind=LedgerKind.ADJUST)]
    for row in (*rows, a_grant(9, account=AccountId.of_person(XIAOLIN))):
        await book(store, row)
    assert await store.credits.list_ledger(ADA) == rows[::-1]
    assert await store.credits.list_ledger(ADA, limit=1) == rows[1:]
    assert await sum_ledger(store) == {LedgerKind.GRANT: (2, 14), LedgerKind.ADJUST: (1, -3)}


async def test_a_person_nobody_knows_has_used_nothing(store):
    usage = await store.credits.get_usage(UserId(5), TODAY)
    assert (usage.balance, usage.held, usage.day_spent, usage.month_spent, usage.running) == (0, 0, 0, 0, 0)


# -- opening again -----------------------------------------------------------------------------------


async def test_everything_is_there_when_the_store_is_opened_again(open_store):
    before = await open_store()
    image = an_image()
    tasks = [await stored(before, state, images=[image], request=a_request(image)) for state in TaskState]
    await before.people.save_user(ADA, "Ada", "ada", "en", NOW)
    await before.drafts.save(a_draft())
    await before.inbox.receive([an_update(1), an_update(2)])
    await before.inbox.mark_processed(1, NOW)
    await book(before, a_grant(7))
    asked = [
        lambda store: store.people.get(ADA),
        lambda store: store.drafts.get(ADA, ADAS_CHAT),
        lambda store: store.inbox.list_unprocessed(),
        lambda store: store.inbox.get_last(),
        lambda store: store.credits.get_usage(ADA, TODAY),
        lambda store: store.credits.list_ledger(ADA, 100),
        lambda store: store.drafts.get_attachments([image.ref]),
        *(lambda store, task=task: store.tasks.get(task.id) for task in tasks),
        *(lambda store, task=task: store.outbox.list_of(task.id) for task in tasks),
    ]
    known = [await question(before) for question in asked]
    await before.close()
    after_it = await open_store()
    assert [await question(after_it) for question in asked] == known


async def test_a_closed_store_says_so(open_store):
    store = await open_store()
    await store.close()
    with pytest.raises(RuntimeError):
        await store.people.set_language(ADA, "en")
    with pytest.raises(RuntimeError):
        await store.people.get(ADA)


async def test_what_waits_is_finished_before_the_store_closes(open_store):
    store = await open_store()
    tasks = [a_task() for _ in range(50)]
    accepting = [asyncio.create_task(store.tasks.accept(task, (), GENEROUS, TODAY)) for task in tasks]
    await asyncio.sleep(0)  # they have handed their work over
    await store.close()
    assert await asyncio.gather(*accepting) == tasks


async def test_two_programs_on_one_store_see_each_others_work(open_store):
    one, other = await open_store(), await open_store()
    task = await stored(one, TaskState.IN_PROGRESS)
    racers = [
        transition(task, event, NOW)
        for event in (Finished((a_video(),)), ProviderFailed(FailureKind.PROVIDER))
    ]
    answers = await asyncio.gather(
        one.tasks.apply(racers[0], NOW), other.tasks.apply(racers[1], NOW), return_exceptions=True
    )
    assert Counter(type(answer).__name__ for answer in answers) == {"Task": 1, "Conflict": 1}
    assert await one.tasks.get(task.id) == await other.tasks.get(task.id)


async def test_what_was_spent_the_day_before_is_known_of_those_who_were_there(store):
    plan = Plan(name="carrying", daily_credits=10, carry_over=True)
    await store.people.save_user(ADA, "Ada", "ada", "en", NOW)
    await store.tasks.accept(a_task(price=Credits(4)), (), GENEROUS, TODAY)
    today, tomorrow = (
        await store.credits.get_usage(ADA, TODAY),
        await store.credits.get_usage(ADA, a_window(Millis(NOW + DAY))),
    )
    assert (today.spent_day_before, tomorrow.spent_day_before) == (None, 4)
    assert allowance_left(plan, tomorrow) == 16
