"""A provider that takes nothing for long: the pauses grow, the words stay, the admins know, nothing is promised."""

from itertools import groupby

import pytest
from starlette.responses import JSONResponse

from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.types import HOUR, MINUTE, SECOND, UserId
from bot.kling.health import BUSY_PAUSE_CAP, BUSY_TOLD_AFTER
from bot.services.ports import Job
from tests.builders import a_request, an_image, stored
from tests.world.services import BACK, A, ServiceWorld, accepting, failed, refusal, running

SATURATED = "当前分组上游负载已饱和，请稍后再试"
FULL = JSONResponse({"code": "fail_to_fetch_task", "message": SATURATED, "data": None}, 429)
"""What new-api makes of every 429 of whoever is behind it: no room, no money, too fast."""

JOBS = (Job.DISPATCH, Job.RECOVER, Job.POLL, Job.STATUS, Job.DELIVER)


@pytest.fixture
async def gateway(bare) -> ServiceWorld:
    """The bot with one gateway that is too busy for everything."""
    polling = "retries = 2\nwaiting = 3600\nanswering = 60"
    await bare.open(dialect="generic", key="sk-demo-generic", polling=polling)
    bare.to_kling.always("submit", FULL)
    return bare


async def drive(world: ServiceWorld, milliseconds: int, step: int = SECOND) -> None:
    """Run what runs by the clock for so long."""
    for _ in range(milliseconds // step):
        for job in JOBS:
            await world.run(job)
        world.clock.advance(step)


def shown(world: ServiceWorld) -> list[str]:
    """The first line of the status, each time that it was another one."""
    texts = [
        params["text"]
        for name, params in world.to_telegram.calls
        if name in {"sendMessage", "editMessageText"}
    ]
    return [line for line, _ in groupby(text.partition("\n")[0] for text in texts)]


async def test_the_pauses_grow_and_the_operators_are_told_once(gateway):
    image = an_image()
    await stored(
        gateway.store, images=[image], request=a_request(image), waits_until=gateway.clock.now() + HOUR
    )
    await drive(gateway, 30 * SECOND)
    assert 3 <= len(gateway.to_kling.of("submit")) <= 5
    await drive(gateway, BUSY_TOLD_AFTER - 40 * SECOND, 2 * SECOND)
    assert gateway.alerts == []
    before = len(gateway.to_kling.of("submit"))
    await drive(gateway, 10 * MINUTE, 10 * SECOND)
    assert len(gateway.to_kling.of("submit")) - before <= 10 * MINUTE // BUSY_PAUSE_CAP + 1
    (told,) = gateway.events("operators are told")
    assert (told["alert"], told["about_provider"]) == ("alert.provider.busy", A)
    assert SATURATED in told["about_detail"]


async def test_the_status_says_all_the_time_that_kling_is_busy(gateway):
    await stored(gateway.store)
    await drive(gateway, 2 * MINUTE)
    first, *rest = shown(gateway)
    assert first == "Sending it to Kling"
    assert rest == ["Kling is busy right now"]


async def test_what_no_provider_ever_took_could_not_be_started_and_promises_nothing(gateway):
    task = await stored(gateway.store)
    await drive(gateway, 25 * MINUTE, 10 * SECOND)
    after = await gateway.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.WAITED)
    assert await gateway.money() == BACK
    notice = shown(gateway)[-1]
    assert "could not be started" in notice
    assert "free" not in notice


async def test_as_soon_as_a_task_ends_there_may_be_room_for_the_next(bare):
    await bare.open()
    bare.to_kling.always("submit", accepting())
    bare.to_kling.always("query", running())
    first = await stored(bare.store)
    await bare.run(Job.DISPATCH)
    bare.to_kling.always("submit", refusal(429, 1303, "parallel task over resource pack limit"))
    second = await stored(bare.store, user_id=UserId(2002))
    await drive(bare, 3 * MINUTE, 5 * SECOND)
    tried = len(bare.to_kling.of("submit"))
    await drive(bare, 10 * SECOND)
    assert len(bare.to_kling.of("submit")) == tried
    bare.to_kling.answer("query", failed("broken"))
    bare.to_kling.always("submit", accepting())
    await bare.services.tasks.poll_now(A, first.external_task_id, None)
    await bare.run(Job.POLL)
    assert await bare.state(first) is TaskState.FAILED
    await bare.run(Job.DISPATCH)
    assert await bare.state(second) is TaskState.IN_PROGRESS
