"""Sending: what leaves when, what an answer does to the credits and to the provider, and that nothing is sent twice."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.tasks.lifecycle import (
    Accepted,
    AnswerLost,
    CancelRequested,
    Claimed,
    DeadlinePassed,
    Deferred,
    Finished,
    KeptWaiting,
    ProvenAbsent,
    ProviderFailed,
    Refused,
    StillRunning,
    Unresolvable,
    WaitedTooLong,
)
from bot.domain.tasks.schedule import ABSENCE_PAUSE, SUBMISSION_LEASE
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.types import DAY, MINUTE, SECOND, Credits, Millis, UserId
from bot.services.ports import Job
from tests.builders import NOW, XIAOLIN, a_request, a_video, an_image, stored
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.services import (
    BACK,
    CHARGED,
    HELD,
    POLICY,
    A,
    ServiceWorld,
    absent,
    accepted,
    accepting,
    finishing,
    lost,
    refusal,
    running,
)
from tests.world.telegram import complaint

pytestmark = TELLS_OF_TIMEDELTA

DOWN = refusal(503, 5001, "unavailable")
BAD_KEY = refusal(401, 1002, "Authorization is invalid")
EMPTY = refusal(429, 1102, "Account balance not enough")


def submissions(world: ServiceWorld) -> list[str]:
    """The ids under which something was sent to the first provider."""
    return [body["external_task_id"] for body in world.to_kling.of("submit")]


async def open_until(world: ServiceWorld) -> int | None:
    """When the first provider takes a video again, in UTC milliseconds; None: now."""
    report = await world.services.providers.report(A, ask=False)
    return max([report.open_until or 0, *(outage.until for outage in report.outages)]) or None


# -- sending -----------------------------------------------------------------------------------------


async def test_a_queued_task_is_sent_under_our_own_id_and_is_then_in_progress(world):
    task = await stored(world.store)
    world.to_kling.answer("submit", accepted("kling-1"))
    await world.run(Job.DISPATCH)
    after = await world.now(task)
    assert (after.state, after.provider, after.provider_task_id) == (TaskState.IN_PROGRESS, A, "kling-1")
    assert after.submitted_at == NOW
    assert after.due_at > NOW
    (body,) = world.to_kling.of("submit")
    assert (body["prompt"], body["external_task_id"]) == ("a fox in the snow", task.external_task_id)
    assert "callback_url" not in body
    assert await world.money() == HELD


async def test_a_submission_names_the_providers_callback_address_where_there_is_one(bare):
    await bare.open(extra='[web]\nlisten = "127.0.0.1:0"\npublic_url = "https://bot.example.org"\n')
    await stored(bare.store)
    await bare.run(Job.DISPATCH)
    (body,) = bare.to_kling.of("submit")
    assert body["callback_url"].startswith(f"https://bot.example.org/callback/{A}/")


async def test_the_row_is_written_before_the_submission_leaves_and_not_after(world):
    task = await stored(world.store)
    seen: list[tuple[str, str, int]] = []

    async def looking(_: Request) -> Response:
        # Another connection sees only what is committed.
        seen.extend(world.rows("SELECT state, external_task_id, due_at FROM tasks"))
        return accepted()

    world.to_kling.answer("submit", looking)
    await world.run(Job.DISPATCH)
    assert seen == [("submitting", task.external_task_id, NOW + SUBMISSION_LEASE)]


async def test_an_answer_with_the_id_of_another_task_is_taken_for_lost_and_the_own_one_is_found(world):
    other = await world.a_running_task()
    task = await stored(world.store, user_id=XIAOLIN)
    world.to_kling.answer("submit", accepted(other.provider_task_id))
    await world.run(Job.DISPATCH)
    assert await world.state(task) is TaskState.UNCONFIRMED
    world.to_kling.answer("query", running("kling-2"))
    await world.run(Job.RECOVER)
    after = await world.now(task)
    assert (after.state, after.provider_task_id) == (TaskState.IN_PROGRESS, "kling-2")
    assert len(submissions(world)) == 1


async def test_of_two_answers_with_the_same_id_at_the_same_moment_one_is_taken(bare):
    await bare.open()
    bare.to_kling.always("submit", accepted())
    tasks = [await stored(bare.store, user_id=UserId(2000 + number)) for number in range(3)]
    await bare.run(Job.DISPATCH)
    states = sorted([await bare.state(task) for task in tasks])
    assert states == [TaskState.IN_PROGRESS, TaskState.UNCONFIRMED, TaskState.UNCONFIRMED]


async def test_two_ticks_at_once_send_a_task_once(world):
    await stored(world.store)
    await asyncio.gather(*(world.begin(Job.DISPATCH) for _ in range(3)))
    await world.drain()
    assert len(submissions(world)) == 1


async def test_a_tick_returns_before_the_answers_are_there(world):
    may_answer = asyncio.Event()

    async def slow(_: Request) -> Response:
        await may_answer.wait()
        return accepted()

    world.to_kling.answer("submit", slow)
    task = await stored(world.store)
    await asyncio.wait_for(world.begin(Job.DISPATCH), 5)
    assert await world.state(task) is TaskState.SUBMITTING
    may_answer.set()
    await world.drain()
    assert await world.state(task) is TaskState.IN_PROGRESS


async def test_a_provider_gets_no_more_tasks_than_it_has_slots_and_every_person_a_turn(bare):
    await bare.open(provider="max_concurrent = 2")
    for _ in range(3):
        await stored(bare.store, request=a_request(prompt="ada's"))
    await stored(bare.store, user_id=UserId(1002), request=a_request(prompt="xiaolin's"))
    for _ in range(2):
        await bare.run(Job.DISPATCH)
    assert sorted(body["prompt"] for body in bare.to_kling.of("submit")) == ["ada's", "xiaolin's"]
    assert bare.alerts == []


async def test_those_who_wait_for_a_full_provider_do_not_keep_others_from_a_free_one(bare):
    await bare.open(second=True, second_models='["kling-v1"]', provider="max_concurrent = 1")
    for number in range(2_000):
        await stored(bare.store, user_id=UserId(2000 + number))
    await stored(bare.store, user_id=UserId(9), request=a_request(model="kling-v1"))
    await bare.run(Job.DISPATCH)
    assert len(submissions(bare)) == len(bare.to_second.of("submit")) == 1
    # What waits for a blocked provider takes no turns, and does not count against a person's limit either.
    for _ in range(2):
        await stored(bare.store, user_id=UserId(2001), max_running=1)
    late = await stored(bare.store, user_id=UserId(2001), request=a_request(model="kling-v1"), max_running=1)
    await bare.run(Job.DISPATCH)
    assert await bare.state(late) is TaskState.IN_PROGRESS


# -- the order -----------------------------------------------------------------------------------------


async def finish_what_runs(world: ServiceWorld) -> None:
    """The provider has every video that it was asked for."""
    await world.run(Job.POLL, 30 * SECOND)


async def test_the_first_to_come_is_the_first_to_be_sent_also_while_others_come(bare):
    await bare.open(provider="max_concurrent = 1", polling="timeout = 86400")
    bare.to_kling.always("submit", accepting())
    bare.to_kling.always("query", finishing)
    waiting = []
    for number in range(12):
        waiting.append(await stored(bare.store, user_id=UserId(2000 + number)))
        await bare.run(Job.DISPATCH, SECOND)
    for number in range(12):
        await bare.run(Job.DISPATCH, 30 * SECOND)
        await bare.run(Job.POLL)
        # Whoever comes at the very moment when there is room goes to the end of the line.
        waiting.append(await stored(bare.store, user_id=UserId(3000 + number), created_at=bare.clock.now()))
        await bare.run(Job.DISPATCH)
    assert submissions(bare) == [task.external_task_id for task in waiting[:13]]


async def test_where_the_account_takes_fewer_than_the_settings_say_the_line_keeps_its_order(bare):
    await bare.open(provider="max_concurrent = 5")
    bare.to_kling.always("submit", refusal(429, 1303, "parallel task over resource pack limit"))
    ids = [(await stored(bare.store, user_id=UserId(2000 + number))).external_task_id for number in range(3)]
    await bare.run(Job.DISPATCH)
    for tried in ([ids[0]], [ids[0]], ids[1:]):
        before = len(submissions(bare))
        await bare.run(Job.DISPATCH, 3 * SECOND)
        assert sorted(submissions(bare)[before:]) == sorted(tried)
        bare.to_kling.always("submit", accepting())


async def test_priority_goes_first_then_everybodys_turn_then_age(bare):
    await bare.open(provider="max_concurrent = 1")
    bare.to_kling.always("submit", accepting())
    bare.to_kling.always("query", finishing)
    people = [2001, 2001, 2001, 2002, 2002, 2003]
    tasks = [await stored(bare.store, user_id=UserId(person)) for person in people]
    paid = [await stored(bare.store, user_id=UserId(2004), priority=5) for _ in range(2)]
    for _ in range(8):
        await bare.run(Job.DISPATCH)
        await finish_what_runs(bare)
    expected = [*paid, tasks[0], tasks[3], tasks[5], tasks[1], tasks[4], tasks[2]]
    assert submissions(bare) == [task.external_task_id for task in expected]


async def test_what_runs_already_counts_as_a_turn(bare):
    await bare.open(provider="max_concurrent = 2")
    bare.to_kling.always("query", running())
    await stored(bare.store)
    await bare.run(Job.DISPATCH)
    second, others = await stored(bare.store), await stored(bare.store, user_id=UserId(2002))
    await bare.run(Job.DISPATCH)
    assert [await bare.state(task) for task in (second, others)] == [TaskState.QUEUED, TaskState.IN_PROGRESS]


@pytest.mark.parametrize("answer", [refusal(429, 1303), refusal(429, 1302, "too fast", Retry_After="7")])
async def test_being_too_early_costs_no_place_in_line(bare, answer):
    await bare.open(provider="max_concurrent = 1")
    bare.to_kling.answer("submit", answer)
    first = await stored(bare.store)
    await bare.run(Job.DISPATCH)
    await stored(bare.store, user_id=UserId(2002))
    for _ in range(12):
        await bare.run(Job.DISPATCH, SECOND)
    assert submissions(bare) == [first.external_task_id] * 2


async def test_only_so_many_tasks_of_a_person_run_at_a_time_and_the_rest_is_in_nobodys_way(bare):
    await bare.open()
    bare.to_kling.answer("submit", *[accepted(f"kling-{number}") for number in range(5)])
    bare.to_kling.always("query", finishing)
    mine = [await stored(bare.store, max_running=2) for _ in range(4)]
    other = await stored(bare.store, user_id=UserId(2002), max_running=2)
    await bare.run(Job.DISPATCH)
    assert sorted(submissions(bare)) == sorted(task.external_task_id for task in (*mine[:2], other))
    await finish_what_runs(bare)
    await bare.run(Job.DISPATCH)
    assert sorted(submissions(bare)[3:]) == [task.external_task_id for task in mine[2:]]


async def test_nothing_is_written_about_what_merely_waits(bare):
    await bare.open(provider="max_concurrent = 1")
    for number in range(60):
        await stored(bare.store, user_id=UserId(2000 + number))
    await bare.run(Job.DISPATCH)
    with closing(sqlite3.connect(bare.database)) as db:
        # The version of the file that another connection sees changes with every commit.
        before = db.execute("PRAGMA data_version").fetchone()
        for _ in range(5):
            await bare.run(Job.DISPATCH, SECOND)
        assert db.execute("PRAGMA data_version").fetchone() == before


async def test_a_long_line_is_not_read_again_at_every_tick(bare):
    """Whole rows are read of those that are new in line or about to be sent."""
    await bare.open(second=True, second_models='["kling-v1"]', provider="max_concurrent = 1")
    for number in range(300):
        await stored(bare.store, user_id=UserId(2000 + number))
    await bare.run(Job.DISPATCH)
    with closing(sqlite3.connect(bare.database)) as db, db:
        # A row that nobody reads may hold anything.
        db.execute("UPDATE tasks SET request = 'no JSON' WHERE state = 'queued'")
    late = await stored(bare.store, user_id=UserId(9), request=a_request(model="kling-v1"))
    await bare.run(Job.DISPATCH)
    assert await bare.state(late) is TaskState.IN_PROGRESS


async def test_the_time_that_similar_tasks_took_decides_when_to_look_first(world):
    for _ in range(3):
        await stored(world.store, TaskState.SUCCEEDED)
    with sqlite3.connect(world.database) as db:
        db.execute(f"UPDATE tasks SET provider = '{A}', finished_at = submitted_at + 100000")
    db.close()
    task = await stored(world.store)
    await world.run(Job.DISPATCH)
    assert (await world.now(task)).due_at == NOW + 70 * SECOND


async def test_a_picture_goes_with_the_request_and_one_that_is_not_kept_ends_the_task(world):
    image = an_image()
    kept = await stored(world.store, images=[image], request=a_request(image))
    gone = await stored(world.store, request=a_request(an_image(b"another")))
    world.to_kling.answer("submit", accepted())
    await world.run(Job.DISPATCH)
    assert await world.state(kept) is TaskState.IN_PROGRESS
    after = await world.now(gone)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.PARAMETERS)
    assert submissions(world) == [kept.external_task_id]
    assert await world.money() == HELD


async def test_what_was_cancelled_or_waited_beyond_its_deadline_is_not_sent(world):
    await stored(world.store, TaskState.CANCELLED)
    await world.run(Job.DISPATCH)
    await stored(world.store)
    await world.run(Job.DISPATCH, DAY)
    assert submissions(world) == []


@pytest.mark.parametrize(
    "trouble",
    [
        complaint(429, "Too Many Requests: retry after 1", retry_after=1),
        complaint(403, "Forbidden: bot was blocked by the user"),
        complaint(400, "Bad Request: no"),
        complaint(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1_005),
    ],
)
async def test_a_chat_that_cannot_be_written_to_does_not_stop_the_work(world, trouble):
    world.to_telegram.answer("sendMessage", trouble, trouble)
    task = await stored(world.store)
    await world.run(Job.DISPATCH)
    assert await world.state(task) is TaskState.IN_PROGRESS


async def test_nothing_is_sent_to_a_provider_beyond_its_cap(bare):
    await bare.open(second=True, provider="daily_units = 1.5")
    for _ in range(3):
        await stored(bare.store, TaskState.QUEUED, price=Credits(10))
    await bare.run(Job.DISPATCH)
    assert (len(submissions(bare)), len(bare.to_second.of("submit"))) == (1, 2)


# -- refusals for good -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(400, 1301, "Failure to pass the risk control system"), FailureKind.CONTENT),
        (refusal(400, 1201, "model_name value 'x' is invalid"), FailureKind.PARAMETERS),
    ],
)
async def test_a_refusal_for_good_gives_the_credits_back_and_leaves_the_provider_well(two, answer, kind):
    two.to_kling.answer("submit", answer)
    task = await stored(two.store)
    await two.run(Job.DISPATCH)
    after = await two.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, kind)
    assert after.failure_detail
    assert await two.money() == BACK
    assert await open_until(two) is None
    assert two.alerts == []
    assert two.woken == {Job.DELIVER, Job.DISPATCH}
    assert await two.waiting(task) == ["notice"]
    await two.run(Job.DISPATCH)
    assert two.to_second.of("submit") == []


# -- not now -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (refusal(429, 1303, "parallel task over resource pack limit"), SECOND),
        (refusal(429, 1302, "too fast", Retry_After="7"), 7 * SECOND),
    ],
)
async def test_a_full_provider_keeps_the_hold_and_counts_no_attempt(world, answer, wait):
    world.to_kling.answer("submit", answer)
    task = await stored(world.store)
    await world.run(Job.DISPATCH)
    after = await world.now(task)
    assert (after.state, after.attempts, after.provider) == (TaskState.QUEUED, 0, None)
    assert after.due_at == NOW
    assert await open_until(world) == NOW + wait
    assert await world.money() == HELD
    assert world.alerts == []


async def test_a_full_provider_is_tried_as_often_as_it_takes_under_the_same_id(world):
    world.to_kling.answer("submit", *[refusal(429, 1303)] * 5)
    task = await stored(world.store)
    for _ in range(6):
        await world.run(Job.DISPATCH, 30 * SECOND)
    assert await world.state(task) is TaskState.IN_PROGRESS
    assert set(submissions(world)) == {task.external_task_id}


async def test_a_provider_that_is_down_is_tried_again_with_growing_pauses_and_then_given_up(world):
    world.to_kling.answer("submit", *[DOWN] * 3)
    task = await stored(world.store)
    pauses = []
    for _ in range(POLICY.retries):
        await world.run(Job.DISPATCH)
        after = await world.now(task)
        assert (after.state, await world.money()) == (TaskState.QUEUED, HELD)
        pauses.append(after.due_at - world.clock.now())
        world.clock.advance(pauses[-1])
    assert pauses[1] > pauses[0] >= SECOND
    await world.run(Job.DISPATCH)
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNAVAILABLE)
    assert await world.money() == BACK
    assert len(submissions(world)) == 1 + POLICY.retries


async def test_a_provider_that_is_down_again_and_again_rests_and_is_told_of_once(world):
    world.to_kling.always("submit", DOWN)
    for _ in range(6):
        await stored(world.store)
    await world.run(Job.DISPATCH)
    assert await open_until(world)
    await world.run(Job.DISPATCH, MINUTE)
    assert world.alerts == ["alert.provider.unavailable"]


# -- accounts that cannot be used ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "alert", "failure", "then"),
    [
        (BAD_KEY, "alert.provider.unauthorized", FailureKind.UNAVAILABLE, TaskState.QUEUED),
        (EMPTY, "alert.provider.pack_video", FailureKind.NO_UNITS, TaskState.FAILED),
        (
            refusal(429, 1101, "Account in arrears"),
            "alert.provider.balance",
            FailureKind.NO_UNITS,
            TaskState.FAILED,
        ),
    ],
)
async def test_an_account_that_cannot_be_used_is_told_of_once_and_rests(world, answer, alert, failure, then):
    both = asyncio.Barrier(2)

    async def once_both_are_there(_: Request) -> Response:
        # An answer to the first would close the account before the second is sent.
        await both.wait()
        return answer

    world.to_kling.always("submit", once_both_are_there)
    first, second = await stored(world.store), await stored(world.store)
    await world.run(Job.DISPATCH)
    for task in (first, second):
        after = await world.now(task)
        # People are not told what the account was told.
        assert (after.state, after.failure, after.failure_detail) == (TaskState.FAILED, failure, None)
    assert await world.money() == BACK
    assert world.alerts == [alert]
    assert await open_until(world)
    waiting = await stored(world.store)
    await world.run(Job.DISPATCH)
    assert await world.state(waiting) is then
    assert len(submissions(world)) == 2


@pytest.mark.parametrize(("answer", "alerts"), [(EMPTY, ["alert.provider.pack_video"]), (DOWN, [])])
async def test_where_one_provider_cannot_another_takes_the_task_at_once(two, answer, alerts):
    two.to_kling.answer("submit", answer)
    task = await stored(two.store)
    await two.run(Job.DISPATCH)
    after = await two.now(task)
    assert (after.state, after.excluded, after.due_at) == (TaskState.QUEUED, (A,), NOW)
    assert two.woken == {Job.DISPATCH}
    await two.run(Job.DISPATCH)
    after = await two.now(task)
    assert (after.state, after.provider) == (TaskState.IN_PROGRESS, "second")
    assert (len(submissions(two)), len(two.to_second.of("submit"))) == (1, 1)
    assert await two.money() == HELD
    assert two.alerts == alerts


async def test_where_every_provider_refuses_its_key_the_credits_come_back(two):
    two.to_kling.answer("submit", BAD_KEY)
    two.to_second.answer("submit", BAD_KEY)
    task = await stored(two.store)
    for _ in range(2):
        await two.run(Job.DISPATCH)
    after = await two.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNAVAILABLE)
    assert await two.money() == BACK
    assert two.alerts == ["alert.provider.unauthorized"] * 2


async def test_where_every_provider_was_down_for_a_moment_they_are_asked_again(two):
    two.to_kling.answer("submit", DOWN)
    two.to_second.answer("submit", *[DOWN] * 5)
    task = await stored(two.store)
    for _ in range(4):
        await two.run(Job.DISPATCH, 10 * SECOND)
    assert await two.state(task) is TaskState.IN_PROGRESS


async def test_a_task_that_no_provider_can_take_any_more_gives_its_credits_back(world):
    task = await stored(world.store, request=a_request(model="kling-v1"))
    await world.run(Job.DISPATCH)
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNAVAILABLE)
    assert await world.money() == BACK


# -- answers that were lost --------------------------------------------------------------------------


async def test_a_lost_answer_keeps_the_hold_and_is_asked_for_before_anything_is_sent_again(world):
    world.to_kling.answer("submit", lost())
    task = await stored(world.store)
    await world.run(Job.DISPATCH)
    assert await world.state(task) is TaskState.UNCONFIRMED
    assert await world.money() == HELD
    world.to_kling.answer("query", running("kling-9"))
    await world.run(Job.RECOVER)
    after = await world.now(task)
    assert (after.state, after.provider_task_id) == (TaskState.IN_PROGRESS, "kling-9")
    assert world.to_kling.paths[1:] == [f"/v1/videos/text2video/{task.external_task_id}"]
    assert Job.POLL in world.woken


async def test_a_lost_answer_to_a_task_that_is_finished_already_is_found_and_charged_once(world):
    world.to_kling.answer("submit", lost())
    task = await stored(world.store)
    await world.run(Job.DISPATCH)
    world.to_kling.always("query", finishing)
    await world.run(Job.RECOVER)
    await world.run(Job.POLL)
    assert await world.state(task) is TaskState.SUCCEEDED
    assert await world.money() == CHARGED


async def test_a_submission_is_repeated_only_when_it_is_proven_absent_and_under_the_same_id(world):
    world.to_kling.answer("submit", lost())
    world.to_kling.answer("query", absent(), absent())
    task = await stored(world.store)
    await world.run(Job.DISPATCH)
    await world.run(Job.RECOVER)
    once = await world.now(task)
    assert (once.state, once.due_at) == (TaskState.UNCONFIRMED, NOW + ABSENCE_PAUSE)
    await world.run(Job.RECOVER)
    assert len(world.to_kling.of("query")) == 1
    await world.run(Job.RECOVER, ABSENCE_PAUSE)
    assert await world.state(task) is TaskState.QUEUED
    assert await world.money() == HELD
    await world.run(Job.DISPATCH)
    assert await world.state(task) is TaskState.IN_PROGRESS
    assert submissions(world) == [task.external_task_id] * 2


async def test_after_a_copy_of_the_store_is_put_back_one_of_two_providers_proves_nothing(two):
    """Since the copy was made the task may have gone to the other one."""
    two.to_kling.answer("submit", lost())
    two.to_kling.always("query", absent())
    task = await stored(two.store)
    await two.run(Job.DISPATCH)
    await two.store.operations.set_setting("copied_at", str(NOW))
    two.clock.advance(SECOND)
    await two.restart()
    await two.run(Job.RECOVER)
    await two.run(Job.RECOVER, ABSENCE_PAUSE)
    after = await two.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert await two.money() == BACK
    later = await stored(two.store, created_at=two.clock.now())
    two.to_kling.answer("submit", lost())
    await two.run(Job.DISPATCH)
    await two.run(Job.RECOVER)
    await two.run(Job.RECOVER, ABSENCE_PAUSE)
    assert await two.state(later) is TaskState.QUEUED


async def test_a_provider_that_cannot_say_now_is_asked_again_later(world):
    world.to_kling.answer("submit", lost())
    world.to_kling.answer("query", DOWN)
    task = await stored(world.store)
    await world.run(Job.DISPATCH)
    await world.run(Job.RECOVER)
    after = await world.now(task)
    assert after.state is TaskState.UNCONFIRMED
    assert after.due_at > NOW
    assert len(submissions(world)) == 1
    assert await world.money() == HELD


async def test_a_duplicate_that_the_provider_refuses_means_that_the_task_is_there(world):
    world.to_kling.answer("submit", refusal(400, 1201, "external_task_id already exists"))
    world.to_kling.answer("query", running())
    task = await stored(world.store)
    await world.run(Job.DISPATCH)
    await world.run(Job.RECOVER)
    assert await world.state(task) is TaskState.IN_PROGRESS
    assert len(submissions(world)) == 1


async def test_where_nobody_can_be_asked_the_credits_come_back_and_the_operators_know(bare):
    await bare.open(dialect="generic", key="sk-demo-generic")
    bare.to_kling.answer("submit", lost())
    task = await stored(bare.store)
    await bare.run(Job.DISPATCH)
    await bare.run(Job.RECOVER)
    after = await bare.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert await bare.money() == BACK
    assert len(bare.to_kling.of("submit")) == 1
    (told,) = bare.events("operators are told")
    assert (told["alert"], told["about_id"]) == ("alert.task.unknown_outcome", task.id)


async def test_where_the_provider_is_no_longer_in_the_settings_the_credits_come_back(world):
    task = await stored(world.store, TaskState.UNCONFIRMED)
    await world.run(Job.RECOVER)
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert await world.money() == BACK


# -- crashes -----------------------------------------------------------------------------------------


async def crash_while_sending(world: ServiceWorld) -> None:
    """The process ends when the provider has the submission and the answer is not yet written."""
    arrived = world.to_kling.hold(lambda scope: scope["method"] == "POST", inside=True)
    await world.begin(Job.DISPATCH)
    await asyncio.wait_for(arrived.wait(), 5)
    await world.cut_off()


async def test_a_submission_whose_lease_ran_out_is_asked_for_and_not_sent_again(world):
    task = await stored(world.store)
    await crash_while_sending(world)
    await world.run(Job.RECOVER, SUBMISSION_LEASE - 1)
    assert await world.state(task) is TaskState.SUBMITTING
    await world.run(Job.RECOVER, 1)
    assert await world.state(task) is TaskState.IN_PROGRESS
    assert world.kling.submissions == {task.external_task_id: 1}
    assert await world.money() == HELD


async def test_at_start_nobody_waits_for_the_lease_of_the_last_process(world):
    task = await stored(world.store)
    await crash_while_sending(world)
    await world.restart()
    assert await world.state(task) is TaskState.UNCONFIRMED
    await world.run(Job.RECOVER)
    assert await world.state(task) is TaskState.IN_PROGRESS
    assert world.kling.submissions == {task.external_task_id: 1}


async def test_no_more_is_claimed_than_can_be_sent_at_once(bare):
    """A claim that waited for its turn could be sent after its lease, when its task has been given up."""
    await bare.open(provider="max_concurrent = 50")
    may_answer = asyncio.Event()

    async def slow(_: Request) -> Response:
        await may_answer.wait()
        return accepted()

    bare.to_kling.always("submit", slow)
    for number in range(20):
        await stored(bare.store, user_id=UserId(2000 + number))
    for _ in range(2):
        await bare.begin(Job.DISPATCH)
    states = bare.rows("SELECT state, count(*) FROM tasks GROUP BY state ORDER BY state")
    assert states == [("queued", 4), ("submitting", 16)]
    may_answer.set()
    await bare.drain()
    await bare.run(Job.DISPATCH)


async def test_a_claim_that_somebody_else_has_settled_is_not_sent_any_more(world):
    """Whoever settled it may have sent the task: only one of both may."""
    task = await stored(world.store)
    await world.begin(Job.DISPATCH)
    # The submission begins when this test next waits.
    with closing(sqlite3.connect(world.database)) as db, db:
        db.execute("UPDATE tasks SET version = version + 1 WHERE state = 'submitting'")
    await world.drain()
    assert world.events("a claim was lost before it was sent")
    assert await world.state(task) is TaskState.SUBMITTING
    assert submissions(world) == []


# -- waking --------------------------------------------------------------------------------------------

TAKES_UP = {
    TaskState.QUEUED: Job.DISPATCH,
    TaskState.UNCONFIRMED: Job.RECOVER,
    TaskState.IN_PROGRESS: Job.POLL,
}
EVENTS = (
    Claimed(A, Millis(NOW + SUBMISSION_LEASE), Millis(NOW + DAY)),
    WaitedTooLong(Millis(NOW + DAY)),
    KeptWaiting(Millis(NOW + DAY)),
    *(Accepted("kling-1", Millis(moment)) for moment in (NOW, NOW + 1)),
    *(Deferred(Millis(moment)) for moment in (NOW, NOW + 1)),
    *(AnswerLost(Millis(moment)) for moment in (NOW, NOW + 1)),
    *(StillRunning(Millis(moment)) for moment in (NOW, NOW + 1)),
    ProvenAbsent(NOW),
    CancelRequested(),
    Refused(FailureKind.CONTENT),
    Unresolvable(),
    Finished((a_video(),)),
    ProviderFailed(FailureKind.PROVIDER),
    DeadlinePassed(None),
)


@pytest.mark.parametrize("state", TaskState)
async def test_every_event_wakes_the_jobs_that_have_something_to_do_now(world, state):
    for event in EVENTS:
        task = await stored(world.store, state)
        before = await world.waiting(task)
        world.woken.clear()
        after = await world.services.tasks.advance(task, event)
        needed = set()
        if after is not None and after.state in TAKES_UP and after.due_at <= NOW:
            needed.add(TAKES_UP[after.state])
        if await world.waiting(task) != before:
            needed.add(Job.DELIVER)
        if after is not None and after.state.is_final and not state.is_final and after.provider is not None:
            # Its provider has room for another one.
            needed.add(Job.DISPATCH)
        assert needed <= world.woken <= needed | {Job.DISPATCH}, event
