"""Looking: until there is a video, a reason, or no time left; the credits are settled once."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.domain.requests.operations import Operation, Product
from bot.domain.requests.request import SourceVideo
from bot.domain.tasks.schedule import (
    ABSENCE_BELIEVED_AFTER,
    LATE_INTERVAL,
    LATE_LIMIT,
    QUERY_LEASE,
)
from bot.domain.tasks.task import FailureKind, Task, TaskState
from bot.domain.types import HOUR, MINUTE, SECOND, Millis, UserId
from bot.kling.health import DOWN_AFTER
from bot.services.ports import Job
from bot.services.tasks.poll import MANY, STRANGE_TOLD_AFTER
from tests.builders import ADA, LEASE, NOW, XIAOLIN, a_request
from tests.world.services import (
    BACK,
    CHARGED,
    HELD,
    POLICY,
    A,
    ServiceWorld,
    a_finished_row,
    a_row,
    absent,
    failed,
    finished,
    refusal,
    running,
    says,
)
from tests.world.telegram import complaint

DEADLINE = Millis(NOW + 20 * MINUTE)
LIST = "/v1/videos/text2video"


# -- what a look can mean ----------------------------------------------------------------------------


async def test_a_finished_video_is_charged_and_put_into_the_outbox_in_one_go(world):
    task = await world.a_running_task()
    world.to_kling.answer("query", finished("kling-1", "https://cdn.example/v.mp4"))
    await world.run(Job.POLL)
    after = await world.now(task)
    assert (after.state, after.real_cost, after.progress) == (TaskState.SUCCEEDED, "1.5", 100)
    assert await world.money() == CHARGED
    (delivery,) = await world.store.outbox.list_of(task.id)
    assert (delivery.kind, delivery.video.url) == (Product.VIDEO, "https://cdn.example/v.mp4")
    assert world.woken == {Job.DELIVER, Job.DISPATCH}


async def test_what_a_provider_adds_to_what_was_asked_for_is_left_out_and_the_task_is_charged_once(world):
    task = await world.a_running_task()
    world.to_kling.answer("query", finished("kling-1", "https://cdn.example/0", "https://cdn.example/1"))
    await world.run(Job.POLL)
    assert await world.waiting(task) == ["video"]
    assert await world.money() == CHARGED


async def test_a_gateway_that_repeats_the_video_that_was_sent_has_made_nothing_yet(world):
    sent = "https://cdn.example/the-one-that-was-sent.mp4"
    source = SourceVideo(provider=A, video_id="video-1", model="kling-v2-6", url=sent)
    task = await world.a_running_task(request=a_request(source=source, operation=Operation.VIDEO_TO_AUDIO))
    world.to_kling.answer(
        "query", finished("kling-1", sent), finished("kling-1", "https://cdn.example/v.mp4")
    )
    await world.run(Job.POLL)
    assert await world.state(task) is TaskState.IN_PROGRESS
    await world.run(Job.POLL, MINUTE)
    (delivery,) = await world.store.outbox.list_of(task.id)
    assert delivery.video.url == "https://cdn.example/v.mp4"


async def test_an_answer_about_another_task_of_the_provider_is_none(world):
    other = await world.a_running_task()
    task = await world.a_running_task(2, user_id=XIAOLIN)
    world.to_kling.always("query", finished(other.provider_task_id))
    await world.run(Job.POLL)
    assert [await world.state(each) for each in (other, task)] == [TaskState.SUCCEEDED, TaskState.IN_PROGRESS]
    # Nor is it one once the other has its result.
    await world.run(Job.POLL, MINUTE)
    assert await world.state(task) is TaskState.IN_PROGRESS
    assert await world.waiting(task) == []


async def test_an_id_that_no_other_task_has_may_be_one_more_of_the_same(world):
    task = await world.a_running_task()
    world.to_kling.answer("query", finished("the-id-of-the-gateways-provider"))
    await world.run(Job.POLL)
    assert await world.state(task) is TaskState.SUCCEEDED


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Failure to pass the risk control system", FailureKind.CONTENT),
        ("图片含有敏感内容", FailureKind.CONTENT),
        ("internal rendering error", FailureKind.PROVIDER),
        ("", FailureKind.PROVIDER),
    ],
)
async def test_a_failure_of_the_provider_gives_the_credits_back_with_its_reason(world, reason, kind):
    task = await world.a_running_task()
    world.to_kling.answer("query", failed(reason))
    await world.run(Job.POLL)
    after = await world.now(task)
    assert (after.state, after.failure, after.failure_detail) == (TaskState.FAILED, kind, reason or None)
    assert await world.money() == BACK
    assert await world.waiting(task) == ["notice"]


async def look_twice(world: ServiceWorld, first: Response, second: Response) -> None:
    """Two looks at once: the second begins when the lease of the first is over, and ends before it."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def held_back(_: Request) -> Response:
        asked.set()
        await answer.wait()
        return first

    world.to_kling.answer("query", held_back, second)
    await world.begin(Job.POLL)
    await asyncio.wait_for(asked.wait(), 5)
    world.clock.advance(QUERY_LEASE)
    await world.begin(Job.POLL)
    while len(world.to_kling.of("query")) < 2 or world.app.work[1].free < LOOKS - 1:
        await asyncio.sleep(0)
    answer.set()
    await world.drain()


LOOKS = 16
"""How many looks there are at once."""


@pytest.mark.parametrize(
    ("answer", "state", "money", "kind"),
    [
        (failed("broken"), TaskState.FAILED, BACK, "notice"),
        (finished(), TaskState.SUCCEEDED, CHARGED, "video"),
    ],
)
async def test_an_end_that_is_seen_twice_is_booked_and_told_once(world, answer, state, money, kind):
    task = await world.a_running_task()
    await look_twice(world, answer, answer)
    assert await world.state(task) is state
    assert await world.money() == money
    assert await world.waiting(task) == [kind]


async def test_of_two_looks_at_once_the_one_that_saw_the_end_is_not_lost(world):
    """The answer that was true a moment ago comes last: the task is looked at once more."""
    task = await world.a_running_task()
    await look_twice(world, finished(), running())
    assert await world.state(task) is TaskState.IN_PROGRESS
    assert world.woken == {Job.POLL}
    world.to_kling.answer("query", finished())
    await world.run(Job.POLL)
    assert await world.state(task) is TaskState.SUCCEEDED


async def test_a_task_that_still_runs_is_shown_and_looked_at_again(world):
    task = await world.a_running_task()
    world.to_kling.answer("query", says(a_row("kling-1", progress=40)))
    await world.run(Job.POLL)
    after = await world.now(task)
    assert (after.state, after.progress) == (TaskState.IN_PROGRESS, 40)
    assert POLICY.min_interval * 0.9 <= after.due_at - NOW <= POLICY.max_interval * 1.1
    (status,) = world.to_telegram.of("sendMessage")
    assert "40" in status["text"]
    assert await world.money() == HELD


async def test_the_longer_a_task_runs_the_more_rarely_it_is_looked_at_but_once_at_its_deadline(world):
    task = await world.a_running_task()
    await world.run(Job.POLL, 10 * MINUTE)
    pause = (await world.now(task)).due_at - world.clock.now()
    assert pause >= POLICY.max_interval * 0.9
    await world.run(Job.POLL, 10 * MINUTE - 2 * SECOND)
    assert (await world.now(task)).due_at == DEADLINE


@pytest.mark.parametrize("word", ["succeed", "post_processing"])
async def test_what_brings_no_video_is_never_taken_for_success(world, word):
    task = await world.a_running_task()
    world.to_kling.answer("query", says(a_row("kling-1", word)))
    await world.run(Job.POLL)
    assert await world.state(task) is TaskState.IN_PROGRESS
    assert await world.money() == HELD


# -- many at once ------------------------------------------------------------------------------------


async def many_running(world: ServiceWorld) -> list[Task]:
    return [await world.a_running_task(number) for number in range(1, MANY + 1)]


async def test_many_tasks_are_looked_at_with_one_question(world):
    tasks = await many_running(world)
    rows = [a_finished_row("kling-1"), a_row("kling-2", "failed", task_status_msg="no"), a_row("kling-3")]
    world.to_kling.answer("list", says(rows))
    await world.run(Job.POLL)
    states = [await world.state(task) for task in tasks]
    assert states == [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.IN_PROGRESS]
    assert world.to_kling.paths == [LIST]


async def test_what_is_not_on_the_list_is_asked_for_by_its_id(world):
    tasks = await many_running(world)
    world.to_kling.always("list", says([]))
    world.to_kling.answer("list", says([a_row("kling-1"), a_row("kling-3")]))
    world.to_kling.answer("query", finished("kling-2"))
    await world.run(Job.POLL)
    assert await world.state(tasks[1]) is TaskState.SUCCEEDED
    assert set(world.to_kling.paths[:-1]) == {LIST}
    assert world.to_kling.paths[-1] == f"{LIST}/kling-2"


async def test_a_list_that_cannot_be_had_leaves_every_task_waiting(world):
    tasks = await many_running(world)
    world.to_kling.answer("list", refusal(503, 5001, "unavailable"))
    await world.run(Job.POLL)
    assert {await world.state(task) for task in tasks} == {TaskState.IN_PROGRESS}
    assert world.to_kling.paths == [LIST]


async def test_a_provider_without_a_list_is_asked_about_each_task(bare):
    await bare.open(dialect="generic", key="sk-demo-generic")
    await many_running(bare)
    await bare.run(Job.POLL)
    assert sorted(bare.to_kling.paths) == [
        f"/v1/video/generations/kling-{number}" for number in range(1, MANY + 1)
    ]


async def test_a_thousand_tasks_cost_fifty_times_fewer_questions_than_one_each(bare, record_property):
    tasks, seconds = 1_000, 10
    # Where each task is asked for every 5 seconds.
    one_each = tasks * seconds // 5

    async def page(request: Request) -> Response:
        size, number = int(request.query_params["pageSize"]), int(request.query_params["pageNum"])
        first = (number - 1) * size + 1
        return says([a_row(f"kling-{row}") for row in range(first, min(first + size, tasks + 1))])

    await bare.open()
    bare.to_kling.always("list", page)
    for number in range(1, tasks + 1):
        await bare.a_running_task(number, user_id=UserId(number), price=0)
    bare.to_telegram.always("sendMessage", complaint(403, "Forbidden: bot was blocked by the user"))
    for _ in range(seconds):
        await bare.run(Job.POLL, SECOND)
    asked = len(bare.to_kling.calls)
    record_property("fewer", one_each / asked)
    assert asked * 50 <= one_each


# -- when the provider cannot tell -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "alerts"),
    [
        (refusal(503, 5001, "unavailable"), []),
        (refusal(500, 5000, "internal"), []),
        (refusal(429, 1302, "too fast"), []),
        (refusal(401, 1002, "Authorization is invalid"), ["alert.provider.unauthorized"]),
        (JSONResponse({"hello": "there"}), []),
    ],
    ids=["down", "broken", "too fast", "unauthorized", "garbage"],
)
async def test_trouble_while_looking_keeps_the_task_and_its_hold(world, answer, alerts):
    task = await world.a_running_task()
    world.to_kling.answer("query", answer)
    await world.run(Job.POLL)
    after = await world.now(task)
    assert after.state is TaskState.IN_PROGRESS
    assert after.due_at > NOW
    assert await world.money() == HELD
    assert world.alerts == alerts


async def test_a_provider_that_asks_for_patience_gets_it(world):
    task = await world.a_running_task()
    world.to_kling.answer("query", refusal(429, 1302, "too fast", Retry_After="45"))
    await world.run(Job.POLL)
    assert (await world.now(task)).due_at == NOW + 45 * SECOND


async def test_a_task_that_the_provider_does_not_know_is_not_given_up_at_once(world):
    """A task may be asked for before every machine of the provider knows of it; and some lose what they make."""
    task = await world.a_running_task()
    world.to_kling.always("query", absent())
    while world.clock.now() < NOW + ABSENCE_BELIEVED_AFTER:
        await world.run(Job.POLL)
        assert await world.state(task) is TaskState.IN_PROGRESS
        world.clock.advance(15 * SECOND)
    await world.run(Job.POLL)
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.EXPIRED, FailureKind.NOT_FOUND)
    assert await world.money() == BACK
    # It was believed, and is looked for all the same.
    await world.run(Job.POLL, LATE_INTERVAL)
    world.to_kling.always("query", finished())
    await world.run(Job.POLL, LATE_INTERVAL)
    assert await world.waiting(task) == ["notice", "video"]
    assert await world.money() == BACK


async def test_absence_counts_from_the_submission_and_anew_after_every_sign_of_life(world):
    """Three answers within four seconds are no proof; nor are many with a sign of life in between."""
    task = await world.a_running_task()
    world.to_kling.answer("query", *[absent()] * 5)
    for _ in range(5):
        await world.run(Job.POLL, 10 * SECOND)
    world.to_kling.answer("query", running())
    await world.run(Job.POLL, ABSENCE_BELIEVED_AFTER)
    world.to_kling.always("query", absent())
    for _ in range(5):
        await world.run(Job.POLL, 20 * SECOND)
    assert await world.state(task) is TaskState.IN_PROGRESS
    for _ in range(3):
        await world.run(Job.POLL, 30 * SECOND)
    assert await world.state(task) is TaskState.EXPIRED


async def test_a_refused_look_is_the_end_and_is_looked_for_on_but_not_after_a_refused_content(world):
    task = await world.a_running_task()
    world.to_kling.always("query", refusal(400, 1201, "the generation has failed"))
    await world.run(Job.POLL)
    after = await world.now(task)
    assert (after.state, after.failure, after.failure_detail) == (
        TaskState.EXPIRED,
        FailureKind.PROVIDER,
        "the generation has failed",
    )
    assert await world.money() == BACK
    for _ in range(3):
        await world.run(Job.POLL, LATE_INTERVAL)
    world.to_kling.always("query", finished())
    await world.run(Job.POLL, LATE_INTERVAL)
    assert await world.waiting(task) == ["notice", "video"]
    content = await world.a_running_task(2, user_id=XIAOLIN)
    world.to_kling.always("query", refusal(400, 1301, "Failure to pass the risk control system"))
    await world.run(Job.POLL)
    after = await world.now(content)
    assert (after.state, after.failure, after.due_at) == (TaskState.FAILED, FailureKind.CONTENT, None)
    assert await world.money() == BACK


async def test_one_task_whose_answers_are_odd_does_not_close_its_provider(world):
    await world.a_running_task()
    world.to_kling.always("query", says("this is no task"))
    for _ in range(2 * DOWN_AFTER):
        await world.run(Job.POLL, 20 * SECOND)
    report = await world.services.providers.report(A, ask=False)
    assert (report.open_until, world.alerts) == (None, [])


async def test_what_is_refused_of_a_list_is_said_of_none_of_the_tasks(world):
    tasks = await many_running(world)
    world.to_kling.always("list", refusal(400, 1201, "the page has failed"))
    await world.run(Job.POLL)
    assert {await world.state(task) for task in tasks} == {TaskState.IN_PROGRESS}
    assert world.to_kling.paths[1:] == [f"{LIST}/{task.provider_task_id}" for task in tasks]


async def test_a_provider_that_asks_for_an_hour_does_not_move_the_deadline(world):
    task = await world.a_running_task()
    world.to_kling.always("query", refusal(429, 1302, "too fast", Retry_After="3600"))
    await world.run(Job.POLL)
    assert (await world.now(task)).due_at == DEADLINE
    await world.run(Job.POLL, DEADLINE - NOW)
    assert await world.state(task) is TaskState.EXPIRED


@pytest.mark.parametrize(
    ("word", "alert"),
    [("polished", "alert.provider.unknown_word"), ("succeed", "alert.provider.no_address")],
)
async def test_what_nobody_understands_is_told_once_when_it_lasts(world, word, alert):
    for number, person in ((1, ADA), (2, XIAOLIN)):
        await world.a_running_task(number, user_id=person)

    async def strange(request: Request) -> Response:
        return says(a_row(request.url.path.rpartition("/")[2], word, created_at=1, secret="a prompt"))

    world.to_kling.always("query", strange)
    for _ in range(4):
        await world.run(Job.POLL, 20 * SECOND)
    assert world.alerts == []
    for _ in range(4):
        await world.run(Job.POLL, STRANGE_TOLD_AFTER)
    await world.restart()
    for _ in range(4):
        await world.run(Job.POLL, STRANGE_TOLD_AFTER)
    assert world.alerts == [alert]
    (told,) = world.events("operators are told")
    assert told["about_word"] == word
    assert {"created_at", "secret", "task_status"} <= set(told["about_keys"].replace("data.", "").split(", "))
    assert "a prompt" not in repr(told)


async def test_a_look_that_is_never_answered_comes_back_when_its_lease_ends(world):
    task = await world.a_running_task()
    claimed = await world.store.tasks.claim_due(NOW, LEASE, [TaskState.IN_PROGRESS], 10)
    assert [found.id for found in claimed] == [task.id]
    await world.run(Job.POLL)
    assert world.to_kling.paths == []
    await world.run(Job.POLL, LEASE)
    assert world.to_kling.paths == [f"{LIST}/kling-1"]


# -- deadlines and late videos -----------------------------------------------------------------------


async def test_a_deadline_gives_the_credits_back_but_only_after_one_more_look(world):
    late, just_in_time = await world.a_running_task(1), await world.a_running_task(2)
    world.to_kling.answer("query", running("kling-1"), finished("kling-2"))
    await world.run(Job.POLL, DEADLINE - NOW)
    after = await world.now(late)
    assert (after.state, after.failure) == (TaskState.EXPIRED, FailureKind.DEADLINE)
    assert after.due_at == DEADLINE + LATE_INTERVAL
    assert await world.waiting(late) == ["notice"]
    assert await world.state(just_in_time) is TaskState.SUCCEEDED
    assert await world.money() == CHARGED


async def test_a_timeout_is_not_taken_for_a_failure_a_late_video_still_comes_and_is_free(world):
    task = await world.a_running_task()
    await world.run(Job.POLL, DEADLINE - NOW)
    assert await world.money() == BACK
    await world.run(Job.POLL, LATE_INTERVAL)
    assert (await world.now(task)).due_at == world.clock.now() + LATE_INTERVAL
    world.to_kling.answer("query", finished())
    await world.run(Job.POLL, LATE_INTERVAL)
    after = await world.now(task)
    assert (after.state, after.due_at, after.real_cost) == (TaskState.EXPIRED, None, "1.5")
    assert await world.waiting(task) == ["notice", "video"]
    assert await world.money() == BACK


async def test_a_late_failure_is_no_news_and_refunds_nothing_a_second_time(world):
    task = await world.a_running_task()
    await world.run(Job.POLL, DEADLINE - NOW)
    world.to_kling.answer("query", failed("broken"))
    await world.run(Job.POLL, LATE_INTERVAL)
    assert (await world.now(task)).due_at is None
    assert await world.waiting(task) == ["notice"]
    assert await world.money() == BACK


async def test_after_a_day_a_late_video_is_no_longer_looked_for(world):
    task = await world.a_running_task()
    await world.run(Job.POLL, DEADLINE - NOW)
    await world.run(Job.POLL, LATE_LIMIT + HOUR)
    assert (await world.now(task)).due_at is None
    asked = len(world.to_kling.calls)
    await world.run(Job.POLL, HOUR)
    assert len(world.to_kling.calls) == asked


async def test_a_task_whose_provider_left_the_settings_ends_at_its_deadline(world):
    task = await world.a_running_task(provider="gone")
    await world.run(Job.POLL)
    assert await world.state(task) is TaskState.IN_PROGRESS
    await world.run(Job.POLL, DEADLINE - NOW)
    assert await world.state(task) is TaskState.EXPIRED
    assert await world.money() == BACK
